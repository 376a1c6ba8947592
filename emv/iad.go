package emv

import "fmt"

// IADFormat names a layout of issuer application data.
type IADFormat byte

// Layouts of tag 9F10.
const (
	IADVisa013 IADFormat = iota + 1 // 06 DKI CVN CVR(4) [IDD]
	IADVisa24                       // 1F CVN DKI CVR(5) IDD(24)
	IADMChip                        // DKI CVN CVR(6) DAC/IDN(2) counters
	IADCCD                          // 0F CCI DKI CVR(5) counters(8) 0F IDD(15), CCI of format code A
	IADPBOC                         // 07 DKI CVN CVR(4) algorithm [IDD]
	IADInterac                      // 15 DKI CVN ...
	IADJCB                          // 07 DKI CVN CVR(5)
)

var iadFormatNames = map[IADFormat]string{
	IADVisa013: "Visa 0/1/3", IADVisa24: "Visa 2 or 4", IADMChip: "M/Chip", IADCCD: "EMV CCD format A",
	IADPBOC: "PBOC", IADInterac: "Interac", IADJCB: "JCB",
}

// String is the name of the layout.
func (f IADFormat) String() string { return iadFormatNames[f] }

// IAD is issuer application data, tag 9F10, taken apart. Slices alias the
// value parsed; what a layout does not have is nil.
type IAD struct {
	Format    IADFormat
	DKI       byte   // derivation key index
	CVN       byte   // cryptogram version number; the common core identifier in CCD
	CVR       []byte // card verification results, with their length byte where the layout has one
	DACIDN    []byte // M/Chip: data authentication code or ICC dynamic number
	Counters  []byte // M/Chip and CCD
	Algorithm byte   // PBOC: 01 3DES, 04 SM4
	IDD       []byte // issuer discretionary data, with its length byte where the layout has one
}

// ParseIAD recognises the layout by its shape; scheme, when known, settles
// shapes that two schemes share. A shape that none of the layouts has is an
// error.
func ParseIAD(scheme Scheme, b []byte) (IAD, error) {
	switch f := iadFormat(scheme, b); f {
	case IADVisa013:
		return IAD{Format: f, DKI: b[1], CVN: b[2], CVR: b[3:7], IDD: tail(b, 7)}, nil
	case IADVisa24:
		return IAD{Format: f, CVN: b[1], DKI: b[2], CVR: b[3:8], IDD: b[8:]}, nil
	case IADCCD:
		return IAD{Format: f, CVN: b[1], DKI: b[2], CVR: b[3:8], Counters: b[8:16], IDD: b[16:]}, nil
	case IADPBOC:
		return IAD{Format: f, DKI: b[1], CVN: b[2], CVR: b[3:7], Algorithm: b[7], IDD: tail(b, 8)}, nil
	case IADJCB:
		return IAD{Format: f, DKI: b[1], CVN: b[2], CVR: b[3:8], IDD: tail(b, 8)}, nil
	case IADInterac:
		return IAD{Format: f, DKI: b[1], CVN: b[2], CVR: b[3:8], IDD: tail(b, 8)}, nil
	case IADMChip:
		return IAD{Format: f, DKI: b[0], CVN: b[1], CVR: b[2:8], DACIDN: b[8:10], Counters: b[10:]}, nil
	}
	return IAD{}, fmt.Errorf("issuer application data of %s has no known layout", count(len(b), "byte"))
}

func iadFormat(scheme Scheme, b []byte) IADFormat {
	n := len(b)
	switch {
	case n < 7 || n > 32:
		return 0
	case scheme == SchemeMastercard:
		return mchipFormat(b)
	case b[0] == 0x06 && b[3] == 0x03:
		return IADVisa013
	case b[0] == 0x1F && n == 32:
		return IADVisa24
	case b[0] == 0x0F && n == 32 && b[1]&0xF0 == 0xA0 && b[16] == 0x0F:
		return IADCCD
	case b[0] == 0x07 && n >= 8 && b[3] == 0x03:
		return IADPBOC
	case b[0] == 0x07 && n >= 8 && b[3] == 0x04:
		return IADJCB
	case b[0] == 0x15 && n == 22:
		return IADInterac
	default:
		return mchipFormat(b)
	}
}

// mchipFormat recognises M/Chip 4 and Advance by length and the high nibble of
// the cryptogram version number.
func mchipFormat(b []byte) IADFormat {
	switch len(b) {
	case 18, 20, 26, 28:
		if b[1]&0xF0 == 0x10 {
			return IADMChip
		}
	}
	return 0
}

// CryptogramType is the type of the first cryptogram as the CVR tells it, for
// answers without tag 9F27: bits 6-5 of the second CVR byte in Visa, PBOC and
// JCB layouts, of the first in M/Chip and CCD.
func (i IAD) CryptogramType() (CryptogramType, bool) {
	switch i.Format {
	case IADVisa013, IADVisa24, IADPBOC, IADJCB:
		return CryptogramType(i.CVR[1] << 2 & 0xC0), true
	case IADMChip, IADCCD:
		return CryptogramType(i.CVR[0] << 2 & 0xC0), true
	}
	return RFU, false
}

// LastCryptogramType is the type of the cryptogram that comes with these data:
// of the second one, bits 8-7 of the byte that CryptogramType reads, where the
// card made a second, else of the first. Those bits are 10 when there was no
// second GENERATE AC, as always in contactless payments.
func (i IAD) LastCryptogramType() (CryptogramType, bool) {
	first, ok := i.CryptogramType()
	if !ok {
		return RFU, false
	}
	results := i.CVR[0]
	if i.Format != IADMChip && i.Format != IADCCD {
		results = i.CVR[1]
	}
	if second := CryptogramType(results & 0xC0); second != ARQC {
		return second, true
	}
	return first, true
}

func tail(b []byte, n int) []byte {
	if len(b) == n {
		return nil
	}
	return b[n:]
}
