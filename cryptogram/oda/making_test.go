package oda

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

// privateKeys are the keys that newPrivateKey made.
var privateKeys = map[string]*PrivateKey{}

// newPrivateKey is a key pair of so many bytes, one a size. The keys are new in
// each run: nothing that is tested depends on them.
func newPrivateKey(t testing.TB, size int, exponent ...byte) *PrivateKey {
	t.Helper()
	if exponent == nil {
		exponent = []byte{3}
	}
	name := fmt.Sprint(size, exponent)
	if privateKeys[name] == nil {
		e := new(big.Int).SetBytes(exponent)
		k, err := NewPrivateKey(primeFor(t, e, 4*size), primeFor(t, e, 4*size), exponent)
		require.NoError(t, err)
		privateKeys[name] = k
	}
	return privateKeys[name]
}

func primeFor(t testing.TB, e *big.Int, bits int) []byte {
	for {
		p, err := rand.Prime(rand.Reader, bits)
		require.NoError(t, err)
		if inverse(e, p) != nil {
			return p.Bytes()
		}
	}
}

// TestSignIsTheInverseOfRecover pins the private operation: the public one is
// pinned by published numbers, and has one inverse.
func TestSignIsTheInverseOfRecover(t *testing.T) {
	for _, size := range []int{128, 144, 176, 248} {
		for _, exponent := range [][]byte{{3}, {1, 0, 1}} {
			k := newPrivateKey(t, size, exponent...)
			require.Equal(t, size, k.Len())
			for _, block := range [][]byte{
				make([]byte, size), append(make([]byte, size-1), 1), append([]byte{0x6A}, bytes.Repeat([]byte{0xBB}, size-1)...),
				new(big.Int).Sub(k.public.n, big.NewInt(1)).Bytes(), k.p.FillBytes(make([]byte, size)),
			} {
				signed, err := k.Sign(block)
				require.NoError(t, err)
				back, err := k.Public().Recover(signed)
				require.NoError(t, err)
				require.Equal(t, block, back)
			}
		}
	}
}

func TestSignRefuses(t *testing.T) {
	k := newPrivateKey(t, 128)
	for _, block := range [][]byte{nil, make([]byte, 127), make([]byte, 129), bytes.Repeat([]byte{0xFF}, 128), k.Public().Modulus()} {
		_, err := k.Sign(block)
		require.ErrorContains(t, err, "block to sign: length:")
	}
}

func TestPrivateKeysThatAreRefused(t *testing.T) {
	k := newPrivateKey(t, 128)
	p, q := k.Primes()
	again, err := NewPrivateKey(p, q, []byte{3})
	require.NoError(t, err)
	require.Equal(t, k, again)
	small, err := rand.Prime(rand.Reader, 504)
	require.NoError(t, err)
	for name, c := range map[string]struct{ p, q, e []byte }{
		"nothing": {nil, nil, []byte{3}}, "one factor": {p, nil, []byte{3}}, "the same factor twice": {p, p, []byte{3}},
		"a factor of one": {k.Public().Modulus(), []byte{1}, []byte{3}}, "a factor of two": {append([]byte{0xFF}, p...), []byte{2}, []byte{3}},
		"1016 bits": {small.Bytes(), p, []byte{3}}, "not prime": {p, append(slices.Clone(q[:63]), q[63]+2), []byte{3}},
		"exponent of no key": {p, q, []byte{17}}, "no exponent": {p, q, nil}, "long": {make([]byte, 249), q, []byte{3}},
	} {
		_, err := NewPrivateKey(c.p, c.q, c.e)
		require.ErrorContains(t, err, "private key: key:", name)
	}
	// A prime of the form 3k+1 does not go with exponent 3.
	for p := k.p; ; {
		p = new(big.Int).Add(p, big.NewInt(2))
		if p.ProbablyPrime(0) && new(big.Int).Mod(p, big.NewInt(3)).Int64() == 1 {
			_, err = NewPrivateKey(p.Bytes(), q, []byte{3})
			break
		}
	}
	require.ErrorContains(t, err, "not two primes that go with exponent 3")
}

func TestPrivateKeysAreNotShown(t *testing.T) {
	k := newPrivateKey(t, 128)
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v", k, k, k)} {
		require.NotContains(t, text, k.p.String())
		require.Contains(t, text, "[RSA private key, 1024 bits]")
	}
	_, err := json.Marshal(k)
	require.ErrorContains(t, err, "cannot be marshalled")
}

