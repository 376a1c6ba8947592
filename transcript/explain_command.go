package transcript

import (
	"fmt"

	"tapsim/apdu"
	"tapsim/emv"
)

// explainCommand takes a command apart and names it.
func (e *Explainer) explainCommand(raw []byte) (name string, parts []Part) {
	if e.handover {
		return e.explainHandover(raw)
	}
	c, err := apdu.ParseCommand(raw)
	if err != nil {
		e.known, e.raw = false, raw
		return "malformed command", []Part{e.plain("content", raw, 0, err.Error())}
	}
	if isGetResponse(raw) {
		e.raw = raw
		return "GET RESPONSE", e.commandParts(raw, c, nil)
	}
	e.command, e.known, e.raw, e.partial = c, true, raw, false
	offset := len(raw) - len(c.Data)
	if c.Ne > 0 {
		offset -= lengthBytes(c)
	}
	return commandName(c), e.commandParts(raw, c, e.commandData(c, offset))
}

// explainHandover explains the data that follow a T=0 header which the card
// has accepted with a procedure byte (ISO/IEC 7816-3).
func (e *Explainer) explainHandover(raw []byte) (name string, parts []Part) {
	e.handover = false
	whole := append(append([]byte(nil), e.raw...), raw...)
	c, err := apdu.ParseCommand(whole)
	if err != nil || len(c.Data) != len(raw) {
		e.known = false
		return "data of the command before", []Part{e.plain("data", raw, 0, "not as many bytes as the command before announced")}
	}
	e.command, e.known, e.raw = c, true, whole
	return commandName(c) + " (data)", e.commandData(c, 0)
}

// lengthBytes is the size of a length field of c.
func lengthBytes(c apdu.Command) int {
	switch {
	case !c.Extended:
		return 1
	case len(c.Data) == 0:
		return 3
	default:
		return 2
	}
}

// commandParts are the parts of a whole command around those of its data.
func (e *Explainer) commandParts(raw []byte, c apdu.Command, data []Part) []Part {
	b := cutter{raw: raw, e: e}
	p1, p2 := parameterTexts(c)
	b.cut(1, "CLA", classText(c.CLA))
	b.cut(1, "INS", instructionText(c))
	b.cut(1, "P1", p1)
	b.cut(1, "P2", p2)
	if len(c.Data) > 0 {
		n := 1
		if c.Extended {
			n = 3
		}
		b.cut(n, "Lc", plural(len(c.Data), "data byte"))
		b.parts = append(b.parts, data...)
		b.pos += len(c.Data)
	}
	if c.Ne > 0 {
		text := plural(c.Ne, "byte") + " expected"
		if c.Ne == apdu.MaxShortNe || c.Ne == apdu.MaxExtendedNe {
			text = "all bytes there are"
		}
		b.cut(len(raw)-b.pos, "Le", text)
	}
	return b.parts
}

func instructionText(c apdu.Command) string {
	k, known := kind(c)
	switch {
	case !known:
		return "unknown"
	case c.CLA == 0xFF:
		return readerName(c)
	default:
		return commandNames[k]
	}
}

// commandData explains the data field of a command, which begins at offset.
func (e *Explainer) commandData(c apdu.Command, offset int) []Part {
	if len(c.Data) == 0 {
		return nil
	}
	k, _ := kind(c)
	switch k {
	case [2]byte{0x00, insSelect}:
		return []Part{e.fileNamePart(c, offset)}
	case [2]byte{0x80, insGPO}:
		return e.processingData(c.Data, offset)
	case [2]byte{0x80, insGenerateAC}:
		return e.cryptogramData(c.Data, offset)
	case [2]byte{0x80, insChecksum}:
		return e.listData(tagUDOL, emv.DOL{{Tag: tagUnpredictableNumeric, Length: 4}}, c.Data, offset)
	case [2]byte{0x00, insInternalAuthenticate}:
		return e.listData(tagDDOL, emv.DOL{{Tag: emv.TagUnpredictableNumber, Length: 4}}, c.Data, offset)
	case [2]byte{0x80, insRecoverAC}:
		return e.listData(tagDRDOL, nil, c.Data, offset)
	case [2]byte{0x80, insRelayResistance}:
		return []Part{e.bare(tagTerminalEntropy, c.Data, offset)}
	case [2]byte{0x00, insExternalAuthenticate}:
		return []Part{e.bare(emv.TagIssuerAuthData, c.Data, offset)}
	case [2]byte{0x80, insPutData}, [2]byte{0x00, insPutData}:
		return []Part{e.bare(dataTag(c), c.Data, offset)}
	case [2]byte{0x00, insVerify}, [2]byte{0x80, insPINChange}:
		return []Part{{Name: pinData, Offset: offset, Size: len(c.Data), Masked: true}}
	}
	return e.tryTLV(c.Data, offset)
}

