package terminal

import (
	"fmt"
	"time"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/terminal/kernel"
)

// notForField55 are objects of a kernel's data record that never go into
// field 55: account number, track and name have fields of their own, or none;
// 9F39 is field 22; labels, dates and usage control are for the receipt and
// the terminal.
func notForField55(tag emv.Tag) bool {
	switch tag {
	case emv.TagTrack2, emv.TagPAN, emv.TagTrack1, emv.TagCardholderName, emv.TagTrack1Discretionary, emv.TagPOSEntryMode,
		emv.TagApplicationLabel, emv.TagPreferredName, emv.TagCodeTable, emv.TagExpirationDate, emv.TagAUC:
		return true
	}
	return false
}

// terminalTags are what the terminal adds to field 55 after the kernel's data
// record, when its configuration has them.
var terminalTags = [...]emv.Tag{emv.TagTerminalType, emv.TagIFDSerial, emv.TagTerminalVersion}

// requestMessage builds the authorisation request from the kernel's data
// record. Track 2 data that are no digits are an error. An amount of zero is an
// account check, and that is an authorisation, whatever sales are here. A
// refund that the card declined takes the account from the card's data and has
// no field 55, which would only say that the card declined.
func (s *session) requestMessage() (*iso8583.Message, error) {
	record := s.chipData()
	card := emv.Source(record)
	if record == nil && s.numberOnly() {
		card = s.tap.Outcome.Card
	}
	value, ok := card.Lookup(emv.TagTrack2)
	if !ok {
		return nil, fmt.Errorf("the kernel's data record has no track 2 data")
	}
	track2, err := emv.ParseTrack2(value)
	if err != nil {
		return nil, err
	}
	mti := iso8583.MTI(s.t.config.Host.Request)
	if s.req.Amount == 0 {
		mti = iso8583.AuthorisationRequest
	}
	m := s.baseMessage(mti)
	m.PAN, m.Expiry = string(track2.PAN), track2.Expiry
	m.Track2 = string(track2.PAN) + "=" + track2.Expiry + track2.ServiceCode + track2.Discretionary
	if psn, ok := card.Lookup(emv.TagPANSequence); ok {
		m.PANSequence = fmt.Sprintf("0%02X", psn)
	}
	switch {
	case record == nil:
	case magStripe(record):
		m.EntryMode = magStripeEntry + m.EntryMode[len(magStripeEntry):]
		if track1, ok := record.Lookup(emv.TagTrack1); ok {
			m.Other = map[int]string{fieldTrack1: latin1(track1)}
		}
	case s.credential != nil:
		m.EntryMode, m.ICCData = s.credential.entryMode(m.EntryMode), s.credential.field55()
		if s.credential.Commerce {
			m.ConditionCode = conditionCommerce
		}
	default:
		m.ICCData = s.field55(record)
	}
	return m, nil
}

// chipData is what the host gets of the kernel's data record: nothing for a
// refund that takes the card's number only.
func (s *session) chipData() emv.Coded {
	if s.numberOnly() {
		return nil
	}
	return s.tap.Outcome.DataRecord
}

// fieldTrack1 is the number of the field that carries track 1.
const fieldTrack1 = 45

// magStripeEntry are the first two digits of field 22 for a contactless chip
// that gave track data instead of a cryptogram.
const magStripeEntry = "91"

// magStripe is true for the data record of a kernel in mag-stripe mode.
func magStripe(record emv.Coded) bool {
	mode, ok := record.Lookup(emv.TagPOSEntryMode)
	return ok && len(mode) == 1 && mode[0] == kernel.EntryModeMagStripe
}

// baseMessage is what request, reversal and advice have in common.
func (s *session) baseMessage(mti iso8583.MTI) *iso8583.Message {
	c, tx := &s.t.config, &s.act.Transaction
	utc, amount := tx.Time.UTC(), tx.Amount
	m := &iso8583.Message{
		MTI: mti, ProcessingCode: fmt.Sprintf("%02X0000", tx.Type), Amount: &amount,
		TransmissionTime: utc.Format("0102150405"), STAN: fmt.Sprintf("%06d", s.t.nextSTAN(&s.req)),
		LocalTime: tx.Time.Format("150405"), LocalDate: tx.Time.Format("0102"),
		MerchantCategory: c.MerchantCategory, AcquirerCountry: fmt.Sprintf("%03d", c.Country), EntryMode: c.Host.EntryMode,
		ConditionCode: s.condition(), AcquirerID: c.Host.AcquirerID, ForwardingID: c.Host.ForwardingID,
		TerminalID: c.TerminalID, MerchantID: c.MerchantID,
		MerchantName: c.field43(), Currency: fmt.Sprintf("%03d", tx.Currency.Numeric),
	}
	m.RRN = fmt.Sprintf("%d%03d%02d%s", utc.Year()%10, utc.YearDay(), utc.Hour(), m.STAN)
	if tx.AmountOther > 0 { // field 54: account, amount type 40 (cashback), currency, debit, amount
		m.AdditionalAmounts = fmt.Sprintf("0040%03dD%012d", tx.Currency.Numeric, tx.AmountOther)
	}
	return m
}

// condition is field 25: an account check, an unattended terminal, or nothing
// special.
func (s *session) condition() string {
	tx := &s.act.Transaction
	if tx.Amount == 0 && tx.Type != typeInquiry {
		return "51"
	}
	if v, ok := s.act.Config.Data.Lookup(emv.TagTerminalType); ok && len(v) == 1 {
		if kind := emv.TerminalType(v[0]); kind.Valid() && !kind.Attended() {
			return "02"
		}
	}
	return "00"
}

