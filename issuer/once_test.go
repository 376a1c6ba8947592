package issuer

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
)

// reversalOf is the reversal of a message, with field 90.
func reversalOf(m *iso8583.Message, mti iso8583.MTI, stan int) *iso8583.Message {
	amount := *m.Amount
	return &iso8583.Message{
		MTI: mti, PAN: m.PAN, ProcessingCode: m.ProcessingCode, Amount: &amount, TransmissionTime: "0101120100", STAN: fmt.Sprintf("%06d", stan),
		AcquirerID: m.AcquirerID, RRN: m.RRN, TerminalID: m.TerminalID, MerchantID: m.MerchantID, Currency: m.Currency,
		OriginalData: string(original(m.MTI)) + m.STAN + m.TransmissionTime + fmt.Sprintf("%011s", m.AcquirerID) + "00000000000",
	}
}

func clone(m *iso8583.Message) *iso8583.Message {
	c := *m
	return &c
}

func TestRepeatGetsTheFirstAnswer(t *testing.T) {
	for _, mti := range []iso8583.MTI{"0100", "0120", "0200", "0220"} {
		b := newBank(t, nil)
		m := plasticTap(1, 12_50).message(t, mti, 1)
		first, _ := b.handle(m)
		require.Equal(t, "00", first.ResponseCode)
		before := b.account()
		again := clone(m)
		second, report := b.handle(again)
		require.Equal(t, first, second, mti)
		require.True(t, report.Repeated)
		again.MTI = mti[:3] + "1"
		third, _ := b.handle(again)
		require.Equal(t, first, third, mti)
		require.Equal(t, before, b.account(), mti)
		b.audit()
	}
}

// TestRepeatOfADecline gives the first answer even when the account could pay
// by now.
func TestRepeatOfADecline(t *testing.T) {
	b := newBank(t, nil)
	m := plasticTap(1, 600_00).message(t, "0200", 1)
	first, _ := b.handle(m)
	require.Equal(t, "51", first.ResponseCode)
	require.NoError(t, b.store.Update(context.Background(), nil, func(tx *Tx) error {
		return tx.Move(&Record{Currency: 978}, internalAccount(ownCash, 978), "A", 500_00)
	}))
	second, _ := b.handle(m)
	require.Equal(t, first, second)
}

// TestSameKeysOtherPayment refuses retrieval keys that an earlier payment has,
// and records nothing.
func TestSameKeysOtherPayment(t *testing.T) {
	for name, change := range map[string]func(*iso8583.Message){
		"amount":    func(m *iso8583.Message) { *m = *plasticTap(2, 12_51).message(t, "0100", 1) },
		"card":      func(m *iso8583.Message) { m.PAN, m.Track2 = string(testToken), "" },
		"reference": func(m *iso8583.Message) { m.RRN = "000112999999" },
		"cryptogram": func(m *iso8583.Message) {
			m.ICCData = replaceValue(t, m.ICCData, emv.TagCryptogram, unhex("0102030405060708"))
		},
		"unpredictable number": func(m *iso8583.Message) {
			m.ICCData = replaceValue(t, m.ICCData, emv.TagUnpredictableNumber, unhex("01020304"))
		},
		"counter":     func(m *iso8583.Message) { m.ICCData = replaceValue(t, m.ICCData, emv.TagATC, unhex("0002")) },
		"another tap": func(m *iso8583.Message) { m.ICCData = plasticTap(2, 12_50).icc(t) },
	} {
		b := newBank(t, nil)
		m := plasticTap(1, 12_50).message(t, "0100", 1)
		first, _ := b.handle(m)
		other := clone(m)
		change(other)
		answer, _ := b.handle(other)
		require.Equal(t, "94", answer.ResponseCode, name)
		again, _ := b.handle(m)
		require.Equal(t, first, again, name)
		require.Equal(t, int64(12_50), b.account().Held)
	}
}

// TestRepeatWithoutChipData: a repeat may leave field 55 out.
func TestRepeatWithoutChipData(t *testing.T) {
	b := newBank(t, nil)
	m := plasticTap(1, 12_50).message(t, "0100", 1)
	first, _ := b.handle(m)
	again := clone(m)
	again.ICCData = nil
	second, report := b.handle(again)
	require.Equal(t, first, second)
	require.True(t, report.Repeated)
	require.Contains(t, report.find(stepRepeat).Text, "the first answer was given again")
}

