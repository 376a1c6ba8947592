package terminal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/terminal"
	"tapsim/terminal/journal"
	"tapsim/terminal/kernel"
)

// The whole request, field by field, as the issuer gets it.
func TestAuthorisationRequest(t *testing.T) {
	host := &approving{}
	res, err := shop(t, host, nil).Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1250, STAN: 42})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, res.Outcome)
	require.Equal(t, kernel.OnlineRequest, res.KernelOutcome)
	require.Len(t, host.got, 1)
	m := host.got[0]
	require.NoError(t, iso8583.Validate(m))
	amount := int64(1250)
	icc := m.ICCData
	m.ICCData = nil
	require.Equal(t, &iso8583.Message{
		MTI: "0100", PAN: "4761739001010119", ProcessingCode: "000000", Amount: &amount, TransmissionTime: "0101120000", STAN: "000042",
		LocalTime: "120000", LocalDate: "0101", Expiry: "3112", MerchantCategory: "5999", AcquirerCountry: "276", EntryMode: "071",
		PANSequence: "001", ConditionCode: "00", Track2: "4761739001010119=31122010000000000000", RRN: "000112000042",
		TerminalID: "TAPSIM01", MerchantID: "TAPSIM-MERCH-01", MerchantName: "TAPSIM TEST SHOP         BERLIN       DE", Currency: "978",
	}, m)
	require.Equal(t, unhex(t, "9F0206000000001250 9F0306000000000000 9F260827552E9226B3CC95 9F270180 82020000 9F36020001 5F340101 9F100706011203A00000"+
		"9F1A020276 9F3303E0F8C8 5F2A020978 9A03300101 9C0100 9F370401020304 95050000000000 9F3403010002 9F6C020080 9F6E04238E0000 8407A0000000031010"+
		"9F350122 9F1E083030303030303031 9F0902008C 9F410400000042"), icc)
}

// The result has what a report needs, and the receipt no more than the last
// four digits.
func TestResultAndReceipt(t *testing.T) {
	res, err := shop(t, &approving{}, nil).Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1250})
	require.NoError(t, err)
	require.Equal(t, emv.SchemeVisa, res.Scheme)
	require.Equal(t, byte(3), res.Tap.KernelID)
	require.Equal(t, emv.PAN("4761739001010119"), res.PAN)
	require.Equal(t, emv.ARQC, res.CryptogramType)
	require.Equal(t, unhex(t, "27552E9226B3CC95"), res.Cryptogram)
	require.Equal(t, uint16(1), *res.ATC)
	require.Equal(t, unhex(t, "06011203A00000"), res.IAD)
	require.Equal(t, make([]byte, 5), res.TVR)
	require.Equal(t, "123456", res.Response.AuthorisationCode)
	require.Equal(t, []kernel.MessageID{kernel.MessagePresentCard, kernel.MessageCardReadOK, kernel.MessageAuthorising, kernel.MessageApproved}, messages(res.Tap.UI))
	require.False(t, res.ReversalPending)
	require.Equal(t, strings.TrimLeft(`
TAPSIM TEST SHOP
BERLIN
Terminal                        TAPSIM01
Merchant                 TAPSIM-MERCH-01
2030-01-01                      12:00:00
Amount                         EUR 12.50
Visa                           **** 0119
Entry                        contactless
AID                       A0000000031010
Cryptogram         ARQC 27552E9226B3CC95
ATC                                 0001
STAN                              000001
Reference                   000112000001
Authorisation                     123456
Response                              00
Verification          verified on device
APPROVED
`, "\n"), res.Receipt.String())
	require.NotContains(t, res.Receipt.String(), "3112", "no expiry date")
}

// A token's receipt says whose digits it shows.
func TestReceiptOfAToken(t *testing.T) {
	for record, want := range map[string]string{
		"70 0A 9F19 06 040010030001 00 9000":           "device token",
		"70 0E 9F19 06 040010030001 9F25 02 0119 9000": "card",
	} {
		c := visa(t, map[string]string{"80A8": "77 3E 82 02 0000 94 04 08010100 57 13 4761739002000016D49122010000000000000F 9F10 07 06011203A00000 9F26 08 27552E9226B3CC95 9F36 02 0001 9F6C 02 0080 9000", "00B2": record})
		res, err := shop(t, &approving{}, nil).Pay(context.Background(), field(c), terminal.Request{Amount: 1})
		require.NoError(t, err)
		require.Equal(t, kernel.Approved, res.Outcome, res.Detail)
		require.Equal(t, want, res.Receipt.AccountKind)
		last := map[string]string{"card": "**** 0119", "device token": "**** 0016"}[want]
		require.Equal(t, last, res.Receipt.Account)
	}
}

