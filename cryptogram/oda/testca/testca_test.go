package testca

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram/oda"
	"tapsim/emv"
)

var accounts = map[emv.Scheme]emv.PAN{
	emv.SchemeVisa:       emv.WithCheckDigit("476173900200001"),
	emv.SchemeMastercard: emv.WithCheckDigit("541333900200001"),
	emv.SchemeUnionPay:   emv.WithCheckDigit("625094000200001"),
}

func request(scheme emv.Scheme) Request {
	return Request{Scheme: scheme, PAN: accounts[scheme], Expiry: "4912", Static: []byte("static data"), SDA: true}
}

// walk is what a terminal does with a card's data, down to its key.
func walk(t testing.TB, keys *oda.CAKeys, r Request, data emv.List, today emv.Date) (*oda.Key, error) {
	rid, err := RID(r.Scheme)
	require.NoError(t, err)
	c := oda.Card{RID: rid, PAN: string(r.PAN), Data: data, Static: r.Static, Today: today}
	issuer, err := c.IssuerKey(keys)
	if err != nil {
		return nil, err
	}
	if _, err = c.StaticSignature(issuer); err != nil {
		return nil, err
	}
	return c.ICCKey(issuer)
}

var today = emv.Date{Year: 2030, Month: 1, Day: 1}

func TestTerminalsBelieveOurCards(t *testing.T) {
	keys := CAKeys()
	for scheme := range accounts {
		r := request(scheme)
		c, err := Issue(r)
		require.NoError(t, err)
		icc, err := walk(t, keys, r, c.Data, today)
		require.NoError(t, err, scheme)
		signed, err := oda.SignDDA(c.Key, []byte{0, 1}, []byte{1, 2, 3, 4})
		require.NoError(t, err)
		_, err = oda.VerifyDDA(icc, signed, []byte{1, 2, 3, 4})
		require.NoError(t, err)
		again, err := Issue(r)
		require.NoError(t, err)
		require.Equal(t, c, again)
		_, err = walk(t, keys, r, c.Data, emv.Date{Year: 2049, Month: 12, Day: 31})
		require.NoError(t, err, scheme)
		_, err = walk(t, keys, r, c.Data, emv.Date{Year: 2050, Month: 1, Day: 1})
		require.ErrorContains(t, err, "expired")
	}
}

// TestDefectsAreNoticed: each has its own fault, on every day that a terminal
// of this project can have.
func TestDefectsAreNoticed(t *testing.T) {
	for defect, want := range map[Defect]struct {
		object string
		fault  oda.Fault
	}{
		DefectIssuerExpired: {"issuer certificate", oda.FaultExpired},
		DefectCardExpired:   {"ICC certificate", oda.FaultExpired},
		DefectRevoked:       {"issuer certificate", oda.FaultRevoked},
		DefectUnknownCA:     {"CA key", oda.FaultMissing},
		DefectWrongHash:     {"ICC certificate", oda.FaultHash},
		DefectTooLong:       {"ICC certificate", oda.FaultLength},
	} {
		for scheme := range accounts {
			r := request(scheme)
			r.Defect = defect
			c, err := Issue(r)
			require.NoError(t, err)
			for _, day := range []emv.Date{{Year: 2000, Month: 1, Day: 1}, today} {
				_, err = walk(t, CAKeys(), r, c.Data, day)
				var e *oda.Error
				require.ErrorAs(t, err, &e, "%s %s", scheme, defect)
				require.Equal(t, want.object, e.Object)
				require.Equal(t, want.fault, e.Fault)
			}
		}
	}
}

func TestDefectNames(t *testing.T) {
	for i, name := range DefectNames() {
		d, ok := ParseDefect(name)
		require.True(t, ok)
		require.Equal(t, Defect(i), d)
		require.Equal(t, name, d.String())
	}
	_, ok := ParseDefect("late")
	require.False(t, ok)
	require.Empty(t, Defect(200).String())
}

