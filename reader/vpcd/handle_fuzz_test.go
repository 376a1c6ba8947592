package vpcd

import "testing"

// FuzzHandle: whatever the reader sends, the answer is none, or one that it can
// take.
func FuzzHandle(f *testing.F) {
	for _, seed := range []string{"\x00", "\x04", "\x03", "\xFF\xCA\x00\x00\x00", "\xFF\xCA\x01\x00\x00\x01\x00", "\x00\xA4\x04\x00", "\x00\xFF"} {
		f.Add([]byte(seed))
	}
	p, err := newPseudo(nil, []byte{1})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) == 0 {
			return // the link refuses it
		}
		s := &Slot{config: Config{Card: echo}, pseudo: p}
		answer, ok := s.handle(message)
		if ok && answer != nil && (len(answer) < 2 || len(answer) > maxMessage) {
			t.Fatalf("an answer of %d bytes", len(answer))
		}
		if len(message) > 1 && message[0] == 0xFF && !ok {
			t.Fatal("the reader answers what is for it")
		}
	})
}