// Field 39 decides; soft declines are told apart, a partial approval is undone.
func TestResponseCodes(t *testing.T) {
	for code, want := range map[string]struct {
		outcome  kernel.Kind
		soft     bool
		reversal bool
	}{
		"00": {kernel.Approved, false, false}, "08": {kernel.Approved, false, false}, "11": {kernel.Approved, false, false},
		"85": {kernel.Declined, false, false}, // no reason to decline is no approval of an amount
		"05": {kernel.Declined, false, false}, "51": {kernel.Declined, false, false}, "96": {kernel.Declined, false, false},
		"65": {kernel.TryAnotherInterface, true, false}, "70": {kernel.TryAnotherInterface, true, false}, "1A": {kernel.TryAnotherInterface, true, false},
		"10": {kernel.Declined, false, true},
	} {
		host := &approving{code: code}
		j := journal.NewMemory()
		res, err := shop(t, host, func(_ *terminal.Config, e *terminal.Env) { e.Journal = j }).Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1})
		require.NoError(t, err, code)
		require.Equal(t, want.outcome, res.Outcome, code)
		require.Equal(t, want.soft, res.SoftDecline, code)
		require.Equal(t, want.reversal, res.ReversalPending, code)
		last := kernel.MessageApproved
		switch want.outcome {
		case kernel.Declined:
			last = kernel.MessageNotAuthorised
		case kernel.TryAnotherInterface:
			last = kernel.MessageInsertCard
		}
		require.Equal(t, last, res.Tap.UI[len(res.Tap.UI)-1].Message, code)
		pending, err := j.Pending()
		require.NoError(t, err)
		require.Equal(t, want.reversal, len(pending) == 1, code)
	}
}

// silent is a host that answers as told by turns: nil is silence.
type silent struct {
	turns []hostFunc
	got   []*iso8583.Message
	// journal is looked into while the request is under way.
	journal *journal.Memory
	waiting [][]terminal.Entry
}

var errTimeout = errors.New("no answer within 45 s")

func (s *silent) Exchange(_ context.Context, m *iso8583.Message) (*iso8583.Message, error) {
	s.got = append(s.got, m.Clone())
	if s.journal != nil {
		pending, _ := s.journal.Pending()
		s.waiting = append(s.waiting, pending)
	}
	if turn := len(s.got) - 1; turn < len(s.turns) && s.turns[turn] == nil {
		return nil, errTimeout
	} else if turn < len(s.turns) {
		return s.turns[turn](m)
	}
	return (&approving{}).Exchange(context.Background(), m)
}

