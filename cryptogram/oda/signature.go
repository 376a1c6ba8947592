package oda

import (
	"bytes"
	"crypto/sha1"

	"tapsim/emv"
)

// Names of the objects in errors.
const (
	staticSignature  = "signed static application data"
	dynamicSignature = "signed dynamic application data"
)

// StaticSignature is signed static application data (tag 93), recovered.
type StaticSignature struct {
	Recovered              []byte
	DataAuthenticationCode [2]byte
	Hash                   [20]byte
}

// RecoverStatic recovers signed static application data with the issuer's key
// and checks its form (EMV Book 2, 5.4). Verify checks the hash.
func RecoverStatic(issuer *Key, signed []byte) (*StaticSignature, error) {
	f, err := issuer.recover(staticSignature, signed, 0x03, 2)
	if err != nil {
		return nil, err
	}
	return &StaticSignature{Recovered: f, DataAuthenticationCode: [2]byte(f[3:5]), Hash: [20]byte(f.hash())}, nil
}

// Verify checks the hash over the card's static data: SDA is successful.
func (s *StaticSignature) Verify(static []byte) error {
	return frame(s.Recovered).verify(staticSignature, static)
}

// Signed data formats of dynamic signatures.
const (
	FormatDDA  = 0x05 // DDA, CDA and fDDA version 00
	FormatFDDA = 0x95 // fDDA version 01
)

// DynamicSignature is signed dynamic application data (tag 9F4B), recovered.
type DynamicSignature struct {
	Recovered   []byte
	DynamicData []byte // ICC dynamic data; aliases Recovered
	Hash        [20]byte
}

// RecoverDynamic recovers signed dynamic application data with the card's key
// and checks its form. format is FormatDDA or FormatFDDA. Verify checks the
// hash.
func RecoverDynamic(icc *Key, signed []byte, format byte) (*DynamicSignature, error) {
	f, err := icc.recover(dynamicSignature, signed, format, 2)
	if err != nil {
		return nil, err
	}
	length, field := int(f[3]), f[4:len(f)-21]
	if length > len(field) {
		return nil, fail(dynamicSignature, FaultLength, "says %d bytes of dynamic data, %d fit", length, len(field))
	}
	return &DynamicSignature{Recovered: f, DynamicData: field[:length:length], Hash: [20]byte(f.hash())}, nil
}

// Verify checks the hash over the terminal's data.
func (s *DynamicSignature) Verify(terminalData ...[]byte) error {
	return frame(s.Recovered).verify(dynamicSignature, terminalData...)
}

// DynamicNumber is the ICC dynamic number: what the first byte of the dynamic
// data says the length of.
func (s *DynamicSignature) DynamicNumber() ([]byte, error) {
	d := s.DynamicData
	if len(d) == 0 || int(d[0]) > len(d)-1 {
		return nil, fail(dynamicSignature, FaultLength, "%d bytes of dynamic data hold no ICC dynamic number", len(d))
	}
	return d[1 : 1+int(d[0])], nil
}

// VerifyDDA verifies a signature over the values of the DDOL (EMV Book 2,
// 6.5.2).
func VerifyDDA(icc *Key, signed, ddolValues []byte) (*DynamicSignature, error) {
	return verifyDynamic(icc, signed, FormatDDA, ddolValues)
}

func verifyDynamic(icc *Key, signed []byte, format byte, terminalData ...[]byte) (*DynamicSignature, error) {
	s, err := RecoverDynamic(icc, signed, format)
	if err != nil {
		return nil, err
	}
	if err := s.Verify(terminalData...); err != nil {
		return nil, err
	}
	return s, nil
}

// VerifyFDDA verifies the signature of a fast DDA (kernels 3 and 7). cardAuth
// is tag 9F69, whose first byte is the version: version 01 signs 9F37, 9F02,
// 5F2A and 9F69 in format 95. Version 00, or no 9F69, signs 9F37 alone in
// format 05. Other versions are a FaultFormat.
func VerifyFDDA(icc *Key, signed, un, amount, currency, cardAuth []byte) (*DynamicSignature, error) {
	format, terminal, err := fastDDA(un, amount, currency, cardAuth)
	if err != nil {
		return nil, err
	}
	return verifyDynamic(icc, signed, format, terminal...)
}

