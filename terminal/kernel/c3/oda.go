package c3

import (
	"errors"

	"tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// authenticate does offline data authentication: for an offline approval,
// which needs it, and for an online request where the reader offers it (TTQ
// byte 1 bit 1) and the card takes part (5.6.1). Only the first changes the
// decision.
func (r *run) authenticate() verdict {
	const rule = "EMV Book C-3, 5.6.1.2"
	if r.online {
		if r.kind == emv.ARQC && r.a.TTQ.Has(emv.TTQODAForOnline) && r.signs() {
			r.verifySignature()
		}
		return goOn
	}
	if r.verifySignature() {
		return goOn
	}
	switch {
	case r.hasCTQ && r.ctq.Has(emv.CTQOnlineIfODAFails) && r.onlineCapable():
		r.wantOnline(rule, "the card could not be authenticated offline and asks to go online then")
		return goOn
	case r.hasCTQ && r.ctq.Has(emv.CTQSwitchIfODAFails) && r.a.TTQ.Has(emv.TTQContact):
		return r.because(useContact, rule, "the card could not be authenticated offline and asks for the contact interface then")
	}
	return r.because(decline, rule, "the card could not be authenticated offline")
}

// signs is true for a card whose AIP offers dynamic authentication and that
// gave a signature.
func (r *run) signs() bool {
	return emv.AIP(r.card.get(slotAIP)).Has(emv.AIPDDA) && r.card.has(slotSDAD)
}

// verifySignature is true when the card proved to be genuine.
func (r *run) verifySignature() bool {
	const rule = "EMV Book C-3, 5.6.1"
	if err := r.checkSignature(); err != nil {
		r.oda, r.odaNote = kernel.ODAFailed, err.Error()
		r.note(rule, r.odaNote)
		return false
	}
	r.oda, r.odaNote = kernel.ODAVerified, "fDDA"
	r.note(rule, "the card's signature is genuine (fDDA)")
	return true
}

// fddaVersion is the version of fast DDA that this kernel takes: the first byte
// of 9F69. Older cards do not sign the amount.
const fddaVersion = 0x01

// checkSignature walks from the certification authority's key to the card's
// and verifies the signature over unpredictable number, amount, currency and
// 9F69.
func (r *run) checkSignature() error {
	if r.k.Keys == nil || r.k.Keys.Len() == 0 {
		return errors.New("this terminal has no certification authority keys")
	}
	related := r.card.get(slotCardAuth)
	if !r.signs() || related == nil || related[0] != fddaVersion {
		return errors.New("the card takes no part in fDDA version 01")
	}
	track2, err := emv.ParseTrack2(r.card.get(slotTrack2))
	if err != nil {
		return err
	}
	static, err := oda.StaticData(r.afl, r.signedRecord, r.card.get(slotSDATagList), r.card.get(slotAIP))
	if err != nil {
		return err
	}
	card := oda.Card{RID: [5]byte(r.a.AID), PAN: string(track2.PAN), Data: r.card, Static: static, Today: r.a.Transaction.Time}
	issuer, err := card.IssuerKey(r.k.Keys)
	if err != nil {
		return err
	}
	icc, err := card.ICCKey(issuer)
	if err != nil {
		return err
	}
	un, _ := r.terminal.Lookup(emv.TagUnpredictableNumber)
	amount, _ := r.terminal.Lookup(emv.TagAmount)
	currency, _ := r.terminal.Lookup(emv.TagTransactionCurrency)
	_, err = oda.VerifyFDDA(icc, r.card.get(slotSDAD), un, amount, currency, related)
	return err
}
