package emv

import "fmt"

// CVMMethod is a cardholder verification method: bits 6-1 of the first byte of
// a CVM rule (EMV Book 3, Annex C3).
type CVMMethod byte

// Cardholder verification methods.
const (
	CVMFail                   CVMMethod = 0x00
	CVMPlaintextPIN           CVMMethod = 0x01
	CVMOnlinePIN              CVMMethod = 0x02
	CVMPlaintextPINSignature  CVMMethod = 0x03
	CVMEncipheredPIN          CVMMethod = 0x04
	CVMEncipheredPINSignature CVMMethod = 0x05
	CVMFacialOffline          CVMMethod = 0x06
	CVMFacialOnline           CVMMethod = 0x07
	CVMFingerOffline          CVMMethod = 0x08
	CVMFingerOnline           CVMMethod = 0x09
	CVMPalmOffline            CVMMethod = 0x0A
	CVMPalmOnline             CVMMethod = 0x0B
	CVMIrisOffline            CVMMethod = 0x0C
	CVMIrisOnline             CVMMethod = 0x0D
	CVMVoiceOffline           CVMMethod = 0x0E
	CVMVoiceOnline            CVMMethod = 0x0F
	CVMSignature              CVMMethod = 0x1E
	CVMNone                   CVMMethod = 0x1F
	CVMNotPerformed           CVMMethod = 0x3F // in CVM results only
	cvmMethodMask                       = 0x3F
	cvmApplyNext                        = 0x40
)

var cvmMethodNames = map[CVMMethod]string{
	CVMFail:                   "fail CVM processing",
	CVMPlaintextPIN:           "plaintext PIN checked by the card",
	CVMOnlinePIN:              "enciphered PIN checked online",
	CVMPlaintextPINSignature:  "plaintext PIN checked by the card, and signature",
	CVMEncipheredPIN:          "enciphered PIN checked by the card",
	CVMEncipheredPINSignature: "enciphered PIN checked by the card, and signature",
	CVMFacialOffline:          "facial biometric checked offline",
	CVMFacialOnline:           "facial biometric checked online",
	CVMFingerOffline:          "finger biometric checked offline",
	CVMFingerOnline:           "finger biometric checked online",
	CVMPalmOffline:            "palm biometric checked offline",
	CVMPalmOnline:             "palm biometric checked online",
	CVMIrisOffline:            "iris biometric checked offline",
	CVMIrisOnline:             "iris biometric checked online",
	CVMVoiceOffline:           "voice biometric checked offline",
	CVMVoiceOnline:            "voice biometric checked online",
	CVMSignature:              "signature",
	CVMNone:                   "no CVM required",
	CVMNotPerformed:           "no CVM performed",
}

// String is the method in words.
func (m CVMMethod) String() string {
	switch name, known := cvmMethodNames[m]; {
	case known:
		return name
	case m >= 0x20 && m <= 0x2F:
		return fmt.Sprintf("method %02X of the payment system", byte(m))
	case m >= 0x30 && m <= 0x3E:
		return fmt.Sprintf("method %02X of the issuer", byte(m))
	default:
		return fmt.Sprintf("reserved method %02X", byte(m))
	}
}

// CVMCondition says when a CVM rule applies: the second byte of a rule (EMV
// Book 3, Annex C3).
type CVMCondition byte

// Conditions of CVM rules.
const (
	CVMAlways             CVMCondition = 0x00
	CVMUnattendedCash     CVMCondition = 0x01
	CVMNotCashNorCashback CVMCondition = 0x02
	CVMTerminalSupports   CVMCondition = 0x03
	CVMManualCash         CVMCondition = 0x04
	CVMCashback           CVMCondition = 0x05
	CVMUnderX             CVMCondition = 0x06
	CVMOverX              CVMCondition = 0x07
	CVMUnderY             CVMCondition = 0x08
	CVMOverY              CVMCondition = 0x09
)

var cvmConditionNames = [...]string{
	"always", "if unattended cash", "if not unattended cash, not manual cash and not purchase with cashback",
	"if the terminal supports it", "if manual cash", "if purchase with cashback",
	"if in the application currency and under X", "if in the application currency and over X",
	"if in the application currency and under Y", "if in the application currency and over Y",
}

