package hce

import (
	"encoding/binary"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
)

// defaultUDOL is what a terminal sends to a card without UDOL (9F69): the
// numeric unpredictable number alone (EMV Book C-2, DF811A).
var defaultUDOL = emv.DOL{{Tag: emv.TagNumericUN, Length: 4}}

// udolLayout says where elements stand in the UDOL values; -1 is nowhere.
type udolLayout struct {
	length, unpredictable, mobile int
}

// mobileCVMRequired is bit 2 of the mobile support indicator (9F7E): the reader
// asks for a verification on the device.
const mobileCVMRequired = 0x02

// staticTracks are the track data of mag-stripe mode, with zeros where the
// terminal writes digits: track 1 in ASCII, track 2 packed.
type staticTracks struct{ one, two []byte }

// discretionary digits of the tracks. The bitmaps count them from the right.
const (
	discretionary1 = 24
	discretionary2 = 13
)

// computeChecksum answers COMPUTE CRYPTOGRAPHIC CHECKSUM (EMV Book C-2): the
// dynamic card verification codes of both tracks, once after GET PROCESSING
// OPTIONS. A phone whose owner must be verified first gives none and says so in
// DF4B.
func (c *Card) computeChecksum(cmd apdu.Command) []byte {
	m := c.static.mchip
	switch {
	case cmd.P1 != 0x8E || cmd.P2 != 0x80:
		return status(apdu.StatusWrongP1P2)
	case len(cmd.Data) != m.udol.length || !fits(cmd, longestChecksum):
		return status(apdu.StatusWrongLength)
	case !c.open():
		return status(apdu.StatusConditions)
	}
	key := c.transactionKey()
	if key == nil {
		return status(apdu.StatusConditions)
	}
	verified := m.Device != nil && c.isVerified(c.env.Now())
	missing := m.Device != nil && !verified &&
		(m.Device.Required == Always || m.udol.asksDevice(cmd.Data) || c.needsOwner([6]byte{}, verified)) // the amount is not told
	body := make([]byte, 0, longestChecksum)
	if !missing {
		codes, err := c.checksums(key.Key, cmd.Data)
		if err != nil {
			return c.fail()
		}
		body = emv.AppendTLV(body, emv.TagCVC3Track2, codes[1][:])
		body = emv.AppendTLV(body, emv.TagCVC3Track1, codes[0][:])
	}
	body = emv.AppendTLV(body, emv.TagATC, []byte{byte(c.state.ATC >> 8), byte(c.state.ATC)})
	c.last.Status, c.last.Reason, c.last.Cryptogram, c.last.CVM = apdu.StatusOK, ReasonNone, emv.ARQC, CVMNone
	value := poscii{}
	switch {
	case missing:
		value = deviceRequired
		c.last.Reason, c.last.Cryptogram = ReasonNotVerified, emv.AAC
	case verified:
		value = deviceVerified
		c.last.CVM = CVMConsumerDevice
	}
	if m.Device != nil {
		body = emv.AppendTLV(body, emv.TagPOSCII, value[:])
	}
	c.state.MChip.Answer = StoredAnswer{}
	c.conclude(key, c.last.CVM, [6]byte{}, c.last.Cryptogram)
	out := make([]byte, 0, len(body)+4)
	return apdu.StatusOK.Append(emv.AppendTLV(out, emv.TagResponseFormat2, body))
}

// longestChecksum is two codes, the counter and DF4B, in their template.
const longestChecksum = 2 + 5 + 5 + lengthATC + lengthPOSCII

func (l *udolLayout) asksDevice(data []byte) bool {
	return l.mobile >= 0 && data[l.mobile]&mobileCVMRequired != 0
}

// checksums are the codes of track 1 and track 2: the initial vector from the
// static track, the code over it, the terminal's number and the counter. A
// phone has no card key for them; its single-use key of the transaction serves,
// which is this project's choice.
func (c *Card) checksums(key *cryptogram.Key, data []byte) (codes [2][2]byte, err error) {
	m := c.static.mchip
	if m.MagStripe.Key != nil {
		key = m.MagStripe.Key
	}
	var un [4]byte
	take(un[:], data, m.udol.unpredictable)
	for i, track := range [...][]byte{m.tracks.one, m.tracks.two} {
		iv, err := cryptogram.IVCVC3(key, track)
		if err != nil {
			return codes, err
		}
		code, err := cryptogram.CVC3(key, iv, un, c.state.ATC)
		if err != nil {
			return codes, err
		}
		binary.BigEndian.PutUint16(codes[i][:], code)
	}
	return codes, nil
}
