package emv

import (
	"fmt"
	"strconv"
)

// Tag is a BER-TLV tag of one to four bytes, its bytes read as one number:
// 9F02 is 0x9F02. EMV uses up to three bytes (EMV Book 3, Annex B1); a fourth
// is accepted because GlobalPlatform data carry it.
type Tag uint32

// maxTagBytes is what a Tag can hold.
const maxTagBytes = 4

// Tags that the code itself refers to. The dictionary knows all of them by
// name.
const (
	TagADFName              Tag = 0x4F
	TagApplicationLabel     Tag = 0x50
	TagTrack1               Tag = 0x56
	TagTrack2               Tag = 0x57
	TagPAN                  Tag = 0x5A
	TagCardholderName       Tag = 0x5F20
	TagExpirationDate       Tag = 0x5F24
	TagEffectiveDate        Tag = 0x5F25
	TagIssuerCountry        Tag = 0x5F28
	TagTransactionCurrency  Tag = 0x5F2A
	TagLanguagePreference   Tag = 0x5F2D
	TagPANSequence          Tag = 0x5F34
	TagApplicationTemplate  Tag = 0x61
	TagFCI                  Tag = 0x6F
	TagRecord               Tag = 0x70
	TagIssuerScript1        Tag = 0x71
	TagIssuerScript2        Tag = 0x72
	TagResponseFormat2      Tag = 0x77
	TagResponseFormat1      Tag = 0x80
	TagAIP                  Tag = 0x82
	TagCommandTemplate      Tag = 0x83
	TagDFName               Tag = 0x84
	TagPriority             Tag = 0x87
	TagAuthorisationCode    Tag = 0x89
	TagResponseCode         Tag = 0x8A
	TagCDOL1                Tag = 0x8C
	TagCDOL2                Tag = 0x8D
	TagCVMList              Tag = 0x8E
	TagCAIndex              Tag = 0x8F
	TagIssuerCertificate    Tag = 0x90
	TagIssuerAuthData       Tag = 0x91
	TagIssuerRemainder      Tag = 0x92
	TagSSAD                 Tag = 0x93
	TagAFL                  Tag = 0x94
	TagTVR                  Tag = 0x95
	TagTransactionDate      Tag = 0x9A
	TagTSI                  Tag = 0x9B
	TagTransactionType      Tag = 0x9C
	TagAmount               Tag = 0x9F02
	TagAmountOther          Tag = 0x9F03
	TagAUC                  Tag = 0x9F07
	TagTerminalVersion      Tag = 0x9F09
	TagIAD                  Tag = 0x9F10
	TagCodeTable            Tag = 0x9F11
	TagPreferredName        Tag = 0x9F12
	TagTokenRequestor       Tag = 0x9F19
	TagTerminalCountry      Tag = 0x9F1A
	TagTerminalFloorLimit   Tag = 0x9F1B
	TagIFDSerial            Tag = 0x9F1E
	TagTrack1Discretionary  Tag = 0x9F1F
	TagTransactionTime      Tag = 0x9F21
	TagPAR                  Tag = 0x9F24
	TagLastFour             Tag = 0x9F25
	TagCryptogram           Tag = 0x9F26
	TagCID                  Tag = 0x9F27
	TagExtendedSelection    Tag = 0x9F29
	TagKernelIdentifier     Tag = 0x9F2A
	TagIssuerExponent       Tag = 0x9F32
	TagTerminalCapabilities Tag = 0x9F33
	TagCVMResults           Tag = 0x9F34
	TagTerminalType         Tag = 0x9F35
	TagATC                  Tag = 0x9F36
	TagUnpredictableNumber  Tag = 0x9F37
	TagPDOL                 Tag = 0x9F38
	TagPOSEntryMode         Tag = 0x9F39
	TagSequenceCounter      Tag = 0x9F41
	TagApplicationCurrency  Tag = 0x9F42
	TagICCCertificate       Tag = 0x9F46
	TagICCExponent          Tag = 0x9F47
	TagICCRemainder         Tag = 0x9F48
	TagSDATagList           Tag = 0x9F4A
	TagSDAD                 Tag = 0x9F4B
	TagMerchantName         Tag = 0x9F4E
	TagOfflineBalance       Tag = 0x9F50
	TagDRDOL                Tag = 0x9F51
	TagApplicationProgramID Tag = 0x9F5A
	TagIssuerScriptResults  Tag = 0x9F5B
	TagAOSA                 Tag = 0x9F5D
	TagTTQ                  Tag = 0x9F66
	TagCardAuthData         Tag = 0x9F69
	TagCTQ                  Tag = 0x9F6C
	TagFormFactor           Tag = 0x9F6E
	TagCustomerExclusive    Tag = 0x9F7C
	TagMobileSupport        Tag = 0x9F7E
	TagFCIProprietary       Tag = 0xA5
	TagFCIDiscretionary     Tag = 0xBF0C
	TagPOSCII               Tag = 0xDF4B
)

