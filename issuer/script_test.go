package issuer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// TestScript: the commands of a rule go to the card behind tag 91, each with a
// MAC over header, counter, cryptogram and data under Visa's script session key,
// the card key with the counter in each half (the method itself is pinned by
// published numbers in cryptogram).
func TestScript(t *testing.T) {
	commands := []ScriptCommand{
		{Header: [4]byte{0x84, 0x1E}},
		{Header: [4]byte{0x04, 0xDA, 0x9F, 0x79}, Data: unhex("000000012345")},
	}
	smi := tdes("FEDCBA98765432100123456789ABCDEF")
	setUp := func(c *Config) {
		c.KeySets[0].SMI = smi
		c.Rules = []Rule{{Name: "script", MTI: "0100", Script: commands}}
	}
	b := newBank(t, setUp)
	p := plasticTap(0x0102, 12_50)
	answer, report := b.handle(p.message(t, "0100", 1))
	require.Equal(t, "00", answer.ResponseCode, "a script changes no decision")
	list, err := emv.ParseList(answer.ICCData)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, emv.TagIssuerAuthData, list[0].Tag)
	require.Equal(t, emv.TagIssuerScript2, list[1].Tag)
	require.Equal(t, OK, step(t, report, stepScript).Result)

	card, err := cryptogram.DeriveCardKey(smi, cryptogram.OptionA, string(testCard), "01")
	require.NoError(t, err)
	session := card.Reveal()
	session[6] ^= 0x01
	session[7] ^= 0x02
	session[14] ^= 0x01 ^ 0xFF
	session[15] ^= 0x02 ^ 0xFF
	key, err := cryptogram.NewKey(cryptogram.TDES, session)
	require.NoError(t, err)
	ac, _ := emv.Find(p.icc(t), emv.TagCryptogram)
	sent, err := emv.ParseList(list[1].Value)
	require.NoError(t, err)
	require.Len(t, sent, 2)
	for n, header := range []string{"841E000008", "04DA9F790E"} {
		require.Equal(t, tagScriptCommand, sent[n].Tag)
		input := append(append(append(unhex(header), 0x01, 0x02), ac...), commands[n].Data...)
		mac, err := key.MAC(input, cryptogram.Padding2)
		require.NoError(t, err)
		require.Equal(t, append(append(unhex(header), commands[n].Data...), mac...), sent[n].Value)
	}

	again, _ := b.handle(p.message(t, "0101", 1))
	require.Equal(t, answer.ICCData, again.ICCData, "a repeat gets the same script")
}

// TestNoScript: a script without a key, or for a card that did not prove itself,
// is left out, and the report says why.
func TestNoScript(t *testing.T) {
	script := []ScriptCommand{{Header: [4]byte{0x84, 0x1E}}}
	for name, c := range map[string]struct {
		change func(*Config, *tap)
		want   Result
		text   string
	}{
		"no key": {func(*Config, *tap) {}, Failed, "has no key for script integrity"},
		"wrong cryptogram": {func(c *Config, p *tap) {
			c.KeySets[0].SMI, p.key = c.KeySets[0].AC, tdes("2315208C9110AD402315208C9110AD40")
		}, Skipped, "was right"},
	} {
		p := plasticTap(1, 12_50)
		b := newBank(t, func(conf *Config) {
			conf.Rules = []Rule{{Name: "script", Script: script}}
			c.change(conf, &p)
		})
		answer, report := b.handle(p.message(t, "0100", 1))
		_, sent := emv.Find(answer.ICCData, emv.TagIssuerScript2)
		require.False(t, sent, name)
		s := step(t, report, stepScript)
		require.Equal(t, c.want, s.Result, name)
		require.Contains(t, s.Text, c.text, name)
	}
}

// TestResetOffline: the card status update of an approval resets the counters
// where the bank wants that, and a decline never does.
func TestResetOffline(t *testing.T) {
	for _, c := range []struct {
		reset  bool
		amount int64
		csu    string
	}{{false, 12_50, "00800000"}, {true, 12_50, "00820000"}, {true, 900_00, "00000000"}} {
		b := newBank(t, func(conf *Config) { conf.ResetOffline = c.reset })
		answer, _ := b.handle(plasticTap(1, c.amount).message(t, "0100", 1))
		data, ok := emv.Find(answer.ICCData, emv.TagIssuerAuthData)
		require.True(t, ok)
		require.Equal(t, unhex(c.csu), data[4:])
	}
}

func step(t *testing.T, r *Report, name string) Step {
	t.Helper()
	for _, s := range r.Steps {
		if s.Name == name {
			return s
		}
	}
	require.Fail(t, "no step "+name)
	return Step{}
}