// fastDDA is the format of a fast DDA and the terminal's data that it signs.
func fastDDA(un, amount, currency, cardAuth []byte) (format byte, terminal [][]byte, err error) {
	switch {
	case len(cardAuth) == 0 || cardAuth[0] == 0x00:
		return FormatDDA, [][]byte{un}, nil
	case cardAuth[0] != 0x01:
		return 0, nil, fail(dynamicSignature, FaultFormat, "fDDA version %02X, want 00 or 01", cardAuth[0])
	case len(cardAuth) < 5 || len(cardAuth) > 16:
		return 0, nil, fail(dynamicSignature, FaultLength, "card authentication related data of %d bytes, want 5 to 16", len(cardAuth))
	}
	return FormatFDDA, [][]byte{un, amount, currency, cardAuth}, nil
}

// CDAData is what a combined signature covers: exactly the bytes that
// travelled. A re-encoding that changes one breaks it.
type CDAData struct {
	UnpredictableNumber []byte // 9F37
	PDOL, CDOL1, CDOL2  []byte // values as sent; CDOL2 in the second GENERATE AC only
	Response            []byte // the data objects of the answer in order, without 9F4B
}

// transactionHash is the transaction data hash code.
func (d CDAData) transactionHash() [20]byte {
	h := sha1.New()
	for _, b := range [][]byte{d.PDOL, d.CDOL1, d.CDOL2, d.Response} {
		h.Write(b)
	}
	return [20]byte(h.Sum(nil))
}

// CDA is what a combined signature carries.
type CDA struct {
	*DynamicSignature
	DynamicNumber   []byte
	CID             byte
	Cryptogram      [8]byte
	TransactionHash [20]byte
	More            []byte // data storage summaries, relay resistance data
}

// VerifyCDA verifies a combined signature: hash, transaction data hash code and
// the cryptogram type that the card said outside (EMV Book 2, 6.6.2).
func VerifyCDA(icc *Key, signed []byte, data CDAData) (*CDA, error) {
	c, err := RecoverCDA(icc, signed)
	if err != nil {
		return nil, err
	}
	if err := c.Verify(data.UnpredictableNumber); err != nil {
		return nil, err
	}
	if sum := data.transactionHash(); sum != c.TransactionHash {
		return nil, fail(dynamicSignature, FaultHash, "transaction data hash is %X, the signature holds %X", sum, c.TransactionHash)
	}
	if cid, ok := emv.Find(data.Response, emv.TagCID); ok && !bytes.Equal(cid, []byte{c.CID}) {
		return nil, fail(dynamicSignature, FaultMismatch, "cryptogram information data %X outside, %02X in the signature", cid, c.CID)
	}
	return c, nil
}

// RecoverCDA recovers a combined signature and takes its dynamic data apart.
func RecoverCDA(icc *Key, signed []byte) (*CDA, error) {
	s, err := RecoverDynamic(icc, signed, FormatDDA)
	if err != nil {
		return nil, err
	}
	idn, err := s.DynamicNumber()
	if err != nil {
		return nil, err
	}
	rest := s.DynamicData[1+len(idn):]
	if len(rest) < 29 {
		return nil, fail(dynamicSignature, FaultLength, "%d bytes of dynamic data hold no cryptogram and transaction data hash", len(s.DynamicData))
	}
	return &CDA{
		DynamicSignature: s, DynamicNumber: idn, CID: rest[0], Cryptogram: [8]byte(rest[1:9]),
		TransactionHash: [20]byte(rest[9:29]), More: rest[29:],
	}, nil
}

// WithoutSignature is the content of a response template without tag 9F4B, the
// other bytes as they came.
func WithoutSignature(content []byte) ([]byte, error) {
	out := make([]byte, 0, len(content))
	s := emv.Scan(content)
	from := 0
	for s.Next() {
		o := s.Object()
		end := o.Offset + len(o.Header) + len(o.Value)
		if o.Tag != emv.TagSDAD {
			out = append(out, content[from:end]...)
		}
		from = end
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	return append(out, content[from:]...), nil
}
