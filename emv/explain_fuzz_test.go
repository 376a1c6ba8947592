package emv

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// leakTest is data with one account number in it, where a card may put it.
type leakTest struct {
	data []byte
	pan  string
}

// makeLeakTest builds TLV data around an account number from a seed.
func makeLeakTest(r *rand.Rand) leakTest {
	digits := make([]byte, 12+r.IntN(7))
	for i := range digits {
		digits[i] = byte('0' + r.IntN(10))
	}
	digits[0] = byte('1' + r.IntN(9))
	digits[6] = '0' // so that the bytes are not all letters: see TestWordsAreShown
	pan := string(WithCheckDigit(string(digits)))
	bcd, _ := AppendDigits(nil, pan, 0)
	track, _ := Track2{PAN: PAN(pan), Expiry: "4912", ServiceCode: "201", Discretionary: "123456789"}.Append(nil)
	places := []TLV{
		{TagPAN, bcd}, {TagTrack2, track}, {0x9F6B, track}, {TagTrack1, []byte("B" + pan + "^NAME/TEST^4912201")},
		{0xDF7F, bcd}, {0xC2, track}, {0x53, bcd}, {TagCustomerExclusive, []byte("card " + pan)}, {TagApplicationLabel, []byte(pan)},
		{0x9F05, bcd}, {0x86, bcd}, {TagCardholderName, []byte(pan)}, {TagPreferredName, bcd},
	}
	neighbours := []TLV{
		{TagATC, []byte{0, 7}}, {TagCTQ, []byte{0, 0x80}}, {TagIAD, []byte{6, 1, 0x12, 3, 0xA0, 0, 0}}, {TagExpirationDate, []byte{0x49, 0x12, 0x31}},
		{TagApplicationLabel, []byte("VISA")}, {TagCryptogram, []byte{1, 2, 3, 4, 5, 6, 7, 8}}, {TagAFL, []byte{8, 1, 1, 0}}, {TagPANSequence, []byte{1}},
	}
	var body []byte
	for range r.IntN(4) {
		body = neighbours[r.IntN(len(neighbours))].Append(body)
	}
	body = places[r.IntN(len(places))].Append(body)
	for range r.IntN(4) {
		body = neighbours[r.IntN(len(neighbours))].Append(body)
	}
	for _, template := range [][]Tag{nil, {TagRecord}, {TagFCI, TagFCIProprietary}, {TagResponseFormat2}}[r.IntN(4)] {
		body = AppendTLV(nil, template, body)
	}
	return leakTest{body, pan}
}

// damage cuts, changes, removes or repeats a byte outside of the number.
func (l leakTest) damage(r *rand.Rand) []byte {
	data := append([]byte{}, l.data...)
	switch at := r.IntN(len(data)); r.IntN(4) {
	case 0:
		return data[:at]
	case 1:
		data[at] = byte(r.IntN(256))
	case 2:
		data = append(data[:at], data[at+1:]...)
	case 3:
		data = append(data[:at+1], data[at:]...)
	}
	return data
}

// requireNoLeak checks that neither the dump nor the explanation shows the
// number, in digits or in ASCII. Damage may cut a number into pieces that are
// well-formed objects of their own; of those nobody can know, so they do not
// count.
func requireNoLeak(t *testing.T, data []byte, pan string) {
	t.Helper()
	var spelled strings.Builder
	for _, c := range pan {
		spelled.WriteString("3" + string(c))
	}
	items, err := Explain(data, Context{}, false)
	text, jsonErr := json.Marshal(items)
	require.NoError(t, jsonErr)
	for _, number := range []string{pan, spelled.String()} {
		require.NotContains(t, string(text), number, "Explain of %X", data)
		if err != nil || inOneValue(data, number) {
			require.NotContains(t, MaskedHex(data, nil), number, "MaskedHex of %X", data)
		}
	}
}

// inOneValue is true when the hex digits stand within one primitive value.
func inOneValue(data []byte, digits string) bool {
	for s := Scan(data); s.Next(); {
		if s.Tag().Constructed() && inOneValue(s.Value(), digits) || !s.Tag().Constructed() && strings.Contains(upperHex(s.Value()), digits) {
			return true
		}
	}
	return false
}

func FuzzNoLeak(f *testing.F) {
	f.Add(uint64(1), uint16(3), byte(0xFF))
	f.Add(uint64(9), uint16(0), byte(0x00))
	f.Fuzz(func(t *testing.T, seed uint64, at uint16, value byte) {
		r := rand.New(rand.NewPCG(seed, 0))
		l := makeLeakTest(r)
		requireNoLeak(t, l.data, l.pan)
		changed := append([]byte{}, l.data...)
		changed[int(at)%len(changed)] = value
		requireNoLeak(t, changed, l.pan)
		requireNoLeak(t, l.damage(r), l.pan)
	})
}

// Explain never panics, accounts for what it read, and its masked form shows
// nothing that MaskedHex hides.
func FuzzExplain(f *testing.F) {
	for _, s := range []string{ppse, "9F1204", "8E0A00000000000000004203", "9F10201F43", "800B8000011122334455667788", "9F2A0181", "DF4B03001000", "86020000", "910430303030"} {
		f.Add(unhex(f, s), byte(1), byte(0), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, scheme, kernel byte, reveal bool) {
		ctx := Context{Scheme: Scheme(scheme), Kernel: kernel}
		items, err := Explain(data, ctx, reveal)
		_, parseErr := Parse(data)
		require.Equal(t, parseErr == nil, err == nil)
		eachItem(items, func(item Item) {
			require.NotEmpty(t, item.Tag)
			require.NotEmpty(t, item.Name)
			require.LessOrEqual(t, item.Offset+item.Length, len(data))
			require.False(t, reveal && item.Masked)
		})
		require.Len(t, MaskedHex(data, nil), 2*len(data))
		for tag := range dictionary() {
			if len(data) < 64 && tag.Len() == 2 && byte(tag)%16 == kernel%16 {
				ExplainValue(tag, data, ctx, reveal)
			}
		}
	})
}
