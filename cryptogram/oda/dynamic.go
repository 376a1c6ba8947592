package oda

import "slices"

// Lengths of an ICC dynamic number (EMV Book 2, 6.5.1).
const (
	minDynamicNumber = 2
	maxDynamicNumber = 8
)

// SignDDA makes signed dynamic application data (tag 9F4B) with the card's key
// over an ICC dynamic number of 2 to 8 bytes and the values of the DDOL (EMV
// Book 2, 6.5.1).
func SignDDA(icc Signer, number, ddolValues []byte) ([]byte, error) {
	return signDynamic(icc, FormatDDA, number, nil, ddolValues)
}

// SignFDDA makes the signature of a fast DDA (kernels 3 and 7): number is the
// ATC, the other arguments are as VerifyFDDA takes them.
func SignFDDA(icc Signer, number, un, amount, currency, cardAuth []byte) ([]byte, error) {
	format, terminal, err := fastDDA(un, amount, currency, cardAuth)
	if err != nil {
		return nil, err
	}
	return signDynamic(icc, format, number, nil, terminal...)
}

// SignCDA makes the combined signature of an answer (EMV Book 2, 6.6.1) of c's
// DynamicNumber, CID, Cryptogram and More, over the bytes that travelled.
func SignCDA(icc Signer, c CDA, data CDAData) ([]byte, error) {
	hash := data.transactionHash()
	rest := slices.Concat([]byte{c.CID}, c.Cryptogram[:], hash[:], c.More)
	return signDynamic(icc, FormatDDA, c.DynamicNumber, rest, data.UnpredictableNumber)
}

// signDynamic signs ICC dynamic data: the dynamic number with its length, and
// rest.
func signDynamic(icc Signer, format byte, number, rest []byte, terminal ...[]byte) ([]byte, error) {
	if len(number) < minDynamicNumber || len(number) > maxDynamicNumber {
		return nil, fail(dynamicSignature, FaultLength, "ICC dynamic number of %d bytes, want %d to %d", len(number), minDynamicNumber, maxDynamicNumber)
	}
	data := slices.Concat([]byte{byte(len(number))}, number, rest)
	return sign(icc, dynamicSignature, slices.Concat([]byte{format, 0x01, byte(len(data))}, data), terminal...)
}
