package pin

import (
	"bytes"
	"encoding/hex"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

func key(t testing.TB, a cryptogram.Algorithm, s string) *cryptogram.Key {
	t.Helper()
	k, err := cryptogram.NewKey(a, unhex(t, s))
	require.NoError(t, err)
	return k
}

const testPAN = "4761739001010119"

// counting is a random source that is none.
type counting struct{ n byte }

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = c.n
		c.n += 7
	}
	return len(p), nil
}

func TestBlocksRoundTrip(t *testing.T) {
	des, aes := key(t, cryptogram.TDES, "0123456789ABCDEFFEDCBA9876543210"), key(t, cryptogram.AES, "00112233445566778899AABBCCDDEEFF")
	for f := Format0; f <= Format4; f++ {
		again, err := ParseFormat(f.String())
		require.NoError(t, err)
		require.Equal(t, f, again)
		k := des
		if f == Format4 {
			k = aes
		}
		for _, pin := range []string{"0000", "1234", "98765", "123456", "999999999999"} {
			block, err := Encode(f, pin, testPAN, &counting{})
			require.NoError(t, err)
			got, err := Decode(f, block, testPAN)
			require.NoError(t, err)
			require.Equal(t, pin, got)
			enciphered, err := Encipher(f, k, pin, testPAN, &counting{})
			require.NoError(t, err)
			got, err = Decipher(f, k, enciphered, testPAN)
			require.NoError(t, err)
			require.Equal(t, pin, got)
		}
	}
	// Published beside this project's sample tap.
	block, err := Encode(Format0, "1234", testPAN, nil)
	require.NoError(t, err)
	require.Equal(t, unhex(t, "041223C6FFEFEFEE"), block)
}

func TestEncodeRefuses(t *testing.T) {
	for _, c := range []struct {
		f      Format
		pin    string
		pan    string
		random io.Reader
		want   string
	}{
		{Format0, "123", testPAN, nil, "PIN of 3 digits"},
		{Format0, "1234567890123", testPAN, nil, "PIN of 13 digits"},
		{Format0, "12a4", testPAN, nil, "character 3 is not a decimal digit"},
		{Format0, "1234", "123456789012", nil, "PAN of 12 digits"},
		{Format0, "1234", "12345678901234567890", nil, "PAN of 20 digits"},
		{Format3, "1234", "476173900101011x", &counting{}, "character 16"},
		{Format1, "1234", "", nil, "needs random fill"},
		{Format3, "1234", testPAN, bytes.NewReader([]byte{0xA}), "EOF"},
		{Format3, "1234", testPAN, zeros{}, "no usable fill"},
		{Format4, "1234", testPAN, nil, "8 random bytes"},
		{Format4, "1234", testPAN, bytes.NewReader([]byte{1}), "EOF"},
		{5, "1234", testPAN, nil, "none of 0 to 4"},
	} {
		_, err := Encode(c.f, c.pin, c.pan, c.random)
		require.ErrorContains(t, err, c.want, "format %d", c.f)
		require.NotContains(t, err.Error(), "1234")
	}
	_, err := ParseFormat("iso-5")
	require.Error(t, err)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		f           Format
		block, want string
	}{
		{Format2, "241234FFFFFFFF", "7 bytes"},
		{Format2, "341234FFFFFFFFFF", "control digit is 3"},
		{Format2, "231234FFFFFFFFFF", "says 3 digits"},
		{Format2, "2D1234FFFFFFFFFF", "says 13 digits"},
		{Format2, "24123AFFFFFFFFFF", "digit above 9"},
		{Format2, "241234FFFFFFFFFE", "wrong fill"},
		{Format2, "241234AFFFFFFFFF", "wrong fill"},
		{Format4, "441234AAAAAAAAAA", "8 bytes"},
		{Format4, "441234AAAAAAAABA0000000000000000", "wrong fill"},
		{5, "241234FFFFFFFFFF", "none of 0 to 4"},
	} {
		_, err := Decode(c.f, unhex(t, c.block), testPAN)
		require.ErrorContains(t, err, c.want)
	}
	_, err := Decode(Format0, unhex(t, "041223C6FFEFEFEE"), "4761739001010110")
	require.NoError(t, err, "the check digit does not enter")
	_, err = Decode(Format0, unhex(t, "041223C6FFEFEFEE"), "4761739001010219")
	require.ErrorContains(t, err, "wrong fill", "another PAN")
	_, err = Decode(Format0, unhex(t, "041223C6FFEFEFEE"), "1")
	require.Error(t, err)
}

