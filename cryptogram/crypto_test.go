package cryptogram

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestKeyWrap holds the test vectors of RFC 3394, 4.1 to 4.6.
func TestKeyWrap(t *testing.T) {
	const kek = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
	const data = "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F"
	for _, c := range []struct {
		section   string
		kek, data int
		want      string
	}{
		{"4.1", 16, 16, "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5"},
		{"4.2", 24, 16, "96778B25AE6CA435F92B5B97C050AED2468AB8A17AD84E5D"},
		{"4.3", 32, 16, "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7"},
		{"4.4", 24, 24, "031D33264E15D33268F24EC260743EDCE1C6C7DDEE725A936BA814915C6762D2"},
		{"4.5", 32, 24, "A8F9BC1612C68B3FF6E6F4FBE30E71E4769C8B80A32CB8958CD5D17D6B254DA1"},
		{"4.6", 32, 32, "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"},
	} {
		k := key(t, AES, kek[:2*c.kek])
		wrapped, err := k.Wrap(unhex(t, data[:2*c.data]))
		require.NoError(t, err)
		require.Equal(t, unhex(t, c.want), wrapped, c.section)
		clear, err := k.Unwrap(wrapped)
		require.NoError(t, err)
		require.Equal(t, unhex(t, data[:2*c.data]), clear, c.section)
		wrapped[len(wrapped)-1] ^= 1
		_, err = k.Unwrap(wrapped)
		require.ErrorIs(t, err, ErrUnwrap, c.section)
	}
}

func TestKeyWrapRefuses(t *testing.T) {
	device := key(t, AES, "000102030405060708090A0B0C0D0E0F")
	luk := key(t, TDES, "3EA78DED27B7BB01F9069B8E34C443BC")
	wrapped, err := device.WrapKey(luk)
	require.NoError(t, err)
	require.Len(t, wrapped, 24)
	again, err := device.UnwrapKey(TDES, wrapped)
	require.NoError(t, err)
	require.True(t, luk.Equal(again))
	_, err = luk.WrapKey(luk)
	require.ErrorContains(t, err, "takes an AES key")
	for _, n := range []int{0, 8, 15, 17, maxWrapped + 8} {
		_, err = device.Wrap(make([]byte, n))
		require.Error(t, err, n)
	}
	for _, n := range []int{0, 16, 23, 25} {
		_, err = device.Unwrap(make([]byte, n))
		require.Error(t, err, n)
	}
}

// TestKeysDoNotShow prints keys in every way that logs and errors do.
func TestKeysDoNotShow(t *testing.T) {
	k := key(t, TDES, "2315208C9110AD402315208C9110AD40")
	holder := struct{ K *Key }{k}
	shown := fmt.Sprintf("%v %+v %#v %s %x %X %v %+v %#v", k, k, k, k, k, k, *k, holder, *k)
	for _, part := range []string{"2315", "8C91", "35 21", fmt.Sprintf("%x", "2315208C")} {
		require.NotContains(t, strings.ToUpper(shown), part)
	}
	_, err := json.Marshal(holder)
	require.ErrorContains(t, err, "cannot be marshalled")
	_, err = json.Marshal(*k)
	require.Error(t, err)
}

func TestKeyLengths(t *testing.T) {
	for _, c := range []struct {
		a  Algorithm
		ok []int
	}{{TDES, []int{8, 16, 24}}, {AES, []int{16, 24, 32}}, {SM4, []int{16}}, {0, nil}, {9, nil}} {
		for n := 0; n <= 40; n++ {
			_, err := NewKey(c.a, make([]byte, n))
			ok := false
			for _, v := range c.ok {
				ok = ok || v == n
			}
			require.Equal(t, ok, err == nil, "%s %d", c.a, n)
		}
	}
}

func TestParity(t *testing.T) {
	for v := 0; v < 256; v++ {
		b := []byte{byte(v)}
		AdjustParity(b)
		ones := strings.Count(fmt.Sprintf("%08b", b[0]), "1")
		require.Equal(t, 1, ones%2, v)
		require.Equal(t, byte(v)&0xFE, b[0]&0xFE)
	}
}

