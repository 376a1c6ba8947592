package iso8583

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// examples are messages of each type that are as they should be.
func examples() map[MTI]*Message {
	list := map[MTI]*Message{}
	add := func(m *Message) *Message {
		list[m.MTI] = m
		return m
	}
	for _, request := range []MTI{AuthorisationRequest, FinancialRequest} {
		m := authorisation()
		m.MTI = request
		add(m)
		add(Repeat(m))
		add(Response(m, "51"))
		advice := add(Advice(m, "00"))
		add(Repeat(advice))
		add(Response(advice, Approved))
	}
	for _, undo := range []MTI{ReversalRequest, ReversalAdvice} {
		m := reversal()
		m.MTI = undo
		add(m)
		add(Repeat(m))
		add(Response(m, Approved))
	}
	echo := add(NetworkManagement(EchoTest, Stamp{STAN: 1, Time: noon}))
	add(Repeat(echo))
	add(Response(echo, Approved))
	return list
}

// TestRulesOfEachType takes each mandatory field away and puts each forbidden
// one in; both ways the message also makes the journey over the wire.
func TestRulesOfEachType(t *testing.T) {
	list := examples()
	require.Equal(t, len(rules), len(list), "an example of each type")
	for mti, m := range list {
		t.Run(string(mti), func(t *testing.T) {
			require.NoError(t, Validate(m))
			back, err := Standard().Unpack(mustPack(t, Standard(), m))
			require.NoError(t, err)
			require.Equal(t, m, back)
			for _, number := range rules[mti].must {
				requireField(t, number, Validate(without(m, number)))
			}
			for _, number := range rules[mti].never {
				requireField(t, number, Validate(with(m, number)))
			}
		})
	}
}

func requireField(t *testing.T, number int, err error) {
	t.Helper()
	var field *FieldError
	require.ErrorAs(t, err, &field, "field %d", number)
	require.Equal(t, number, field.Field)
}

func without(m *Message, number int) *Message {
	c := m.Clone()
	switch mem := members[number]; {
	case mem.text != nil:
		*mem.text(c) = ""
	case mem.amount != nil:
		*mem.amount(c) = nil
	case mem.data != nil:
		*mem.data(c) = nil
	}
	return c
}

func with(m *Message, number int) *Message {
	c := m.Clone()
	switch mem := members[number]; {
	case mem.text != nil:
		*mem.text(c) = "1"
	case mem.amount != nil:
		*mem.amount(c) = minor(1)
	case mem.data != nil:
		*mem.data(c) = []byte{1}
	default:
		c.Other = map[int]string{number: "1"}
	}
	return c
}

func TestConditions(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Message)
		want   string
	}{
		"no account":         {func(m *Message) { m.PAN, m.Track2 = "", "" }, "field 2 (primary account number): is missing in 0100 (authorisation request): the message names no account"},
		"track 2 is enough":  {func(m *Message) { m.PAN = "" }, ""},
		"number and expiry":  {func(m *Message) { m.Track2 = "" }, ""},
		"number, no expiry":  {func(m *Message) { m.Track2, m.Expiry = "", "" }, "field 14 (expiry date): is missing in 0100 (authorisation request): the account number is sent without track 2"},
		"chip without data":  {func(m *Message) { m.ICCData = nil }, "field 55 (chip data): is missing in 0100 (authorisation request): a payment read from a chip needs its cryptogram"},
		"refund by chip":     {func(m *Message) { m.ICCData, m.ProcessingCode = nil, "200000" }, ""},
		"stripe":             {func(m *Message) { m.ICCData, m.EntryMode = nil, "911" }, ""},
		"stripe, no track":   {func(m *Message) { m.EntryMode, m.Track2 = "901", "" }, "field 35 (track 2): is missing in 0100 (authorisation request): the card was read from its stripe"},
		"stripe, track 1":    {func(m *Message) { m.EntryMode, m.Track2, m.Other = "901", "", map[int]string{45: "B4761"} }, ""},
		"billing":            {func(m *Message) { m.BillingAmount = minor(1) }, "field 51 (currency, cardholder billing): is missing in 0100 (authorisation request): field 6 has no currency without it"},
		"approval":           {func(m *Message) { *m = *Response(m, "00") }, "field 38 (authorisation code): is missing in 0110 (authorisation response): an approval has an authorisation code"},
		"refusal":            {func(m *Message) { *m = *Response(m, "05") }, ""},
		"format error":       {func(m *Message) { *m = Message{MTI: "0110", ResponseCode: "30"} }, ""},
		"format of requests": {func(m *Message) { m.ResponseCode = "30" }, "field 39 (response code): may not be in 0100 (authorisation request)"},
		"unknown type":       {func(m *Message) { m.MTI = "0500" }, "field 0 (message type): is not a message type that is handled here"},
		"a field twice":      {func(m *Message) { m.Other = map[int]string{11: "000001"} }, "field 11 (system trace audit number): is there twice, by name and by number"},
	} {
		t.Run(name, func(t *testing.T) {
			m := authorisation()
			test.change(m)
			if err := Validate(m); test.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, test.want)
			}
		})
	}
}