// TestReplay sends the same cryptogram under another trace number.
func TestReplay(t *testing.T) {
	b := newBank(t, nil)
	p := plasticTap(1, 12_50)
	b.handle(p.message(t, "0200", 1))
	answer, report := b.handle(p.message(t, "0200", 2))
	require.Equal(t, "63", answer.ResponseCode)
	require.Contains(t, report.find("counter").Text, "replay")
	require.Equal(t, OK, report.Cryptogram)
	require.Equal(t, int64(487_50), b.account().Balance)
	p.un++ // another cryptogram with the same counter: a cloned card
	answer, report = b.handle(p.message(t, "0200", 3))
	require.Equal(t, "63", answer.ResponseCode)
	require.Contains(t, report.find("counter").Text, "another cryptogram")
}

func TestCounterRules(t *testing.T) {
	for _, c := range []struct {
		atcs []uint16
		code string
		text string
	}{
		{[]uint16{700}, "00", "the first seen"},
		{[]uint16{1, 2}, "00", "the highest was 1"},
		{[]uint16{1, 51}, "00", "the highest was 1"},
		{[]uint16{1, 52}, "63", "51 above the highest seen, 1; at most 50"},
		{[]uint16{30, 20}, "00", "the highest was 30"},
		{[]uint16{30, 19}, "63", "went back"},
		{[]uint16{30, 20, 20}, "63", "replay"},
		{[]uint16{30, 20, 30}, "63", "replay"},
		{[]uint16{65535, 0}, "63", "went back"},
	} {
		b := newBank(t, nil)
		for n, atc := range c.atcs {
			answer, report := b.handle(plasticTap(atc, 1_00).message(t, "0100", n+1))
			if n == len(c.atcs)-1 {
				require.Equal(t, c.code, answer.ResponseCode, "%v", c.atcs)
				require.Contains(t, report.find("counter").Text, c.text, "%v", c.atcs)
			}
		}
	}
}

// TestWrongCryptogramMovesNoCounter: who cannot make a cryptogram cannot push
// the counter either.
func TestWrongCryptogramMovesNoCounter(t *testing.T) {
	b := newBank(t, nil)
	b.handle(plasticTap(1, 1_00).message(t, "0100", 1))
	forged := plasticTap(40, 1_00).message(t, "0100", 2)
	forged.ICCData[4] ^= 1
	answer, _ := b.handle(forged)
	require.Equal(t, "82", answer.ResponseCode)
	answer, _ = b.handle(plasticTap(2, 1_00).message(t, "0100", 3))
	require.Equal(t, "00", answer.ResponseCode)
	answer, _ = b.handle(plasticTap(40, 1_00).message(t, "0100", 4))
	require.Equal(t, "00", answer.ResponseCode)
}

// TestSoftDeclineAllowsTheSameCryptogramOnce: after 70 the terminal sends the
// same chip data again, with a PIN, within some minutes.
func TestSoftDeclineAllowsTheSameCryptogramOnce(t *testing.T) {
	type attempt struct {
		after time.Duration
		pin   bool
		want  string
		text  string
	}
	pin := make([]byte, 8)
	for _, c := range []struct {
		name  string
		rules SecondUseRules
		sent  []attempt
	}{
		{"with a PIN", SecondUseRules{Within: 5 * time.Minute}, []attempt{{0, false, "70", ""}, {time.Minute, true, "00", "as the bank asked"}, {0, true, "63", "replay"}}},
		{"without", SecondUseRules{Within: 5 * time.Minute}, []attempt{
			{0, false, "70", ""}, {time.Minute, false, "63", "field 52"}, {time.Minute, true, "00", "as the bank asked"}}},
		{"at the last moment", SecondUseRules{Within: 5 * time.Minute}, []attempt{{0, false, "70", ""}, {5 * time.Minute, true, "00", ""}}},
		{"too late", SecondUseRules{Within: 5 * time.Minute}, []attempt{
			{0, false, "70", ""}, {5*time.Minute + time.Second, true, "63", "5m1s after the bank asked for a PIN; at most 5m0s"}}},
		{"never", SecondUseRules{}, []attempt{{0, false, "70", ""}, {0, true, "63", "at most 0s"}}},
		{"no PIN wanted", SecondUseRules{Within: time.Minute, WithoutPIN: true}, []attempt{{0, false, "70", ""}, {0, false, "00", ""}, {0, false, "63", "replay"}}},
	} {
		b := newBank(t, func(config *Config) {
			config.Rules, config.SecondUse = []Rule{{Name: "sca", Nth: 1, Response: "70"}}, c.rules
		})
		p := plasticTap(1, 12_50)
		for n, a := range c.sent {
			b.now = b.now.Add(a.after)
			m := p.message(t, "0100", n+1)
			if a.pin {
				m.PINBlock = pin
			}
			answer, report := b.handle(m)
			require.Equal(t, a.want, answer.ResponseCode, "%s %d: %+v", c.name, n, report.Steps)
			require.Contains(t, report.find("counter").Text, a.text, c.name)
		}
	}
}

