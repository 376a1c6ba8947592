package sim

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/hce/profile"
	"tapsim/iso8583"
	"tapsim/issuer"
	termconfig "tapsim/terminal/config"
	"tapsim/terminal/kernel"
	"tapsim/transcript"
)

// drawsPerPair is how many payments each card makes at each terminal.
const drawsPerPair = 40

// TestEveryCardAtEveryTerminal draws payments from a seed - amounts on both
// sides of every limit, types, phones locked or not, wrong PINs, a card that
// leaves, a host that is down - for each built-in card at each built-in
// terminal, and holds every one of them to what must be true of any payment.
func TestEveryCardAtEveryTerminal(t *testing.T) {
	for _, card := range profile.Names() {
		for _, place := range termconfig.Names() {
			t.Run(card+"@"+place, func(t *testing.T) {
				t.Parallel()
				first := playPair(t, card, place)
				if place == "attended" { // the same seed gives the same bytes
					require.Equal(t, string(first), string(playPair(t, card, place)))
				}
			})
		}
	}
}

// playPair makes the payments of one card at one terminal and returns all that
// went over the air.
func playPair(t *testing.T, card, place string) []byte {
	w, line := matrixWorld(t, card, place)
	defer func() { require.NoError(t, w.Close()) }()
	draw := rand.New(rand.NewPCG(1, hashOf(card+"@"+place)))
	var air bytes.Buffer
	v := &invariants{t: t, w: w, line: line, atc: map[emv.PAN]int{}}
	for range drawsPerPair {
		line.down = draw.IntN(8) == 0
		v.pay(drawRequest(draw, w))
		text, err := transcript.Format(v.payment.Transcript)
		require.NoError(t, err)
		air.Write(text)
		w.Clock.Sleep(context.Background(), time.Duration(1+draw.IntN(3600))*time.Second)
	}
	require.NoError(t, issuer.Audit(context.Background(), w.tokens.(*Bank).store))
	return air.Bytes()
}

// brokenLine is the line to the bank, which may be down.
type brokenLine struct {
	iso8583.Exchanger
	down   bool
	advice int64 // sum of the amounts of 0220 that were delivered
}

func (l *brokenLine) Exchange(ctx context.Context, m *iso8583.Message) (*iso8583.Message, error) {
	if l.down {
		return nil, fmt.Errorf("the line is down: %w", iso8583.ErrNotSent)
	}
	if m.MTI == "0220" && m.Amount != nil {
		l.advice += *m.Amount
	}
	return l.Exchanger.Exchange(ctx, m)
}

func matrixWorld(t *testing.T, card, place string) (*World, *brokenLine) {
	seed := uint64(7)
	w, err := Open(context.Background(), Options{Seed: &seed, Now: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), State: Memory, Card: card, Terminal: place})
	require.NoError(t, err)
	line := &brokenLine{Exchanger: w.host.line}
	w.host.line = line
	return w, line
}

func hashOf(s string) (h uint64) {
	for _, c := range []byte(s) {
		h = h*31 + uint64(c)
	}
	return h
}

// drawRequest draws a payment; most are plain purchases.
func drawRequest(draw *rand.Rand, w *World) Request {
	amounts := []int64{0, 1, 100, 499, 500, 501, 999, 1000, 1001, 2500, 4999, 5000, 5001, 9999, 10000, 12000, 30000}
	r := Request{Amount: amounts[draw.IntN(len(amounts))], Currency: w.Terminal.Currency, Type: w.Terminal.Type, Locked: draw.IntN(2) == 0}
	r.UnlockAfterFirst = r.Locked && draw.IntN(2) == 0
	switch draw.IntN(11) {
	case 3:
		r.Type = 0x30
	case 0:
		r.Type, r.AmountOther = 0x09, r.Amount/2
	case 1:
		r.Type = 0x20
	case 2:
		r.Type = 0x01
	}
	if draw.IntN(12) == 0 {
		r.PIN = "9876"
	}
	if draw.IntN(6) == 0 {
		r.TearAt = 1 + draw.IntN(8)
	}
	return r
}

// invariants are what must be true of any payment.
type invariants struct {
	t       *testing.T
	w       *World
	line    *brokenLine
	request Request
	payment Payment
	atc     map[emv.PAN]int // of each account of the card
}

