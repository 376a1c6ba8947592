package c3

import (
	"bytes"
	"context"
	"slices"

	"tapsim/apdu"
	"tapsim/emv"
)

// rule citations that recur.
const (
	ruleGPO     = "EMV Book C-3, 5.2.2.2"
	ruleFormat  = "EMV Book C-3, 5.4.2.2"
	ruleMissing = "EMV Book C-3, 5.4.2.1"
)

// getProcessingOptions sends the PDOL's data and takes the answer apart. In
// this kernel the answer is the transaction: the card has decided and made its
// cryptogram.
func (r *run) getProcessingOptions(ctx context.Context) (verdict, error) {
	command, v := r.gpoCommand()
	if v != goOn {
		return v, nil
	}
	answer, err := apdu.ExchangeBytes(ctx, r.a.Card, command)
	if err != nil {
		return goOn, err
	}
	switch answer.Status {
	case apdu.StatusOK:
		return r.readOptions(answer.Data), nil
	case apdu.StatusDataInvalidated:
		return r.because(useContact, ruleGPO, "the card answered 6984: it wants the contact interface"), nil
	case apdu.StatusConditions:
		return r.because(selectNext, ruleGPO, "the card answered 6985: not with this application"), nil
	case apdu.StatusNotAllowed:
		return r.because(seePhone, ruleGPO, "the card answered 6986: the customer is to look at the phone"), nil
	}
	return r.because(endHere, ruleGPO, "the card refused GET PROCESSING OPTIONS"), nil
}

// gpoCommand builds 80 A8 00 00 with the values of the PDOL in template 83.
func (r *run) gpoCommand() ([]byte, verdict) {
	if reason := r.readFCI(); reason != "" {
		return nil, r.because(endHere, ruleMissing, reason)
	}
	c := append(r.a.Buffer[:0], 0x80, 0xA8, 0, 0, 0, byte(emv.TagCommandTemplate), 0)
	start, asks := len(c), false
	for pdol := r.a.FCI.PDOL; len(pdol) > 0; {
		e, rest, ok := emv.NextDOLEntry(pdol)
		if !ok {
			return nil, r.because(endHere, ruleMissing, "the PDOL is malformed")
		}
		value, _ := r.terminal.Lookup(e.Tag)
		c, pdol, asks = e.Fit(c, value), rest, asks || e.Tag == emv.TagTTQ
		if len(c)-start > emv.MaxDOLData {
			return nil, r.because(endHere, ruleMissing, "the PDOL asks for more than a command carries")
		}
	}
	if !asks {
		return nil, r.because(endHere, ruleMissing, "the application has no PDOL that asks for 9F66")
	}
	n := byte(len(c) - start)
	c[start-1] = n
	if n > 0x7F { // the template's length takes two bytes
		c = slices.Insert(c, start-1, 0x81)
	}
	c[4] = byte(len(c) - 5)
	return append(c, 0), goOn
}

// readFCI keeps the DF name and the PDOL of the selected application.
func (r *run) readFCI() (reason string) {
	fci := &r.a.FCI
	switch {
	case fci.DFName == nil || !bytes.HasPrefix(fci.DFName, r.a.AID):
		return "the SELECT answer lacks the name of the application selected"
	case fci.PDOL == nil:
		return "the application has no PDOL"
	}
	if reason = r.card.put(emv.TagDFName, fci.DFName); reason != "" {
		return reason
	}
	return r.card.put(emv.TagPDOL, fci.PDOL)
}

// readOptions takes the answer apart: template 77, or 80 with AIP and AFL only.
func (r *run) readOptions(data []byte) verdict {
	s := emv.Scan(data)
	if !s.Next() {
		return r.because(endHere, ruleFormat, "the answer to GET PROCESSING OPTIONS is not TLV")
	}
	tag, value := s.Tag(), s.Value()
	if s.Next() || s.Err() != nil {
		return r.because(endHere, ruleFormat, "the answer to GET PROCESSING OPTIONS is more than one template")
	}
	switch {
	case tag == emv.TagResponseFormat2:
		return r.readObjects(value)
	case tag == emv.TagResponseFormat1 && len(value) >= 2:
		r.card.put(emv.TagAIP, value[:2])
		r.card.put(emv.TagAFL, value[2:])
		return goOn
	}
	return r.because(endHere, ruleFormat, "the answer to GET PROCESSING OPTIONS is neither template 77 nor 80")
}

// readObjects keeps every object of a template.
func (r *run) readObjects(template []byte) verdict {
	s := emv.Scan(template)
	for s.Next() {
		if reason := r.card.put(s.Tag(), s.Value()); reason != "" {
			return r.because(endHere, ruleFormat, reason)
		}
	}
	if s.Err() != nil {
		return r.because(endHere, ruleFormat, "a template of the card is not TLV")
	}
	return goOn
}
