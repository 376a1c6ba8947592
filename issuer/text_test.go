package issuer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMaskNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"card 4761739001010119, please": "card 476173******0119, please", "4761 7390 0101 0119": "476173******0119", "5413-3300-8960-0010 x": "541333******0010 x",
		"4761739001010119 4912": "476173******0119 4912", "12 4761 7390 0101 0119 4912 1": "12 476173******0119 4912 1", "47617390010101194912": "47617390010101194912",
		"2223000048410010": "222300******0010", "x6210948000000037y": "x621094******0037y",
		"": "", "12.50 EUR": "12.50 EUR", "4761739001010118": "4761739001010118", // check digit
		"DE89 3704 0044 0532 0130 00": "DE89 3704 0044 0532 0130 00", "20300101120000": "20300101120000", "1234567890128": "1234567890128",
		"4761  7390 0101 0119": "4761  7390 0101 0119", "12 - 13": "12 - 13", "é1-": "é1-",
	} {
		require.Equal(t, want, maskNumbers(text), text)
	}
}

// Texts of customers and keys of theirs hold no card's number and move no cursor.
func TestTexts(t *testing.T) {
	const pan = "4761 7390 0101 0119"
	b := everydayBank(t, nil)
	paid := b.paid(1, 20_00)
	give := map[string]func(text string) error{
		"source": func(text string) error {
			_, err := b.TopUp(bg, TopUpRequest{Account: "A", Amount: "1", Source: text})
			return err
		},
		"text": func(text string) error {
			_, err := b.Transfer(bg, TransferRequest{From: "A", To: "B", Amount: "1", Text: text})
			return err
		},
		"merchant": func(text string) error {
			_, err := b.PreAuthorise(bg, HoldRequest{Account: "A", Amount: "1", Merchant: text})
			return err
		},
		"reason": func(text string) error {
			_, err := b.Dispute(bg, DisputeRequest{Payment: paid, Reason: text})
			return err
		},
		"closed": func(text string) error { _, err := b.SetMaintenance(bg, MaintenanceRequest{Text: text}); return err },
		"token": func(text string) error {
			_, err := b.ManageToken(bg, TokenChange{Verb: "suspend", Reason: text})
			return err
		},
	}
	for name, do := range give {
		for text, code := range map[string]string{pan: "card-number-in-text", "a\nb": "bad-request", "\x1b[2J": "bad-request", "\xff": "bad-request", strings.Repeat("x", 201): "bad-request"} {
			require.Equal(t, code, codeOf(t, do(text)), "%s %q", name, text)
		}
		if name != "token" {
			require.NoError(t, do("Grüße an 超市"), name)
		}
	}
	digits := strings.ReplaceAll(pan, " ", "")
	_, err := b.Open(bg, OpenRequest{Account: digits})
	require.Equal(t, "invalid-account-name", codeOf(t, err))
	_, err = b.ShowAccount(bg, digits)
	require.ErrorContains(t, err, "476173******0119")
	require.NotContains(t, err.Error(), digits)
	_, err = b.TopUp(bg, TopUpRequest{Account: "A", Amount: digits})
	require.NotContains(t, err.Error(), digits)

	_, err = b.TopUp(bg, TopUpRequest{Account: "A", Amount: "1", Idempotency: digits})
	require.NoError(t, err)
	_, kept, err := b.store.Answered(digits)
	require.NoError(t, err)
	require.False(t, kept, "a key is kept as a hash")
	b.audit()
}

// A merchant's name in a message is kept, too.
func TestMerchantsNameIsMasked(t *testing.T) {
	b := newBank(t, nil)
	m := plasticTap(1, 12_50).message(t, "0100", 1)
	m.MerchantName = "SHOP 4761739001010119"
	b.handle(m)
	all, err := b.Payments(bg, "A")
	require.NoError(t, err)
	require.Equal(t, "SHOP 476173******0119", all[len(all)-1].Merchant)
}
