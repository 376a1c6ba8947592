package wallet

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"tapsim/emv"
	"tapsim/emv/qr"
)

// Bill is what a merchant's code asks for, and what the payer added.
type Bill struct {
	MerchantID string       `json:"merchant_id"`
	Merchant   string       `json:"merchant"` // in Latin letters
	City       string       `json:"city"`
	Local      string       `json:"local,omitempty"` // name in the code's other language
	Language   string       `json:"language,omitempty"`
	Category   string       `json:"category"` // merchant category code
	Country    string       `json:"country"`  // two letters
	Currency   emv.Currency `json:"-"`
	Dynamic    bool         `json:"dynamic"` // the code is for one payment
	Amount     int64        `json:"amount"`  // minor units, without the tip
	Tip        int64        `json:"tip"`     // or the fee that the code names
	Total      int64        `json:"total"`
	Bill       string       `json:"bill,omitempty"`
	Terminal   string       `json:"terminal,omitempty"`
	Code       string       `json:"-"` // tells a dynamic code from others; "" of a static one
}

// Added is what the payer types, in minor units; nil is nothing.
type Added struct{ Amount, Tip *int64 }

// ReadBill reads a merchant-presented code (EMV QR, merchant-presented mode) for
// a card: what breaks its rules is refused, and so is a code of networks that the
// card is not of.
func (w *Wallet) ReadBill(text, card string, typed func(emv.Currency) (Added, error)) (Bill, error) {
	m, err := qr.ParseMerchant(text)
	if err != nil {
		return Bill{}, noBill(text, err)
	}
	c, err := w.Find(card)
	if err != nil {
		return Bill{}, err
	}
	code := ""
	if m.Initiation == qr.Dynamic {
		sum := sha256.Sum256([]byte(text))
		code = hex.EncodeToString(sum[:8])
	}
	if w.paidBefore(code) {
		return Bill{}, refuse("code-paid", "ask the merchant for a new one, with its own --bill or --reference", "this code is for one payment and was paid")
	}
	added, err := typed(m.Currency)
	if err != nil {
		return Bill{}, err
	}
	id, ok := accountOf(m, c.Scheme)
	switch {
	case !ok:
		return Bill{}, refuse("no-common-network", "pay with another card", "the merchant takes no %s", c.Scheme)
	case strings.TrimSpace(id) == "" || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' }):
		return Bill{}, refuse("unknown-merchant", "tell the merchant", "the code does not say, in plain letters, which merchant of the network is paid")
	}
	due, err := dueOf(m, added)
	if err != nil {
		return Bill{}, err
	}
	return Bill{
		MerchantID: id, Merchant: m.Name, City: m.City, Local: m.Language.Name, Language: m.Language.Code, Category: m.Category, Country: m.Country,
		Currency: m.Currency, Dynamic: m.Initiation == qr.Dynamic, Amount: due.Amount, Tip: due.Tip, Total: due.Total,
		Bill: told(m.Additional.Bill), Terminal: told(m.Additional.Terminal), Code: code,
	}, nil
}

// noBill says why a text is no code to pay.
func noBill(text string, err error) error {
	const code = "bad-code"
	switch kind := qr.KindOf(text); {
	case kind == qr.KindConsumer, kind == qr.KindNumeric:
		return refuse(code, "a point of sale scans it: tapsim pay --scan", "this is a code that a phone shows, no merchant's")
	case kind == 0 && strings.Contains(text, "://"):
		return refuse(code, "never pay by a link that you do not know", "this is a link, no payment code of EMV")
	case kind == 0:
		return refuse(code, "a picture's name ends in .png; or tell the merchant", "this is no merchant's code (EMV QR, merchant-presented mode)")
	}
	return refuse(code, "scan it again, or tell the merchant", "%v", err)
}

// dueOf is what is to be paid. An amount that the code has cannot be changed, one
// that it has not must be typed.
func dueOf(m qr.Merchant, a Added) (qr.Due, error) {
	var err error
	switch {
	case a.Amount != nil && (m.Amount == nil || *m.Amount != *a.Amount):
		if m, err = m.WithAmount(*a.Amount); err != nil {
			return qr.Due{}, refuse("wrong-amount", "", "%v", err)
		}
	case m.Amount == nil:
		return qr.Due{}, refuse("amount-missing", "type it: --amount", "the code has no amount")
	}
	tip := int64(0)
	if a.Tip != nil {
		tip = *a.Tip
	}
	due, err := m.Due(tip)
	if err != nil {
		return due, refuse("wrong-tip", "", "%v", err)
	}
	return due, nil
}

// told is a value of the additional data, "" for one that the payer is asked for.
func told(s string) string {
	if s == qr.AskPayer {
		return ""
	}
	return s
}

// networks are the IDs of merchant accounts of a scheme (EMV QR,
// merchant-presented mode), and the beginning of its application identifiers.
var networks = map[string]struct {
	first, last qr.ID
	rid         string
}{
	"visa":       {2, 3, "A000000003"},
	"mastercard": {4, 5, "A000000004"},
	"unionpay":   {15, 16, "A000000333"},
}

// accountOf finds where the money goes: an account of the card's network, or of
// this simulator's merchants. It says who the merchant is there.
func accountOf(m qr.Merchant, scheme string) (id string, ok bool) {
	if t, ok := m.Account(qr.NetworkID); ok {
		return string(t.Object(1)), true
	}
	n, known := networks[scheme]
	if !known {
		return "", false
	}
	for _, t := range m.Accounts {
		switch {
		case t.ID >= n.first && t.ID <= n.last:
			return merchantIn(t), true
		case t.GUID != "" && strings.HasPrefix(strings.ToUpper(t.GUID), n.rid):
			return string(t.Object(1)), true
		}
	}
	return "", false
}

// merchantIn is the merchant in an account of a network's own. UnionPay's names two
// institutions before it, eight digits each.
func merchantIn(t qr.Template) string {
	if id := string(t.Value); t.ID < 15 || len(id) != 31 {
		return id
	}
	return string(t.Value[16:])
}
