package emv

import "fmt"

// TerminalType is tag 9F35: two decimal digits, written as BCD (EMV Book 4,
// Annex A1).
type TerminalType byte

// Valid is true for the eighteen types of the book: operator 1 to 3, kind 1 to
// 6, but no attended terminal under the cardholder's control.
func (t TerminalType) Valid() bool {
	operator, kind := t>>4, t&0xF
	return operator >= 1 && operator <= 3 && kind >= 1 && kind <= 6 && !(operator == 3 && kind < 4)
}

// Attended is true when an attendant serves the terminal.
func (t TerminalType) Attended() bool { return t.Valid() && t&0xF <= 3 }

// OnlineOnly is true for terminals that approve nothing on their own.
func (t TerminalType) OnlineOnly() bool { return t.Valid() && (t&0xF == 1 || t&0xF == 4) }

// OfflineOnly is true for terminals that never go online.
func (t TerminalType) OfflineOnly() bool { return t.Valid() && (t&0xF == 3 || t&0xF == 6) }

// CashDispenser is true for an unattended terminal of a financial institution
// that gives cash: with additional terminal capabilities that name cash it is
// an ATM (EMV Book 4, Annex A1).
func (t TerminalType) CashDispenser(c AdditionalCapabilities) bool {
	return t >= 0x14 && t <= 0x16 && c.Has(AdditionalCash)
}

// String is the type in words.
func (t TerminalType) String() string {
	if !t.Valid() {
		return fmt.Sprintf("no terminal type of the book: %02X", byte(t))
	}
	operator := [...]string{"financial institution", "merchant", "cardholder"}[t>>4-1]
	kind := [...]string{
		"attended, online only", "attended, offline with online capability", "attended, offline only",
		"unattended, online only", "unattended, offline with online capability", "unattended, offline only",
	}[t&0xF-1]
	return operator + ", " + kind
}

// TerminalCapabilities is tag 9F33 (EMV Book 4, Annex A2): card data input,
// CVM and security capability, a byte each.
type TerminalCapabilities [3]byte

// TerminalCapability is one bit of the terminal capabilities.
type TerminalCapability uint16

// Bits of the terminal capabilities.
const (
	CapabilityManualEntry   TerminalCapability = 0x0180
	CapabilityStripe        TerminalCapability = 0x0140
	CapabilityContact       TerminalCapability = 0x0120
	CapabilityPlaintextPIN  TerminalCapability = 0x0280
	CapabilityOnlinePIN     TerminalCapability = 0x0240
	CapabilitySignature     TerminalCapability = 0x0220
	CapabilityEncipheredPIN TerminalCapability = 0x0210
	CapabilityNoCVM         TerminalCapability = 0x0208
	CapabilitySDA           TerminalCapability = 0x0380
	CapabilityDDA           TerminalCapability = 0x0340
	CapabilityCardCapture   TerminalCapability = 0x0320
	CapabilityCDA           TerminalCapability = 0x0308
)

// Has is true when the bit is set.
func (c TerminalCapabilities) Has(b TerminalCapability) bool { return hasBit(c[:], uint16(b)) }

// Set sets or clears the bit.
func (c *TerminalCapabilities) Set(b TerminalCapability, on bool) { setBit(c[:], uint16(b), on) }

// AdditionalCapabilities is tag 9F40 (EMV Book 4, Annex A3): transaction types
// (two bytes), input, and output (two bytes).
type AdditionalCapabilities [5]byte

// AdditionalCapability is one bit of the additional terminal capabilities.
type AdditionalCapability uint16

// Bits of the additional terminal capabilities.
const (
	AdditionalCash           AdditionalCapability = 0x0180
	AdditionalGoods          AdditionalCapability = 0x0140
	AdditionalServices       AdditionalCapability = 0x0120
	AdditionalCashback       AdditionalCapability = 0x0110
	AdditionalInquiry        AdditionalCapability = 0x0108
	AdditionalTransfer       AdditionalCapability = 0x0104
	AdditionalPayment        AdditionalCapability = 0x0102
	AdditionalAdministrative AdditionalCapability = 0x0101
	AdditionalCashDeposit    AdditionalCapability = 0x0280
	AdditionalNumericKeys    AdditionalCapability = 0x0380
	AdditionalAlphaKeys      AdditionalCapability = 0x0340
	AdditionalCommandKeys    AdditionalCapability = 0x0320
	AdditionalFunctionKeys   AdditionalCapability = 0x0310
	AdditionalPrintAttendant AdditionalCapability = 0x0480
	AdditionalPrintCustomer  AdditionalCapability = 0x0440
	AdditionalShowAttendant  AdditionalCapability = 0x0420
	AdditionalShowCustomer   AdditionalCapability = 0x0410
	AdditionalCodeTable1     AdditionalCapability = 0x0501
)

// Has is true when the bit is set.
func (c AdditionalCapabilities) Has(b AdditionalCapability) bool { return hasBit(c[:], uint16(b)) }

// Set sets or clears the bit.
func (c *AdditionalCapabilities) Set(b AdditionalCapability, on bool) { setBit(c[:], uint16(b), on) }

// CodeTable is true when the terminal can show ISO 8859 part n, 1 to 10: the
// parts that tag 9F11 may name.
func (c AdditionalCapabilities) CodeTable(n int) bool {
	switch {
	case n >= 1 && n <= 8:
		return c[4]>>(n-1)&1 == 1
	case n == 9 || n == 10:
		return c[3]>>(n-9)&1 == 1
	default:
		return false
	}
}