func TestCheckValuesAndComponents(t *testing.T) {
	imk := key(t, TDES, "0123456789ABCDEFFEDCBA9876543210")
	require.Equal(t, [3]byte{0x08, 0xD7, 0xB4}, imk.CheckValue())
	again, err := NewKeyFromComponents(TDES, unhex(t, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"), unhex(t, "FEDCBA98765432100123456789ABCDEF"))
	require.NoError(t, err)
	require.True(t, imk.Equal(again))
	_, err = NewKeyFromComponents(TDES, imk.Reveal())
	require.Error(t, err)
	_, err = NewKeyFromComponents(TDES, imk.Reveal(), []byte{1})
	require.ErrorContains(t, err, "component 2 has 1 bytes")
	// The CMAC kind over the empty message, and over a block of zeros as others do.
	aes := key(t, AES, "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4")
	require.Equal(t, [3]byte(unhex(t, "028962")), aes.CMACCheckValue(nil))
	require.NotEqual(t, aes.CMACCheckValue(nil), aes.CMACCheckValue(make([]byte, 16)))
}

// TestTripleCMAC holds NIST SP 800-38B examples for three-key TDEA, which has
// another field than AES.
func TestTripleCMAC(t *testing.T) {
	k := key(t, TDES, "8AA83BF8CBDA10620BC1BF19FBB6CD58BC313D4A371CA8B5")
	for data, want := range map[string]string{
		"":                 "B7A688E122FFAF95",
		"6BC1BEE22E409F96": "8E8F293136283797",
		"6BC1BEE22E409F96E93D7E117393172AAE2D8A57":                         "743DDBE0CE2DC2ED",
		"6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51": "33E6B1092400EAE5",
	} {
		require.Equal(t, unhex(t, want), k.CMAC(unhex(t, data)), data)
	}
}

func TestRetailMACUnderAESIsRefused(t *testing.T) {
	_, err := key(t, AES, "000102030405060708090A0B0C0D0E0F").MAC([]byte{1}, Padding2)
	require.ErrorContains(t, err, "CMAC")
}

func TestECBAndCBCInvert(t *testing.T) {
	k := key(t, TDES, "0123456789ABCDEFFEDCBA9876543210")
	data := unhex(t, "000102030405060708090A0B0C0D0E0F1011121314151617")
	for _, c := range []struct{ enc, dec func([]byte) ([]byte, error) }{{k.EncryptECB, k.DecryptECB}, {k.EncryptCBC, k.DecryptCBC}} {
		enc, err := c.enc(data)
		require.NoError(t, err)
		require.NotEqual(t, data, enc)
		dec, err := c.dec(enc)
		require.NoError(t, err)
		require.Equal(t, data, dec)
		_, err = c.enc(data[:7])
		require.Error(t, err)
		_, err = c.dec(data[:9])
		require.Error(t, err)
	}
}

func TestSessionKeysRefuseWrongCiphers(t *testing.T) {
	aes, single := key(t, AES, "000102030405060708090A0B0C0D0E0F"), key(t, TDES, "0123456789ABCDEF")
	sm4 := key(t, SM4, "000102030405060708090A0B0C0D0E0F")
	for m := SessionMastercardSKD; m <= SessionVisaScript; m++ {
		if m == SessionLimitedUse {
			continue
		}
		for _, k := range []*Key{aes, single} {
			_, err := SessionKey(k, m, 1, [4]byte{})
			require.Error(t, err, "%s %s", m, k)
		}
	}
	for _, k := range []*Key{single, sm4} {
		_, err := SessionKey(k, SessionCSK, 1, [4]byte{})
		require.Error(t, err)
	}
	_, err := SessionKey(aes, 0, 1, [4]byte{})
	require.Error(t, err)
	_, err = DefaultTree.SessionKey(aes, 1)
	require.Error(t, err)
	_, err = Tree{Branch: 2, Height: 8}.SessionKey(key(t, TDES, "0123456789ABCDEFFEDCBA9876543210"), 256)
	require.ErrorContains(t, err, "no leaf")
}

// TestAESSessionKeyLengths: no published number exists for the longer ones, so
// only their shape is held.
func TestAESSessionKeyLengths(t *testing.T) {
	long := strings.Repeat("00112233445566778899AABBCCDDEEFF", 2)
	for _, n := range []int{16, 24, 32} {
		k, err := SessionKey(key(t, AES, long[:2*n]), SessionCSK, 7, [4]byte{})
		require.NoError(t, err)
		require.Equal(t, n, k.Len())
	}
}

func TestCardKeyMethods(t *testing.T) {
	for m := OptionA; m <= OptionSM4; m++ {
		again, err := ParseCardKeyMethod(m.String())
		require.NoError(t, err)
		require.Equal(t, m, again)
	}
	_, err := ParseCardKeyMethod("option-d")
	require.ErrorContains(t, err, "option-a")
	for _, a := range []Algorithm{TDES, AES, SM4} {
		n := map[Algorithm]string{TDES: "16", AES: "32", SM4: "16"}[a]
		raw := map[string]int{"16": 16, "32": 32}[n]
		k, err := NewKey(a, make([]byte, raw))
		require.NoError(t, err)
		card, err := DeriveCardKey(k, DefaultCardKeyMethod(a), "4761739001010119", "01")
		require.NoError(t, err)
		require.Equal(t, raw, card.Len())
		_, err = DeriveCardKey(k, DefaultCardKeyMethod(a)%OptionSM4+1, "4761739001010119", "01")
		if a != TDES { // the method after option A is option B, which 3DES has too
			require.Error(t, err)
		}
		_, err = DeriveCardKey(k, DefaultCardKeyMethod(a), "47617390010101190000", "01")
		require.ErrorContains(t, err, "20 digits")
		_, err = DeriveCardKey(k, DefaultCardKeyMethod(a), "4761", "1")
		require.Error(t, err)
	}
}

func TestDCVVReadings(t *testing.T) {
	_, card := visaCard(t)
	// Below 10 the readings agree, above they do not.
	for atc, same := range map[uint16]bool{1: true, 9: true, 10: false, 0x3210: false} {
		a, err := DCVV(card, "4761739001010119", "4912", "201", atc, ATCHex)
		require.NoError(t, err)
		b, err := DCVV(card, "4761739001010119", "4912", "201", atc, ATCDecimal)
		require.NoError(t, err)
		require.Equal(t, same, a == b, atc)
	}
	_, err := CVV(card, "4761739001010119", "491", "201")
	require.ErrorContains(t, err, "expiry date")
}

func TestCVC3Digits(t *testing.T) {
	s, err := CVC3Digits(899, 5)
	require.NoError(t, err)
	require.Equal(t, "00899", s)
	s, err = CVC3Digits(29488, 3)
	require.NoError(t, err)
	require.Equal(t, "488", s)
	_, err = CVC3Digits(1, 6)
	require.Error(t, err)
}

func TestEnciphermentsInvert(t *testing.T) {
	k := key(t, TDES, "0123456789ABCDEFFEDCBA9876543210")
	for e := EncipherPlain; e <= EncipherLengthPrefixed; e++ {
		for n := 0; n < 40; n++ {
			data := make([]byte, n)
			for i := range data {
				data[i] = byte(i)
			}
			enc, err := e.Encipher(k, data)
			require.NoError(t, err)
			dec, err := e.Decipher(k, enc, n)
			require.NoError(t, err, "%d %d", e, n)
			require.Equal(t, data, append([]byte{}, dec...))
			_, err = e.Decipher(k, enc, n+9) // one block more than there is
			require.Error(t, err)
		}
	}
	_, err := Encipherment(0).Encipher(k, nil)
	require.Error(t, err)
}
