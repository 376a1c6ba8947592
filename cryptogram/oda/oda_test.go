package oda

import (
	"bytes"
	"crypto/sha1"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

// signer is an RSA key pair of a made-up authority, issuer or card.
type signer struct {
	*Key
	d *big.Int
}

// newSigner makes a key pair of n bytes with exponent 3. The keys are new in
// each run: nothing that is tested depends on them.
func newSigner(t testing.TB, n int) signer {
	t.Helper()
	one, three := big.NewInt(1), big.NewInt(3)
	p, q := new(big.Int).SetBytes(primeFor(t, three, 4*n)), new(big.Int).SetBytes(primeFor(t, three, 4*n))
	modulus := new(big.Int).Mul(p, q)
	phi := new(big.Int).Mul(p.Sub(p, one), q.Sub(q, one))
	key, err := NewKey(modulus.Bytes(), []byte{3})
	require.NoError(t, err)
	return signer{key, new(big.Int).ModInverse(three, phi)}
}

func (s signer) raw(data []byte) []byte {
	m := new(big.Int).SetBytes(data)
	return m.Exp(m, s.d, s.n).FillBytes(make([]byte, s.Len()))
}

// sign frames body to the key's length with BB, hash and trailer, and signs it.
func (s signer) sign(body []byte, more ...[]byte) []byte {
	data := append([]byte{0x6A}, body...)
	for len(data) < s.Len()-21 {
		data = append(data, 0xBB)
	}
	h := sha1.Sum(bytes.Join(append([][]byte{data[1:]}, more...), nil))
	return s.raw(append(append(data, h[:]...), 0xBC))
}

// certify makes a certificate for key and its remainder. prefix is what stands
// before the hash algorithm.
func (s signer) certify(prefix []byte, key *Key, room int, more ...[]byte) (certificate, remainder []byte) {
	modulus := key.Modulus()
	part := modulus[:min(len(modulus), s.Len()-room)]
	remainder = modulus[len(part):]
	body := slices.Concat(prefix, []byte{1, 1, byte(key.Len()), 1}, part)
	return s.sign(body, append([][]byte{remainder, key.Exponent()}, more...)...), remainder
}

// world is a whole chain with everything right.
type world struct {
	ca, issuer, icc signer
	keys            CAKeys
	card            Card
	data            emv.List
	static          []byte
}

const worldPAN = "4761739001010119"

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{ca: newSigner(t, 144), issuer: newSigner(t, 128), icc: newSigner(t, 96), static: []byte("static data of the card")}
	rid := [5]byte{0xA0, 0, 0, 0, 3}
	require.NoError(t, w.keys.Add(CAKey{RID: rid, Index: 0x92, Modulus: w.ca.Modulus(), Exponent: []byte{3}}))
	cert, rest := w.ca.certify([]byte{2, 0x47, 0x61, 0x73, 0xFF, 0x12, 0x49, 0, 0, 1}, w.issuer.Key, 36)
	pan, err := emv.AppendDigits(nil, worldPAN, 10)
	require.NoError(t, err)
	iccCert, iccRest := w.issuer.certify(slices.Concat([]byte{4}, pan, []byte{0x12, 0x49, 0, 0, 2}), w.icc.Key, 42, w.static)
	w.data = emv.List{
		{Tag: emv.TagCAIndex, Value: []byte{0x92}}, {Tag: emv.TagIssuerCertificate, Value: cert}, {Tag: emv.TagIssuerRemainder, Value: rest},
		{Tag: emv.TagIssuerExponent, Value: []byte{3}}, {Tag: emv.TagICCCertificate, Value: iccCert}, {Tag: emv.TagICCRemainder, Value: iccRest},
		{Tag: emv.TagICCExponent, Value: []byte{3}}, {Tag: emv.TagSSAD, Value: w.issuer.sign([]byte{3, 1, 0xDA, 0xC0}, w.static)},
	}
	w.card = Card{RID: rid, PAN: worldPAN, Static: w.static, Today: emv.Date{Year: 2030, Month: 1, Day: 1}}
	return w
}

// keys walks the chain with the data as they are now.
func (w *world) walk() (*Key, error) {
	w.card.Data = w.data
	issuer, err := w.card.IssuerKey(&w.keys)
	if err != nil {
		return nil, err
	}
	if _, err := w.card.StaticSignature(issuer); err != nil {
		return nil, err
	}
	return w.card.ICCKey(issuer)
}

