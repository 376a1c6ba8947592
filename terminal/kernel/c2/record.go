package c2

import (
	"tapsim/emv"
)

// recordSize is how many objects a data record or the discretionary data have
// at most.
const recordSize = 32

// dataRecord is what the host needs of a payment in EMV mode (EMV Book C-2, data
// record FF8105), in the book's order, with 9F39 for field 22.
func (r *run) dataRecord() emv.List {
	l := make(emv.List, 0, recordSize)
	l = r.add(l, emv.TagAmount, emv.TagAmountOther)
	l = r.fromCard(l, emv.TagCryptogram, emv.TagExpirationDate, emv.TagAIP, emv.TagApplicationLabel, emv.TagPAN, emv.TagPANSequence,
		emv.TagPreferredName, emv.TagATC, emv.TagAUC)
	l = r.add(l, tagReaderVersion)
	l = r.fromCard(l, emv.TagCID)
	l = r.add(l, emv.TagCVMResults)
	l = r.fromCard(l, emv.TagDFName)
	l = r.add(l, emv.TagIFDSerial)
	l = r.fromCard(l, emv.TagIAD, emv.TagCodeTable, emv.TagPAR)
	l = r.add(l, emv.TagTerminalCapabilities, emv.TagTerminalCountry, emv.TagTerminalType, emv.TagTVR)
	l = r.fromCard(l, emv.TagTrack2)
	return r.add(l, tagCategory, emv.TagTransactionCurrency, emv.TagTransactionDate, emv.TagTransactionType, emv.TagUnpredictableNumber,
		emv.TagPOSEntryMode)
}

// entryModeMagStripe is the POS entry mode 9F39 of mag-stripe mode.
var entryModeMagStripe = []byte{0x91}

// magStripeRecord is the data record of a payment in mag-stripe mode: the track
// data with the verification code in tags 56 and 57.
func (r *run) magStripeRecord() emv.List {
	l := make(emv.List, 0, recordSize)
	l = r.fromCard(l, emv.TagApplicationLabel, emv.TagPreferredName, emv.TagDFName, emv.TagCodeTable)
	l = r.add(l, tagMagVersion)
	l = r.fromCard(l, emv.TagPAR)
	if r.track1 != nil {
		l = append(l, emv.TLV{Tag: emv.TagTrack1, Value: r.track1})
	}
	l = r.fromCard(l, emv.TagTrack2)
	return append(l, emv.TLV{Tag: emv.TagPOSEntryMode, Value: entryModeMagStripe})
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
func (r *run) add(l emv.List, tags ...emv.Tag) emv.List {
	for _, t := range tags {
		if v, ok := r.Lookup(t); ok {
			l = append(l, emv.TLV{Tag: t, Value: v})
		}
	}
	return l
}

// fromCard appends data of the card.
func (r *run) fromCard(l emv.List, tags ...emv.Tag) emv.List {
	for _, t := range tags {
		if v := r.card[slotOf(t)]; len(v) > 0 {
			l = append(l, emv.TLV{Tag: t, Value: v})
		}
	}
	return l
}
