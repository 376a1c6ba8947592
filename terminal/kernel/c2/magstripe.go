package c2

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// Discretionary data of the card's tracks, before anything was filled in.
const (
	tagDDTrack1 emv.Tag = 0xDF812A
	tagDDTrack2 emv.Tag = 0xDF812B
)

// magStripe is a payment in mag-stripe mode: the card computes a verification
// code (CVC3) over an unpredictable number and its counter, and the terminal
// writes code, number and counter into the track data (EMV Book C-2, S7, S78,
// S13, S14).
func (r *run) magStripe(ctx context.Context) (verdict, error) {
	if v, err := r.readRecords(ctx); v != goOn || err != nil {
		return v, err
	}
	if v := r.readTracks(); v != goOn {
		return v, nil
	}
	if v, err := r.exchangeData(ctx); v != goOn || err != nil {
		return v, err
	}
	if v := r.transactionLimit("EMV Book C-2, S78.10"); v != goOn {
		return v, nil
	}
	r.numericUN()
	if r.onDevice && r.overCVMLimit() {
		r.mobile[0] |= onDeviceRequired
		r.note("EMV Book C-2, S78.20", "the phone is asked for a verification on the device")
	}
	return r.checksum(ctx)
}

// onDeviceRequired is bit 2 of 9F7E: the terminal asks for a verification on
// the device.
const onDeviceRequired = 0x02

// maxUNDigits is how many digits of the unpredictable number fit.
const maxUNDigits = 8

// readTracks checks what the card must have for mag-stripe mode (S7.20 to
// S7.24).
func (r *run) readTracks() verdict {
	if !r.card.has(slotMagTrack2, slotPUNATCTrack2, slotPCVC3Track2, slotNATCTrack2) {
		return r.fail(L2CardDataMissing, "EMV Book C-2, S7.21", "the card lacks 9F6B, 9F65, 9F66 or 9F67 (track 2 and its bitmaps)")
	}
	const rule = "EMV Book C-2, S7.24"
	t2, err := newTrack2(r.card[slotMagTrack2], r.bitmaps(slotPCVC3Track2, slotPUNATCTrack2, slotNATCTrack2))
	if err != nil {
		return r.fail(L2CardDataError, rule, err.Error())
	}
	r.mag.track2, r.mag.digits = t2, t2.bits.unDigits()
	if !r.card.has(slotTrack1) {
		return goOn
	}
	if !r.card.has(slotPCVC3Track1, slotPUNATCTrack1, slotNATCTrack1) {
		return r.fail(L2CardDataError, rule, "the card has track 1 without 9F62, 9F63 or 9F64 (its bitmaps)")
	}
	t1, err := newTrack1(r.card[slotTrack1], r.bitmaps(slotPCVC3Track1, slotPUNATCTrack1, slotNATCTrack1))
	switch {
	case err != nil:
		return r.fail(L2CardDataError, rule, err.Error())
	case t1.bits.unDigits() != r.mag.digits:
		return r.fail(L2CardDataError, rule, "the two tracks take different numbers of digits of the unpredictable number")
	}
	r.mag.track1 = t1
	return goOn
}

func (r *run) bitmaps(cvc3, un, counter slot) bitmaps {
	return bitmaps{cvc3: readBits(r.card[cvc3]), un: readBits(r.card[un]), counter: int(r.card[counter][0])}
}

// magData are the tracks on their way through mag-stripe mode.
type magData struct {
	track1, track2 *track // track1 is nil for a card without
	digits         int    // of the unpredictable number that the tracks take
}

// discretionary appends the tracks' discretionary data as the card gave them.
func (m *magData) discretionary(l emv.List) emv.List {
	if m.track1 != nil {
		l = append(l, emv.TLV{Tag: tagDDTrack1, Value: m.track1.original})
	}
	if m.track2 != nil {
		l = append(l, emv.TLV{Tag: tagDDTrack2, Value: packDigits(bytes.Clone(m.track2.original))})
	}
	return l
}

// numericUN makes the unpredictable number 9F6A, eight digits of which as many
// count as the tracks take (S78.15).
func (r *run) numericUN() {
	n := binary.BigEndian.Uint32(r.un[:])
	limit := uint32(1)
	for range r.mag.digits {
		limit *= 10
	}
	emv.AppendBCD(r.un[:0], uint64(n%limit), len(r.un))
}