func TestChain(t *testing.T) {
	w := newWorld(t)
	icc, err := w.walk()
	require.NoError(t, err)
	require.Equal(t, w.icc.Modulus(), icc.Modulus())
}

// TestChainFaults spoils one thing at a time and wants it named.
func TestChainFaults(t *testing.T) {
	w := newWorld(t)
	good := slices.Clone(w.data)
	card := w.card
	set := func(tag emv.Tag, v []byte) { w.data.Set(tag, v) }
	drop := func(tag emv.Tag) {
		w.data = slices.DeleteFunc(w.data, func(o emv.TLV) bool { return o.Tag == tag })
	}
	value := func(tag emv.Tag) []byte { v, _ := w.data.Lookup(tag); return slices.Clone(v) }
	// recertify changes a byte of the recovered issuer certificate and signs it
	// again, hash and all where rehash is true.
	recertify := func(at int, b byte, rehash bool) {
		data, err := w.ca.Recover(value(emv.TagIssuerCertificate))
		require.NoError(t, err)
		data[at] = b
		if rehash {
			h := sha1.Sum(slices.Concat(data[1:len(data)-21], value(emv.TagIssuerRemainder), value(emv.TagIssuerExponent)))
			copy(data[len(data)-21:], h[:])
		}
		set(emv.TagIssuerCertificate, w.ca.raw(data))
	}
	for name, c := range map[string]struct {
		spoil  func()
		object string
		fault  Fault
	}{
		"no index":                {func() { drop(emv.TagCAIndex) }, issuerCertificate, FaultMissing},
		"long index":              {func() { set(emv.TagCAIndex, []byte{1, 2}) }, "CA key", FaultLength},
		"unknown index":           {func() { set(emv.TagCAIndex, []byte{0x93}) }, "CA key", FaultMissing},
		"no issuer certificate":   {func() { drop(emv.TagIssuerCertificate) }, issuerCertificate, FaultMissing},
		"no issuer exponent":      {func() { drop(emv.TagIssuerExponent) }, issuerCertificate, FaultMissing},
		"short certificate":       {func() { set(emv.TagIssuerCertificate, value(emv.TagIssuerCertificate)[1:]) }, "CA key", FaultMissing},
		"large certificate":       {func() { set(emv.TagIssuerCertificate, bytes.Repeat([]byte{0xFF}, 144)) }, issuerCertificate, FaultLength},
		"header":                  {func() { recertify(0, 0x00, false) }, issuerCertificate, FaultHeader},
		"trailer":                 {func() { recertify(143, 0xBD, false) }, issuerCertificate, FaultTrailer},
		"format":                  {func() { recertify(1, 4, true) }, issuerCertificate, FaultFormat},
		"hash algorithm":          {func() { recertify(11, 2, true) }, issuerCertificate, FaultAlgorithm},
		"key algorithm":           {func() { recertify(12, 2, true) }, issuerCertificate, FaultAlgorithm},
		"key length":              {func() { recertify(13, 200, true) }, issuerCertificate, FaultLength},
		"tiny key":                {func() { recertify(13, 20, true) }, issuerCertificate, FaultKey},
		"issuer hash":             {func() { recertify(9, 9, false) }, issuerCertificate, FaultHash},
		"issuer remainder":        {func() { set(emv.TagIssuerRemainder, value(emv.TagIssuerRemainder)[1:]) }, issuerCertificate, FaultLength},
		"issuer expiry":           {func() { recertify(7, 0x29, true) }, issuerCertificate, FaultExpired},
		"no month":                {func() { recertify(6, 0x13, true) }, issuerCertificate, FaultFormat},
		"other issuer":            {func() { recertify(4, 0x74, true) }, issuerCertificate, FaultPAN},
		"no identifier":           {func() { recertify(3, 0xFF, true) }, issuerCertificate, FaultFormat},
		"another exponent":        {func() { set(emv.TagIssuerExponent, []byte{5}) }, issuerCertificate, FaultKey},
		"even exponent":           {func() { set(emv.TagIssuerExponent, []byte{2}) }, issuerCertificate, FaultKey},
		"long exponent":           {func() { set(emv.TagIssuerExponent, []byte{0, 0, 0, 0, 3}) }, issuerCertificate, FaultKey},
		"no SSAD":                 {func() { drop(emv.TagSSAD) }, staticSignature, FaultMissing},
		"SSAD over other data":    {func() { set(emv.TagSSAD, w.issuer.sign([]byte{3, 1, 0xDA, 0xC0}, []byte("other"))) }, staticSignature, FaultHash},
		"SSAD of another kind":    {func() { set(emv.TagSSAD, w.issuer.sign([]byte{5, 1, 0})) }, staticSignature, FaultFormat},
		"no ICC certificate":      {func() { drop(emv.TagICCCertificate) }, iccCertificate, FaultMissing},
		"no ICC exponent":         {func() { drop(emv.TagICCExponent) }, iccCertificate, FaultMissing},
		"ICC remainder":           {func() { drop(emv.TagICCRemainder) }, iccCertificate, FaultLength},
		"changed remainder":       {func() { v := value(emv.TagICCRemainder); v[0] ^= 2; set(emv.TagICCRemainder, v) }, iccCertificate, FaultHash},
		"issuer's as the ICC's":   {func() { set(emv.TagICCCertificate, value(emv.TagSSAD)) }, iccCertificate, FaultFormat},
		"static data":             {func() { w.card.Static = []byte("other") }, staticSignature, FaultHash},
		"another PAN":             {func() { w.card.PAN = "4761739001010127" }, iccCertificate, FaultPAN},
		"short PAN":               {func() { w.card.PAN = "47" }, issuerCertificate, FaultPAN},
		"today after both expiry": {func() { w.card.Today = emv.Date{Year: 2050, Month: 1, Day: 1} }, issuerCertificate, FaultExpired},
	} {
		w.data, w.card = slices.Clone(good), card
		c.spoil()
		_, err := w.walk()
		var e *Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, c.object, e.Object, "%s: %s", name, err)
		require.Equal(t, c.fault, e.Fault, "%s: %s", name, err)
		require.NotContains(t, err.Error(), worldPAN)
	}
}

