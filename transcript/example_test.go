package transcript_test

import (
	"context"
	"fmt"
	"log"

	"tapsim/apdu"
	"tapsim/transcript"
)

const recorded = `# a card that was asked twice
> 00A404000E325041592E5359532E444446303100
< 6A82
> 80CA9F3600
< 9F360200019000
`

// A recording plays the card and wants the recorded commands, byte for byte.
func ExampleNewStrictCard() {
	t, err := transcript.Parse("two.apdu", []byte(recorded))
	if err != nil {
		log.Fatal(err)
	}
	ctx, card := context.Background(), transcript.NewStrictCard(t)
	r, err := apdu.Exchange(ctx, card, apdu.Command{INS: 0xA4, P1: 0x04, Data: []byte("2PAY.SYS.DDF01"), Ne: 256})
	fmt.Println(r.Status, err)
	_, err = apdu.Exchange(ctx, card, apdu.Command{CLA: 0x80, INS: 0xCA, P1: 0x9F, P2: 0x17, Ne: 256})
	fmt.Println(err)
	// Output:
	// 6A82 file or application not found <nil>
	// two.apdu:4: exchange 2 GET DATA 9F36, byte 3: P2 is 17, recorded 36
}

// A recording plays the terminal and wants the recorded answers.
func ExampleTerminal_Replay() {
	t, err := transcript.Parse("two.apdu", []byte(recorded))
	if err != nil {
		log.Fatal(err)
	}
	card := apdu.ResponderFunc(func([]byte) []byte { return apdu.StatusFileNotFound.Append(nil) })
	fmt.Println(transcript.Terminal{Card: card}.Replay(t))
	// Output:
	// two.apdu:4: exchange 2 GET DATA 9F36, byte 0: SW1-SW2 is 6A82 (file or application not found), recorded 9000 with 9F36 Application transaction counter (ATC) (5 bytes)
}
