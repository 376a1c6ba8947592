package interop

// crcA is the checksum of ISO 14443-3 type A frames (ITU-T V.41 polynomial,
// start 6363, least significant byte first on the air).
func crcA(data []byte) [2]byte {
	crc := uint16(0x6363)
	for _, b := range data {
		b ^= byte(crc)
		b ^= b << 4
		crc = crc>>8 ^ uint16(b)<<8 ^ uint16(b)<<3 ^ uint16(b)>>4
	}
	return [2]byte{byte(crc), byte(crc >> 8)}
}

// hasCRC is true for a frame that ends in its checksum.
func hasCRC(frame []byte) bool {
	n := len(frame) - 2
	return n >= 1 && crcA(frame[:n]) == [2]byte(frame[n:])
}
