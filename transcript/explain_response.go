package transcript

import (
	"fmt"
	"strings"

	"tapsim/apdu"
	"tapsim/emv"
)

// statusName is the name of the status word.
const statusName = "SW1-SW2"

// maxPieces bounds an answer that comes in several parts, in bytes.
const maxPieces = 1 << 16

// explainResponse takes the answer to the last command apart and learns from
// it.
func (e *Explainer) explainResponse(response []byte) []Part {
	switch len(response) {
	case 0:
		return nil
	case 1:
		return []Part{e.procedureByte(response[0])}
	}
	data, sw := cutStatus(response)
	e.meet(data)
	b := cutter{raw: data, e: e}
	if e.startsWithProcedureByte(data, sw) {
		b.cut(1, "procedure byte", "T=0: the answer follows")
	}
	whole := sw.SW1() != 0x61 && !e.partial
	switch {
	case whole:
		b.parts = append(b.parts, e.answer(b.left(), b.pos)...)
		e.learn(b.left())
	default:
		e.piece(&b)
		e.partial = sw.SW1() == 0x61 && len(data) > 0
	}
	return append(b.parts, Part{Name: statusName, Offset: len(data), Size: 2, Value: sw.String(), Text: sw.Text()})
}

// piece is a part of an answer that comes in several. It is masked as what it
// is in all that came so far: an element may begin in one part and end in the
// next.
func (e *Explainer) piece(b *cutter) {
	if !e.partial {
		e.pieces = nil
	}
	before := len(e.pieces)
	e.pieces = append(e.pieces, b.left()...)
	b.rest("data", "a part of an answer that comes in several")
	if len(b.parts) > 0 && !e.shows() {
		p := &b.parts[len(b.parts)-1]
		p.Value = emv.MaskedHex(e.pieces, nil)[2*before:]
		p.Masked = strings.Contains(p.Value, "*")
	}
	if len(e.pieces) > maxPieces {
		e.pieces = nil
	}
}

// procedureByte explains an answer of one byte, which only T=0 has: the card
// asks for the data of the command (ISO/IEC 7816-3).
func (e *Explainer) procedureByte(v byte) Part {
	p := Part{Name: "procedure byte", Size: 1, Value: hexOf([]byte{v})}
	switch {
	case len(e.raw) == 5 && (v == e.raw[1] || v == ^e.raw[1]):
		e.handover = true
		p.Text = "T=0: the card asks for the data"
	case v == 0x60:
		p.Text = "T=0: the card needs more time"
	default:
		p.Problem = "an answer of one byte, which is no procedure byte of the command"
	}
	return p
}

// startsWithProcedureByte is true when a T=0 log kept the instruction byte
// that stands before the data of an answer.
func (e *Explainer) startsWithProcedureByte(data []byte, sw apdu.Status) bool {
	if len(e.raw) != 5 || len(data) < 2 || data[0] != e.raw[1] {
		return false
	}
	return len(data)-1 == int(e.raw[4]) || sw.SW1() == 0x61
}

// answer explains the data of a whole answer, which begin at base.
func (e *Explainer) answer(data []byte, base int) []Part {
	if len(data) == 0 {
		return nil
	}
	if !e.known {
		return e.tryTLV(data, base)
	}
	k, known := kind(e.command)
	switch {
	case !known:
		return e.tryTLV(data, base)
	case e.command.CLA == 0xFF:
		return []Part{{Name: "data of the reader", Offset: base, Size: len(data), Value: hexOf(data)}}
	case k == [2]byte{0x00, insGetChallenge}:
		return []Part{{Name: "challenge", Offset: base, Size: len(data), Value: hexOf(data), Text: "random number of the card"}}
	case k == [2]byte{0x00, insReadRecord} && data[0] != byte(emv.TagRecord):
		return e.bareRecord(data, base)
	}
	if layout, ok := formatOne[k]; ok && data[0] == byte(emv.TagResponseFormat1) {
		return e.formatOne(layout, data, base)
	}
	return e.tryTLV(data, base)
}

