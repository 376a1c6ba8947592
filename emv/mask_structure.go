package emv

// plausible is true when the dictionary knows the tag and the value has a
// length and characters that the tag may have. Damaged data that still parse
// show themselves by what is not.
func plausible(tag Tag, v []byte) bool {
	if tag == TagIssuerAuthData && len(v) >= 5 && len(v) <= 16 {
		return true // shorter than EMV's, in messages between hosts
	}
	switch FormatOf(tag) {
	case FormatA, FormatAN:
		if !printable(v) {
			return false
		}
	case FormatANS:
		for _, c := range v {
			if c < 0x20 || c >= 0x7F && c < 0xA0 {
				return false
			}
		}
	}
	for _, e := range dictionary()[tag] {
		if fits, exact := fitsLength(e.Length, len(v)); fits || !exact {
			return true
		}
	}
	return false
}

// numberedText is true for elements that are long numbers in characters, yet
// no account numbers: the payment account reference, merchant and terminal
// numbers.
func numberedText(tag Tag) bool {
	return tag == TagPAR || tag == 0x9F16 || tag == 0x9F1C || tag == TagIFDSerial
}

// accountFree is true when a value has the structure of its tag, and that
// structure has no room for an account number in BCD. Without this, half of
// all amounts, locators and issuer data would be taken for one: every tenth
// number has a correct check digit.
func accountFree(tag Tag, v []byte, alone bool) bool {
	switch FormatOf(tag) {
	case FormatA, FormatAN, FormatANS:
		return printable(v)
	}
	if wholeNumber(v) {
		return false
	}
	switch tag {
	case TagCommandTemplate:
		return alone && !wellFormed(v, 1) // values by a list that stands elsewhere
	case TagResponseFormat1:
		return alone && format1Free(v)
	case TagIssuerCertificate, TagSDAD: // Sensitive tells of the others that are signed
		return len(v) >= 64 && !holdsObjects(v)
	case TagCryptogram:
		return len(v) == 8
	case TagIssuerAuthData, 0x9F4C:
		return len(v) <= 16 && !wellFormed(v, 1)
	case TagUnpredictableNumber, 0xDF8301, 0xDF8302:
		return len(v) == 4
	case 0x9F7F:
		return len(v) == 42 // production data: dates and serial numbers of the chip
	case TagAFL:
		_, err := ParseAFL(v)
		return err == nil
	case TagIAD:
		return wholeIAD(v)
	case TagCVMList:
		return usualCVMList(v)
	case TagADFName, TagDFName, 0x9F06, 0x9D:
		return len(v) >= 5 && len(v) <= 16 && v[0] >= 0xA0 && !wellFormed(v, 1)
	case 0x8B, 0x9F0A:
		return registeredFree(v)
	case TagKernelIdentifier, 0x9F3B:
		return len(v) <= 8
	case 0x9F3E:
		return len(v) <= 32
	case TagFormFactor:
		return len(v) > 0 && len(v) <= 32 && v[0] < 0x10 // a country code in kernel 2
	}
	return false
}

// holdsObjects is true when a value that ought to be a number of the RSA kind
// ends with data objects: a length that lies has swallowed them.
func holdsObjects(v []byte) bool {
	for i := range v {
		s, n := Scan(v[i:]), 0
		for s.Next() && plausible(s.Tag(), s.Value()) {
			n++
		}
		if n >= 2 && s.Err() == nil && s.pos == len(s.buf) {
			return true
		}
	}
	return false
}

// wholeNumber is true when a value is a correct account number from end to
// end, as tag 5A writes it.
func wholeNumber(v []byte) bool {
	digits, err := Digits(v)
	return err == nil && len(digits) >= 13 && len(digits) <= 19 && luhnSum(digits) == 0 && digits[0] != '0'
}

// format1Free is true for the three shapes of a response in template 80: AIP
// and AFL; CID, ATC, cryptogram and issuer application data; a signature.
func format1Free(v []byte) bool {
	if len(v) < 2 {
		return true
	}
	if _, err := ParseAFL(v[2:]); err == nil {
		return true
	}
	switch n := len(v); {
	case n >= 11 && n <= 43:
		return !wellFormed(v, 1) && (n == 11 || wholeIAD(v[11:]))
	default:
		return n >= 64 && !holdsObjects(v)
	}
}

// registeredFree is true for whole pieces of registered data, none of which
// holds an account number.
func registeredFree(v []byte) bool {
	pieces, whole := registeredData(v)
	for _, p := range pieces {
		m := newMask(p.value)
		m.runs(0, len(p.value))
		if m.any() {
			return false
		}
	}
	return whole
}

// usualCVMList is true for a list whose rules the book defines.
func usualCVMList(v []byte) bool {
	l, err := ParseCVMList(v)
	if err != nil || len(l.Rules) == 0 {
		return false
	}
	for _, r := range l.Rules {
		_, known := cvmMethodNames[r.Method()]
		if !known || int(r.Condition) >= len(cvmConditionNames) {
			return false
		}
	}
	return true
}

// wholeIAD is true for issuer application data of a known layout whose own
// length bytes, where it has them, agree with the length of the value, and for
// all of the 32 bytes that the common core definitions frame.
func wholeIAD(v []byte) bool {
	if len(v) == 32 && (v[0] == 0x0F || v[0] == 0x1F) {
		return true
	}
	iad, err := ParseIAD(SchemeUnknown, v)
	if err != nil {
		return false
	}
	switch iad.Format {
	case IADVisa013, IADPBOC, IADJCB:
		return len(iad.IDD) == 0 || int(iad.IDD[0]) == len(iad.IDD)-1
	case IADMChip:
		return len(v) == 18
	}
	return true
}
