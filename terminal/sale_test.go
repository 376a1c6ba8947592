package terminal_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/terminal"
	"tapsim/terminal/journal"
	"tapsim/terminal/kernel"
)

// Cashback is a part of the amount and has a transaction type of its own; the
// host sees it in field 54.
func TestCashback(t *testing.T) {
	for name, r := range map[string]terminal.Request{
		"more than the amount": {Amount: 100, AmountOther: 101, Type: 0x09},
		"a purchase":           {Amount: 100, AmountOther: 50},
		"cash":                 {Amount: 100, AmountOther: 50, Type: 0x01},
	} {
		f := field(visa(t, nil))
		_, err := shop(t, &approving{}, nil).Pay(context.Background(), f, r)
		require.ErrorContains(t, err, "9F03", name)
		require.Zero(t, f.seen, name)
	}
	host := &approving{}
	_, err := shop(t, host, nil).Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 10_000, AmountOther: 2_050, Type: 0x09})
	require.NoError(t, err)
	require.Equal(t, "0040978D000000002050", host.got[0].AdditionalAmounts)
	require.Equal(t, "090000", host.got[0].ProcessingCode)
	require.NoError(t, iso8583.Validate(host.got[0]))
	_, err = shop(t, host, nil).Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 100, Type: 0x09})
	require.NoError(t, err)
	require.Empty(t, host.got[1].AdditionalAmounts)
}

// An amount of zero checks the account: 0100 whatever sales are, condition 51,
// and 85 is a yes to it and to nothing else.
func TestAccountCheck(t *testing.T) {
	sales := func(c *terminal.Config, _ *terminal.Env) { c.Host.Request = "0200" }
	for name, c := range map[string]struct {
		request        terminal.Request
		code           string
		outcome        kernel.Kind
		mti, condition string
	}{
		"zero":            {terminal.Request{}, "85", kernel.Approved, "0100", "51"},
		"zero, 00":        {terminal.Request{}, "00", kernel.Approved, "0100", "51"},
		"zero, 05":        {terminal.Request{}, "05", kernel.Declined, "0100", "51"},
		"one cent":        {terminal.Request{Amount: 1}, "85", kernel.Declined, "0200", "00"},
		"balance enquiry": {terminal.Request{Type: 0x30}, "00", kernel.Approved, "0100", "00"},
	} {
		host := &approving{code: c.code}
		res, err := shop(t, host, sales).Pay(context.Background(), field(visa(t, nil)), c.request)
		require.NoError(t, err, name)
		require.Equal(t, c.outcome, res.Outcome, name)
		require.Equal(t, c.mti+" "+c.condition, string(host.got[0].MTI)+" "+host.got[0].ConditionCode, name)
	}
}

// A terminal that nobody attends says so in field 25.
func TestUnattendedTerminal(t *testing.T) {
	for kind, want := range map[byte]string{0x22: "00", 0x25: "02", 0x14: "02", 0x00: "00"} {
		host := &approving{}
		_, err := shop(t, host, func(c *terminal.Config, _ *terminal.Env) { c.Data.Set(emv.TagTerminalType, []byte{kind}) }).
			Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1})
		require.NoError(t, err)
		require.Equal(t, want, host.got[0].ConditionCode, "%02X", kind)
	}
}

// A partial approval is undone by a reversal that knows the answer: its code,
// its authorisation code, and a time and number of its own.
func TestPartialApprovalIsReversed(t *testing.T) {
	j, host := journal.NewMemory(), &approving{code: "10"}
	term := shop(t, host, func(_ *terminal.Config, e *terminal.Env) { e.Journal = j })
	res, err := term.Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1250, Time: noon.Add(-time.Minute)})
	require.NoError(t, err)
	require.Equal(t, kernel.Declined, res.Outcome)
	require.True(t, res.ReversalPending)
	pending, err := j.Pending()
	require.NoError(t, err)
	require.Len(t, pending, 1)
	m := pending[0].Message
	require.NoError(t, iso8583.Validate(&m))
	require.Equal(t, "10 123456", m.ResponseCode+" "+m.AuthorisationCode)
	require.Equal(t, "0101120000", m.TransmissionTime)
	require.Equal(t, "0101115900", host.got[0].TransmissionTime)
	require.NotEqual(t, host.got[0].STAN, m.STAN)
	require.Equal(t, iso8583.OriginalElements(host.got[0]), m.OriginalData)
	require.Equal(t, int64(1250), *m.Amount, "field 4 is the original's")
}

