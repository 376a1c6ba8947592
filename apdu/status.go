package apdu

import "fmt"

// Status is the status word SW1-SW2 (ISO/IEC 7816-4, 5.6). It is an error
// value, so that errors.As can carry it; whether one is a failure depends on
// the command.
type Status uint16

// Status words that a payment card uses.
const (
	StatusOK                     Status = 0x9000
	StatusNoInformation          Status = 0x6200
	StatusInvalidated            Status = 0x6283 // SELECT: application blocked, FCI returned
	StatusAuthenticationFailed   Status = 0x6300
	StatusMemoryFailure          Status = 0x6581
	StatusWrongLength            Status = 0x6700
	StatusChannelNotSupported    Status = 0x6881
	StatusSecureMessaging        Status = 0x6882
	StatusChainingNotSupported   Status = 0x6884
	StatusSecurity               Status = 0x6982
	StatusMethodBlocked          Status = 0x6983
	StatusDataInvalidated        Status = 0x6984 // kernel 3 at GPO: use another interface
	StatusConditions             Status = 0x6985 // conditions of use not satisfied
	StatusNotAllowed             Status = 0x6986 // kernel 3 at GPO: see phone
	StatusWrongData              Status = 0x6A80
	StatusFunctionNotSupported   Status = 0x6A81
	StatusFileNotFound           Status = 0x6A82
	StatusRecordNotFound         Status = 0x6A83
	StatusWrongP1P2              Status = 0x6A86
	StatusReferencedDataNotFound Status = 0x6A88
	StatusWrongP1P2NoDetail      Status = 0x6B00
	StatusInstruction            Status = 0x6D00
	StatusClass                  Status = 0x6E00
	StatusUnknown                Status = 0x6F00
)

// statusText is the one table of status words. Ranges (61xx, 6Cxx, 63Cx) are
// in Text.
var statusText = map[Status]string{
	StatusOK:                     "success",
	StatusNoInformation:          "warning: no information given",
	0x6281:                       "warning: part of the data may be corrupted",
	0x6282:                       "warning: end of file reached before Le bytes",
	StatusInvalidated:            "warning: selected file or application invalidated (blocked)",
	0x6284:                       "warning: file control information not formatted as asked",
	0x6285:                       "warning: selected file in termination state",
	0x6287:                       "warning: selected application locked (wallet not unlocked)",
	StatusAuthenticationFailed:   "authentication failed",
	0x6400:                       "execution error, state unchanged",
	0x6500:                       "execution error, state changed",
	StatusMemoryFailure:          "memory failure",
	StatusWrongLength:            "wrong length",
	0x6800:                       "function in CLA not supported",
	StatusChannelNotSupported:    "logical channel not supported",
	StatusSecureMessaging:        "secure messaging not supported",
	0x6883:                       "last command of the chain expected",
	StatusChainingNotSupported:   "command chaining not supported",
	0x6885:                       "record read past the end (seen on CB cards)",
	0x6900:                       "command not allowed",
	0x6981:                       "command incompatible with the file structure",
	StatusSecurity:               "security status not satisfied",
	StatusMethodBlocked:          "authentication method blocked",
	StatusDataInvalidated:        "referenced data invalidated (contactless GPO: use another interface)",
	StatusConditions:             "conditions of use not satisfied",
	StatusNotAllowed:             "command not allowed (contactless GPO: see phone)",
	0x6987:                       "secure messaging data object missing",
	0x6988:                       "secure messaging data object incorrect",
	0x6A00:                       "wrong P1-P2",
	StatusWrongData:              "incorrect parameters in the data field",
	StatusFunctionNotSupported:   "function not supported (SELECT: card blocked)",
	StatusFileNotFound:           "file or application not found",
	StatusRecordNotFound:         "record not found",
	0x6A84:                       "not enough memory",
	0x6A85:                       "Lc inconsistent with the TLV structure",
	StatusWrongP1P2:              "incorrect P1-P2",
	0x6A87:                       "Lc inconsistent with P1-P2",
	StatusReferencedDataNotFound: "referenced data not found",
	StatusWrongP1P2NoDetail:      "wrong P1-P2",
	StatusInstruction:            "instruction not supported or invalid",
	StatusClass:                  "class not supported",
	StatusUnknown:                "no precise diagnosis",
}

// SW1 and SW2 are the two bytes of the status word.
func (s Status) SW1() byte { return byte(s >> 8) }

// SW2 is the second byte of the status word.
func (s Status) SW2() byte { return byte(s) }

// OK is true for 9000.
func (s Status) OK() bool { return s == StatusOK }

// Warning is true for 62xx and 63xx: the command was carried out, with a
// remark.
func (s Status) Warning() bool { return s.SW1() == 0x62 || s.SW1() == 0x63 }

// Append appends the two bytes of the status word to dst.
func (s Status) Append(dst []byte) []byte { return append(dst, byte(s>>8), byte(s)) }

// Known is true for the status words that have a meaning of their own here, not
// only that of their class.
func (s Status) Known() bool {
	_, listed := statusText[s]
	return listed || s.SW1() == 0x61 || s.SW1() == 0x6C || s&0xFFF0 == 0x63C0
}

// Text describes the status word for people.
func (s Status) Text() string {
	if t, ok := statusText[s]; ok {
		return t
	}
	switch {
	case s.SW1() == 0x61:
		return fmt.Sprintf("success, %s: GET RESPONSE", count(shortNe(s.SW2()), "more byte"))
	case s.SW1() == 0x6C:
		return fmt.Sprintf("wrong Le, the answer has %s: repeat with Le %02X", count(shortNe(s.SW2()), "byte"), s.SW2())
	case s&0xFFF0 == 0x63C0:
		return fmt.Sprintf("verification failed, tries left: %d", s&0xF)
	case s.SW1() == 0x62 || s.SW1() == 0x63:
		return "warning"
	case s.SW1() == 0x64 || s.SW1() == 0x65 || s.SW1() == 0x66:
		return "execution error"
	case s.SW1() >= 0x67 && s.SW1() <= 0x6F:
		return "checking error"
	case s.SW1() == 0x90:
		return "success, application specific"
	default:
		return "unknown status word"
	}
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// String is the four hex digits.
func (s Status) String() string { return fmt.Sprintf("%04X", uint16(s)) }

// Error gives digits and text.
func (s Status) Error() string { return s.String() + " " + s.Text() }
