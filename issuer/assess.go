package issuer

import (
	"fmt"

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
	i.checkConsistency(p, report)
	if !known {
		report.step(stepCryptogram, Skipped, "no keys without a card")
		return nil
	}
	i.checkCryptogram(p, report)
	checkType(p, report)
	if err := i.checkPIN(p, report); err != nil {
		return err
	}
	i.checkVerification(p, report)
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
			report.step("card", Failed, fmt.Sprintf("range %s is the bank's, but there is no %s %s", p.scope.masked(), p.scope.Kind, p.pan.Masked()))
		}
		return false, nil
	}
	if report != nil {
		details := []Detail{{"scheme", p.scope.Scheme.String(), ""}}
		if p.instrument.Kind == Token {
			details = append(details, Detail{"card behind the token", p.instrument.LastFour, "last four digits"})
		}
		report.step("card", OK, fmt.Sprintf("%s %s in range %s", p.instrument.Kind, p.instrument.Masked, p.scope.masked()), details...)
	}
	return true, nil
}

// checkType judges what the card decided. A request goes on with an ARQC, or
// with a TC: a kernel sends one online when it had asked for a cryptogram to be
// checked online anyway, or when the card wants it so after a failed
// authentication (EMV Book C-3). An advice reports what happened, and with an
// AAC there is no money in it.
func checkType(p *payment, report *Report) {
	if p.chip == nil {
		return
	}
	t, said, contradicts := p.chip.kind(p.scope.Scheme)
	switch {
	case contradicts:
		p.refuse(SecurityViolation)
		if report != nil {
			report.step(stepType, Failed, fmt.Sprintf("9F27 says %s, the card verification results in 9F10 say %s; those count, the cryptogram covers them", said, t))
		}
	case t == emv.ARQC, t == emv.TC:
		if report != nil {
			report.step(stepType, OK, t.String()+" fits a message of type "+string(p.request.MTI))
		}
	case t == emv.AAC && p.advice:
		report.step(stepType, OK, "AAC: the card declined offline, no money moves")
	case t == emv.AAC:
		p.refuse(DoNotHonour)
		report.step(stepType, Failed, "AAC: the card itself declined")
	default:
		p.refuse(InvalidTransaction)
		report.step(stepType, Failed, "neither the issuer application data nor 9F27 name a type that may be sent")
	}
}

// Transaction types of field 3 that the bank knows (ISO 8583:1987).
var services = map[string]string{"00": "purchase", "01": "cash", typeCashback: "purchase with cashback", "17": "cash disbursement"}

// typeRefund is the transaction type whose money goes to the customer, as field 3
// and as the card was told it (9C).
const (
	typeRefund = "20"
	toldRefund = 0x20
)

// refund is true for a payment to the customer.
func (p *payment) refund() bool { return p.request.ProcessingCode[:2] == typeRefund }

// event is what the payment is, for the books.
func (p *payment) event() Event {
	switch p.request.ProcessingCode[:2] {
	case typeRefund:
		return EventRefund
	case "01", "17":
		return EventCash
	}
	return EventPurchase
}

// serves is true for a transaction type that the bank does.
func (p *payment) serves() bool {
	_, ok := services[p.request.ProcessingCode[:2]]
	return ok || p.refund()
}

// checkService refuses the transaction types that the bank does not do.
func checkService(p *payment, report *Report) {
	if p.serves() {
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