// A terminal that is set to it takes a part of a purchase, which the receipt shows
// with what remains. What is no part of a purchase is undone as elsewhere.
func TestPartialApprovalIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		request terminal.Request
		part    *int64
		taken   int64
	}{
		"a part":          {terminal.Request{Amount: 1250}, ptr(int64(1000)), 1000},
		"all":             {terminal.Request{Amount: 1250}, ptr(int64(1250)), 0},
		"more":            {terminal.Request{Amount: 1250}, ptr(int64(1251)), 0},
		"nothing":         {terminal.Request{Amount: 1250}, ptr(int64(0)), 0},
		"not told":        {terminal.Request{Amount: 1250}, nil, 0},
		"of a refund":     {terminal.Request{Amount: 1250, Type: 0x20}, ptr(int64(1000)), 0},
		"of cash":         {terminal.Request{Amount: 1250, Type: 0x01}, ptr(int64(1000)), 0},
		"beside cashback": {terminal.Request{Amount: 1250, Type: 0x09, AmountOther: 250}, ptr(int64(1000)), 0},
	} {
		j, host := journal.NewMemory(), &approving{code: "10", part: c.part}
		term := shop(t, host, func(c *terminal.Config, e *terminal.Env) { e.Journal, c.Host.PartialApproval = j, true })
		res, err := term.Pay(context.Background(), field(visa(t, nil)), c.request)
		require.NoError(t, err, name)
		pending, err := j.Pending()
		require.NoError(t, err, name)
		require.Equal(t, c.taken, res.Part, name)
		if c.taken == 0 {
			require.Equal(t, kernel.Declined, res.Outcome, name)
			require.Len(t, pending, 1, name)
			continue
		}
		require.Equal(t, kernel.Approved, res.Outcome, name)
		require.Empty(t, pending, name)
		require.Equal(t, "10.00 12.50 2.50", res.Receipt.Amount+" "+res.Receipt.Requested+" "+res.Receipt.Remaining)
		require.Contains(t, res.Detail, "10.00 of 12.50, 2.50 remain")
		require.Regexp(t, `Remaining, by other means +EUR 2.50\nAmount +EUR 10.00\n`, res.Receipt.String())
	}
}

// Limits are in the terminal's currency. In another one they do not compare:
// each that there is counts as reached, and the trace says so.
func TestLimitsOfAnotherCurrency(t *testing.T) {
	jpy, _ := emv.CurrencyByAlpha("JPY")
	eur, _ := emv.CurrencyByAlpha("EUR")
	limit := func(v int64) *int64 { return &v }
	for name, c := range map[string]struct {
		currency emv.Currency
		set      kernel.Settings
		want     string
	}{
		"the terminal's own":  {eur, kernel.Settings{FloorLimit: limit(5000), CVMLimit: limit(5000)}, "36004000"},
		"another":             {jpy, kernel.Settings{FloorLimit: limit(5000), CVMLimit: limit(5000)}, "36C04000"},
		"floor only":          {jpy, kernel.Settings{FloorLimit: limit(5000)}, "36804000"},
		"terminal floor only": {jpy, kernel.Settings{TerminalFloor: limit(5000)}, "36804000"},
		"no limits":           {jpy, kernel.Settings{}, "36004000"},
		"transaction limit":   {jpy, kernel.Settings{TransactionLimit: limit(5000)}, ""},
		"the same, own":       {eur, kernel.Settings{TransactionLimit: limit(5000)}, "36004000"},
		"a flag is no limit":  {jpy, kernel.Settings{ZeroAmountAllowed: ptr(false)}, "36004000"},
	} {
		card, said := visa(t, nil), ""
		term := shop(t, &approving{}, settings(func(s *kernel.Settings) { *s = c.set; s.TTQ = ttq(t, "36004000") }))
		tap, err := term.Tap(context.Background(), field(card), terminal.Request{Amount: 1000, Currency: c.currency, Trace: func(s kernel.Step) { said += s.Text }})
		require.NoError(t, err, name)
		require.Equal(t, c.currency != eur, strings.Contains(said, "in JPY each counts as reached"), name)
		if c.want == "" {
			require.Equal(t, kernel.TryAnotherInterface, tap.Outcome.Kind, name)
			require.Contains(t, tap.Outcome.Reason.Text, "limits are in EUR", name)
			continue
		}
		require.Equal(t, c.want, sentTTQ(t, card), name)
	}
}

