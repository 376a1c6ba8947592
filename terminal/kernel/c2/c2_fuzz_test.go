package c2_test

import (
	"context"
	"testing"

	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
	"tapsim/terminal/kernel/internal/kerneltest"
)

// FuzzCard runs the kernel with cards whose answers are changed anywhere: it
// never panics, every outcome is one of its own with its rule, and an approval
// has a verified signature.
func FuzzCard(f *testing.F) {
	f.Add(byte(0), []byte{})
	f.Add(byte(0), []byte{1, 10, kerneltest.Flip, 0xFF})
	f.Add(byte(1), []byte{3, 128, kerneltest.Cut, 0})
	f.Add(byte(2), []byte{2, 20, kerneltest.Double, 0, 1, 1, kerneltest.Insert, 7})
	f.Add(byte(3), []byte{3, 0, kerneltest.Lost, 0})
	f.Add(byte(4), []byte{3, 0x85, kerneltest.Status, 0x69})
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
		m := &kerneltest.Mutating{Steps: steps}
		for range 2 { // the second tap may find a torn record
			c := *cards[int(which)%len(cards)]
			s := situation{kernel: k, card: &c, config: append(append([]object{}, offline...), keeps("02")...)}
			a := s.activation(t)
			m.Card, a.Card, a.Rand = a.Card, m, zeros{}
			o, err := k.Run(context.Background(), a)
			if err != nil {
				t.Fatal(err)
			}
			check(t, o)
		}
	})
}

func check(t *testing.T, o kernel.Outcome) {
	if err := kerneltest.Check(o); err != nil {
		t.Fatal(err)
	}
	if o.Kind == kernel.OnlineRequest && o.Type == emv.TC {
		t.Fatal("a TC goes online")
	}
	if _, err := emv.ParseList(c2.Out(o).Append(nil)); err != nil {
		t.Fatalf("the OUT signal is no TLV: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
