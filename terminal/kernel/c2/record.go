package c2

import (
	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// recordRoom is what a data record usually takes, in bytes.
const recordRoom = 320

// dataRecord is what the host needs of a payment in EMV mode (EMV Book C-2, data
// record FF8105), in the book's order, with 9F39 for field 22.
func (r *run) dataRecord() emv.Coded {
	d := make(emv.Coded, 0, recordRoom)
	d = r.add(d, emv.TagAmount, emv.TagAmountOther)
	d = r.addFromCard(d, emv.TagCryptogram, emv.TagExpirationDate, emv.TagAIP, emv.TagApplicationLabel, emv.TagPAN, emv.TagPANSequence,
		emv.TagPreferredName, emv.TagATC, emv.TagAUC)
	d = r.add(d, emv.TagTerminalVersion)
	d = r.addFromCard(d, emv.TagCID)
	d = r.add(d, emv.TagCVMResults)
	d = r.addFromCard(d, emv.TagDFName)
	d = r.add(d, emv.TagIFDSerial)
	d = r.addFromCard(d, emv.TagIAD, emv.TagCodeTable, emv.TagPAR)
	d = r.add(d, emv.TagTerminalCapabilities, emv.TagTerminalCountry, emv.TagTerminalType, emv.TagTVR)
	d = r.addFromCard(d, emv.TagTrack2)
	return r.add(d, tagCategory, emv.TagTransactionCurrency, emv.TagTransactionDate, emv.TagTransactionType, emv.TagUnpredictableNumber,
		emv.TagPOSEntryMode)
}

// magStripeRecord is the data record of a payment in mag-stripe mode: the track
// data with the verification code in tags 56 and 57.
func (r *run) magStripeRecord() emv.Coded {
	d := make(emv.Coded, 0, recordRoom)
	d = r.addFromCard(d, emv.TagApplicationLabel, emv.TagPreferredName, emv.TagDFName, emv.TagCodeTable)
	d = r.add(d, tagMagVersion)
	d = r.addFromCard(d, emv.TagPAR)
	if r.track1 != nil {
		d = emv.AppendTLV(d, emv.TagTrack1, r.track1)
	}
	d = r.addFromCard(d, emv.TagTrack2)
	return emv.AppendTLV(d, emv.TagPOSEntryMode, []byte{kernel.EntryModeMagStripe})
}

// discretionary are the discretionary data FF8106. Before the mode is known
// they hold the error indication only.
func (r *run) discretionary() emv.List {
	l := make(emv.List, 0, 8)
	if r.mode == modeUnknown {
		return append(l, r.errors.object())
	}
	l = r.fromCard(l, emv.TagACI)
	if r.mode == modeEMV {
		l = r.fromCard(l, emv.TagApplicationCurrency)
		l = present(l, tagBalanceBefore, r.balances.before)
		l = present(l, tagBalanceAfter, r.balances.after)
	}
	l = append(l, r.errors.object())
	if r.mode == modeMagStripe {
		l = r.fromCard(l, emv.TagThirdPartyData)
		return r.mag.discretionary(l)
	}
	l = append(l, emv.TLV{Tag: tagPutBefore, Value: r.exchanged.putBefore[:]}, emv.TLV{Tag: tagPutAfter, Value: r.exchanged.putAfter[:]})
	l = r.fromCard(l, emv.TagThirdPartyData)
	if r.reported != nil {
		l = append(l, emv.TLV{Tag: tagTornRecord, Value: r.reported.Append(nil)})
	}
	return l
}

func present(l emv.List, tag emv.Tag, v []byte) emv.List {
	if v != nil {
		l = append(l, emv.TLV{Tag: tag, Value: v})
	}
	return l
}

// add appends data of kernel and terminal.
func (r *run) add(d emv.Coded, tags ...emv.Tag) emv.Coded {
	for _, t := range tags {
		if v, ok := r.Lookup(t); ok {
			d = emv.AppendTLV(d, t, v)
		}
	}
	return d
}

// addFromCard appends data of the card.
func (r *run) addFromCard(d emv.Coded, tags ...emv.Tag) emv.Coded {
	for _, t := range tags {
		if v := r.card[slotOf(t)]; len(v) > 0 {
			d = emv.AppendTLV(d, t, v)
		}
	}
	return d
}

// fromCard appends data of the card to a list.
func (r *run) fromCard(l emv.List, tags ...emv.Tag) emv.List {
	for _, t := range tags {
		if v := r.card[slotOf(t)]; len(v) > 0 {
			l = append(l, emv.TLV{Tag: t, Value: v})
		}
	}
	return l
}
