package c2

import (
	"time"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// Tags of the OUT signal.
const (
	tagUIRequest     emv.Tag = 0xDF8116
	tagOutcome       emv.Tag = 0xDF8129
	tagErrors        emv.Tag = 0xDF8115
	tagDataRecord    emv.Tag = 0xFF8105
	tagDiscretionary emv.Tag = 0xFF8106
)

// L2Error is an error of level 2: byte 2 of the error indication.
type L2Error byte

// Errors of level 2 (EMV Book C-2, error indication DF8115).
const (
	L2OK                    L2Error = 0x00
	L2CardDataMissing       L2Error = 0x01
	L2CAMFailed             L2Error = 0x02
	L2StatusBytes           L2Error = 0x03
	L2ParsingError          L2Error = 0x04
	L2MaxLimitExceeded      L2Error = 0x05
	L2CardDataError         L2Error = 0x06
	L2MagStripeNotSupported L2Error = 0x07
	L2TerminalDataError     L2Error = 0x0F
)

// Errors of level 1 and 3.
const (
	l1Timeout = 0x01
	l3Timeout = 0x01
	l3Stop    = 0x02
)

// noMessage is the message on error when there is none.
const noMessage kernel.MessageID = 0xFF

// ErrorIndication is what went wrong in a transaction: tag DF8115.
type ErrorIndication struct {
	L1      byte
	L2      L2Error
	L3      byte
	SW      apdu.Status // with L2StatusBytes
	Message kernel.MessageID
}

// Bytes is the value of DF8115.
func (e ErrorIndication) Bytes() []byte {
	return append(e.SW.Append([]byte{e.L1, byte(e.L2), e.L3}), byte(e.Message))
}

// object is the indication as a data object.
func (e ErrorIndication) object() emv.TLV { return emv.TLV{Tag: tagErrors, Value: e.Bytes()} }

// Errors is the error indication in an outcome's discretionary data; false when
// there is none.
func Errors(o kernel.Outcome) (ErrorIndication, bool) {
	v, ok := o.Discretionary.Lookup(tagErrors)
	if !ok || len(v) != 6 {
		return ErrorIndication{}, false
	}
	sw := apdu.Status(uint16(v[3])<<8 | uint16(v[4]))
	return ErrorIndication{L1: v[0], L2: L2Error(v[1]), L3: v[2], SW: sw, Message: kernel.MessageID(v[5])}, true
}

// Out codes an outcome as the data objects of the book's OUT signal: outcome
// parameter set DF8129, data record FF8105, discretionary data FF8106, and user
// interface request data DF8116, of the outcome or else of the restart.
func Out(o kernel.Outcome) emv.List {
	l := emv.List{{Tag: tagOutcome, Value: parameterSet(&o)}}
	if o.DataRecord != nil {
		l = append(l, emv.TLV{Tag: tagDataRecord, Value: o.DataRecord})
	}
	if o.Discretionary != nil {
		l = append(l, emv.TLV{Tag: tagDiscretionary, Value: o.Discretionary.Append(nil)})
	}
	ui := o.UI
	if ui == nil {
		ui = o.UIRestart
	}
	if ui != nil {
		l = append(l, emv.TLV{Tag: tagUIRequest, Value: uiRequest(ui, language(&o))})
	}
	return l
}

// notApplicable is the value of a parameter that does not apply.
const notApplicable = 0xF0

// statuses, starts and methods as DF8129 codes them.
var (
	statuses = map[kernel.Kind]byte{
		kernel.Approved: 0x10, kernel.Declined: 0x20, kernel.OnlineRequest: 0x30, kernel.EndApplication: 0x40, kernel.SelectNext: 0x50,
		kernel.TryAnotherInterface: 0x60, kernel.TryAgain: 0x70,
	}
	starts  = [...]byte{kernel.StartNone: notApplicable, kernel.StartA: 0x00, kernel.StartB: 0x10, kernel.StartC: 0x20, kernel.StartD: 0x30}
	methods = [...]byte{
		kernel.CVMNone: notApplicable, kernel.CVMNotRequired: 0x00, kernel.CVMSignature: 0x10, kernel.CVMOnlinePIN: 0x20,
		kernel.CVMConfirmationCode: 0x30,
	}
	interfaces = [...]byte{kernel.InterfaceNone: notApplicable, kernel.InterfaceContact: 0x10, kernel.InterfaceMagStripe: 0x20}
)

// parameterSet is the value of DF8129.
func parameterSet(o *kernel.Outcome) []byte {
	flags := byte(0)
	for i, set := range [...]bool{o.UI != nil, o.UIRestart != nil, o.DataRecord != nil, o.Discretionary != nil, o.Receipt} {
		if set {
			flags |= 0x80 >> i
		}
	}
	removal := byte(0)
	if o.RemovalTimeout != nil {
		removal = inTenths(o.RemovalTimeout)
	}
	return []byte{
		statuses[o.Kind], starts[o.Start], notApplicable, methods[o.CVM], flags, interfaces[o.Alternate], inTenths(o.FieldOff), removal,
	}
}

// inTenths is a time in units of 100 ms, FF for none.
func inTenths(d *time.Duration) byte {
	if d == nil {
		return 0xFF
	}
	return byte(min(*d/tenths(1), 0xFE))
}

// Value qualifiers of a user interface request.
const (
	valueAmount  = 0x10
	valueBalance = 0x20
)

// language is the card's language preference, 5F2D, filled up to eight bytes.
func language(o *kernel.Outcome) (preference [8]byte) {
	if o.Card != nil {
		v, _ := o.Card.Lookup(emv.TagLanguagePreference)
		copy(preference[:], v)
	}
	return preference
}

// uiRequest is the value of DF8116.
func uiRequest(ui *kernel.UIRequest, language [8]byte) []byte {
	out := []byte{byte(ui.Message), byte(ui.Status)}
	out = emv.AppendBCD(out, uint64(min(ui.Hold/tenths(1), 999_999)), 3)
	out = append(out, language[:]...)
	if ui.Value == nil {
		return append(out, make([]byte, 9)...)
	}
	qualifier := byte(valueAmount)
	if ui.Value.Balance {
		qualifier = valueBalance
	}
	out = emv.AppendBCD(append(out, qualifier), uint64(ui.Value.Amount), 6)
	return emv.AppendBCD(out, uint64(ui.Value.Currency.Numeric), 2)
}
