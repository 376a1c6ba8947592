package emv

// FFI is the form factor indicator, tag 9F6E of kernel 3.
type FFI [4]byte

// FFIBit is one bit of the form factor indicator.
type FFIBit uint16

// Bits of the form factor indicator: what the consumer device can do.
const (
	FFIPasscode         FFIBit = 0x0280
	FFISignaturePanel   FFIBit = 0x0240
	FFIHologram         FFIBit = 0x0220
	FFICVV2             FFIBit = 0x0210
	FFITwoWayMessaging  FFIBit = 0x0208
	FFICloudCredentials FFIBit = 0x0204
	FFIBiometric        FFIBit = 0x0202
)

// Has is true when the bit is set.
func (f FFI) Has(b FFIBit) bool { return hasBit(f[:], uint16(b)) }

// Set sets or clears the bit.
func (f *FFI) Set(b FFIBit, on bool) { setBit(f[:], uint16(b), on) }

// FormFactor is the kind of consumer device: bits 5-1 of the first byte of the
// form factor indicator.
type FormFactor byte

// Form factors. Zero is a card: that is what the wire says.
const (
	FormCard     FormFactor = 0
	FormMiniCard FormFactor = 1
	FormOther    FormFactor = 2
	FormPhone    FormFactor = 3
	FormWrist    FormFactor = 4
)

// Form is the kind of consumer device.
func (f FFI) Form() FormFactor { return FormFactor(f[0] & 0x1F) }

// TSI is the transaction status information, tag 9B (EMV Book 3, Annex C6).
type TSI [2]byte

// TSIBit is one bit of the TSI.
type TSIBit uint16

// Bits of the TSI.
const (
	TSIODAPerformed           TSIBit = 0x0180
	TSICardholderVerification TSIBit = 0x0140
	TSICardRiskManagement     TSIBit = 0x0120
	TSIIssuerAuthentication   TSIBit = 0x0110
	TSITerminalRiskManagement TSIBit = 0x0108
	TSIScriptProcessing       TSIBit = 0x0104
)

// Has is true when the bit is set.
func (t TSI) Has(b TSIBit) bool { return hasBit(t[:], uint16(b)) }

// Set sets or clears the bit.
func (t *TSI) Set(b TSIBit, on bool) { setBit(t[:], uint16(b), on) }
