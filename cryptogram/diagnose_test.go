package cryptogram

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

// TestDiagnoseNamesTheMistake makes cryptograms with one mistake each, the way
// cards and hosts make them, and wants it named.
func TestDiagnoseNamesTheMistake(t *testing.T) {
	imk, card := visaCard(t)
	other, err := DeriveCardKey(imk, OptionA, "4761739001010119", "00")
	require.NoError(t, err)
	expected, err := RecipeFor(emv.SchemeVisa, unhex(t, "06011203A00000"))
	require.NoError(t, err)
	for _, c := range []struct {
		name   string
		card   *Key
		change func(r *Recipe, e *Elements)
		want   []string
	}{
		{"right", card, func(*Recipe, *Elements) {}, []string{}},
		{"zero padding", card, func(r *Recipe, _ *Elements) { r.Padding = Padding1 }, []string{"padding method 1 instead of 2"}},
		{"CVR", card, func(r *Recipe, _ *Elements) { r.Layout = LayoutCVR }, []string{"MAC over ten elements and CVR instead of ten elements and whole issuer application data"}},
		{"no session key", card, func(r *Recipe, _ *Elements) { r.Session = SessionNone }, []string{"session key by method none instead of csk"}},
		{"other version", card, func(r *Recipe, _ *Elements) { r.Session, r.Layout, r.Padding = SessionNone, LayoutCVR, Padding1 }, []string{"made by the recipe of Visa CVN 10 instead of Visa CVN 18"}},
		{"sequence number", other, func(*Recipe, *Elements) {}, []string{"card key for PAN sequence number 00 instead of 01"}},
		{"zero TVR", card, func(_ *Recipe, e *Elements) { e.TVR = [5]byte{} }, []string{"TVR of zeros"}},
		{"other amount", card, func(_ *Recipe, e *Elements) { e.AmountOther = [6]byte{} }, []string{"other amount of zeros"}},
		{"amount without cashback", card, func(_ *Recipe, e *Elements) { e.Amount = [6]byte{4: 0x10} }, []string{"amount without the other amount"}},
		{"ATC", card, func(_ *Recipe, e *Elements) { e.ATC++ }, []string{"ATC one higher"}},
		{"issuer key", imk, func(*Recipe, *Elements) {}, []string{"issuer master key used as the card key"}},
		{"two mistakes", other, func(_ *Recipe, e *Elements) { e.TVR = [5]byte{} }, []string{"card key for PAN sequence number 00 instead of 01", "TVR of zeros"}},
	} {
		e := visaElements(t, "06011203A00000")
		e.TVR = [5]byte{0x80}
		e.AmountOther = [6]byte{5: 0x50, 4: 0x04}
		e.Amount = [6]byte{5: 0x50, 4: 0x14}
		seen := e
		r := expected
		c.change(&r, &e)
		ac, err := r.Generate(c.card, &e)
		require.NoError(t, err, c.name)
		d, err := Diagnose(Suspect{Master: imk, Method: OptionA, PAN: "4761739001010119", PSN: "01", Recipe: expected, Elements: seen, Cryptogram: ac})
		require.NoError(t, err, c.name)
		require.True(t, d.Found(), c.name)
		require.Equal(t, c.want, d.Deviations, c.name)
	}
}

func TestDiagnoseAnotherKey(t *testing.T) {
	imk, _ := visaCard(t)
	e := visaElements(t, "06011203A00000")
	r, err := RecipeFor(emv.SchemeVisa, e.IAD)
	require.NoError(t, err)
	d, err := Diagnose(Suspect{Master: imk, Method: OptionA, PAN: "4761739001010119", PSN: "01", Recipe: r, Elements: e, Cryptogram: Cryptogram{1}})
	require.NoError(t, err)
	require.False(t, d.Found())
	require.Greater(t, d.Tried, 500)
	_, err = Diagnose(Suspect{})
	require.ErrorContains(t, err, "needs an issuer master key or a card key")
	_, err = Diagnose(Suspect{Master: imk, Method: OptionA, PAN: "476173900101011A", PSN: "01"})
	require.Error(t, err)
}

