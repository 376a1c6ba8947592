package wallet_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/emv/qr"
	"tapsim/hce"
	"tapsim/provisioning"
	"tapsim/wallet"
)

// shopCode is a merchant's code; edit changes it.
func shopCode(t *testing.T, edit func(*qr.Merchant)) string {
	euro, _ := emv.CurrencyByAlpha("EUR")
	m := qr.Merchant{
		Initiation: qr.Static, Category: "5411", Currency: euro, Country: "DE", Name: "SHOP", City: "BERLIN",
		Accounts: []qr.Template{{ID: 26, GUID: qr.NetworkID, Objects: []qr.Object{{ID: 1, Value: "M-1"}}}},
		Language: qr.Language{Code: "ZH", Name: "商店"},
	}
	if edit != nil {
		edit(&m)
	}
	text, err := m.Text()
	require.NoError(t, err)
	return text
}

func TestReadBill(t *testing.T) {
	x := newWorld(t)
	card := x.add()
	amount := func(v int64) *int64 { return &v }
	fixed := func(m *qr.Merchant) { m.Amount, m.Initiation = amount(10_00), qr.Dynamic }
	for name, c := range map[string]struct {
		edit        func(*qr.Merchant)
		amount, tip *int64
		code        string
		total       int64
	}{
		"static, typed":            {nil, amount(5_00), nil, "", 5_00},
		"static, nothing typed":    {nil, nil, nil, "amount-missing", 0},
		"static, zero":             {nil, amount(0), nil, "wrong-amount", 0},
		"static, negative":         {nil, amount(-1), nil, "wrong-amount", 0},
		"dynamic":                  {fixed, nil, nil, "", 10_00},
		"dynamic, the same typed":  {fixed, amount(10_00), nil, "", 10_00},
		"dynamic, another typed":   {fixed, amount(9_99), nil, "wrong-amount", 0},
		"a tip nobody asked for":   {fixed, nil, amount(1_00), "wrong-tip", 0},
		"a tip":                    {func(m *qr.Merchant) { fixed(m); m.Tip.Kind = qr.TipAsk }, nil, amount(1_00), "", 11_00},
		"a negative tip":           {func(m *qr.Merchant) { fixed(m); m.Tip.Kind = qr.TipAsk }, nil, amount(-1), "wrong-tip", 0},
		"a fee":                    {func(m *qr.Merchant) { fixed(m); m.Tip = qr.Tip{Kind: qr.TipFixed, Fixed: 25} }, nil, nil, "", 10_25},
		"a fee in per cent":        {func(m *qr.Merchant) { fixed(m); m.Tip = qr.Tip{Kind: qr.TipPercent, Percent: 333} }, nil, nil, "", 10_33},
		"more than an amount":      {func(m *qr.Merchant) { m.Tip.Kind = qr.TipAsk }, amount(emv.MaxAmount), amount(1), "wrong-tip", 0},
		"Visa's account":           {func(m *qr.Merchant) { m.Accounts = []qr.Template{{ID: 2, Value: "4000123456789012"}} }, amount(1), nil, "", 1},
		"Visa's application":       {func(m *qr.Merchant) { m.Accounts[0].GUID = "a0000000031010" }, amount(1), nil, "", 1},
		"Mastercard's account":     {func(m *qr.Merchant) { m.Accounts = []qr.Template{{ID: 4, Value: "5555"}} }, amount(1), nil, "no-common-network", 0},
		"an account of nobody":     {func(m *qr.Merchant) { m.Accounts[0].GUID = "br.gov.bcb.pix" }, amount(1), nil, "no-common-network", 0},
		"what the payer tells":     {func(m *qr.Merchant) { m.Additional.Bill = qr.AskPayer }, amount(1), nil, "", 1},
		"nobody of the network":    {func(m *qr.Merchant) { m.Accounts[0].Objects = nil }, amount(1), nil, "unknown-merchant", 0},
		"a blank of the network":   {func(m *qr.Merchant) { m.Accounts[0].Objects[0].Value = " " }, amount(1), nil, "unknown-merchant", 0},
		"not in plain letters":     {func(m *qr.Merchant) { m.Accounts[0].Objects[0].Value = "CAFÉ" }, amount(1), nil, "unknown-merchant", 0},
		"what the merchant tells":  {func(m *qr.Merchant) { m.Additional.Bill = "R-7" }, amount(1), nil, "", 1},
		"the least of the network": {nil, amount(1), amount(0), "", 1},
	} {
		text := shopCode(t, c.edit)
		typed := func(emv.Currency) (wallet.Added, error) { return wallet.Added{Amount: c.amount, Tip: c.tip}, nil }
		bill, err := x.ReadBill(text, card, typed)
		require.Equal(t, c.code, wallet.Code(err), "%s: %v", name, err)
		if c.code == "" {
			require.NoError(t, err, name)
			require.Equal(t, c.total, bill.Total, name)
			require.Equal(t, "商店", bill.Local, name)
			require.NotEqual(t, qr.AskPayer, bill.Bill, name)
		}
		// One character off is no code any more.
		for _, at := range []int{10, len(text) / 2, len(text) - 1} {
			wrong := []byte(text)
			wrong[at] ^= 1
			_, err = x.ReadBill(string(wrong), card, typed)
			require.Equal(t, "bad-code", wallet.Code(err), "%s, byte %d", name, at)
		}
	}
}

