package terminal_test

import (
	"context"
	"testing"

	"tapsim/apdu"
	"tapsim/iso8583"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
)

// FuzzPay changes what a card answers, from the PPSE on: never a panic, always
// an outcome and a receipt without a whole account number, and nothing approved
// that the host did not approve.
func FuzzPay(f *testing.F) {
	f.Add(unhex(f, ppseVisa), unhex(f, fciVisa), unhex(f, gpoARQC), []byte{0x90, 0x00}, int64(1250), "00")
	f.Add(unhex(f, ppseVisa), unhex(f, fciVisa), []byte{0x69, 0x86}, []byte{}, int64(0), "05")
	f.Add(unhex(f, ppseVisa), []byte{0x6A, 0x82}, []byte{}, []byte{}, int64(5000), "")
	f.Add([]byte{0x6A, 0x82}, []byte{}, []byte{}, []byte{}, int64(100), "10")
	f.Add(unhex(f, ppse(f, "4F07A0000000031010870101", "4F07A00000000320109F2A0103", "4F07A0000000041010")), unhex(f, application("A0000000032010")), unhex(f, gpoARQC), []byte{0x61, 0x10}, int64(1), "1A")
	f.Fuzz(func(t *testing.T, ppse, fci, gpo, record []byte, amount int64, code string) {
		approved := false
		term := shop(t, hostFunc(func(m *iso8583.Message) (*iso8583.Message, error) {
			if code == "" {
				return nil, errTimeout
			}
			approved = approved || code == "00" || code == "08" || code == "11" || code == "85"
			return iso8583.Response(m, code), nil
		}), nil)
		k := apdu.TransceiverFunc(func(_ context.Context, command []byte) ([]byte, error) {
			switch {
			case command[1] == 0xA4 && command[4] == 0x0E:
				return ppse, nil
			case command[1] == 0xA4:
				return fci, nil
			case command[1] == 0xA8:
				return gpo, nil
			}
			return record, nil
		})
		res, err := term.Pay(context.Background(), field(k, k, k), terminal.Request{Amount: amount})
		switch {
		case err != nil && (amount < 0 || amount > 999_999_999_999):
			return
		case err != nil && res.Outcome == 0:
			return // the reader gave up: 61xx for ever
		case res.Outcome == 0:
			t.Fatal("no outcome and no error")
		case res.Outcome == kernel.Approved && !approved:
			t.Fatalf("approved without the host: %+v", res.Detail)
		case res.Receipt.String() == "":
			t.Fatal("no receipt")
		}
	})
}
