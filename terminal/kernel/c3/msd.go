package c3

import (
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/internal/rules"
)

const ruleMagStripe = "EMV Book C-3, mag-stripe mode of its early versions"

// magStripe is true for a card in mag-stripe mode (MSD), where the reader is set
// to take it: the AIP says so, and there is no cryptogram. Later versions of the
// kernel have lost this mode, and without the setting so has this one.
func (r *run) magStripe() bool {
	aip := r.Card.Get(rules.AIP)
	return r.A.Config.Settings.Kernel3.MagStripe && r.TTQ().Has(emv.TTQMagStripe) &&
		aip != nil && emv.AIP(aip).Has(emv.AIPMagStripe) && !r.Card.Has(rules.Cryptogram)
}

// decideMagStripe sends the track 2 data to the host, which alone can judge the
// verification value in them. The card says nothing of cardholder verification.
func (r *run) decideMagStripe() rules.Verdict {
	v := r.CheckTrack()
	if v == rules.GoOn {
		v = r.RequireOnline(ruleMagStripe, "mag-stripe mode: the track data hold the card's verification value, the host decides")
	}
	if v == rules.GoOn {
		v = r.UsageControl()
	}
	if v == rules.GoOn {
		v = r.VerifyCardholder(rules.Methods{})
	}
	if v == rules.GoOn {
		v = rules.GoOnline
	}
	return v
}

// trackRecord is the data record of mag-stripe mode.
func (r *run) trackRecord() emv.Coded {
	mark := r.Mark()
	r.RecordCard(emv.TagDFName, rules.DFName)
	r.RecordCard(emv.TagTrack2, rules.Track2)
	r.Record(emv.TagPOSEntryMode, []byte{kernel.EntryModeMagStripe})
	return r.RecordFrom(mark)
}
