package emv

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMaskedHex(t *testing.T) {
	for data, want := range map[string]string{
		"":                     "",
		"5A084761739001010119": "5A08476173******0119",
		"5A08374245001741007F": "5A08374245*****1007*",
		"57134761739001010119D49122011234599999991F": "5713476173******0119D*********************",
		"571040123456789095D2512201197339300F":       "5710401234****9095D*****************",
		"5F200E4E616D6530696E205265636F7264":         "5F200E" + strings.Repeat("*", 28),
		"9F1F0412345678":                             "9F1F04********",
		"5A0A4761739001010119FFFF":                   "5A0A476173******0119****",
		"5A0847617390010A0119":                       "5A08****************", // not digits: nothing is shown
		"5A064761739001FF":                           "5A06************",     // too short to show any of it
		"57084761739001010119":                       "5708****************", // no separator
		"9F36020001":                                 "9F36020001",
		// inside templates
		"6F0A5A084761739001010119":                           "6F0A5A08476173******0119",
		"770A5A084761739001010119":                           "770A5A08476173******0119",
		"70165A0847617390010101195F24034912315F340101DF7F00": "70165A08476173******01195F24034912315F340101DF7F00",
		// tags that are harmless in another kernel, by length
		"9F6B134761739001010119D49122011234599999991F": "9F6B13476173******0119D*********************",
		"9F6B06000000005000":                           "9F6B06000000005000",
		"9F61021234":                                   "9F61021234",
		"9F610431313131":                               "9F6104********",
		// by digits alone: in an unknown tag, in BCD and in ASCII
		"DF7F084761739001010119":                 "DF7F08****************",
		"DF7F1034373631373339303031303130313139": "DF7F10" + strings.Repeat("*", 32),
		"DF7F084761739A01010119":                 "DF7F084761739A01010119", // not in a row
		"DF7F080000000000000000":                 "DF7F080000000000000000",
		// damaged: whatever looks like a number
		"70205A084761739001010119": "70205A08476173******0119",
		"70204761739001010119":     "********************",
	} {
		require.Equal(t, want, MaskedHex(unhex(t, data), nil), data)
	}
	onlyATC := func(tag Tag) bool { return tag == TagATC }
	require.Equal(t, "9F3602****", MaskedHex(unhex(t, "9F36020001"), onlyATC))
}

// Digits in a row are not hidden where the structure of a value rules out an
// account number.
func TestMaskedHexKnowsStructures(t *testing.T) {
	for _, data := range []string{
		"800E7C00080103001001050120010100",                                       // AIP and AFL
		"9410080101001001010118010200200102 00",                                  // AFL
		"9F10201F43015120000000000102030404034501000000000000000000000000000000", // issuer application data
		"9F10120110A04003223000000000001126980002FF",
		"83213600400000000000125000000000000002760000000000097830010100 1A2B3C4D", // values of a PDOL
		"8E0C00002710000000005F060200",
		"9F241D56303031303031343631363230383434353234373834323935383238 30",
		"9F6E0B0250000330350002000200",
		"4F0AA0000003591010028001",
	} {
		raw := unhex(t, data)
		require.Equal(t, upperHex(raw), MaskedHex(raw, nil))
	}
}

// Ordinary data must stay readable: the second net may not tear holes into
// what real cards send.
func TestMaskingLeavesOrdinaryDataAlone(t *testing.T) {
	for _, b := range blobs(t) {
		if b.kind != "tlv" {
			continue
		}
		for _, data := range b.lines {
			items, err := Explain(data, Context{}, false)
			require.NoError(t, err)
			eachItem(items, func(item Item) {
				tag, err := ParseTag(item.Tag)
				if err == nil && item.Masked && !Sensitive(tag) {
					require.Contains(t, []string{"055-mastercard-iad-2-26bytes.txt"}, b.name, "%s is masked: %s", item.Tag, item.Value)
				}
			})
		}
	}
}

func eachItem(items []Item, f func(Item)) {
	for _, item := range items {
		f(item)
		eachItem(item.Children, f)
	}
}

