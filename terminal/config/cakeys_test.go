package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/terminal/config"
)

// exported is a key as `tapsim ca export` writes it.
func exported(k testca.CAKey) string {
	return fmt.Sprintf(`{
  "rid": "%X", "index": "%02X", "modulus": "%X", "exponent": "%X", "expiry": "%s", "checksum": "%X",
  "scheme": "visa", "bits": 1408, "ours": true, "source": "tapsim"
}`, k.RID, k.Index, k.Modulus, k.Exponent, k.Expiry, k.CheckSum())
}

// parse reads the terminal of the other tests with further keys.
func parse(t *testing.T, more string) (config.Terminal, error) {
	t.Helper()
	return config.Parse("mine.yaml", []byte(strings.Replace(full, "taps: 2", "taps: 2\n"+more, 1)))
}

// TestCAKeys: the keys stand inline or in a file beside the terminal's.
func TestCAKeys(t *testing.T) {
	k := testca.Keys()[0]
	inline := "ca_keys: [" + strings.ReplaceAll(exported(k), "\n", "\n  ") + "]\n"
	c, err := parse(t, inline+`revoked: [{rid: "A000000003", index: "E1", serial: "000001"}]`)
	require.NoError(t, err)
	require.Equal(t, []oda.CAKey{k.CAKey}, c.CAKeys)
	require.Equal(t, []oda.Revocation{{RID: [5]byte{0xA0, 0, 0, 0, 3}, Index: 0xE1, Serial: [3]byte{0, 0, 1}}}, c.Revoked)

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.json"), []byte("["+exported(k)+"]\n"), 0o600))
	path := filepath.Join(dir, "mine.yaml")
	for _, name := range []string{"keys.json", filepath.Join(dir, "keys.json")} {
		require.NoError(t, os.WriteFile(path, []byte(full+"ca_keys_file: "+name+"\n"), 0o600))
		c, err = config.Load(path)
		require.NoError(t, err)
		require.Equal(t, []oda.CAKey{k.CAKey}, c.CAKeys)
		require.Nil(t, c.Revoked, "the program's")
	}

	c, err = parse(t, "ca_keys: []\nrevoked: []")
	require.NoError(t, err)
	require.NotNil(t, c.CAKeys)
	require.Empty(t, c.CAKeys, "nobody is trusted")
	require.NotNil(t, c.Revoked)
	require.Empty(t, c.Revoked)

	c, err = parse(t, `ca_keys: [{rid: "A000000003", index: "01", modulus: "`+strings.Repeat("FF", 128)+`", exponent: "03"}]`)
	require.NoError(t, err)
	require.Equal(t, emv.Date{}, c.CAKeys[0].Expiry)
	c, err = config.Load(config.Default)
	require.NoError(t, err)
	require.Nil(t, c.CAKeys)
	require.Nil(t, c.Revoked)
}

func TestBadCAKeys(t *testing.T) {
	key := exported(testca.Keys()[0])
	list := func(text string) string { return "ca_keys: [" + strings.ReplaceAll(text, "\n", "\n  ") + "]" }
	for _, c := range []struct{ more, want string }{
		{list(strings.Replace(key, `"A000000003"`, `"A0000003"`, 1)), "mine.yaml:12: ca_keys[0]: want rid of 5 bytes"},
		{list(strings.Replace(key, `"index": "E1"`, `"index": "E2"`, 1)), "mine.yaml:12: ca_keys[0]: the check sum is "},
		{list(strings.Replace(key, "2049-12-31", "49-12-31", 1)), "want a day such as"},
		{list(strings.Replace(key, `"ours"`, `"theirs"`, 1)), "unknown key theirs"},
		{list(key + ", " + key), "ca_keys[1]: CA key A000000003 index E1 with this modulus is there already"},
		{list(`{rid: "A000000003", index: "01", modulus: "FF", exponent: "03"}`), "ca_keys[0]: CA key A000000003 index 01: "},
		{list(key) + "\nca_keys_file: keys.json", "the keys stand here, in ca_keys, or there"},
		{"ca_keys_file: nowhere.json", "mine.yaml:12: ca_keys_file: nowhere.json: "},
		{`revoked: [{rid: "A000000003", index: "E1", serial: "0001"}]`, "mine.yaml:12: revoked[0]: want rid of 5 bytes, index of 1 and serial of 3"},
	} {
		_, err := parse(t, c.more)
		require.ErrorContains(t, err, c.want)
	}
}
