package iso8583

import "fmt"

// Response codes that this package itself gives (field 39).
const (
	Approved          = "00"
	FormatError       = "30"
	notSupported      = "40"
	SystemMalfunction = "96"
)

// Network management codes (field 70).
const (
	SignOn   = "001"
	SignOff  = "002"
	EchoTest = "301"
)

// responseCodes is field 39 in words: ISO 8583:1987, A.8, as networks use it.
// Where networks differ the words say whose meaning it is.
var responseCodes = map[string]string{
	"00": "approved", "01": "refer to issuer", "02": "refer to issuer, special condition",
	"03": "invalid merchant", "04": "capture card", "05": "do not honour", "06": "error",
	"07": "capture card, special condition", "08": "approved with identification",
	"10": "partial approval", "11": "approved, VIP", "12": "invalid transaction", "13": "invalid amount",
	"14": "no such card or token", "15": "no such issuer", "17": "cancelled by the customer",
	"18": "customer dispute", "19": "enter again", "21": "no action taken", "25": "original not found",
	"28": "file unavailable", "30": "format error", "34": "suspected fraud, capture card",
	"36": "restricted card, capture card", "38": "too many PIN tries, capture card", "39": "no credit account",
	"40": "function not supported", "41": "lost card", "43": "stolen card", "46": "closed account",
	"51": "insufficient funds", "52": "no cheque account", "53": "no savings account", "54": "expired card",
	"55": "wrong PIN", "57": "not permitted to the cardholder", "58": "not permitted to the terminal",
	"59": "suspected fraud", "61": "over the amount limit", "62": "restricted card",
	"63": "security violation", "64": "wrong original amount (some networks: money laundering rules)",
	"65": "over the number limit (Mastercard: customer authentication or PIN needed)",
	"67": "hard capture", "68": "late response", "70": "PIN needed", "75": "too many PIN tries",
	"76": "unable to locate the original", "77": "does not match the original",
	"78": "no account (Visa: blocked until first use)", "79": "key exchange error or already reversed",
	"80": "bad date or no financial impact", "81": "PIN cryptography error",
	"82": "card verification or cryptogram failed", "83": "cannot verify the PIN",
	"85": "no reason to decline", "86": "PIN cannot be verified", "89": "bad terminal or MAC",
	"90": "cut-over in progress", "91": "issuer not reachable", "92": "no route", "93": "against the law",
	"94": "duplicate", "95": "reconciliation error", "96": "system malfunction",
	"1A": "customer authentication needed", "N7": "card verification value wrong (Visa)",
	"Q1": "card authentication failed (Visa)", "R0": "stop this payment order (Visa)",
	"R1": "all payment orders revoked (Visa)", "R3": "all payment orders stopped (Visa)",
	"Y1": "approved offline", "Y3": "unable to go online, approved offline",
	"Z1": "declined offline", "Z3": "unable to go online, declined offline",
}

// ResponseText is response code code in words; "" for one it does not know.
func ResponseText(code string) string { return responseCodes[code] }

// processingTypes are the first two digits of field 3.
var processingTypes = map[string]string{
	"00": "purchase", "01": "cash", "02": "debit adjustment", "03": "pre-authorisation", "09": "purchase with cashback",
	"17": "cash disbursement", "20": "refund", "21": "deposit", "22": "credit adjustment", "30": "balance inquiry",
	"40": "transfer",
}

// accounts are digits 3-4 and 5-6 of field 3.
var accounts = map[string]string{"00": "default", "10": "savings", "20": "cheque", "30": "credit"}

// entryModes are the first two digits of field 22, as in tag 9F39.
var entryModes = map[string]string{
	"00": "unspecified", "01": "manual", "02": "magnetic stripe, unreliable", "03": "bar code or QR code", "04": "optical",
	"05": "contact chip", "07": "contactless chip", "10": "credential on file", "80": "fallback from chip to magnetic stripe",
	"81": "electronic commerce", "90": "magnetic stripe", "91": "contactless magnetic stripe", "95": "chip, unreliable",
}

// pinCapabilities is the third digit of field 22.
var pinCapabilities = map[byte]string{'0': "PIN capability unknown", '1': "PIN possible", '2': "no PIN possible"}

// conditions are field 25.
var conditions = map[string]string{
	"00": "normal", "01": "customer absent", "02": "unattended terminal", "03": "merchant suspicious",
	"05": "customer present, card absent", "06": "pre-authorisation", "08": "mail or telephone order",
	"51": "account check", "59": "electronic commerce",
}

// networkCodes are field 70.
var networkCodes = map[string]string{
	SignOn: "sign on", SignOff: "sign off", "161": "key change", "162": "key verification", "201": "cut-over", EchoTest: "echo test",
}

// Text is the message type in words: class, function, origin (ISO 8583:1987,
// 4.1); "" for a value that the standard reserves.
func (m MTI) Text() string {
	if len(m) != 4 || m[0] != '0' {
		return ""
	}
	class := map[byte]string{
		'1': "authorisation", '2': "financial", '3': "file", '4': "reversal", '5': "reconciliation", '6': "administrative",
		'8': "network management",
	}[m[1]]
	function := map[byte]string{'0': "request", '1': "response", '2': "advice", '3': "advice response"}[m[2]]
	origin, known := map[byte]string{'0': "", '1': " repeat"}[m[3]]
	if class == "" || function == "" || !known {
		return ""
	}
	return fmt.Sprintf("%s %s%s", class, function, origin)
}