// A host that does not answer: the reversal was in the journal before the
// request left, the customer is told, it is delivered before the next payment,
// and what was tried once goes out as a repeat with the same numbers.
func TestNoAnswer(t *testing.T) {
	j := journal.NewMemory()
	host := &silent{turns: []hostFunc{nil, nil, nil}, journal: j}
	term := shop(t, host, func(_ *terminal.Config, e *terminal.Env) { e.Journal = j })
	pay := func() terminal.Result {
		res, err := term.Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1250})
		require.NoError(t, err)
		return res
	}
	res := pay()
	require.Equal(t, kernel.Declined, res.Outcome)
	require.True(t, res.ReversalPending)
	require.Contains(t, res.Detail, "reversal is queued")
	require.Contains(t, res.Receipt.String(), "NOT APPROVED")
	require.NotNil(t, res.Request)
	require.Nil(t, res.Response)
	require.Len(t, host.waiting[0], 1, "written before the request left")

	res = pay() // the reversal fails, so no new request leaves
	require.Equal(t, kernel.Declined, res.Outcome)
	require.False(t, res.ReversalPending)
	require.Nil(t, res.Request)
	require.Contains(t, res.Detail, "1 of 1 messages still wait")

	d, err := term.Deliver(context.Background()) // and fails again
	require.ErrorIs(t, err, errTimeout)
	require.Zero(t, d.Taken)

	res = pay() // now the host is back
	require.Equal(t, kernel.Approved, res.Outcome)
	var types []iso8583.MTI
	for _, m := range host.got {
		types = append(types, m.MTI)
	}
	require.Equal(t, []iso8583.MTI{"0100", "0400", "0401", "0401", "0100"}, types)
	for _, r := range host.got[1:4] {
		require.NoError(t, iso8583.Validate(r))
		require.Equal(t, "010000000101011200000000000000000000000000", r.OriginalData)
		require.Equal(t, host.got[0].STAN, r.STAN)
		require.Equal(t, host.got[0].TransmissionTime, r.TransmissionTime, "the issuer knows a repeat by it")
		require.Equal(t, host.got[0].RRN, r.RRN)
		require.Equal(t, host.got[0].PAN, r.PAN)
		require.Equal(t, int64(1250), *r.Amount)
		require.Equal(t, "68", r.ResponseCode)
		require.Empty(t, r.Track2, "no track data waits on disk")
		require.Equal(t, unhex(t, "9F36020001 95050000000000 9F100706011203A00000"), r.ICCData)
	}
	require.Equal(t, "000002", host.got[4].STAN)
	pending, err := j.Pending()
	require.NoError(t, err)
	require.Empty(t, pending)
}

// Answers that are not this request's are no answers.
func TestForeignAnswers(t *testing.T) {
	for name, spoil := range map[string]func(*iso8583.Message){
		"type":      func(m *iso8583.Message) { m.MTI = "0210" },
		"STAN":      func(m *iso8583.Message) { m.STAN = "000777" },
		"terminal":  func(m *iso8583.Message) { m.TerminalID = "OTHER" },
		"reference": func(m *iso8583.Message) { m.RRN = "999999999999" },
		"no code":   func(m *iso8583.Message) { m.ResponseCode = "" },
		"card":      func(m *iso8583.Message) { m.PAN = "4761739001010127" },
		"service":   func(m *iso8583.Message) { m.ProcessingCode = "200000" },
		"amount":    func(m *iso8583.Message) { *m.Amount = 2 },
		"time":      func(m *iso8583.Message) { m.TransmissionTime = "0101115959" },
		"currency":  func(m *iso8583.Message) { m.Currency = "840" },
	} {
		res, err := shop(t, hostFunc(func(m *iso8583.Message) (*iso8583.Message, error) {
			r := iso8583.Response(m, iso8583.Approved)
			spoil(r)
			return r, nil
		}), nil).Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1})
		require.NoError(t, err, name)
		require.Equal(t, kernel.Declined, res.Outcome, name)
		require.True(t, res.ReversalPending, name)
		require.NotContains(t, res.Detail, "47617390", name)
	}
	sparse, err := shop(t, hostFunc(func(m *iso8583.Message) (*iso8583.Message, error) {
		return &iso8583.Message{MTI: m.MTI.Response(), STAN: m.STAN, ResponseCode: iso8583.Approved, ProcessingCode: "002000"}, nil
	}), nil).Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, sparse.Outcome, "what a host leaves out is not compared")
	res, err := shop(t, hostFunc(func(*iso8583.Message) (*iso8583.Message, error) { return nil, nil }), nil).
		Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1})
	require.NoError(t, err)
	require.True(t, res.ReversalPending)
}

// A terminal whose journal cannot be written takes no payment; one whose
// journal fails after the answer does not hand out goods for it.
func TestJournalFailures(t *testing.T) {
	for name, c := range map[string]struct {
		add, remove error
		sent        int
	}{"before the request": {errors.New("disk full"), nil, 0}, "after the answer": {nil, errors.New("disk full"), 1}} {
		host := &approving{}
		j := &failingJournal{Memory: journal.NewMemory(), add: c.add, remove: c.remove}
		res, err := shop(t, host, func(_ *terminal.Config, e *terminal.Env) { e.Journal = j }).Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1})
		require.ErrorContains(t, err, "disk full", name)
		require.NotEqual(t, kernel.Approved, res.Outcome, name)
		require.Len(t, host.got, c.sent, name)
	}
}

