package profile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/hce/profile"
	"tapsim/internal/config"
)

func TestBuiltInCards(t *testing.T) {
	require.Equal(t, []string{
		"co-badged", "co-badged-equal", "co-badged-extended",
		"mastercard-phone", "mastercard-plastic", "mastercard-plastic-expired", "mastercard-plastic-magstripe", "mastercard-plastic-nocda",
		"mastercard-plastic-offline",
		"unionpay-phone", "unionpay-plastic", "unionpay-plastic-ecash", "unionpay-plastic-sm4",
		"visa-phone", "visa-plastic", "visa-plastic-blocked", "visa-plastic-expired", "visa-plastic-fdda", "visa-plastic-kernel8",
		"visa-plastic-kernel8-only", "visa-plastic-msd", "visa-plastic-offline",
	}, profile.Names())
	for _, name := range profile.Names() {
		p, err := profile.Load(name)
		require.NoError(t, err)
		require.Equal(t, name, p.Name)
		require.NotEmpty(t, p.GoodFor)
		makes(t, p)
	}
	_, err := profile.Load("visa")
	require.ErrorContains(t, err, "visa-phone, visa-plastic")

	plastic, err := profile.Load("visa-plastic")
	require.NoError(t, err)
	require.Equal(t, emv.PAN("4761739001010119"), plastic.Account.PAN)
	require.NotNil(t, plastic.CardKey)
	phone, err := profile.Load("visa-phone")
	require.NoError(t, err)
	require.Equal(t, emv.WithCheckDigit("476173900200001"), phone.Account.PAN)
	require.Equal(t, plastic.Account.PAN.LastFour(), phone.Account.LastFour)
	require.Nil(t, phone.CardKey, "a phone never holds a card key")

	plastic, err = profile.Load("mastercard-plastic")
	require.NoError(t, err)
	require.Equal(t, emv.WithCheckDigit("541333900100001"), plastic.Account.PAN)
	phone, err = profile.Load("mastercard-phone")
	require.NoError(t, err)
	require.Equal(t, emv.WithCheckDigit("541333900200001"), phone.Account.PAN)
	require.Equal(t, plastic.Account.PAN.LastFour(), phone.Account.LastFour)
	require.True(t, phone.SingleUse)
	require.Nil(t, phone.CardKey)
	require.Nil(t, phone.MChip.MagStripe.Key, "a phone never holds a card key")
}

// makes checks the promise that hce.New accepts what Parse returns.
func makes(t testing.TB, p hce.Profile) {
	t.Helper()
	e := hce.Env{Now: func() time.Time { return time.Time{} }, Rand: bytes.NewReader(nil)}
	if p.CardKey != nil {
		e.Keys = hce.CardKey(p.CardKey)
	}
	if p.Signs() {
		credentials, err := testca.Issue(testca.Request{Scheme: p.Scheme, PAN: p.Account.PAN, Expiry: p.Account.Expiry, SDA: true})
		require.NoError(t, err)
		p.Authentication = &hce.Authentication{Signer: credentials.Key, Data: credentials.Data}
	}
	c, err := hce.New(p, e)
	require.NoError(t, err)
	answer := c.Respond([]byte("\x00\xA4\x04\x00\x0E2PAY.SYS.DDF01"))
	require.True(t, bytes.HasSuffix(answer, []byte{0x90, 0}))
}

func source(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(name + ".yaml")
	require.NoError(t, err)
	return string(data)
}

