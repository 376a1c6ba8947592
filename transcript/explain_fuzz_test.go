package transcript

import "testing"

// FuzzExplain asserts that whatever goes over the wire is tiled by parts.
func FuzzExplain(f *testing.F) {
	f.Add([]byte{0x00, 0xA4, 0x04, 0x00, 0x00}, []byte{0x6F, 0x02, 0xA5, 0x00, 0x90, 0x00}, []byte{0x80, 0xA8, 0, 0, 2, 0x83, 0, 0}, []byte{0x69, 0x85})
	f.Add([]byte{0x00, 0xC0, 0x00, 0x00, 0x04}, []byte{0xC0}, []byte{0x84}, []byte{0x80, 0x05, 0, 0, 0x90, 0, 0x61, 0x10})
	f.Fuzz(func(t *testing.T, command, response, command2, response2 []byte) {
		e := NewExplainer(false)
		for _, x := range [][2][]byte{{command, response}, {command2, response2}, {command, response2}} {
			requireExplained(t, e.Explain(x[0], x[1]), x[0], x[1])
		}
	})
}