func TestWrongCiphersAndKeys(t *testing.T) {
	des, aes := key(t, cryptogram.TDES, "0123456789ABCDEFFEDCBA9876543210"), key(t, cryptogram.AES, "00112233445566778899AABBCCDDEEFF")
	_, err := Encipher(Format0, aes, "1234", testPAN, nil)
	require.ErrorContains(t, err, "goes under 3DES, not AES")
	_, err = Encipher(Format4, des, "1234", testPAN, &counting{})
	require.ErrorContains(t, err, "goes under AES, not 3DES")
	_, err = Decipher(Format0, aes, make([]byte, 8), testPAN)
	require.Error(t, err)
	_, err = Decipher(Format4, des, make([]byte, 16), testPAN)
	require.Error(t, err)
	_, err = Decipher(Format4, aes, make([]byte, 8), testPAN)
	require.ErrorContains(t, err, "8 bytes")
	_, err = Decipher(Format0, des, make([]byte, 7), testPAN)
	require.Error(t, err)
	_, err = PVV(aes, 1, "1234", testPAN)
	require.Error(t, err)
	_, err = PVV(des, 10, "1234", testPAN)
	require.ErrorContains(t, err, "key index 10")
	_, err = ScriptVIS("1234", "", aes)
	require.Error(t, err)
	_, err = ScriptVIS("1234", "12", des)
	require.Error(t, err)
}

func TestIBM3624(t *testing.T) {
	pvk := key(t, cryptogram.TDES, "0123456789ABCDEFFEDCBA9876543210")
	natural, err := NaturalPIN(pvk, "0000111111111111", "0123456789012345", 12)
	require.NoError(t, err)
	require.Equal(t, "5775", natural[:4])
	for _, pin := range []string{"0000", "9999", "1234", "987654321012"} {
		offset, err := Offset(pin, natural)
		require.NoError(t, err)
		again, err := FromOffset(offset, natural)
		require.NoError(t, err)
		require.Equal(t, pin, again)
	}
	_, err = Offset("12345", "1234")
	require.Error(t, err)
	_, err = Offset("1x34", "1234")
	require.Error(t, err)
	for _, c := range [][2]string{{"000011111111111", "0123456789012345"}, {"000011111111111G", "0123456789012345"},
		{"0000111111111111", "012345678901234"}, {"0000111111111111", "012345678901234A"}} {
		_, err = NaturalPIN(pvk, c[0], c[1], 4)
		require.Error(t, err)
	}
	_, err = NaturalPIN(pvk, "0000111111111111", "0123456789012345", 3)
	require.Error(t, err)
	for _, c := range []struct {
		start, length int
		pad           byte
	}{{-1, 4, 'F'}, {16, 4, 'F'}, {0, 0, 'F'}, {0, 17, 'F'}, {0, 4, 'G'}} {
		_, err = ValidationData(testPAN, c.start, c.length, c.pad)
		require.Error(t, err)
	}
	data, err := ValidationData(testPAN, 4, 16, 'D')
	require.NoError(t, err)
	require.Equal(t, "739001010119DDDD", data)
}

func TestDUKPTRefuses(t *testing.T) {
	des, aes := key(t, cryptogram.TDES, "0123456789ABCDEFFEDCBA9876543210"), key(t, cryptogram.AES, "FEDCBA9876543210F1F1F1F1F1F1F1F1")
	for _, ksn := range []string{"FFFF9876543210E00000", "FFFF9876543210FFFFFF", "FFFF9876543210E007FF"} {
		_, err := TDESTransactionKey(des, unhex(t, ksn))
		require.ErrorContains(t, err, "bits set", ksn)
	}
	_, err := TDESTransactionKey(des, unhex(t, "FFFF9876543210E003FF"))
	require.NoError(t, err, "ten bits are the most")
	_, err = TDESInitialKey(aes, make([]byte, 10))
	require.Error(t, err)
	_, err = TDESInitialKey(des, make([]byte, 8))
	require.Error(t, err)
	_, err = TDESWorkingKey(des, TDESDataResponse+1)
	require.Error(t, err)
	for _, counter := range []string{"00000000", "0001FFFF"} {
		_, err = AESTransactionKey(aes, unhex(t, "1234567890123456"+counter))
		require.ErrorContains(t, err, "bits set", counter)
	}
	_, err = AESInitialKey(des, make([]byte, 8))
	require.Error(t, err)
	_, err = AESInitialKey(aes, make([]byte, 12))
	require.Error(t, err)
	_, err = AESWorkingKey(aes, make([]byte, 12), AESPIN, 0)
	require.ErrorContains(t, err, "key type 0000")
	_, err = AESWorkingKey(des, make([]byte, 12), AESPIN, AES128)
	require.Error(t, err)
}

// TestDUKPTDataResponse: no number is published for the response's data key of
// 3DES DUKPT; it must be none of the others.
func TestDUKPTDataResponse(t *testing.T) {
	initial := key(t, cryptogram.TDES, "6AC292FAA1315B4D858AB3A3D7D5933A")
	transaction, err := TDESTransactionKey(initial, unhex(t, "FFFF9876543210E00001"))
	require.NoError(t, err)
	seen := map[string]bool{string(transaction.Reveal()): true}
	for u := TDESPIN; u <= TDESDataResponse; u++ {
		k, err := TDESWorkingKey(transaction, u)
		require.NoError(t, err)
		require.False(t, seen[string(k.Reveal())])
		seen[string(k.Reveal())] = true
	}
}
