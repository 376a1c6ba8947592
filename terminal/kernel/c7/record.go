package c7

import (
	"tapsim/emv"
	"tapsim/terminal/kernel/internal/rules"
)

// dataRecord is what the host needs, in the order in which UnionPay's field 55
// is usually listed. Tag 95 is the value that went to the card, five zero bytes.
// Track 2, 9F39 and 5F34 go into other fields.
func (r *run) dataRecord() emv.Coded {
	mark := r.Mark()
	r.RecordCard(emv.TagCryptogram, rules.Cryptogram)
	r.RecordType()
	r.RecordCard(emv.TagIAD, rules.IAD)
	r.RecordTerminal(emv.TagUnpredictableNumber)
	r.RecordCard(emv.TagATC, rules.ATC)
	r.RecordTerminal(emv.TagTVR, emv.TagTransactionDate, emv.TagTransactionType, emv.TagAmount, emv.TagTransactionCurrency)
	r.RecordCard(emv.TagAIP, rules.AIP)
	r.RecordTerminal(emv.TagTerminalCountry, emv.TagAmountOther, emv.TagTerminalCapabilities)
	r.RecordVerification()
	r.RecordCard(emv.TagDFName, rules.DFName)
	r.RecordCard(emv.TagProductInformation, rules.Product)
	r.RecordCard(emv.TagECashCode, rules.AuthorisationCode)
	r.RecordCard(emv.TagPANSequence, rules.PSN)
	r.RecordCard(emv.TagTrack2, rules.Track2)
	r.RecordTerminal(emv.TagPOSEntryMode)
	return r.RecordFrom(mark)
}
