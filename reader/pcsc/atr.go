package pcsc

// withoutPadding is an ATR without the zeros with which some services fill its
// buffer up to 33 bytes. Its own bytes say how long it is (ISO/IEC 7816-3, 8.2):
// TS, T0, interface bytes, historical bytes, and a check byte when a protocol
// other than T=0 is offered. What does not fit stays as it is.
func withoutPadding(atr []byte) []byte {
	n := lengthOf(atr)
	if n == 0 || n > len(atr) {
		return atr
	}
	for _, b := range atr[n:] {
		if b != 0 {
			return atr
		}
	}
	return atr[:n]
}

// lengthOf is how long an ATR says it is, 0 when it is cut off.
func lengthOf(atr []byte) int {
	if len(atr) < 2 {
		return 0
	}
	n, historical, more, check := 2, int(atr[1]&0x0F), atr[1], 0
	for more&0xF0 != 0 {
		for bit := byte(0x10); bit != 0x80; bit <<= 1 { // TA, TB, TC
			if more&bit != 0 {
				n++
			}
		}
		if more&0x80 == 0 {
			break
		}
		if n >= len(atr) {
			return 0
		}
		more = atr[n] // TD
		n++
		if more&0x0F != 0 {
			check = 1
		}
	}
	return n + historical + check
}