// Words are not account numbers, although capital letters are decimal digits
// in hex.
func TestMaskingLeavesTextAlone(t *testing.T) {
	for _, label := range []string{"VISA DEBIT", "UICC QUASICREDIT", "PPC MCD 04 v20", "MASTERCARD"} {
		data := AppendTLV(nil, TagApplicationLabel, []byte(label))
		require.Equal(t, upperHex(data), MaskedHex(data, nil), label)
		require.Equal(t, quoted(label), ExplainValue(TagApplicationLabel, []byte(label), Context{}, false).Text)
	}
	par := AppendTLV(nil, TagPAR, []byte("V0010014616208445247842958280"))
	require.Equal(t, upperHex(par), MaskedHex(par, nil))
}

// The one limit: bytes that are words in an element of text are taken for
// words, although 55 55 55 55 55 55 44 44 could be a number.
func TestWordsAreShown(t *testing.T) {
	require.Equal(t, "50085555555555554444", MaskedHex(unhex(t, "50085555555555554444"), nil))
	require.Equal(t, "5A08555555******4444", MaskedHex(unhex(t, "5A085555555555554444"), nil))
}

func TestNoAccountNumberLeaks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		l := makeLeakTest(r)
		requireNoLeak(t, l.data, l.pan)
		requireNoLeak(t, l.damage(r), l.pan)
		for _, s := range []Scheme{SchemeVisa, SchemeMastercard, SchemeUnionPay} {
			items, err := Explain(l.data, Context{Scheme: s}, false)
			require.NoError(t, err)
			text, _ := json.Marshal(items)
			require.NotContains(t, string(text), l.pan)
		}
	}
}

func TestRevealShowsTheNumber(t *testing.T) {
	items, err := Explain(unhex(t, "5A084761739001010119"), Context{}, true)
	require.NoError(t, err)
	require.Equal(t, "4761739001010119", items[0].Value)
	require.Equal(t, "4761739001010119", items[0].Text)
	require.False(t, items[0].Masked)
}

// Values that are random by nature look like account numbers now and then.
// Their tags have no room for one, so only a value that is one from end to end
// is masked, one of 8 bytes in 18,000, and what has the frame of a track.
func TestCryptographicValuesStayReadable(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	masked := map[int]int{} // by length
	for range 20000 {
		for _, o := range []TLV{{TagIssuerAuthData, make([]byte, 8)}, {TagIssuerAuthData, make([]byte, 10)}, {TagIssuerAuthData, make([]byte, 16)},
			{TagIssuerAuthData, make([]byte, 5)}, {TagCryptogram, make([]byte, 8)}, {TagUnpredictableNumber, make([]byte, 4)}, {0x9F4C, make([]byte, 8)}} {
			for i := range o.Value {
				o.Value[i] = byte(r.IntN(256))
			}
			items, err := Explain(append(o.Append(nil), 0, 0, 0), Context{}, false)
			require.NoError(t, err)
			if items[0].Masked {
				masked[len(o.Value)]++
			}
		}
	}
	require.Equal(t, map[int]int{8: 5, 16: 3}, masked, "without the exemption: 58 of 8 bytes, 50 of 10, 123 of 16")
}

// The account number stands in the certificates of the card's keys, which
// everybody can open who has the scheme's public key.
func TestCertificatesOfTheCardAreMasked(t *testing.T) {
	body, stars := strings.Repeat("6A", 128), strings.Repeat("*", 256)
	for data, want := range map[string]string{
		"9F468180" + body:              "9F468180" + stars,
		"9F2D8180" + body:              "9F2D8180" + stars,
		"938180" + body:                "938180" + stars,
		"7081849F468180" + body:        "7081849F468180" + stars,
		"9F4740" + body[:128]:          "9F4740" + body[:128],
		"908180" + body:                "908180" + body,
		"9F4B8180" + body:              "9F4B8180" + body,
		"DF7F81849F468180" + body:      "DF7F81849F468180" + stars,
		"7081849F468180" + body[:200]:  "7081849F468180" + stars[:200], // cut
		"7081849F468180" + body[:8]:    "7081849F468180" + stars[:8],
		"70165A0847617390010101":       "70165A" + stars[:16],
		"70165F200E4E616D6530":         "70165F200E" + stars[:10],
		"57134761739001010119D4912201": "5" + stars[:27],
	} {
		require.Equal(t, want, MaskedHex(unhex(t, data), nil), data)
	}
}
