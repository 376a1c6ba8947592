package sim

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/emv/qr"
	"tapsim/terminal/kernel"
)

// skimmer is a reader in a thief's pocket. It tells a card nothing but a number,
// so that its cryptogram is that of a code, and reads what a code needs.
type skimmer struct {
	t    testing.TB
	card apdu.Responder
	got  emv.List
}

// send sends a command and keeps the objects of its answer; false is a refusal.
func (s *skimmer) send(c apdu.Command) bool {
	b, err := c.Bytes()
	require.NoError(s.t, err)
	r, err := apdu.ParseResponse(s.card.Respond(b))
	require.NoError(s.t, err)
	if !r.Status.OK() {
		return false
	}
	for scan := emv.Scan(r.Data); scan.Next(); {
		inner := scan.Value()
		if scan.Tag() == emv.TagFCI {
			inner, _ = emv.Find(inner, emv.TagFCIProprietary)
		}
		list, err := emv.ParseList(inner)
		require.NoError(s.t, err)
		for _, o := range list {
			s.got.Set(o.Tag, o.Value)
		}
	}
	return true
}

func (s *skimmer) value(tag emv.Tag) []byte {
	v, _ := s.got.Lookup(tag)
	return v
}

func (s *skimmer) asked(list emv.Tag, told emv.List) []byte {
	dol, err := emv.ParseDOL(s.value(list))
	require.NoError(s.t, err)
	return dol.AppendData(nil, told)
}

// code makes the text of a code with the cryptogram that the card gives; "" when
// it gives none.
func (s *skimmer) code(aid []byte, told emv.List) string {
	require.True(s.t, s.send(apdu.Command{INS: 0xA4, P1: 0x04, Data: aid, Ne: 256}))
	if !s.send(apdu.Command{CLA: 0x80, INS: 0xA8, Data: emv.AppendTLV(nil, emv.TagCommandTemplate, s.asked(emv.TagPDOL, told)), Ne: 256}) {
		return ""
	}
	afl, err := emv.ParseAFL(s.value(emv.TagAFL))
	require.NoError(s.t, err)
	for _, e := range afl {
		for n := int(e.First); n <= int(e.Last); n++ {
			s.send(apdu.Command{INS: 0xB2, P1: byte(n), P2: e.SFI<<3 | 4, Ne: 256})
		}
	}
	if s.value(emv.TagCryptogram) == nil &&
		!s.send(apdu.Command{CLA: 0x80, INS: 0xAE, P1: byte(emv.ARQC), Data: s.asked(emv.TagCDOL1, told), Ne: 256}) {
		return ""
	}
	if s.value(emv.TagCryptogram) == nil || s.value(emv.TagCID)[0] != byte(emv.ARQC) {
		return ""
	}
	app := qr.Application{Data: emv.List{{Tag: emv.TagADFName, Value: aid}, {Tag: emv.TagTrack2, Value: s.value(emv.TagTrack2)}}}
	for _, tag := range []emv.Tag{emv.TagCryptogram, emv.TagCID, emv.TagIAD, emv.TagATC, emv.TagAIP} {
		app.Transparent = append(app.Transparent, emv.TLV{Tag: tag, Value: s.value(tag)})
	}
	number, _ := told.Lookup(emv.TagUnpredictableNumber)
	app.Transparent = append(app.Transparent, emv.TLV{Tag: emv.TagUnpredictableNumber, Value: number})
	text, err := qr.Consumer{Applications: []qr.Application{app}}.Text()
	require.NoError(s.t, err)
	return text
}

// TestAReaderMakesNoCode: a code is good for any amount, since nobody knows it
// yet. So only the phone's owner gets one: a reader that tells the card nothing
// gets no cryptogram that pays as a code, locked phone or not.
func TestAReaderMakesNoCode(t *testing.T) {
	o := newOwner(t)
	for _, number := range []string{"4761739001010119", "5413339001000019", "6250940001000018"} {
		name := o.add(number)
		for _, unlocked := range []bool{false, true} {
			options := o.options()
			options.Card = name
			w, err := Open(o.ctx, options)
			require.NoError(t, err)
			if unlocked {
				require.NoError(t, w.card.Verified(o.now.Add(time.Minute)))
			}
			ttq := emv.TTQ{}
			ttq.Set(emv.TTQEMVMode, true)
			ttq.Set(emv.TTQOnlineCryptogram, true)
			told := emv.List{{Tag: emv.TagTTQ, Value: ttq[:]}, {Tag: emv.TagUnpredictableNumber, Value: binary.BigEndian.AppendUint32(nil, uint32(o.now.Unix()))}}
			s := &skimmer{t: t, card: w.card}
			text := s.code(w.Profile.Applications[0].AID, told)
			require.NoError(t, w.Close())
			if text != "" {
				require.NotEqual(t, kernel.Approved, o.mustScan(text, 40_00).Outcome, "%s, unlocked %v", name, unlocked)
				require.NotEqual(t, kernel.Approved, o.mustScan(text, 400_00).Outcome, "%s, unlocked %v", name, unlocked)
			}
			require.Empty(t, text, "%s, unlocked %v: the card made the cryptogram of a code", name, unlocked)
		}
	}
}