// pinData is the name of the data of VERIFY and PIN CHANGE.
const pinData = "PIN data"

// Tags that only explanations need.
const (
	tagUDOL                 emv.Tag = 0x9F69
	tagDDOL                 emv.Tag = 0x9F49
	tagDRDOL                emv.Tag = 0x9F51
	tagLogFormat            emv.Tag = 0x9F4F
	tagUnpredictableNumeric emv.Tag = 0x9F6A
	tagTerminalEntropy      emv.Tag = 0xDF8301
	tagDeviceEntropy        emv.Tag = 0xDF8302
	tagMinTime              emv.Tag = 0xDF8303
	tagMaxTime              emv.Tag = 0xDF8304
	tagTransmissionTime     emv.Tag = 0xDF8305
	tagTrack2MagStripe      emv.Tag = 0x9F6B // kernel 2
)

func (e *Explainer) fileNamePart(c apdu.Command, offset int) Part {
	if c.P1 != 0x04 {
		return e.plain("file identifier", c.Data, offset, "")
	}
	p := part(emv.ExplainValue(emv.TagDFName, c.Data, emv.Context{}, e.shows()))
	p.Tag, p.Name, p.Unknown = "", "file name", false
	p.Offset, p.Size = offset, len(c.Data)
	return p
}

// processingData explains the data of GET PROCESSING OPTIONS: template 83
// around the elements of the PDOL (EMV Book 3, 6.5.8).
func (e *Explainer) processingData(data []byte, offset int) []Part {
	s := emv.Scan(data)
	if !s.Next() || s.Tag() != emv.TagCommandTemplate || s.Object().Offset != 0 {
		return []Part{e.plain("data", data, offset, "not in template 83")}
	}
	o := s.Object()
	n := len(o.Header) + len(o.Value)
	p := e.object(o.Tag, o.Header, o.Value, offset, 0)
	p.Text = ""
	switch pdol := e.lists[emv.TagPDOL]; {
	case len(pdol) > 0 && len(o.Value) == 0:
		p.Problem = fmt.Sprintf("the card's PDOL asks for %s, none came", plural(pdol.Length(), "byte"))
	case len(pdol) > 0:
		p.Parts = e.listData(emv.TagPDOL, nil, o.Value, offset+len(o.Header))
		p.Value, p.Masked = "", false
	case len(o.Value) > 0:
		p.Problem = "no PDOL of the card is known, so the values have no names"
	default:
		p.Text = "empty: the card has no PDOL"
	}
	b := cutter{raw: data, pos: n, base: offset, e: e, parts: []Part{p}}
	b.rest("data", "bytes after template 83")
	return b.parts
}

// cryptogramData explains the data of GENERATE AC: the elements of CDOL1, or
// of CDOL2 the second time (EMV Book 3, 6.5.5).
func (e *Explainer) cryptogramData(data []byte, offset int) []Part {
	e.acs++
	list := emv.TagCDOL1
	if e.acs > 1 {
		list = emv.TagCDOL2
	}
	return e.listData(list, nil, data, offset)
}

// listData splits data by the list that the card gave under tag, or by the
// standard's own when it gave none.
func (e *Explainer) listData(tag emv.Tag, standard emv.DOL, data []byte, offset int) []Part {
	list, ok := e.lists[tag]
	if !ok {
		list = standard
	}
	b := cutter{raw: data, base: offset, e: e}
	if list == nil {
		b.rest("data", fmt.Sprintf("the card's data object list %s is not known, so the values have no names", tag))
		return b.parts
	}
	if list.Length() != len(data) {
		b.rest("data", fmt.Sprintf("the card's data object list %s asks for %s, %d came", tag, plural(list.Length(), "byte"), len(data)))
		return b.parts
	}
	items, _ := emv.ExplainDOL(list, data, e.context, e.shows())
	for _, it := range items {
		p := part(it)
		p.Offset, p.Size = offset+it.Offset, it.Length
		b.parts = append(b.parts, p)
	}
	return b.parts
}

// tryTLV explains data that may be TLV: of commands that this package does not
// know. What begins with a template of payment cards is TLV, damaged or not.
func (e *Explainer) tryTLV(data []byte, offset int) []Part {
	switch emv.Tag(data[0]) {
	case emv.TagFCI, emv.TagRecord, emv.TagResponseFormat2:
		return e.objects(data, offset)
	}
	if _, err := emv.Parse(data); err != nil {
		return []Part{e.plain("data", data, offset, "not TLV: "+reasonOf(err, offset))}
	}
	return e.objects(data, offset)
}