// formatOne lists what answers in template 80 hold, values without tags: a
// length of 0 is the rest (EMV Book 3, 6.5.5.4, 6.5.8.4, 6.5.9.4; relay
// resistance data from EMV Book C-2).
var formatOne = map[[2]byte]emv.DOL{
	{0x80, insGPO}:                  {{Tag: emv.TagAIP, Length: 2}, {Tag: emv.TagAFL}},
	{0x80, insGenerateAC}:           {{Tag: emv.TagCID, Length: 1}, {Tag: emv.TagATC, Length: 2}, {Tag: emv.TagCryptogram, Length: 8}, {Tag: emv.TagIAD}},
	{0x00, insInternalAuthenticate}: {{Tag: emv.TagSDAD}},
	{0x80, insRelayResistance}: {{Tag: tagDeviceEntropy, Length: 4}, {Tag: tagMinTime, Length: 2},
		{Tag: tagMaxTime, Length: 2}, {Tag: tagTransmissionTime, Length: 2}},
}

func (e *Explainer) formatOne(layout emv.DOL, data []byte, base int) []Part {
	s := emv.Scan(data)
	if !s.Next() {
		return e.objects(data, base)
	}
	o := s.Object()
	p := e.object(o.Tag, o.Header, o.Value, base, 0)
	p.Value, p.Text, p.Masked = "", "", false
	b := cutter{raw: o.Value, base: base + len(o.Header), e: e}
	for _, want := range layout {
		n := want.Length
		if n == 0 {
			n = len(o.Value) - b.pos
		}
		if n == 0 || b.pos+n > len(o.Value) {
			break
		}
		b.parts = append(b.parts, e.bare(want.Tag, o.Value[b.pos:b.pos+n], b.base+b.pos))
		b.pos += n
	}
	b.rest("data", fmt.Sprintf("template 80 of %s does not fit this command", plural(len(o.Value), "byte")))
	p.Parts = b.parts
	return append([]Part{p}, e.objects(data[p.Size:], base+p.Size)...)
}

// bareRecord explains a record without template 70: an entry of the
// transaction log by the log format (EMV Book 3, Annex D), or something of the
// issuer's own.
func (e *Explainer) bareRecord(data []byte, base int) []Part {
	if format := e.lists[tagLogFormat]; format != nil && format.Length() == len(data) {
		return e.listData(tagLogFormat, nil, data, base)
	}
	return e.tryTLV(data, base)
}

// learn keeps what later exchanges are explained with.
func (e *Explainer) learn(data []byte) {
	s := emv.Scan(data)
	for s.Next() {
		switch s.Tag() {
		case emv.TagFCI:
			e.learnSelection(s.Value())
		case emv.TagRecord, emv.TagResponseFormat2:
			e.learnRecord(s.Value())
		case tagLogFormat:
			e.learnList(tagLogFormat, s.Value())
		}
	}
}

// learnSelection starts a new application.
func (e *Explainer) learnSelection(fci []byte) {
	name, _ := emv.Find(fci, emv.TagDFName)
	e.acs, e.lists = 0, map[emv.Tag]emv.DOL{}
	if isEnvironment(name) {
		entries, _ := emv.Find(fci, emv.TagFCIProprietary, emv.TagFCIDiscretionary)
		e.learnEntries(entries)
		e.context = emv.Context{}
		return
	}
	e.context = emv.ContextOf(name)
	e.context.Kernel = e.kernels[string(name)]
	if pdol, ok := emv.Find(fci, emv.TagFCIProprietary, emv.TagPDOL); ok {
		e.learnList(emv.TagPDOL, pdol)
	}
}

// learnEntries keeps the kernel that the card names for each application (EMV
// Book B, 3.3.2.5).
func (e *Explainer) learnEntries(data []byte) {
	s := emv.Scan(data)
	for s.Next() {
		if s.Tag() != emv.TagApplicationTemplate {
			continue
		}
		aid, _ := emv.Find(s.Value(), emv.TagADFName)
		id, _ := emv.Find(s.Value(), emv.TagKernelIdentifier)
		if kernel, ok := emv.RequestedKernel(id, nil); ok && kernel <= 8 {
			e.kernels[string(aid)] = byte(kernel) // 0 leaves the scheme's own
		}
	}
}

func (e *Explainer) learnRecord(data []byte) {
	s := emv.Scan(data)
	for s.Next() {
		switch tag := s.Tag(); tag {
		case emv.TagCDOL1, emv.TagCDOL2, tagDDOL:
			e.learnList(tag, s.Value())
		case tagUDOL, tagDRDOL: // other schemes use these tags for other things
			if e.context.Scheme == emv.SchemeMastercard {
				e.learnList(tag, s.Value())
			}
		}
	}
}

func (e *Explainer) learnList(tag emv.Tag, value []byte) {
	if list, err := emv.ParseDOL(value); err == nil {
		e.lists[tag] = list
	}
}
