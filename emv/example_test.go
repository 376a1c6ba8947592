package emv_test

import (
	"encoding/hex"
	"fmt"

	"tapsim/emv"
)

// Every byte explained, through all levels. What tells who the cardholder is
// stays masked.
func ExampleExplain() {
	data, _ := hex.DecodeString("77179F2701809F360200015A0847617390010101195F340101")
	items, err := emv.Explain(data, emv.Context{Scheme: emv.SchemeVisa}, false)
	if err != nil {
		fmt.Println(err) // with the byte at which it goes wrong
		return
	}
	for _, item := range items[0].Children {
		fmt.Printf("%-4s %-34s %s\n", item.Tag, item.Name, item.Value)
	}

	// Output:
	// 9F27 Cryptogram information data (CID)  80
	// 9F36 Application transaction counter (ATC) 0001
	// 5A   Primary account number (PAN)       476173******0119
	// 5F34 PAN sequence number                01
}

// A terminal fills the list of objects that a card asks for.
func ExampleDOL_AppendData() {
	pdol, _ := emv.ParseDOL([]byte{0x9F, 0x66, 0x04, 0x9F, 0x02, 0x06, 0x9F, 0x37, 0x04})
	sale := emv.List{
		{Tag: emv.TagTTQ, Value: []byte{0x36, 0x00, 0x40, 0x00}},
		{Tag: emv.TagAmount, Value: emv.AppendBCD(nil, 1250, 6)},
	}
	fmt.Printf("%X\n", pdol.AppendData(nil, sale)) // what the terminal does not have is zeros
	// Output:
	// 3600400000000000125000000000
}

// An account number prints masked, wherever it goes.
func ExamplePAN() {
	pan := emv.WithCheckDigit("476173900101011")
	fmt.Println(pan, pan.Valid(), emv.TestRange(pan), len(string(pan)))
	// Output:
	// 476173******0119 true true 16
}
