package issuer

import (
	"context"
	"fmt"
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

// TestPINTries: guessing ends. A card has so many wrong PINs in a row, its token's
// among them; a right one starts again.
func TestPINTries(t *testing.T) {
	b, atc := newBank(t, pinRules), uint16(0)
	set, err := b.Replenish(context.Background(), provisioning.Request{Token: testToken}, deviceKey(t))
	require.NoError(t, err)
	send := func(m *iso8583.Message, digits string, pan emv.PAN) string {
		atc++
		m.STAN = fmt.Sprintf("%06d", atc)
		m.RRN = "R" + m.STAN
		m.PINBlock = block(t, testZone, digits, pan)
		answer, _ := b.handle(m)
		return answer.ResponseCode
	}
	card := func(digits string) string {
		return send(plasticTap(atc+1, 60_00).message(t, "0100", 1), digits, testCard)
	}
	uses := 0
	phone := func(digits string) string {
		uses++ // a key is good for three
		return send(phoneTap(t, set, uses/4, atc+1, 60_00).message(t, "0100", 1), digits, testToken)
	}
	require.Equal(t, []string{"55", "55", "00", "55", "55", "00"}, []string{card("9999"), card("9998"), card("1234"), phone("9997"), card("9996"), phone("1234")})
	require.Equal(t, []string{"55", "55", "55", "75", "75", "75"}, []string{card("1001"), phone("1002"), card("1003"), card("1004"), card("1234"), phone("1234")})
	replayed := plasticTap(2, 60_00).message(t, "0100", 1)
	for _, guess := range []string{"1234", "4321"} {
		require.Equal(t, "63", send(replayed.Clone(), guess, testCard), "a replay learns nothing")
	}
	atc++
	without := plasticTap(atc, 10_00).message(t, "0100", 1)
	without.STAN = "000999"
	answer, _ := b.handle(without)
	require.Equal(t, "00", answer.ResponseCode, "without a PIN the card pays")

	require.ErrorContains(t, b.UnblockPIN(context.Background(), "4012888888881881"), "there is no card or token 401288******1881")
	require.NoError(t, b.UnblockPIN(context.Background(), testToken))
	require.Equal(t, []string{"55", "00"}, []string{card("4321"), card("1234")})
	for _, guess := range []string{"1234", "4321", "4322", "4323", "4324"} {
		require.Equal(t, "63", send(replayed.Clone(), guess, testCard), "nor before")
	}
	require.Equal(t, "00", card("1234"))
}

// TestForgedMessagesBlockNobody: a wrong cryptogram is the answer, and says
// nothing about the PIN; so it does not count.
func TestForgedMessagesBlockNobody(t *testing.T) {
	b := newBank(t, pinRules)
	for n := range 5 {
		forged := plasticTap(1, 60_00)
		forged.key = tdes(testPVK)
		m := forged.message(t, "0100", n+1)
		m.PINBlock = block(t, testZone, "9999", testCard)
		answer, _ := b.handle(m)
		require.Equal(t, "82", answer.ResponseCode)
	}
	m := plasticTap(9, 60_00).message(t, "0100", 9)
	m.PINBlock = block(t, testZone, "1234", testCard)
	answer, _ := b.handle(m)
	require.Equal(t, "00", answer.ResponseCode)
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
		"pin.tries":             func(r *PINRules) { r.Tries = 16 },
		"pin: a PIN":            func(r *PINRules) { r.Values[0].Value = "12345" },
	} {
		c := testConfig()
		pinRules(&c)
		change(&c.PIN)
		require.ErrorContains(t, c.Check(), field)
	}
	require.Contains(t, strings.Join([]string{iso8583.ResponseText("55"), iso8583.ResponseText("81")}, " "), "PIN")
}
