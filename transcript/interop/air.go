package interop

// air plays a session between a reader and a card of ISO 14443 type A, frame by
// frame, into a capture.
type air struct {
	c      *capture
	number byte // of the next block
}

// maxINF is what a block carries: the frames of 256 bytes that both sides
// announce, without PCB and checksum (ISO 14443-4, 5.1 and 7.1).
const maxINF = 256 - 3

func (a *air) event(event byte, data []byte, comment string) {
	record := append([]byte{0, event, byte(len(data) >> 8), byte(len(data))}, data...)
	a.c.add(record, 0, comment)
}

// reader and card send a frame with its checksum.
func (a *air) reader(comment string, data ...byte) { a.event(eventToCard, withCRC(data), comment) }
func (a *air) card(data ...byte)                   { a.event(eventFromCard, withCRC(data), "") }

func withCRC(data []byte) []byte {
	sum := crcA(data)
	return append(append([]byte(nil), data...), sum[:]...)
}

// activate switches the field on and selects a card with a random identifier
// (ISO 14443-3, 6.5) up to its answer to select (ISO 14443-4, 5.2).
func (a *air) activate() {
	uid := []byte{0x08, 0x01, 0x02, 0x03}
	whole := append(append([]byte(nil), uid...), uid[0]^uid[1]^uid[2]^uid[3])
	a.event(eventFieldOn, nil, "")
	a.event(eventToCardNoCRC, []byte{0x26}, "")
	a.event(eventFromNoCRC, []byte{0x04, 0x00}, "")
	a.event(eventToCardNoCRC, []byte{0x93, 0x20}, "")
	a.event(eventFromNoCRC, whole, "")
	a.reader("", append([]byte{0x93, 0x70}, whole...)...)
	a.card(0x20)                         // understands ISO 14443-4
	a.reader("", 0xE0, 0x80)             // RATS: the reader takes 256 bytes
	a.card(0x05, 0x78, 0x80, 0x70, 0x02) // ATS: so does the card; no CID
	a.number = 0
}

func (a *air) fieldOff() { a.event(eventFieldOff, nil, "") }

// exchange sends a command and, when there is one, its answer. What does not
// fit a block goes in a chain, each block of which the other side acknowledges
// (ISO 14443-4, 7.5).
func (a *air) exchange(command, answer []byte, comment string) {
	for ; len(command) > maxINF; command = command[maxINF:] {
		a.reader(comment, append([]byte{0x12 | a.number}, command[:maxINF]...)...)
		a.card(0xA2 | a.number)
		a.number ^= 1
		comment = ""
	}
	a.reader(comment, append([]byte{0x02 | a.number}, command...)...)
	if answer == nil {
		return
	}
	for ; len(answer) > maxINF; answer = answer[maxINF:] {
		a.card(append([]byte{0x12 | a.number}, answer[:maxINF]...)...)
		a.number ^= 1
		a.reader("", 0xA2|a.number)
	}
	a.card(append([]byte{0x02 | a.number}, answer...)...)
	a.number ^= 1
}
