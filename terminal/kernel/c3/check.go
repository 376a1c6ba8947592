package c3

import (
	"tapsim/emv"
)

// checkData looks for what every transaction must have (5.4.2.1), and whether
// the account number of track 2 is that of tag 5A (Book C-3, A.2).
func (r *run) checkData() verdict {
	for _, s := range [...]slot{slotAIP, slotATC, slotIAD, slotCryptogram, slotTrack2} {
		if !r.card.has(s) {
			return r.because(endHere, ruleMissing, missing(s))
		}
	}
	if pan := r.card.get(slotPAN); pan != nil && !samePAN(r.card.get(slotTrack2), pan) {
		return r.because(endHere, "EMV Book C-3, A.2", "tag 5A and track 2 name different accounts")
	}
	if ctq := r.card.get(slotCTQ); ctq != nil {
		r.ctq, r.hasCTQ = emv.CTQ(ctq), true
	}
	return goOn
}

func missing(s slot) string {
	switch s {
	case slotAIP:
		return "the card gave no 82 (application interchange profile)"
	case slotATC:
		return "the card gave no 9F36 (application transaction counter)"
	case slotIAD:
		return "the card gave no 9F10 (issuer application data)"
	case slotCryptogram:
		return "the card gave no 9F26 (application cryptogram); mag-stripe mode is not supported"
	default:
		return "the card gave no 57 (track 2 equivalent data)"
	}
}

// samePAN compares the digits of track 2 before the separator D with those of
// tag 5A before its F fill, half byte by half byte. It does not ask whether
// they are decimal: EMV Book 3, 7.5 leaves that to who uses them.
func samePAN(track2, pan []byte) bool {
	n := 2 * len(pan)
	for n > 0 && nibble(pan, n-1) == 0xF {
		n--
	}
	if n >= 2*len(track2) || nibble(track2, n) != 0xD {
		return false
	}
	for i := 0; i < n; i++ {
		if nibble(track2, i) != nibble(pan, i) {
			return false
		}
	}
	return true
}

func nibble(b []byte, i int) byte {
	if i%2 == 0 {
		return b[i/2] >> 4
	}
	return b[i/2] & 0xF
}

// cryptogramType finds what the card decided: from 9F27, or without it from
// the CVR in the issuer application data (5.4.3.1), and where that leads
// (5.4.3.2).
func (r *run) cryptogramType() verdict {
	if cid := r.card.get(slotCID); cid != nil {
		r.kind = emv.CryptogramTypeOf(cid[0])
	} else {
		iad, err := emv.ParseIAD(emv.SchemeVisa, r.card.get(slotIAD))
		kind, ok := iad.CryptogramType()
		if err != nil || !ok {
			return r.because(endHere, "EMV Book C-3, 5.4.3.1", "there is no 9F27 and the issuer application data tell no cryptogram type")
		}
		r.kind = kind
		r.note("EMV Book C-3, 5.4.3.1", "no 9F27: the issuer application data tell the cryptogram type")
	}
	const rule = "EMV Book C-3, 5.4.3.2"
	switch {
	case r.kind == emv.ARQC:
		return r.requireOnline(rule, "the card asks for an online authorisation (ARQC)")
	case r.kind == emv.TC && r.a.TTQ.Has(emv.TTQOnlineCryptogram):
		return r.requireOnline(rule, "the card approved (TC) although the reader asked for an online cryptogram")
	case r.kind == emv.TC:
		r.note(rule, "the card approved offline (TC)")
	case r.kind == emv.AAC:
		return r.because(decline, rule, "the card declined (AAC)")
	default:
		return r.because(decline, rule, "the card's cryptogram is of no known type")
	}
	return goOn
}

// requireOnline notes that the transaction will go online, and why; the first reason
// stays. At a reader that never goes online it declines.
func (r *run) requireOnline(rule, text string) verdict {
	if !r.onlineCapable() {
		return r.because(decline, rule, text+", and this reader is offline only")
	}
	if !r.online {
		r.because(goOnline, rule, text)
	}
	r.online = true
	return goOn
}

// onlineCapable is true unless the reader is offline only (TTQ byte 1 bit 4).
func (r *run) onlineCapable() bool { return !r.a.TTQ.Has(emv.TTQOfflineOnly) }
