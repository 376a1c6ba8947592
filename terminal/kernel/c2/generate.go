package c2

import (
	"context"

	"tapsim/apdu"
	"tapsim/emv"
)

// Bits of the reference control parameter, P1 of GENERATE AC. The upper two are
// the cryptogram type.
const cdaRequested = 0x10

// cdaForAll is byte 2 bit 1 of the application capabilities information: the
// card signs an AAC too.
const cdaForAll = 0x01

// applicationCryptogram writes what the terminal wants written, recovers the
// cryptogram of a torn transaction or generates a new one, and judges it (EMV
// Book C-2, S456.42 to S456.50, S12).
func (r *run) applicationCryptogram(ctx context.Context) (verdict, error) {
	if err := r.writeBefore(ctx); err != nil {
		return goOn, err
	}
	answer, v, err := r.recover(ctx)
	if v == goOn && err == nil && answer == nil {
		answer, v, err = r.generate(ctx)
	}
	if v != goOn || err != nil {
		return v, err
	}
	return r.judge(ctx, answer)
}

// prepare sets the reference control parameter (EMV Book C-2, 7.6): CDA is
// asked for where it can succeed. Where it cannot, a card that was to vouch for
// its holder's verification is asked for a decline, because nothing proves what
// it says.
func (r *run) prepare() {
	switch {
	case r.willSign():
		if r.request != emv.AAC || r.card.has(slotCapabilities) && r.card[slotCapabilities][1]&cdaForAll != 0 {
			r.p1 = cdaRequested
			r.note("EMV Book C-2, GAC.27", "a signature is asked for with the cryptogram (CDA)")
		}
	case r.onDevice && r.set.withoutCDA:
		r.note("EMV Book C-2, 9F1D", "on-device verification without CDA: the terminal's risk management data allow it")
	case r.onDevice:
		r.request = emv.AAC
		r.note("EMV Book C-2, GAC.23", "the terminal asks for a decline (AAC): on-device verification needs CDA, which cannot succeed")
	}
	r.p1 |= byte(r.request)
}

// generate sends GENERATE AC with the values of CDOL1. It returns the objects of
// the answer.
func (r *run) generate(ctx context.Context) ([]byte, verdict, error) {
	r.prepare()
	const header = 5
	c, ok := r.appendList(append(r.a.Buffer[:0], 0x80, 0xAE, r.p1, 0x00, 0), r.card[slotCDOL1])
	if !ok {
		return nil, r.fail(L2CardDataError, "EMV Book C-2, GAC.29", "CDOL1 is malformed or asks for more than a command carries"), nil
	}
	r.cdolData = append([]byte(nil), c[header:]...)
	c[header-1] = byte(len(r.cdolData))
	r.generating = true
	answer, err := apdu.ExchangeBytes(ctx, r.a.Card, append(c, 0x00))
	if err != nil {
		return nil, goOn, err
	}
	r.generating = false
	if answer.Status != apdu.StatusOK {
		return nil, r.refused(answer.Status, "EMV Book C-2, S9.17", "the card refused GENERATE AC"), nil
	}
	content, v := r.readAnswer(answer.Data)
	return content, v, nil
}

// Lengths of an answer of format 1: CID, ATC and cryptogram, then up to 32
// bytes of issuer application data.
const (
	shortAnswer = 11
	longAnswer  = 43
)

// readAnswer takes the answer of GENERATE AC or RECOVER AC apart: template 77,
// or 80 (S9.18 to S9.24). It returns the objects as they came.
func (r *run) readAnswer(data []byte) ([]byte, verdict) {
	tag, value, ok := oneObject(data)
	switch {
	case ok && tag == emv.TagResponseFormat2 && len(value) > 0:
		if reason := r.keep(value); reason != "" {
			return nil, r.fail(L2ParsingError, "EMV Book C-2, S9.20", reason)
		}
	case ok && tag == emv.TagResponseFormat1 && len(value) >= shortAnswer && len(value) <= longAnswer:
		if r.card.has(slotCID) || r.card.has(slotATC) || r.card.has(slotCryptogram) || r.card.has(slotIAD) {
			return nil, r.fail(L2ParsingError, "EMV Book C-2, S9.20", "the card gave the same data object twice")
		}
		r.card[slotCID], r.card[slotATC], r.card[slotCryptogram] = value[:1], value[1:3], value[3:shortAnswer]
		if len(value) > shortAnswer {
			r.card[slotIAD] = value[shortAnswer:]
		}
	default:
		return nil, r.fail(L2ParsingError, "EMV Book C-2, S9.20", "the answer to GENERATE AC is neither template 77 nor 80")
	}
	if !r.card.has(slotCID, slotATC) {
		return nil, r.fail(L2CardDataMissing, "EMV Book C-2, S9.22", "the card gave no 9F27 (cryptogram information data) or no 9F36 (application transaction counter)")
	}
	r.kind = emv.CryptogramTypeOf(r.card[slotCID][0])
	if !answers(r.kind, r.request) {
		return nil, r.fail(L2CardDataError, "EMV Book C-2, S9.24", "the card answered with a cryptogram of another type than it may")
	}
	return value, goOn
}

// answers is true for a cryptogram type that a card may answer with: what was
// asked for, or less.
func answers(got, asked emv.CryptogramType) bool {
	switch got {
	case emv.TC:
		return asked == emv.TC
	case emv.ARQC:
		return asked == emv.TC || asked == emv.ARQC
	}
	return got == emv.AAC
}
