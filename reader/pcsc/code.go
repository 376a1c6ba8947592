package pcsc

import (
	"errors"
	"fmt"
	"slices"

	"tapsim/apdu"
)

// code is an error of the PC/SC service.
type code uint32

// Codes that mean something here (winscard.h).
const (
	codeCancelled         code = 0x80100002
	codeInvalidHandle     code = 0x80100003
	codeUnknownReader     code = 0x80100009
	codeTimeout           code = 0x8010000A
	codeSharing           code = 0x8010000B
	codeNoCard            code = 0x8010000C
	codeProtocol          code = 0x8010000F
	codeSystemCancelled   code = 0x80100012
	codeCommunication     code = 0x80100013 // with the service
	codeNotTransacted     code = 0x80100016
	codeReaderUnavailable code = 0x80100017
	codeNoService         code = 0x8010001D
	codeServiceStopped    code = 0x8010001E
	codeNoReaders         code = 0x8010002E
	codeUnsupportedCard   code = 0x80100065
	codeUnresponsive      code = 0x80100066
	codeUnpowered         code = 0x80100067
	codeReset             code = 0x80100068
	codeRemoved           code = 0x80100069
	codeDenied            code = 0x8010006A
)

var codeText = map[code]string{
	codeCancelled: "cancelled", codeInvalidHandle: "the connection is not open", codeUnknownReader: "no such reader", codeTimeout: "nothing happened in time",
	codeSharing: "another program uses the card", codeNoCard: "no card", codeProtocol: "the card has no protocol in common with the reader",
	codeSystemCancelled: "cancelled by the system", codeCommunication: "the service does not answer any more",
	codeNotTransacted: "the card did not answer", codeReaderUnavailable: "the reader is not there", codeNoService: "the service is not running",
	codeServiceStopped: "the service was stopped", codeNoReaders: "no readers", codeUnsupportedCard: "the reader does not support the card",
	codeUnresponsive: "the card does not answer to being powered", codeUnpowered: "the card has no power", codeReset: "the card was reset by another program",
	codeRemoved: "the card was removed", codeDenied: "access denied",
}

func (c code) Error() string {
	if text := codeText[c]; text != "" {
		return text
	}
	return fmt.Sprintf("PC/SC error %08X", uint32(c))
}

// explain turns what the service says into the errors of this package.
func explain(err error) error {
	var c code
	if !errors.As(err, &c) {
		return err
	}
	switch c {
	case codeNoService, codeServiceStopped, codeCommunication, codeSystemCancelled, codeInvalidHandle:
		return fmt.Errorf("%w: %w", ErrNoService, c)
	case codeDenied:
		return ErrNoAccess
	case codeUnknownReader, codeReaderUnavailable:
		return ErrReaderGone
	case codeSharing:
		return ErrInUse
	}
	return err
}

// serviceGone is true when the contexts are of no use any more.
func serviceGone(err error) bool { return errors.Is(explain(err), ErrNoService) }

// oneOf is true for an error with one of some codes.
func oneOf(err error, codes ...code) bool {
	var c code
	return errors.As(err, &c) && slices.Contains(codes, c)
}

// cardGone is true when the card, or its session, is lost: a card that was torn
// away is first an answer without bytes or "not transacted", later "removed".
func cardGone(err error) bool {
	return oneOf(err, codeNotTransacted, codeRemoved, codeReset, codeNoCard, codeUnpowered, codeUnresponsive)
}

// lostError is an apdu.ErrLost that tells what the service said.
type lostError struct{ why string }

func (e *lostError) Error() string { return apdu.ErrLost.Error() + ": " + e.why }

// Unwrap makes it an apdu.ErrLost. Whether the card saw the command, a reader
// cannot know.
func (e *lostError) Unwrap() error { return apdu.ErrLost }