func TestDiagnoseLimitedUse(t *testing.T) {
	imk, card := visaCard(t)
	e := visaElements(t, "1F430100A0000000 00 00000000 00570201"+strings.Repeat("00", 15))
	r, err := RecipeFor(emv.SchemeVisa, e.IAD)
	require.NoError(t, err)
	luk, err := LimitedUseKey(card, KeyIndex{Hour: 5702, Counter: 1})
	require.NoError(t, err)
	suspect := Suspect{Master: imk, Method: OptionA, PAN: "4761739001010119", PSN: "01", Recipe: r, Elements: e}
	for _, c := range []struct {
		key  *Key
		want []string
	}{{luk, []string{}}, {card, []string{"card key used instead of the limited-use key"}}} {
		suspect.Cryptogram, err = r.Generate(c.key, &e)
		require.NoError(t, err)
		d, err := Diagnose(suspect)
		require.NoError(t, err)
		require.Equal(t, c.want, d.Deviations)
	}
	// The limited-use key itself, as a phone knows it.
	suspect.Master, suspect.Card = nil, luk
	r.Layout = LayoutCVR
	suspect.Cryptogram, err = r.Generate(luk, &e)
	require.NoError(t, err)
	d, err := Diagnose(suspect)
	require.NoError(t, err)
	require.Equal(t, []string{"MAC over ten elements and CVR instead of ten elements and whole issuer application data"}, d.Deviations)
}

// TestDiagnoseSearches changes what no usual mistake explains: the data on their
// way, the cryptogram itself, the key.
func TestDiagnoseSearches(t *testing.T) {
	imk, card := visaCard(t)
	foreign := key(t, TDES, "00112233445566778899AABBCCDDEEFF")
	foreignCard, err := DeriveCardKey(foreign, OptionA, "4761739001010119", "01")
	require.NoError(t, err)
	others := []KeyCandidate{
		{"own", emv.SchemeVisa, 1, imk, OptionA}, {"mastercard", emv.SchemeMastercard, 2, imk, OptionB}, {"other", emv.SchemeVisa, 2, foreign, OptionA},
	}
	values := []Value{
		{emv.TagTerminalCountry, []byte{0x02, 0x76}, "the country of field 19"}, {emv.TagTerminalCountry, []byte{0x02}, "too short"},
		{emv.TagTransactionDate, []byte{0x30, 0x01, 0x02}, "the date of field 13"},
	}
	for _, c := range []struct {
		name   string
		card   *Key
		change func(sent *Elements, ac *Cryptogram) // on the way
		want   []string
	}{
		{"cryptogram", card, func(_ *Elements, ac *Cryptogram) { ac[2] ^= 0xFF }, []string{"byte 3 of 9F26 being "}},
		{"two bytes of it", card, func(_ *Elements, ac *Cryptogram) { ac[2] ^= 0xFF; ac[7] ^= 1 }, []string{"byte 3 of 9F26 being ", "byte 8 of 9F26 being "}},
		{"country", card, func(e *Elements, _ *Cryptogram) { e.TerminalCountry = [2]byte{0x04, 0x42} },
			[]string{"9F1A 0276 (the country of field 19) instead of 0442"}},
		{"country and date", card, func(e *Elements, _ *Cryptogram) { e.TerminalCountry, e.Date = [2]byte{0x04, 0x42}, [3]byte{} },
			[]string{"9F1A 0276 (the country of field 19) instead of 0442", "9A 300102 (the date of field 13) instead of 000000"}},
		{"counter", card, func(e *Elements, _ *Cryptogram) { e.ATC += 5 }, []string{"9F36 0001 (an earlier counter) instead of 0006"}},
		{"TVR", card, func(e *Elements, _ *Cryptogram) { e.TVR[3] = 0x24 },
			[]string{"95 8000000000, byte 4 being 00 instead of 24: the TVR changed after the card made the cryptogram"}},
		{"version", card, func(e *Elements, _ *Cryptogram) { e.IAD[2] = 0x0A }, []string{
			"9F10 06011203A00000, byte 3 being 12 instead of 0A: the issuer application data changed after the card made the cryptogram"}},
		{"other key", foreignCard, func(*Elements, *Cryptogram) {}, []string{"key set other (derivation key index 02) instead of own"}},
	} {
		e := visaElements(t, "06011203A00000")
		e.TVR, e.TerminalCountry, e.Date = [5]byte{0x80}, [2]byte{0x02, 0x76}, [3]byte{0x30, 0x01, 0x02}
		r, err := RecipeFor(emv.SchemeVisa, e.IAD)
		require.NoError(t, err)
		ac, err := r.Generate(c.card, &e)
		require.NoError(t, err)
		c.change(&e, &ac)
		r, err = RecipeFor(emv.SchemeVisa, e.IAD)
		require.NoError(t, err)
		d, err := Diagnose(Suspect{
			Master: imk, Method: OptionA, PAN: "4761739001010119", PSN: "01", Recipe: r, Elements: e, Cryptogram: ac,
			Name: "own", Others: others, Values: values,
		})
		require.NoError(t, err, c.name)
		require.Len(t, d.Deviations, len(c.want), "%s: %v", c.name, d.Deviations)
		for n, want := range c.want {
			require.Contains(t, d.Deviations[n], want, c.name)
		}
	}
}

