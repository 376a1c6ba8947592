package emv

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNothingSensitivePrints(t *testing.T) {
	track := []byte{0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x01, 0x19, 0xD4, 0x91, 0x22, 0x01, 0x98, 0x76, 0x54, 0x32, 0x1F}
	parsed, err := ParseTrack2(track)
	require.NoError(t, err)
	object := TLV{TagTrack2, track}
	for _, v := range []any{
		PAN("4761739001010119"), []PAN{"4761739001010119"}, struct{ P PAN }{"4761739001010119"},
		parsed, &parsed, object, List{object}, Coded(object.Append(nil)), struct{ L List }{List{object}},
	} {
		j, err := json.Marshal(v)
		require.NoError(t, err)
		texts := []string{string(j)}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
			texts = append(texts, fmt.Sprintf(verb, v))
		}
		for _, text := range texts {
			for _, secret := range []string{"4761739001010119", "9876543", "71 97 115", "[71", "R2FzkAEBARk"} {
				require.NotContains(t, text, secret, "%T", v)
			}
		}
	}
}
