package issuer

import (
	"fmt"
	"strings"

	"tapsim/emv"
	"tapsim/iso8583"
)

// assess checks what a message says by itself, before the store's turn: whose
// card it is, whether its fields agree with each other, and the cryptogram.
func (i *Issuer) assess(p *payment, report *Report) error {
	known, err := i.findInstrument(p, report)
	if err != nil {
		return err
	}
	checkConsistency(p, report)
	if !known {
		report.step(stepCryptogram, Skipped, "no keys without a card")
		return nil
	}
	i.checkCryptogram(p, report)
	checkType(p, report)
	checkService(p, report)
	return nil
}

// findInstrument finds range and card.
func (i *Issuer) findInstrument(p *payment, report *Report) (bool, error) {
	p.scope = i.config.rangeOf(p.pan)
	if p.scope == nil || !p.pan.Valid() {
		p.refuse(NoSuchCard)
		report.step("card", Failed, "the account number is in none of the bank's ranges, or its check digit is wrong")
		return false, nil
	}
	var ok bool
	var err error
	if p.instrument, ok, err = i.store.Instrument(p.index); err != nil {
		return false, err
	}
	if !ok {
		p.refuse(NoSuchCard)
		if report != nil {
			report.step("card", Failed, fmt.Sprintf("range %s is the bank's, but there is no %s %s", p.scope.Prefix, p.scope.Kind, p.pan.Masked()))
		}
		return false, nil
	}
	if report != nil {
		details := []Detail{{"scheme", p.scope.Scheme.String(), ""}}
		if p.instrument.Kind == Token {
			details = append(details, Detail{"card behind the token", p.instrument.LastFour, "last four digits"})
		}
		report.step("card", OK, fmt.Sprintf("%s %s in range %s", p.instrument.Kind, p.instrument.Masked, p.scope.Prefix), details...)
	}
	return true, nil
}

// contradiction is a pair of fields that do not agree.
type contradiction struct {
	code Code
	text string
}

// checkConsistency compares what the message says twice.
func checkConsistency(p *payment, report *Report) {
	c := contradictionOf(p)
	if c.code == "" {
		report.step("consistency", OK, "account number, amount and currency agree wherever they stand")
		return
	}
	p.refuse(c.code)
	report.step("consistency", Failed, c.text)
}

func contradictionOf(p *payment) contradiction {
	m := p.request
	if m.Track2 != "" {
		pan, rest, found := strings.Cut(strings.Replace(m.Track2, "D", "=", 1), "=")
		switch {
		case !found || len(rest) < 4:
			return contradiction{FormatError, "field 35 is no track 2"}
		case pan != string(p.pan):
			return contradiction{SecurityViolation, "field 2 and field 35 name different account numbers"}
		case m.Expiry != "" && rest[:4] != m.Expiry:
			return contradiction{SecurityViolation, "field 14 and field 35 name different expiry dates"}
		}
	}
	if p.chip != nil {
		if c := chipContradiction(p, p.chip); c.code != "" {
			return c
		}
	}
	if p.instrument.PSN != "" && p.sequence() != p.instrument.PSN {
		return contradiction{NoSuchCard, fmt.Sprintf("there is no card with PAN sequence number %s", p.sequence())}
	}
	return contradiction{}
}

func chipContradiction(p *payment, c *chip) contradiction {
	m := p.request
	if c.has&hasPAN != 0 {
		if pan, err := emv.Digits(c.pan); err != nil || pan != string(p.pan) {
			return contradiction{SecurityViolation, "field 2 and 5A name different account numbers"}
		}
	}
	if c.has&hasTrack2 != 0 {
		if t, err := emv.ParseTrack2(c.track2); err != nil || t.PAN != p.pan {
			return contradiction{SecurityViolation, "field 2 and 57 name different account numbers"}
		}
	}
	if c.has&hasPSN != 0 && m.PANSequence != "" && fmt.Sprintf("0%02X", c.psn) != m.PANSequence {
		return contradiction{SecurityViolation, "field 23 and 5F34 name different sequence numbers"}
	}
	if c.has&hasAID != 0 && p.scope != nil {
		if s := emv.SchemeOf(c.aid); s != emv.SchemeUnknown && s != p.scope.Scheme {
			return contradiction{SecurityViolation, fmt.Sprintf("84 names an application of %s, the account number is of %s", s, p.scope.Scheme)}
		}
	}
	if amount, err := emv.BCD(c.elements.Amount[:]); !p.advice && (err != nil || int64(amount) != p.amount) {
		return contradiction{SecurityViolation, fmt.Sprintf("field 4 asks for %s, the card was told 9F02 %X", money(p.amount, p.currency), c.elements.Amount)}
	}
	if currency, err := emv.BCD(c.elements.Currency[:]); err != nil || uint16(currency) != p.currency {
		return contradiction{SecurityViolation, fmt.Sprintf("field 49 is currency %03d, the card was told 5F2A %X", p.currency, c.elements.Currency)}
	}
	return contradiction{}
}