// pay makes one payment and checks it.
func (v *invariants) pay(r Request) {
	before, purse, waiting := v.available(), v.purse(), v.line.advice
	p, err := v.w.Pay(context.Background(), r)
	v.request, v.payment = r, p
	what := fmt.Sprintf("%+v, line down %v: %v (%v), %s; oda %v %s, cvm %v", r, v.line.down, p.Outcome, p.KernelOutcome, p.Detail, p.Tap.Outcome.ODA,
		p.Tap.Outcome.ODANote, p.Tap.Outcome.CVM)
	require.NoError(v.t, err, what)
	v.outcome(what)
	v.approval(what)
	v.verification(what)
	v.results(what)
	v.counter(what)

	v.line.down = false
	_, err = v.w.term.Deliver(context.Background())
	require.NoError(v.t, err, what)
	v.money(before, v.line.advice-waiting, what)
	v.cash(purse, what)
}

// outcome: what the customer got is one of the outcomes that a payment ends in.
func (v *invariants) outcome(what string) {
	require.Contains(v.t, []kernel.Kind{kernel.Approved, kernel.Declined, kernel.TryAnotherInterface, kernel.EndApplication, kernel.TryAgain}, v.payment.Outcome, what)
	if v.payment.Outcome != kernel.Approved {
		require.NotEmpty(v.t, v.payment.Detail, what)
	}
}

// approval: the issuer said so, or the card did with a signature that verified.
func (v *invariants) approval(what string) {
	p := v.payment
	if p.Outcome != kernel.Approved {
		return
	}
	if p.Response != nil {
		require.Equal(v.t, "00", p.Response.ResponseCode, what)
		return
	}
	require.Equal(v.t, kernel.Approved, p.KernelOutcome, what)
	require.Equal(v.t, kernel.ODAVerified, p.Tap.Outcome.ODA, what)
	require.Equal(v.t, emv.TC, p.CryptogramType, what)
	require.True(v.t, p.AdvicePending, what)
}

// verification: who did not unlock the phone did not verify with it, and above
// the terminal's limit somebody was verified.
func (v *invariants) verification(what string) {
	p, r := v.payment, v.request
	device := p.Outcome == kernel.Approved && p.Tap.Outcome.CVM == kernel.CVMConfirmationCode
	if !v.w.Profile.Verifies() || r.Locked && !r.UnlockAfterFirst {
		require.False(v.t, device, what)
	}
	if p.Outcome == kernel.Approved && v.w.Terminal.Name == "atm" {
		require.Equal(v.t, kernel.CVMOnlinePIN, p.Tap.Outcome.CVM, what)
	}
	if p.Outcome == kernel.Approved && r.Type == 0 && r.Amount >= 5000 && v.w.Terminal.Name != "transit" {
		require.NotEqual(v.t, kernel.CVMNotRequired, p.Tap.Outcome.CVM, what)
	}
	if p.Outcome == kernel.Approved && p.Tap.Outcome.CVM == kernel.CVMOnlinePIN {
		require.NotEqual(v.t, PIN("9876"), r.PIN, what)
		require.NotNil(v.t, p.Request.PINBlock, what)
	}
}

// results: the terminal verification results tell what happened.
func (v *invariants) results(what string) {
	p := v.payment
	if len(p.TVR) != 5 || p.Tap.KernelID != 2 || p.Cryptogram == nil {
		return
	}
	bit := func(n int, mask byte) bool { return p.TVR[n-1]&mask != 0 }
	if bit(1, 0x80) { // set when no method was chosen; a card that declines gives no signature either
		require.Equal(v.t, kernel.ODANotPerformed, p.Tap.Outcome.ODA, "offline data authentication not performed: %X %s", p.TVR, what)
	}
	require.Equal(v.t, p.Tap.Outcome.ODA == kernel.ODAFailed, bit(1, 0x04), "CDA failed: %X %s", p.TVR, what)
	require.Equal(v.t, p.Tap.Outcome.CVM == kernel.CVMOnlinePIN, bit(3, 0x04), "online PIN entered: %X %s", p.TVR, what)
	require.Equal(v.t, v.w.Profile.Account.Expiry < "3001", bit(2, 0x40), "expired: %X %s", p.TVR, what)
}

