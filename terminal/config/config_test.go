package config_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal"
	"tapsim/terminal/config"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c3"
)

// The default terminal is a shop where everything goes online.
func TestAttended(t *testing.T) {
	c, err := config.Load(config.Default)
	require.NoError(t, err)
	require.Equal(t, "attended", c.Name)
	require.NotEmpty(t, c.GoodFor)
	require.Equal(t, "TAPSIM01", c.TerminalID)
	require.Equal(t, "TAPSIM-MERCH-01", c.MerchantID)
	require.Equal(t, "EUR", c.Currency.Alpha)
	require.Equal(t, uint16(276), c.Country)
	country, ok := c.Data.Lookup(emv.TagTerminalCountry)
	require.True(t, ok)
	require.Equal(t, []byte{0x02, 0x76}, country)
	for i, aid := range []string{"\xA0\x00\x00\x00\x03\x10\x10", "\xA0\x00\x00\x00\x03\x20\x10"} {
		s := c.Combinations[i].Settings
		require.Equal(t, aid, string(c.Combinations[i].AID))
		require.Equal(t, byte(3), c.Combinations[i].Kernel)
		require.Equal(t, emv.TTQ{0x36, 0x00, 0x40, 0x00}, *s.TTQ)
		require.Equal(t, int64(0), *s.FloorLimit, "everything above zero goes online")
		require.Equal(t, int64(5000), *s.CVMLimit)
		require.Nil(t, s.TransactionLimit, "absent is not zero")
		require.True(t, *s.ZeroAmountAllowed)
	}
}

// Every built-in terminal loads under its own name and says what it is for.
func TestBuiltInTerminals(t *testing.T) {
	require.Contains(t, config.Names(), config.Default)
	for _, name := range config.Names() {
		c, err := config.Load(name)
		require.NoError(t, err, name)
		require.Equal(t, name, c.Name)
		require.NotEmpty(t, c.GoodFor, name)
		require.NotEmpty(t, c.Combinations, name)
	}
}

const full = `name: mine
good_for: a test
terminal_id: T1
merchant_id: M1
merchant_name: SHOP
merchant_city: TOKYO
merchant_category: "5411"
country: "392"
country_alpha: JP
currency: JPY
taps: 2
host: {request: "0200", reversal: "0420", advice: "0120", entry_mode: "072", acquirer_id: "12", forwarding_id: "34"}
data:
  "9F35": "22"
applications:
  - aid: "A0000000031010"
    kernel: 3
    types: ["00", "09"]
    ttq: "36 00 40 00"
    status_check: true
    zero_amount: false
    transaction_limit: "100000"
    floor_limit: "1"
    cvm_limit: "15000"
    terminal_floor_limit: "2"
    extended_selection: true
    usage_control: true
    exception_file: ["4761739001010119"]
    data: {"9F1D": "01"}
`

// Every key arrives where it belongs.
func TestEveryKey(t *testing.T) {
	c, err := config.Parse("mine.yaml", []byte(full))
	require.NoError(t, err)
	require.Equal(t, "5411", c.MerchantCategory)
	require.Equal(t, "JP", c.CountryAlpha)
	require.Equal(t, 2, c.MaxTaps)
	require.Equal(t, "0200 0420 0120 072 12 34", strings.Join([]string{c.Host.Request, c.Host.Reversal, c.Host.Advice, c.Host.EntryMode, c.Host.AcquirerID, c.Host.ForwardingID}, " "))
	require.Equal(t, emv.List{{Tag: emv.TagTerminalType, Value: []byte{0x22}}, {Tag: emv.TagTerminalCountry, Value: []byte{0x03, 0x92}}}, c.Data)
	a := c.Combinations[0]
	require.Equal(t, []byte{0x00, 0x09}, a.Types)
	require.Equal(t, emv.List{{Tag: 0x9F1D, Value: []byte{0x01}}}, a.Data)
	s := a.Settings
	require.True(t, s.StatusCheck && s.ExtendedSelection && s.AUCCheck)
	require.False(t, *s.ZeroAmountAllowed)
	require.Equal(t, []int64{100000, 1, 15000, 2}, []int64{*s.TransactionLimit, *s.FloorLimit, *s.CVMLimit, *s.TerminalFloor}, "yen have no minor unit")
	require.Equal(t, []emv.PAN{"4761739001010119"}, s.ExceptionFile)
}