// TestDiagnoseUnknownRecipe: the byte of the issuer application data that names
// recipe or key changed, so that nothing can be computed by them.
func TestDiagnoseUnknownRecipe(t *testing.T) {
	imk, card := visaCard(t)
	e := visaElements(t, "06011203A00000")
	r, err := RecipeFor(emv.SchemeVisa, e.IAD)
	require.NoError(t, err)
	ac, err := r.Generate(card, &e)
	require.NoError(t, err)
	for at, was := range map[int]byte{0: 0x06, 1: 0x01, 2: 0x12} {
		sent := e
		sent.IAD = append([]byte{}, e.IAD...)
		sent.IAD[at] = 0x77
		d, err := Diagnose(Suspect{
			PAN: "4761739001010119", PSN: "01", Scheme: emv.SchemeVisa, Elements: sent, Cryptogram: ac,
			Others: []KeyCandidate{{"visa", emv.SchemeVisa, 1, imk, OptionA}},
		})
		require.NoError(t, err)
		require.Len(t, d.Deviations, 1, at)
		require.Contains(t, d.Deviations[0], fmt.Sprintf("9F10 06011203A00000, byte %d being %02X instead of 77", at+1, was))
	}
}

// TestDiagnoseLimitedUseSearch finds a changed byte of the key index, which
// names another limited-use key.
func TestDiagnoseLimitedUseSearch(t *testing.T) {
	imk, card := visaCard(t)
	e := visaElements(t, "1F430100A0000000 00 00000000 00570201"+strings.Repeat("00", 15))
	r, err := RecipeFor(emv.SchemeVisa, e.IAD)
	require.NoError(t, err)
	luk, err := LimitedUseKey(card, KeyIndex{Hour: 5702, Counter: 1})
	require.NoError(t, err)
	ac, err := r.Generate(luk, &e)
	require.NoError(t, err)
	for _, at := range []int{5, 16, 30} {
		sent := e
		sent.IAD = append([]byte{}, e.IAD...)
		sent.IAD[at] = 0x02
		d, err := Diagnose(Suspect{Master: imk, Method: OptionA, PAN: "4761739001010119", PSN: "01", Recipe: r, Elements: sent, Cryptogram: ac})
		require.NoError(t, err)
		require.Len(t, d.Deviations, 1, at)
		require.Contains(t, d.Deviations[0], fmt.Sprintf(", byte %d being ", at+1))
	}
}