// Tags of kernel 7, whose numbers mean other things in other kernels.
const (
	TagProductInformation Tag = 0x9F63 // card product identification information
	TagECashThreshold     Tag = 0x9F6D // electronic cash: reset threshold
	TagECashCode          Tag = 0x9F74 // issuer authorisation code
	TagECashLimit         Tag = 0x9F77 // balance limit
	TagECashMaximum       Tag = 0x9F78 // single transaction limit
	TagECashBalance       Tag = 0x9F79
	TagECashIndicator     Tag = 0x9F7A // terminal supports electronic cash
	TagECashTerminalLimit Tag = 0x9F7B
	TagSMSupport          Tag = 0xDF69 // terminal supports SM algorithms
)

// Tags of kernel 2, whose numbers mean other things in other kernels.
const (
	TagACI              Tag = 0x9F5D // application capabilities information
	TagCVC3Track1       Tag = 0x9F60
	TagCVC3Track2       Tag = 0x9F61
	TagPCVC3Track1      Tag = 0x9F62
	TagPUNATCTrack1     Tag = 0x9F63
	TagNATCTrack1       Tag = 0x9F64
	TagPCVC3Track2      Tag = 0x9F65
	TagPUNATCTrack2     Tag = 0x9F66
	TagNATCTrack2       Tag = 0x9F67
	TagMagStripeCVMList Tag = 0x9F68
	TagUDOL             Tag = 0x9F69
	TagNumericUN        Tag = 0x9F6A // unpredictable number of mag-stripe mode
	TagTrack2MagStripe  Tag = 0x9F6B
	TagThirdPartyData   Tag = 0x9F6E
)

// Constructed is true when the value holds further data objects: bit 6 of the
// first byte (EMV Book 3, B1).
func (t Tag) Constructed() bool {
	return t.first()&0x20 != 0
}

// Len is the number of bytes of the tag.
func (t Tag) Len() int {
	switch {
	case t > 0xFFFFFF:
		return 4
	case t > 0xFFFF:
		return 3
	case t > 0xFF:
		return 2
	default:
		return 1
	}
}

func (t Tag) first() byte { return byte(t >> (8 * (t.Len() - 1))) }

// Append appends the bytes of the tag to dst.
func (t Tag) Append(dst []byte) []byte {
	switch t.Len() {
	case 1:
		return append(dst, byte(t))
	case 2:
		return append(dst, byte(t>>8), byte(t))
	case 3:
		return append(dst, byte(t>>16), byte(t>>8), byte(t))
	}
	return append(dst, byte(t>>24), byte(t>>16), byte(t>>8), byte(t))
}

// String is the tag in upper-case hex.
func (t Tag) String() string { return fmt.Sprintf("%02X", uint32(t)) }

// ParseTag reads a tag written in hex, such as "9F02". The bytes must form
// exactly one well-formed tag.
func ParseTag(hex string) (Tag, error) {
	if len(hex) == 0 || len(hex)%2 != 0 || len(hex) > 2*maxTagBytes {
		return 0, fmt.Errorf("tag %q: want 1 to %d bytes in hex", hex, maxTagBytes)
	}
	v, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("tag %q: not hex", hex)
	}
	raw := make([]byte, len(hex)/2)
	for i := range raw {
		raw[i] = byte(v >> (8 * (len(raw) - 1 - i)))
	}
	t, n, reason := readTag(raw)
	if reason != "" || n != len(raw) || t == 0 {
		return 0, fmt.Errorf("tag %q: not one whole tag", hex)
	}
	return t, nil
}

// readTag reads the tag at the start of b. A non-empty reason says why there
// is none. EMV allows second bytes below 1F (9F02), which X.690 does not. Tags of
// FF and 00 alone, such as FF00, are refused: an empty object of that name is
// three bytes of padding to whoever reads it next.
func readTag(b []byte) (t Tag, n int, reason string) {
	if len(b) == 0 {
		return 0, 0, "no tag"
	}
	t = Tag(b[0])
	if b[0]&0x1F != 0x1F {
		return t, 1, ""
	}
	for n = 1; n < len(b); n++ {
		if n == maxTagBytes {
			return 0, n, "tag longer than 4 bytes"
		}
		t = t<<8 | Tag(b[n])
		if b[n]&0x80 != 0 {
			continue
		}
		if fillOnly(b[:n+1]) {
			return 0, n + 1, "bytes FF and 00, which are padding, in the place of a tag"
		}
		return t, n + 1, ""
	}
	return 0, n, "data end inside a tag"
}