// What is wrong with a file is said with its place, and what to do.
func TestBadFiles(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown key":      {"kernel: 3", "kernel: 3\n    kernels: 4", "mine.yaml:18: unknown key kernels"},
		"unquoted hex":     {`ttq: "36 00 40 00"`, "ttq: 36004000", "mine.yaml:19: hex and digits must stand in quotes"},
		"not hex":          {`ttq: "36 00 40 00"`, `ttq: "36004G00"`, "mine.yaml:19: not hex"},
		"TTQ of 3 bytes":   {`ttq: "36 00 40 00"`, `ttq: "360040"`, "mine.yaml:19: applications[0].ttq: 3 bytes, want 4"},
		"short AID":        {`aid: "A0000000031010"`, `aid: "A0000000"`, "mine.yaml:16: applications[0].aid: 4 bytes"},
		"no AID":           {`aid: "A0000000031010"`, `{}`, "mine.yaml"},
		"kernel 0":         {"kernel: 3", "kernel: 0", "mine.yaml:17: applications[0].kernel: 0"},
		"kernel 256":       {"kernel: 3", "kernel: 256", "mine.yaml:17: applications[0].kernel: 256"},
		"type of 2 bytes":  {`types: ["00", "09"]`, `types: ["0009"]`, "mine.yaml:18: applications[0].types[0]: 0009"},
		"yen with cents":   {`floor_limit: "1"`, `floor_limit: "1.00"`, "mine.yaml:23: applications[0].floor_limit: "},
		"no such currency": {"currency: JPY", "currency: XYZ", `mine.yaml:10: currency: "XYZ"`},
		"country in words": {`country: "392"`, `country: "JP"`, "mine.yaml:8: "},
		"country too long": {`country: "392"`, `country: "1392"`, "mine.yaml:8: country: "},
		"category":         {`merchant_category: "5411"`, `merchant_category: "541"`, "mine.yaml:7: merchant_category"},
		"no terminal id":   {"terminal_id: T1", "", "mine.yaml: terminal_id: is required"},
		"no TTQ":           {`ttq: "36 00 40 00"`, "", "mine.yaml:16: applications[0].ttq: is required with kernel 3"},
		"another country":  {"country_alpha: JP", "country_alpha: FR", `mine.yaml:9: country_alpha: "FR": the letters of country 392 are JP`},
		"no such country":  {`country: "392"`, `country: "999"`, `mine.yaml:8: country: "999" is not one of ISO 3166-1`},
		"short country":    {`country: "392"`, `country: "92"`, "mine.yaml:8: country: "},
		"long terminal id": {"terminal_id: T1", "terminal_id: T12345678", "mine.yaml:3: terminal_id: \"T12345678\": field 41 has at most 8"},
		"long merchant id": {"merchant_id: M1", "merchant_id: M123456789012345", "mine.yaml:4: merchant_id: "},
		"control in id":    {"terminal_id: T1", `terminal_id: "TAP\tSIM"`, `mine.yaml:3: terminal_id: "TAP\tSIM" has a control character`},
		"in merchant id":   {"merchant_id: M1", `merchant_id: "M\x7F1"`, "mine.yaml:4: merchant_id: "},
		"in the name":      {"merchant_name: SHOP", `merchant_name: "A\nB"`, "mine.yaml:5: merchant_name: "},
		"in the city":      {"merchant_city: TOKYO", `merchant_city: "A\u0085B"`, "mine.yaml:6: merchant_city: "},
		"too many taps":    {"taps: 2", "taps: 11", "mine.yaml:11: taps: 11: want 1 to 10"},
		"taps in words":    {"taps: 2", "taps: two", "mine.yaml:11: want a whole number, not text"},
		"message type":     {`request: "0200"`, `request: "0800"`, `mine.yaml:12: host.request: message type "0800"`},
		"entry mode":       {`entry_mode: "072"`, `entry_mode: "07"`, "mine.yaml:12: host.entry_mode: "},
		"acquirer":         {`acquirer_id: "12"`, `acquirer_id: "123456789012"`, "mine.yaml:12: host.acquirer_id: "},
		"exception":        {`["4761739001010119"]`, `["4761739001010119", "4761739001010118"]`, "mine.yaml:28: applications[0].exception_file[1]: "},
		"transaction type": {"taps: 2", `transaction_type: "0109"`, "mine.yaml:11: transaction_type: 0109"},
		"no applications":  {full[strings.Index(full, "applications"):], "", "mine.yaml: applications: the terminal accepts no application"},
		"bad tag":          {`"9F35": "22"`, `"9F": "22"`, "mine.yaml:14: "},
		"empty":            {full, "", "empty"},
	} {
		_, err := config.Parse("mine.yaml", []byte(strings.Replace(full, c.old, c.new, 1)))
		require.ErrorContains(t, err, c.want, name)
		require.ErrorContains(t, err, "mine.yaml", name)
	}
}