// TestWrongFormulas holds mistakes of published programs against the worked
// example of the EMVCo security guidelines: each gives another cryptogram than
// the right C20039270FE384D5, and ours is the right one. Card and issuer that
// share a mistake agree with each other, so only a number from outside tells.
func TestWrongFormulas(t *testing.T) {
	imk := key(t, TDES, "9E15204313F7318ACB79B90BD986AD29")
	card, err := DeriveCardKey(imk, OptionA, "5413339000006165", "00")
	require.NoError(t, err)
	require.Equal(t, unhex(t, "08DF34253220A720EFF2C1343852E63D"), card.Reveal())
	session, err := SessionKey(card, SessionCSK, 0x3456, [4]byte{})
	require.NoError(t, err)
	data := unhex(t, "000000010000 000000001000 0840 0000001080 0840 980704 00 11111111 5800 3456"+
		"0FA500A03800000000000000000000000F010000000000000000000000000000")
	padded := appendPadding(append([]byte{}, data...), 8, Padding2)
	right, err := session.MAC(data, Padding2)
	require.NoError(t, err)
	require.Equal(t, unhex(t, "C20039270FE384D5"), right)

	single := func(k []byte) *Key { s, err := NewKey(TDES, k); require.NoError(t, err); return s }
	k1, k2 := card.Reveal()[:8], card.Reveal()[8:]
	chain := func(k *Key) []byte { // CBC with K1 over all blocks but the last, and the last block
		sum := make([]byte, 8)
		first := single(k.Reveal()[:8])
		for at := 0; at+8 < len(padded); at += 8 {
			xor(sum, padded[at:])
			first.EncryptBlock(sum, sum)
		}
		xor(sum, padded[len(padded)-8:])
		return sum
	}
	retail := func(k *Key) []byte { mac, err := k.MAC(data, Padding2); require.NoError(t, err); return mac }
	for name, c := range map[string]struct {
		wrong func() []byte
		want  string // as computed from the formula of the published program
	}{
		"padding method 1": {func() []byte { mac, _ := session.MAC(data, Padding1); return mac }, "6DA381EBC6D28DE6"},
		"single DES, one half of the card key per half of the session key": {func() []byte {
			r := unhex(t, "3456F000000000003456 0F0000000000")
			single(k1).EncryptBlock(r[:8], r[:8])
			single(k2).EncryptBlock(r[8:], r[8:])
			return retail(single(r))
		}, "02AA5810BE01B8EB"},
		"diversifier mark in byte 7 instead of 3": {func() []byte {
			r := unhex(t, "345600000000F000 3456000000000F00")
			card.EncryptBlock(r[:8], r[:8])
			card.EncryptBlock(r[8:], r[8:])
			return retail(single(r))
		}, "DF93CD7263030A7A"},
		"3DES over a block that K1 chained already": {func() []byte {
			sum := chain(session)
			single(session.Reveal()[:8]).EncryptBlock(sum, sum)
			session.EncryptBlock(sum, sum)
			return sum
		}, "ACEB390A4F65D3D8"},
		"last block without K1": {func() []byte {
			sum := chain(session)
			single(session.Reveal()[8:]).DecryptBlock(sum, sum)
			single(session.Reveal()[:8]).EncryptBlock(sum, sum)
			return sum
		}, "74BE4BF0E232CA4C"},
	} {
		got := c.wrong()
		require.NotEqual(t, right, got, name)
		require.Equal(t, c.want, strings.ToUpper(hex.EncodeToString(got)), name)
	}
}

func BenchmarkDiagnose(b *testing.B) {
	imk, _ := visaCard(b)
	e := visaElements(b, "06011203A00000")
	r, _ := RecipeFor(emv.SchemeVisa, e.IAD)
	s := Suspect{Master: imk, Method: OptionA, PAN: "4761739001010119", PSN: "01", Recipe: r, Elements: e, Cryptogram: Cryptogram{1}}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Diagnose(s)
	}
}
