package issuer

// Code is a response code, field 39.
type Code string

// Response codes that the bank gives (ISO 8583:1987 and common usage; networks
// differ in 63, 79 and 82).
const (
	Approved            Code = "00"
	DoNotHonour         Code = "05" // the card itself declined
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
	NotPermitted        Code = "57" // foreign currency, entry mode
	OverLimit           Code = "61"
	Restricted          Code = "62" // suspended or not yet active
	SecurityViolation   Code = "63" // replay, counter, limited-use key, contradictions
	WrongOriginalAmount Code = "64"
	Mismatch            Code = "77" // a reversal that contradicts its original
	AlreadyReversed     Code = "79" // an original that its reversal overtook
	WrongCryptogram     Code = "82"
	Duplicate           Code = "94" // retrieval keys of another transaction
	Malfunction         Code = "96"
)

var codeMeanings = map[Code]string{
	"00": "approved", "01": "refer to card issuer", "02": "refer to card issuer, special condition",
	"03": "invalid merchant", "04": "capture card", "05": "do not honour", "06": "error",
	"08": "approved with identification", "10": "approved for part of the amount", "11": "approved (VIP)", "12": "invalid transaction",
	"13": "invalid amount", "14": "no such card or token", "15": "no such issuer", "19": "enter the transaction again",
	"21": "no action taken", "25": "original not found", "30": "format error", "34": "suspected fraud, pick up",
	"36": "restricted card, pick up", "38": "PIN tries exceeded, pick up", "39": "no credit account",
	"40": "function not supported", "41": "lost card, pick up", "43": "stolen card, pick up", "46": "account closed",
	"51": "insufficient funds", "52": "no cheque account", "53": "no savings account", "54": "expired card",
	"55": "wrong PIN", "57": "not permitted to cardholder", "58": "not permitted to terminal", "59": "suspected fraud",
	"61": "over the amount limit", "62": "restricted card", "63": "security violation",
	"64": "wrong original amount", "65": "over the number limit, or strong authentication needed",
	"70": "PIN data required", "75": "PIN tries exceeded", "76": "wrong original", "77": "does not match the original",
	"78": "blocked, first use", "79": "already reversed", "82": "cryptogram or card verification value wrong",
	"83": "cannot verify the PIN", "85": "no reason to decline", "91": "issuer not reachable", "92": "no route", "94": "duplicate transmission",
	"96": "system malfunction", "1A": "strong customer authentication required",
}

// Meaning is the code in words, "" for one that the table lacks.
func (c Code) Meaning() string { return codeMeanings[c] }

// approves is true for the codes that let the customer go with the goods.
func (c Code) approves() bool { return c == Approved || c == "08" || c == "11" || c == "85" }

// soft is true for the codes that ask for the same cryptogram again, with a
// PIN: 65 (Mastercard), 70 and 1A (Visa). The cryptogram may then come once
// more under another trace number.
func (c Code) soft() bool { return c == "65" || c == "70" || c == "1A" }