type failingJournal struct {
	*journal.Memory
	add, remove error
}

func (j *failingJournal) Add(host string, m *iso8583.Message) (uint64, error) {
	if j.add != nil {
		return 0, j.add
	}
	return j.Memory.Add(host, m)
}

func (j *failingJournal) Remove(id uint64) error {
	if j.remove != nil {
		return j.remove
	}
	return j.Memory.Remove(id)
}

// Online PIN needs a PIN pad; its block goes to the host and stays out of the
// reversal.
func TestOnlinePIN(t *testing.T) {
	pin := map[string]string{"80A8": strings.Replace(gpoARQC, "9F6C 02 0080", "9F6C 02 8000", 1)}
	res, err := shop(t, &approving{}, nil).Pay(context.Background(), field(visa(t, pin)), terminal.Request{Amount: 6000})
	require.NoError(t, err)
	require.Equal(t, kernel.Declined, res.Outcome)
	require.Contains(t, res.Detail, "no PIN pad")
	require.Equal(t, kernel.CVMNone, res.CVM)

	host := &silent{turns: []hostFunc{nil}}
	var asked string
	term := shop(t, host, func(_ *terminal.Config, e *terminal.Env) {
		e.PINPad = pad(func(pan string) ([]byte, error) { asked = pan; return []byte{1, 2, 3, 4, 5, 6, 7, 8}, nil })
	})
	res, err = term.Pay(context.Background(), field(visa(t, pin)), terminal.Request{Amount: 6000})
	require.NoError(t, err)
	require.Equal(t, "4761739001010119", asked)
	require.Contains(t, messages(res.Tap.UI), kernel.MessageEnterPIN)
	require.Equal(t, []byte{1, 2, 3, 4, 5, 6, 7, 8}, host.got[0].PINBlock)
	_, err = term.Deliver(context.Background())
	require.NoError(t, err)
	require.Nil(t, host.got[1].PINBlock)

	res, err = shop(t, &approving{}, func(_ *terminal.Config, e *terminal.Env) {
		e.PINPad = pad(func(string) ([]byte, error) { return nil, errors.New("cancelled") })
	}).Pay(context.Background(), field(visa(t, pin)), terminal.Request{Amount: 6000})
	require.NoError(t, err)
	require.Equal(t, kernel.Declined, res.Outcome)
}

type pad func(string) ([]byte, error)

func (p pad) PINBlock(_ context.Context, pan string) ([]byte, error) { return p(pan) }

// Signature: the customer signs what was approved.
func TestSignature(t *testing.T) {
	sign := map[string]string{"80A8": strings.Replace(gpoARQC, "9F6C 02 0080", "9F6C 02 4000", 1)}
	res, err := shop(t, &approving{}, nil).Pay(context.Background(), field(visa(t, sign)), terminal.Request{Amount: 6000})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, res.Outcome)
	require.Equal(t, kernel.MessageApprovedSign, res.Tap.UI[len(res.Tap.UI)-1].Message)
	require.Contains(t, res.Receipt.String(), "Signature: ___")
}

// Without a host, or with card data that no message can carry, nothing is
// approved and nothing is sent.
func TestCannotGoOnline(t *testing.T) {
	res, err := shop(t, nil, nil).Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1})
	require.NoError(t, err)
	require.Equal(t, kernel.Declined, res.Outcome)
	require.Contains(t, res.Detail, "no host")

	host := &approving{}
	masked := map[string]string{"80A8": strings.Replace(gpoARQC, "4761739001010119D", "476173FFFFFF0119D", 1)}
	res, err = shop(t, host, nil).Pay(context.Background(), field(visa(t, masked)), terminal.Request{Amount: 1})
	require.NoError(t, err)
	require.Equal(t, kernel.EndApplication, res.Outcome)
	require.Equal(t, kernel.OnlineRequest, res.KernelOutcome)
	require.Empty(t, host.got)
}

