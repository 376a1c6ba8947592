package issuer

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tapsim/emv"
	"tapsim/iso8583"
)

// Classes of message: the second digit of the type indicator.
const (
	classAuthorisation = '1'
	classFinancial     = '2'
	classReversal      = '4'
	classNetwork       = '8'
)

// kind is what the bank distinguishes in a message type.
type kind struct {
	class  byte // 0: not a request that the bank knows
	advice bool // decided elsewhere, must be accepted
}

func kindOf(m iso8583.MTI) kind {
	switch original(m) {
	case iso8583.AuthorisationRequest:
		return kind{classAuthorisation, false}
	case iso8583.AuthorisationAdvice:
		return kind{classAuthorisation, true}
	case iso8583.FinancialRequest:
		return kind{classFinancial, false}
	case iso8583.FinancialAdvice:
		return kind{classFinancial, true}
	case iso8583.ReversalRequest:
		return kind{classReversal, false}
	case iso8583.ReversalAdvice:
		return kind{classReversal, true}
	case iso8583.NetworkRequest:
		return kind{classNetwork, false}
	}
	return kind{}
}

// payment is an authorisation or financial message taken apart, and what the
// checks have found so far.
type payment struct {
	kind
	request   *iso8583.Message
	at        time.Time
	pan       emv.PAN
	index     PANIndex
	key       string
	reference string
	amount    int64
	currency  uint16
	chip      *chip // nil without field 55
	rule      *Rule

	expiry     string // YYMM, as the message says it
	expiryOf   string // where it says it
	scope      *Range
	instrument Instrument
	proof      *proof  // of the cryptogram, when it was right
	pin        Result  // of the online PIN: OK or Failed; "" is none, or not verified
	sibling    int64   // of an advice: the record with the same cryptogram
	related    *Record // of an advice: the payment that it is about
	stale      bool    // the counter came before, with a payment that is no longer known
	overtaken  bool    // its reversal came before it
	standIn    bool    // decided while the bank is closed
	code       Code    // of the first check that failed, "" so far

	merchant          string
	category, country uint16 // 0: not told
	abroad            bool
	terms             // anew in each update
}

// terms are the part of a decision that depends on the account.
type terms struct {
	charge   charge
	own      int64 // the amount in the bank's currency, for monitoring
	granted  int64 // minor units that are approved
	partly   bool  // less than what was asked
	replayed bool  // the counter came before
	gap      int   // how far the counter jumped ahead
	controls Controls
	original *Record // of a refund: the payment it names, as it was before
	disputed int64   // of that: what the customer has back only for now
}

// refuse notes the first reason to decline. A soft one gives way to any other:
// "come again with a PIN" is no answer to a replay, nor to an empty account.
func (p *payment) refuse(c Code) {
	if p.code == "" || p.code.soft() && !c.soft() {
		p.code = c
	}
}

// tap is the tap that the message is about; zero without chip data.
func (p *payment) tap() (t Tap) {
	if p.chip != nil {
		e := &p.chip.elements
		t[0], t[1] = byte(e.ATC>>8), byte(e.ATC)
		copy(t[2:], e.UnpredictableNumber[:])
		copy(t[6:], p.chip.cryptogram[:])
	}
	return t
}

// formatFault says which field is wrong and how.
type formatFault struct {
	field int
	text  string
}

func (f *formatFault) Error() string { return fmt.Sprintf("field %d %s", f.field, f.text) }

func fault(field int, text string) error { return &formatFault{field, text} }

// readPayment checks a message's form and takes it apart.
func (i *Issuer) readPayment(m *iso8583.Message, k kind) (*payment, error) {
	p := &payment{kind: k, request: m, at: i.now().UTC().Truncate(time.Second), pan: emv.PAN(panOf(m))}
	if err := checkCommon(m); err != nil {
		return nil, err
	}
	switch {
	case len(p.pan) < 8 || len(p.pan) > 19 || !digitsOnly(string(p.pan)):
		return nil, fault(2, "is missing or not 8 to 19 digits")
	case len(m.ProcessingCode) != 6 || !digitsOnly(m.ProcessingCode):
		return nil, fault(3, "is missing or not 6 digits")
	case m.Amount == nil || *m.Amount < 0 || *m.Amount > emv.MaxAmount:
		return nil, fault(4, "is missing or not an amount of 12 digits")
	case m.Expiry != "" && (len(m.Expiry) != 4 || !digitsOnly(m.Expiry)):
		return nil, fault(14, "is not YYMM")
	case m.EntryMode != "" && (len(m.EntryMode) < 3 || !digitsOnly(m.EntryMode)):
		return nil, fault(22, "is not 3 digits")
	case m.PANSequence != "" && (len(m.PANSequence) != 3 || !digitsOnly(m.PANSequence) || m.PANSequence[0] != '0'):
		return nil, fault(23, "is not 000 to 099")
	case len(m.Currency) != 3 || !digitsOnly(m.Currency):
		return nil, fault(49, "is missing or not 3 digits")
	}
	if _, _, err := cashback(m); err != nil {
		return nil, err
	}
	p.amount = *m.Amount
	currency, _ := strconv.Atoi(m.Currency)
	p.currency = uint16(currency)
	if m.ICCData != nil {
		c, err := parseChip(m.ICCData)
		if err != nil {
			return nil, fault(55, err.Error())
		}
		p.chip = c
	}
	i.place(p)
	p.index = i.store.IndexPAN(p.pan)
	p.key = retrievalKey(original(m.MTI), m.TransmissionTime, m.STAN, m.AcquirerID, m, p.at)
	p.reference = reference(m)
	return p, nil
}

