package c2_test

import (
	"bytes"
	"context"
	"testing"

	"tapsim/apdu"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
)

// mutating is a card whose answers a fuzzer changes: each step is the number of
// the answer, a place in it, and what is done there.
type mutating struct {
	card  apdu.Transceiver
	steps []byte
	sent  int
}

// maxMutations bounds the bytes of mutations that count, four each: what is
// doubled too often fills the memory.
const maxMutations = 32

const (
	mutationFlip = iota
	mutationCut
	mutationDouble
	mutationLost
	mutationStatus
	mutationInsert
	mutations
)

func (m *mutating) Transceive(ctx context.Context, command []byte) ([]byte, error) {
	answer, err := m.card.Transceive(ctx, command)
	m.sent++
	for s := m.steps[:min(len(m.steps), maxMutations)]; len(s) >= 4 && err == nil; s = s[4:] {
		if int(s[0]%16) != m.sent-1 || len(answer) == 0 {
			continue
		}
		at := int(s[1]) * len(answer) / 256
		switch s[2] % mutations {
		case mutationFlip:
			answer = bytes.Clone(answer)
			answer[at] ^= s[3]
		case mutationCut:
			answer = answer[:at]
		case mutationDouble:
			answer = append(bytes.Clone(answer[:at]), answer...)
		case mutationLost:
			return nil, apdu.ErrLost
		case mutationStatus:
			answer = []byte{s[3], s[1]}
		case mutationInsert:
			answer = append(append(bytes.Clone(answer[:at]), s[3]), answer[at:]...)
		}
	}
	return answer, err
}

// FuzzCard runs the kernel with cards whose answers are changed anywhere: it
// never panics, every outcome is one of its own with its rule, and an approval
// has a verified signature.
func FuzzCard(f *testing.F) {
	f.Add(byte(0), []byte{})
	f.Add(byte(0), []byte{1, 10, mutationFlip, 0xFF})
	f.Add(byte(1), []byte{3, 128, mutationCut, 0})
	f.Add(byte(2), []byte{2, 20, mutationDouble, 0, 1, 1, mutationInsert, 7})
	f.Add(byte(3), []byte{3, 0, mutationLost, 0})
	f.Add(byte(4), []byte{3, 0x85, mutationStatus, 0x69})
	keys := testca.CAKeys()
	cards := []*card{
		authentic(f, willing(drdol).withAC(object{"9F27", "40"})),
		authentic(f, plastic(drdol).withGPO(object{"82", "1B80"})),
		plastic(drdol).withAC(object{"DF4B", "001000"}),
		magOnly().withMag(both()).withCCC(object{"9F60", "0309"}),
		authentic(f, willing(drdol).withGPO(object{"82", "1981"})),
	}
	f.Fuzz(func(t *testing.T, which byte, steps []byte) {
		k := &c2.Kernel{Keys: keys}
		m := &mutating{steps: steps}
		for range 2 { // the second tap may find a torn record
			c := *cards[int(which)%len(cards)]
			s := situation{kernel: k, card: &c, config: append(append([]object{}, offline...), keeps("02")...)}
			a := s.activation(t)
			m.card, a.Card, a.Rand = a.Card, m, zeros{}
			o, err := k.Run(context.Background(), a)
			if err != nil {
				t.Fatal(err)
			}
			check(t, o)
		}
	})
}

func check(t *testing.T, o kernel.Outcome) {
	switch {
	case o.Kind == 0 || o.Reason.Rule == "":
		t.Fatalf("an outcome without kind or rule: %v", o.Kind)
	case o.Kind == kernel.Approved && o.ODA != kernel.ODAVerified:
		t.Fatalf("approved without a verified signature: %s", o.Reason.Text)
	case o.Kind == kernel.Approved && o.Type != emv.TC, o.Kind == kernel.OnlineRequest && o.Type == emv.TC:
		t.Fatalf("%s with a cryptogram of type %s", o.Kind, o.Type)
	case o.DataRecord == nil && (o.Kind == kernel.Approved || o.Kind == kernel.OnlineRequest):
		t.Fatal("nothing for the host")
	}
	if _, err := emv.ParseList(c2.Out(o).Append(nil)); err != nil {
		t.Fatalf("the OUT signal is no TLV: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
