package emv

// registered is one piece of registered proprietary data: an identifier of two
// bytes, a length byte, and that many bytes. Tags 9F0A and 8B are made of them.
type registered struct {
	id    uint16
	value []byte
}

// registeredData takes a value apart; whole is false when it does not end with
// a piece.
func registeredData(b []byte) (pieces []registered, whole bool) {
	for len(b) > 0 {
		if len(b) < 3 || len(b)-3 < int(b[2]) {
			return pieces, false
		}
		n := 3 + int(b[2])
		pieces = append(pieces, registered{uint16(b[0])<<8 | uint16(b[1]), b[3:n]})
		b = b[n:]
	}
	return pieces, true
}
