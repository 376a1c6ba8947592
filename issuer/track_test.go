package issuer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/iso8583"
)

// TestDynamicTrack: in contactless mag-stripe mode a Visa card's track 2 holds a
// value that only it can make. A bank that lets payments without chip data pass
// checks that one all the same.
func TestDynamicTrack(t *testing.T) {
	p := plasticTap(1, 12_50)
	key, err := cryptogram.DeriveCardKey(p.key, cryptogram.OptionA, string(p.pan), p.psn)
	require.NoError(t, err)
	value, err := cryptogram.DCVV(key, string(p.pan), "4912", "201", 7, cryptogram.ATCDecimal)
	require.NoError(t, err)
	wrong := string('0'+(value[0]-'0'+1)%10) + value[1:]
	const head = "4761739001010119=4912201"
	for name, c := range map[string]struct {
		fallback    bool
		mode, track string
		want        Code
		step        Result
	}{
		"right":                       {true, "911", head + "00000" + value + "0007" + "0", Approved, OK},
		"right, the separator is D":   {true, "912", "4761739001010119D491220100000" + value + "00070", Approved, OK},
		"wrong":                       {true, "911", head + "00000" + wrong + "00070", WrongCryptogram, Failed},
		"of another counter":          {true, "911", head + "00000" + value + "00080", WrongCryptogram, Failed},
		"no place for it":             {true, "911", head + "00000" + value + "000", WrongCryptogram, Failed},
		"no track":                    {true, "911", "", WrongCryptogram, Failed},
		"a real stripe has no such":   {true, "901", head + "0000000000000", Approved, ""},
		"right, and no fallback here": {false, "911", head + "00000" + value + "00070", NotPermitted, ""},
	} {
		b := newBank(t, func(config *Config) { config.Fallback = c.fallback })
		m := p.message(t, iso8583.AuthorisationRequest, 1)
		m.ICCData, m.EntryMode, m.Track2 = nil, c.mode, c.track
		answer, report := b.handle(m)
		require.Equal(t, string(c.want), answer.ResponseCode, name)
		require.Equal(t, c.step, report.find(stepTrack).Result, name)
		require.NotContains(t, report.find(stepTrack).Text, value, name)
		require.NotEqual(t, OK, report.Cryptogram, "%s: it is no cryptogram", name)
		b.audit()
	}
}
