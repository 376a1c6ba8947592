package hce

import (
	"encoding/binary"
	"math/bits"

	"tapsim/emv"
)

// check refuses settings that do not fit together.
func (m *MChip) check(p *Profile) error {
	for _, step := range []func(*Profile) error{m.checkModes, m.checkDevice, m.checkCounters, m.checkRelay, m.checkMagStripe, m.checkSigned} {
		if err := step(p); err != nil {
			return err
		}
	}
	return nil
}

func (m *MChip) checkModes(p *Profile) error {
	emvMode := m.AIP.Has(emv.AIPEMVMode)
	switch {
	case len(p.Online.Tags)+len(p.Declined.Tags) > 0:
		return fault("answers", "an M/Chip card answers with mchip.aip and mchip.afl")
	case len(m.AFL) == 0:
		return fault("mchip.afl", "there is nothing to read, and a terminal must")
	case !emvMode && m.MagStripe == nil:
		return fault("mchip.aip", "it has no EMV mode (byte 2, bit 8), and there is no mag_stripe")
	case !emvMode && m.AIP.Has(emv.AIPCDA):
		return fault("mchip.aip", "CDA needs EMV mode (byte 2, bit 8)")
	}
	return p.checkAFL(m.AFL, "mchip.afl")
}

func (m *MChip) checkDevice(*Profile) error {
	d := m.Device
	switch {
	case m.AIP.Has(emv.AIPOnDeviceCVM) != (d != nil):
		return fault("mchip.device", "it is there if and only if the AIP says on-device verification (byte 1, bit 2)")
	case d == nil:
		return nil
	case d.Verifier != 0:
		return fault("mchip.device.verifier", "M/Chip data have no place for it")
	}
	return d.check("mchip.device")
}

// check refuses settings that are none.
func (d *Device) check(field string) error {
	switch {
	case d.Required != WhenAsked && d.Required != Always:
		return fault(field+".required", "want when-asked or always")
	case d.Window != SingleUse && d.Window != Timed:
		return fault(field+".window", "want single-use or timed")
	}
	return nil
}

func (m *MChip) checkCounters(*Profile) error { return m.Counters.check("mchip.counters") }

// check refuses limits that are none; nil limits are right.
func (l *OfflineCounters) check(field string) error {
	switch {
	case l == nil:
		return nil
	case l.LowerCount > l.UpperCount:
		return fault(field+".lower_count", "it is above the upper one")
	case l.LowerAmount < 0 || l.LowerAmount > l.UpperAmount:
		return fault(field+".lower_amount", "want 0 up to the upper one")
	case l.UpperAmount > emv.MaxAmount || l.MaxAmount < 0 || l.MaxAmount > emv.MaxAmount:
		return fault(field, "amounts have at most 12 digits")
	}
	return nil
}

func (m *MChip) checkRelay(*Profile) error {
	switch {
	case m.AIP.Has(emv.AIPRelayResistance) != (m.Relay != nil):
		return fault("mchip.relay", "it is there if and only if the AIP says relay resistance (byte 2, bit 1)")
	case m.Relay != nil && m.Relay.Min > m.Relay.Max:
		return fault("mchip.relay.min", "it is above max")
	}
	return nil
}

// maxNumericUN is how many digits of the unpredictable number a track can take
// (EMV Book C-2).
const maxNumericUN = 8

// checkMagStripe refuses bitmaps that a terminal would: digits of number and
// counter must be there, as many in both tracks, apart from those of the code,
// and not in the place of the last digit, which the terminal writes (EMV Book
// C-2).
func (m *MChip) checkMagStripe(p *Profile) error {
	if m.MagStripe == nil {
		return nil
	}
	if m.MagStripe.Key == nil && p.CardKey != nil || m.MagStripe.Key != nil && p.CardKey == nil {
		return fault("mchip.mag_stripe.key", "a card with a key of its own needs one for CVC3 too, one with single-use keys none")
	}
	first, err := m.unDigits(p, emv.TagPCVC3Track1, emv.TagPUNATCTrack1, emv.TagNATCTrack1, 6, discretionary1)
	if err != nil {
		return err
	}
	second, err := m.unDigits(p, emv.TagPCVC3Track2, emv.TagPUNATCTrack2, emv.TagNATCTrack2, 2, discretionary2)
	if err == nil && first != second {
		err = fault("data.9F64", "track 1 takes %d digits of the unpredictable number, track 2 %d", first, second)
	}
	return err
}

// unDigits is how many digits of the unpredictable number a track takes.
func (m *MChip) unDigits(p *Profile, code, number, counter emv.Tag, width, digits int) (int, error) {
	var bitmaps [2]uint64
	for i, tag := range []emv.Tag{code, number} {
		v, ok := p.Data.Lookup(tag)
		if !ok || len(v) != width {
			return 0, fault("data."+tag.String(), "mag-stripe mode needs it, %d bytes", width)
		}
		var wide [8]byte
		copy(wide[8-width:], v)
		bitmaps[i] = binary.BigEndian.Uint64(wide[:])
		if bits.Len64(bitmaps[i]) > digits || bitmaps[i]&1 != 0 {
			return 0, fault("data."+tag.String(), "the track has %d discretionary digits, of which the last is the terminal's", digits)
		}
	}
	natc, ok := p.Data.Lookup(counter)
	if !ok || len(natc) != 1 {
		return 0, fault("data."+counter.String(), "mag-stripe mode needs it, 1 byte")
	}
	n := bits.OnesCount64(bitmaps[1]) - int(natc[0])
	if bitmaps[0] == 0 || bitmaps[0]&bitmaps[1] != 0 || n < 0 || n > maxNumericUN {
		return 0, fault("data."+number.String(), "places of the code and of number and counter must be there, apart, and 0 to %d be left for the number", maxNumericUN)
	}
	return n, nil
}

// checkSigned refuses certificates among the data that they sign.
func (m *MChip) checkSigned(p *Profile) error {
	afl, err := emv.ParseAFL(m.AFL)
	if err != nil {
		return err // checkModes has seen it
	}
	for _, e := range afl {
		for n := range int(e.Signed) {
			for i := range p.Records {
				r := &p.Records[i]
				if r.SFI == e.SFI && r.Number == e.First+byte(n) && repeated(r.Tags, emv.TagICCCertificate) {
					return fault("mchip.afl", "it marks the record with 9F46 as signed by 9F46")
				}
			}
		}
	}
	return nil
}
