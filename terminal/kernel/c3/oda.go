package c3

import (
	"bytes"
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
		return r.authenticateForOnline()
	}
	if r.verifySignature() {
		return goOn
	}
	switch {
	case r.hasCTQ && r.ctq.Has(emv.CTQOnlineIfODAFails) && r.onlineCapable():
		return r.requireOnline(rule, "the card could not be authenticated offline and asks to go online then")
	case r.hasCTQ && r.ctq.Has(emv.CTQSwitchIfODAFails) && r.a.TTQ.Has(emv.TTQContact):
		return r.because(useContact, rule, "the card could not be authenticated offline and asks for the contact interface then")
	}
	return r.because(decline, rule, "the card could not be authenticated offline")
}

// authenticateForOnline checks the signature of an online request. Where both
// sides take part, what it needs is mandatory (5.4.2.1); a signature that does
// not verify is for the issuer and the operator to know.
func (r *run) authenticateForOnline() verdict {
	if r.kind != emv.ARQC || !r.a.TTQ.Has(emv.TTQODAForOnline) || !r.offersDDA() {
		return goOn
	}
	for _, s := range [...]slot{
		slotSDAD, slotCAIndex, slotIssuerCertificate, slotIssuerExponent, slotICCCertificate, slotICCExponent, slotCardAuth, slotPAN, slotExpiry,
	} {
		if !r.card.has(s) {
			return r.because(endHere, ruleMissing, "reader and card authenticate online requests too, but the card gave not all that it takes")
		}
	}
	r.verifySignature()
	return goOn
}

// offersDDA is true for a card whose AIP offers dynamic authentication.
func (r *run) offersDDA() bool { return emv.AIP(r.card.get(slotAIP)).Has(emv.AIPDDA) }

// verifySignature is true when the card proved to be genuine.
func (r *run) verifySignature() bool {
	const rule = "EMV Book C-3, 5.6.1"
	if err := r.checkSignature(); err != nil {
		r.oda, r.odaNote = kernel.ODAFailed, err.Error()
		r.note(rule, r.odaNote)
		return false
	}
	r.oda, r.odaNote = kernel.ODAVerified, "fDDA"
	if related := r.card.get(slotCardAuth); related == nil || related[0] != fddaVersion {
		r.odaNote = "fDDA version 00"
	}
	r.note(rule, "the card's signature is genuine (fDDA)")
	return true
}

// fddaVersion is the version of fast DDA that signs amount, currency and 9F69,
// whose first byte it is. Cards of version 00, or without 9F69, sign the
// unpredictable number alone.
const fddaVersion = 0x01

// checkSignature walks from the certification authority's key to the card's
// and verifies its signature.
func (r *run) checkSignature() error {
	if r.k.Keys == nil || r.k.Keys.Len() == 0 {
		return errors.New("this terminal has no certification authority keys")
	}
	if !r.offersDDA() || !r.card.has(slotSDAD) {
		return errors.New("the card takes no part in fDDA")
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
	_, err = oda.VerifyFDDA(icc, r.card.get(slotSDAD), r.signedByCard(emv.TagUnpredictableNumber),
		r.signedByCard(emv.TagAmount), r.signedByCard(emv.TagTransactionCurrency), r.card.get(slotCardAuth))
	return err
}

// signedByCard is a copy of a terminal's value: the verification keeps what it
// is given, and the run must stay on the stack.
func (r *run) signedByCard(tag emv.Tag) []byte {
	v, _ := r.terminal.Lookup(tag)
	return bytes.Clone(v)
}