// Of the card a refund takes the number only: one that it declines is for the
// issuer all the same, without chip data.
func TestRefund(t *testing.T) {
	aac := map[string]string{"80A8": strings.Replace(gpoARQC, "9F27 01 80", "9F27 01 00", 1)}
	host := &approving{}
	res, err := shop(t, host, nil).Pay(context.Background(), field(visa(t, aac)), terminal.Request{Amount: 1250, Type: 0x20})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, res.Outcome)
	require.Equal(t, kernel.Declined, res.KernelOutcome)
	m := host.got[0]
	require.NoError(t, iso8583.Validate(m))
	require.Equal(t, "200000 4761739001010119 3112 001", m.ProcessingCode+" "+m.PAN+" "+m.Expiry+" "+m.PANSequence)
	require.Nil(t, m.ICCData)

	res, err = shop(t, host, nil).Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1250, Type: 0x20})
	require.NoError(t, err)
	require.Equal(t, kernel.OnlineRequest, res.KernelOutcome)
	require.NotNil(t, host.got[1].ICCData, "a card that asks for the issuer gets what any card gets")

	res, err = shop(t, host, nil).Pay(context.Background(), field(visa(t, map[string]string{"80A8": "6984"})), terminal.Request{Amount: 1250, Type: 0x20})
	require.NoError(t, err)
	require.Equal(t, kernel.TryAnotherInterface, res.Outcome)
	require.Len(t, host.got, 2)
}

// Kernel 2 ends the application where a card declines a refund, with a data
// record, and it is a refund all the same; nothing of the AAC goes to the host,
// in a reversal neither.
func TestRefundAtKernel2(t *testing.T) {
	aac := map[string]string{"80AE": answerOf(t, emv.TagResponseFormat2, "9F27", "00", "9F36", "0042", "9F26", "403151C29036D862", "9F10", "0110A000032400000000")}
	for code, want := range map[string]kernel.Kind{"00": kernel.Approved, "57": kernel.Declined} {
		host := &approving{code: code}
		res, err := shop(t, host, nil).Pay(context.Background(), field(mastercard(t, aac)), terminal.Request{Amount: 1250, Type: 0x20})
		require.NoError(t, err)
		require.Equal(t, kernel.EndApplication, res.KernelOutcome)
		require.Equal(t, want, res.Outcome, res.Detail)
		m := host.got[0]
		require.NoError(t, iso8583.Validate(m))
		require.Equal(t, "200000 5413339001000019 4912 000 071", m.ProcessingCode+" "+m.PAN+" "+m.Expiry+" "+m.PANSequence+" "+m.EntryMode)
		require.Nil(t, m.ICCData)
		require.Equal(t, kernel.CVMNotRequired, res.CVM)
	}
	host := &silent{turns: []hostFunc{nil}}
	term := shop(t, host, nil)
	res, err := term.Pay(context.Background(), field(mastercard(t, aac)), terminal.Request{Amount: 1250, Type: 0x20})
	require.NoError(t, err)
	require.True(t, res.ReversalPending)
	_, err = term.Deliver(context.Background())
	require.NoError(t, err)
	require.Nil(t, host.got[1].ICCData)

	host = &silent{}
	res, err = shop(t, host, nil).Pay(context.Background(), field(mastercard(t, aac)), terminal.Request{Amount: 1250})
	require.NoError(t, err)
	require.Equal(t, kernel.TryAnotherInterface, res.Outcome, "a purchase that the card declines is none")
	require.Empty(t, host.got)
}

