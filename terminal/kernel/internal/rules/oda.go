package rules

import (
	"bytes"
	"errors"

	"tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// FDDA1 is the version of fast DDA that signs amount, currency and 9F69, whose
// first byte it is. Cards of version 00, or without 9F69, sign the
// unpredictable number alone.
const FDDA1 = 0x01

// Authenticate does the offline data authentication that an offline approval
// needs; without it the card's qualifiers say what follows.
func (r *Run) Authenticate() Verdict {
	if r.VerifySignature() {
		return GoOn
	}
	return r.notGenuine()
}

// Certify is the part of Authenticate that can be done before all records are
// read: certificates that are not good, and what the card's key did not sign,
// lead where a wrong signature does. What a further record may still mend passes.
func (r *Run) Certify() Verdict {
	for _, s := range [...]Slot{SDAD, CAIndex, IssuerCertificate, IssuerExponent, ICCCertificate, ICCExponent} {
		if !r.Card.Has(s) {
			return GoOn
		}
	}
	if !r.signedRead() {
		return GoOn
	}
	icc, err := r.certifiedKey()
	if err == nil {
		_, err = oda.RecoverDynamic(icc, r.Card.Get(SDAD), oda.FormatFDDA)
	}
	if err != nil && !r.mayMend(err) {
		r.fails(err)
		return r.notGenuine()
	}
	return GoOn
}

// mayMend is true for a fault that comes from what the card has not given yet:
// remainders of keys, the list of further signed data, and 9F69, which says in
// what format the card signs.
func (r *Run) mayMend(err error) bool {
	var e *oda.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Fault {
	case oda.FaultLength:
		return !r.Card.Has(IssuerRemainder) || !r.Card.Has(ICCRemainder)
	case oda.FaultHash:
		return !r.Card.Has(SDATagList)
	case oda.FaultFormat:
		return true
	}
	return false
}

// notGenuine is what follows.
func (r *Run) notGenuine() Verdict {
	rule := r.Book.NotGenuine
	switch {
	case r.HasCTQ && r.CTQ.Has(emv.CTQOnlineIfODAFails) && r.mayGoOnline():
		return r.RequireOnline(rule, "the card could not be authenticated offline and asks to go online then")
	case r.HasCTQ && r.CTQ.Has(emv.CTQSwitchIfODAFails) && r.TTQ().Has(emv.TTQContact) && !r.Alone:
		return r.Because(UseContact, rule, "the card could not be authenticated offline and asks for the contact interface then")
	}
	return r.Because(Decline, rule, "the card could not be authenticated offline")
}

// OffersDDA is true for a card whose AIP offers dynamic authentication.
func (r *Run) OffersDDA() bool { return emv.AIP(r.Card.Get(AIP)).Has(emv.AIPDDA) }

// VerifySignature is true when the card proved to be genuine.
func (r *Run) VerifySignature() bool {
	if err := r.checkSignature(); err != nil {
		r.fails(err)
		return false
	}
	r.ODA, r.ODANote = kernel.ODAVerified, "fDDA"
	if r.Related == nil || r.Related[0] != FDDA1 {
		r.ODANote = "fDDA version 00"
	}
	r.Note(r.Book.Signature, "the card's signature is genuine (fDDA)")
	return true
}

func (r *Run) fails(err error) {
	r.ODA, r.ODANote = kernel.ODAFailed, err.Error()
	r.Note(r.Book.Signature, r.ODANote)
}

// certifiedKey walks from the certification authority's key to the card's.
func (r *Run) certifiedKey() (*oda.Key, error) {
	if r.icc != nil {
		return r.icc, nil
	}
	if r.Keys == nil || r.Keys.Len() == 0 {
		return nil, errors.New("this terminal has no certification authority keys")
	}
	if !r.OffersDDA() || !r.Card.Has(SDAD) {
		return nil, errors.New("the card takes no part in fDDA")
	}
	track2, err := emv.ParseTrack2(r.Card.Get(Track2))
	if err != nil {
		return nil, err
	}
	static, err := oda.StaticData(r.AFL, r.signedRecord, r.Card.Get(SDATagList), r.Card.Get(AIP))
	if err != nil {
		return nil, err
	}
	card := oda.Card{RID: [5]byte(r.A.AID), PAN: string(track2.PAN), Data: r.Card, Static: static, Today: emv.DateOf(r.A.Transaction.Time)}
	issuer, err := card.IssuerKey(r.Keys)
	if err != nil {
		return nil, err
	}
	r.icc, err = card.ICCKey(issuer)
	return r.icc, err
}

// checkSignature verifies the card's signature with its certified key.
func (r *Run) checkSignature() error {
	icc, err := r.certifiedKey()
	if err != nil {
		return err
	}
	_, err = oda.VerifyFDDA(icc, r.Card.Get(SDAD), r.signedByCard(emv.TagUnpredictableNumber),
		r.signedByCard(emv.TagAmount), r.signedByCard(emv.TagTransactionCurrency), r.Related)
	return err
}

// signedByCard is a copy of a terminal's value: the verification keeps what it
// is given, and the run must stay on the stack.
func (r *Run) signedByCard(tag emv.Tag) []byte {
	v, _ := r.Terminal.Lookup(tag)
	return bytes.Clone(v)
}
