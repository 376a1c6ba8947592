package vpcd

import (
	"bytes"
	"fmt"

	"tapsim/apdu"
)

// pseudo is the reader's own side: what it tells of a contactless card without
// asking it (PC/SC part 3).
type pseudo struct{ uid, ats, atr []byte }

// defaultUID has the first byte of a random identifier of ISO 14443-3, as
// phones have.
var defaultUID = []byte{0x08, 0x54, 0x41, 0x50}

const maxHistorical = 15

func newPseudo(uid, historical []byte) (pseudo, error) {
	if len(uid) == 0 {
		uid = defaultUID
	}
	if n := len(uid); n != 4 && n != 7 && n != 10 {
		return pseudo{}, fmt.Errorf("vpcd: a UID has 4, 7 or 10 bytes, not %d", n)
	}
	if len(historical) > maxHistorical {
		return pseudo{}, fmt.Errorf("vpcd: %d historical bytes, at most %d", len(historical), maxHistorical)
	}
	return pseudo{uid: uid, ats: ats(historical), atr: atr(historical)}, nil
}

// ats is an answer to select of a type A card (ISO 14443-4, 5.2): frames of 256
// bytes, 106 kbit/s, a waiting time of 39 ms, card identifiers.
func ats(historical []byte) []byte {
	return append([]byte{byte(5 + len(historical)), 0x78, 0x80, 0x70, 0x02}, historical...)
}

// atr is what a reader makes of it (PC/SC part 3, 3.1.3.2.3.1): the historical
// bytes between a fixed head and the exclusive-or of all but the first byte.
func atr(historical []byte) []byte {
	out := append([]byte{0x3B, 0x80 | byte(len(historical)), 0x80, 0x01}, historical...)
	var check byte
	for _, b := range out[1:] {
		check ^= b
	}
	return append(out, check)
}

// Lengths of a GET DATA of the reader.
const (
	claReader  = 0xFF
	insGetData = 0xCA
)

// respond answers what is for the reader; nil is for the card.
func (p *pseudo) respond(command []byte) []byte {
	if len(command) == 0 || command[0] != claReader {
		return nil
	}
	c, err := apdu.ParseCommand(command)
	switch {
	case err != nil || len(c.Data) > 0:
		return apdu.StatusWrongLength.Append(nil)
	case c.INS != insGetData:
		return apdu.StatusInstruction.Append(nil)
	case c.P1 == 0 && c.P2 == 0:
		return tell(p.uid, c)
	case c.P1 == 1 && c.P2 == 0:
		return tell(p.ats, c)
	}
	return apdu.StatusFunctionNotSupported.Append(nil)
}

// tell is a value as far as the command has room for it: 6Cxx names the length
// when there is too little (PC/SC part 3, 3.2.2.1.3).
func tell(value []byte, c apdu.Command) []byte {
	switch {
	case c.Ne > 0 && c.Ne < len(value):
		return []byte{0x6C, byte(len(value))}
	case c.Ne > len(value) && c.Ne < apdu.MaxShortNe:
		return apdu.Status(0x6282).Append(bytes.Clone(value)) // the end came before Le bytes
	}
	return apdu.StatusOK.Append(bytes.Clone(value))
}