// A declined tap has the card's data for the report.
func TestDeclinedByTheCard(t *testing.T) {
	aac := map[string]string{"80A8": strings.Replace(gpoARQC, "9F27 01 80", "9F27 01 00", 1)}
	host := &approving{}
	res, err := shop(t, host, nil).Pay(context.Background(), field(visa(t, aac)), terminal.Request{Amount: 1})
	require.NoError(t, err)
	require.Equal(t, kernel.Declined, res.Outcome)
	require.Equal(t, kernel.Declined, res.KernelOutcome)
	require.Equal(t, emv.AAC, res.CryptogramType)
	require.Equal(t, "AAC 27552E9226B3CC95", res.Receipt.Cryptogram)
	require.Equal(t, kernel.CVMNone, res.CVM)
	require.Nil(t, res.TVR)
	require.Empty(t, host.got)
}

// An offline approval is kept for the host before the customer may go, and
// reported with the next delivery.
func TestOfflineApprovalIsReported(t *testing.T) {
	track2 := emv.TLV{Tag: emv.TagTrack2, Value: unhex(t, "4761739001010119D49122010000000000000F")}
	k := &fake{id: 3, say: []kernel.Outcome{{Kind: kernel.Approved, CVM: kernel.CVMNotRequired, DataRecord: emv.Coded(emv.List{
		track2, {Tag: emv.TagCryptogram, Value: unhex(t, "27552E9226B3CC95")}, {Tag: emv.TagCID, Value: []byte{0x40}},
	}.Append(nil))}}}
	host := &approving{}
	j := journal.NewMemory()
	c := terminal.Config{Name: "x", TerminalID: "T", MerchantID: "M", Combinations: []terminal.Combination{{AID: unhex(t, "A000000003"), Kernel: 3}}}
	c.Currency, _ = emv.CurrencyByAlpha("EUR")
	term, err := terminal.New(c, []kernel.Kernel{k}, terminal.Env{Host: host, Journal: j, Now: clock, Rand: counter{}})
	require.NoError(t, err)
	res, err := term.Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 250})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, res.Outcome)
	require.True(t, res.AdvicePending)
	require.Empty(t, host.got)

	d, err := term.Deliver(context.Background())
	require.NoError(t, err)
	require.Equal(t, 1, d.Taken)
	m := host.got[0]
	require.Equal(t, iso8583.FinancialAdvice, m.MTI)
	require.Equal(t, "00", m.ResponseCode)
	require.Equal(t, "4912", m.Expiry)
	require.Empty(t, m.Track2)
	require.NoError(t, iso8583.Validate(m))
	icc, err := emv.ParseList(m.ICCData)
	require.NoError(t, err)
	code, _ := icc.Lookup(emv.TagResponseCode)
	require.Equal(t, "Y1", string(code))
	_, leaked := icc.Lookup(emv.TagTrack2)
	require.False(t, leaked)

	d, err = term.Deliver(context.Background())
	require.NoError(t, err)
	require.Zero(t, d, "a message is delivered once")
}

// A host that is busy (91, 96) gets an advice or a reversal again later; for one
// that does not know the original there is nothing to undo.
func TestDeliveryAgainLater(t *testing.T) {
	j := journal.NewMemory()
	host := &silent{turns: []hostFunc{nil, answer("91"), answer("96"), answer("25")}}
	term := shop(t, host, func(_ *terminal.Config, e *terminal.Env) { e.Journal = j })
	_, err := term.Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1})
	require.NoError(t, err)
	for range 2 {
		_, err = term.Deliver(context.Background())
		require.ErrorContains(t, err, "try later")
	}
	d, err := term.Deliver(context.Background())
	require.NoError(t, err)
	require.Equal(t, terminal.Delivery{Taken: 1}, d)
}

func answer(code string) hostFunc {
	return func(m *iso8583.Message) (*iso8583.Message, error) { return iso8583.Response(m, code), nil }
}

