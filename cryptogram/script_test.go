package cryptogram

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

// TestScriptsByRecipe makes the commands that tests with a security module
// published, by the rules that the recipe of the card names: the MAC of an
// unblock command, and a new PIN of 9999 enciphered and with its MAC.
func TestScriptsByRecipe(t *testing.T) {
	derive := func(imk string) *Key {
		card, err := DeriveCardKey(key(t, TDES, imk), OptionA, "1234567890123456", "00")
		require.NoError(t, err)
		return card
	}
	smi, smc := derive("FEDCBA98765432100123456789ABCDEF"), derive("89ABCDEF0123456776543210FEDCBA98")
	vis := unhex(t, "0000000000000000")
	copy(vis, unhex(t, "049999FFFFFFFFFF"))
	xor(vis[4:], derive("0123456789ABCDEFFEDCBA9876543210").Reveal()[4:8])
	iso := unhex(t, "249999FFFFFFFFFF")
	for _, c := range []struct {
		scheme                     emv.Scheme
		iad, ac, unblock, mac      string
		change, enciphered, pinMAC string
	}{
		{emv.SchemeVisa, "06010A03A00000", "29CCA15AE665FA2E", "8418000008", "DB56BA60087CEFD3", "8424000218", "BB221AF527377A2811D2B6EBC396A939", "1A965A5CB2CE62DA"},
		{emv.SchemeVisa, "06011203A00000", "7A788EA6B8A3E733", "8418000008", "04EDE90BC24CC35E", "8424000218", "BB221AF527377A2811D2B6EBC396A939", "1A22B480EF312F40"},
		{emv.SchemeVisa, "1F220100A0000000000000000000000000000000000000000000000000000000", "7A788EA6B8A3E733", "8418000008", "A4805748F846D851", "8424000218", "1B2943BED3D298F9C75848D17317CD1D", "25B70F7E26613E5F"},
		{emv.SchemeMastercard, "0110A00003220000000000000000000000FF", "24CCF3DEE3158C70", "8424000008", "ED0AB162BAB1DE61", "8424000210", "00859B8FE53F316D", "EB4B64C36BF88E39"},
		{emv.SchemeMastercard, "0115A00003220000000000000000000000FF", "C30E54BE496CF5E5", "8424000008", "5E89E990C51CEE94", "8424000210", "D9F5896BE8E283C6", "82264E1D32DF1D51"},
		{emv.SchemeInterac, "1501850440B100000000B00000000000000000000000", "18932FECA2D84326", "8424000008", "B574ABB0A485A330", "8424000210", "382F36D5920D2391", "5CC7573F770298C9"},
	} {
		r, err := RecipeFor(c.scheme, unhex(t, c.iad))
		require.NoError(t, err)
		rules, ok := r.Script.Rules()
		require.True(t, ok)
		ac := Cryptogram(unhex(t, c.ac))
		session, err := rules.SessionKey(smi, 0x001C, ac, 0)
		require.NoError(t, err)
		mac, err := rules.MAC(session, [5]byte(unhex(t, c.unblock)), 0x001C, ac, nil)
		require.NoError(t, err)
		require.Equal(t, unhex(t, c.mac), mac, r.Name)

		block := iso
		if rules.VISBlock {
			block = vis
		}
		confidential, err := rules.SessionKey(smc, 0x001C, ac, 0)
		require.NoError(t, err)
		enciphered, err := rules.Encipherment.Encipher(confidential, block)
		require.NoError(t, err)
		require.Equal(t, unhex(t, c.enciphered), enciphered, r.Name)
		mac, err = rules.MAC(session, [5]byte(unhex(t, c.change)), 0x001C, ac, enciphered)
		require.NoError(t, err)
		require.Equal(t, unhex(t, c.pinMAC), mac, r.Name)
		clear, err := rules.Encipherment.Decipher(confidential, enciphered, 8)
		require.NoError(t, err)
		require.Equal(t, block, clear, r.Name)
	}
	_, ok := ScriptNone.Rules()
	require.False(t, ok)
}

// TestScriptNumbers: a further command has another key (Mastercard; published
// for numbers 0 and 2).
func TestScriptNumbers(t *testing.T) {
	rules, _ := ScriptMastercard.Rules()
	smc := key(t, TDES, "640167C1D3C7623804FE97A75E2FC102")
	ac := Cryptogram(unhex(t, "51DB71A5DCC47F8A"))
	for number, want := range map[int]string{0: "46AEA9871A61315C4E174FD9EBEB8AAC", 2: "4CD2CC141DDD8DF6DFA6D2D5DD112903"} {
		session, err := rules.SessionKey(smc, 0, ac, number)
		require.NoError(t, err)
		require.Equal(t, unhex(t, want), session.Reveal())
	}
	require.Equal(t, [8]byte{}, ScriptDiversifier(Cryptogram(unhex(t, "FFFFFFFFFFFFFFFF")), 1), "the sum is modulo 2^64")
}
