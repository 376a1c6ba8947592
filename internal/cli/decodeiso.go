package cli

import (
	"slices"
	"strings"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/transcript"
)

// isMessageType is true when b begins with a message type in ASCII.
func isMessageType(b []byte) bool {
	return len(b) >= 4 && b[0] == '0' && b[1] >= '1' && b[1] <= '8' && isDigit(b[2]) && isDigit(b[3])
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// messageBody cuts off the length header that most hosts put in front of a
// message: two bytes, or four digits.
func messageBody(b []byte) []byte {
	if len(b) > 2 && int(b[0])<<8|int(b[1]) == len(b)-2 {
		return b[2:]
	}
	if len(b) < 4 {
		return b
	}
	length := 0
	for _, c := range b[:4] {
		if !isDigit(c) {
			return b
		}
		length = 10*length + int(c-'0')
	}
	if length == len(b)-4 {
		return b[4:]
	}
	return b
}

// isMessage is true for what begins with a message type, behind a length
// header or without one.
func isMessage(b []byte) bool { return isMessageType(messageBody(b)) || isMessageType(b) }

// messageText is a message that stands as characters, not as hex. Text that
// could be hex, too, is a message only when it is one to its end.
func (d *decoder) messageText(text string, isHex bool) ([]byte, bool) {
	b := []byte(strings.Trim(text, "\r\n"))
	if !isMessage(b) {
		return nil, false
	}
	if !isHex {
		return b, true
	}
	c, err := d.app.codec(d.flags.spec)
	if err != nil {
		return nil, false
	}
	_, err = c.Unpack(messageBody(b))
	return b, err == nil
}

// message decodes an ISO 8583 message, with a length header in front or
// without one.
func (d *decoder) message(b []byte) ([]decoded, error) {
	c, err := d.app.codec(d.flags.spec)
	if err != nil {
		return nil, err
	}
	m, err := c.Unpack(b)
	if body := messageBody(b); err != nil && len(body) < len(b) {
		m, err = c.Unpack(body)
	}
	if err != nil {
		return nil, d.located(err)
	}
	shows := d.flags.reveal && ofTestCard(m)
	found := decoded{Kind: "iso8583", Size: len(b), Fields: iso8583.Describe(m, shows), title: string(m.MTI) + " " + m.MTI.Text()}
	found.hidden = !slices.Equal(found.Fields, iso8583.Describe(m, true))
	if len(m.ICCData) > 0 {
		x := transcript.ExplainData(m.ICCData, d.context, d.flags.reveal)
		found.Parts, found.Unknown = x.Parts, countUnknown(x.Parts)
	}
	return []decoded{found}, nil
}

// ofTestCard is true when a message names an account of this project's test
// ranges, and none other.
func ofTestCard(m *iso8583.Message) bool {
	track, _, _ := strings.Cut(m.Track2, "=")
	test := false
	for _, pan := range []string{m.PAN, track} {
		if pan != "" && !emv.TestRange(emv.PAN(pan)) {
			return false
		}
		test = test || pan != ""
	}
	return test
}
