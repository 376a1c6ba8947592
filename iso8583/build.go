package iso8583

import (
	"fmt"
	"strings"
	"time"
)

// Stamp marks one sending of a message: its trace number and its moment.
type Stamp struct {
	STAN int       // 1 to 999999, unique for the terminal and the day
	Time time.Time // of sending; it goes out in UTC
}

// stamp sets fields 7 and 11.
func (m *Message) stamp(s Stamp) {
	m.TransmissionTime = s.Time.UTC().Format("0102150405")
	m.STAN = fmt.Sprintf("%06d", s.STAN)
}

// echoed are the fields that an answer repeats from its request, so that the
// other end can find what it belongs to.
var echoed = numbers("2 3 4 7 11 12 13 24 32 33 37 41 42 49 70 90 100")

// Response is the answer to request with a response code: the message type
// that belongs to it and the fields that must come back unchanged. The
// authorisation code and everything else the issuer adds. For a message that
// is not a request the type is empty, and the answer cannot be packed.
func Response(request *Message, code string) *Message {
	m := &Message{MTI: request.MTI.Response(), ResponseCode: code}
	for _, number := range echoed {
		m.carry(request, number)
	}
	return m
}

// carry copies one field from another message, if it is there.
func (m *Message) carry(from *Message, number int) {
	switch mem := &members[number]; {
	case mem.text != nil:
		*mem.text(m) = *mem.text(from)
	case mem.amount != nil && *mem.amount(from) != nil:
		minor := **mem.amount(from)
		*mem.amount(m) = &minor
	}
	if value, ok := from.Other[number]; ok {
		if m.Other == nil {
			m.Other = map[int]string{}
		}
		m.Other[number] = value
	}
}

// Reversal undoes original, a request or an advice that was sent, or may have
// been. Field 90 names it; the reference number and the card's data stay, the
// PIN and the MAC do not. code says why (field 39), for example 68 when the
// answer came late or not at all; "" leaves it out. Where the original was
// answered the caller adds the authorisation code. The type is 0400; a link
// that wants advices gets ReversalAdvice in its place.
func Reversal(original *Message, s Stamp, code string) *Message {
	m := original.Clone()
	m.MTI = ReversalRequest
	m.OriginalData = OriginalElements(original)
	m.ResponseCode = code
	m.PINBlock, m.PINCapture, m.SecurityControl, m.MAC = nil, "", "", nil
	for _, number := range []int{52, 64, 128} {
		delete(m.Other, number)
	}
	m.stamp(s)
	return m
}

// OriginalElements is field 90 for a message that refers to original: message
// type, trace number, transmission time, acquirer and forwarding institution,
// what is missing as zeros.
func OriginalElements(original *Message) string {
	var out strings.Builder
	for _, part := range []struct {
		value string
		width int
	}{{string(original.MTI), 4}, {original.STAN, 6}, {original.TransmissionTime, 10}, {original.AcquirerID, 11}, {original.ForwardingID, 11}} {
		out.WriteString(strings.Repeat("0", max(0, part.width-len(part.value))) + part.value)
	}
	return out.String()
}

// Advice tells of a payment that was decided without the issuer: request is
// what would have been asked, or was asked in vain, code how it was decided
// (field 39). It keeps the request's trace number and times; a link that
// counts advices on their own sets them anew.
func Advice(request *Message, code string) *Message {
	m := request.Clone()
	if len(m.MTI) == 4 {
		m.MTI = m.MTI[:2] + "20"
	}
	m.ResponseCode = code
	m.PINBlock, m.PINCapture, m.SecurityControl, m.MAC = nil, "", "", nil
	return m
}

// Repeat is m sent once more: the same fields, the type of a repeat, and so
// without the MAC, which covers the type.
func Repeat(m *Message) *Message {
	r := m.Clone()
	r.MAC = nil
	if len(r.MTI) == 4 {
		r.MTI = r.MTI[:3] + "1"
	}
	return r
}

// NetworkManagement is a 0800 message with SignOn, SignOff, EchoTest or
// another code of field 70.
func NetworkManagement(code string, s Stamp) *Message {
	m := &Message{MTI: NetworkRequest, NetworkCode: code}
	m.stamp(s)
	return m
}
