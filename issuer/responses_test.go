package issuer

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
)

// TestResponses holds the response code for each reason, and the step that
// names it. Each case changes an approved payment of 12.50.
func TestResponses(t *testing.T) {
	status := func(pan emv.PAN, s Status) func(*bank, *iso8583.Message) {
		return func(b *bank, _ *iso8583.Message) {
			require.NoError(b.t, b.SetStatus(context.Background(), pan, s))
		}
	}
	field := func(change func(*iso8583.Message)) func(*bank, *iso8583.Message) {
		return func(_ *bank, m *iso8583.Message) { change(m) }
	}
	account := func(change func(*Account)) func(*bank, *iso8583.Message) {
		return func(b *bank, _ *iso8583.Message) {
			require.NoError(b.t, b.store.Update(context.Background(), nil, func(tx *Tx) error {
				a, _, err := tx.Account("A")
				change(&a)
				tx.PutAccount(a)
				return err
			}))
		}
	}
	tagOf := func(tag emv.Tag, value string) func(*bank, *iso8583.Message) {
		return func(b *bank, m *iso8583.Message) { m.ICCData = replaceValue(b.t, m.ICCData, tag, unhex(value)) }
	}
	resign := func(change func(*tap)) func(*bank, *iso8583.Message) {
		return func(b *bank, m *iso8583.Message) {
			p := plasticTap(1, 12_50)
			change(&p)
			m.ICCData = p.icc(b.t)
		}
	}
	// service is the payment as another type, with cash of it where given.
	service := func(processing string, told byte, other ...int64) func(*bank, *iso8583.Message) {
		return func(b *bank, m *iso8583.Message) {
			p := plasticTap(1, 12_50)
			e := p.elements()
			e.Type = told
			for _, v := range other {
				copy(e.AmountOther[:], emv.AppendBCD(nil, uint64(v), 6))
			}
			m.ProcessingCode, m.ICCData = processing, signed(b.t, p, &e)
		}
	}
	cashbackField := func(text string) func(*bank, *iso8583.Message) {
		return func(b *bank, m *iso8583.Message) {
			service("090000", 0x09, 5_00)(b, m)
			m.AdditionalAmounts = text
		}
	}
	for _, c := range []struct {
		name   string
		change func(*bank, *iso8583.Message)
		code   Code
		step   string
		text   string
	}{
		{"as it is", field(func(*iso8583.Message) {}), Approved, "posting", "a hold"},
		{"nothing asked", func(b *bank, m *iso8583.Message) {
			*m = *plasticTap(1, 0).message(b.t, iso8583.AuthorisationRequest, 1)
		}, Approved, "posting", "the amount is zero"},

		{"no account number", field(func(m *iso8583.Message) { m.PAN, m.Track2 = "", "" }), FormatError, "format", "field 2"},
		{"processing code", field(func(m *iso8583.Message) { m.ProcessingCode = "00" }), FormatError, "format", "field 3"},
		{"no amount", field(func(m *iso8583.Message) { m.Amount = nil }), FormatError, "format", "field 4"},
		{"no time", field(func(m *iso8583.Message) { m.TransmissionTime = "" }), FormatError, "format", "field 7"},
		{"month 13", field(func(m *iso8583.Message) { m.TransmissionTime = "1301120000" }), FormatError, "format", "field 7"},
		{"STAN of zeros", field(func(m *iso8583.Message) { m.STAN = "000000" }), FormatError, "format", "field 11"},
		{"expiry", field(func(m *iso8583.Message) { m.Expiry = "491" }), FormatError, "format", "field 14"},
		{"entry mode", field(func(m *iso8583.Message) { m.EntryMode = "7" }), FormatError, "format", "field 22"},
		{"sequence", field(func(m *iso8583.Message) { m.PANSequence = "1" }), FormatError, "format", "field 23"},
		{"no terminal", field(func(m *iso8583.Message) { m.TerminalID = "        " }), FormatError, "format", "field 41"},
		{"terminal of NULs", field(func(m *iso8583.Message) { m.TerminalID = "TAPS\x00\x00\x00\x00" }), FormatError, "format", "field 41"},
		{"merchant with a line feed", field(func(m *iso8583.Message) { m.MerchantID = "SHOP\n2030-01-01" }), FormatError, "format", "field 42"},
		{"reference with an escape", field(func(m *iso8583.Message) { m.RRN = "\x1b[2J" }), FormatError, "format", "field 37"},
		{"no currency", field(func(m *iso8583.Message) { m.Currency = "" }), FormatError, "format", "field 49"},
		{"chip data cut off", field(func(m *iso8583.Message) { m.ICCData = m.ICCData[:20] }), FormatError, "format", "field 55 TLV data"},
		{"no counter", field(func(m *iso8583.Message) { m.ICCData = m.ICCData[:11] }), FormatError, "format", "field 55 has no"},
		{"no chip data", field(func(m *iso8583.Message) { m.ICCData = nil }), FormatError, stepCryptogram, "field 55 is missing"},
		{"stripe", field(func(m *iso8583.Message) { m.ICCData, m.EntryMode = nil, "901" }), NotPermitted, stepCryptogram, "fallback"},

		{"foreign range", field(func(m *iso8583.Message) { m.PAN, m.Track2 = "4012888888881881", "" }), NoSuchCard, "card", "none of the bank's ranges"},
		{"check digit", field(func(m *iso8583.Message) { m.PAN, m.Track2 = "4761739001010118", "" }), NoSuchCard, "card", "check digit"},
		{"unknown card", field(func(m *iso8583.Message) {
			m.PAN, m.Track2 = string(emv.WithCheckDigit("476173900199999")), ""
		}), NoSuchCard, "card", "no card 476173******"},
		{"other sequence number", func(b *bank, m *iso8583.Message) {
			p := plasticTap(1, 12_50)
			p.psn = "02"
			m.ICCData, m.PANSequence = p.icc(b.t), "002"
		}, NoSuchCard, "consistency", "sequence number 02"},

		{"expired", func(b *bank, _ *iso8583.Message) { b.now = time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC) }, Expired, "expiry", "12/2049"},
		{"another expiry", field(func(m *iso8583.Message) { m.Expiry, m.Track2 = "5012", "" }), Expired, "expiry", "field 14"},
		{"inactive", status(testCard, StatusInactive), Restricted, "status", "the card is inactive"},
		{"suspended", status(testCard, StatusSuspended), Restricted, "status", "the card is suspended"},
		{"deactivated", status(testCard, StatusDeactivated), NoSuchCard, "status", "the card is deactivated"},
		{"lost", status(testCard, StatusLost), Lost, "status", "the card is lost"},
		{"stolen", status(testCard, StatusStolen), Stolen, "status", "the card is stolen"},
		{"account suspended", account(func(a *Account) { a.Status = StatusSuspended }), Restricted, "status", "the account is suspended"},
		{"account closed", func(b *bank, _ *iso8583.Message) {
			_, err := b.CloseAccount(bg, AccountRequest{Account: "A", PayOut: true})
			require.NoError(b.t, err)
		}, Closed, "status", "the account is closed"},

		{"track 2 of another card", field(func(m *iso8583.Message) { m.Track2 = "4761739001010127=4912201" }), SecurityViolation, "consistency", "field 35"},
		{"track 2 of another date", field(func(m *iso8583.Message) { m.Track2 = string(testCard) + "=5012201" }), SecurityViolation, "consistency", "expiry"},
		{"no track 2", field(func(m *iso8583.Message) { m.Track2 = "47617390" }), FormatError, "consistency", "no track 2"},
		{"5A of another card", tagOf(emv.TagPAN, "4761739001010127"), SecurityViolation, "consistency", "5A"},
		{"57 of another card", tagOf(emv.TagTrack2, "4761739001010127D4912201"), SecurityViolation, "consistency", "57"},
		{"5F34 of another card", tagOf(emv.TagPANSequence, "02"), SecurityViolation, "consistency", "5F34"},
		{"84 of another brand", tagOf(emv.TagDFName, "A0000000041010"), SecurityViolation, "consistency", "application of mastercard"},
		{"another amount", field(func(m *iso8583.Message) { *m.Amount = 12_51 }), SecurityViolation, "consistency", "field 4 asks for 12.51 EUR"},
		{"another currency", field(func(m *iso8583.Message) { m.Currency = "840" }), SecurityViolation, "consistency", "field 49"},
		{"foreign currency", resignIn("840", [2]byte{0x08, 0x40}), NotPermitted, "currency", "the account is in EUR, the payment in USD; the bank has no rate to convert at"},

		{"wrong cryptogram", tagOf(emv.TagCryptogram, "0000000000000000"), WrongCryptogram, stepCryptogram, "expected"},
		{"unknown key index", resign(func(p *tap) { p.iad = unhex("06091203A00000") }), WrongCryptogram, stepCryptogram, "visa (01), visa-test (02)"},
		{"no recipe", tagOf(emv.TagIAD, "06011303A00000"), WrongCryptogram, stepCryptogram, "no recipe for visa cryptogram version 13"},
		{"AAC", resign(func(p *tap) { p.decide(emv.AAC) }), DoNotHonour, stepType, "AAC"},
		{"TC", resign(func(p *tap) { p.decide(emv.TC) }), Approved, stepType, "TC fits a message of type 0100"},
		{"reserved type", resign(func(p *tap) { p.decide(emv.RFU) }), InvalidTransaction, stepType, "neither"},
		{"ARQC by 9F27, AAC by what is signed", resign(func(p *tap) { p.decide(emv.AAC); p.cid = 0x80 }), SecurityViolation, stepType,
			"9F27 says ARQC, the card verification results in 9F10 say AAC"},
		{"AAC by 9F27, ARQC by what is signed", resign(func(p *tap) { p.cid = 0 }), SecurityViolation, stepType, "9F27 says AAC"},
		{"AAC, no 9F27", func(b *bank, m *iso8583.Message) {
			p := plasticTap(1, 12_50)
			p.decide(emv.AAC)
			list, err := emv.ParseList(p.icc(b.t))
			require.NoError(b.t, err)
			m.ICCData = list[2:].Append(list[:1].Append(nil))
		}, DoNotHonour, stepType, "AAC"},

		{"deposit", service("210000", 0x21), NotSupported, "service", "21"},
		{"a refund that says purchase", service("000000", 0x20), SecurityViolation, "consistency", "field 3 asks for transaction type 00, the card was told 9C 20"},
		{"a purchase that says refund", service("200000", 0x00), SecurityViolation, "consistency", "9C 00"},
		{"cash", service("010000", 0x01), Approved, "posting", "a hold"},
		{"cash disbursement", service("170000", 0x17), Approved, "posting", "a hold"},
		{"cash by two names", service("170000", 0x01), Approved, "posting", "a hold"},
		{"cashback", service("090000", 0x09, 5_00), Approved, "posting", "a hold"},
		{"cashback of all", service("090000", 0x09, 12_50), Approved, "posting", "a hold"},
		{"cashback above the amount", service("090000", 0x09, 12_51), SecurityViolation, "consistency", "of 9F02 000000001250 no 9F03 000000001251"},
		{"cash with a purchase", service("000000", 0x00, 5_00), SecurityViolation, "consistency", "type 00 is no purchase with cashback"},
		{"cashback in field 54", cashbackField("0040978D000000000500"), Approved, "posting", "a hold"},
		{"and a balance", cashbackField("0002978C0000000099990040978D000000000500"), Approved, "posting", "a hold"},
		{"another cashback in field 54", cashbackField("0040978D000000000501"), SecurityViolation, "consistency", "field 54 pays out 5.01 EUR"},
		{"cashback in another currency", cashbackField("0040840D000000000500"), SecurityViolation, "consistency", "currency 840"},
		{"half a field 54", cashbackField("0040978D0000000005"), FormatError, "format", "field 54"},
		{"field 54 without a sign", cashbackField("0040978X000000000500"), FormatError, "format", "field 54"},
		{"cashback twice", cashbackField("0040978D0000000005000040978D000000000500"), FormatError, "format", "twice"},
		{"cashback in field 54 alone", field(func(m *iso8583.Message) { m.AdditionalAmounts = "0040978D000000000500" }), SecurityViolation, "consistency", "field 54"},

		{"another service code", field(func(m *iso8583.Message) { m.Track2 = string(testCard) + "=4912101" }), SecurityViolation, "consistency", "field 35 does not have the service code"},
		{"another service code in 57", tagOf(emv.TagTrack2, "4761739001010119D4912101"), SecurityViolation, "consistency", "57 does not have the service code"},
		{"another expiry in 57", tagOf(emv.TagTrack2, "4761739001010119D5012201"), SecurityViolation, "consistency", "field 14 and 57 name different expiry"},
		{"another expiry, track 2 alone", field(func(m *iso8583.Message) { m.Expiry, m.Track2 = "", string(testCard)+"=5012201" }), Expired, "expiry", "field 35"},
		{"another expiry, 57 alone", func(b *bank, m *iso8583.Message) {
			m.Expiry, m.Track2 = "", ""
			tagOf(emv.TagTrack2, "4761739001010119D5012201")(b, m)
		}, Expired, "expiry", "57"},
		{"track 2 without a service code", field(func(m *iso8583.Message) { m.Track2 = string(testCard) + "=4912" }), FormatError, "consistency", "no track 2"},

		{"chip data of a stripe", field(func(m *iso8583.Message) { m.EntryMode = "901" }), SecurityViolation, "consistency", "no chip was read (901)"},
		{"chip data typed in", field(func(m *iso8583.Message) { m.EntryMode = "010" }), SecurityViolation, "consistency", "field 55"},
		{"contact", field(func(m *iso8583.Message) { m.EntryMode = "051" }), Approved, "posting", "a hold"},
		{"sequence number 101", field(func(m *iso8583.Message) { m.PANSequence = "101" }), FormatError, "format", "field 23 is not 000 to 099"},

		{"over the limit", func(b *bank, m *iso8583.Message) {
			*m = *plasticTap(1, 1_000_01).message(b.t, iso8583.AuthorisationRequest, 1)
		}, OverLimit, "funds", "1000.01 EUR is over the limit of 1000.00 EUR"},
		{"too little money", func(b *bank, m *iso8583.Message) {
			*m = *plasticTap(1, 500_01).message(b.t, iso8583.AuthorisationRequest, 1)
		}, InsufficientFunds, "funds", "500.01 EUR is asked, 500.00 EUR is available"},
		{"all the money", func(b *bank, m *iso8583.Message) {
			*m = *plasticTap(1, 500_00).message(b.t, iso8583.AuthorisationRequest, 1)
		}, Approved, "funds", "500.00 EUR is asked"},
	} {
		b := newBank(t, nil)
		m := plasticTap(1, 12_50).message(t, iso8583.AuthorisationRequest, 1)
		c.change(b, m)
		answer, report := b.handle(m)
		require.Equal(t, string(c.code), answer.ResponseCode, "%s: %+v", c.name, report.Steps)
		require.Contains(t, report.find(c.step).Text, c.text, c.name)
		require.Equal(t, c.code, report.Code, c.name)
		require.NotEmpty(t, report.Meaning, c.name)
		if m.ICCData == nil {
			require.Equal(t, Skipped, report.Cryptogram, "%s: there is none to be wrong", c.name)
		}
		if c.code != Approved {
			require.Zero(t, b.account().Held, c.name)
			require.Empty(t, answer.AuthorisationCode, c.name)
		}
		b.audit()

		// The same with nobody looking.
		quiet := newBank(t, nil)
		m = plasticTap(1, 12_50).message(t, iso8583.AuthorisationRequest, 1)
		c.change(quiet, m)
		silent, err := quiet.Handle(context.Background(), m, nil)
		require.NoError(t, err)
		require.Equal(t, answer, silent.Message, c.name)
	}
}

