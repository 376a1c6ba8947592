package issuer

import "tapsim/iso8583"

// Code is a response code, field 39.
type Code string

// Response codes that the bank gives (ISO 8583:1987 and common usage; networks
// differ in 63, 79 and 82).
const (
	Approved            Code = "00"
	DoNotHonour         Code = "05" // the card itself declined
	PartlyApproved      Code = "10" // field 4 of the answer says how much
	InvalidTransaction  Code = "12"
	InvalidAmount       Code = "13"
	NoSuchCard          Code = "14"
	NotFound            Code = "25" // a reversal whose original never came
	FormatError         Code = "30"
	NotSupported        Code = "40"
	Lost                Code = "41"
	Stolen              Code = "43"
	Closed              Code = "46"
	InsufficientFunds   Code = "51"
	Expired             Code = "54"
	WrongPIN            Code = "55"
	NotPermitted        Code = "57" // foreign currency, entry mode
	OverLimit           Code = "61"
	Restricted          Code = "62" // suspended or not yet active
	SecurityViolation   Code = "63" // replay, counter, limited-use key, contradictions
	WrongOriginalAmount Code = "64"
	Mismatch            Code = "77" // a reversal that contradicts its original
	AlreadyReversed     Code = "79" // an original that its reversal overtook
	TooManyPINs         Code = "75"
	PINUnreadable       Code = "81"
	WrongCryptogram     Code = "82"
	Unavailable         Code = "91" // closed for maintenance
	Duplicate           Code = "94" // retrieval keys of another transaction
	Malfunction         Code = "96"
)

// Meaning is the code in words, "" for one that nobody knows.
func (c Code) Meaning() string { return iso8583.ResponseText(string(c)) }

// approves is true for the codes that let the customer go with the goods.
func (c Code) approves() bool {
	return c == Approved || c == PartlyApproved || c == "08" || c == "11" || c == "85"
}

// soft is true for the codes that ask for the same cryptogram again, with a
// PIN: 65 (Mastercard), 70 and 1A (others). The cryptogram may then come once
// more under another trace number.
func (c Code) soft() bool { return c == "65" || c == "70" || c == "1A" }
