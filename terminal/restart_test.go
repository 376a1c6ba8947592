package terminal_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/terminal"
	"tapsim/terminal/journal"
	"tapsim/terminal/kernel"
)

// The kernel is told where the entry point was entered, and whether an earlier
// outcome of the transaction had a start (EMV Book B, 3.1, 3.4 and 3.5).
func TestStartAndRestart(t *testing.T) {
	const second = "A0000000032010"
	again := kernel.Outcome{Kind: kernel.TryAgain, Start: kernel.StartB}
	next := kernel.Outcome{Kind: kernel.SelectNext, Start: kernel.StartC}
	approved := kernel.Outcome{Kind: kernel.Approved}
	for name, c := range map[string]struct {
		fixed bool
		say   []kernel.Outcome
		want  string // start and restart flag of each activation
	}{
		"first activation":            {false, []kernel.Outcome{approved}, "A"},
		"reader with a fixed amount":  {true, []kernel.Outcome{approved}, "B"},
		"after Try Again":             {false, []kernel.Outcome{again, approved}, "A B+"},
		"after Select Next":           {false, []kernel.Outcome{next, approved}, "A C+"},
		"Select Next, then Try Again": {false, []kernel.Outcome{next, again, approved}, "A C+ B+"},
		"Try Again, then Select Next": {false, []kernel.Outcome{again, next, approved}, "A B+ C+"},
	} {
		k := &fake{id: 3, say: c.say}
		card := visa(t, map[string]string{
			"00A404000E": ppse(t, "4F07 A0000000031010 870101", "4F07 "+second+" 870102"), "00A4040007" + second: application(second),
		})
		term := reader(t, map[string][]byte{"A0000000031010": {3}, second: {3}}, nil, k)
		_, err := term.Tap(context.Background(), field(card, card, card), terminal.Request{Amount: 7, FixedAmount: c.fixed})
		require.NoError(t, err, name)
		require.Equal(t, c.want, starts(k.got), name)
	}
}

// starts writes the starts of activations, + for a restart.
func starts(got []kernel.Activation) string {
	var list []string
	for _, a := range got {
		s := a.Start.String()
		if a.Restart {
			s += "+"
		}
		list = append(list, s)
	}
	return strings.Join(list, " ")
}

// online is an online request of a fake kernel, with the data of a message.
func online(t testing.TB, start kernel.Start, response kernel.OnlineResponse, cvm kernel.CVM) kernel.Outcome {
	record := emv.List{{Tag: emv.TagTrack2, Value: unhex(t, "4761739001010119D49122010000000000000F")}, {Tag: emv.TagATC, Value: []byte{0, 1}}}
	return kernel.Outcome{Kind: kernel.OnlineRequest, Start: start, OnlineResponse: response, CVM: cvm, DataRecord: emv.Coded(record.Append(nil))}
}

// EMV Book B, 3.5: after an online request with Start D the kernel runs again
// with the card still in the field; what it says then is followed, a new tap or
// another application included. It is told what the point of sale made of the
// answer.
func TestRestartWithTheAnswer(t *testing.T) {
	const second = "A0000000032010"
	ask := func(start kernel.Start) kernel.Outcome {
		return online(t, start, kernel.OnlineResponseAny, kernel.CVMSignature)
	}
	again := kernel.Outcome{Kind: kernel.TryAgain, Start: kernel.StartB}
	next := kernel.Outcome{Kind: kernel.SelectNext, Start: kernel.StartC}
	approved := kernel.Outcome{Kind: kernel.Approved}
	for name, c := range map[string]struct {
		code string
		say  []kernel.Outcome
		want string
		taps int
	}{
		"Start B":                   {"00", []kernel.Outcome{ask(kernel.StartB), approved}, "A B+", 2},
		"Start D":                   {"00", []kernel.Outcome{ask(kernel.StartD), approved}, "A D+", 1},
		"Start D, declined":         {"05", []kernel.Outcome{ask(kernel.StartD), {Kind: kernel.Declined}}, "A D+", 1},
		"Start D, then Try Again":   {"00", []kernel.Outcome{ask(kernel.StartD), again, approved}, "A D+ B+", 2},
		"Start D, then Select Next": {"00", []kernel.Outcome{ask(kernel.StartD), next, approved}, "A D+ C+", 1},
		"no start":                  {"00", []kernel.Outcome{ask(kernel.StartNone)}, "A", 1},
	} {
		k := &fake{id: 3, say: c.say}
		host := &approving{code: c.code, icc: unhex(t, "9108 1BCF65E800800000")}
		term := online3(t, host, k, second)
		card := visa(t, map[string]string{
			"00A404000E": ppse(t, "4F07 A0000000031010 870101", "4F07 "+second+" 870102"), "00A4040007" + second: application(second),
		})
		res, err := term.Pay(context.Background(), field(card, card, card), terminal.Request{Amount: 7})
		require.NoError(t, err, name)
		require.Equal(t, c.want, starts(k.got), name)
		require.Equal(t, c.taps, res.Tap.Taps, name)
		require.Equal(t, kernel.OnlineRequest, res.KernelOutcome, name)
		for _, a := range k.got[1:] {
			require.Equal(t, c.code == "00", a.Authorised, name)
			require.Equal(t, kernel.CVMSignature, a.CVM, name)
			data, err := emv.ParseList(a.IssuerData)
			require.NoError(t, err, name)
			code, _ := data.Lookup(emv.TagResponseCode)
			require.Equal(t, c.code, string(code), name)
		}
	}
}

