package terminal

import (
	"fmt"
	"strings"
	"time"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// Receipt is the cardholder's copy. It never holds more of an account number
// than its last four digits, and no expiry date.
type Receipt struct {
	Merchant, City         string
	TerminalID, MerchantID string
	Time                   time.Time
	Approved               bool
	Amount, Currency       string // "12.50", "EUR"
	Requested, Remaining   string // where a part was approved
	Label                  string // 9F12 or 50
	AID                    string // hex
	Account                string // "**** 0119"
	AccountKind            string // "card" or "device token"
	Entry                  string // "contactless"
	CVM                    string // "verified on device"
	SignatureLine          bool
	STAN, RRN              string
	AuthorisationCode      string
	ResponseCode           string
	Cryptogram             string // "ARQC 27552E9226B3CC95"
	ATC                    string // hex
	Note                   string // why it was declined
}

// receipt prints what the customer may keep.
func (s *session) receipt(res *Result) Receipt {
	c, tx := &s.t.config, &s.act.Transaction
	r := Receipt{
		Merchant: c.MerchantName, City: c.MerchantCity, TerminalID: c.TerminalID, MerchantID: c.MerchantID,
		Time: tx.Time, Approved: res.Outcome == kernel.Approved, Amount: tx.Currency.Format(tx.Amount), Currency: tx.Currency.Alpha,
		Label: label(s.tap.FCI), AID: fmt.Sprintf("%X", s.tap.AID), CVM: cvmTexts[res.CVM], Entry: "contactless",
	}
	if c := s.credential; c != nil {
		r.Entry, r.Label = c.entry(), latin1([]byte(c.Label))
	}
	if !r.Approved {
		r.Note, r.CVM = res.Detail, ""
	}
	if res.Part != 0 {
		r.Requested, r.Amount, r.Remaining = r.Amount, tx.Currency.Format(res.Part), tx.Currency.Format(tx.Amount-res.Part)
	}
	r.SignatureLine = r.Approved && res.CVM == kernel.CVMSignature
	r.account(res.PAN, s.tap.Outcome.Card)
	if res.Request != nil {
		r.STAN, r.RRN = res.Request.STAN, res.Request.RRN
	}
	if res.Response != nil {
		r.AuthorisationCode, r.ResponseCode = res.Response.AuthorisationCode, res.Response.ResponseCode
	}
	if res.Cryptogram != nil {
		r.Cryptogram = fmt.Sprintf("%s %X", res.CryptogramType, res.Cryptogram)
	}
	if res.ATC != nil {
		r.ATC = fmt.Sprintf("%04X", *res.ATC)
	}
	return r
}

var cvmTexts = map[kernel.CVM]string{
	kernel.CVMNotRequired: "no cardholder verification", kernel.CVMSignature: "signature", kernel.CVMOnlinePIN: "PIN verified",
	kernel.CVMConfirmationCode: "verified on device",
}

// account shows the last four digits: of the card behind a token, tag 9F25,
// when the token names them, else of what was read.
func (r *Receipt) account(pan emv.PAN, card emv.Source) {
	if pan == "" {
		return
	}
	last, kind := pan.LastFour(), "card"
	if card != nil {
		if _, token := card.Lookup(emv.TagTokenRequestor); token {
			kind = "device token"
		}
		if v, ok := card.Lookup(emv.TagLastFour); ok && len(v) == 2 {
			if digits, err := emv.Digits(v); err == nil && len(digits) == 4 {
				last, kind = digits, "card"
			}
		}
	}
	r.Account, r.AccountKind = "**** "+last, kind
}

// partISO88591 is the only code table (9F11) whose preferred name the terminal
// shows.
const partISO88591 = 1

// label is the application's preferred name where the terminal knows its
// alphabet, else its label (EMV Book 4, 11.3).
func label(fci []byte) string {
	a5, ok := emv.Find(fci, emv.TagFCI, emv.TagFCIProprietary)
	if !ok {
		return ""
	}
	name, _ := emv.Find(a5, emv.TagPreferredName)
	table, _ := emv.Find(a5, emv.TagCodeTable)
	if len(name) == 0 || len(table) != 1 || table[0] != partISO88591 {
		name, _ = emv.Find(a5, emv.TagApplicationLabel)
	}
	return latin1(name)
}

// latin1 reads ISO 8859-1 and drops control characters.
func latin1(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		if c >= 0x20 && c < 0x7F || c >= 0xA0 {
			s.WriteRune(rune(c))
		}
	}
	return strings.TrimSpace(s.String())
}

// width is the paper's.
const width = 40

// String is the receipt as the printer has it, a line each.
func (r Receipt) String() string {
	var b strings.Builder
	line := func(left, right string) {
		if right == "" {
			return
		}
		fmt.Fprintf(&b, "%s%s%s\n", left, strings.Repeat(" ", max(1, width-len([]rune(left))-len([]rune(right)))), right)
	}
	for _, s := range []string{r.Merchant, r.City} {
		if s != "" {
			b.WriteString(s + "\n")
		}
	}
	line("Terminal", r.TerminalID)
	line("Merchant", r.MerchantID)
	line(r.Time.Format("2006-01-02"), r.Time.Format("15:04:05"))
	if r.Remaining != "" {
		line("Requested", strings.TrimSpace(r.Currency+" "+r.Requested))
		line("Remaining, by other means", strings.TrimSpace(r.Currency+" "+r.Remaining))
	}
	line("Amount", strings.TrimSpace(r.Currency+" "+r.Amount))
	line(r.Label, r.Account)
	if r.AccountKind == "device token" {
		line("Number shown", r.AccountKind)
	}
	line("Entry", r.Entry)
	line("AID", r.AID)
	line("Cryptogram", r.Cryptogram)
	line("ATC", r.ATC)
	line("STAN", r.STAN)
	line("Reference", r.RRN)
	line("Authorisation", r.AuthorisationCode)
	line("Response", r.ResponseCode)
	line("Verification", r.CVM)
	if r.Approved {
		b.WriteString("APPROVED\n")
	} else {
		b.WriteString("NOT APPROVED\n")
		if r.Note != "" {
			b.WriteString(r.Note + "\n")
		}
	}
	if r.SignatureLine {
		b.WriteString("\nSignature: _____________________________\n")
	}
	return b.String()
}
