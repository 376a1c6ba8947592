package iso8583

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// secretive is a message with something to hide in every place.
func secretive() *Message {
	m := reversal()
	m.PINBlock = unhexed("0412345678FEDCBA")
	m.PrivateData = "token 4761739001010119 of 2030"
	m.Account1 = "4761739001010119"
	m.ResponseCode, m.ConditionCode = "55", "02"
	m.Other = map[int]string{34: "594761739001010119", 36: "594761739001010119=1", 45: "B4761739001010119^DOE/JANE^4912201"}
	return m
}

// inEveryForm is an account number, or a track, as fields may carry it that are
// not for it. The number is that of the message or, in the second half, not.
var inEveryForm = []string{
	"4761739001010119", "0000004761739001010119000000", "4761739001010119=49122010000012300000", "x 4761739001010119D49122010000",
	"B4761739001010119^DOE/JANE^49122010000?", "4761 7390 0101 0119", "4761-7390-0101-0119", "F4F7F6F1F7F3F9F0F0F1F0F1F0F1F1F9",
	"34373631373339303031303130313139", "57134761739001010119D49122010000000000000F", "5A084761739001010119",
	"5413739000000003", "000005413739000000003", "5413 7390 0000 0003", "5413739000000003=4912201",
}

// secrets are what may not show.
var secrets = []string{"4761739001010119", "900101", "0412345678FEDCBA", "0412345678fedcba", "4912201", "DOE", "JANE", "9F26080102", "0102030405060708"}

func TestNothingShowsUnlessRevealed(t *testing.T) {
	m := secretive()
	asJSON, err := json.Marshal(m)
	require.NoError(t, err)
	inside, err := json.Marshal(struct{ M Message }{*m})
	require.NoError(t, err)
	shown := []string{m.String(), string(asJSON), string(inside), fmt.Sprint(Describe(m, false))}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, m), fmt.Sprintf(verb, *m), fmt.Sprintf(verb, []*Message{m}[0]), fmt.Sprintf(verb, []Message{*m}))
	}
	for _, text := range shown {
		for _, secret := range secrets {
			require.NotContains(t, text, secret)
			require.NotContains(t, text, fmt.Sprintf("%x", secret))
		}
	}
	require.Equal(t, "0400 2=476173******0119 3=000000 4=000000001250 7=0101120000 11=000002 12=130000 13=0101 14=4912 18=5812 22=071 "+
		"23=001 25=02 34=594761********0119 35=476173******0119=**** 36=**************** 37=000112000001 38=A1B2C3 39=55 41=TAPSIM01 "+
		"42=TAPSIM-MERCH-01 45=476173******0119^**** 48=\"token ************0119 of 2030\" 49=978 52=**************** 55=(34 bytes of chip data) "+
		"90=010000000101011200000000000000000000000000 102=************0119", m.String())

	all := fmt.Sprint(Describe(m, true))
	for _, there := range []string{"4761739001010119", "DOE/JANE", iccData} {
		require.Contains(t, all, there)
	}
	require.NotContains(t, all, "0412345678FEDCBA", "a PIN block is shown to nobody")
	require.Error(t, json.Unmarshal(asJSON, &Message{}), "masked JSON is not a message")
}

// Hosts use fields for what they like: an account number or a track shows in
// none of them.
func TestNoFieldShowsAnAccount(t *testing.T) {
	for number := 2; number < len(fields); number++ {
		if fields[number].name == "" || members[number].amount != nil || fields[number].length < 12 {
			continue
		}
		for _, hidden := range inEveryForm {
			odd := &Message{MTI: ReversalRequest, PAN: "4761739001010119"}
			if mem := members[number]; mem.text != nil {
				*mem.text(odd) = hidden
			} else {
				odd.Other = map[int]string{number: hidden}
			}
			asJSON, err := json.Marshal(odd)
			require.NoError(t, err)
			text := odd.String() + string(asJSON)
			require.NotContains(t, text, "7390", "field %d: %s", number, hidden)
			require.NotContains(t, text, "F7F3F9F0", "field %d: %s", number, hidden)
			require.NotContains(t, text, "37333930", "field %d: %s", number, hidden)
			require.NotContains(t, text, "4912", "field %d: %s", number, hidden)
		}
	}
}

