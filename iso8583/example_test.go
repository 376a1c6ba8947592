package iso8583_test

import (
	"fmt"
	"time"

	"tapsim/iso8583"
)

// Messages are values by name; a codec makes bytes of them and reads them back.
func ExampleCodec_Pack() {
	codec := iso8583.Standard() // NewCodec reads a table of your host's own
	echo := iso8583.NetworkManagement("301", iso8583.Stamp{STAN: 1, Time: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)})
	wire, err := codec.Pack(echo)
	fmt.Printf("%s %v\n", wire, err)
	back, err := codec.Unpack(wire)
	fmt.Println(back.MTI, back.STAN, back.NetworkCode, err)
	// Output:
	// 0800822000000000000004000000000000000101120000000001301 <nil>
	// 0800 000001 301 <nil>
}
