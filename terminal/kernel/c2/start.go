package c2

import (
	"bytes"
	"context"

	"tapsim/apdu"
	"tapsim/emv"
)

// start takes over configuration, transaction and the selected application's
// FCI (EMV Book C-2, S1.7 to S1.10).
func (r *run) start() verdict {
	r.terminal.Load(r.a)
	r.sources = [2]emv.Source{r, &r.card}
	r.un = r.a.Transaction.UnpredictableNumber
	r.mobile[0] = mobileSupported
	r.errors.Message = noMessage
	if bad := r.set.load(r.a.Config.Data); bad != 0 {
		return r.fail(L2TerminalDataError, "EMV Book C-2, Annex A", "the terminal's value of "+bad.String()+" cannot be")
	}
	if r.a.Indicators.ForeignCurrency {
		r.set.reachAll()
	}
	r.capabilities = emv.TerminalCapabilities{r.set.input, 0, r.set.security}
	const rule = "EMV Book C-2, S1.8"
	if reason := r.readFCI(); reason != "" {
		r.errors.L2 = L2ParsingError
		return r.because(selectNext, rule, reason)
	}
	if name := r.card[slotDFName]; name == nil || !bytes.HasPrefix(name, r.a.AID) {
		r.errors.L2 = L2CardDataMissing
		return r.because(selectNext, rule, "the SELECT answer lacks the name of the application selected")
	}
	return goOn
}

// mobileSupported is 9F7E: the terminal supports phones.
const mobileSupported = 0x01

// readFCI keeps what the FCI says, through its templates.
func (r *run) readFCI() (reason string) {
	template, ok := emv.Find(r.a.FCI.Raw, emv.TagFCI)
	if !ok {
		return "the SELECT answer is no file control information"
	}
	return r.keepFCI(template)
}

func (r *run) keepFCI(template []byte) (reason string) {
	s := emv.Scan(template)
	for s.Next() {
		switch tag := s.Tag(); tag {
		case emv.TagFCIProprietary, emv.TagFCIDiscretionary:
			reason = r.keepFCI(s.Value())
		default:
			reason = r.card.put(tag, s.Value())
		}
		if reason != "" {
			return reason
		}
	}
	if s.Err() != nil {
		return "the file control information is not TLV"
	}
	return ""
}

// getProcessingOptions sends the PDOL's data, takes AIP and AFL, and chooses
// the mode.
func (r *run) getProcessingOptions(ctx context.Context) (verdict, error) {
	if err := r.askForPDOL(ctx); err != nil {
		return goOn, err
	}
	command, ok := r.gpoCommand()
	if !ok {
		return r.fail(L2ParsingError, "EMV Book C-2, S1.11", "the PDOL is malformed or asks for more than a command carries"), nil
	}
	answer, err := apdu.ExchangeBytes(ctx, r.a.Card, command)
	if err != nil {
		return goOn, err
	}
	if answer.Status != apdu.StatusOK {
		r.errors.L2, r.errors.SW = L2StatusBytes, answer.Status
		return r.because(selectNext, "EMV Book C-2, S3.9", "the card refused GET PROCESSING OPTIONS"), nil
	}
	if v := r.readOptions(answer.Data); v != goOn {
		return v, nil
	}
	return r.chooseMode(), nil
}

// gpoCommand builds 80 A8 00 00 with the PDOL's values in template 83; without a
// PDOL the template is empty.
func (r *run) gpoCommand() ([]byte, bool) {
	values, ok := r.appendList(nil, r.card[slotPDOL])
	if !ok {
		return nil, false
	}
	r.pdolData = values
	data := 2 + len(values)
	if len(values) > 0x7F {
		data++
	}
	if data > apdu.MaxShortData {
		return nil, false
	}
	c := append(r.a.Buffer[:0], 0x80, 0xA8, 0, 0, byte(data))
	c = emv.AppendTLV(c, emv.TagCommandTemplate, values)
	return append(c, 0), true
}

