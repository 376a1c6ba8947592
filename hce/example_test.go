package hce_test

import (
	"crypto/rand"
	"fmt"
	"log"
	"time"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/hce/profile"
)

// A card answers each command by itself: put Respond behind a reader, a socket,
// or Android's HostApduService.
func ExampleNew() {
	p, err := profile.Load("visa-plastic") // or profile.LoadFile, or a Profile of your own
	if err != nil {
		log.Fatal(err)
	}
	master, _ := cryptogram.NewKey(cryptogram.TDES, make([]byte, 16)) // your test key; this one is zeros
	key, _ := cryptogram.DeriveCardKey(master, cryptogram.OptionA, string(p.Account.PAN), p.Account.PSN)
	card, err := hce.New(p, hce.Env{Now: time.Now, Rand: rand.Reader, Keys: hce.CardKey(key)})
	if err != nil {
		log.Fatal(err)
	}
	command, _ := apdu.Command{INS: 0xA4, P1: 0x04, Data: []byte("2PAY.SYS.DDF01"), Ne: 256}.Bytes()
	answer, _ := apdu.ParseResponse(card.Respond(command))
	directory, err := emv.ParseList(answer.Data)
	fmt.Println(answer.Status, directory[0].Tag, err)
	// Output:
	// 9000 success 6F <nil>
}
