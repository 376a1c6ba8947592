package iso8583

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Field is one field of a message for people and for JSON.
type Field struct {
	Number int    `json:"number"` // 0 is the message type
	Name   string `json:"name"`
	Value  string `json:"value"`          // masked unless revealed; bytes as hex digits
	Text   string `json:"text,omitempty"` // what the value means, "" when there is nothing to add
}

// fieldPIN is the PIN block, which is shown to nobody (PCI DSS 3.3.1).
const fieldPIN = 52

// Describe lists the fields of m by number, the message type first. Account
// numbers, tracks and PIN data are masked, long digit strings in free text
// too, and of field 55 only the length is told: all but the PIN block are shown
// with reveal. The caller explains field 55 itself, from m.ICCData. Free text may hold control
// characters: quote it before it goes to a terminal.
func Describe(m *Message, reveal bool) []Field {
	list := []Field{{Number: 0, Name: FieldName(0), Value: string(m.MTI), Text: m.MTI.Text()}}
	var in contents
	err := in.fill(m)
	own := m.account()
	for number := range in.value {
		if !in.present.has(number) {
			continue
		}
		value := in.value[number]
		if in.raw.has(number) {
			value = fmt.Sprintf("%X", value)
		}
		if members[number].amount != nil {
			value = fmt.Sprintf("%0*s", fields[number].length, value)
		}
		f := Field{Number: number, Name: FieldName(number), Value: value, Text: m.explain(number, value)}
		if !reveal || number == fieldPIN {
			f.Value = mask(number, value, own)
			if number == 90 && f.Value != value {
				f.Text = "" // it quotes the digits
			}
		}
		list = append(list, f)
	}
	if err != nil { // what cannot be sent can still be looked at
		list = append(list, Field{Number: err.(*FieldError).Field, Name: "error", Text: err.Error()})
	}
	return list
}

// account is the account number of the message, "" when it is not known.
func (m *Message) account() string {
	pan, _, _ := strings.Cut(strings.Replace(m.Track2, "D", "=", 1), "=")
	if m.PAN != "" {
		pan = m.PAN
	}
	if len(pan) < 8 { // shorter ones are found in anything
		return ""
	}
	return pan
}

// explain says what a value means.
func (m *Message) explain(number int, value string) string {
	switch number {
	case 3:
		return explainProcessing(value)
	case 4:
		return minorUnits(value, m.Currency)
	case 6:
		return minorUnits(value, m.BillingCurrency)
	case 7:
		return explainTime("0102150405", value, "2 January 15:04:05 UTC")
	case 12:
		return explainTime("150405", value, "15:04:05")
	case 13, 15, 16, 17:
		return explainTime("0102", value, "2 January")
	case 14:
		return explainTime("0601", value, "January 2006")
	case 22:
		return explainEntryMode(value)
	case 25:
		return conditions[value]
	case 39:
		return ResponseText(value)
	case 55:
		return strconv.Itoa(len(m.ICCData)) + " bytes of chip data"
	case 70:
		return networkCodes[value]
	case 90:
		return explainOriginal(value)
	default:
		return ""
	}
}

func minorUnits(digits, currency string) string {
	text := strings.TrimLeft(digits[:max(0, len(digits)-1)], "0") + digits[max(0, len(digits)-1):] + " minor units"
	if currency != "" {
		text += " of currency " + currency
	}
	return text
}

func explainProcessing(value string) string {
	if len(value) != 6 {
		return ""
	}
	kind := processingTypes[value[:2]]
	if kind == "" {
		return ""
	}
	for i, side := range []string{"from", "to"} {
		code := value[2+2*i : 4+2*i]
		account := accounts[code]
		switch {
		case account == "":
			kind += fmt.Sprintf(", %s account %s", side, code)
		case code != "00":
			kind += fmt.Sprintf(", %s %s account", side, account)
		}
	}
	return kind
}

func explainEntryMode(value string) string {
	if len(value) < 3 || entryModes[value[:2]] == "" {
		return ""
	}
	text := entryModes[value[:2]]
	if pin := pinCapabilities[value[2]]; pin != "" {
		text += ", " + pin
	}
	return text
}

func explainTime(layout, value, show string) string {
	t, err := time.Parse(layout, value)
	if err != nil {
		return ""
	}
	return t.Format(show)
}

// explainOriginal takes field 90 apart: message type, trace number,
// transmission time, acquirer, forwarding institution.
func explainOriginal(value string) string {
	if len(value) != 42 {
		return ""
	}
	text := fmt.Sprintf("%s, trace %s, sent %s", value[:4], value[4:10], value[10:20])
	for i, name := range []string{"acquirer", "forwarding"} {
		if id := strings.TrimLeft(value[20+11*i:31+11*i], "0"); id != "" {
			text += fmt.Sprintf(", %s %s", name, id)
		}
	}
	return text
}

// String is the message on one line, masked.
func (m Message) String() string {
	var out strings.Builder
	for i, f := range Describe(&m, false) {
		switch {
		case i == 0:
			out.WriteString(f.Value)
		case f.Number == 55:
			fmt.Fprintf(&out, " 55=(%s)", f.Text)
		default:
			fmt.Fprintf(&out, " %d=%s", f.Number, printable(f.Value))
		}
	}
	return out.String()
}

// printable quotes a value that a log line or a terminal could trip over.
func printable(value string) string {
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }) {
		return strconv.Quote(value)
	}
	return value
}

// Format prints String for every verb, so that %#v or %d cannot show what
// String hides.
func (m Message) Format(s fmt.State, _ rune) { io.WriteString(s, m.String()) }

// MarshalJSON is the list of Describe, masked. For JSON with the real values
// marshal Describe(m, true); to store a message use a Codec.
func (m Message) MarshalJSON() ([]byte, error) { return json.Marshal(Describe(&m, false)) }

// UnmarshalJSON always fails: JSON of a message is masked, what it hides
// cannot be read back. Store a message as Codec.Pack made it.
func (m *Message) UnmarshalJSON([]byte) error {
	return wrong(0, "a message cannot be read from JSON, which is masked: use Codec.Unpack")
}