// TestChangedBytesAreNoticed flips a bit in every byte of every object that the
// CA or the issuer signed.
func TestChangedBytesAreNoticed(t *testing.T) {
	keys := CAKeys()
	for scheme := range accounts {
		r := request(scheme)
		c, err := Issue(r)
		require.NoError(t, err)
		for i, o := range c.Data {
			for at := range o.Value {
				data := append(emv.List(nil), c.Data...)
				data[i].Value = append([]byte(nil), o.Value...)
				data[i].Value[at] ^= 0x40
				_, err := walk(t, keys, r, data, today)
				require.Error(t, err, "%s, tag %s, byte %d", scheme, o.Tag, at)
			}
		}
		r.Static = []byte("Static data")
		_, err = walk(t, keys, r, c.Data, today)
		require.ErrorContains(t, err, "hash")
	}
}

// TestObjectsFitRecords: a record has at most 252 bytes, and what verifies a
// certificate can stand beside it.
func TestObjectsFitRecords(t *testing.T) {
	remainders := map[emv.Tag]int{}
	for scheme := range accounts {
		c, err := Issue(request(scheme))
		require.NoError(t, err)
		for _, together := range [][]emv.Tag{
			{emv.TagCAIndex, emv.TagIssuerCertificate, emv.TagIssuerRemainder, emv.TagIssuerExponent},
			{emv.TagICCCertificate, emv.TagICCRemainder, emv.TagICCExponent}, {emv.TagSSAD},
		} {
			var content emv.List
			for _, tag := range together {
				if v, ok := c.Data.Lookup(tag); ok {
					content.Set(tag, v)
					remainders[tag] += len(v)
				}
			}
			record := emv.List{{Tag: emv.TagRecord, Value: content.Append(nil)}}.Append(nil)
			require.LessOrEqual(t, len(record), 252, "%s %v", scheme, together)
		}
	}
	require.NotZero(t, remainders[emv.TagIssuerRemainder], "no issuer has a remainder: terminals would go untested")
	require.NotZero(t, remainders[emv.TagICCRemainder], "no card has a remainder: terminals would go untested")
}

func TestIssueRefuses(t *testing.T) {
	for want, change := range map[string]func(*Request){
		"no keys for scheme jcb":     func(r *Request) { r.Scheme = emv.SchemeJCB },
		"no keys for scheme unknown": func(r *Request) { r.Scheme = emv.SchemeUnknown },
		"correct check digit":        func(r *Request) { r.PAN = "4761739002000012" },
		"want four digits, YYMM":     func(r *Request) { r.Expiry = "12/49" },
		"month 13 does not exist":    func(r *Request) { r.Expiry = "4913" },
	} {
		r := request(emv.SchemeVisa)
		change(&r)
		_, err := Issue(r)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "9002000012")
	}
	for _, identifier := range []string{"", "47", "476173900", "47617x"} {
		_, err := IssuerCertificate(emv.SchemeVisa, identifier, DefectNone)
		require.ErrorContains(t, err, "want 3 to 8 digits")
	}
	for _, n := range []int{-1, Pool} {
		_, err := ICC(n)
		require.ErrorContains(t, err, "the pool has 0 to 15")
	}
}

// TestThePoolIsUsed: account numbers spread over all keys.
func TestThePoolIsUsed(t *testing.T) {
	used := map[int]int{}
	for i := range 400 {
		used[KeyNumber(emv.WithCheckDigit(fmt.Sprintf("4761739002%05d", i)))]++
	}
	require.Len(t, used, Pool)
}

// TestKeyFiles: every file is a key of the sizes that we make, carries its
// warning, and no two are the same.
func TestKeyFiles(t *testing.T) {
	seen := map[string]string{}
	require.NoError(t, fs.WalkDir(keyFiles, "keys", func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		if d.IsDir() {
			return nil
		}
		name := strings.TrimSuffix(d.Name(), ".pem")
		text, err := keyFiles.ReadFile(path)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), "TEST KEY - PUBLISHED, WORTHLESS"), name)
		block, rest := pem.Decode(text)
		require.NotNil(t, block, name)
		require.Empty(t, rest, name)
		k, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		require.NoError(t, err, name)
		require.NoError(t, k.Validate(), name)
		for _, p := range k.Primes {
			require.True(t, p.ProbablyPrime(20), name)
		}
		ours := key(name)
		require.Equal(t, k.N.Bytes(), ours.Public().Modulus(), name)
		require.False(t, oda.HasROCAFingerprint(ours.Public().Modulus()), name)
		require.Contains(t, string(text), fmt.Sprintf("Key %s, RSA %d bits, exponent %d.", name, 8*ours.Len(), k.E))
		require.Empty(t, seen[k.N.String()], name)
		seen[k.N.String()] = name
		return nil
	}))
	require.Len(t, seen, 2*len(rids)+Pool)
	require.PanicsWithValue(t, "embedded key nobody: open keys/nobody.pem: file does not exist", func() { key("nobody") })
}