// TestErrors changes one thing in a built-in card at a time. The error names
// the file, the line of what was changed, and what is wrong.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ card, old, new, want string }{
		{"visa-plastic", `name: visa-plastic`, `name: Visa Plastic`, "lower-case"},
		{"visa-plastic", `name: visa-plastic`, `nom: visa-plastic`, "unknown key nom"},
		{"visa-plastic", `  pan: "4761739001010119"`, `  pan: "4761739001010118"`, "check digit"},
		{"visa-plastic", `  pan: "4761739001010119"`, `  pan: 4761739001010119`, "quotes"},
		{"visa-plastic", `  pan: "4761739001010119"`, `  pan: "476173900101011X"`, "decimal digits"},
		{"visa-plastic", `  pan: "4761739001010119"`, `  pan: "4761739001"`, "check digit"},
		{"visa-plastic", `  track2: "4761739001010119D4912`, `  track2: "4761739002000010D4912`, "its account number is not account.pan"},
		{"visa-plastic", `  track2: "4761739001010119D4912`, `  track2: "4761739001010119D4812`, "account.expiry says 4912"},
		{"visa-plastic", `  track2: "4761739001010119D4912`, `  track2: "47617390010101194912D`, "account number"},
		{"visa-plastic", `  track2: "4761739001010119D4912`, `  track2: "4761739001010119X4912`, "not hex"},
		{"visa-plastic", `  sequence: "01"`, `  sequence: "1"`, "two digits"},
		{"visa-plastic", `  expiry: "4912"`, `  expiry: "4913"`, "YYMM"},
		{"visa-plastic", `  kind: issuer-master-key`, `  kind: master-key`, "card-key, limited-use"},
		{"visa-plastic", `  value: "2315208C9110AD402315208C9110AD40"`, `  value: "2315208C9110AD40"`, "16 bytes, not 8"},
		{"visa-plastic", `  value: "2315208C9110AD402315208C9110AD40"`, `  value: "2315208C9110AD402315208C9110AD4"`, "not hex"},
		{"visa-plastic", `scheme: visa`, `scheme: visor`, "no scheme"},
		{"visa-plastic", `scheme: visa`, `scheme: unionpay`, "needs its behaviour"},
		{"visa-plastic", `scheme: visa`, `scheme: mastercard`, "needs its behaviour"},
		{"visa-plastic", `good_for: "`, `good_for: "\n`, "one line"},
		{"visa-plastic", `  - aid: "A0000000031010"`, `  - aid: "A0000000"`, "5 to 16 bytes"},
		{"visa-plastic", `    label: "VISA CREDIT"`, `    label: "VISA CREDIT CARD GOLD"`, "at most 16"},
		{"visa-plastic", `    priority: 1`, `    priority: 16`, "1 to 15"},
		{"visa-plastic", `    priority: 1`, "    priority: 1\n  - aid: \"A0000000031010\"", "has this AID already"},
		{"visa-plastic", `directory: ["4F", "50", "87"]`, `directory: ["50", "87"]`, "tag 4F must be there"},
		{"visa-plastic", `directory: ["4F", "50", "87"]`, `directory: ["4F", "50", "50"]`, "stands twice"},
		{"visa-plastic", `directory: ["4F", "50", "87"]`, `directory: ["4F", "9F2A"]`, "9F2A has no value"},
		{"visa-plastic", `directory: ["4F", "50", "87"]`, `directory: ["4F", 50]`, "quotes"},
		{"visa-plastic", `fci: ["50", "87", "5F2D", "9F38", "BF0C"]`, `fci: ["50", "BF0C"]`, "9F38 must be there"},
		{"visa-plastic", `discretionary: ["42", "9F5A"]`, `discretionary: ["9F4D"]`, "9F4D has no value"},
		{"visa-plastic", `discretionary: ["42", "9F5A"]`, `discretionary: ["BF0C"]`, "cannot hold itself"},
		{"visa-plastic", `pdol: "9F6604`, `pdol: "9F3504`, "must ask for 9F66"},
		{"visa-plastic", `pdol: "9F6604`, `pdol: "9F6603`, "asks for 3 bytes of 9F66"},
		{"visa-plastic", `pdol: "9F6604`, `pdol: "9F7CFF9F6604`, "at most 252"},
		{"visa-plastic", `9F3704"`, `9F37"`, "no length"},
		{"visa-plastic", `issuer_application_data: "06 01 12 03000000"`, `issuer_application_data: "06 01 99 03000000"`, "99"},
		{"visa-plastic", `issuer_application_data: "06 01 12 03000000"`, `issuer_application_data: "06 01 12"`, "layout"},
		{"visa-plastic", `    aip: "0000"`, `    aip: "00"`, "want 2 bytes, not 1"},
		{"visa-plastic", `    tags: ["82", "57"`, `    tags: ["57"`, "82 must be there"},
		{"visa-plastic", `    tags: ["82", "57"`, `    tags: ["82"`, "57 must be there"},
		{"visa-plastic", `    tags: ["82", "57"`, `    tags: ["82", "94", "57"`, "94 has no value"},
		{"visa-plastic", `  "9F17": "03"`, `  "57": "03"`, "comes from account"},
		{"visa-plastic", `  "9F17": "03"`, `  "9F36": "0003"`, "comes from the card"},
		{"visa-plastic", `  "9F17": "03"`, `  "70": "03"`, "built from its parts"},
		{"visa-plastic", `  "9F17": "03"`, `  "9F1": "03"`, "tag"},
		{"visa-plastic", `  "9F17": "03"`, `  "9F13": "03"`, "key 9F13 stands already in line 53"},
		{"visa-plastic", `  "9F17": "03"`, `  "9f17": "03"`, "upper case"},
		{"visa-plastic", `  "9F17": "03"`, `  "9F17": 03`, "quotes"},
		{"visa-plastic", `get_data: ["9F13", "9F17"]`, `get_data: ["9F13", "9F4F"]`, "9F4F is not in data"},
		{"visa-plastic", `  cvm: [online-pin, signature]`, `  cvm: [online-pin, finger]`, "finger"},
		{"visa-plastic", `  cvm: [online-pin, signature]`, `  cvm: [online-pin, consumer-device]`, "cvm lists consumer-device"},
		{"visa-plastic", `  online_pin: everywhere`, `  online_pin: nowhere`, "if and only if"},
		{"visa-plastic", `  online_pin: everywhere`, `  online_pin: sometimes`, "domestic, international"},
		{"visa-plastic", `  no_common_cvm: use-contact`, `  no_common_cvm: online`, "decline or use-contact"},
		{"visa-plastic", `  offline_only_reader: refuse`, `  offline_only_reader: approve`, "decline or refuse"},
		{"visa-plastic", `  refund: online`, `  refund: refuse`, "online or decline"},
		{"visa-plastic", `  ctq: "0000"`, `  ctq: "8000"`, "own choice"},
		{"visa-plastic", `  currency: "0978"`, `  currency: "978"`, "not hex"},
		{"visa-phone", `  kind: limited-use`, "  kind: limited-use\n  value: \"00\"", "from a token service"},
		{"visa-phone", `  kind: limited-use `, "  kind: card-key\n  value: \"2315208C9110AD402315208C9110AD40\"", "no key of its own"},
		{"visa-plastic", "  kind: issuer-master-key\n  value: \"2315208C9110AD402315208C9110AD40\"", `  kind: limited-use`, "works with a card key"},
		{"visa-phone", `  last_four: "0119"`, `  last_four: "119"`, "four digits"},
		{"visa-phone", `  token_requestor: "40010030001"`, `  token_requestor: "4001003000"`, "11 digits"},
		{"visa-phone", `  token_requestor: "40010030001"`, ``, "9F19 has no value"},
		{"visa-phone", `  par: "TSIM0000000000000000000000001"`, `  par: "TSIM"`, "29 upper-case"},
		{"visa-phone", `    afl: "08010100"`, `    afl: "08010200"`, "record 2 of file 1, which is not in records"},
		{"visa-phone", `    afl: "08010100"`, `    afl: "080101"`, "multiple of 4"},
		{"visa-phone", `    afl: "08010100"`, ``, "94 has no value"},
		{"visa-phone", `  - sfi: 1`, `  - sfi: 31`, "1 to 30"},
		{"visa-phone", `    record: 1`, `    record: 0`, "1 to 64"},
		{"visa-phone", `    required: when-asked`, `    required: never`, "when-asked or always"},
		{"visa-phone", `    window: single-use`, `    window: short`, "single-use or timed"},
		{"visa-phone", `    verifier: "51"`, `    verifier: "5100"`, "want 1 bytes, not 2"},
		{"mastercard-plastic", `scheme: mastercard`, `scheme: visa`, "a Visa card needs its behaviour"},
		{"mastercard-plastic", `mchip:`, `qvsdc:`, "unknown key"},
		{"mastercard-plastic", `  aip: "1980"`, `  aip: "1B80"`, "mchip.device: it is there if and only if"},
		{"mastercard-plastic", `  aip: "1980"`, `  aip: "1981"`, "mchip.relay: it is there if and only if"},
		{"mastercard-plastic", `  afl: "08010100 10010101`, `  afl: "08010100 10010201`, "record 2 of file 2"},
		{"mastercard-plastic", `  afl: "08010100 10010101 18010100 20010200"`, `  afl: "08010100 10010101 18010100 20010202"`, "signed by 9F46"},
		{"mastercard-plastic", `  afl: "08010100 10010101 18010100 20010200"`, ``, "nothing to read"},
		{"mastercard-plastic", `  country: "0276"`, `  country: "276"`, "not hex"},
		{"mastercard-plastic", `    decline: "010000"`, `    decline: "0100"`, "want 3 bytes, not 2"},
		{"mastercard-plastic", `    online: "060000"`, ``, "want 3 bytes, not 0"},
		{"mastercard-plastic", `  "8C": "9F0206`, `  "8C": "9F0205`, "entry 1 must ask for 6 bytes"},
		{"mastercard-plastic", `  "8C": "9F02069F03069F1A02`, `  "8C": "9F02069F0306`, "entry 3 must ask for 2 bytes"},
		{"mastercard-plastic", `9F37049F3501`, `9F37049F3502`, "2 bytes of 9F35, which has 1"},
		{"mastercard-plastic", `9F21039F7C14"`, `9F21039F7C149F7DC8"`, "a command carries at most 252"},
		{"mastercard-plastic", `9F21039F7C14"`, `9F21039F7C"`, "no length"},
		{"mastercard-plastic", `  "9F51": "9F3704"`, `  "9F51": "9F3904"`, "9F39, which CDOL1 does not"},
		{"mastercard-plastic", `  "9F51": "9F3704"`, `  "9F51": "9F37"`, "at least one entry"},
		{"mastercard-plastic", `  "9F42": "0978"`, `  "9F46": "0978"`, "comes with the card's key"},
		{"mastercard-plastic", `  "9F42": "0978"`, `  "9F6B": "0978"`, "comes from account"},
		{"mastercard-plastic", `  "9F62": "000000038000"`, `  "9F62": "000000038001"`, "the last is the terminal's"},
		{"mastercard-plastic", `  "9F62": "000000038000"`, `  "9F62": "038000"`, "needs it, 6 bytes"},
		{"mastercard-plastic", `  "9F63": "000000E07000"`, `  "9F63": "000001E07000"`, "24 discretionary digits"},
		{"mastercard-plastic", `  "9F64": "03"`, `  "9F64": "02"`, "track 1 takes 4 digits of the unpredictable number, track 2 3"},
		{"mastercard-plastic", `  "9F64": "03"`, `  "9F64": "07"`, "0 to 8 be left"},
		{"mastercard-plastic", `  "9F65": "000E"`, `  "9F65": "0010"`, "apart"},
		{"mastercard-plastic", `  "9F67": "03"`, `  "9F68": "03"`, "data.9F67: mag-stripe mode needs it"},
		{"mastercard-plastic", `    key:                      # for CVC3, a published test key`, `    lock:`, "unknown key"},
		{"mastercard-plastic", "    key:                      # for CVC3, a published test key\n      kind: issuer-master-key", "    key:\n      kind: single-use", "neither issuer-master-key nor card-key"},
		{"mastercard-plastic", `      value: "01234567899876543210012345678998"`, `      value: "0123456789987654"`, "16 bytes, not 8"},
		{"mastercard-plastic", `get_data: ["9F17"]`, `get_data: ["9F50"]`, "9F50 is the balance"},
		{"mastercard-plastic", `get_data: ["9F17"]`, "answers:\n  online:\n    aip: \"1980\"\n    tags: [\"82\"]\n  declined:\n    aip: \"1980\"", "answers with mchip.aip"},
		{"mastercard-plastic-magstripe", "  mag_stripe:\n    key:                      # for CVC3, a published test key\n      kind: issuer-master-key\n      value: \"01234567899876543210012345678998\"", ``, "there is no mag_stripe"},
		{"mastercard-plastic-magstripe", `  aip: "0000"`, `  aip: "0100"`, "CDA needs EMV mode"},
		{"mastercard-plastic-magstripe", `  aip: "0000"`, `  aip: "0080"`, "needs 8C"},
		{"mastercard-plastic-offline", `    currency: EUR`, `    currency: EURO`, "no currency"},
		{"mastercard-plastic-offline", `    lower_count: 3`, `    lower_count: 6`, "above the upper one"},
		{"mastercard-plastic-offline", `    lower_count: 3`, `    lower_count: 256`, "own.yaml:96: want a whole number: this one is out of range"},
		{"mastercard-plastic-offline", `    lower_amount: "50.00"`, `    lower_amount: "500.00"`, "0 up to the upper one"},
		{"mastercard-plastic-offline", `    max_amount: "25.00"`, `    max_amount: "25.001"`, "2 decimals"},
		{"mastercard-plastic-offline", `    min: 20`, `    min: 200`, "above max"},
		{"mastercard-phone", `  kind: single-use`, "  kind: single-use\n  value: \"00\"", "from a token service"},
		{"mastercard-phone", `  kind: single-use`, `  kind: limited-use`, "works with a card key"},
		{"mastercard-phone", `"01 14 0`, `"01 10 0`, "no key that could be derived ahead"},
		{"mastercard-phone", `  mag_stripe: {}`, "  mag_stripe:\n    key: {kind: card-key, value: \"01234567899876543210012345678998\"}", "with single-use keys none"},
		{"mastercard-phone", `    window: single-use`, `    window: short`, "mchip.device.window: want single-use or timed"},
		{"mastercard-phone", `9F4C089F34039F21`, `9F4C089F21`, "a device needs 9F34"},
		{"mastercard-phone", `  "9F69": "9F6A04`, `  "9F69": "9F3704`, "want 9F6A04"},
		{"mastercard-phone", `9F7E019F02`, `9F7E029F02`, "2 bytes of 9F7E, which has 1"},
		{"visa-phone", `  kind: limited-use `, `  kind: single-use `, "no key of its own"},

		{"visa-plastic", "applications:", "certificates: {defect: revoked}\napplications:", "own.yaml:20: certificates.defect: the card does not sign"},
		{"mastercard-phone", "applications:", "certificates: {defect: revoked}\napplications:", "from the token service"},
		{"visa-plastic-offline", "applications:", "certificates: {defects: revoked}\napplications:", "unknown key defects"},
		{"visa-plastic", `    aip: "0000"`, `    aip: "2000"`, "answers.online_oda: with dynamic data authentication in its aip"},
		{"visa-plastic-offline", `  ctq: "2840"`, `  ctq: "2800"`, "if and only if the ctq says so"},
		{"visa-plastic-offline", `  ctq: "2840"`, `  ctq: "A840"`, "are the card's own choice"},
		{"visa-plastic-offline", `  counters:`, "  cvm_limit: \"5.001\"\n  counters:", "qvsdc.cvm_limit: "},
		{"visa-plastic-offline", `    currency: EUR`, `    currency: USD`, "qvsdc.counters.currency: it is not the card's own"},
		{"visa-plastic-offline", `    lower_count: 0`, `    lower_count: 3`, "qvsdc.abroad.lower_count: it is above the upper one"},
		{"visa-plastic-offline", `    lower_count: 3`, `    lower_count: 6`, "qvsdc.counters.lower_count: it is above the upper one"},
		{"visa-plastic-offline", `"FEDCBA98765432100123456789ABCDEF"`, `"FEDCBA9876543210"`, "qvsdc.issuer_update.script_key.value: want a 3DES key of 16 bytes, not 8"},
		{"visa-plastic-offline", `      kind: issuer-master-key`, `      kind: limited-use`, `"limited-use" is neither issuer-master-key nor card-key`},
		{"visa-plastic-offline", `    tags: ["82", "94", "57", "9F10", "9F26", "9F27", "9F36", "9F6C", "9F4B", "9F5D"]
  declined`, `    tags: ["82", "94", "57", "9F10", "9F26", "9F27", "9F36", "9F6C", "9F5D"]
  declined`, "an offline approval must be signed"},
		{"visa-plastic-offline", `    tags: ["82", "57", "5F34", "9F10", "9F26", "9F27", "9F36", "9F6C", "9F6E", "9F5D"]

`, `    tags: ["82", "57", "5F34", "9F10", "9F26", "9F27", "9F36", "9F6C", "9F4B"]

`, "a decline is not signed"},
		{"visa-plastic-offline", `["5A", "5F24", "5F28", "9F07", "9F4A"]`, `["5A", "5F24", "5F28", "9F07", "9F4A", "9F36"]`, "is marked as signed, and changes"},
		{"visa-plastic-offline", `    tags: ["5F34", "9F6E", "9F69"]`, `    tags: ["5F34", "9F6E", "9F69", "9F7D"]`, "records[4].tags: tag 9F7D has no value"},
		{"visa-plastic-offline", `95055F2A029A039C019F3704"`, `95059A039C019F3704"`, "a card that signs must ask for 5F2A"},
		{"visa-plastic-offline", `  "9F13": "0000" `, `  "9F5D": "000000000000" `, "its value comes from counters or ecash of the behaviour"},
		{"visa-plastic-blocked", `lock: blocked `, `lock: hidden `, "want none or blocked"},
		{"visa-plastic-blocked", `lock: blocked `, `lock: shut `, "lock:"},
		{"visa-plastic-msd", `    aip: "0080" `, `    aip: "0000" `, "answers.msd.aip: it does not say mag-stripe mode"},
		{"visa-plastic-msd", `    afl: "08010100"`, `    afl: "08010200"`, "answers.msd.afl: it names record 2 of file 1"},
		{"visa-plastic-msd", `    afl: "08010100"`, `    afl: "080101"`, "answers.msd.afl"},
		{"visa-plastic-msd", `    tags: ["57", "5F20"]`, `    tags: ["5F20"]`, "answers.msd.tags: tag 57 must be there, or in a record"},
		{"visa-plastic-msd", `    afl: "08010100"`, `    tags: ["82", "57"]`, "answers.msd.tags: want aip and afl alone"},
		{"visa-plastic-msd", `D49122010000000000000F"`, `D491220100000000000F"`, "account.track2: want 12 discretionary digits at least"},
		{"visa-plastic-msd", `    aip: "0000"
    tags: ["82", "57", "5F34"`, `    aip: "0000"
    afl: "08010100"
    tags: ["82", "94", "57", "5F34"`, "answers.msd.afl: record 1 of file 1 is of another answer too"},
		{"visa-phone", `  declined:`, `  msd: {aip: "0080", afl: "08010100"}
  declined:`, "answers.msd: the verification value in track 2 needs a card key"},
		{"unionpay-plastic", `  declined:`, `  msd: {aip: "0080", afl: "08010100"}
  declined:`, "answers.msd: only a Visa card has this mode"},
		{"visa-plastic-kernel8", `kernel: "03"`, `kernel: "08"`, "application 1 has this AID already, for the same kernel"},
		{"co-badged-extended", `extended: "01" `, `extended: "0102030405060708090A" `, "with it the name has 17 bytes"},
		{"co-badged-extended", `    extended: "01" `, `    extended: "02" `, "others[0].applications: another account of the card has an application"},
		{"co-badged", `      sequence: "00"`, `      sequence: "0"`, "others[0].account.sequence: want two digits"},
		{"co-badged", `  - scheme: mastercard`, `  - name: two
    scheme: mastercard`, "name and good_for are those of the whole card"},
		{"co-badged", `      kind: issuer-master-key
      value: "9E15204313F7318ACB79B90BD986AD29"`, `      kind: single-use`, "others[0]."},
		{"unionpay-plastic", `qpboc:`, `qvsdc:`, "a UnionPay card needs its behaviour"},
		{"unionpay-plastic", `03000000 01"`, `03000000 04"`, "algorithm 01, as PBOC has it"},
		{"unionpay-plastic-ecash", `    balance: "100.00"`, `    balance: "500.01"`, "qpboc.ecash.balance: want 0 up to the limit"},
		{"unionpay-plastic-ecash", `    threshold: "20.00"`, `    threshold: "20.001"`, "qpboc.ecash.threshold"},
		{"unionpay-plastic-ecash", ` 0A 01 0000000000 00000000"`, `"`, "qpboc.mac_key: it is there if and only if"},
		{"unionpay-plastic-ecash", `["9F69", "9F74"]`, `["9F69"]`, "with the record read last, which must hold 9F74"},
		{"unionpay-plastic-ecash", `  "9F74": `, `  "9F79": `, "its value comes from qpboc.ecash"},
		{"unionpay-plastic-ecash", `  currency: "0978"`, `  currency: "0000"`, "there is no currency"},
		{"unionpay-plastic-sm4", `DF6901"`, `"`, "the pdol must ask for DF69"},
		{"unionpay-plastic-sm4", `key_index: "02"`, `key_index: "0202"`, "qpboc.sm4.key_index: want 1 bytes, not 2"},
		{"unionpay-phone", `    verifier: "51"`, `    verifier: "5151"`, "qpboc.device.verifier: want 1 bytes, not 2"},
	} {
		t.Run(c.card+" "+c.new, func(t *testing.T) {
			before := source(t, c.card)
			at := strings.Index(before, c.old)
			require.GreaterOrEqual(t, at, 0, "the built-in card has no %q", c.old)
			_, err := profile.Parse("own.yaml", []byte(strings.Replace(before, c.old, c.new, 1)))
			require.ErrorContains(t, err, c.want)
			require.Regexp(t, `^own\.yaml:\d+: `, err.Error())
			require.NotContains(t, err.Error(), "4761739001010119")
			require.NotContains(t, err.Error(), "2315208C9110AD40")
			require.NotContains(t, err.Error(), "5413339001000019")
			require.NotContains(t, err.Error(), "0123456789987654")
		})
	}
}