// A reader without a line asks no host, whatever the card says: neither for a
// refund nor for a card that wants to go online.
func TestOfflineOnly(t *testing.T) {
	aac := map[string]string{"80A8": strings.Replace(gpoARQC, "9F27 01 80", "9F27 01 00", 1)}
	declines := map[string]string{"80AE": answerOf(t, emv.TagResponseFormat2, "9F27", "00", "9F36", "0042", "9F26", "403151C29036D862", "9F10", "0110A000032400000000")}
	byTTQ := settings(func(s *kernel.Settings) {
		if s.TTQ != nil {
			s.TTQ = ttq(t, "28004000")
		}
	})
	byType := func(c *terminal.Config, _ *terminal.Env) {
		for i := range c.Combinations {
			c.Combinations[i].Data.Set(emv.TagTerminalType, []byte{0x23})
		}
	}
	for name, c := range map[string]struct {
		card   *card
		change func(*terminal.Config, *terminal.Env)
		kind   byte
		want   kernel.Kind
	}{
		"refund, TTQ":                     {visa(t, aac), byTTQ, 0x20, kernel.Declined},
		"refund, terminal type":           {visa(t, aac), byType, 0x20, kernel.Declined},
		"refund, terminal type, kernel 2": {mastercard(t, declines), byType, 0x20, kernel.EndApplication},
		"ARQC, TTQ":                       {visa(t, nil), byTTQ, 0, kernel.Declined},
		"ARQC, terminal type":             {visa(t, nil), byType, 0, kernel.Declined},
	} {
		host := &approving{}
		res, err := shop(t, host, c.change).Pay(context.Background(), field(c.card), terminal.Request{Amount: 1250, Type: c.kind})
		require.NoError(t, err, name)
		require.Equal(t, c.want, res.Outcome, name)
		require.Empty(t, host.got, name)
		require.Nil(t, res.Request, name)
		require.False(t, res.ReversalPending, name)
	}
}

// A PIN takes the place of the signature that the kernel chose: nobody signs.
func TestPINInsteadOfASignature(t *testing.T) {
	codes := []string{"70", "00"}
	host := hostFunc(func(m *iso8583.Message) (*iso8583.Message, error) {
		code := codes[0]
		codes = codes[1:]
		return iso8583.Response(m, code), nil
	})
	sign := map[string]string{"80A8": strings.Replace(gpoARQC, "9F6C 02 0080", "9F6C 02 4000", 1)}
	res, err := shop(t, host, func(_ *terminal.Config, e *terminal.Env) {
		e.PINPad = pad(func(string) ([]byte, error) { return make([]byte, 8), nil })
	}).Pay(context.Background(), field(visa(t, sign)), terminal.Request{Amount: 6000})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, res.Outcome)
	require.Equal(t, kernel.CVMOnlinePIN, res.CVM)
	require.Equal(t, kernel.MessageApproved, res.Tap.UI[len(res.Tap.UI)-1].Message)
	require.NotContains(t, res.Receipt.String(), "Signature")
}

