package terminal_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"
	"time"

	"tapsim/iso8583"
	"tapsim/terminal"
	"tapsim/terminal/config"
	"tapsim/terminal/journal"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
	"tapsim/terminal/kernel/c3"
	"tapsim/terminal/kernel/c7"
	"tapsim/transcript"
)

// A point of sale takes a card from any reader, here one that plays a
// recording, and asks any host, here a function.
func ExampleTerminal_Pay() {
	const file = "../testdata/transcripts/golden/visa-plastic-online.apdu"
	data, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	recording, err := transcript.Parse(file, data)
	if err != nil {
		log.Fatal(err)
	}
	shop, err := config.Load("attended")
	if err != nil {
		log.Fatal(err)
	}
	host := iso8583.InProcess(iso8583.Standard(), func(_ context.Context, request *iso8583.Message) *iso8583.Message {
		fmt.Println("the host is asked for", *request.Amount, "in", request.Currency)
		return iso8583.Response(request, iso8583.Approved)
	})
	pos, err := terminal.New(shop.Config, []kernel.Kernel{&c2.Kernel{}, c3.New(), &c7.Kernel{}}, terminal.Env{
		Host: host, Journal: journal.NewMemory(), Rand: rand.Reader,
		Now: func() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		log.Fatal(err)
	}
	sale := terminal.Request{Amount: 1250, UnpredictableNumber: &[4]byte{0x77, 0x16, 0x82, 0x11}} // as recorded; nil draws one
	card := transcript.NewStrictCard(recording)
	result, err := pos.Pay(context.Background(), card, sale)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Outcome, result.Scheme, result.PAN, result.CryptogramType, card.Finish())
	// Output:
	// the host is asked for 1250 in 978
	// approved visa 476173******0119 ARQC <nil>
}