// online3 is a terminal with one fake kernel for two applications, a host and a
// journal.
func online3(t testing.TB, host iso8583.Exchanger, k *fake, aids ...string) *terminal.Terminal {
	t.Helper()
	c := terminal.Config{Name: "x", TerminalID: "T", MerchantID: "M"}
	c.Currency, _ = emv.CurrencyByAlpha("EUR")
	for _, aid := range append([]string{"A0000000031010"}, aids...) {
		c.Combinations = append(c.Combinations, terminal.Combination{AID: unhex(t, aid), Kernel: 3})
	}
	term, err := terminal.New(c, []kernel.Kernel{k}, terminal.Env{Host: host, Journal: journal.NewMemory(), Now: clock, Rand: counter{}})
	require.NoError(t, err)
	return term
}

// One reading of field 39 for the sale and for the second tap: every code that
// approves the sale lets the kernel say so, with the signature where one is due.
func TestUpdateAgreesWithTheSale(t *testing.T) {
	update := settings(func(s *kernel.Settings) { s.TTQ = ttq(t, "3600C000") })
	icc := unhex(t, "91 08 1BCF65E800800000")
	for _, c := range []struct {
		code, ctq string
		outcome   kernel.Kind
		last      kernel.MessageID
	}{
		{"00", "00C0", kernel.Approved, kernel.MessageApproved}, {"08", "00C0", kernel.Approved, kernel.MessageApproved},
		{"11", "00C0", kernel.Approved, kernel.MessageApproved}, {"00", "4040", kernel.Approved, kernel.MessageApprovedSign},
		{"08", "4040", kernel.Approved, kernel.MessageApprovedSign}, {"05", "4040", kernel.Declined, kernel.MessageNotAuthorised},
	} {
		offer := map[string]string{"80A8": strings.Replace(gpoARQC, "9F6C 02 0080", "9F6C 02 "+c.ctq, 1), "0082": "9000"}
		res, err := shop(t, &approving{code: c.code, icc: icc}, update).Pay(context.Background(), field(visa(t, offer), visa(t, offer)), terminal.Request{Amount: 6000})
		require.NoError(t, err)
		require.Equal(t, c.outcome, res.Outcome, c)
		require.Equal(t, c.outcome, res.Update.Kind, c)
		require.Equal(t, c.last, res.Tap.UI[len(res.Tap.UI)-1].Message, c)
		require.NotContains(t, messages(res.Tap.UI[:len(res.Tap.UI)-1]), c.last, "said once")
	}
}

// What became of the issuer's scripts (9F5B) reaches the host in an advice that
// names the request and goes out with the next delivery.
func TestScriptResultsReachTheHost(t *testing.T) {
	offer := map[string]string{"80A8": strings.Replace(gpoARQC, "9F6C 02 0080", "9F6C 02 0040", 1), "0082": "9000", "8424": "6985"}
	host := &approving{icc: unhex(t, "91 08 1BCF65E800800000 72 16 9F18 04 00000001 86 0D 8424000008 1122334455667788")}
	term := shop(t, host, settings(func(s *kernel.Settings) { s.TTQ = ttq(t, "3600C000") }))
	res, err := term.Pay(context.Background(), field(visa(t, offer), visa(t, offer)), terminal.Request{Amount: 1250})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, res.Outcome)
	require.True(t, res.AdvicePending)
	_, err = term.Deliver(context.Background())
	require.NoError(t, err)
	request, m := host.got[0], host.got[1]
	require.NoError(t, iso8583.Validate(m))
	require.Equal(t, iso8583.AuthorisationAdvice, m.MTI)
	require.Equal(t, iso8583.OriginalElements(request), m.OriginalData)
	require.Equal(t, "00 123456", m.ResponseCode+" "+m.AuthorisationCode)
	require.NotEqual(t, request.STAN, m.STAN)
	require.Equal(t, request.RRN, m.RRN)
	require.Empty(t, m.Track2)
	icc, err := emv.ParseList(m.ICCData)
	require.NoError(t, err)
	results, _ := icc.Lookup(emv.TagIssuerScriptResults)
	require.Equal(t, unhex(t, "11 00000001"), results)
	ac, _ := icc.Lookup(emv.TagCryptogram)
	require.Equal(t, unhex(t, "27552E9226B3CC95"), ac)
}

// A card that wants another application where there is none: the report has the
// card's reason, and a message that stays on the display is shown once.
func TestReasonsAndMessagesAreKept(t *testing.T) {
	res, err := shop(t, &approving{}, nil).Pay(context.Background(), field(visa(t, map[string]string{"80A8": "6985"})), terminal.Request{Amount: 1})
	require.NoError(t, err)
	require.Equal(t, kernel.EndApplication, res.Outcome)
	require.Contains(t, res.Detail, "6985")
	res, err = shop(t, &approving{}, nil).Pay(context.Background(), field(newCard(t, nil)), terminal.Request{Amount: 1})
	require.NoError(t, err)
	require.Equal(t, "card and reader have no application in common", res.Detail)

	limited := func(c *terminal.Config, _ *terminal.Env) { c.Combinations[0].Settings.TransactionLimit = ptr(int64(1)) }
	res, err = shop(t, &approving{}, limited).Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1})
	require.NoError(t, err)
	require.Contains(t, res.Detail, "for this type and amount")

	tap, err := shop(t, &approving{}, nil).Tap(context.Background(), field(visa(t, map[string]string{"80A8": "lost"}), visa(t, nil)), terminal.Request{Amount: 1})
	require.NoError(t, err)
	require.Equal(t, []kernel.MessageID{kernel.MessagePresentCard, kernel.MessagePresentAgain, kernel.MessageCardReadOK, kernel.MessageAuthorising}, messages(tap.UI))
}