// resignIn makes the payment in another currency, cryptogram and all.
func resignIn(code string, coded [2]byte) func(*bank, *iso8583.Message) {
	return func(b *bank, m *iso8583.Message) {
		p := plasticTap(1, 12_50)
		e := p.elements()
		e.Currency = coded
		m.Currency, m.ICCData = code, signed(b.t, p, &e)
	}
}

// TestAnswerCarriesBack pins the fields of an answer.
func TestAnswerCarriesBack(t *testing.T) {
	b := newBank(t, nil)
	m := plasticTap(1, 12_50).message(t, iso8583.FinancialRequest, 7)
	answer, _ := b.handle(m)
	require.Len(t, answer.ICCData, 10)
	require.Equal(t, unhex("9108"), answer.ICCData[:2])
	require.Equal(t, unhex("00800000"), answer.ICCData[6:], "issuer approves online transaction")
	require.Regexp(t, "^[0-9]{6}$", answer.AuthorisationCode)
	want := &iso8583.Message{
		MTI: "0210", PAN: m.PAN, ProcessingCode: "000000", Amount: m.Amount, TransmissionTime: "0101120000", STAN: "000007", LocalTime: "130000", LocalDate: "0101",
		AcquirerID: "12345", RRN: m.RRN, AuthorisationCode: answer.AuthorisationCode, ResponseCode: "00", TerminalID: "TAPSIM01", MerchantID: "TAPSIM-MERCH-01",
		Currency: "978", ICCData: answer.ICCData,
	}
	require.Equal(t, want, answer)

	m = plasticTap(2, 12_50).message(t, iso8583.FinancialRequest, 8)
	m.RRN = ""
	answer, _ = b.handle(m)
	require.Equal(t, "000112000008", answer.RRN, "year digit, day, hour, trace number")

	declined, _ := b.handle(plasticTap(3, 900_00).message(t, iso8583.AuthorisationRequest, 9))
	require.Equal(t, "51", declined.ResponseCode)
	require.Equal(t, unhex("00000000"), declined.ICCData[6:], "a decline is authenticated too, without the approval bit")
}