// readOptions takes the answer apart: template 77, or 80 with AIP and AFL
// (S3.10 to S3.14).
func (r *run) readOptions(data []byte) verdict {
	tag, value, ok := oneObject(data)
	switch {
	case ok && tag == emv.TagResponseFormat2:
		if reason := r.keep(value); reason != "" {
			return r.fail(L2ParsingError, "EMV Book C-2, S3.12", reason)
		}
	case ok && tag == emv.TagResponseFormat1 && len(value) >= 2:
		if reason := r.card.put(emv.TagAFL, value[2:]); reason != "" && len(value) > 2 {
			return r.fail(L2ParsingError, "EMV Book C-2, S3.12", reason)
		}
		r.card.put(emv.TagAIP, value[:2])
	default:
		return r.fail(L2ParsingError, "EMV Book C-2, S3.12", "the answer to GET PROCESSING OPTIONS is neither template 77 nor 80")
	}
	if !r.card.has(slotAIP, slotAFL) {
		return r.fail(L2CardDataMissing, "EMV Book C-2, S3.14", "the card gave no 82 (application interchange profile) or no 94 (application file locator)")
	}
	r.aip = emv.AIP(r.card[slotAIP])
	return goOn
}

// keep keeps the objects of a template.
func (r *run) keep(template []byte) (reason string) {
	s := emv.Scan(template)
	for s.Next() {
		if reason := r.card.put(s.Tag(), s.Value()); reason != "" {
			return reason
		}
	}
	if s.Err() != nil {
		return "a template of the card is not TLV"
	}
	return ""
}

// oneObject reads data that are exactly one object.
func oneObject(data []byte) (emv.Tag, []byte, bool) {
	s := emv.Scan(data)
	if !s.Next() {
		return 0, nil, false
	}
	tag, value := s.Tag(), s.Value()
	return tag, value, !s.Next() && s.Err() == nil
}

// chooseMode is EMV mode when both sides have it, else mag-stripe mode where
// the terminal has it (S3.15 to S3.18).
func (r *run) chooseMode() verdict {
	r.onDevice = r.aip.Has(emv.AIPOnDeviceCVM) && r.set.kernel&onDeviceCVM != 0
	switch {
	case r.set.kernel&noEMVMode == 0 && r.aip.Has(emv.AIPEMVMode):
		r.mode = modeEMV
		r.note("EMV Book C-2, S3.16", "EMV mode: card and terminal have it")
	case r.set.kernel&noMagStripe == 0:
		r.mode = modeMagStripe
		r.note("EMV Book C-2, S3.17", "mag-stripe mode: EMV mode is not on both sides")
	default:
		return r.fail(L2MagStripeNotSupported, "EMV Book C-2, S3.18", "the card is not in EMV mode and this terminal has no mag-stripe mode")
	}
	return r.activeAFL()
}

// magStripeRecord is how an AFL begins whose first record is for mag-stripe
// mode.
var magStripeRecord = []byte{0x08, 0x01, 0x01, 0x00}

// activeAFL leaves the records of the other mode out: EMV mode skips the
// mag-stripe record where the terminal has both modes (S3.31, S3.32);
// mag-stripe mode reads only that one (S3.71, S3.72).
func (r *run) activeAFL() verdict {
	locator := r.card[slotAFL]
	if bytes.HasPrefix(locator, magStripeRecord) {
		switch {
		case r.mode == modeMagStripe:
			locator = locator[:len(magStripeRecord)]
		case r.set.kernel&noMagStripe == 0:
			locator = locator[len(magStripeRecord):]
		}
	}
	afl, err := emv.ParseAFL(locator)
	switch {
	case err != nil:
		return r.fail(L2CardDataError, "EMV Book C-2, S3R1.6", "the application file locator is malformed")
	case len(afl) == 0:
		return r.fail(L2CardDataError, "EMV Book C-2, S3R1.6", "the application file locator names no record for EMV mode")
	case afl.Records() > maxRecords:
		return r.fail(L2CardDataError, "EMV Book C-2, S3R1.6", "the application file locator names too many records")
	}
	r.afl = afl
	return goOn
}

// transactionLimit is checked once the records are read: above it another
// application may do (S456.14, S78.10). Kernel 2 counts what is more than a
// limit, not what reaches it.
func (r *run) transactionLimit(rule string) verdict {
	limit := r.set.limit
	if r.onDevice {
		limit = r.set.limitOnDevice
	}
	if r.a.Transaction.Amount <= limit {
		return goOn
	}
	r.errors.L2 = L2MaxLimitExceeded
	return r.because(selectNext, rule, "the amount is above the contactless transaction limit")
}