// counter: the transaction counter of an account never comes twice.
func (v *invariants) counter(what string) {
	if v.payment.ATC == nil {
		return
	}
	atc, last := int(*v.payment.ATC), v.atc[v.payment.PAN]
	if atc == last { // recovered, not made again
		require.Contains(v.t, v.recovered(), "80D0", what)
		return
	}
	require.Greater(v.t, atc, last, what)
	v.atc[v.payment.PAN] = atc
}

// recovered is the commands of the tap that ask for the last cryptogram again.
func (v *invariants) recovered() (commands string) {
	for _, x := range v.payment.Transcript.Exchanges() {
		if len(x.Command) > 1 && x.Command[1] == 0xD0 {
			commands += fmt.Sprintf("%X", x.Command[:2])
		}
	}
	return commands
}

// money: what was approved is paid once, what was not costs nothing, and what
// the card approved by itself reached the bank as an advice.
func (v *invariants) money(before, advised int64, what string) {
	p, r := v.payment, v.request
	var want int64
	if p.Outcome == kernel.Approved {
		want = -r.Amount
		if r.Type == 0x20 {
			want = r.Amount
		}
	}
	require.Equal(v.t, want, v.available()-before, what)
	if p.Outcome == kernel.Approved && p.Response == nil {
		require.Equal(v.t, r.Amount, advised, what)
	} else {
		require.Zero(v.t, advised, what)
	}
}

// cash: a purse has paid what was approved from it, and nothing else.
func (v *invariants) cash(before int64, what string) {
	p := v.payment
	var want int64
	if v.w.Profile.QPBOC != nil && v.w.Profile.QPBOC.ECash != nil && p.Outcome == kernel.Approved && p.Response == nil {
		want = v.request.Amount
	}
	require.Equal(v.t, want, before-v.purse(), what)
}

// purse is what the card's own purse holds; 0 of a card without one.
func (v *invariants) purse() int64 {
	if v.w.Profile.QPBOC == nil || v.w.Profile.QPBOC.ECash == nil {
		return 0
	}
	v.w.card.Deactivated(hce.LinkLoss)
	v.w.card.Respond(unhex(v.t, "00A4040008A00000033301010100"))
	answer, err := apdu.ParseResponse(v.w.card.Respond(unhex(v.t, "80CA9F7900")))
	require.NoError(v.t, err)
	value, ok := emv.Find(answer.Data, emv.TagECashBalance)
	require.True(v.t, ok)
	balance, err := emv.BCD(value)
	require.NoError(v.t, err)
	v.w.card.Deactivated(hce.LinkLoss)
	return int64(balance)
}

// available is what the demo account can still spend.
func (v *invariants) available() (sum int64) {
	accounts, err := v.w.tokens.(*Bank).store.Accounts(context.Background())
	require.NoError(v.t, err)
	for _, a := range accounts {
		if !a.Internal {
			sum += a.Available()
		}
	}
	return sum
}

// TestTornAtEveryExchange lets each card leave at each exchange in turn, and
// come back; then it pays once more. Nothing is paid twice, no counter repeats,
// and the second payment is what it would have been.
func TestTornAtEveryExchange(t *testing.T) {
	for _, card := range profile.Names() {
		for _, place := range []string{"attended", "offline-only"} {
			t.Run(card+"@"+place, func(t *testing.T) {
				t.Parallel()
				whole := tornPair(t, card, place, 0)
				for n := 1; n <= whole.exchanges; n++ {
					require.Equal(t, whole.outcome, tornPair(t, card, place, n).outcome, "after a tear at exchange %d", n)
				}
			})
		}
	}
}

type tornResult struct {
	exchanges int         // of the first payment
	outcome   kernel.Kind // of the second
}

// tornPair makes a payment that is torn at exchange n, and one that is not.
func tornPair(t *testing.T, card, place string, n int) (r tornResult) {
	w, line := matrixWorld(t, card, place)
	defer func() { require.NoError(t, w.Close()) }()
	v := &invariants{t: t, w: w, line: line, atc: map[emv.PAN]int{}}
	request := Request{Amount: 5_00, Currency: w.Terminal.Currency, Type: w.Terminal.Type, TearAt: n}
	v.pay(request)
	r.exchanges = len(v.payment.Transcript.Exchanges())
	request.TearAt = 0
	v.pay(request)
	r.outcome = v.payment.Outcome
	return r
}
