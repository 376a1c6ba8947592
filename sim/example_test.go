package sim_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"tapsim/emv"
	"tapsim/sim"
)

// One payment, in memory and repeatable: a phone at an attended terminal, with
// the demo bank behind it.
func Example() {
	ctx, seed := context.Background(), uint64(1)
	w, err := sim.Open(ctx, sim.Options{
		Seed: &seed, Now: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), State: sim.Memory,
		Card: "visa-phone", Terminal: "attended",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	eur, _ := emv.CurrencyByAlpha("EUR")
	p, err := w.Pay(ctx, sim.Request{Amount: 1250, Currency: eur})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Outcome, p.KernelOutcome, p.PAN, p.CryptogramType)
	fmt.Printf("ATC %04X, answer %s\n", *p.ATC, p.Response.ResponseCode)
	// Output:
	// approved online-request 476173******0010 ARQC
	// ATC 0001, answer 00
}