// TestErrorLine checks that the line is that of the field, or of what it is
// missing from.
func TestErrorLine(t *testing.T) {
	text := source(t, "visa-phone")
	lineWith := func(s string) string {
		return strconv.Itoa(strings.Count(text[:strings.Index(text, s)], "\n") + 1)
	}
	for _, c := range []struct{ old, new, at string }{
		{`pan: "4761739002000010"`, `pan: "4761739002000011"`, `  pan:`},
		{`"9F24", "9F25"]`, `"9F24", "9F24"]`, `    tags: ["5F28"`},
		{`    required: when-asked`, ``, `  device:`},
		{`afl: "08010100"`, `afl: "10010100"`, `    afl:`},
	} {
		_, err := profile.Parse("own.yaml", []byte(strings.Replace(text, c.old, c.new, 1)))
		require.ErrorContains(t, err, "own.yaml:"+lineWith(c.at)+": ")
	}
	_, err := profile.Parse("own.yaml", nil)
	require.ErrorContains(t, err, "empty")
	_, err = profile.Parse("own.yaml", []byte("name: [\n"))
	require.ErrorContains(t, err, "own.yaml")
}

func TestLoadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.yaml")
	text := strings.Replace(source(t, "visa-plastic"), "name: visa-plastic", "name: mine", 1)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	p, err := profile.LoadFile(path)
	require.NoError(t, err)
	require.Equal(t, "mine", p.Name)
	_, err = profile.LoadFile(path + "x")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("#"), config.MaxSize+1), 0o600))
	_, err = profile.LoadFile(path)
	require.ErrorContains(t, err, "at most")
}

// FuzzProfile: what Parse accepts, hce.New accepts too, and that card answers
// SELECT of its directory.
func FuzzProfile(f *testing.F) {
	for _, name := range profile.Names() {
		f.Add([]byte(source(f, name)))
	}
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := profile.Parse("fuzz.yaml", data)
		if err != nil {
			require.Contains(t, err.Error(), "fuzz.yaml")
			return
		}
		makes(t, p)
	})
}
