package c2

import (
	"bytes"
	"errors"

	"tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// chooseODA: CDA when both sides have it, else none; then whether card and
// terminal have the keys for it (EMV Book C-2, S3R1.17 to S3R1.20, S456.25 to
// S456.27).
func (r *run) chooseODA() verdict {
	const rule = "EMV Book C-2, S456.26"
	if !r.aip.Has(emv.AIPCDA) || !r.capabilities.Has(emv.CapabilityCDA) {
		r.tvr().Set(emv.TVRODANotPerformed, true)
		r.note("EMV Book C-2, S3R1.20", "no offline data authentication: CDA is not on both sides")
		return goOn
	}
	r.cda = true
	if !r.card.has(slotCAIndex, slotIssuerCertificate, slotIssuerExponent, slotICCCertificate, slotICCExponent, slotSDATagList) {
		r.tvr().Set(emv.TVRICCDataMissing, true)
		r.noCDA(rule, "the card lacks a certificate, an exponent or the tag list for CDA")
	} else if !r.hasKey() {
		r.noCDA(rule, "the terminal does not have the certification authority's key that the card names")
	}
	if list := r.card[slotSDATagList]; len(list) > 0 && !bytes.Equal(list, []byte{byte(emv.TagAIP)}) {
		return r.fail(L2CardDataError, "EMV Book C-2, S456.27", "the static data authentication tag list is not 82")
	}
	return goOn
}

func (r *run) hasKey() bool {
	return r.k.Keys != nil && len(r.a.AID) >= 5 && r.k.Keys.Has([5]byte(r.a.AID), r.card[slotCAIndex][0])
}

// noCDA notes that CDA has failed before it began.
func (r *run) noCDA(rule, why string) {
	r.tvr().Set(emv.TVRCDAFailed, true)
	r.oda, r.odaNote = kernel.ODAFailed, why
	r.note(rule, why)
}

// willSign is true when CDA is chosen and has not failed.
func (r *run) willSign() bool { return r.cda && !r.tvr().Has(emv.TVRCDAFailed) }

// verifySignature checks the signature that came with the cryptogram, over the
// bytes that travelled, and takes the cryptogram out of it (S910.1 to S910.7).
func (r *run) verifySignature(answer []byte) verdict {
	const rule = "EMV Book C-2, S910.7"
	signed, err := r.checkSignature(answer)
	if err != nil {
		r.tvr().Set(emv.TVRCDAFailed, true)
		r.oda, r.odaNote = kernel.ODAFailed, err.Error()
		return r.fail(L2CAMFailed, rule, "the card could not be authenticated: "+err.Error())
	}
	r.oda, r.odaNote = kernel.ODAVerified, "CDA"
	r.card[slotCryptogram], r.card[slotDynamicNumber] = signed.Cryptogram[:], signed.DynamicNumber
	r.note("EMV Book C-2, S910.6", "the card's signature over the transaction is genuine (CDA)")
	return goOn
}

// checkSignature walks from the certification authority's key to the card's and
// verifies the signature. content are the objects of the answer.
func (r *run) checkSignature(content []byte) (*oda.CDA, error) {
	if r.k.Keys == nil || len(r.a.AID) < 5 {
		return nil, errors.New("this terminal has no certification authority keys")
	}
	pan, err := emv.Digits(r.card[slotPAN])
	if err != nil {
		return nil, err
	}
	static, err := oda.StaticData(r.afl, r.signedRecord, r.card[slotSDATagList], r.card[slotAIP])
	if err != nil {
		return nil, err
	}
	card := oda.Card{RID: [5]byte(r.a.AID), PAN: pan, Data: &r.card, Static: static, Today: emv.DateOf(r.a.Transaction.Time)}
	issuer, err := card.IssuerKey(r.k.Keys)
	if err != nil {
		return nil, err
	}
	icc, err := card.ICCKey(issuer)
	if err != nil {
		return nil, err
	}
	response, err := oda.WithoutSignature(content)
	if err != nil {
		return nil, err
	}
	signed, err := oda.VerifyCDA(icc, r.card[slotSDAD], oda.CDAData{
		UnpredictableNumber: r.un[:], PDOL: r.pdolData, CDOL1: r.cdolData, Response: response,
	})
	if err != nil {
		return nil, err
	}
	return signed, r.checkSigned(signed)
}

// checkSigned compares what the signature holds with what was said outside it:
// type and cryptogram, wherever the card gave them, and the data of the relay
// resistance protocol (EMV Book C-2, S910.3).
func (r *run) checkSigned(signed *oda.CDA) error {
	if signed.CID != r.card[slotCID][0] {
		return errors.New("the cryptogram information data outside are not those in the signature")
	}
	if ac := r.card[slotCryptogram]; ac != nil && !bytes.Equal(ac, signed.Cryptogram[:]) {
		return errors.New("the cryptogram outside is not the one in the signature")
	}
	d := &r.relay
	if !d.performed {
		return nil
	}
	want := append(append([]byte{}, d.entropy[:]...), d.card[:]...)
	if !bytes.HasPrefix(signed.More, want) {
		return errors.New("the relay resistance data in the signature are not those that were exchanged")
	}
	return nil
}