// "Come again with a PIN" (65, 70) is answered without another tap: the same
// chip data, a PIN, a number of its own, once. Nothing is reversed: the first
// answer was one.
func TestPINAfterTheTap(t *testing.T) {
	padOf := func(err error) func(*terminal.Config, *terminal.Env) {
		return func(_ *terminal.Config, e *terminal.Env) {
			e.PINPad = pad(func(string) ([]byte, error) { return []byte{1, 2, 3, 4, 5, 6, 7, 8}, err })
		}
	}
	noContacts := func(c *terminal.Config, _ *terminal.Env) {
		c.Data.Set(emv.TagTerminalCapabilities, unhex(t, "C0F8C8"))
		settings(func(s *kernel.Settings) { s.TTQ = ttq(t, "26004000") })(c, nil)
	}
	for name, c := range map[string]struct {
		codes   []string
		change  func(*terminal.Config, *terminal.Env)
		stan    int
		want    kernel.Kind
		stans   string
		soft    bool
		message kernel.MessageID
	}{
		"70":                  {[]string{"70", "00"}, padOf(nil), 0, kernel.Approved, "000001 000002", false, kernel.MessageApproved},
		"65":                  {[]string{"65", "00"}, padOf(nil), 0, kernel.Approved, "000001 000002", false, kernel.MessageApproved},
		"wrong PIN":           {[]string{"70", "55"}, padOf(nil), 0, kernel.Declined, "000001 000002", false, kernel.MessageNotAuthorised},
		"a second time":       {[]string{"70", "70"}, padOf(nil), 0, kernel.TryAnotherInterface, "000001 000002", true, kernel.MessageInsertCard},
		"a given number":      {[]string{"70", "00"}, padOf(nil), 999_999, kernel.Approved, "999999 000001", false, kernel.MessageApproved},
		"1A wants contacts":   {[]string{"1A"}, padOf(nil), 0, kernel.TryAnotherInterface, "000001", true, kernel.MessageInsertCard},
		"no PIN pad":          {[]string{"70"}, nil, 0, kernel.TryAnotherInterface, "000001", true, kernel.MessageInsertCard},
		"nor contacts":        {[]string{"70"}, noContacts, 0, kernel.Declined, "000001", true, kernel.MessageNotAuthorised},
		"1A, no contacts":     {[]string{"1A"}, noContacts, 0, kernel.Declined, "000001", true, kernel.MessageNotAuthorised},
		"nobody enters a PIN": {[]string{"70"}, padOf(errors.New("cancelled")), 0, kernel.Declined, "000001", true, kernel.MessageNotAuthorised},
	} {
		var got []*iso8583.Message
		host := hostFunc(func(m *iso8583.Message) (*iso8583.Message, error) {
			got = append(got, m.Clone())
			r := iso8583.Response(m, c.codes[len(got)-1])
			r.AuthorisationCode = "123456"
			return r, nil
		})
		j := journal.NewMemory()
		term := shop(t, host, func(config *terminal.Config, e *terminal.Env) {
			e.Journal = j
			if c.change != nil {
				c.change(config, e)
			}
		})
		f := field(visa(t, nil), visa(t, nil))
		res, err := term.Pay(context.Background(), f, terminal.Request{Amount: 1250, STAN: c.stan})
		require.NoError(t, err, name)
		require.Equal(t, c.want, res.Outcome, name)
		require.Equal(t, c.soft, res.SoftDecline, name)
		require.Equal(t, c.message, res.Tap.UI[len(res.Tap.UI)-1].Message, name)
		require.Equal(t, 1, f.seen, name)
		pending, err := j.Pending()
		require.NoError(t, err)
		require.Empty(t, pending, name)
		var stans []string
		for _, m := range got {
			stans = append(stans, m.STAN)
		}
		require.Equal(t, c.stans, strings.Join(stans, " "), name)
		if len(got) == 2 {
			require.Nil(t, got[0].PINBlock, name)
			require.NotNil(t, got[1].PINBlock, name)
			require.Equal(t, got[0].ICCData, got[1].ICCData, name)
			require.Equal(t, got[0].STAN, res.Before.Request.STAN, name)
			require.NoError(t, iso8583.Validate(got[1]), name)
		}
		wantCVM := kernel.CVMConfirmationCode // of the card
		if len(got) == 2 {
			wantCVM = kernel.CVMOnlinePIN
		}
		require.Equal(t, wantCVM, res.CVM, name)
		if c.want == kernel.Approved {
			require.Contains(t, res.Receipt.String(), "PIN verified", name)
		}
	}
}