// TestCertificatesOfEverySize makes chains with and without remainders and
// walks them.
func TestCertificatesOfEverySize(t *testing.T) {
	keys := map[int]*PrivateKey{}
	for _, size := range []int{128, 144, 176, 248} {
		keys[size] = newPrivateKey(t, size)
	}
	for _, c := range []struct{ ca, issuer, icc, issuerRest, iccRest int }{
		{248, 248, 248, 36, 42}, {248, 176, 128, 0, 0}, {176, 176, 144, 36, 10}, {176, 144, 128, 4, 26}, {144, 128, 128, 20, 42}, {128, 128, 128, 36, 42},
	} {
		static := []byte("static data")
		issuer := IssuerCertificate{Identifier: [4]byte{0x47, 0x61, 0x73, 0xFF}, Expiry: Expiry{0x12, 0x49}, Serial: [3]byte{1, 2, 3}, Key: keys[c.issuer].Public()}
		cert, rest, err := SignIssuerCertificate(keys[c.ca], issuer)
		require.NoError(t, err)
		require.Len(t, rest, c.issuerRest)
		got, err := RecoverIssuer(keys[c.ca].Public(), cert, rest, []byte{3})
		require.NoError(t, err)
		require.Equal(t, issuer, IssuerCertificate{Identifier: got.Identifier, Expiry: got.Expiry, Serial: got.Serial, Key: got.Key})

		icc := ICCCertificate{PAN: [10]byte{0x47, 0x61, 9: 0xFF}, Expiry: Expiry{0x01, 0x30}, Serial: [3]byte{4, 5, 6}, Key: keys[c.icc].Public()}
		cert, rest, err = SignICCCertificate(keys[c.issuer], icc, static)
		require.NoError(t, err)
		require.Len(t, rest, c.iccRest)
		card, err := RecoverICC(got.Key, cert, rest, []byte{3})
		require.NoError(t, err)
		require.NoError(t, card.Verify(static))
		require.Error(t, card.Verify(append(static, 0)))
		require.Equal(t, icc, ICCCertificate{PAN: card.PAN, Expiry: card.Expiry, Serial: card.Serial, Key: card.Key})
	}
	_, _, err := SignIssuerCertificate(keys[128], IssuerCertificate{Key: keys[144].Public()})
	require.ErrorContains(t, err, "issuer certificate: length: the certified key has 144 bytes, the key that signs 128")
	_, _, err = SignICCCertificate(keys[128], ICCCertificate{}, nil)
	require.ErrorContains(t, err, "ICC certificate: missing: no public key")
}

func TestExpiryOf(t *testing.T) {
	for yymm, want := range map[string]Expiry{"4912": {0x12, 0x49}, "0001": {0x01, 0x00}, "9910": {0x10, 0x99}} {
		day, err := emv.ParseExpiry(yymm)
		require.NoError(t, err)
		require.Equal(t, want, ExpiryOf(day))
		last, ok := want.last()
		require.True(t, ok)
		require.Equal(t, day, last)
	}
}

func TestStaticSignature(t *testing.T) {
	k := newPrivateKey(t, 144)
	signed, err := SignStatic(k, [2]byte{0xDA, 0xC0}, []byte("static"))
	require.NoError(t, err)
	s, err := RecoverStatic(k.Public(), signed)
	require.NoError(t, err)
	require.Equal(t, [2]byte{0xDA, 0xC0}, s.DataAuthenticationCode)
	require.NoError(t, s.Verify([]byte("static")))
	require.ErrorContains(t, s.Verify([]byte("Static")), "hash")
}

// TestFastDDA signs in both versions and changes one input at a time.
func TestFastDDA(t *testing.T) {
	k := newPrivateKey(t, 128, 1, 0, 1)
	atc, un := []byte{0x01, 0x23}, []byte{1, 2, 3, 4}
	amount, currency := []byte{0, 0, 0, 0, 0x10, 0}, []byte{9, 0x78}
	for name, c := range map[string]struct {
		related []byte
		format  byte
		covers  []bool // number, amount, currency, 9F69
	}{
		"version 01":        {[]byte{1, 5, 6, 7, 8, 0x38, 0}, FormatFDDA, []bool{true, true, true, true}},
		"version 01, short": {[]byte{1, 5, 6, 7, 8}, FormatFDDA, []bool{true, true, true, true}},
		"version 00":        {[]byte{0, 5, 6, 7, 8}, FormatDDA, []bool{true, false, false, false}},
		"none":              {nil, FormatDDA, []bool{true, false, false, false}},
	} {
		signed, err := SignFDDA(k, atc, un, amount, currency, c.related)
		require.NoError(t, err, name)
		s, err := VerifyFDDA(k.Public(), signed, un, amount, currency, c.related)
		require.NoError(t, err, name)
		require.Equal(t, c.format, s.Recovered[1], name)
		require.Equal(t, []byte{2, 0x01, 0x23}, s.DynamicData, name)
		for i, covered := range c.covers {
			args := [][]byte{slices.Clone(un), slices.Clone(amount), slices.Clone(currency), slices.Clone(c.related)}
			if len(args[i]) == 0 {
				continue
			}
			args[i][len(args[i])-1] ^= 1
			_, err := VerifyFDDA(k.Public(), signed, args[0], args[1], args[2], args[3])
			require.Equal(t, covered, err != nil, "%s, argument %d", name, i)
		}
	}
	_, err := SignFDDA(k, atc, un, amount, currency, []byte{2, 5, 6, 7, 8})
	require.ErrorContains(t, err, "fDDA version 02")
	_, err = SignFDDA(k, []byte{1}, un, amount, currency, nil)
	require.ErrorContains(t, err, "ICC dynamic number of 1 bytes")
}