// String is the condition in words.
func (c CVMCondition) String() string {
	switch {
	case int(c) < len(cvmConditionNames):
		return cvmConditionNames[c]
	case c >= 0x80:
		return fmt.Sprintf("condition %02X of the payment system", byte(c))
	default:
		return fmt.Sprintf("reserved condition %02X", byte(c))
	}
}

// CVMRule is one rule of a CVM list. Code is the first byte as it stands.
type CVMRule struct {
	Code      byte
	Condition CVMCondition
}

// Method is the method of the rule.
func (r CVMRule) Method() CVMMethod { return CVMMethod(r.Code & cvmMethodMask) }

// ApplyNext is true when the next rule is tried after this one failed.
func (r CVMRule) ApplyNext() bool { return r.Code&cvmApplyNext != 0 }

// String is the rule in words.
func (r CVMRule) String() string {
	next := "otherwise fail"
	if r.ApplyNext() {
		next = "otherwise the next rule"
	}
	return r.Method().String() + ", " + r.Condition.String() + "; " + next
}

// CVMList is the list of a card's verification methods, tag 8E (EMV Book 3,
// 10.5). X and Y are amounts in minor units of the application currency.
type CVMList struct {
	X, Y  uint32
	Rules []CVMRule
}

// ParseCVMList reads the value of tag 8E: two amounts of four bytes, then
// rules of two. A list without rules is legal here; kernels treat it as
// missing. Other lengths are a *TLVError.
func ParseCVMList(b []byte) (CVMList, error) {
	if len(b) < 8 {
		return CVMList{}, &TLVError{len(b), fmt.Sprintf("CVM list of %s has no amounts X and Y", count(len(b), "byte"))}
	}
	if len(b)%2 != 0 {
		return CVMList{}, &TLVError{len(b) - 1, "CVM list: half a rule"}
	}
	l := CVMList{X: bigEndian(b[:4]), Y: bigEndian(b[4:8])}
	for i := 8; i < len(b); i += 2 {
		l.Rules = append(l.Rules, CVMRule{b[i], CVMCondition(b[i+1])})
	}
	return l, nil
}

// Append appends the coded list to dst.
func (l CVMList) Append(dst []byte) []byte {
	dst = append(dst, byte(l.X>>24), byte(l.X>>16), byte(l.X>>8), byte(l.X))
	dst = append(dst, byte(l.Y>>24), byte(l.Y>>16), byte(l.Y>>8), byte(l.Y))
	for _, r := range l.Rules {
		dst = append(dst, r.Code, byte(r.Condition))
	}
	return dst
}

// CVMResults is what the terminal did about verification, tag 9F34 (EMV Book
// 4, Annex A4): the code and condition of the rule performed, and the result.
type CVMResults [3]byte

// Results of a verification, byte 3 of the CVM results.
const (
	CVMUnknown    byte = 0x00 // such as an online PIN, or a signature
	CVMFailed     byte = 0x01
	CVMSuccessful byte = 0x02
)

// Method is the method performed.
func (r CVMResults) Method() CVMMethod { return CVMMethod(r[0] & cvmMethodMask) }

// Condition is the condition of the rule performed.
func (r CVMResults) Condition() CVMCondition { return CVMCondition(r[1]) }

// Result is CVMUnknown, CVMFailed or CVMSuccessful.
func (r CVMResults) Result() byte { return r[2] }

// String is the result in words.
func (r CVMResults) String() string {
	result := fmt.Sprintf("reserved result %02X", r[2])
	switch r[2] {
	case CVMUnknown:
		result = "result unknown to the terminal"
	case CVMFailed:
		result = "failed"
	case CVMSuccessful:
		result = "successful"
	}
	if r.Method() == CVMNotPerformed {
		return r.Method().String() + ", " + result
	}
	return r.Method().String() + ", " + r.Condition().String() + ": " + result
}

func bigEndian(b []byte) uint32 {
	var v uint32
	for _, c := range b {
		v = v<<8 | uint32(c)
	}
	return v
}