func TestExpiryIsTheEndOfTheMonth(t *testing.T) {
	for _, c := range []struct {
		e    Expiry
		last string
	}{
		{Expiry{0x12, 0x49}, "2049-12-31"}, {Expiry{0x02, 0x28}, "2028-02-29"}, {Expiry{0x12, 0x50}, "1950-12-31"}, {Expiry{0x06, 0x00}, "2000-06-30"},
	} {
		last, err := time.Parse(time.DateOnly, c.last)
		require.NoError(t, err)
		require.NoError(t, c.e.check("x", emv.DateOf(last)))
		require.ErrorContains(t, c.e.check("x", emv.DateOf(last.AddDate(0, 0, 1))), "valid until "+c.last)
	}
	for _, none := range []Expiry{{0x13, 0x49}, {0x00, 0x49}, {0x1F, 0x49}, {0x12, 0xFF}, {0x4A, 0x12}} {
		require.ErrorContains(t, none.check("x", emv.Date{}), "is no month and year")
	}
}

func TestDynamicSignatures(t *testing.T) {
	icc := newSigner(t, 96)
	un, amount, currency := []byte{1, 2, 3, 4}, []byte{0, 0, 0, 0, 0x10, 0}, []byte{9, 0x78}
	related := []byte{1, 5, 6, 7, 8, 0x38, 0}
	body := func(format byte) []byte { return []byte{format, 1, 3, 2, 0, 0x74} }

	v1 := icc.sign(body(FormatFDDA), un, amount, currency, related)
	s, err := VerifyFDDA(icc.Key, v1, un, amount, currency, related)
	require.NoError(t, err)
	number, err := s.DynamicNumber()
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0x74}, number)
	v0 := icc.sign(body(FormatDDA), un)
	for _, none := range [][]byte{nil, {0, 5, 6, 7, 8}} {
		_, err = VerifyFDDA(icc.Key, v0, un, amount, currency, none)
		require.NoError(t, err)
	}
	for name, c := range map[string]struct {
		signed, un, related []byte
		fault               Fault
	}{
		"version 01 in format 05": {icc.sign(body(FormatDDA), un, amount, currency, related), un, related, FaultFormat},
		"version 00 in format 95": {icc.sign(body(FormatFDDA), un), un, nil, FaultFormat},
		"version 02":              {v1, un, []byte{2, 5, 6, 7, 8}, FaultFormat},
		"short 9F69":              {v1, un, []byte{1, 5}, FaultLength},
		"another number":          {v1, amount[:4], related, FaultHash},
		"changed CTQ":             {v1, un, []byte{1, 5, 6, 7, 8, 0x38, 1}, FaultHash},
		"dynamic data too long":   {icc.sign([]byte{FormatFDDA, 1, 200}, un, amount, currency, related), un, related, FaultLength},
	} {
		_, err := VerifyFDDA(icc.Key, c.signed, c.un, amount, currency, c.related)
		var e *Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, c.fault, e.Fault, name)
	}
	_, err = VerifyDDA(icc.Key, icc.sign([]byte{FormatDDA, 1, 2, 5, 0}, un), un)
	require.NoError(t, err)
	_, err = (&DynamicSignature{DynamicData: []byte{5, 0}}).DynamicNumber()
	require.ErrorContains(t, err, "hold no ICC dynamic number")
}

