package apdu_test

import (
	"bytes"
	"context"
	"fmt"

	"tapsim/apdu"
)

// A card is a function from bytes to bytes, and what a terminal talks to is a
// function, too. Exchange fetches what a card announces with 61xx.
func ExampleExchange() {
	card := apdu.ResponderFunc(func(command []byte) []byte {
		if bytes.HasPrefix(command, []byte{0x00, 0xC0}) { // GET RESPONSE
			return apdu.Response{Data: []byte("hello"), Status: apdu.StatusOK}.Bytes()
		}
		return []byte{0x61, 0x05}
	})
	wire := apdu.TransceiverFunc(func(_ context.Context, command []byte) ([]byte, error) {
		fmt.Printf("> %X\n", command)
		return card.Respond(command), nil
	})
	selectPPSE := apdu.Command{INS: 0xA4, P1: 0x04, Data: []byte("2PAY.SYS.DDF01"), Ne: apdu.MaxShortNe}
	r, err := apdu.Exchange(context.Background(), wire, selectPPSE)
	fmt.Printf("%s, %s (%s), %v\n", r.Data, r.Status, r.Status.Text(), err)
	// Output:
	// > 00A404000E325041592E5359532E444446303100
	// > 00C0000005
	// hello, 9000 success (success), <nil>
}
