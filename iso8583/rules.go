package iso8583

import (
	"strconv"
	"strings"
)

// rule says which fields a message type has. ISO 8583:1987, 4.3 leaves most of
// it to agreement between the parties; this is ours, the least that a terminal
// and an issuer need to decide, to answer and to find the original again.
type rule struct {
	must  []int
	never []int
	when  []condition
}

// condition makes one of some fields necessary when it is met.
type condition struct {
	met   func(*Message) bool
	oneOf []int
	why   string
}

var (
	account = condition{func(*Message) bool { return true }, []int{2, 35}, "the message names no account"}
	expiry  = condition{func(m *Message) bool { return m.PAN != "" && m.Track2 == "" }, []int{14},
		"the account number is sent without track 2"}
	chip     = condition{readFromChip, []int{55}, "a payment read from a chip needs its cryptogram"}
	swipe    = condition{readFromStripe, []int{35, 45}, "the card was read from its stripe"}
	billing  = condition{func(m *Message) bool { return m.BillingAmount != nil }, []int{51}, "field 6 has no currency without it"}
	approval = condition{func(m *Message) bool { return approvals[m.ResponseCode] }, []int{38}, "an approval has an authorisation code"}
)

var rules = makeRules()

func makeRules() map[MTI]rule {
	request := rule{numbers("3 4 7 11 12 13 22 25 41 42 49"), numbers("39 70 90 95"), []condition{account, expiry, chip, swipe, billing}}
	response := rule{numbers("3 4 7 11 12 13 39 41 42 49"), numbers("35 36 45 52 70 90"), []condition{approval, billing}}
	advice := rule{numbers("3 4 7 11 12 13 22 25 39 41 42 49"), numbers("52 70"), []condition{account, expiry, billing}}
	adviceResponse := rule{numbers("3 4 7 11 39 41 42 49"), numbers("35 36 45 52 70"), nil}
	reversal := rule{numbers("3 4 7 11 12 13 41 42 49 90"), numbers("52 70"), []condition{account}}
	reversalResponse := rule{numbers("3 4 7 11 39 41 42 49 90"), numbers("35 36 45 52 70"), nil}
	network := rule{numbers("7 11 70"), numbers("2 3 4 35 36 39 45 52 55 90"), nil}
	networkResponse := rule{numbers("7 11 39 70"), numbers("2 3 4 35 36 45 52 55 90"), nil}
	return map[MTI]rule{
		AuthorisationRequest: request, FinancialRequest: request, AuthorisationRepeat: request, FinancialRepeat: request,
		AuthorisationResponse: response, FinancialResponse: response,
		AuthorisationAdvice: advice, AuthorisationAdviceRepeat: advice, FinancialAdvice: advice, FinancialAdviceRepeat: advice,
		AuthorisationAdviceResponse: adviceResponse, FinancialAdviceResponse: adviceResponse,
		ReversalRequest: reversal, ReversalRepeat: reversal, ReversalAdvice: reversal, ReversalAdviceRepeat: reversal,
		ReversalResponse: reversalResponse, ReversalAdviceResponse: reversalResponse,
		NetworkRequest: network, NetworkRepeat: network, NetworkResponse: networkResponse,
	}
}

// approvals are the response codes that come with an authorisation code.
var approvals = map[string]bool{"00": true, "08": true, "10": true, "11": true}

// readFromChip is true for a payment whose entry mode promises chip data. A
// refund by chip needs none: the card is read for its number only.
func readFromChip(m *Message) bool {
	chip := strings.HasPrefix(m.EntryMode, "05") || strings.HasPrefix(m.EntryMode, "07")
	return chip && !strings.HasPrefix(m.ProcessingCode, "2")
}

func readFromStripe(m *Message) bool {
	return strings.HasPrefix(m.EntryMode, "90") || strings.HasPrefix(m.EntryMode, "91") || strings.HasPrefix(m.EntryMode, "80")
}

// Validate checks that m has the fields that its type needs and none that its
// type may not have; a format-error answer needs only its code. It does not
// check values, Pack and Unpack do. The error is a *FieldError.
func Validate(m *Message) error {
	r, known := rules[m.MTI]
	if !known {
		return wrong(0, "is not a message type that is handled here")
	}
	var in contents
	if err := in.fill(m); err != nil {
		return err
	}
	if m.MTI.Response() == "" && m.ResponseCode == FormatError {
		return nil
	}
	for _, number := range r.must {
		if !in.present.has(number) {
			return wrong(number, "is missing in %s (%s)", m.MTI, m.MTI.Text())
		}
	}
	for _, number := range r.never {
		if in.present.has(number) {
			return wrong(number, "may not be in %s (%s)", m.MTI, m.MTI.Text())
		}
	}
	for _, c := range r.when {
		if c.met(m) && !in.hasOne(c.oneOf) {
			return wrong(c.oneOf[0], "is missing in %s (%s): %s", m.MTI, m.MTI.Text(), c.why)
		}
	}
	return nil
}

func (c *contents) hasOne(numbers []int) bool {
	for _, number := range numbers {
		if c.present.has(number) {
			return true
		}
	}
	return false
}

// numbers reads a row of field numbers.
func numbers(row string) []int {
	var list []int
	for word := range strings.FieldsSeq(row) {
		number, _ := strconv.Atoi(word)
		list = append(list, number)
	}
	return list
}
