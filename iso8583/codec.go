package iso8583

import (
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/padding"
	"github.com/moov-io/iso8583/prefix"
)

// Codec packs and unpacks messages by one table of fields. It may be used by
// many goroutines. Make one with Standard or NewCodec.
type Codec struct {
	name     string
	header   Header
	bitmap   bitmap
	elements [129]*element // nil: the table has no such field
}

// bitmap is how the bitmaps stand on the wire.
type bitmap struct {
	enc  encoding.Encoder
	both bool // always 16 bytes; otherwise 8, and 8 more when bit 1 is set
}

// Standard is the project's own table: ISO 8583:1987, everything in ASCII,
// bytes and bitmaps as hex digits, lengths in decimal digits (field 55 counts
// bytes, not hex digits), and a length header of two bytes in front.
func Standard() *Codec {
	c := &Codec{name: "ISO 8583:1987, ASCII", bitmap: bitmap{enc: encoding.BytesToASCIIHex}}
	for number, f := range fields {
		if number == 1 || f.name == "" {
			continue
		}
		e := &element{number: number, length: f.length, enc: encoding.ASCII}
		if f.class == binary {
			e.bytes, e.enc = true, encoding.BytesToASCIIHex
		}
		switch {
		case f.kind == upTo && f.length <= 99:
			e.prefix, e.digits = prefix.ASCII.LL, true
		case f.kind == upTo:
			e.prefix, e.digits = prefix.ASCII.LLL, true
		case f.class == special:
			e.pad, e.trim = padding.Right(' '), true
		}
		c.elements[number] = e
	}
	return c
}

// Name is what the table calls itself.
func (c *Codec) Name() string { return c.name }

// Pack codes m without a length header. A value that its field cannot hold, or
// a field that the table does not have, is a *FieldError.
func (c *Codec) Pack(m *Message) ([]byte, error) { return c.Append(nil, m) }

// Append is Pack behind dst. After an error the answer is dst unchanged.
func (c *Codec) Append(dst []byte, m *Message) ([]byte, error) {
	var in contents
	if err := in.fill(m); err != nil {
		return dst, err
	}
	out, reason := c.elements[0].append(dst, string(m.MTI), false)
	if reason != "" {
		return dst, wrong(0, "%s", reason)
	}
	out, err := c.appendBitmap(out, &in.present)
	if err != nil {
		return dst, err
	}
	for number := 2; number < len(fields); number++ {
		if !in.present.has(number) {
			continue
		}
		e := c.elements[number]
		if e == nil {
			return dst, wrong(number, "is not in the table %q", c.name)
		}
		if out, reason = e.append(out, in.value[number], in.raw.has(number)); reason != "" {
			return dst, wrong(number, "%s", reason)
		}
	}
	return out, nil
}

func (c *Codec) appendBitmap(dst []byte, present *bitset) ([]byte, error) {
	var bits [16]byte
	size := 8
	if c.bitmap.both {
		size = 16
	}
	for number := 2; number < len(fields); number++ {
		if present.has(number) {
			bits[(number-1)/8] |= 0x80 >> ((number - 1) % 8)
			if number > 64 && size == 8 {
				bits[0] |= 0x80 // bit 1: a second bitmap follows
				size = 16
			}
		}
	}
	coded, err := c.bitmap.enc.Encode(bits[:size])
	if err != nil {
		return dst, wrong(1, "cannot be coded")
	}
	return append(dst, coded...), nil
}

// Unpack decodes a whole message without its length header. When it fails the
// error is a *FieldError, and the message holds what could be read: it is nil
// only if there was no message type or no bitmap. A value that is wrong in
// itself does not stop the reading of the fields behind it, a field without an
// end does.
func (c *Codec) Unpack(packed []byte) (*Message, error) {
	r := reader{codec: c, packed: packed, text: string(packed)}
	m := &Message{}
	if !r.start(m) {
		return nil, r.err
	}
	var out contents
	r.fields(&out)
	out.spread(m)
	if r.err != nil {
		return m, r.err
	}
	return m, nil
}

// reader is one unpacking: where it stands, what is announced, and the first
// thing that was wrong.
type reader struct {
	codec  *Codec
	packed []byte
	text   string // packed once more
	at     int
	bits   bitset
	err    *FieldError
}

func (r *reader) fail(number int, reason string) {
	if r.err == nil {
		r.err = &FieldError{Field: number, Offset: r.at, Reason: reason}
	}
}

// start reads the message type and the bitmaps.
func (r *reader) start(m *Message) bool {
	mti, size, cut, bad := r.codec.elements[0].read(r.packed, r.text)
	if cut+bad != "" {
		r.fail(0, cut+bad)
		return false
	}
	m.MTI = MTI(mti)
	r.at = size
	if !r.readBitmap(0) {
		return false
	}
	first := r.bits.has(1)
	switch {
	case r.codec.bitmap.both && first:
		r.fail(1, "announces a third bitmap, which is not supported")
		return false
	case (r.codec.bitmap.both || first) && !r.readBitmap(64):
		return false
	case r.bits.has(65):
		r.fail(65, "announces a third bitmap, which is not supported")
		return false
	}
	return true
}

// readBitmap reads eight bytes, the bits of the fields after base.
func (r *reader) readBitmap(base int) bool {
	size := 8
	if r.codec.bitmap.enc == encoding.BytesToASCIIHex {
		size = 16
	}
	if left := len(r.packed) - r.at; left < size {
		r.fail(1, "is cut short")
		return false
	}
	bits, _, err := r.codec.bitmap.enc.Decode(r.packed[r.at:r.at+size], 8)
	if err != nil {
		r.fail(1, "is not hex digits")
		return false
	}
	for i := range 64 {
		if bits[i/8]&(0x80>>(i%8)) != 0 {
			r.bits.add(base + i + 1)
		}
	}
	r.at += size
	return true
}

// fields reads what the bitmaps announce.
func (r *reader) fields(out *contents) {
	for number := 2; number < len(fields); number++ {
		if !r.bits.has(number) {
			continue
		}
		e := r.codec.elements[number]
		if e == nil {
			r.fail(number, "is not in the table \""+r.codec.name+"\"")
			return
		}
		value, size, cut, bad := e.read(r.packed[r.at:], r.text[r.at:])
		switch {
		case cut != "":
			r.fail(number, cut)
			return
		case bad != "":
			r.fail(number, bad)
		default:
			out.put(number, value, fields[number].class == binary)
		}
		r.at += size
	}
	if r.at < len(r.packed) {
		r.fail(1, "announces no field for the bytes that are left")
	}
}