// place notes where the payment is. The country that the card was told counts,
// since the cryptogram covers it.
func (i *Issuer) place(p *payment) {
	m := p.request
	p.merchant = strings.ToValidUTF8(strings.TrimSpace(m.MerchantName[:min(len(m.MerchantName), 25)]), "?")
	if p.merchant = maskNumbers(p.merchant); p.merchant == "" {
		p.merchant = strings.TrimSpace(m.MerchantID)
	}
	p.category, p.country = number(m.MerchantCategory), number(m.AcquirerCountry)
	if p.chip != nil {
		if told, err := emv.BCD(p.chip.elements.TerminalCountry[:]); err == nil && told != 0 {
			p.country = uint16(told)
		}
	}
	p.abroad = i.config.abroad(p.country, p.currency)
}

// checkCommon checks the fields that every message to the bank has.
func checkCommon(m *iso8583.Message) error {
	switch {
	case !validTransmission(m.TransmissionTime):
		return fault(7, "is missing or not MMDDhhmmss")
	case len(m.STAN) != 6 || !digitsOnly(m.STAN) || m.STAN == "000000":
		return fault(11, "is missing, zero, or not 6 digits")
	case !digitsOnly(m.AcquirerID) || len(m.AcquirerID) > 11:
		return fault(32, "is not up to 11 digits")
	case strings.TrimSpace(m.TerminalID) == "" || len(m.TerminalID) > 8:
		return fault(41, "is missing or longer than 8 characters")
	case !printable(m.TerminalID):
		return fault(41, "holds characters that do not print")
	case !printable(m.MerchantID):
		return fault(42, "holds characters that do not print")
	case strings.ContainsFunc(m.MerchantName, unicode.IsControl):
		return fault(43, "holds control characters")
	case !printable(m.RRN):
		return fault(37, "holds characters that do not print")
	case len(m.MerchantID) > 15:
		return fault(42, "is longer than 15 characters")
	case len(m.RRN) > 12:
		return fault(37, "is longer than 12 characters")
	}
	return nil
}

// printable is true for text without control characters and of seven bits. What
// names a terminal, a merchant or a payment goes into keys, and people read it.
func printable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// validTransmission is true for MMDDhhmmss within the clock's bounds.
func validTransmission(s string) bool {
	if len(s) != 10 || !digitsOnly(s) {
		return false
	}
	return between(s[0:2], "01", "12") && between(s[2:4], "01", "31") && s[4:6] <= "23" && s[6:8] <= "59" && s[8:10] <= "59"
}

func between(s, low, high string) bool { return low <= s && s <= high }

// retrievalKey names a message so that its repeats have the same name: time of
// transmission with its year, type without the repeat mark, trace number,
// acquirer, terminal, merchant. The time stands first so that keys arrive
// nearly in the order of the index that holds them.
func retrievalKey(mti iso8583.MTI, transmitted, stan, acquirer string, m *iso8583.Message, now time.Time) string {
	b := make([]byte, 0, 64)
	b = strconv.AppendInt(b, int64(yearOf(transmitted, now)), 10)
	b = append(b, transmitted...)
	b = append(b, mti...)
	b = append(b, stan...)
	b = append(b, '/')
	b = append(b, strings.TrimLeft(acquirer, "0")...)
	b = append(b, '/')
	b = append(b, terminalAndMerchant(m)...)
	return string(b)
}

// terminalAndMerchant are fields 41 and 42 in a key. A stroke in the first is
// told from the one between them by a character that neither can hold.
func terminalAndMerchant(m *iso8583.Message) string {
	return strings.ReplaceAll(strings.TrimRight(m.TerminalID, " "), "/", "\x1F") + "/" + strings.TrimRight(m.MerchantID, " ")
}

// yearOf is the year that brings MMDDhhmmss closest to now.
func yearOf(transmitted string, now time.Time) int {
	month := int(transmitted[0]-'0')*10 + int(transmitted[1]-'0')
	switch distance := month - int(now.Month()); {
	case distance > 6:
		return now.Year() - 1
	case distance < -6:
		return now.Year() + 1
	}
	return now.Year()
}

// reference is the retrieval reference number together with who gave it, ""
// when the message has none.
func reference(m *iso8583.Message) string {
	rrn := strings.TrimRight(m.RRN, " ")
	if rrn == "" {
		return ""
	}
	return rrn + "/" + strings.TrimLeft(m.AcquirerID, "0") + "/" + terminalAndMerchant(m)
}

// orphanKey is the retrieval key of a record that a reversal left under a
// reference alone, for an original that has not come.
func orphanKey(reference string) string { return "~" + reference }
