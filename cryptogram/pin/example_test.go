package pin_test

import (
	"fmt"

	"tapsim/cryptogram"
	"tapsim/cryptogram/pin"
)

// The PIN block of format 0 for a PIN and an account number (ISO 9564-1).
func ExampleEncode() {
	block, err := pin.Encode(pin.Format0, "1234", "4761739001010119", nil)
	fmt.Printf("%X %v\n", block, err)
	digits, err := pin.Decode(pin.Format0, block, "4761739001010119")
	fmt.Println(digits, err)
	// Output:
	// 041223C6FFEFEFEE <nil>
	// 1234 <nil>
}

// The initial key of a PIN pad, from the example of ANSI X9.24.
func ExampleTDESInitialKey() {
	base, _ := cryptogram.NewKey(cryptogram.TDES, []byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10})
	initial, err := pin.TDESInitialKey(base, []byte{0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0x00, 0x00})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%X\n", initial.Reveal())
	// Output:
	// 6AC292FAA1315B4D858AB3A3D7D5933A
}
