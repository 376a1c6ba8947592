package kernel

import (
	"time"

	"tapsim/emv"
)

// Kind is what an outcome asks for (EMV Book A, 6.1). The zero value is
// invalid.
type Kind byte

// The outcomes.
const (
	Approved Kind = iota + 1
	Declined
	OnlineRequest
	TryAnotherInterface
	EndApplication
	SelectNext // handled inside the entry point
	TryAgain   // handled inside the entry point
)

var kindNames = [...]string{"invalid", "approved", "declined", "online-request", "try-another-interface", "end-application", "select-next", "try-again"}

// String is the name used in reports and on the command line.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[0]
}

// Start is one of the entry point's starts (EMV Book B, 3.1). The zero value
// is "not applicable".
type Start byte

// The starts.
const (
	StartNone Start = iota
	StartA
	StartB
	StartC
	StartD
)

// String is the letter of the start.
func (s Start) String() string { return [...]string{"N/A", "A", "B", "C", "D"}[s] }

// OnlineResponse says which issuer data make a restart worth while.
type OnlineResponse byte

// Values of online response data (EMV Book A, 6.2.3).
const (
	OnlineResponseNone OnlineResponse = iota
	OnlineResponseEMV                 // only 91, 71 or 72
	OnlineResponseAny
)

// CVM is the cardholder verification that the outcome asks for (EMV Book A,
// 6.2.4).
type CVM byte

// Cardholder verification methods. The zero value is "not applicable".
const (
	CVMNone CVM = iota
	CVMNotRequired
	CVMSignature
	CVMOnlinePIN
	CVMConfirmationCode // verified on the consumer's device
)

// String is the name used in reports.
func (c CVM) String() string {
	return [...]string{"n/a", "no-cvm", "signature", "online-pin", "device"}[c]
}

// MessageID is a message identifier of a user interface request (EMV Book A,
// 9.2).
type MessageID byte

// Message identifiers.
const (
	MessageApproved        MessageID = 0x03
	MessageNotAuthorised   MessageID = 0x07
	MessageEnterPIN        MessageID = 0x09
	MessageProcessingError MessageID = 0x0F
	MessageRemoveCard      MessageID = 0x10
	MessageWelcome         MessageID = 0x14
	MessagePresentCard     MessageID = 0x15
	MessageProcessing      MessageID = 0x16
	MessageCardReadOK      MessageID = 0x17
	MessageInsertOrSwipe   MessageID = 0x18
	MessageOneCardOnly     MessageID = 0x19
	MessageApprovedSign    MessageID = 0x1A
	MessageAuthorising     MessageID = 0x1B
	MessageTryAnotherCard  MessageID = 0x1C // insert, swipe or try another card
	MessageInsertCard      MessageID = 0x1D
	MessageClearDisplay    MessageID = 0x1E
	MessageSeePhone        MessageID = 0x20
	MessagePresentAgain    MessageID = 0x21
)

var messageTexts = map[MessageID]string{
	MessageApproved: "approved", MessageNotAuthorised: "not authorised", MessageEnterPIN: "please enter your PIN",
	MessageProcessingError: "processing error", MessageRemoveCard: "please remove card", MessageWelcome: "welcome",
	MessagePresentCard: "present card", MessageProcessing: "processing", MessageCardReadOK: "card read OK, please remove card",
	MessageInsertOrSwipe: "please insert or swipe card", MessageOneCardOnly: "please present one card only",
	MessageApprovedSign: "approved, please sign", MessageAuthorising: "authorising, please wait",
	MessageTryAnotherCard: "insert, swipe or try another card", MessageInsertCard: "please insert card",
	MessageClearDisplay: "", MessageSeePhone: "see phone for instructions", MessagePresentAgain: "present card again",
}

// Text is what a display would show.
func (m MessageID) Text() string { return messageTexts[m] }

// Status is the status of a user interface request (EMV Book A, 9.3).
type Status byte

// User interface statuses.
const (
	StatusNotReady        Status = 0x00
	StatusIdle            Status = 0x01
	StatusReadyToRead     Status = 0x02
	StatusProcessing      Status = 0x03
	StatusCardRead        Status = 0x04
	StatusProcessingError Status = 0x05
	StatusConditions      Status = 0x06
	StatusCollision       Status = 0x07
	StatusNotRemoved      Status = 0x08
)

// UIRequest is a user interface request (EMV Book A, Table 6-2).
type UIRequest struct {
	Message MessageID
	Status  Status
	Hold    time.Duration
	Value   *UIValue
}

// UIValue is an amount or balance to show.
type UIValue struct {
	Balance  bool // else an amount
	Amount   int64
	Currency emv.Currency
}

// Interface is another way into the card.
type Interface byte

// Alternate interfaces. The zero value is "not applicable".
const (
	InterfaceNone Interface = iota
	InterfaceContact
	InterfaceMagStripe
)

// ODAResult is what became of offline data authentication.
type ODAResult byte

// Results of offline data authentication.
const (
	ODANotPerformed ODAResult = iota
	ODAVerified
	ODAFailed
)

// String is the name used in reports.
func (r ODAResult) String() string {
	return [...]string{"not-performed", "verified", "failed"}[r]
}

// Outcome is a kernel's answer (EMV Book A, chapter 6). What a scheme leaves
// out is nil. What it points to may be shared between outcomes: read only.
type Outcome struct {
	Kind           Kind
	Start          Start
	OnlineResponse OnlineResponse
	CVM            CVM
	UI             *UIRequest // shown with the outcome
	UIRestart      *UIRequest // shown at a restart
	DataRecord     emv.Coded  // for the host
	Discretionary  emv.List
	Alternate      Interface
	Receipt        bool
	FieldOff       *time.Duration
	RemovalTimeout *time.Duration

	// What follows is for reports; the books do not have it.

	Card    emv.Source         // what the kernel read from the card; nil when nothing
	Type    emv.CryptogramType // of the cryptogram, when Card has one
	ODA     ODAResult
	ODANote string // method, or what failed
	Reason  Step   // the rule that decided
}
