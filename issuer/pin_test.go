package issuer

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/cryptogram/pin"
	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/provisioning"
)

// The published PIN verification key and value of testdata/vectors/pin.json,
// pin-037, belong to a number that is not in our ranges; the value of our card
// under the same key is computed with what that case pins.
const (
	testZone = "0123456789ABCDEFFEDCBA9876543210"
	testPVK  = "233220CCDDCC322315C44C2A51A2DFFD"
	testPVV  = "0814" // of PIN 1234
)

func pinRules(c *Config) {
	c.PIN = PINRules{Zone: tdes(testZone), Verification: tdes(testPVK), KeyIndex: 1, Values: []PINValue{{testCard, testPVV}}}
}

func block(t testing.TB, key, digits string, pan emv.PAN) []byte {
	t.Helper()
	b, err := pin.Encipher(pin.Format0, tdes(key), digits, string(pan), nil)
	require.NoError(t, err)
	return b
}

// TestOnlinePIN is right, wrong, or cannot be read or judged.
func TestOnlinePIN(t *testing.T) {
	for name, c := range map[string]struct {
		rules func(*Config)
		block []byte
		code  string
		step  Result
		text  string
	}{
		"right":               {pinRules, block(t, testZone, "1234", testCard), "00", OK, "verification value"},
		"right, and longer":   {pinRules, block(t, testZone, "123456", testCard), "00", OK, "verification value"}, // a PVV counts four digits
		"wrong":               {pinRules, block(t, testZone, "1235", testCard), "55", Failed, "wrong"},
		"for another account": {pinRules, block(t, testZone, "1234", testToken), "81", Failed, "no PIN block"},
		"under another key":   {pinRules, block(t, testPVK, "1234", testCard), "81", Failed, "no PIN block"},
		"none":                {pinRules, nil, "00", "", ""},
		"no key":              {nil, block(t, testZone, "1234", testCard), "00", Skipped, "no zone PIN key"},
		"no value":            {func(c *Config) { pinRules(c); c.PIN.Values = nil }, block(t, testZone, "9999", testCard), "00", Skipped, "knows no PIN"},
	} {
		m := plasticTap(1, 60_00).message(t, "0100", 1)
		m.PINBlock = c.block
		answer, report := newBank(t, c.rules).handle(m)
		require.Equal(t, c.code, answer.ResponseCode, name)
		require.Equal(t, c.step, report.find(stepPIN).Result, name)
		require.Contains(t, report.find(stepPIN).Text, c.text, name)
		for _, s := range report.Steps {
			require.NotContains(t, s.Text, "1234", name)
			require.NotContains(t, s.Text, testPVV, name)
		}
	}
}

// TestPINOfAToken is bound to the token's number, and it is the card's.
func TestPINOfAToken(t *testing.T) {
	for digits, want := range map[string]string{"1234": "00", "4321": "55"} {
		b := newBank(t, pinRules)
		set, err := b.Replenish(context.Background(), provisioning.Request{Token: testToken}, deviceKey(t))
		require.NoError(t, err)
		m := phoneTap(t, set, 0, 1, 60_00).message(t, "0100", 1)
		m.PINBlock = block(t, testZone, digits, testToken)
		answer, _ := b.handle(m)
		require.Equal(t, want, answer.ResponseCode)
	}
}

// TestPINRulesAreChecked: what is missing has a name.
func TestPINRulesAreChecked(t *testing.T) {
	aes, err := cryptogram.NewKey(cryptogram.AES, make([]byte, 16))
	require.NoError(t, err)
	for field, change := range map[string]func(*PINRules){
		"pin.zone_key":          func(r *PINRules) { r.Zone = nil },
		"pin.zone_key: PIN":     func(r *PINRules) { r.Zone = aes },
		"pin.verification_key":  func(r *PINRules) { r.Verification = nil },
		"verification_key: PIN": func(r *PINRules) { r.Verification = aes },
		"pin.key_index":         func(r *PINRules) { r.KeyIndex = 10 },
		"pin: a PIN":            func(r *PINRules) { r.Values[0].Value = "12345" },
	} {
		c := testConfig()
		pinRules(&c)
		change(&c.PIN)
		require.ErrorContains(t, c.Check(), field)
	}
	require.Contains(t, strings.Join([]string{iso8583.ResponseText("55"), iso8583.ResponseText("81")}, " "), "PIN")
}