// field43 is name 25, city 13, country 2.
func (c *Config) field43() string {
	if c.MerchantName == "" {
		return ""
	}
	return fmt.Sprintf("%-25.25s%-13.13s%-2.2s", c.MerchantName, c.MerchantCity, c.CountryAlpha)
}

// field55 is the kernel's data record in its order, the third party data that
// kernel 2 leaves to the terminal, and what the terminal adds.
func (s *session) field55(record emv.Coded) []byte {
	out := make([]byte, 0, 256)
	for scan := emv.Scan(record); scan.Next(); {
		if !notForField55(scan.Tag()) {
			out = emv.AppendTLV(out, scan.Tag(), scan.Value())
		}
	}
	if v, ok := s.tap.Outcome.Discretionary.Lookup(emv.TagThirdPartyData); ok {
		out = emv.AppendTLV(out, emv.TagThirdPartyData, v)
	}
	for _, tag := range terminalTags {
		if _, there := record.Lookup(tag); there {
			continue
		}
		if v, ok := s.act.Config.Data.Lookup(tag); ok {
			out = emv.AppendTLV(out, tag, v)
		}
	}
	if _, there := record.Lookup(emv.TagSequenceCounter); !there {
		out = emv.AppendTLV(out, emv.TagSequenceCounter, emv.AppendBCD(nil, uint64(s.act.Transaction.SequenceCounter), 4))
	}
	return out
}

// reasonNoAnswer is the response code that a reversal carries when the answer
// did not come in time.
const reasonNoAnswer = "68"

// reversal undoes a request. One that is made before anybody knows that it is
// needed has the request's number and time. It carries no track data: it waits
// on disk.
func (s *session) reversal(request *iso8583.Message, at time.Time, reason string) *iso8583.Message {
	m := iso8583.Reversal(request, iso8583.Stamp{STAN: s.t.nextSTAN(&s.req), Time: at}, reason)
	m.MTI = iso8583.MTI(s.t.config.Host.Reversal)
	m.Track2, m.ICCData = "", nil
	delete(m.Other, fieldTrack1)
	record := s.chipData()
	for _, tag := range [...]emv.Tag{emv.TagATC, emv.TagTVR, emv.TagIAD} {
		if v, ok := record.Lookup(tag); ok {
			m.ICCData = emv.AppendTLV(m.ICCData, tag, v)
		}
	}
	return m
}

// approvedOffline is the authorisation response code of an approval that no
// host gave (EMV Book 4, A6).
const approvedOffline = "Y1"

// advice reports an offline approval. It carries no track data: it waits on
// disk.
func (s *session) advice() (*iso8583.Message, error) {
	request, err := s.requestMessage()
	if err != nil {
		return nil, err
	}
	m := iso8583.Advice(request, iso8583.Approved)
	m.MTI, m.Track2 = iso8583.MTI(s.t.config.Host.Advice), ""
	m.ICCData = emv.AppendTLV(m.ICCData, emv.TagResponseCode, []byte(approvedOffline))
	return m, nil
}

// scriptAdvice tells the host what became of its scripts. They came after the
// answer, so only a message of its own can say it: an authorisation advice,
// which names the request and moves no money.
func (s *session) scriptAdvice(res *Result, results []byte) *iso8583.Message {
	m := iso8583.Advice(res.Request, res.Response.ResponseCode)
	m.MTI, m.Track2 = iso8583.AuthorisationAdvice, ""
	m.STAN, m.TransmissionTime = fmt.Sprintf("%06d", s.t.nextSTAN(&s.req)), s.t.env.Now().UTC().Format("0102150405")
	m.OriginalData, m.AuthorisationCode = iso8583.OriginalElements(res.Request), res.Response.AuthorisationCode
	m.ICCData = emv.AppendTLV(m.ICCData, emv.TagIssuerScriptResults, results)
	return m
}

// issuerData are the objects of field 55 that a card can use (91, 71, 72),
// with the response code as 8A; nil when there are none.
func issuerData(answer *iso8583.Message) []byte {
	var out []byte
	scan := emv.Scan(answer.ICCData)
	for scan.Next() {
		switch scan.Tag() {
		case emv.TagIssuerAuthData, emv.TagIssuerScript1, emv.TagIssuerScript2:
			out = emv.AppendTLV(out, scan.Tag(), scan.Value())
		}
	}
	if out == nil || scan.Err() != nil {
		return nil
	}
	return emv.AppendTLV(out, emv.TagResponseCode, []byte(answer.ResponseCode))
}

// finalUI are the messages after the host's answer (EMV Book A, 9.2).
var (
	uiApproved     = kernel.UIRequest{Message: kernel.MessageApproved, Status: kernel.StatusIdle}
	uiApprovedSign = kernel.UIRequest{Message: kernel.MessageApprovedSign, Status: kernel.StatusIdle}
	uiDeclined     = kernel.UIRequest{Message: kernel.MessageNotAuthorised, Status: kernel.StatusIdle}
	uiInsert       = kernel.UIRequest{Message: kernel.MessageInsertCard, Status: kernel.StatusIdle}
	uiFailed       = kernel.UIRequest{Message: kernel.MessageProcessingError, Status: kernel.StatusIdle}
)
