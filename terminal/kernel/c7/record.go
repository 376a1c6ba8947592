package c7

import (
	"tapsim/emv"
	"tapsim/terminal/kernel"
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
	verified := cvmResults(r.CVM)
	r.Record(emv.TagCVMResults, verified[:])
	r.RecordCard(emv.TagDFName, rules.DFName)
	r.RecordCard(emv.TagProductInformation, rules.Product)
	r.RecordCard(emv.TagECashCode, rules.AuthorisationCode)
	r.RecordCard(emv.TagPANSequence, rules.PSN)
	r.RecordCard(emv.TagTrack2, rules.Track2)
	r.RecordTerminal(emv.TagPOSEntryMode)
	return r.RecordFrom(mark)
}

// cvmResults codes the verification as 9F34 (EMV Book 4, A4): the method, "if
// the terminal supports it" or always, and the result as far as the terminal
// knows. One on the consumer's device is written as kernel 2 does.
func cvmResults(m kernel.CVM) emv.CVMResults {
	switch m {
	case kernel.CVMSignature:
		return emv.CVMResults{byte(emv.CVMSignature), byte(emv.CVMTerminalSupports), emv.CVMUnknown}
	case kernel.CVMOnlinePIN:
		return emv.CVMResults{byte(emv.CVMOnlinePIN), byte(emv.CVMTerminalSupports), emv.CVMUnknown}
	case kernel.CVMConfirmationCode:
		return emv.CVMResults{byte(emv.CVMPlaintextPIN), byte(emv.CVMAlways), emv.CVMSuccessful}
	}
	return emv.CVMResults{byte(emv.CVMNone), byte(emv.CVMAlways), emv.CVMSuccessful}
}
