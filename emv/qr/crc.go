package qr

// checksum is the CRC of merchant-presented codes: polynomial 1021, start FFFF,
// neither reflected nor inverted (ISO/IEC 13239 as the EMV QR specification
// uses it; elsewhere CRC-16/CCITT-FALSE). It covers the whole text up to and
// with the ID and the length of the CRC itself.
func checksum(text string) uint16 {
	crc := uint16(0xFFFF)
	for i := range len(text) {
		crc ^= uint16(text[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
