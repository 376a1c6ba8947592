package qr

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"tapsim/emv"
)

// explainMerchant explains what can be taken apart, and says with the error
// why a code is refused.
func explainMerchant(text string, reveal bool) ([]emv.Item, error) {
	_, err := ParseMerchant(text)
	e := merchantExplainer{text: text, reveal: reveal}
	nodes, broken := split(text, 0, "")
	for _, n := range nodes {
		if n.id == idCurrency {
			code, _ := strconv.ParseUint(n.value, 10, 16)
			e.currency, _ = emv.CurrencyByNumeric(uint16(code))
		}
	}
	items := make([]emv.Item, 0, len(nodes))
	for _, n := range nodes {
		items = append(items, e.item(n))
	}
	if at := end(nodes); broken != nil && at < len(text) {
		x := emv.Item{Name: restName, Offset: at, Length: utf8.RuneCountInString(text[at:]), Known: true}
		x.Value, x.Masked = showText(strings.ToValidUTF8(text[at:], "\uFFFD"), true, false)
		items = append(items, x)
	}
	return items, err
}

// end is where the last object ends.
func end(nodes []node) int {
	if len(nodes) == 0 {
		return 0
	}
	last := nodes[len(nodes)-1]
	return last.start() + len(last.value)
}

type merchantExplainer struct {
	text     string
	reveal   bool
	currency emv.Currency // zero when the code names none
}

// item explains one object of the first level.
func (e *merchantExplainer) item(n node) emv.Item {
	f := rootField(n.id)
	x := e.plain(n, f)
	switch id := n.id; {
	case id == idAdditional:
		e.nest(&x, n, additionalField)
	case id == idLanguage:
		e.nest(&x, n, languageField)
	case id >= firstTemplate && id <= lastAccount, id > lastReserved:
		e.nest(&x, n, templateFieldOf)
	case id >= firstAccount && id < firstTemplate:
		e.account(&x, n)
	default:
		x.Text = e.meaning(n)
	}
	return x
}

// plain is an object with its masked value.
func (e *merchantExplainer) plain(n node, f field) emv.Item {
	x := emv.Item{Tag: n.id.String(), Name: f.name, Offset: n.offset, Length: utf8.RuneCountInString(n.value), Known: f.name != reservedField.name}
	x.Value, x.Masked = showText(strings.ToValidUTF8(n.value, "\uFFFD"), false, e.reveal)
	return x
}

// account masks a primitive merchant account, where an account number may
// stand. UnionPay's has a structure that leaves no room for one: acquirer,
// forwarding institution, merchant.
func (e *merchantExplainer) account(x *emv.Item, n node) {
	v := n.value
	if (n.id == 15 || n.id == 16) && len(v) == 31 && digits(v[:16]) {
		x.Value, x.Masked = v, false
		x.Text = fmt.Sprintf("acquirer %s, forwarding institution %s, merchant %s", v[:8], v[8:16], v[16:])
		return
	}
	x.Value, x.Masked = showText(strings.ToValidUTF8(v, "\uFFFD"), true, e.reveal)
}

// nest explains the objects inside a template. One that cannot be taken apart
// keeps its value.
func (e *merchantExplainer) nest(x *emv.Item, n node, fieldOf func(ID) field) {
	nodes, err := split(n.value, n.start(), n.path+"-")
	if err != nil {
		x.Text = "cannot be taken apart"
		return
	}
	x.Value, x.Masked = "", false
	for _, o := range nodes {
		f := fieldOf(o.id)
		inner := e.plain(o, f)
		switch {
		case n.id == idAdditional && o.id >= firstSystemObject:
			e.nest(&inner, o, templateFieldOf)
		case n.id == idAdditional:
			e.label(&inner, o)
		}
		x.Children = append(x.Children, inner)
	}
}

// label explains an object of the additional data. A mobile number is the
// payer's, or that of somebody whom the payer pays for.
func (e *merchantExplainer) label(x *emv.Item, n node) {
	switch {
	case n.value == AskPayer && n.id <= lastLabel:
		x.Text = "the phone asks the payer"
	case n.id == idMobile && !e.reveal:
		x.Value, x.Masked = strings.Repeat("*", max(0, len(n.value)-3))+x.Value[max(0, len(x.Value)-3):], true
	case n.id == idAsk:
		var words []string
		for _, a := range []struct{ letter, word string }{{"A", "address"}, {"M", "mobile number"}, {"E", "e-mail address"}} {
			if strings.Contains(n.value, a.letter) {
				words = append(words, a.word)
			}
		}
		x.Text = "the phone sends the payer's " + strings.Join(words, ", ")
	}
}

// meaning is what a value of the first level says.
func (e *merchantExplainer) meaning(n node) string {
	switch n.id {
	case idInitiation:
		if i, err := parseInitiation(n); err == nil {
			return i.String()
		}
	case idCurrency:
		if e.currency.Alpha != "" {
			return e.currency.Alpha + ", " + e.currency.Name
		}
	case idAmount, idFixedFee:
		if v, err := parseAmount(n, e.currency); err == nil && e.currency.Alpha != "" {
			return e.currency.Format(v) + " " + e.currency.Alpha
		}
	case idTip:
		return map[string]string{"01": "the phone asks for a tip", "02": "a fixed fee", "03": "a fee in per cent of the amount"}[n.value]
	case idPercentFee:
		if v, err := parsePercent(n); err == nil {
			return percent(v) + " % of the amount"
		}
	case idCountry:
		c, _ := emv.CountryByAlpha(n.value)
		return c.Name
	case idCRC:
		if n.start() <= len(e.text) && n.value == fmt.Sprintf("%04X", checksum(e.text[:n.start()])) {
			return "right"
		}
		return fmt.Sprintf("wrong: the text gives %04X", checksum(e.text[:n.start()]))
	}
	return ""
}
