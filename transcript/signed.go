package transcript

import (
	"bytes"

	"tapsim/apdu"
	"tapsim/emv"
)

// SignedData is what a session shows of the offline data authentication of one
// application: all that certificates and signatures cover, as it travelled.
type SignedData struct {
	AID  []byte
	Data emv.List // what the card gave, the last value of each tag; 82 and 94 also out of format 1
	Sent emv.List // what the terminal gave for PDOL and CDOL1, the last value of each tag
	PDOL []byte   // values as sent
	// Records are the answers to READ RECORD, without status words, by short file
	// identifier and number.
	Records    map[[2]byte][]byte
	Signatures []DynamicAnswer
}

// DynamicAnswer is an answer that carries the card's signature (tag 9F4B).
type DynamicAnswer struct {
	Exchange int // number in the session
	// Command is the instruction that it answers: GET PROCESSING OPTIONS and READ
	// RECORD for fDDA, INTERNAL AUTHENTICATE for DDA, GENERATE AC for CDA.
	Command      byte
	Sent         []byte // the command's data
	CDOL1, CDOL2 []byte // of GENERATE AC: values as sent, CDOL2 in the second only
	Signature    []byte
	Content      []byte // of the answer's template; nil out of format 1
}

// Signed collects the data of each application that the session selected: what
// came after its selection, and of several GET PROCESSING OPTIONS after the last.
func Signed(t *Transcript) []SignedData {
	apps := Extract(t)
	list := make([]SignedData, len(apps))
	for i, a := range apps {
		list[i] = SignedData{AID: a.AID, Records: map[[2]byte][]byte{}, Sent: append(emv.List(nil), a.Data...)}
		if name, ok := emv.Find(a.FCI, emv.TagFCI, emv.TagDFName); ok {
			list[i].AID = name
		}
		list[i].collect(a.FCI)
	}
	app := -1
	for _, x := range joined(t) {
		for app+1 < len(apps) && x.Number >= apps[app+1].Select {
			app++
		}
		if app >= 0 && x.Number > apps[app].Select && x.Number >= apps[app].GPO {
			list[app].take(x)
		}
	}
	return list
}

// take learns from an exchange.
func (s *SignedData) take(x Exchange) {
	r, err := apdu.ParseResponse(x.Response)
	if err != nil || len(r.Data) == 0 {
		return
	}
	c, err := apdu.ParseCommand(x.Command)
	if err != nil {
		s.collect(r.Data) // the source does not show the command
		return
	}
	a := DynamicAnswer{Exchange: x.Number, Command: c.INS, Sent: c.Data}
	switch c.INS {
	case insGPO:
		s.PDOL, _ = emv.Find(c.Data, emv.TagCommandTemplate)
		s.formatOne(r.Data)
	case insReadRecord:
		s.Records[[2]byte{c.P2 >> 3, c.P1}] = r.Data
	case insGenerateAC:
		s.generate(&a)
	case insInternalAuthenticate:
		a.Signature, _ = emv.Find(r.Data, emv.TagResponseFormat1)
	}
	s.collect(r.Data)
	s.signature(&a, r.Data)
}

// generate keeps the values of a GENERATE AC.
func (s *SignedData) generate(a *DynamicAnswer) {
	a.CDOL1 = a.Sent
	for _, before := range s.Signatures {
		if before.Command == insGenerateAC {
			a.CDOL1, a.CDOL2 = before.CDOL1, a.Sent
			return
		}
	}
	value, _ := s.Data.Lookup(emv.TagCDOL1)
	list, err := emv.ParseDOL(value)
	if err != nil {
		return
	}
	if values, err := list.Split(a.Sent); err == nil {
		for _, v := range values {
			s.Sent.Set(v.Tag, v.Value)
		}
	}
}

// signature keeps an answer that has one, and each GENERATE AC: the second needs
// the values of the first.
func (s *SignedData) signature(a *DynamicAnswer, data []byte) {
	for _, template := range [...]emv.Tag{emv.TagResponseFormat2, emv.TagRecord} {
		if content, ok := emv.Find(data, template); ok {
			a.Content = content
			if v, ok := emv.Find(content, emv.TagSDAD); ok {
				a.Signature = v
			}
		}
	}
	if a.Signature != nil || a.Command == insGenerateAC {
		s.Signatures = append(s.Signatures, *a)
	}
}

// formatOne takes AIP and AFL out of an answer of GET PROCESSING OPTIONS without
// tags.
func (s *SignedData) formatOne(data []byte) {
	if v, ok := emv.Find(data, emv.TagResponseFormat1); ok && len(v) >= 2 {
		s.Data.Set(emv.TagAIP, bytes.Clone(v[:2]))
		s.Data.Set(emv.TagAFL, bytes.Clone(v[2:]))
	}
}

// collect keeps the objects of an answer.
func (s *SignedData) collect(data []byte) {
	if tree, err := emv.Parse(data); err == nil {
		s.collectNodes(tree.Nodes)
	}
}

func (s *SignedData) collectNodes(nodes []emv.Node) {
	for _, n := range nodes {
		if len(n.Children) > 0 {
			s.collectNodes(n.Children)
		} else if _, there := s.Data.Lookup(n.Tag); there || len(s.Data) < maxElements {
			s.Data.Set(n.Tag, bytes.Clone(n.Value))
		}
	}
}
