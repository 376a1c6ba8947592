package c2

import (
	"context"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// deviceCard is the device type of a card in third party data (9F6E); other
// types are phones and the like, which have no contacts.
const deviceCard = "00"

// judge turns the cryptogram into the outcome (EMV Book C-2, S9.25 to S9.28,
// S910).
func (r *run) judge(ctx context.Context, answer []byte) (verdict, error) {
	if err := r.balanceAfter(ctx); err != nil {
		return goOn, err
	}
	writes := len(r.exchanged.after) > 0
	if !writes {
		r.cardRead()
	}
	check := r.withoutSignature
	if r.card.has(slotSDAD) {
		check = r.verifySignature
	}
	if v := check(answer); v != goOn {
		return v, nil
	}
	v := r.decide()
	if writes {
		err := r.writeAfter(ctx)
		r.cardRead()
		return v, err
	}
	return v, nil
}

// cardRead tells the customer to take the card away: nothing is asked of it any
// more (S9.27, S15.12).
func (r *run) cardRead() {
	if r.a.Display != nil {
		r.a.Display(kernel.UIRequest{Message: kernel.MessageClearDisplay, Status: kernel.StatusCardRead})
	}
}

// withoutSignature judges an answer that has no 9F4B (S910.30 to S910.39). An
// AAC needs none, unless an AAC with signature was asked for.
func (r *run) withoutSignature([]byte) verdict {
	if !r.card.has(slotCryptogram) {
		return r.fail(L2CardDataMissing, "EMV Book C-2, S910.31", "the card gave no 9F26 (application cryptogram)")
	}
	signatureAsked := r.p1&cdaRequested != 0
	if r.kind == emv.AAC {
		if signatureAsked && r.request == emv.AAC {
			return r.fail(L2CardDataError, "EMV Book C-2, S910.36", "the card left the signature out that it offered for a decline")
		}
		return goOn
	}
	if signatureAsked {
		return r.fail(L2CardDataError, "EMV Book C-2, S910.37", "the card left the signature out that was asked for (CDA)")
	}
	if r.relay.performed {
		r.relayIntoTrack2()
	}
	return goOn
}

// decide is the outcome by the card's wish for a second tap, then by the
// cryptogram's type (S910.71 to S910.75).
func (r *run) decide() verdict {
	if r.wantsSecondTap() {
		return r.because(secondTap, "EMV Book C-2, S910.72", "the card asks the customer to look at the phone and tap again")
	}
	const rule = "EMV Book C-2, S910.74"
	switch r.kind {
	case emv.TC:
		return r.because(approve, rule, "the card approved offline (TC)")
	case emv.ARQC:
		return r.because(goOnline, rule, "the card asks for an online authorisation (ARQC)")
	}
	switch r.a.Transaction.Type {
	case typePurchase, typeCash, typeCashback, typeDisbursement:
	default:
		return r.because(endWithData, rule, "the card declined (AAC), as a transaction of this type asks of it")
	}
	if r.capabilities.Has(emv.CapabilityContact) && !r.isDevice() {
		return r.because(useContact, rule, "the card declined (AAC) and may do so no more on its contacts")
	}
	return r.because(decline, rule, "the card declined (AAC)")
}

// isDevice is true when third party data name another device type than a card.
// They have none when bit 16 of the unique identifier is set.
func (r *run) isDevice() bool {
	d := r.card[slotThirdParty]
	return len(d) >= 6 && d[2]&0x80 == 0 && string(d[4:6]) != deviceCard
}