// TestMerchantOfUnionPay: the institutions in front of a merchant are not the
// merchant.
func TestMerchantOfUnionPay(t *testing.T) {
	x := newWorld(t)
	card, err := x.Add(x.ctx, wallet.NewCard{Data: provisioning.CardData{Number: "6250940001000018", Expiry: "4912"}, DeviceName: "phone"})
	require.NoError(t, err)
	one := int64(1)
	text := shopCode(t, func(m *qr.Merchant) { m.Accounts = []qr.Template{{ID: 15, Value: "0000015600000156M00000000000001"}} })
	bill, err := x.ReadBill(text, card.Name, func(emv.Currency) (wallet.Added, error) { return wallet.Added{Amount: &one}, nil })
	require.NoError(t, err)
	require.Equal(t, "M00000000000001", bill.MerchantID)
}

// TestNoBill: what is no merchant's code is told by what it is.
func TestNoBill(t *testing.T) {
	x := newWorld(t)
	card := x.add()
	for text, want := range map[string]string{
		"https://pay.example/42": "a link", "hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8=": "a code that a phone shows",
		"6212345678901234567": "a code that a phone shows", "shop.jpg": "no merchant's code", "": "no merchant's code",
		strings.Replace(shopCode(t, nil), "000201010211", "010211000201", 1): "byte 0 (ID 00)",
	} {
		_, err := x.ReadBill(text, card, func(emv.Currency) (wallet.Added, error) { return wallet.Added{}, nil })
		require.Equal(t, "bad-code", wallet.Code(err), text)
		require.ErrorContains(t, err, want, text)
	}
}

// TestLooksAreBounded: what the wallet remembers of itself does not grow.
func TestLooksAreBounded(t *testing.T) {
	x := newWorld(t)
	card := x.add()
	for n := range 250 {
		number, err := x.Look(card, "contactless")
		require.NoError(t, err)
		require.EqualValues(t, n+1, number)
	}
	require.Len(t, x.State().Looks, 200)
	require.NoError(t, x.Settled(250, 9, wallet.RefusedFor(hce.ReasonNoKeys)))
	require.NoError(t, x.Settled(1, 9, wallet.Refused{Text: "forgotten: no error"}))
	require.Equal(t, "no keys are left", x.LookAt(0, card, 9).Refused)
	require.Equal(t, wallet.CauseKeys, x.LookAt(0, card, 9).Cause)
	require.Nil(t, x.LookAt(1, "", 0))
}