// TestSoftDeclineAfterAnAdvice: an advice does not collect what waits for a PIN,
// and does not end the matter either.
func TestSoftDeclineAfterAnAdvice(t *testing.T) {
	b := newBank(t, func(c *Config) {
		c.Rules, c.SecondUse = []Rule{{Name: "sca", Nth: 1, Response: "70"}}, SecondUseRules{Within: time.Hour, WithoutPIN: true}
	})
	p := offlineTap(1, 12_50)
	for n, want := range []string{"70", "00", "00", "63"} {
		mti := iso8583.AuthorisationRequest
		if n == 1 {
			mti = iso8583.AuthorisationAdvice
		}
		answer, _ := b.handle(p.message(t, mti, n+1))
		require.Equal(t, want, answer.ResponseCode, n)
		require.Equal(t, n > 1, b.account().Held == 12_50, n)
	}
}

func TestReversal(t *testing.T) {
	for _, mti := range []iso8583.MTI{"0100", "0120", "0200", "0220"} {
		for _, reversal := range []iso8583.MTI{"0400", "0420"} {
			for _, withReference := range []bool{false, true} {
				b := newBank(t, nil)
				m := offlineTap(1, 12_50).message(t, mti, 1)
				paid, _ := b.handle(m)
				require.Equal(t, "00", paid.ResponseCode)
				require.NotEqual(t, int64(500_00), b.account().Available())
				r := reversalOf(m, reversal, 2)
				if withReference {
					r.OriginalData = ""
				}
				answer, _ := b.handle(r)
				require.Equal(t, "00", answer.ResponseCode, "%s %s", mti, reversal)
				require.Equal(t, r.MTI.Response(), answer.MTI)
				require.Equal(t, int64(500_00), b.account().Available())
				repeat := clone(r)
				repeat.MTI = r.MTI[:3] + "1"
				second, report := b.handle(repeat)
				require.Equal(t, answer, second)
				require.True(t, report.Repeated)
				r.STAN = "000003"
				third, report := b.handle(r) // another reversal of the same payment
				require.Equal(t, "00", third.ResponseCode)
				require.Contains(t, report.find("original").Text, "nothing to return")
				require.Equal(t, int64(500_00), b.account().Available())
				again, _ := b.handle(m) // the late repeat of the payment
				require.Equal(t, paid, again)
				require.Equal(t, int64(500_00), b.account().Available())
				b.audit()
			}
		}
	}
}

// TestReversalBeforeItsOriginal: the request got lost or is late; it must not
// be paid when it comes after all.
func TestReversalBeforeItsOriginal(t *testing.T) {
	for _, withReference := range []bool{false, true} {
		for mti, want := range map[iso8583.MTI]string{"0400": "00", "0420": "25"} {
			b := newBank(t, nil)
			m := plasticTap(1, 12_50).message(t, "0200", 1)
			r := reversalOf(m, mti, 2)
			if withReference {
				r.OriginalData = ""
			}
			for stan := 2; stan < 4; stan++ {
				r.STAN = fmt.Sprintf("%06d", stan)
				answer, _ := b.handle(r)
				require.Equal(t, want, answer.ResponseCode)
			}
			late, report := b.handle(m)
			require.Equal(t, "79", late.ResponseCode, "%+v", report.Steps)
			again, _ := b.handle(m)
			require.Equal(t, late, again)
			require.Equal(t, int64(500_00), b.account().Available())
			r.STAN = "000004"
			answer, _ := b.handle(r)
			require.Equal(t, "00", answer.ResponseCode, "the original is known by now")
			b.audit()
		}
	}
}