func TestCDA(t *testing.T) {
	icc := newSigner(t, 96)
	response := []byte{0x9F, 0x27, 1, 0x80, 0x9F, 0x36, 2, 0, 1}
	data := CDAData{UnpredictableNumber: []byte{1, 2, 3, 4}, PDOL: []byte{9}, CDOL1: []byte{8, 7}, Response: response}
	make := func(cid byte, d CDAData) []byte {
		h := d.transactionHash()
		dyn := slices.Concat([]byte{2, 0xAA, 0xBB, cid, 1, 2, 3, 4, 5, 6, 7, 8}, h[:])
		return icc.sign(append([]byte{FormatDDA, 1, byte(len(dyn))}, dyn...), d.UnpredictableNumber)
	}
	c, err := VerifyCDA(icc.Key, make(0x80, data), data)
	require.NoError(t, err)
	require.Equal(t, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, c.Cryptogram)
	require.Equal(t, []byte{0xAA, 0xBB}, c.DynamicNumber)
	require.Empty(t, c.More)

	_, err = VerifyCDA(icc.Key, make(0x40, data), data)
	require.ErrorContains(t, err, "mismatch")
	other := data
	other.Response = slices.Concat(response, []byte{0x9F, 0x10, 0})
	_, err = VerifyCDA(icc.Key, make(0x80, data), other)
	require.ErrorContains(t, err, "transaction data hash")
	other = data
	other.UnpredictableNumber = []byte{4, 3, 2, 1}
	_, err = VerifyCDA(icc.Key, make(0x80, data), other)
	require.ErrorContains(t, err, "SHA-1 over the data")
	_, err = VerifyCDA(icc.Key, icc.sign([]byte{FormatDDA, 1, 3, 2, 0, 1}, data.UnpredictableNumber), data)
	require.ErrorContains(t, err, "hold no cryptogram")
}

func TestWithoutSignature(t *testing.T) {
	// Long length forms and padding stay as they came.
	content := []byte{0x9F, 0x27, 0x81, 1, 0x80, 0, 0x9F, 0x4B, 2, 1, 2, 0x9F, 0x36, 2, 0, 1, 0}
	rest, err := WithoutSignature(content)
	require.NoError(t, err)
	require.Equal(t, []byte{0x9F, 0x27, 0x81, 1, 0x80, 0x9F, 0x36, 2, 0, 1, 0}, rest)
	_, err = WithoutSignature(content[:4])
	require.Error(t, err)
}

