package emv

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPANs(t *testing.T) {
	require.Equal(t, PAN("4761739001010119"), WithCheckDigit("476173900101011"))
	pan := PAN("4761739001010119")
	require.True(t, pan.Valid())
	require.False(t, PAN("4761739001010118").Valid())
	require.False(t, PAN("476173900101011x").Valid())
	require.False(t, PAN("").Valid())
	require.Equal(t, "476173******0119", pan.Masked())
	require.Equal(t, "0119", pan.LastFour())
	require.Equal(t, "************", PAN("123456789012").Masked())
	require.Equal(t, "", PAN("123").LastFour())
	text, err := json.Marshal(struct{ P PAN }{pan})
	require.NoError(t, err)
	for _, s := range []string{fmt.Sprint(pan), fmt.Sprintf("%#v", pan), fmt.Sprintf("%q", pan), string(text)} {
		require.NotContains(t, s, string(pan))
	}
}

func TestTrack2ReadsAndWrites(t *testing.T) {
	for _, c := range []struct {
		hex  string
		want Track2
	}{
		{"4761739001010119D49122011234599999991F", Track2{"4761739001010119", "4912", "201", "1234599999991"}},
		{"374245001741007D181270213101234500000F", Track2{"374245001741007", "1812", "702", "13101234500000"}},
		{"4761739001010119D4912201", Track2{"4761739001010119", "4912", "201", ""}},
	} {
		track, err := ParseTrack2(unhex(t, c.hex))
		require.NoError(t, err)
		require.Equal(t, c.want, track)
		coded, err := track.Append(nil)
		require.NoError(t, err)
		require.Equal(t, c.hex, upperHex(coded))
		require.NotContains(t, fmt.Sprint(track), string(c.want.PAN))
	}
	for _, bad := range []string{
		"", "4761739001010119", "D4912201F", "47617390010101194761D4912201", "4761739001010119D49122", "4761739001010119D4912D01",
		"4761F39001010119D4912201", "4761739001010119D49A2201", "4999999999999999D15092FFFFFFFFFFFFFF0F",
	} {
		b := unhex(t, bad+strings.Repeat("F", len(bad)%2))
		_, err := ParseTrack2(b)
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), "4761")
	}
	_, err := Track2{PAN: "47617390x"}.Append(nil)
	require.Error(t, err)
}

func TestTestRange(t *testing.T) {
	for _, set := range testRanges {
		require.NotEmpty(t, set.reason)
		for number := range strings.FieldsSeq(set.numbers) {
			if len(number) > 10 {
				require.True(t, PAN(number).Valid(), number)
				require.True(t, TestRange(PAN(number)), number)
			}
		}
	}
	for _, pan := range []PAN{
		"4761739001010119", WithCheckDigit("476173900200001"), WithCheckDigit("625094000000000"), "6210948000000011", "5413330089600044",
		"4761731000000027", "4761739001010010", "4761340000000050", "3540829999421012", "374245001741007", "541333900000006165",
	} {
		require.True(t, TestRange(pan), string(pan))
	}
	for _, pan := range []PAN{
		"", "476173", "4761739001010118", "1122334455667788", "4999999999999999", "5413339999990385", "4111111111111112", WithCheckDigit("411111111111112"),
	} {
		require.False(t, TestRange(pan), string(pan))
	}
}