// TestAdviceAfterItsReversal is accepted and moves nothing.
func TestAdviceAfterItsReversal(t *testing.T) {
	b := newBank(t, nil)
	m := offlineTap(1, 12_50).message(t, "0220", 1)
	b.handle(reversalOf(m, "0420", 2))
	answer, _ := b.handle(m)
	require.Equal(t, "00", answer.ResponseCode)
	require.Equal(t, int64(500_00), b.account().Available())
	b.audit()
}

func TestPartialReversal(t *testing.T) {
	for _, mti := range []iso8583.MTI{"0100", "0200"} {
		b := newBank(t, nil)
		m := plasticTap(1, 12_50).message(t, mti, 1)
		b.handle(m)
		r := reversalOf(m, "0400", 2)
		r.ReplacementAmounts = "000000001000" + "000000000000" + "C00000000" + "C00000000"
		for stan := 2; stan < 4; stan++ {
			r.STAN = fmt.Sprintf("%06d", stan)
			answer, _ := b.handle(r)
			require.Equal(t, "00", answer.ResponseCode)
			require.Equal(t, int64(490_00), b.account().Available())
		}
		b.handle(reversalOf(m, "0400", 4))
		require.Equal(t, int64(500_00), b.account().Available())
		b.audit()
	}
}

func TestReversalThatContradicts(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*iso8583.Message)
		code   string
	}{
		{"another amount", func(m *iso8583.Message) { *m.Amount = 13_00 }, "64"},
		{"another card", func(m *iso8583.Message) { m.PAN = string(testToken) }, "77"},
		{"another reference", func(m *iso8583.Message) { m.RRN = "000112000099" }, "77"},
		{"field 90 cut off", func(m *iso8583.Message) { m.OriginalData = m.OriginalData[:41] }, "30"},
		{"nothing to go by", func(m *iso8583.Message) { m.OriginalData, m.RRN = "", "" }, "30"},
		{"field 95 cut off", func(m *iso8583.Message) { m.ReplacementAmounts = "000000001000" }, "30"},
		{"no trace number", func(m *iso8583.Message) { m.STAN = "" }, "30"},
	} {
		b := newBank(t, nil)
		m := plasticTap(1, 12_50).message(t, "0200", 1)
		b.handle(m)
		r := reversalOf(m, "0400", 2)
		c.change(r)
		answer, _ := b.handle(r)
		require.Equal(t, c.code, answer.ResponseCode, c.name)
		require.Equal(t, int64(487_50), b.account().Balance, c.name)
	}
}

