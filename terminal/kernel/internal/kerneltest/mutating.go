package kerneltest

import (
	"bytes"
	"context"

	"tapsim/apdu"
)

// Mutating is a card whose answers a fuzzer changes. Each step is four bytes:
// the number of the answer, a place in it, a mutation, and its argument.
type Mutating struct {
	Card  apdu.Transceiver
	Steps []byte
	sent  int
}

// Mutations, the third byte of a step.
const (
	Flip   = iota // changes bits
	Cut           // the answer ends here
	Double        // what came so far comes again
	Lost          // the card leaves
	Status        // a status word instead
	Insert        // a byte
	mutations
)

// maxSteps bounds the bytes of steps that count: what is doubled too often
// fills the memory.
const maxSteps = 32

// Transceive implements apdu.Transceiver.
func (m *Mutating) Transceive(ctx context.Context, command []byte) ([]byte, error) {
	answer, err := m.Card.Transceive(ctx, command)
	m.sent++
	for s := m.Steps[:min(len(m.Steps), maxSteps)]; len(s) >= 4 && err == nil; s = s[4:] {
		if int(s[0]%16) != m.sent-1 || len(answer) == 0 {
			continue
		}
		at := int(s[1]) * len(answer) / 256
		switch s[2] % mutations {
		case Flip:
			answer = bytes.Clone(answer)
			answer[at] ^= s[3]
		case Cut:
			answer = answer[:at]
		case Double:
			answer = append(bytes.Clone(answer[:at]), answer...)
		case Lost:
			return nil, apdu.ErrLost
		case Status:
			answer = []byte{s[3], s[1]}
		case Insert:
			answer = append(append(bytes.Clone(answer[:at]), s[3]), answer[at:]...)
		}
	}
	return answer, err
}
