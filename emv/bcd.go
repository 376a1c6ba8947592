package emv

import "fmt"

// AppendBCD appends v as n bytes of binary coded decimal, right justified
// (format n). Digits that do not fit are an error of the caller and panic.
func AppendBCD(dst []byte, v uint64, n int) []byte {
	start := len(dst)
	dst = appendZeros(dst, n)
	for i := len(dst) - 1; i >= start && v != 0; i-- {
		dst[i] = byte(v%10) | byte(v/10%10)<<4
		v /= 100
	}
	if v != 0 {
		panic("emv: number does not fit its BCD field")
	}
	return dst
}

// BCD reads n digits of format n. A nibble above 9 or more than 18 digits is
// an error.
func BCD(b []byte) (uint64, error) {
	if len(b) > 9 {
		return 0, fmt.Errorf("%d bytes of BCD exceed 18 digits", len(b))
	}
	var v uint64
	for i, c := range b {
		hi, lo := c>>4, c&0xF
		if hi > 9 || lo > 9 {
			return 0, fmt.Errorf("byte %d is %02X, not two decimal digits", i, c)
		}
		v = v*100 + uint64(hi)*10 + uint64(lo)
	}
	return v, nil
}

// AppendDigits appends a string of decimal digits as compressed numeric
// (format cn): left justified, filled with F up to n bytes. With n = 0 as many
// bytes as needed.
func AppendDigits(dst []byte, digits string, n int) ([]byte, error) {
	if n == 0 {
		n = (len(digits) + 1) / 2
	}
	if len(digits) > 2*n {
		return dst, fmt.Errorf("%s do not fit %s", count(len(digits), "digit"), count(n, "byte"))
	}
	start := len(dst)
	for i := 0; i < n; i++ {
		dst = append(dst, 0xFF)
	}
	for i := 0; i < len(digits); i++ {
		c := digits[i]
		if c < '0' || c > '9' {
			return dst[:start], fmt.Errorf("character %d is not a decimal digit", i)
		}
		if i%2 == 0 {
			dst[start+i/2] = (c-'0')<<4 | 0xF
		} else {
			dst[start+i/2] = dst[start+i/2]&0xF0 | (c - '0')
		}
	}
	return dst, nil
}

// Digits reads compressed numeric digits up to the first F nibble; anything
// after it but F is an error.
func Digits(b []byte) (string, error) {
	out := make([]byte, 0, 2*len(b))
	ended := false
	for i := 0; i < 2*len(b); i++ {
		d := nibble(b, i)
		switch {
		case d == 0xF:
			ended = true
		case d > 9 || ended:
			return "", fmt.Errorf("nibble %d is %X, want decimal digits and F fill", i, d)
		default:
			out = append(out, '0'+d)
		}
	}
	return string(out), nil
}

// nibble is the i-th half byte of b, the high half first.
func nibble(b []byte, i int) byte {
	if i%2 == 0 {
		return b[i/2] >> 4
	}
	return b[i/2] & 0xF
}
