package journal

import (
	"bytes"
	"testing"

	"tapsim/iso8583"
	"tapsim/terminal"
)

// Whatever bytes a file has, replay either refuses them or finds where the good
// ones end; those alone give the same state, and a further record fits behind
// them.
func FuzzReplay(f *testing.F) {
	seal, err := newSealer(bytes.Repeat([]byte{0x5A}, KeySize))
	if err != nil {
		f.Fatal(err)
	}
	whole := []byte(magic)
	for id := uint64(1); id <= 3; id++ {
		r := record{kind: kindAdded, id: id, stan: uint32(id)}
		if err := seal.seal(&r, &terminal.Entry{ID: id, Host: "h", Message: iso8583.Message{MTI: iso8583.ReversalRequest, STAN: "000001"}}); err != nil {
			f.Fatal(err)
		}
		whole = r.append(whole)
	}
	whole = record{kind: kindSending, id: 1}.append(whole)
	whole = record{kind: kindRemoved, id: 2}.append(whole)
	whole = record{kind: kindParked, id: 3, sealed: []byte("30")}.append(whole)
	f.Add(whole)
	f.Add(whole[:len(whole)-5])
	f.Add(append(bytes.Clone(whole), make([]byte, 100)...))
	f.Add(whole[:40])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		j := &Journal{seal: seal, sizes: map[uint64]int64{}}
		end, err := j.replay(data)
		if err != nil {
			return
		}
		again := &Journal{seal: seal, sizes: map[uint64]int64{}}
		good := bytes.Clone(data[:end])
		if end == 0 {
			good = []byte(magic)
		}
		good = record{kind: kindCounter, id: 77, stan: 5}.append(good)
		n, err := again.replay(good)
		if err != nil || n != len(good) || again.stan != 5 {
			t.Fatalf("the good part and a record: %d of %d, %v", n, len(good), err)
		}
		if len(again.pending) != len(j.pending) || len(again.parked) != len(j.parked) || again.live != j.live {
			t.Fatalf("%d messages, then %d", len(j.pending), len(again.pending))
		}
	})
}
