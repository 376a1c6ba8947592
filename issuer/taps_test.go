package issuer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
)

// played is one tap of a random history, and what the bank answered about it.
type played struct {
	tap             tap
	icc             []byte
	refund, wrong   bool // wrong: its cryptogram
	heard, declined bool // declined: a request with it was refused, and neither as a replay nor for want of a PIN
}

// history sends messages about a few taps in any order.
type history struct {
	*bank
	draw *rand.Rand
	taps []*played
	sent []*iso8583.Message
	stan int
}

// newTap is a tap with a counter that may have come before.
func (h *history) newTap() *played {
	p := plasticTap(uint16(1+h.draw.IntN(20)), int64(1+h.draw.IntN(300_00)))
	if h.draw.IntN(8) == 0 {
		p.amount += 500_00
	}
	if h.draw.IntN(12) == 0 {
		p.atc += 60
	}
	p.un = h.draw.Uint32()
	p.decide([]emv.CryptogramType{emv.ARQC, emv.TC, emv.TC, emv.AAC}[h.draw.IntN(4)])
	e := p.elements()
	t := &played{tap: p, refund: h.draw.IntN(4) == 0, wrong: h.draw.IntN(6) == 0}
	if t.refund {
		e.Type = toldRefund
	}
	t.icc = signed(h.t, p, &e)
	if t.wrong {
		t.icc[4] ^= 1
	}
	h.taps = append(h.taps, t)
	return t
}

// step sends a payment, a repeat or a reversal.
func (h *history) step() {
	switch n := h.draw.IntN(10); {
	case n < 7 || len(h.sent) == 0:
		t := h.newTap
		if k := len(h.taps); k > 0 && h.draw.IntN(3) > 0 {
			t = func() *played { return h.taps[h.draw.IntN(k)] }
		}
		h.pay(t())
	case n == 7:
		repeat := clone(h.sent[h.draw.IntN(len(h.sent))])
		repeat.MTI = repeat.MTI[:3] + "1"
		h.handle(repeat)
	default:
		h.stan++
		h.handle(reversalOf(h.sent[h.draw.IntN(len(h.sent))], []iso8583.MTI{"0400", "0420"}[h.draw.IntN(2)], h.stan))
	}
}

// pay sends a message about a tap, which may lie about what it is and about the
// payment it belongs to.
func (h *history) pay(t *played) {
	h.stan++
	m := t.tap.message(h.t, []iso8583.MTI{"0100", "0200", "0120", "0220", "0220"}[h.draw.IntN(5)], h.stan)
	m.ICCData = t.icc
	if h.draw.IntN(6) == 0 {
		withData(m, emv.TLV{Tag: emv.TagCVMResults, Value: []byte{0x1F, 0, 2}}) // above the limit: 70
	}
	if t.refund != (h.draw.IntN(10) == 0) {
		m.ProcessingCode = "200000"
	}
	if len(h.sent) > 0 {
		other := h.sent[h.draw.IntN(len(h.sent))]
		if h.draw.IntN(3) == 0 {
			m.RRN = other.RRN
		}
		if h.draw.IntN(3) == 0 && m.MTI[2] == '2' {
			m.OriginalData = reversalOf(other, "0400", 1).OriginalData
		}
	}
	if m.MTI[2] == '2' {
		m.ResponseCode = []string{"", "00", "Y1", "05"}[h.draw.IntN(4)]
		if h.draw.IntN(2) == 0 {
			m.AuthorisationCode = "123456"
		}
	}
	answer, _ := h.handle(m)
	h.sent = append(h.sent, m)
	code := Code(answer.ResponseCode)
	if m.MTI[2] == '0' && !code.approves() && !code.soft() && (code != SecurityViolation || !t.heard) {
		t.declined = true
	}
	t.heard = true
}

// check looks at what the bank recorded: the money of a tap moved once at most,
// nothing of what was declined, of a wrong cryptogram, or of what the card
// declined.
func (h *history) check() {
	h.audit()
	records, err := h.store.Records(context.Background(), "A")
	require.NoError(h.t, err)
	moved := map[Tap]int{}
	for n := range records {
		r := &records[n]
		if r.Tap != (Tap{}) && (r.State == RecordHeld || r.State == RecordPosted || r.State == RecordCredited) {
			moved[r.Tap]++
		}
	}
	for _, t := range h.taps {
		c, err := parseChip(t.icc)
		require.NoError(h.t, err)
		tap := (&payment{chip: c}).tap()
		what := fmt.Sprintf("counter %d, %v, wrong %v, refund %v, declined %v", t.tap.atc, emv.CryptogramTypeOf(t.tap.cid), t.wrong, t.refund, t.declined)
		require.LessOrEqual(h.t, moved[tap], 1, what)
		if t.wrong || t.declined || emv.CryptogramTypeOf(t.tap.cid) == emv.AAC {
			require.Zero(h.t, moved[tap], what)
		}
	}
}

// TestNoTapPaysTwice: in whatever order authorisations, payments, refunds, their
// advices, repeats and reversals come, about whatever taps, the money of a tap
// moves once at most, and that of a declined one never.
func TestNoTapPaysTwice(t *testing.T) {
	var moved int
	for seed := range uint64(30) {
		h := &history{draw: rand.New(rand.NewPCG(8, seed)), bank: newBank(t, func(c *Config) {
			c.StandIn.MaxAmount, c.Unverified = 100_00, 10_00
			c.Verification.Limit, c.SecondUse = 50_00, SecondUseRules{Within: time.Hour, WithoutPIN: seed%2 == 0}
		})}
		for range 80 {
			h.step()
		}
		h.check()
		records, err := h.store.Records(context.Background(), "A")
		require.NoError(t, err)
		for n := range records {
			if records[n].State.posted() {
				moved++
			}
		}
	}
	require.Greater(t, moved, 100, "the histories are not all refusals")
}
