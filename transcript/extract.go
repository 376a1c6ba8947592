package transcript

import (
	"fmt"
	"time"

	"tapsim/apdu"
	"tapsim/emv"
)

// Application is one selection of a payment application in a session, with
// what the terminal then told it in GET PROCESSING OPTIONS.
type Application struct {
	AID    []byte  // as the terminal selected it, which may be a part only; nil when the source hides it
	FCI    []byte  // data of the answer to SELECT
	PDOL   emv.DOL // nil when the card lists nothing
	Select int     // number of the SELECT exchange
	GPO    int     // number of the last GET PROCESSING OPTIONS, 0 for none
	// Data is what that command carried for the PDOL, in its order. Nil when
	// there was no such command, the source does not show it, or its data do
	// not fit the list; Problem says which.
	Data    emv.List
	Problem string
}

// Lookup makes an application's data a source for data object lists.
func (a Application) Lookup(tag emv.Tag) ([]byte, bool) { return a.Data.Lookup(tag) }

// TerminalData is what the terminal of a session knew, as far as the card
// asked for it. What the card did not ask for, or what is malformed, is nil.
type TerminalData struct {
	Amount, AmountOther *int64     // 9F02, 9F03 in minor units
	Country, Currency   *uint16    // 9F1A, 5F2A
	Date                *time.Time // 9A, midnight UTC
	Type                *byte      // 9C
	UnpredictableNumber *[4]byte   // 9F37
	TTQ                 *emv.TTQ   // 9F66
}

// Terminal reads the terminal's values out of the data that it sent.
func (a Application) Terminal() TerminalData {
	var d TerminalData
	d.Amount = a.amount(emv.TagAmount)
	d.AmountOther = a.amount(emv.TagAmountOther)
	d.Country = a.code(emv.TagTerminalCountry)
	d.Currency = a.code(emv.TagTransactionCurrency)
	if v, ok := a.Lookup(emv.TagTransactionDate); ok {
		if n, err := emv.BCD(v); err == nil && len(v) == 3 {
			day := time.Date(2000+int(n/10000), time.Month(n/100%100), int(n%100), 0, 0, 0, 0, time.UTC)
			if uint64(day.Month()) == n/100%100 && uint64(day.Day()) == n%100 {
				d.Date = &day
			}
		}
	}
	if v, ok := a.Lookup(emv.TagTransactionType); ok && len(v) == 1 {
		d.Type = &v[0]
	}
	if v, ok := a.Lookup(emv.TagUnpredictableNumber); ok && len(v) == 4 {
		d.UnpredictableNumber = (*[4]byte)(v)
	}
	if v, ok := a.Lookup(emv.TagTTQ); ok && len(v) == 4 {
		d.TTQ = (*emv.TTQ)(v)
	}
	return d
}

func (a Application) amount(tag emv.Tag) *int64 {
	v, ok := a.Lookup(tag)
	n, err := emv.BCD(v)
	if !ok || err != nil || len(v) != 6 {
		return nil
	}
	minor := int64(n)
	return &minor
}

func (a Application) code(tag emv.Tag) *uint16 {
	v, ok := a.Lookup(tag)
	n, err := emv.BCD(v)
	if !ok || err != nil || len(v) != 2 {
		return nil
	}
	code := uint16(n)
	return &code
}

// Extract finds the applications that a session selected with success, other
// than the payment system environments, with the data that the terminal sent
// to each. Answers in parts (61xx, 6Cxx) are joined first.
func Extract(t *Transcript) []Application {
	var out []Application
	for _, x := range joined(t) {
		r, err := apdu.ParseResponse(x.Response)
		if err != nil {
			r = apdu.Response{} // no answer: nothing was selected
		}
		c, err := apdu.ParseCommand(x.Command)
		known := err == nil && x.Command != nil
		switch fci, isFCI := emv.Find(r.Data, emv.TagFCI); {
		case isFCI && (!known || isSelect(c)):
			if a, ok := selected(x, c, r, fci); ok {
				out = append(out, a)
			}
		case len(out) > 0 && known && isGPO(c):
			out[len(out)-1].processing(x, c)
		case len(out) > 0 && x.Command == nil && out[len(out)-1].GPO == 0:
			out[len(out)-1].Problem = "the source does not show every command after the selection"
		}
	}
	return out
}

func isSelect(c apdu.Command) bool { return c.CLA == 0x00 && c.INS == insSelect && c.P1 == 0x04 }
func isGPO(c apdu.Command) bool    { return c.CLA == 0x80 && c.INS == insGPO }

func selected(x Exchange, c apdu.Command, r apdu.Response, fci []byte) (Application, bool) {
	name, _ := emv.Find(fci, emv.TagDFName)
	if isEnvironment(c.Data) || isEnvironment(name) {
		return Application{}, false
	}
	a := Application{AID: c.Data, FCI: r.Data, Select: x.Number}
	if v, ok := emv.Find(fci, emv.TagFCIProprietary, emv.TagPDOL); ok {
		dol, err := emv.ParseDOL(v)
		if err != nil {
			a.Problem = "PDOL: " + err.Error()
		}
		a.PDOL = dol
	}
	return a, true
}

// processing keeps what a GET PROCESSING OPTIONS carried.
func (a *Application) processing(x Exchange, c apdu.Command) {
	a.GPO, a.Data, a.Problem = x.Number, nil, ""
	data, ok := emv.Find(c.Data, emv.TagCommandTemplate)
	if !ok {
		a.Problem = "the data of GET PROCESSING OPTIONS are not in template 83"
		return
	}
	l, err := a.PDOL.Split(data)
	if err != nil {
		a.Problem = fmt.Sprintf("GET PROCESSING OPTIONS: %s", err)
		return
	}
	a.Data = l
}

// isEnvironment is true for the names of the payment system environments and
// for Apple's and Google's object for value added services.
func isEnvironment(name []byte) bool {
	switch string(name) {
	case "1PAY.SYS.DDF01", "2PAY.SYS.DDF01", "OSE.VAS.01":
		return true
	}
	return false
}

// joined is the session with each answer that came in parts as one exchange:
// the data that GET RESPONSE fetched belong to the command before, and a
// command that 6Cxx asked to repeat counts once.
func joined(t *Transcript) []Exchange {
	var out []Exchange
	for _, x := range t.Exchanges() {
		n := len(out) - 1
		if n >= 0 && len(out[n].Response) >= 2 {
			head, sw := cutStatus(out[n].Response)
			switch {
			case sw.SW1() == 0x61 && isGetResponse(x.Command) && x.Response != nil:
				out[n].Response = append(append([]byte(nil), head...), x.Response...)
				continue
			case sw.SW1() == 0x6C && sameHeader(out[n].Command, x.Command):
				out[n].Response = x.Response
				continue
			}
		}
		out = append(out, x)
	}
	return out
}

func cutStatus(response []byte) (data []byte, sw apdu.Status) {
	r, err := apdu.ParseResponse(response)
	if err != nil {
		return response, 0
	}
	return r.Data, r.Status
}

func isGetResponse(command []byte) bool {
	return len(command) == 5 && command[0]&0xFC == 0 && command[1] == insGetResponse
}

func sameHeader(a, b []byte) bool {
	return len(a) >= 4 && len(b) >= 4 && string(a[:4]) == string(b[:4])
}
