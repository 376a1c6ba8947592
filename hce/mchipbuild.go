package hce

import (
	"bytes"
	"slices"
	"strings"

	"tapsim/apdu"
	"tapsim/cryptogram/oda"
	"tapsim/emv"
)

// buildMChip prepares the behaviour at kernel 2.
func (s *static) buildMChip(p *Profile) error {
	m := &mchip{MChip: *p.MChip, iad: s.iad}
	body := emv.AppendTLV(emv.AppendTLV(nil, emv.TagAIP, m.AIP[:]), emv.TagAFL, m.AFL)
	m.options = apdu.StatusOK.Append(emv.AppendTLV(nil, emv.TagResponseFormat2, body))
	for _, step := range []func(*Profile) error{m.buildCDOL, m.buildDRDOL, m.buildUDOL} {
		if err := step(p); err != nil {
			return err
		}
	}
	if aci, ok := p.Data.Lookup(emv.TagACI); ok && len(aci) == 3 {
		m.signsAAC = aci[1]&aciSignsAAC != 0
	}
	s.mchip = m
	s.commands = append(slices.Clone(commonCommands), m.instructions()...)
	return m.measure(s.signer)
}

// aciSignsAAC is bit 1 of byte 2 of the application capabilities information
// (9F5D): CDA over TC, ARQC and AAC.
const aciSignsAAC = 0x01

// measure finds the longest answer.
func (m *mchip) measure(signer oda.Signer) error {
	proof := lengthAC
	if signer != nil {
		proof = len(emv.AppendTLV(nil, emv.TagSDAD, make([]byte, signer.Len())))
	}
	body := lengthCID + lengthATC + proof + 3 + len(m.iad)
	if m.Device != nil {
		body += lengthPOSCII
	}
	if m.longest = len(emv.AppendTLV(nil, emv.TagResponseFormat2, make([]byte, body))); m.longest > maxAnswer {
		return fault("authentication", "with a signature the answer to GENERATE AC has %d bytes, at most %d fit: use a shorter key", m.longest, maxAnswer)
	}
	return nil
}

// buildCDOL finds the places of the elements that a card takes from the CDOL1
// values.
func (m *mchip) buildCDOL(p *Profile) error {
	if !m.AIP.Has(emv.AIPEMVMode) {
		return nil
	}
	raw, ok := p.Data.Lookup(emv.TagCDOL1)
	if !ok {
		return fault("data", "a card with EMV mode needs 8C, its CDOL1")
	}
	list, err := emv.ParseDOL(raw)
	if err != nil {
		return fault("data.8C", "%v", err)
	}
	if list.Length() > emv.MaxDOLData {
		return fault("data.8C", "it asks for %d bytes, a command carries at most %d", list.Length(), emv.MaxDOLData)
	}
	for i, want := range cdolHead {
		if i >= len(list) || list[i].Length != want {
			return fault("data.8C", "entry %d must ask for %d bytes: the first eight are those of the cryptogram, in their order", i+1, want)
		}
	}
	m.cdol.length = list.Length()
	if m.cdol.terminalType, err = placeOf(list, emv.TagTerminalType, 1, "data.8C"); err != nil {
		return err
	}
	if m.cdol.cvmResults, err = placeOf(list, emv.TagCVMResults, 3, "data.8C"); err != nil {
		return err
	}
	if m.Device != nil && m.cdol.cvmResults < 0 {
		return fault("data.8C", "a device needs 9F34, or it does not learn that it must verify its owner")
	}
	return nil
}

// placeOf is where the value of a tag stands in what is sent for the list, -1
// when it is not asked for.
func placeOf(list emv.DOL, tag emv.Tag, want int, field string) (int, error) {
	at := 0
	for _, e := range list {
		if e.Tag == tag {
			if e.Length != want {
				return 0, fault(field, "it asks for %d bytes of %s, which has %d", e.Length, tag, want)
			}
			return at, nil
		}
		at += e.Length
	}
	return -1, nil
}

// buildDRDOL finds the values of the DRDOL, which must all be asked for by
// CDOL1 too.
func (m *mchip) buildDRDOL(p *Profile) error {
	raw, ok := p.Data.Lookup(emv.TagDRDOL)
	if !ok {
		return nil
	}
	list, err := emv.ParseDOL(raw)
	if err != nil || len(list) == 0 {
		return fault("data.9F51", "want a data object list with at least one entry")
	}
	cdol1, _ := p.Data.Lookup(emv.TagCDOL1)
	asked, _ := emv.ParseDOL(cdol1)
	for _, e := range list {
		at, err := placeOf(asked, e.Tag, e.Length, "data.9F51")
		if err != nil {
			return err
		}
		if at < 0 {
			return fault("data.9F51", "it asks for %s, which CDOL1 does not: the card would not know it", e.Tag)
		}
		m.drdol = append(m.drdol, span{at, e.Length})
	}
	return nil
}

// buildUDOL prepares mag-stripe mode.
func (m *mchip) buildUDOL(p *Profile) error {
	if m.MagStripe == nil {
		return nil
	}
	list := defaultUDOL
	if raw, ok := p.Data.Lookup(emv.TagUDOL); ok {
		var err error
		if list, err = emv.ParseDOL(raw); err != nil {
			return fault("data.9F69", "%v", err)
		}
	}
	var err error
	if m.udol.unpredictable, err = placeOf(list, emv.TagNumericUN, 4, "data.9F69"); err != nil {
		return err
	}
	if m.udol.mobile, err = placeOf(list, emv.TagMobileSupport, 1, "data.9F69"); err != nil {
		return err
	}
	if m.udol.unpredictable < 0 || list.Length() > emv.MaxDOLData {
		return fault("data.9F69", "want 9F6A04 in it, and at most %d bytes", emv.MaxDOLData)
	}
	m.udol.length = list.Length()
	m.tracks.one = p.Account.staticTrack1()
	m.tracks.two, err = p.Account.staticTrack2()
	return err
}

// staticTrack1 is tag 56 in format B with no name, and zeros for the digits
// that change (ISO/IEC 7813).
func (a *Account) staticTrack1() []byte {
	var b bytes.Buffer
	b.WriteString("B" + string(a.PAN) + "^ /^" + a.Expiry + a.Track2.ServiceCode)
	b.WriteString(strings.Repeat("0", discretionary1))
	return b.Bytes()
}

// staticTrack2 is tag 9F6B: track 2 with zeros for the digits that change.
func (a *Account) staticTrack2() ([]byte, error) {
	t := a.Track2
	t.Discretionary = strings.Repeat("0", discretionary2)
	return t.Append(nil)
}