// TestAdvices are always accepted; what would have been refused is flagged, and
// the money of what nothing proves stays where it is.
func TestAdvices(t *testing.T) {
	type change func(*bank, *iso8583.Message)
	field := func(f func(*iso8583.Message)) change { return func(_ *bank, m *iso8583.Message) { f(m) } }
	sign := func(f func(*tap)) change {
		return func(b *bank, m *iso8583.Message) {
			p := offlineTap(1, 12_50)
			f(&p)
			m.ICCData = p.icc(b.t)
		}
	}
	arqc := func(p *tap) { p.decide(emv.ARQC) }
	for _, c := range []struct {
		name    string
		change  change
		moved   int64
		flagged bool
	}{
		{"approved offline", field(func(*iso8583.Message) {}), 12_50, false},
		{"never authorised", sign(arqc), 0, true},
		{"never authorised, TC by 9F27", sign(func(p *tap) { arqc(p); p.cid = 0x40 }), 0, true},
		{"never authorised, approved elsewhere", func(b *bank, m *iso8583.Message) {
			sign(arqc)(b, m)
			m.ResponseCode = "00"
		}, 0, true},
		{"without chip data", field(func(m *iso8583.Message) { m.ICCData = nil }), 0, true},
		{"wrong cryptogram", field(func(m *iso8583.Message) { m.ICCData[4] ^= 1 }), 0, true},
		{"of a refund", field(func(m *iso8583.Message) { m.ProcessingCode = "200000" }), 0, true},
		{"suspended card", func(b *bank, _ *iso8583.Message) {
			require.NoError(b.t, b.SetStatus(context.Background(), testCard, StatusSuspended))
		}, 12_50, true},
		{"more than is there", func(b *bank, m *iso8583.Message) {
			*m = *offlineTap(1, 600_00).message(b.t, m.MTI, 1)
		}, 600_00, false},
		{"declined offline", sign(func(p *tap) { p.decide(emv.AAC) }), 0, false},
		{"declined offline, TC by 9F27", sign(func(p *tap) { p.decide(emv.AAC); p.cid = 0x40 }), 0, true},
		{"an old date", func(b *bank, m *iso8583.Message) { b.config.Limits.MaxDays, b.now = 3, b.now.AddDate(0, 1, 0) }, 12_50, false},
		{"declined elsewhere", field(func(m *iso8583.Message) { m.ResponseCode = "05" }), 0, false},
		{"approved elsewhere", field(func(m *iso8583.Message) { m.ResponseCode = "Y1" }), 12_50, false},
		{"unknown card", field(func(m *iso8583.Message) { m.PAN, m.Track2 = string(emv.WithCheckDigit("476173900199999")), "" }), 0, true},
		{"foreign currency", field(func(m *iso8583.Message) { m.Currency = "840" }), 0, true},
	} {
		for _, mti := range []iso8583.MTI{"0120", "0220"} {
			b := newBank(t, nil)
			m := offlineTap(1, 12_50).message(t, mti, 1)
			c.change(b, m)
			answer, report := b.handle(m)
			require.Equal(t, "00", answer.ResponseCode, c.name)
			require.Equal(t, 500_00-c.moved, b.account().Available(), "%s %s: %+v", c.name, mti, report.Steps)
			records, err := b.store.Records(context.Background(), "")
			require.NoError(t, err)
			require.Equal(t, c.flagged, records[len(records)-1].Flagged, c.name)
			b.audit()
		}
	}
}

// TestAdviceOfADecline: what the bank declined is collected by no advice, with or
// without chip data, however it names the payment.
func TestAdviceOfADecline(t *testing.T) {
	for name, change := range map[string]func(advice, of *iso8583.Message){
		"chip data": func(a, of *iso8583.Message) {},
		"field 90":  func(a, of *iso8583.Message) { a.OriginalData = reversalOf(of, "0400", 9).OriginalData; a.ICCData = nil },
		"reference": func(a, of *iso8583.Message) { a.RRN = of.RRN; a.ICCData = nil },
		"stand-in":  func(a, of *iso8583.Message) { a.MTI, a.ResponseCode, a.AuthorisationCode = "0120", "00", "123456" },
		"offline":   func(a, of *iso8583.Message) { a.ICCData = offlineTap(1, 900_00).icc(t); a.RRN = of.RRN },
	} {
		b := newBank(t, func(c *Config) { c.StandIn.MaxAmount = 1_000_00 })
		m := plasticTap(1, 900_00).message(t, "0100", 1)
		answer, _ := b.handle(m)
		require.Equal(t, "51", answer.ResponseCode)
		for stan := 2; stan < 5; stan++ {
			advice := plasticTap(1, 900_00).message(t, "0220", stan)
			advice.RRN = fmt.Sprintf("0001120000%02d", 70+stan)
			change(advice, m)
			answer, report := b.handle(advice)
			require.Equal(t, "00", answer.ResponseCode)
			require.Equal(t, int64(500_00), b.account().Available(), "%s: %+v", name, report.Steps)
			records, err := b.store.Records(context.Background(), "A")
			require.NoError(t, err)
			require.True(t, records[len(records)-1].Flagged, name)
		}
		b.audit()
	}
}

// TestStandInAdvice: a network decided in the bank's place. The bank takes it up
// to its limit for that, once, and an advice completes it.
func TestStandInAdvice(t *testing.T) {
	for amount, moved := range map[int64]int64{25_00: 25_00, 25_01: 0} {
		b := newBank(t, func(c *Config) { c.StandIn.MaxAmount = 25_00 })
		for stan := 1; stan < 3; stan++ {
			m := plasticTap(1, amount).message(t, "0120", stan)
			m.ResponseCode, m.AuthorisationCode = "00", "123456"
			answer, report := b.handle(m)
			require.Equal(t, []string{"00", "123456"}, []string{answer.ResponseCode, answer.AuthorisationCode})
			require.Equal(t, moved, b.account().Held, "%+v", report.Steps)
		}
		for stan := 3; stan < 5; stan++ {
			b.handle(plasticTap(1, amount).message(t, "0220", stan))
			require.Equal(t, 500_00-moved, b.account().Balance)
			require.Zero(t, b.account().Held)
		}
		b.audit()
	}
}