// TestPublishedKeys compares the embedded keys with the list that others
// published, and our index with theirs.
func TestPublishedKeys(t *testing.T) {
	text, err := os.ReadFile("../../../testdata/vectors/capk.json")
	require.NoError(t, err)
	var all struct {
		Cases []struct {
			Inputs  struct{ RID, Index, Modulus, Exponent string }
			Outputs struct {
				Sum string `json:"sha1_checksum"`
			}
			Source string
		}
	}
	require.NoError(t, json.Unmarshal(text, &all))
	known := map[string]string{}
	for _, c := range all.Cases {
		for scheme, rid := range rids {
			if c.Inputs.RID == fmt.Sprintf("%X", rid) {
				require.NotEqual(t, fmt.Sprintf("%X", Index), c.Inputs.Index, scheme)
				require.NotEqual(t, fmt.Sprintf("%X", unknownIndex), c.Inputs.Index, scheme)
			}
		}
		known[c.Inputs.RID+c.Inputs.Index+c.Inputs.Modulus+c.Inputs.Exponent] = c.Outputs.Sum
	}
	keys := Keys()
	require.Len(t, keys, 21)
	require.Equal(t, len(keys), CAKeys().Len())
	for i, k := range keys {
		require.Equal(t, i < 3, k.Ours)
		require.Contains(t, rids, k.Scheme)
		require.NotEmpty(t, k.Source)
		if !k.Ours {
			require.Equal(t, fmt.Sprintf("%X", k.CheckSum()), known[fmt.Sprintf("%X%02X%X", k.RID, k.Index, k.Modulus)+hex.EncodeToString(k.Exponent)], "%X %02X", k.RID, k.Index)
		}
	}
}

func TestPublishedFileFaults(t *testing.T) {
	good := string(publishedFile)
	for want, text := range map[string]string{
		"invalid character":     "no",
		"the check sum is":      strings.Replace(good, "996AF56F", "996AF56E", 1),
		"key 0: RID A0, index":  strings.Replace(good, `"A000000003"`, `"A0"`, 1),
		"key 0: encoding/hex":   strings.Replace(good, `"A000000003"`, `"Visa"`, 1),
		"cannot unmarshal numb": strings.Replace(good, `"A000000003"`, `3`, 1),
	} {
		_, err := parsePublished([]byte(text))
		require.ErrorContains(t, err, want)
	}
}

// TestTheSetIsTheCallersOwn: what one terminal adds, another does not see.
func TestTheSetIsTheCallersOwn(t *testing.T) {
	one, other := CAKeys(), CAKeys()
	r := oda.Revocation{Index: Index, Serial: serial}
	r.RID, _ = RID(emv.SchemeVisa)
	require.NoError(t, one.Revoke(r))
	require.True(t, one.Revoked(r))
	require.False(t, other.Revoked(r))
}

func BenchmarkIssue(b *testing.B) {
	r := request(emv.SchemeVisa)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Issue(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTerminal walks a card's chain, SDA included.
func BenchmarkTerminal(b *testing.B) {
	keys := CAKeys()
	for _, scheme := range []emv.Scheme{emv.SchemeVisa, emv.SchemeMastercard, emv.SchemeUnionPay} {
		r := request(scheme)
		c, err := Issue(r)
		require.NoError(b, err)
		b.Run(scheme.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := walk(b, keys, r, c.Data, today); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCAKeys(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = CAKeys()
	}
}
