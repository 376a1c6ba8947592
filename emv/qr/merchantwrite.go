package qr

import (
	"fmt"
	"reflect"
)

// Text writes the code, objects in the order of their IDs, and reads it again:
// ParseMerchant of the text gives back the same Merchant. What the rules do not
// allow, or the code cannot carry, is an *Error.
func (m Merchant) Text() (string, error) {
	var w writer
	w.add(idFormat, "01")
	if m.Initiation != 0 {
		w.add(idInitiation, ID(m.Initiation).String())
	}
	w.templates(m.Accounts)
	w.add(idCategory, m.Category)
	w.add(idCurrency, fmt.Sprintf("%03d", m.Currency.Numeric))
	if m.Amount != nil {
		w.add(idAmount, m.Currency.Format(*m.Amount))
	}
	m.Tip.write(&w, m.Currency)
	w.add(idCountry, m.Country)
	w.add(idName, m.Name)
	w.add(idCity, m.City)
	w.add(idPostalCode, m.PostalCode)
	w.nest(idAdditional, m.Additional.write)
	w.nest(idLanguage, m.Language.write)
	w.objects(m.Reserved)
	w.templates(m.Unreserved)
	if w.err != nil {
		return "", w.err
	}
	text := w.b.String() + idCRC.String() + "04"
	text += fmt.Sprintf("%04X", checksum(text))
	back, err := ParseMerchant(text)
	if err != nil {
		return "", err
	}
	if !reflect.DeepEqual(back, m) {
		return "", &Error{Kind: KindMerchant, Offset: len(text), Reason: "the code would not be read as it was written",
			Hint: "lists in the order of their IDs, nil when empty; a value only in the accounts 02 to 25; no fee that the tip does not name"}
	}
	return text, nil
}

func (w *writer) templates(list []Template) {
	for _, t := range list {
		if t.ID < firstTemplate {
			w.add(t.ID, string(t.Value))
			continue
		}
		w.nest(t.ID, func(w *writer) {
			w.add(idGUID, t.GUID)
			w.objects(t.Objects)
		})
	}
}

func (a Additional) write(w *writer) {
	for i, label := range a.labels() {
		w.add(ID(i+1), *label)
	}
	w.objects(a.Reserved)
	w.templates(a.Templates)
}

func (l Language) write(w *writer) {
	w.add(0, l.Code)
	w.add(1, l.Name)
	w.add(2, l.City)
	w.objects(l.Reserved)
}