func TestNetworkMessages(t *testing.T) {
	b := newBank(t, nil)
	for code, want := range map[string]string{"001": "00", "002": "00", "201": "00", "301": "00", "161": "40", "": "30", "3": "30"} {
		answer, _ := b.handle(&iso8583.Message{MTI: "0800", TransmissionTime: "0101120000", STAN: "000001", NetworkCode: code})
		require.Equal(t, want, answer.ResponseCode, code)
		require.Equal(t, iso8583.NetworkResponse, answer.MTI)
		require.Equal(t, code, answer.NetworkCode)
	}
	for _, mti := range []iso8583.MTI{"", "0110", "0300", "0100x", "1100", "0421x", "99"} {
		a, err := b.Handle(context.Background(), &iso8583.Message{MTI: mti}, nil)
		require.NoError(t, err)
		require.Nil(t, a.Message, mti)
	}
}

// TestFallback lets payments without chip data pass when the configuration
// says so, and only when field 22 does not speak of a chip.
func TestFallback(t *testing.T) {
	b := newBank(t, func(c *Config) { c.Fallback = true })
	m := plasticTap(1, 12_50).message(t, iso8583.AuthorisationRequest, 1)
	m.ICCData, m.EntryMode = nil, "801"
	answer, report := b.handle(m)
	require.Equal(t, "00", answer.ResponseCode)
	require.Equal(t, Skipped, report.Cryptogram)
	require.Nil(t, answer.ICCData)
	m.EntryMode, m.STAN, m.RRN = "071", "000002", ""
	answer, _ = b.handle(m)
	require.Equal(t, "30", answer.ResponseCode)
}

// TestReportsHideTheCard looks for the account number in what is said about
// declined payments, which quote what came.
func TestReportsHideTheCard(t *testing.T) {
	for _, change := range []func(*iso8583.Message){
		func(m *iso8583.Message) { m.PAN = "4761739001010118" },
		func(m *iso8583.Message) { m.PAN = "4761739001010119x" },
		func(m *iso8583.Message) { m.Track2 = "4761739001010127=4912201" },
		func(m *iso8583.Message) { m.ICCData[3] ^= 1 },
	} {
		b := newBank(t, nil)
		m := plasticTap(1, 12_50).message(t, iso8583.AuthorisationRequest, 1)
		change(m)
		_, report := b.handle(m)
		for _, s := range report.Steps {
			text := s.Text
			for _, d := range s.Details {
				text += d.Name + d.Value + d.Text
			}
			require.False(t, strings.Contains(text, "47617390010101"), text)
		}
	}
}