// TestCombinedSignature signs what a card with relay resistance signs.
func TestCombinedSignature(t *testing.T) {
	k := newPrivateKey(t, 128)
	data := CDAData{
		UnpredictableNumber: []byte{1, 2, 3, 4}, PDOL: []byte{9}, CDOL1: []byte{8, 7}, CDOL2: []byte{6},
		Response: []byte{0x9F, 0x27, 1, 0x40, 0x9F, 0x36, 2, 0, 1},
	}
	want := CDA{DynamicNumber: []byte{1, 2, 3, 4, 5, 6, 7, 8}, CID: 0x40, Cryptogram: [8]byte{9, 8, 7}, More: make([]byte, 14)}
	signed, err := SignCDA(k, want, data)
	require.NoError(t, err)
	got, err := VerifyCDA(k.Public(), signed, data)
	require.NoError(t, err)
	require.Equal(t, want, CDA{DynamicNumber: got.DynamicNumber, CID: got.CID, Cryptogram: got.Cryptogram, More: got.More})
	for i, part := range []*[]byte{&data.UnpredictableNumber, &data.PDOL, &data.CDOL1, &data.CDOL2, &data.Response} {
		good := *part
		*part = append(slices.Clone(good), 0)
		_, err = VerifyCDA(k.Public(), signed, data)
		require.ErrorContains(t, err, "hash", i)
		*part = good
	}
	// 128 bytes less frame, length of the dynamic data, number, CID, AC, hash.
	want.More = make([]byte, 128-25-38)
	_, err = SignCDA(k, want, data)
	require.NoError(t, err)
	want.More = append(want.More, 0)
	_, err = SignCDA(k, want, data)
	require.ErrorContains(t, err, "do not fit a key of 128")
}

func TestRevokedIssuer(t *testing.T) {
	w := newWorld(t)
	revoked := Revocation{RID: w.card.RID, Index: 0x92, Serial: [3]byte{0, 0, 1}}
	for _, other := range []Revocation{
		{RID: [5]byte{0xA0, 0, 0, 0, 4}, Index: 0x92, Serial: revoked.Serial}, {RID: revoked.RID, Index: 0x94, Serial: revoked.Serial},
		{RID: revoked.RID, Index: 0x92, Serial: [3]byte{0, 0, 2}},
	} {
		require.NoError(t, w.keys.Revoke(other))
	}
	_, err := w.walk()
	require.NoError(t, err)
	require.NoError(t, w.keys.Revoke(revoked))
	require.NoError(t, w.keys.Revoke(revoked))
	_, err = w.walk()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, FaultRevoked, e.Fault)
	require.ErrorContains(t, err, "issuer certificate: revoked: serial number 000001 of CA key A000000003 index 92")
	for i := len(w.keys.revoked); i < maxRevocations; i++ {
		require.NoError(t, w.keys.Revoke(Revocation{Serial: [3]byte{byte(i >> 16), byte(i >> 8), byte(i)}}))
	}
	require.ErrorContains(t, w.keys.Revoke(Revocation{Index: 1}), "more than 10000")
	require.NoError(t, w.keys.Revoke(revoked))
}

func BenchmarkSign(b *testing.B) {
	for _, size := range []int{128, 144, 176, 248} {
		k := newPrivateKey(b, size)
		block := append([]byte{0x6A}, bytes.Repeat([]byte{0xBB}, size-1)...)
		b.Run(fmt.Sprint(8*size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = k.Sign(block)
			}
		})
	}
}

func BenchmarkRecover(b *testing.B) {
	for _, exponent := range [][]byte{{3}, {1, 0, 1}} {
		for _, size := range []int{128, 144, 176, 248} {
			k := newPrivateKey(b, size, exponent...)
			signed, err := k.Sign(append([]byte{0x6A}, bytes.Repeat([]byte{0xBB}, size-1)...))
			require.NoError(b, err)
			b.Run(fmt.Sprintf("%d-e%d", 8*size, k.public.e), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, _ = k.Public().Recover(signed)
				}
			})
		}
	}
}

func BenchmarkNewPrivateKey(b *testing.B) {
	p, q := newPrivateKey(b, 128).Primes()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = NewPrivateKey(p, q, []byte{3})
	}
}