func TestStaticData(t *testing.T) {
	records := map[[2]byte][]byte{
		{1, 1}: {0x70, 3, 0x5A, 1, 9}, {1, 2}: {0x70, 0x81, 2, 0x57, 0}, {1, 3}: {0x70, 0}, {11, 1}: {0x70, 1, 7}, {2, 1}: {0x5A, 0},
	}
	read := func(sfi, number byte) ([]byte, bool) { v, ok := records[[2]byte{sfi, number}]; return v, ok }
	afl := emv.AFL{{SFI: 1, First: 1, Last: 3, Signed: 2}, {SFI: 11, First: 1, Last: 1, Signed: 1}}
	got, err := StaticData(afl, read, []byte{0x82}, []byte{0x20, 0})
	require.NoError(t, err)
	require.Equal(t, []byte{0x5A, 1, 9, 0x57, 0, 0x70, 1, 7, 0x20, 0}, got)
	got, err = StaticData(afl, read, nil, []byte{0x20, 0})
	require.NoError(t, err)
	require.Equal(t, []byte{0x5A, 1, 9, 0x57, 0, 0x70, 1, 7}, got)
	_, err = StaticData(afl, read, []byte{0x82, 0x9A}, nil)
	require.ErrorContains(t, err, "only 82 is allowed")
	_, err = StaticData(emv.AFL{{SFI: 3, First: 1, Last: 1, Signed: 1}}, read, nil, nil)
	require.ErrorContains(t, err, "record 1 of file 3 was not read")
	_, err = StaticData(emv.AFL{{SFI: 2, First: 1, Last: 1, Signed: 1}}, read, nil, nil)
	require.ErrorContains(t, err, "no template 70")
	big := func(_, _ byte) ([]byte, bool) { return make([]byte, 250), true }
	_, err = StaticData(emv.AFL{{SFI: 12, First: 1, Last: 255, Signed: 255}}, big, nil, nil)
	require.ErrorContains(t, err, "more than")
}

func TestKeysThatAreRefused(t *testing.T) {
	odd := func(n int) []byte { return bytes.Repeat([]byte{0x81}, n) }
	for name, c := range map[string]struct{ modulus, exponent []byte }{
		"tiny": {odd(63), []byte{3}}, "huge": {odd(257), []byte{3}}, "empty": {nil, []byte{3}}, "even": {append(odd(127), 2), []byte{3}},
		"leading zero": {append([]byte{0}, odd(127)...), []byte{3}}, "no exponent": {odd(128), nil}, "one": {odd(128), []byte{1}},
		"even exponent": {odd(128), []byte{2}}, "five": {odd(128), []byte{5}}, "long": {odd(128), []byte{0, 0, 0, 0, 3}},
	} {
		_, err := NewKey(c.modulus, c.exponent)
		require.ErrorContains(t, err, "public key: key:", name)
	}
	_, err := NewUnusualKey(odd(128), []byte{5})
	require.NoError(t, err)
	for _, n := range []int{64, 96, 128, 144, 176, 248, 256} {
		k, err := NewKey(odd(n), []byte{1, 0, 1})
		require.NoError(t, err)
		require.Equal(t, n, k.Len())
	}
}

// TestTwoKeysMayShareAnIndex: the one that fits the certificate is used.
func TestTwoKeysMayShareAnIndex(t *testing.T) {
	w := newWorld(t)
	other := newSigner(t, 144)
	var keys CAKeys
	require.NoError(t, keys.Add(CAKey{RID: w.card.RID, Index: 0x92, Modulus: other.Modulus(), Exponent: []byte{3}}))
	expired := CAKey{RID: w.card.RID, Index: 0x92, Modulus: w.ca.Modulus(), Exponent: []byte{3}, Expiry: emv.Date{Year: 2029, Month: 12, Day: 31}}
	require.NoError(t, keys.Add(expired))
	require.ErrorContains(t, keys.Add(expired), "is there already")
	require.ErrorContains(t, keys.Add(CAKey{Modulus: []byte{1}}), "CA key 0000000000 index 00")
	require.Equal(t, 2, keys.Len())
	require.True(t, keys.Has(w.card.RID, 0x92))
	require.False(t, keys.Has(w.card.RID, 0x93))
	w.keys = keys
	w.card.Today = emv.Date{Year: 2029, Month: 12, Day: 31}
	_, err := w.walk()
	require.NoError(t, err)
	w.card.Today = emv.Date{Year: 2030, Month: 1, Day: 1}
	_, err = w.walk()
	require.ErrorContains(t, err, "valid until 2029-12-31")
}

func TestROCAPrimesAreTheDefault(t *testing.T) {
	// 65537 to any power passes, its neighbour does not.
	power := new(big.Int).Exp(big.NewInt(65537), big.NewInt(33), nil)
	require.True(t, HasROCAFingerprint(power.Bytes()))
	require.False(t, HasROCAFingerprint(power.Add(power, big.NewInt(2)).Bytes()))
}

func BenchmarkICCKey(b *testing.B) {
	w := newWorld(b)
	w.card.Data = w.data
	b.ReportAllocs()
	for b.Loop() {
		_, _ = w.walk()
	}
}
