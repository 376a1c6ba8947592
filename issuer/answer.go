package issuer

import (
	"encoding/binary"
	"fmt"

	"tapsim/iso8583"
)

// The store keeps each answer so that a repeat gets the same bytes. It is kept
// field by field: number, two bytes of length, value. The account number is
// left out; it comes back from the repeated request, which must name the same.

// storedField is a text field of an answer.
type storedField struct {
	number byte
	of     func(*iso8583.Message) *string
}

var storedFields = [...]storedField{
	{3, func(m *iso8583.Message) *string { return &m.ProcessingCode }},
	{7, func(m *iso8583.Message) *string { return &m.TransmissionTime }},
	{11, func(m *iso8583.Message) *string { return &m.STAN }},
	{12, func(m *iso8583.Message) *string { return &m.LocalTime }},
	{13, func(m *iso8583.Message) *string { return &m.LocalDate }},
	{32, func(m *iso8583.Message) *string { return &m.AcquirerID }},
	{37, func(m *iso8583.Message) *string { return &m.RRN }},
	{38, func(m *iso8583.Message) *string { return &m.AuthorisationCode }},
	{39, func(m *iso8583.Message) *string { return &m.ResponseCode }},
	{41, func(m *iso8583.Message) *string { return &m.TerminalID }},
	{42, func(m *iso8583.Message) *string { return &m.MerchantID }},
	{49, func(m *iso8583.Message) *string { return &m.Currency }},
	{90, func(m *iso8583.Message) *string { return &m.OriginalData }},
}

const (
	storedAmount = 4
	storedICC    = 55
)

// encodeAnswer writes an answer for the store.
func encodeAnswer(m *iso8583.Message) []byte {
	out := make([]byte, 0, 192)
	for n := range storedFields {
		if v := *storedFields[n].of(m); v != "" {
			out = appendField(out, storedFields[n].number, v)
		}
	}
	if m.Amount != nil {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(*m.Amount))
		out = appendField(out, storedAmount, string(b[:]))
	}
	if m.ICCData != nil {
		out = appendField(out, storedICC, string(m.ICCData))
	}
	return out
}

func appendField(dst []byte, number byte, v string) []byte {
	dst = append(dst, number, byte(len(v)>>8), byte(len(v)))
	return append(dst, v...)
}

// approvedPart is the amount in an answer from the store.
func approvedPart(stored []byte) (int64, error) {
	m, err := decodeAnswer(new(iso8583.Message), stored)
	if err != nil || m.Amount == nil {
		return 0, err
	}
	return *m.Amount, nil
}

// decodeAnswer is the inverse of encodeAnswer for a repeat of the request.
func decodeAnswer(request *iso8583.Message, stored []byte) (*iso8583.Message, error) {
	m := &iso8583.Message{MTI: request.MTI.Response(), PAN: request.PAN}
	for len(stored) > 0 {
		if len(stored) < 3 || len(stored) < 3+int(binary.BigEndian.Uint16(stored[1:])) {
			return nil, fmt.Errorf("issuer: a stored answer is cut off")
		}
		number, end := stored[0], 3+int(binary.BigEndian.Uint16(stored[1:]))
		if err := setField(m, number, stored[3:end]); err != nil {
			return nil, err
		}
		stored = stored[end:]
	}
	return m, nil
}

func setField(m *iso8583.Message, number byte, v []byte) error {
	switch {
	case number == storedAmount && len(v) == 8:
		amount := int64(binary.BigEndian.Uint64(v))
		m.Amount = &amount
		return nil
	case number == storedICC:
		m.ICCData = append([]byte(nil), v...)
		return nil
	}
	for n := range storedFields {
		if storedFields[n].number == number {
			*storedFields[n].of(m) = string(v)
			return nil
		}
	}
	return fmt.Errorf("issuer: a stored answer has field %d, which no answer has", number)
}
