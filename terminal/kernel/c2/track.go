package c2

import (
	"bytes"
	"errors"
	"math/bits"

	"tapsim/emv"
)

// bitmaps say which positions of a track's discretionary data hold what:
// position 1, the lowest bit, is the last digit.
type bitmaps struct {
	cvc3    uint64 // PCVC3: digits of the verification code
	un      uint64 // PUNATC: digits of the unpredictable number below those of the counter
	counter int    // NATC: how many digits of PUNATC are the counter's
}

// unDigits is how many digits of the unpredictable number go into the track.
func (b bitmaps) unDigits() int { return bits.OnesCount64(b.un) - b.counter }

// readBits reads a bitmap.
func readBits(b []byte) (v uint64) {
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return v
}

// track is track data with discretionary data to be filled in.
type track struct {
	before        []byte // everything before the discretionary data, as digits or characters
	discretionary []byte // as ASCII digits
	bits          bitmaps
	original      []byte // the discretionary data as the card gave them
}

// newTrack2 takes track 2 data (9F6B) apart.
func newTrack2(value []byte, b bitmaps) (*track, error) {
	t, err := emv.ParseTrack2(value)
	if err != nil {
		return nil, errors.New("9F6B is no track 2")
	}
	return newTrack([]byte(string(t.PAN)+"D"+t.Expiry+t.ServiceCode), []byte(t.Discretionary), b)
}

// beforeDiscretionary is how many characters expiry date and service code take
// in track 1.
const beforeDiscretionary = 7

// newTrack1 takes track 1 data (56) apart: number, name, then expiry date,
// service code and discretionary data (ISO/IEC 7813).
func newTrack1(value []byte, b bitmaps) (*track, error) {
	name := bytes.IndexByte(value, '^')
	end := bytes.LastIndexByte(value, '^')
	at := end + 1 + beforeDiscretionary
	if name < 0 || name == end || at > len(value) {
		return nil, errors.New("56 is no track 1")
	}
	return newTrack(value[:at], value[at:], b)
}

func newTrack(before, discretionary []byte, b bitmaps) (*track, error) {
	if n := b.unDigits(); n < 0 || n > maxUNDigits {
		return nil, errors.New("a track's bitmap leaves no room, or too much, for the unpredictable number")
	}
	if bits.Len64(b.cvc3|b.un) > len(discretionary) {
		return nil, errors.New("a track's bitmap points outside its discretionary data")
	}
	return &track{before: before, discretionary: bytes.Clone(discretionary), bits: b, original: discretionary}, nil
}

// fill writes the lowest decimal digits of the verification code into the
// positions of PCVC3, those of the unpredictable number into the lowest of
// PUNATC and those of the counter into the others, and last into position 1
// (EMV Book C-2, S13.18 to S13.22).
func (t *track) fill(cvc3 uint16, un uint64, atc uint16, last int) {
	t.digits(t.bits.cvc3, uint64(cvc3))
	low := t.bits.un
	for range t.bits.counter {
		low &^= 1 << (bits.Len64(low) - 1)
	}
	t.digits(low, un)
	t.digits(t.bits.un&^low, uint64(atc))
	if n := len(t.discretionary); n > 0 {
		t.discretionary[n-1] = '0' + byte(last)
	}
}

// digits writes the lowest decimal digits of v into the positions of a bitmap,
// the last digit into the lowest.
func (t *track) digits(positions, v uint64) {
	for ; positions != 0; positions &= positions - 1 {
		t.discretionary[len(t.discretionary)-1-bits.TrailingZeros64(positions)] = '0' + byte(v%10)
		v /= 10
	}
}

// ascii is track 1 for tag 56.
func (t *track) ascii() []byte { return append(bytes.Clone(t.before), t.discretionary...) }

// bcd is track 2 for tag 57.
func (t *track) bcd() []byte { return packDigits(append(bytes.Clone(t.before), t.discretionary...)) }

// packDigits packs digits and the separator D two a byte, filled with F.
func packDigits(s []byte) []byte {
	if len(s)%2 == 1 {
		s = append(s, 'F')
	}
	out := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); i += 2 {
		out = append(out, half(s[i])<<4|half(s[i+1]))
	}
	return out
}

func half(c byte) byte {
	if c >= 'A' {
		return c - 'A' + 10
	}
	return c - '0'
}

// relayIntoTrack2 tells a host that sees no chip data what relay resistance
// found, in the discretionary data of track 2: index of the certification
// authority's key, retries, five digits of the device's entropy, three more
// where the account number leaves room, and the time in ms (S910.39).
func (r *run) relayIntoTrack2() {
	t, err := emv.ParseTrack2(r.card[slotTrack2])
	if err != nil {
		return
	}
	d := &r.relay
	entropy := d.device()
	index := uint64(0)
	if v := r.card[slotCAIndex]; len(v) == 1 && v[0] < 10 {
		index = uint64(v[0])
	}
	measured := min((uint64(d.measured[0])<<8|uint64(d.measured[1]))/10, 999)
	out := []byte(string(t.PAN) + "D" + t.Expiry + t.ServiceCode)
	out = appendDecimal(out, index, 1)
	out = appendDecimal(out, uint64(d.counter[0]), 1)
	out = appendDecimal(out, uint64(entropy[2])<<8|uint64(entropy[3]), 5)
	if len(t.PAN) <= shortPAN {
		out = appendDecimal(out, uint64(entropy[1]), 3)
	}
	out = appendDecimal(out, measured, 3)
	r.card[slotTrack2] = packDigits(out)
}

// shortPAN is the longest account number that leaves track 2 thirteen digits
// of discretionary data.
const shortPAN = 16

// appendDecimal appends v with n digits.
func appendDecimal(dst []byte, v uint64, n int) []byte {
	at := len(dst)
	for range n {
		dst = append(dst, '0')
	}
	for i := at + n - 1; i >= at; i-- {
		dst[i] = '0' + byte(v%10)
		v /= 10
	}
	return dst
}