// checksum asks for the verification code and judges the answer. What fails
// here is answered late: it costs a thief who tries codes his time.
func (r *run) checksum(ctx context.Context) (verdict, error) {
	udol := r.card[slotUDOL]
	if len(udol) == 0 {
		udol = r.set.udol
	}
	c, ok := r.appendList(append(r.a.Buffer[:0], 0x80, 0x2A, 0x8E, 0x80, 0), udol)
	if !ok {
		return r.fail(L2CardDataError, "EMV Book C-2, S78.17", "the UDOL is malformed or asks for more than a command carries"), nil
	}
	c[4] = byte(len(c) - 5)
	answer, err := apdu.ExchangeBytes(ctx, r.a.Card, append(c, 0x00))
	if err != nil {
		if unlessLost(err) == nil {
			if waited := r.late(ctx); waited != nil {
				return goOn, waited
			}
		}
		return goOn, err
	}
	v := r.judgeChecksum(answer)
	if v != goOnline {
		return v, r.late(ctx)
	}
	r.k.mu.Lock()
	r.k.failed = 0
	r.k.mu.Unlock()
	return v, nil
}

// maxFailed bounds how long a refusal waits: 2^5 times 300 ms.
const maxFailed = 5

// late waits longer with each payment that failed in a row (S13.30, S13.31).
func (r *run) late(ctx context.Context) error {
	r.k.mu.Lock()
	n := r.k.failed
	r.k.failed = min(n+1, maxFailed)
	r.k.mu.Unlock()
	if r.k.Wait == nil {
		return nil
	}
	return r.k.Wait(ctx, (300*time.Millisecond)<<n)
}

// judgeChecksum turns the answer of COMPUTE CRYPTOGRAPHIC CHECKSUM into the
// outcome (S13.9 to S13.26, S14).
func (r *run) judgeChecksum(answer apdu.Response) verdict {
	if answer.Status != apdu.StatusOK {
		return r.refused(answer.Status, "EMV Book C-2, S13.10", "the card refused COMPUTE CRYPTOGRAPHIC CHECKSUM")
	}
	tag, content, ok := oneObject(answer.Data)
	if !ok || tag != emv.TagResponseFormat2 {
		return r.fail(L2ParsingError, "EMV Book C-2, S13.13", "the answer to COMPUTE CRYPTOGRAPHIC CHECKSUM is not one template 77")
	}
	if reason := r.keep(content); reason != "" {
		return r.fail(L2ParsingError, "EMV Book C-2, S13.13", reason)
	}
	r.cardRead()
	const missing = "EMV Book C-2, S13.14"
	switch {
	case !r.card.has(slotATC):
		return r.fail(L2CardDataMissing, missing, "the card gave no 9F36 (application transaction counter)")
	case !r.card.has(slotCVC3Track2) && r.card.has(slotInteraction):
		if r.wantsSecondTap() {
			return r.because(secondTap, "EMV Book C-2, S13.44", "the card asks the customer to look at the phone and tap again")
		}
		return r.because(decline, "EMV Book C-2, S13.43", "the card gave no verification code and asks for nothing")
	case !r.card.has(slotCVC3Track2), r.mag.track1 != nil && !r.card.has(slotCVC3Track1):
		return r.fail(L2CardDataMissing, missing, "the card gave no verification code (9F61, 9F60) for a track that it has")
	}
	return r.fillTracks()
}

// fillTracks writes code, number and counter into the tracks and chooses the
// verification (S13.14.5 to S13.26).
func (r *run) fillTracks() verdict {
	verified := r.card.has(slotInteraction) && r.card[slotInteraction][1]&onDeviceVerified != 0
	last := r.mag.digits
	if verified {
		last = (last + 5) % 10
	}
	un, _ := emv.BCD(r.un[:])
	atc := binary.BigEndian.Uint16(r.card[slotATC])
	r.mag.track2.fill(binary.BigEndian.Uint16(r.card[slotCVC3Track2]), un, atc, last)
	r.card[slotTrack2] = r.mag.track2.bcd()
	if t := r.mag.track1; t != nil {
		t.fill(binary.BigEndian.Uint16(r.card[slotCVC3Track1]), un, atc, last)
		r.track1 = t.ascii()
	}
	capability := r.set.magNoCVM
	if r.overCVMLimit() {
		capability, r.receipt = r.set.magRequired, true
	}
	r.cvm = magCVM(capability)
	if verified && r.onDevice && r.overCVMLimit() {
		r.cvm = kernel.CVMConfirmationCode
	}
	r.receipt = r.receipt || r.cvm == kernel.CVMSignature
	return r.because(goOnline, "EMV Book C-2, S13.26", "the track data hold the card's verification code: the host decides")
}

// magCVM reads a mag-stripe CVM capability (DF811E, DF812C): the upper half.
func magCVM(capability byte) kernel.CVM {
	switch capability >> 4 {
	case 0:
		return kernel.CVMNotRequired
	case 1:
		return kernel.CVMSignature
	case 2:
		return kernel.CVMOnlinePIN
	}
	return kernel.CVMNone
}