// What only the program knows, such as which kernels there are, is pointed into
// the file too.
func TestErrorsOfTheTerminalHaveALine(t *testing.T) {
	c, err := config.Parse("mine.yaml", []byte(strings.Replace(full, "kernel: 3", "kernel: 7", 1)))
	require.NoError(t, err)
	_, err = terminal.New(c.Config, []kernel.Kernel{c3.New()}, terminal.Env{Now: time.Now, Rand: strings.NewReader("")})
	require.EqualError(t, c.Locate(err), "mine.yaml:17: applications[0].kernel: there is no kernel 7 here, only 3")
	require.NoError(t, c.Locate(nil))
	require.Equal(t, io.EOF, c.Locate(io.EOF))

	c, err = config.Parse("mine.yaml", []byte(strings.Replace(full, "country_alpha: JP\n", "", 1)))
	require.NoError(t, err)
	require.Equal(t, "JP", c.CountryAlpha, "the number says it")
}

// Load takes a built-in name or a file.
func TestLoad(t *testing.T) {
	_, err := config.Load("attendant")
	require.ErrorContains(t, err, `there is no terminal "attendant"`)
	require.ErrorContains(t, err, "attended")
	path := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(path, []byte(full), 0o600))
	c, err := config.Load(path)
	require.NoError(t, err)
	require.Equal(t, "mine", c.Name)
	_, err = config.Load(path + ".yml")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A file that is not one fails with an error, never otherwise.
func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("name: ["))
	f.Add([]byte("applications: [{aid: \"\"}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("f.yaml", data)
		if err == nil && (c.Name == "" || c.TerminalID == "") {
			t.Fatal("a terminal without a name was accepted")
		}
	})
}

// TestNoCashWhereThereIsNone: a terminal whose additional capabilities have
// neither cash nor cashback takes no transaction that hands any out.
func TestNoCashWhereThereIsNone(t *testing.T) {
	without := 0
	for _, name := range config.Names() {
		c, err := config.Load(name)
		require.NoError(t, err)
		capabilities, ok := c.Data.Lookup(0x9F40)
		require.True(t, ok)
		const cash, cashback = 0x80, 0x10
		if capabilities[0]&(cash|cashback) != 0 {
			continue
		}
		without++
		for _, one := range c.Combinations {
			require.Equal(t, []byte{0x00, 0x20}, one.Types, "%s, %X", name, one.AID)
		}
	}
	require.Equal(t, 3, without, "offline-only, transit, unattended")
}
