// Package iso8583 holds the messages between terminal and issuer: one table of
// fields (ISO 8583:1987), typed messages, their coding, and a client and a
// server. Both ends import it, so a format exists once. It is the only
// importer of moov-io/iso8583 and carries field 55 as opaque bytes.
package iso8583

import (
	"bytes"
	"context"
	"maps"
)

// MTI is a message type indicator: four digits.
type MTI string

// Message types (ISO 8583:1987, 4.1). A repeat has 1 as its last digit.
const (
	AuthorisationRequest        MTI = "0100"
	AuthorisationRepeat         MTI = "0101"
	AuthorisationResponse       MTI = "0110"
	AuthorisationAdvice         MTI = "0120"
	AuthorisationAdviceRepeat   MTI = "0121"
	AuthorisationAdviceResponse MTI = "0130"
	FinancialRequest            MTI = "0200"
	FinancialRepeat             MTI = "0201"
	FinancialResponse           MTI = "0210"
	FinancialAdvice             MTI = "0220"
	FinancialAdviceRepeat       MTI = "0221"
	FinancialAdviceResponse     MTI = "0230"
	ReversalRequest             MTI = "0400"
	ReversalRepeat              MTI = "0401"
	ReversalResponse            MTI = "0410"
	ReversalAdvice              MTI = "0420"
	ReversalAdviceRepeat        MTI = "0421"
	ReversalAdviceResponse      MTI = "0430"
	NetworkRequest              MTI = "0800"
	NetworkRepeat               MTI = "0801"
	NetworkResponse             MTI = "0810"
)

// Response is the type of the answer to a request, repeats included; "" for
// what is not a request.
func (m MTI) Response() MTI {
	if len(m) != 4 || numeric.holds(string(m)) != "" || (m[2]-'0')%2 != 0 {
		return ""
	}
	return m[:2] + MTI(m[2]+1) + "0"
}

// Message is a message by name instead of field number. A field that is absent
// is the zero value: "", nil. Digits are strings as they stand on the wire,
// with leading zeros; amounts are minor units; the spaces that fill a terminal,
// a merchant or a name up to its length are left off. Text that a host's table
// makes binary is hex digits. A Message prints masked, and so does its JSON.
type Message struct {
	MTI                MTI
	PAN                string // 2, n..19
	ProcessingCode     string // 3, n6
	Amount             *int64 // 4, n12
	BillingAmount      *int64 // 6, n12
	TransmissionTime   string // 7, n10, MMDDhhmmss UTC
	BillingRate        string // 10, n8
	STAN               string // 11, n6
	LocalTime          string // 12, n6, hhmmss
	LocalDate          string // 13, n4, MMDD
	Expiry             string // 14, n4, YYMM
	SettlementDate     string // 15, n4, MMDD
	MerchantCategory   string // 18, n4
	AcquirerCountry    string // 19, n3
	EntryMode          string // 22, n3
	PANSequence        string // 23, n3
	NetworkID          string // 24, n3
	ConditionCode      string // 25, n2
	PINCapture         string // 26, n2
	AcquirerID         string // 32, n..11
	ForwardingID       string // 33, n..11
	Track2             string // 35, z..37, separator =
	RRN                string // 37, an12
	AuthorisationCode  string // 38, an6
	ResponseCode       string // 39, an2
	TerminalID         string // 41, ans8
	MerchantID         string // 42, ans15
	MerchantName       string // 43, ans40
	AdditionalResponse string // 44, ans..25
	PrivateData        string // 48, ans..999
	Currency           string // 49, n3
	BillingCurrency    string // 51, n3
	PINBlock           []byte // 52, b8
	SecurityControl    string // 53, n16
	AdditionalAmounts  string // 54, an..120
	ICCData            []byte // 55, b..255: EMV data objects
	Reserved60         string // 60, ans..999
	Reserved61         string // 61, ans..999
	Reserved62         string // 62, ans..999
	Reserved63         string // 63, ans..999
	MAC                []byte // 64 or 128, b8
	NetworkCode        string // 70, n3
	OriginalData       string // 90, n42
	ReplacementAmounts string // 95, an42
	Account1           string // 102, ans..28
	Account2           string // 103, ans..28

	// Other holds the fields that have no name above, by number, binary ones as
	// hex digits: nothing that another host sends gets lost. A named field is
	// here only when it came empty, or as a second MAC.
	Other map[int]string
}

// Clone is a copy that shares nothing with m.
func (m *Message) Clone() *Message {
	c := *m
	for _, mem := range members {
		switch {
		case mem.amount != nil && *mem.amount(m) != nil:
			minor := **mem.amount(m)
			*mem.amount(&c) = &minor
		case mem.data != nil:
			*mem.data(&c) = bytes.Clone(*mem.data(m))
		}
	}
	c.MAC = bytes.Clone(m.MAC)
	c.Other = maps.Clone(m.Other)
	return &c
}

// Exchanger sends a request and waits for its answer. An error means that no
// answer came, so the state at the other end is unknown.
type Exchanger interface {
	Exchange(ctx context.Context, request *Message) (*Message, error)
}

// Handler answers requests, which it does not change. It is called
// concurrently. A nil answer sends nothing: the requester runs into its
// time-out. ctx ends when the answer can no longer be delivered.
type Handler func(ctx context.Context, request *Message) *Message