// The host's data reach the card on a second tap when the kernel asked for it
// (Book C-3, 5.8.1.2), and nowhere else; the host's decision stands whatever
// the card does.
func TestIssuerUpdate(t *testing.T) {
	offer := map[string]string{"80A8": strings.Replace(gpoARQC, "9F6C 02 0080", "9F6C 02 00C0", 1), "0082": "9000"}
	update := settings(func(s *kernel.Settings) { s.TTQ = ttq(t, "3600C000") })
	icc := unhex(t, "8A 02 3030 91 08 1BCF65E800800000 9F36 02 0001")
	pay := func(host *approving, second *card, change func(*terminal.Config, *terminal.Env)) (terminal.Result, *taps) {
		f := field(visa(t, offer))
		if second != nil {
			f = field(visa(t, offer), second)
		}
		res, err := shop(t, host, change).Pay(context.Background(), f, terminal.Request{Amount: 1250})
		require.NoError(t, err)
		require.Equal(t, kernel.Approved, res.Outcome)
		return res, f
	}
	second := visa(t, offer)
	res, _ := pay(&approving{icc: icc}, second, update)
	require.Equal(t, []string{"00A404000E325041592E5359532E444446303100", "00A4040007A000000003101000", "00820000081BCF65E800800000"}, second.sent)
	require.NotNil(t, res.Update)
	require.Equal(t, kernel.Approved, res.Update.Kind)
	require.Equal(t, kernel.OnlineRequest, res.KernelOutcome)
	require.Equal(t, unhex(t, "27552E9226B3CC95"), res.Cryptogram, "the report is of the payment")

	res, _ = pay(&approving{icc: icc}, nil, update)
	require.Nil(t, res.Update, "the card did not come back")
	gone := visa(t, map[string]string{"00A4040007A0000000031010": "6A82"})
	res, _ = pay(&approving{icc: icc}, gone, update)
	require.Equal(t, kernel.EndApplication, res.Update.Kind)

	res, f := pay(&approving{}, visa(t, offer), update)
	require.Nil(t, res.Update, "nothing to deliver")
	require.Equal(t, 1, f.seen)
	res, f = pay(&approving{icc: icc}, visa(t, offer), nil)
	require.Nil(t, res.Update, "the reader does not take part")
	require.Equal(t, 1, f.seen)
}

// The configuration chooses the messages.
func TestOtherMessages(t *testing.T) {
	host := &silent{turns: []hostFunc{nil, nil}}
	term := shop(t, host, func(c *terminal.Config, _ *terminal.Env) {
		c.Host = terminal.HostConfig{Request: "0200", Reversal: "0420", EntryMode: "072", AcquirerID: "476173", ForwardingID: "12"}
	})
	_, err := term.Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1, Type: 0x09, AmountOther: 1})
	require.NoError(t, err)
	for range 2 {
		term.Deliver(context.Background())
	}
	require.Equal(t, iso8583.FinancialRequest, host.got[0].MTI)
	require.Equal(t, "090000", host.got[0].ProcessingCode)
	require.Equal(t, "072", host.got[0].EntryMode)
	require.Equal(t, iso8583.ReversalAdvice, host.got[1].MTI)
	require.Equal(t, iso8583.ReversalAdviceRepeat, host.got[2].MTI)
	require.Equal(t, "020000000101011200000000047617300000000012", host.got[2].OriginalData)
}

// What one payment returned stays as it was when the terminal takes the next.
func TestResultsDoNotShareMemory(t *testing.T) {
	term := shop(t, &approving{}, nil)
	pay := func(amount int64, gpo string) terminal.Result {
		res, err := term.Pay(context.Background(), field(visa(t, map[string]string{"80A8": gpo})), terminal.Request{Amount: amount, Trace: func(kernel.Step) {}})
		require.NoError(t, err)
		return res
	}
	snapshot := func(r terminal.Result) string {
		atc, _ := r.Tap.Outcome.Card.Lookup(emv.TagATC)
		return fmt.Sprintf("%v %X %X %X %v %v %v %v %s", r.Tap.UI, r.Tap.AID, r.Cryptogram, atc, r.Tap.Outcome.DataRecord, r.Tap.Steps, r.Tap.UnpredictableNumber, r.Outcome, r.Receipt)
	}
	first := pay(1250, gpoARQC)
	before := snapshot(first)
	second := pay(777, strings.Replace(strings.Replace(gpoARQC, "9F36 02 0001", "9F36 02 0002", 1), "9F27 01 80", "9F27 01 00", 1))
	require.Equal(t, kernel.Declined, second.Outcome)
	require.Equal(t, before, snapshot(first))
}
