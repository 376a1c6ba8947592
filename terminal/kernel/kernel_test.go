package kernel_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// Each of a transaction's values as the books code it (EMV Book 3, Annex A):
// amounts n 12, date YYMMDD, local time, currency n 3 in two bytes.
func TestTransactionData(t *testing.T) {
	yen, ok := emv.CurrencyByAlpha("JPY")
	require.True(t, ok)
	zone := time.FixedZone("Tokyo", 9*3600)
	a := &kernel.Activation{
		TTQ: emv.TTQ{0x36, 0x80, 0x40, 0x00},
		Transaction: kernel.Transaction{
			Amount: 999_999_999_999, AmountOther: 7, Type: 0x09, Currency: yen, Time: time.Date(2026, 2, 3, 23, 5, 9, 0, zone),
			UnpredictableNumber: [4]byte{1, 2, 3, 4}, SequenceCounter: 123_456_789,
		},
		Config: &kernel.Config{
			Data:     emv.List{{Tag: emv.TagTerminalCountry, Value: []byte{0x03, 0x92}}, {Tag: emv.TagTVR, Value: []byte{1}}},
			Settings: kernel.Settings{TTQ: &emv.TTQ{}},
		},
	}
	var d kernel.TransactionData
	d.Load(a)
	for tag, want := range map[emv.Tag]string{
		emv.TagAmount: "999999999999", emv.TagAmountOther: "000000000007", emv.TagTransactionType: "09", emv.TagTransactionCurrency: "0392",
		emv.TagTransactionDate: "260203", emv.TagTransactionTime: "230509", emv.TagUnpredictableNumber: "01020304", emv.TagSequenceCounter: "23456789",
		emv.TagTTQ: "36804000", emv.TagTVR: "0000000000", emv.TagPOSEntryMode: "07", emv.TagTerminalCountry: "0392",
	} {
		v, ok := d.Lookup(tag)
		require.True(t, ok, tag.String())
		require.Equal(t, unhex(t, want), v, tag.String())
	}
	_, ok = d.Lookup(emv.TagMerchantName)
	require.False(t, ok)
	d.TVR().Set(emv.TVRExpired, true)
	v, _ := d.Lookup(emv.TagTVR)
	require.Equal(t, unhex(t, "0040000000"), v)

	a.Config.Settings.TTQ = nil
	d.Load(a)
	_, ok = d.Lookup(emv.TagTTQ)
	require.False(t, ok, "a combination without TTQ has none to give")
}

// ParseFCI takes one whole template 6F and nothing else.
func TestParseFCI(t *testing.T) {
	const good = "6F 13 84 07 A0000000031010 A5 08 50 01 56 9F38 02 9F66"
	f, ok := kernel.ParseFCI(unhex(t, good))
	require.True(t, ok)
	require.Equal(t, kernel.FCI{Raw: unhex(t, good), DFName: unhex(t, "A0000000031010"), PDOL: unhex(t, "9F66")}, f)
	f, ok = kernel.ParseFCI(unhex(t, "6F 00"))
	require.True(t, ok)
	require.Nil(t, f.DFName)
	require.Nil(t, f.PDOL)

	whole := unhex(t, good)
	for n := range whole {
		f, ok = kernel.ParseFCI(whole[:n])
		require.False(t, ok, "cut at %d", n)
		require.Equal(t, kernel.FCI{Raw: whole[:n]}, f)
	}
	for _, bad := range []string{"77 00", good + "00 9F", "6F00 6F00", "6F 05 84 01 AA 50 05", "6F 06 A5 04 9F38 03 9F"} {
		_, ok = kernel.ParseFCI(unhex(t, bad))
		require.False(t, ok, bad)
	}
}
