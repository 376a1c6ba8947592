package sim

import (
	"tapsim/hce"
	"tapsim/issuer"
	"tapsim/terminal/slip"
)

// look has the wallet note how it stands before a tap; 0 for a card that is not
// of the wallet.
func (w *World) look() (int64, error) {
	if !w.OfWallet() {
		return 0, nil
	}
	return w.wallet.Look(w.walletCard, issuer.ChannelContactless)
}

// settled has the wallet note what came of the tap.
func (w *World) settled(look int64) error {
	if look == 0 {
		return nil
	}
	refused := ""
	if tap, ok := w.card.Last(); ok && tap.Reason != hce.ReasonNone && tap.Reason != hce.ReasonOpen {
		refused = tap.Reason.String()
	}
	return w.wallet.Settled(look, w.card.ATC(), refused)
}

// keepSlip has the point of sale remember a payment. Nothing depends on that: a
// slip that cannot be kept is told.
func (w *World) keepSlip(p *Payment, channel string, look int64) {
	if w.slips == "" {
		return
	}
	s := slip.Make(&p.Result, p.Transcript)
	s.Channel, s.Card, s.Look = channel, w.Profile.Name, look
	if err := w.slips.Keep(&s); err != nil {
		w.note("the payment's slip could not be kept: %v", err)
	}
}
