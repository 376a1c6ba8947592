package rules

import (
	"bytes"
	"context"
	"slices"

	"tapsim/apdu"
	"tapsim/emv"
)

// GetProcessingOptions sends the PDOL's data and takes the answer apart. The
// answer is the transaction: the card has decided and made its cryptogram.
func (r *Run) GetProcessingOptions(ctx context.Context) (Verdict, error) {
	command, v := r.optionsCommand()
	if v != GoOn {
		return v, nil
	}
	answer, err := apdu.ExchangeBytes(ctx, r.A.Card, command)
	if err != nil {
		return GoOn, err
	}
	switch answer.Status {
	case apdu.StatusOK:
		return r.readOptions(answer.Data), nil
	case apdu.StatusDataInvalidated:
		return r.Because(UseContact, r.Book.Options, "the card answered 6984: it wants the contact interface"), nil
	case apdu.StatusConditions:
		return r.Because(SelectNext, r.Book.Options, "the card answered 6985: not with this application"), nil
	case apdu.StatusNotAllowed:
		return r.Because(SeePhone, r.Book.Options, "the card answered 6986: the customer is to look at the phone"), nil
	}
	return r.Because(EndHere, r.Book.Options, "the card refused GET PROCESSING OPTIONS"), nil
}

// optionsCommand builds 80 A8 00 00 with the values of the PDOL in template 83.
func (r *Run) optionsCommand() ([]byte, Verdict) {
	if reason := r.ReadFCI(); reason != "" {
		return nil, r.Because(EndHere, r.Book.Missing, reason)
	}
	c := append(r.A.Buffer[:0], 0x80, 0xA8, 0, 0, 0, byte(emv.TagCommandTemplate), 0)
	start, asks := len(c), false
	for pdol := r.A.FCI.PDOL; len(pdol) > 0; {
		e, rest, ok := emv.NextDOLEntry(pdol)
		if !ok {
			return nil, r.Because(EndHere, r.Book.Missing, "the PDOL is malformed")
		}
		c, pdol, asks = e.Fit(c, r.value(e.Tag)), rest, asks || e.Tag == emv.TagTTQ
		if len(c)-start > emv.MaxDOLData {
			return nil, r.Because(EndHere, r.Book.Missing, "the PDOL asks for more than a command carries")
		}
	}
	if !asks {
		return nil, r.Because(EndHere, r.Book.Missing, "the application has no PDOL that asks for 9F66")
	}
	n := byte(len(c) - start)
	c[start-1] = n
	if n > 0x7F { // the template's length takes two bytes
		c = slices.Insert(c, start-1, 0x81)
	}
	c[4] = byte(len(c) - 5)
	return append(c, 0), GoOn
}

// ReadFCI keeps the DF name and the PDOL of the selected application. A reason
// says what is wrong with them.
func (r *Run) ReadFCI() (reason string) {
	fci := &r.A.FCI
	switch {
	case fci.DFName == nil || !bytes.HasPrefix(fci.DFName, r.A.AID):
		return "the SELECT answer lacks the name of the application selected"
	case fci.PDOL == nil:
		return "the application has no PDOL"
	}
	if reason = r.Card.put(emv.TagDFName, fci.DFName); reason != "" {
		return reason
	}
	return r.Card.put(emv.TagPDOL, nil) // the FCI keeps its value
}

// readOptions takes the answer apart: template 77, or 80 with AIP and AFL only.
func (r *Run) readOptions(data []byte) Verdict {
	s := emv.Scan(data)
	if !s.Next() {
		return r.Because(EndHere, r.Book.Format, "the answer to GET PROCESSING OPTIONS is not TLV")
	}
	tag, value := s.Tag(), s.Value()
	if s.Next() || s.Err() != nil {
		return r.Because(EndHere, r.Book.Format, "the answer to GET PROCESSING OPTIONS is more than one template")
	}
	switch {
	case tag == emv.TagResponseFormat2:
		return r.readObjects(value)
	case tag == emv.TagResponseFormat1 && len(value) >= 2:
		r.Card.put(emv.TagAIP, value[:2])
		r.Card.put(emv.TagAFL, value[2:])
		return GoOn
	}
	return r.Because(EndHere, r.Book.Format, "the answer to GET PROCESSING OPTIONS is neither template 77 nor 80")
}

// readObjects keeps every object of a template.
func (r *Run) readObjects(template []byte) Verdict {
	s := emv.Scan(template)
	for s.Next() {
		if reason := r.Card.put(s.Tag(), s.Value()); reason != "" {
			return r.Because(EndHere, r.Book.Format, reason)
		}
	}
	if s.Err() != nil {
		return r.Because(EndHere, r.Book.Format, "a template of the card is not TLV")
	}
	return GoOn
}
