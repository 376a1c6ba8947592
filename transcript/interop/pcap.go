package interop

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Link types (tcpdump.org).
const (
	linkISO14443 = 264
	linkUpperPDU = 252
)

// Events of link type 264, as Wireshark's dissector names them.
const (
	eventToCard      = 0xFE
	eventFromCard    = 0xFF
	eventToCardNoCRC = 0xFA
	eventFromNoCRC   = 0xFB
	eventFieldOn     = 0xFC
	eventFieldOff    = 0xFD
)

// packet is one record of a capture.
type packet struct {
	link  int
	flags uint32 // of pcapng: direction in the lowest two bits
	data  []byte
}

// readPcap reads a capture: ISO 14443 frames, or ISO 7816 in upper-PDU records.
func readPcap(in *input, s *session) error {
	d := newFrames(s)
	d.active = true
	var seen []int
	err := eachPacket(in.raw, func(p packet) error {
		switch p.link {
		case linkISO14443:
			return d.captured(p.data)
		case linkUpperPDU:
			return upperPDU(d, p)
		}
		if len(seen) < 10 {
			seen = append(seen, p.link)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case s.exchanges == 0 && len(seen) > 0:
		return fmt.Errorf("records of link types %v only; want %d (ISO 14443) or %d with iso7816", seen, linkISO14443, linkUpperPDU)
	}
	if err := d.end(); err != nil {
		return fmt.Errorf("it holds no command: %w", fmt.Errorf("%s", err))
	}
	return nil
}

// captured takes a record of link type 264: version 0, event, length, frame.
func (d *frames) captured(b []byte) error {
	if len(b) < 4 || b[0] != 0 || int(b[2])<<8|int(b[3]) > len(b)-4 {
		return fmt.Errorf("a malformed record of link type %d", linkISO14443)
	}
	data := b[4 : 4+int(b[2])<<8+int(b[3])]
	switch b[1] {
	case eventToCard, eventFromCard:
		d.frame(frame{fromCard: b[1] == eventFromCard, data: data, crc: crcThere, short: len(data) == 1})
	case eventToCardNoCRC, eventFromNoCRC:
		d.frame(frame{fromCard: b[1] == eventFromNoCRC, data: data, crc: crcLeft, short: len(data) == 1})
	case eventFieldOn, eventFieldOff:
		d.field()
	}
	return nil
}

// upperPDU takes a record of Wireshark's exported PDUs: tags of two bytes with
// lengths of two, ended by zero, then the data. The direction is that of the
// record: outbound is a command.
func upperPDU(d *frames, p packet) error {
	b := p.data
	for len(b) >= 4 {
		tag, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b)-4 {
			return fmt.Errorf("a malformed upper-PDU record")
		}
		value := b[4 : 4+n]
		b = b[4+n:]
		switch {
		case tag == tagDissector && strings.TrimRight(string(value), "\x00") != dissector7816:
			return nil // another protocol
		case tag == 0:
			fromCard := p.flags&3 == flagInbound
			if p.flags&3 == 0 { // not told: in turn
				fromCard = d.s.open
			}
			d.apdu(fromCard, b)
			return nil
		}
	}
	return nil
}

// eachPacket calls f for the records of a pcap or pcapng file.
func eachPacket(b []byte, f func(packet) error) error {
	if len(b) < 24 {
		return isAbsent("no capture file")
	}
	switch binary.LittleEndian.Uint32(b) {
	case 0xA1B2C3D4, 0xA1B23C4D:
		return classic(b, binary.LittleEndian, f)
	case 0xD4C3B2A1, 0x4D3CB2A1:
		return classic(b, binary.BigEndian, f)
	case 0x0A0D0D0A:
		return nextGeneration(b, f)
	}
	return isAbsent("no capture file")
}

func classic(b []byte, order binary.ByteOrder, f func(packet) error) error {
	link := int(order.Uint32(b[20:]) & 0xFFFF)
	for at := 24; at < len(b); {
		if len(b)-at < 16 {
			return endsInside("byte %d: the file ends inside a record", at)
		}
		n := int(order.Uint32(b[at+8:]))
		if at += 16; n < 0 || n > len(b)-at {
			return endsInside("byte %d: the file ends inside a record", at)
		}
		if err := f(packet{link: link, data: b[at : at+n]}); err != nil {
			return fmt.Errorf("byte %d: %w", at, err)
		}
		at += n
	}
	return nil
}

// Block types of pcapng.
const (
	blockSection   = 0x0A0D0D0A
	blockInterface = 1
	blockSimple    = 3
	blockEnhanced  = 6
)

func nextGeneration(b []byte, f func(packet) error) error {
	var order binary.ByteOrder = binary.LittleEndian
	var links []int
	for at := 0; at < len(b); {
		if len(b)-at < 12 {
			return endsInside("byte %d: the file ends inside a block", at)
		}
		kind := order.Uint32(b[at:])
		if kind == blockSection {
			order, links = binary.LittleEndian, nil
			if order.Uint32(b[at+8:]) == 0x4D3C2B1A {
				order = binary.BigEndian
			}
		}
		size := int(order.Uint32(b[at+4:]))
		if size < 12 || size%4 != 0 || size > len(b)-at {
			return fmt.Errorf("byte %d: a block of %d bytes, %d left", at, size, len(b)-at)
		}
		body := b[at+8 : at+size-4]
		switch {
		case kind == blockInterface && len(body) >= 8 && len(links) < 1000:
			links = append(links, int(order.Uint16(body)))
		case kind == blockEnhanced || kind == blockSimple:
			p, ok := record(order, kind, body, links)
			if !ok {
				return fmt.Errorf("byte %d: a malformed record", at)
			}
			if err := f(p); err != nil {
				return fmt.Errorf("byte %d: %w", at, err)
			}
		}
		at += size
	}
	return nil
}

// record reads an enhanced or a simple packet block.
func record(order binary.ByteOrder, kind uint32, body []byte, links []int) (p packet, ok bool) {
	if kind == blockSimple {
		if len(links) == 0 || len(body) < 4 {
			return p, false
		}
		n := min(int(order.Uint32(body)), len(body)-4)
		return packet{link: links[0], data: body[4 : 4+max(n, 0)]}, true
	}
	if len(body) < 20 {
		return p, false
	}
	iface, n := int(order.Uint32(body)), int(order.Uint32(body[12:]))
	if iface < 0 || iface >= len(links) || n < 0 || n > len(body)-20 {
		return p, false
	}
	p = packet{link: links[iface], data: body[20 : 20+n]}
	for opts := body[min(len(body), 20+(n+3)/4*4):]; len(opts) >= 4; {
		code, size := order.Uint16(opts), int(order.Uint16(opts[2:]))
		if code == 0 || size > len(opts)-4 {
			break
		}
		if code == optionFlags && size == 4 {
			p.flags = order.Uint32(opts[4:])
		}
		opts = opts[min(len(opts), 4+(size+3)/4*4):]
	}
	return p, true
}

// Names and numbers of upper-PDU records and of pcapng options.
const (
	tagDissector  = 12
	dissector7816 = "iso7816"
	optionFlags   = 2
	flagInbound   = 1
	flagOutbound  = 2
)

func endsInside(where string, at int) error {
	return &cutError{reason: fmt.Sprintf(where, at), end: true}
}
