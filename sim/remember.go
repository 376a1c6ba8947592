package sim

import (
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/issuer"
	"tapsim/terminal/slip"
	"tapsim/wallet"
)

// look is the wallet's note of how it stood before a tap.
type look struct {
	number int64   // 0: the card is not of the wallet
	last   hce.Tap // of the card, before
}

// look has the wallet note how it stands.
func (w *World) look() (l look, err error) {
	if w.OfWallet() {
		l.last, _ = w.card.Last()
		l.number, err = w.wallet.Look(w.walletCard, issuer.ChannelContactless)
	}
	return l, err
}

// settled has the wallet note what came of the tap.
func (w *World) settled(l look) error {
	if l.number == 0 {
		return nil
	}
	var why wallet.Refused
	if tap, ok := w.card.Last(); ok && tap != l.last && tap.Reason != hce.ReasonNone && tap.Reason != hce.ReasonOpen {
		why = wallet.RefusedFor(tap.Reason)
	}
	return w.wallet.Settled(l.number, w.card.ATC(), why)
}

// lookAt is the note, nil when there is none.
func (w *World) lookAt(l look) *wallet.Look {
	if l.number == 0 {
		return nil
	}
	return w.wallet.LookAt(l.number, "", 0)
}

// keepSlip has the point of sale remember a payment. Nothing depends on that: a
// slip that cannot be kept is told.
func (w *World) keepSlip(p *Payment, channel string, look int64) {
	if w.slips == "" {
		return
	}
	s := slip.Make(&p.Result, p.Transcript)
	s.Channel, s.Card, s.Look, s.Host = channel, w.Profile.Name, look, w.options.HostName
	if w.options.Field != nil && !emv.TestRange(p.PAN) {
		s.Exchange = nil // what a stranger's card said is not ours to keep, masked or not
	}
	if err := w.slips.Keep(&s); err != nil {
		w.note("the payment's slip could not be kept: %v", err)
	}
}