func TestDescribeExplains(t *testing.T) {
	m := authorisation()
	m.BillingAmount, m.BillingCurrency = minor(0), "840"
	m.ProcessingCode, m.ResponseCode, m.NetworkCode = "013020", "65", "301"
	m.OriginalData = "0200" + "000007" + "0228235959" + "00000400001" + "00000000000"
	m.SettlementDate = "0231"
	got := map[int]string{}
	for _, f := range Describe(m, false) {
		got[f.Number] = f.Text
	}
	for number, want := range map[int]string{
		0: "authorisation request", 3: "cash, from credit account, to cheque account", 4: "1250 minor units of currency 978",
		6: "0 minor units of currency 840", 7: "1 January 12:00:00 UTC", 12: "13:00:00", 13: "1 January", 14: "December 2049",
		15: "", 22: "contactless chip, PIN possible", 25: "normal", 39: "over the number limit (Mastercard: customer authentication or PIN needed)",
		55: "34 bytes of chip data", 70: "echo test", 90: "0200, trace 000007, sent 0228235959, acquirer 400001", 2: "", 41: "",
	} {
		require.Equal(t, want, got[number], "field %d", number)
	}
	require.Equal(t, []Field{{Number: 0, Name: "message type", Value: "0800", Text: "network management request"},
		{Number: 4, Name: "error", Text: "field 4 (amount, transaction): is negative; the sign of a payment is its processing code"}},
		Describe(&Message{MTI: "0800", Amount: minor(-1)}, false))
}

// Every network may say 70, so its text names none.
func TestTextOfPINNeeded(t *testing.T) {
	require.Equal(t, "PIN needed", ResponseText("70"))
}

func TestTextOfMessageTypes(t *testing.T) {
	for mti, want := range map[MTI]string{
		"0100": "authorisation request", "0110": "authorisation response", "0121": "authorisation advice repeat", "0230": "financial advice response",
		"0400": "reversal request", "0421": "reversal advice repeat", "0810": "network management response",
		"0510": "reconciliation response", "1100": "", "0170": "", "01": "", "0105": "",
	} {
		require.Equal(t, want, mti.Text(), mti)
	}
}

func TestResponseCodes(t *testing.T) {
	require.Equal(t, "do not honour", ResponseText("05"))
	require.Empty(t, ResponseText("ZZ"))
	for code, text := range responseCodes {
		require.Len(t, code, 2)
		require.Equal(t, strings.TrimSpace(text), text)
		require.NotEmpty(t, text)
	}
}

func TestOddValuesAreQuotedOnALine(t *testing.T) {
	m := &Message{MTI: "0100", PrivateData: "a\nb\x1b[31m", Other: map[int]string{44: ""}}
	require.Equal(t, `0100 44="" 48="a\nb\x1b[31m"`, m.String())
}

func TestMasks(t *testing.T) {
	for number, cases := range map[int]map[string]string{
		2:  {"4761739001010119": "476173******0119", "4761739001010119123": "476173*********9123", "476173900101": "************", "": ""},
		35: {"4761739001010119=4912201": "476173******0119=****", "4761739001010119D4912201": "476173******0119D****", "4761739001010119": "****************", "=": "*"},
		45: {"B4761739001010119^DOE/JANE^4912": "476173******0119^****", "DOE/JANE": "********", "B4761": "*****"},
		48: {"4761739001010119": "************0119", "x4761739001010119y476173900101": "x************0119y476173900101", "1234567890123": "*********0123", "": ""},
		11: {"000001": "000001"},
		55: {"9F2608": ""},
	} {
		for value, want := range cases {
			require.Equal(t, want, mask(number, value, ""), "field %d", number)
		}
	}
}

// What a field of digits is for stays readable, although every tenth long number
// has a correct check digit.
func TestUsualDigitsAreShown(t *testing.T) {
	for number, values := range map[int][]string{
		53: {"9801100000000000"}, 64: {"0102030405060708"},
		54: {"0040978D000000001000", "0040978D0000000010001002978C000000123456"},
		90: {"010000004201011200000000040000100000400001", "042000004201011200000000000000000000000000"},
		95: {"000000001000000000001000C00000000C00000000"},
		86: {"0000004761739001"},
	} {
		for _, value := range values {
			require.Equal(t, value, mask(number, value, "4761739001010119"), "field %d", number)
		}
	}
}
