package issuer_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log"
	"time"

	"tapsim/iso8583"
	"tapsim/issuer"
	"tapsim/issuer/config"
)

// A bank answers one message with one message, and tells each step of its check
// to who wants to know. This one gets an authorisation with a cryptogram that
// somebody made up.
func ExampleIssuer_Handle() {
	demo, err := config.Demo() // or config.Parse of a file; `tapsim issuer --print-config` writes one
	if err != nil {
		log.Fatal(err)
	}
	ctx, now := context.Background(), time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	bank, err := issuer.New(demo.Config, issuer.NewMemory(), issuer.Env{Now: func() time.Time { return now }, Rand: rand.Reader})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := bank.Install(ctx, demo.Setup); err != nil {
		log.Fatal(err)
	}
	amount := int64(1250)
	chip, _ := hex.DecodeString("9F02060000000012509F03060000000000009F1A020276950500000000005F2A0209789A033001019C01009F370477168211" +
		"820200009F360200019F100706011203A000009F26081122334455667788")
	var report issuer.Report
	answer, err := bank.Handle(ctx, &iso8583.Message{
		MTI: iso8583.AuthorisationRequest, PAN: "4761739001010119", ProcessingCode: "000000", Amount: &amount,
		TransmissionTime: "0101120000", STAN: "000001", LocalTime: "120000", LocalDate: "0101", Expiry: "4912", MerchantCategory: "5999",
		EntryMode: "071", PANSequence: "001", AcquirerID: "12345", RRN: "000000000001", TerminalID: "TAPSIM01", MerchantID: "TAPSIM-MERCH-01",
		Currency: "978", ICCData: chip,
	}, &report)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Message.MTI, answer.Message.ResponseCode)
	for _, step := range report.Steps {
		if step.Result == issuer.Failed {
			fmt.Println(step.Name+":", step.Text)
		}
	}
	// Output:
	// 0110 82
	// cryptogram: Visa CVN 18: expected C1F580D5B6B5D052, received 1122334455667788. No usual mistake, no other key set, no value from elsewhere in the message and no single changed byte explains it
}