// TestAdviceOfAnotherTap: an advice with chip data completes no payment of
// another tap, whatever it names.
func TestAdviceOfAnotherTap(t *testing.T) {
	b := newBank(t, nil)
	held := plasticTap(1, 12_50).message(t, "0100", 1)
	b.handle(held)
	for stan := 2; stan < 5; stan++ {
		advice := offlineTap(2, 5_00).message(t, "0220", stan)
		if advice.OriginalData = reversalOf(held, "0400", 9).OriginalData; stan == 4 {
			advice = plasticTap(3, 5_00).message(t, "0220", stan)
			advice.RRN = held.RRN
		}
		b.handle(advice)
		require.Equal(t, []int64{495_00, 12_50}, []int64{b.account().Balance, b.account().Held}, stan)
	}
	b.audit()
}

// TestAdviceAboutAKnownPayment completes an authorisation once, whichever way
// it names it.
func TestAdviceAboutAKnownPayment(t *testing.T) {
	for name, change := range map[string]func(advice, of *iso8583.Message){
		"field 90":  func(a, of *iso8583.Message) { a.OriginalData = reversalOf(of, "0400", 9).OriginalData; a.ICCData = nil },
		"reference": func(a, of *iso8583.Message) { a.RRN = of.RRN; a.ICCData = nil },
		"chip data": func(a, of *iso8583.Message) {},
	} {
		b := newBank(t, nil)
		m := plasticTap(1, 12_50).message(t, "0100", 1)
		b.handle(m)
		advice := plasticTap(1, 12_50).message(t, "0220", 2)
		advice.RRN = "000112000077"
		change(advice, m)
		*advice.Amount = 14_00 // with a tip
		answer, _ := b.handle(advice)
		require.Equal(t, "00", answer.ResponseCode, name)
		require.Equal(t, Account{ID: "A", Currency: 978, Balance: 486_00, Status: StatusActive, Opened: testTime}, b.account(), name)
		again := clone(advice)
		again.STAN = "000003" // the same advice as another message
		b.handle(again)
		require.Equal(t, int64(486_00), b.account().Balance, name)
		b.handle(reversalOf(advice, "0420", 4))
		require.Equal(t, int64(500_00), b.account().Available(), name)
		b.handle(reversalOf(m, "0420", 5)) // the hold is gone already
		require.Equal(t, int64(500_00), b.account().Available(), name)
		b.audit()
	}
}

// brokenStore fails at every update.
type brokenStore struct{ *Memory }

func (brokenStore) Update(context.Context, []string, func(*Tx) error) error {
	return errors.New("disk full")
}

func TestBrokenStoreSays96(t *testing.T) {
	b := newBank(t, nil)
	b.Issuer.store = brokenStore{b.store.(*Memory)}
	for _, m := range []*iso8583.Message{
		plasticTap(1, 12_50).message(t, "0100", 1), reversalOf(plasticTap(1, 12_50).message(t, "0100", 1), "0400", 2),
	} {
		a, err := b.Handle(context.Background(), m, nil)
		require.EqualError(t, err, "disk full")
		require.Equal(t, "96", a.Message.ResponseCode)
	}
}

// Terminals and merchants with strokes in their names do not share keys.
func TestKeysOfTerminalsLieApart(t *testing.T) {
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	seen := map[string]string{}
	for _, names := range [][2]string{{"A", "B/C"}, {"A/B", "C"}, {"A/", "B/C"}, {"A", "/B/C"}, {"A//B", "C"}, {"/", "/"}, {"", "//"}, {"//", ""}} {
		m := &iso8583.Message{TerminalID: names[0], MerchantID: names[1], RRN: "1"}
		for _, key := range []string{retrievalKey("0100", "0101120000", "000001", "400001", m, now), reference(m)} {
			require.Empty(t, seen[key], "%q", names)
			seen[key] = names[0]
		}
	}
}
