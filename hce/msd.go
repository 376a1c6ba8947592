package hce

import (
	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
)

// This file is mag-stripe mode of kernel 3 (MSD), which kernels of today have
// lost: the card makes no cryptogram but a dynamic card verification value, and
// writes it into track 2 with its counter.

// magStripe is true for a transaction in mag-stripe mode: the card has it, the
// reader offers it, and nothing better.
func (s *static) magStripe(r *request) bool {
	return s.answers.magStripe.coded != nil && r.ttq.Has(emv.TTQMagStripe) && !r.ttq.Has(emv.TTQEMVMode)
}

// inMagStripe is the verdict of a card in mag-stripe mode: it leaves everything
// to the host.
func inMagStripe(o *OfflineState) verdict {
	return verdict{status: apdu.StatusOK, kind: emv.ARQC, magStripe: true, after: *o}
}

// writeTrack makes the track 2 data of a transaction. The value is made with the
// key for cryptograms over the counter's digits as they stand in the track: the
// bank sees no others.
func (c *Card) writeTrack(key *cryptogram.Key, x *values) error {
	t := c.static.track2
	value, err := cryptogram.DCVV(key, string(t.PAN), t.Expiry, t.ServiceCode, c.state.ATC, cryptogram.ATCDecimal)
	if err != nil {
		return err
	}
	t, _ = t.WithDynamic(value, c.state.ATC) // checkMagStripe has seen that it fits
	_, err = t.Append(x.track2[:0])
	return err
}

// checkMagStripe refuses an answer in mag-stripe mode that no terminal and no
// bank could make anything of.
func (p *Profile) checkMagStripe() error {
	const field = "answers.msd"
	_, fits := p.Account.Track2.WithDynamic("000", 0)
	afl, _ := emv.ParseAFL(p.MSD.AFL) // checkRecords reports a malformed one
	switch {
	case p.MSD.absent():
		return nil
	case p.Scheme != emv.SchemeVisa:
		return fault(field, "only a Visa card has this mode")
	case p.CardKey == nil:
		return fault(field, "the verification value in track 2 needs a card key")
	case len(p.Account.PAN) < 12:
		return fault("account.pan", "want 12 digits at least for a verification value")
	case !fits:
		return fault("account.track2", "want 12 discretionary digits at least: a verification value and the counter go into them")
	case !p.MSD.AIP.Has(emv.AIPMagStripe):
		return fault(field+".aip", "it does not say mag-stripe mode (byte 2, bit 8)")
	case len(p.MSD.Tags) > 0:
		return fault(field+".tags", "want aip and afl alone: track 2 stands in a record")
	}
	for _, a := range []*Answer{&p.Online, &p.OnlineODA, &p.Offline, &p.Declined} {
		for _, e := range afl {
			for n := int(e.First); n <= int(e.Last); n++ {
				if a.names(place{e.SFI, byte(n)}) {
					return fault(field+".afl", "record %d of file %d is of another answer too, which has another track 2", n, e.SFI)
				}
			}
		}
	}
	return nil
}

// names is true for an answer whose AFL names that record.
func (a *Answer) names(at place) bool {
	afl, _ := emv.ParseAFL(a.AFL) // checkRecords reports a malformed one
	for _, e := range afl {
		if e.SFI == at.sfi && e.First <= at.number && at.number <= e.Last {
			return true
		}
	}
	return false
}
