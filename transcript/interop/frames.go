package interop

import (
	"bytes"
	"fmt"
)

// frame is one frame of ISO 14443-3 with what is known of its checksum.
type frame struct {
	fromCard bool
	data     []byte
	crc      crcState
	short    bool // seven bits: REQA, WUPA
}

type crcState byte

const (
	crcThere crcState = iota + 1 // the last two bytes
	crcLeft                      // left out by the source
)

// frames joins the blocks of ISO 14443-4 to commands and answers. What comes
// before the protocol starts, and acknowledgements and waiting-time extensions,
// carry none.
type frames struct {
	s       *session
	active  bool // RATS was answered, or the source begins behind it
	begun   bool // something of the protocol was seen
	rats    bool // the next frame of the card is its answer to select
	halves  [2][]byte
	last    [2][]byte // the last I-block of each side
	again   bool      // a negative acknowledgement asks for the last block
	damaged int
}

func newFrames(s *session) *frames { return &frames{s: s, active: true} }

// side is 0 for the reader, 1 for the card.
func side(fromCard bool) int {
	if fromCard {
		return 1
	}
	return 0
}

// frame takes the next frame.
func (d *frames) frame(f frame) {
	data := f.data
	if !f.fromCard && f.short && len(data) == 1 && (data[0] == 0x26 || data[0] == 0x52) {
		d.deactivate()
		return
	}
	if f.crc == crcThere {
		if !hasCRC(data) {
			if d.begun && d.active && isBlock(data) {
				d.damaged++
			}
			return
		}
		data = data[:len(data)-2]
	}
	switch {
	case len(data) == 0:
	case !f.fromCard && data[0] == 0xE0 && len(data) == 2: // RATS
		d.deactivate()
		d.rats = true
	case f.fromCard && d.rats:
		d.rats, d.active = false, true
		d.s.remark(fmt.Sprintf("ats: %X", data))
	case d.active:
		d.block(f.fromCard, data)
	}
}

func (d *frames) deactivate() {
	d.active, d.rats, d.again = false, false, false
	d.halves = [2][]byte{}
	d.s.reset()
}

// field notes that the reader's field went on or off.
func (d *frames) field() {
	d.deactivate()
	d.active = true // a source of I-blocks only shows no activation
}

func isBlock(data []byte) bool {
	return len(data) > 0 && (data[0]&0xE2 == 0x02 || data[0]&0xE6 == 0xA2 || data[0]&0xC7 == 0xC2)
}

// block takes a block of ISO 14443-4 without its checksum.
func (d *frames) block(fromCard bool, data []byte) {
	pcb := data[0]
	head := 1
	if pcb&0x08 != 0 {
		head++ // CID
	}
	switch {
	case pcb&0xE6 == 0xA2: // R-block
		d.again = d.again || !fromCard && pcb&0x10 != 0
		return
	case pcb&0xC7 == 0xC2: // S-block
		if pcb&0x30 == 0 {
			d.s.reset() // DESELECT
		}
		return
	case pcb&0xE2 != 0x02:
		return
	}
	if pcb&0x04 != 0 {
		head++ // NAD
	}
	if len(data) < head {
		return
	}
	at := side(fromCard)
	repeated := bytes.Equal(d.last[at], data) && (d.again || !fromCard && d.last[1] == nil && d.s.open)
	d.again = false
	if repeated {
		return
	}
	d.begun = true
	d.last[at], d.last[1-at] = data, nil
	d.halves[at] = append(d.halves[at], data[head:]...)
	if pcb&0x10 != 0 {
		return // more to come
	}
	whole := d.halves[at]
	d.halves[at] = nil
	d.apdu(fromCard, whole)
}

// apdu takes a whole command or answer.
func (d *frames) apdu(fromCard bool, data []byte) {
	if fromCard {
		if d.s.open || len(data) >= 2 {
			d.s.answer(bytes.Clone(data))
		}
	} else if len(data) > 0 {
		d.s.command(bytes.Clone(data))
	}
}

// end says what was left out.
func (d *frames) end() error {
	if d.damaged > 0 {
		d.s.note("%d frames with a wrong checksum left out", d.damaged)
	}
	if d.s.exchanges == 0 && d.s.failed == nil {
		return isAbsent("it has frames, but none of ISO 14443-4 with a command")
	}
	return nil
}
