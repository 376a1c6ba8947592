package interop

import (
	"encoding/binary"
	"time"
)

// pcapng writes the blocks of a capture file (IETF draft-ietf-opsawg-pcapng),
// little endian, times in microseconds.
type pcapng struct{ data []byte }

// block appends a block around its body, filled to four bytes.
func (p *pcapng) block(kind uint32, body []byte) {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	le := binary.LittleEndian
	size := uint32(len(body) + 12)
	p.data = le.AppendUint32(le.AppendUint32(p.data, kind), size)
	p.data = le.AppendUint32(append(p.data, body...), size)
}

func (p *pcapng) section() {
	body := binary.LittleEndian.AppendUint32(nil, 0x1A2B3C4D)
	body = append(body, 1, 0, 0, 0)                                           // version 1.0
	p.block(blockSection, binary.LittleEndian.AppendUint64(body, ^uint64(0))) // length not told
}

func (p *pcapng) iface(link int) {
	body := binary.LittleEndian.AppendUint16(nil, uint16(link))
	p.block(blockInterface, append(body, 0, 0, 0, 0, 0, 0))
}

// packet appends a record with its direction and a comment for people.
func (p *pcapng) packet(at time.Time, data []byte, flags uint32, comment string) {
	le := binary.LittleEndian
	micro := uint64(at.UnixMicro())
	body := le.AppendUint32(nil, 0) // the interface
	body = le.AppendUint32(le.AppendUint32(body, uint32(micro>>32)), uint32(micro))
	body = le.AppendUint32(le.AppendUint32(body, uint32(len(data))), uint32(len(data)))
	body = append(body, data...)
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	if comment != "" {
		body = appendOption(body, optionComment, []byte(comment))
	}
	if flags != 0 {
		body = appendOption(body, optionFlags, le.AppendUint32(nil, flags))
	}
	p.block(blockEnhanced, append(body, 0, 0, 0, 0))
}

const optionComment = 1

func appendOption(body []byte, code uint16, value []byte) []byte {
	body = binary.LittleEndian.AppendUint16(body, code)
	body = append(binary.LittleEndian.AppendUint16(body, uint16(len(value))), value...)
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	return body
}