// checkType judges what the card decided. A request goes on with an ARQC only;
// an advice reports what happened, and with an AAC there is no money in it.
func checkType(p *payment, report *Report) {
	if p.chip == nil {
		return
	}
	t := p.chip.kind(p.scope.Scheme)
	switch {
	case t == emv.ARQC, t == emv.TC && p.advice:
		if report != nil {
			report.step("cryptogram type", OK, t.String()+" fits a message of type "+string(p.request.MTI))
		}
	case t == emv.AAC && p.advice:
		report.step("cryptogram type", OK, "AAC: the card declined offline, no money moves")
	case t == emv.AAC:
		p.refuse(DoNotHonour)
		report.step("cryptogram type", Failed, "AAC: the card itself declined")
	case t == emv.TC:
		p.refuse(InvalidTransaction)
		report.step("cryptogram type", Failed, "TC: the card approved offline; that belongs into an advice")
	default:
		p.refuse(InvalidTransaction)
		report.step("cryptogram type", Failed, "neither 9F27 nor the issuer application data name a type that may be sent")
	}
}

// Transaction types of field 3 that the bank knows (ISO 8583:1987).
var services = map[string]string{"00": "purchase", "01": "cash", "09": "purchase with cashback"}

// checkService refuses the transaction types that the bank does not do.
func checkService(p *payment, report *Report) {
	if _, ok := services[p.request.ProcessingCode[:2]]; ok {
		return
	}
	p.refuse(NotSupported)
	report.step("service", Failed, "transaction type "+p.request.ProcessingCode[:2]+" of field 3 is not one that the bank does")
}

// respond makes the answer to a request: its type, the fields that go back
// unchanged, and the response code.
func respond(request *iso8583.Message, code Code) *iso8583.Message {
	return &iso8583.Message{
		MTI: request.MTI.Response(), PAN: request.PAN, ProcessingCode: request.ProcessingCode, Amount: request.Amount,
		TransmissionTime: request.TransmissionTime, STAN: request.STAN, LocalTime: request.LocalTime, LocalDate: request.LocalDate,
		AcquirerID: request.AcquirerID, RRN: request.RRN, ResponseCode: string(code), TerminalID: request.TerminalID,
		MerchantID: request.MerchantID, Currency: request.Currency, NetworkCode: request.NetworkCode, OriginalData: request.OriginalData,
	}
}

// network answers sign-on, sign-off, cut-over and echo.
func network(request *iso8583.Message, report *Report) *iso8583.Message {
	switch {
	case checkCommonNetwork(request) != nil:
		report.step("format", Failed, checkCommonNetwork(request).Error())
		return respond(request, FormatError)
	case networkServices[request.NetworkCode] == "":
		report.step("network", Failed, "field 70 is not a network message that the bank knows")
		return respond(request, NotSupported)
	}
	report.step("network", OK, networkServices[request.NetworkCode])
	return respond(request, Approved)
}

// networkServices are the values of field 70 that are answered with 00.
var networkServices = map[string]string{"001": "sign-on", "002": "sign-off", "201": "cut-over", "301": "echo"}

func checkCommonNetwork(m *iso8583.Message) error {
	switch {
	case !validTransmission(m.TransmissionTime):
		return fault(7, "is missing or not MMDDhhmmss")
	case len(m.STAN) != 6 || !digitsOnly(m.STAN):
		return fault(11, "is missing or not 6 digits")
	case len(m.NetworkCode) != 3 || !digitsOnly(m.NetworkCode):
		return fault(70, "is missing or not 3 digits")
	}
	return nil
}
