package emv

// A bit of a bit field is written as its byte, counted from 1, in the high
// half and its mask in the low half: byte 2, bit 7 is 0x0240. The books count
// bits from 8 (0x80) down to 1 (0x01).
func hasBit(field []byte, bit uint16) bool {
	return field[bit>>8-1]&byte(bit) != 0
}

func setBit(field []byte, bit uint16, on bool) {
	if on {
		field[bit>>8-1] |= byte(bit)
	} else {
		field[bit>>8-1] &^= byte(bit)
	}
}

// TTQ is the terminal transaction qualifiers, tag 9F66 in kernels 3, 6 and 7
// (EMV Book A, 5.7).
type TTQ [4]byte

// TTQBit is one bit of the TTQ.
type TTQBit uint16

// Bits of the TTQ.
const (
	TTQMagStripe        TTQBit = 0x0180
	TTQEMVMode          TTQBit = 0x0120
	TTQContact          TTQBit = 0x0110
	TTQOfflineOnly      TTQBit = 0x0108
	TTQOnlinePIN        TTQBit = 0x0104
	TTQSignature        TTQBit = 0x0102
	TTQODAForOnline     TTQBit = 0x0101
	TTQOnlineCryptogram TTQBit = 0x0280
	TTQCVMRequired      TTQBit = 0x0240
	TTQOfflinePIN       TTQBit = 0x0220
	TTQIssuerUpdate     TTQBit = 0x0380
	TTQConsumerDevice   TTQBit = 0x0340
	TTQFDDA1            TTQBit = 0x0480 // kernel 7
)

// Has is true when the bit is set.
func (t TTQ) Has(b TTQBit) bool { return hasBit(t[:], uint16(b)) }

// Set sets or clears the bit.
func (t *TTQ) Set(b TTQBit, on bool) { setBit(t[:], uint16(b), on) }

// CTQ is the card transaction qualifiers, tag 9F6C in kernels 3 and 7.
type CTQ [2]byte

// CTQBit is one bit of the CTQ.
type CTQBit uint16

// Bits of the CTQ.
const (
	CTQOnlinePIN          CTQBit = 0x0180
	CTQSignature          CTQBit = 0x0140
	CTQOnlineIfODAFails   CTQBit = 0x0120
	CTQSwitchIfODAFails   CTQBit = 0x0110
	CTQOnlineIfExpired    CTQBit = 0x0108
	CTQSwitchForCash      CTQBit = 0x0104
	CTQSwitchForCashback  CTQBit = 0x0102
	CTQNotValidAtATM      CTQBit = 0x0101
	CTQConsumerDeviceDone CTQBit = 0x0280
	CTQIssuerUpdate       CTQBit = 0x0240
)

// Has is true when the bit is set.
func (c CTQ) Has(b CTQBit) bool { return hasBit(c[:], uint16(b)) }

// Set sets or clears the bit.
func (c *CTQ) Set(b CTQBit, on bool) { setBit(c[:], uint16(b), on) }

// AIP is the application interchange profile, tag 82 (EMV Book 3, C1).
type AIP [2]byte

// AIPBit is one bit of the AIP.
type AIPBit uint16

// Bits of the AIP.
const (
	AIPSDA                    AIPBit = 0x0140
	AIPDDA                    AIPBit = 0x0120
	AIPCardholderVerification AIPBit = 0x0110
	AIPTerminalRisk           AIPBit = 0x0108
	AIPIssuerAuthentication   AIPBit = 0x0104
	AIPOnDeviceCVM            AIPBit = 0x0102
	AIPCDA                    AIPBit = 0x0101
	AIPEMVMode                AIPBit = 0x0280 // kernel 2
	AIPMagStripe              AIPBit = 0x0280 // kernel 3, of old: mag-stripe mode (MSD)
	AIPRelayResistance        AIPBit = 0x0201
)

// Has is true when the bit is set.
func (a AIP) Has(b AIPBit) bool { return hasBit(a[:], uint16(b)) }

// Set sets or clears the bit.
func (a *AIP) Set(b AIPBit, on bool) { setBit(a[:], uint16(b), on) }

// TVR is the terminal verification results, tag 95 (EMV Book 3, C5; contactless
// relay resistance bits from Book C-2).
type TVR [5]byte

// TVRBit is one bit of the TVR.
type TVRBit uint16

// Bits of the TVR.
const (
	TVRODANotPerformed       TVRBit = 0x0180
	TVRSDAFailed             TVRBit = 0x0140
	TVRICCDataMissing        TVRBit = 0x0120
	TVRExceptionFile         TVRBit = 0x0110
	TVRDDAFailed             TVRBit = 0x0108
	TVRCDAFailed             TVRBit = 0x0104
	TVRSDASelected           TVRBit = 0x0102
	TVRVersionsDiffer        TVRBit = 0x0280
	TVRExpired               TVRBit = 0x0240
	TVRNotYetEffective       TVRBit = 0x0220
	TVRServiceNotAllowed     TVRBit = 0x0210
	TVRNewCard               TVRBit = 0x0208
	TVRCardholderNotVerified TVRBit = 0x0380
	TVRUnrecognisedCVM       TVRBit = 0x0340
	TVRPINTriesExceeded      TVRBit = 0x0320
	TVRPINPadAbsent          TVRBit = 0x0310
	TVRPINNotEntered         TVRBit = 0x0308
	TVROnlinePINEntered      TVRBit = 0x0304
	TVRFloorLimitExceeded    TVRBit = 0x0480
	TVRLowerLimitExceeded    TVRBit = 0x0440
	TVRUpperLimitExceeded    TVRBit = 0x0420
	TVRRandomOnline          TVRBit = 0x0410
	TVRMerchantForcedOnline  TVRBit = 0x0408
	TVRDefaultTDOL           TVRBit = 0x0580
	TVRIssuerAuthFailed      TVRBit = 0x0540
	TVRScriptFailedBeforeAC  TVRBit = 0x0520
	TVRScriptFailedAfterAC   TVRBit = 0x0510
	TVRRelayThreshold        TVRBit = 0x0508
	TVRRelayTimeLimits       TVRBit = 0x0504
	TVRRelayPerformed        TVRBit = 0x0502
	TVRRelayNotPerformed     TVRBit = 0x0501
)

// Has is true when the bit is set.
func (t TVR) Has(b TVRBit) bool { return hasBit(t[:], uint16(b)) }

// Set sets or clears the bit.
func (t *TVR) Set(b TVRBit, on bool) { setBit(t[:], uint16(b), on) }

// CryptogramType is what an application cryptogram says: bits 8-7 of the CID,
// tag 9F27 (EMV Book 3, Table 15).
type CryptogramType byte

// The three cryptograms, and the value no card may send.
const (
	AAC  CryptogramType = 0x00 // declined
	TC   CryptogramType = 0x40 // approved offline
	ARQC CryptogramType = 0x80 // go online
	RFU  CryptogramType = 0xC0
)

// CryptogramTypeOf reads the type from the CID byte.
func CryptogramTypeOf(cid byte) CryptogramType { return CryptogramType(cid & 0xC0) }

// String is the name in the books.
func (c CryptogramType) String() string {
	switch c {
	case AAC:
		return "AAC"
	case TC:
		return "TC"
	case ARQC:
		return "ARQC"
	default:
		return "RFU"
	}
}
