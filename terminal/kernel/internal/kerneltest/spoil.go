package kerneltest

import (
	"context"
	"fmt"
	"slices"

	"tapsim/apdu"
	"tapsim/emv"
)

// Spoilt is an answer with one thing wrong.
type Spoilt struct {
	Name   string
	Answer []byte
}

// Malformed are answers that no kernel can read: answer, which is one template
// with 9000, cut off at every byte with its status word and without, empty,
// twice, followed by more, in another template, and with each object in it
// twice.
func Malformed(answer []byte) []Spoilt {
	data, ok := answer[:len(answer)-2], []byte{0x90, 0x00}
	var out []Spoilt
	add := func(name string, parts ...[]byte) { out = append(out, Spoilt{name, slices.Concat(parts...)}) }
	for n := range data {
		add(fmt.Sprintf("%d bytes", n), data[:n], ok)
	}
	add("twice", data, data, ok)
	add("with a byte more", data, []byte{0x01}, ok)
	add("in another template", append([]byte{0x7F}, data...), ok)
	template, objects := Objects(answer)
	for i := range objects {
		twice := slices.Insert(slices.Clone(objects), i, objects[i])
		add(objects[i].Tag.String()+" twice", Template(template, twice))
	}
	return out
}

// Refused are status words that no answer should have, with the answer's data
// and without.
func Refused(answer []byte) []Spoilt {
	var out []Spoilt
	for _, sw := range [...][2]byte{{0x62, 0x83}, {0x63, 0x00}, {0x64, 0x00}, {0x65, 0x81}, {0x67, 0x00}, {0x69, 0x81}, {0x69, 0x82}, {0x69, 0x83}, {0x6A, 0x80}, {0x6A, 0x81}, {0x6A, 0x82}, {0x6A, 0x83}, {0x6B, 0x00}, {0x6D, 0x00}, {0x6E, 0x00}, {0x6F, 0x00}, {0x90, 0x01}, {0x00, 0x00}, {0xFF, 0xFF}} {
		name := fmt.Sprintf("%X", sw)
		out = append(out, Spoilt{name, sw[:]}, Spoilt{name + " with data", append(slices.Clone(answer[:len(answer)-2]), sw[:]...)})
	}
	return out
}

// Without are the answers that lack one object, by its tag.
func Without(answer []byte) []Spoilt {
	var out []Spoilt
	template, objects := Objects(answer)
	for i := range objects {
		out = append(out, Spoilt{objects[i].Tag.String(), Template(template, slices.Delete(slices.Clone(objects), i, i+1))})
	}
	return out
}

// Objects takes an answer apart that is one template with a status word. One
// that is not is the test's fault and panics.
func Objects(answer []byte) (template emv.Tag, objects emv.List) {
	s := emv.Scan(answer[:len(answer)-2])
	if !s.Next() {
		panic("the answer is no template")
	}
	objects, err := emv.ParseList(s.Value())
	if err != nil {
		panic(err)
	}
	return s.Tag(), objects
}

// Template is the answer of a card with objects in one template, and 9000.
func Template(template emv.Tag, objects emv.List) []byte {
	return append(emv.AppendTLV(nil, template, objects.Append(nil)), 0x90, 0x00)
}

// Replaced is a card whose answer number N, from 0, is another. Sent counts what
// it was asked.
type Replaced struct {
	Card   apdu.Transceiver
	N      int
	Answer []byte
	Sent   int
}

// Transceive implements apdu.Transceiver.
func (r *Replaced) Transceive(ctx context.Context, command []byte) ([]byte, error) {
	answer, err := r.Card.Transceive(ctx, command)
	if r.Sent++; r.Sent == r.N+1 && err == nil {
		answer = r.Answer
	}
	return answer, err
}
