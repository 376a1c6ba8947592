package c3_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/hex"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c3"
	"tapsim/terminal/kernel/internal/kerneltest"
)

// chain is a certification authority, an issuer and a card made for these
// tests, each with a key of 1024 bits (EMV Book 2, 6.3 to 6.5).
type chain struct{ ca, issuer, icc *rsa.PrivateKey }

var testChain = sync.OnceValue(func() chain {
	key := func() *rsa.PrivateKey {
		k, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			panic(err)
		}
		return k
	}
	return chain{key(), key(), key()}
})

// exponent is that of crypto/rsa's keys, 65537.
var exponent = []byte{1, 0, 1}

func modulus(k *rsa.PrivateKey) []byte { return k.N.FillBytes(make([]byte, 128)) }

// sign frames middle as 6A, middle, hash, BC and signs it; the hash covers
// middle and what follows it.
func sign(k *rsa.PrivateKey, middle []byte, after ...[]byte) []byte {
	hash := sha1.Sum(bytes.Join(append([][]byte{middle}, after...), nil))
	frame := append(append(append([]byte{0x6A}, middle...), hash[:]...), 0xBC)
	return new(big.Int).Exp(new(big.Int).SetBytes(frame), k.D, k.N).FillBytes(make([]byte, 128))
}

// genuine is an offline approval of a card that proves to be genuine: the GPO
// answer and its records, of which the first is signed.
func genuine(t testing.TB, change ...object) (gpo []object, records []string) {
	t.Helper()
	return genuineWith(t, "01 A1A2A3A4 0000", change...)
}

// genuineWith is the same card with other card authentication related data
// (9F69): version 01, version 00, or none.
func genuineWith(t testing.TB, cardAuth string, change ...object) (gpo []object, records []string) {
	t.Helper()
	c := testChain()
	issuer, icc := modulus(c.issuer), modulus(c.icc)
	issuerCert := sign(c.ca, bytes.Join([][]byte{unhex(t, "02 476173FF 1249 000001 01 01 80 03"), issuer[:92]}, nil), issuer[92:], exponent)
	signed := template(t, emv.TagRecord, []object{{"5F24", "491231"}, {"5A", "4761739001010119"}, {"9F4A", "82"}})
	content, ok := emv.Find(signed, emv.TagRecord)
	require.True(t, ok)
	iccCert := sign(c.issuer, bytes.Join([][]byte{unhex(t, "04 4761739001010119FFFF 1249 000002 01 01 80 03"), icc[:86]}, nil), icc[86:], exponent, content, unhex(t, "2000"))
	related := unhex(t, cardAuth)
	format, covered := "05", unhex(t, "1A2B3C4D")
	if len(related) > 0 && related[0] == 1 {
		format, covered = "95", append(unhex(t, "1A2B3C4D 000000001250 0978"), related...)
	}
	sdad := sign(c.icc, append(unhex(t, format+"01 03 020001"), bytes.Repeat([]byte{0xBB}, 128-6-22)...), covered)
	certificates := template(t, emv.TagRecord, []object{
		{"8F", "92"}, {"90", hex.EncodeToString(issuerCert)}, {"92", hex.EncodeToString(issuer[92:])}, {"9F32", "010001"},
	})
	rest := template(t, emv.TagRecord, []object{{"9F46", hex.EncodeToString(iccCert)}, {"9F48", hex.EncodeToString(icc[86:])}, {"9F47", "010001"}, {"9F69", cardAuth}})
	gpo = kerneltest.With(tc, object{"82", "2000"}, object{"94", "08010301"}, object{"9F6C", "0000"}, object{"5F24", "-"}, object{"9F4B", hex.EncodeToString(sdad)})
	gpo = kerneltest.With(gpo, change...)
	return gpo, []string{hex.EncodeToString(signed) + "9000", hex.EncodeToString(certificates) + "9000", hex.EncodeToString(rest) + "9000"}
}

// authority is a kernel's set of keys with the test authority's.
func authority(t testing.TB) *oda.CAKeys {
	t.Helper()
	var keys oda.CAKeys
	require.NoError(t, keys.Add(oda.CAKey{RID: [5]byte{0xA0, 0, 0, 0, 3}, Index: 0x92, Modulus: modulus(testChain().ca), Exponent: exponent}))
	return &keys
}

// Book C-3, 5.6: a TC of a genuine card is an offline approval; one wrong bit
// anywhere in what is signed, and it is not.
func TestOfflineApproval(t *testing.T) {
	run := func(s situation, keys *oda.CAKeys, spoil func(records []string)) kernel.Outcome {
		t.Helper()
		gpo, records := genuine(t)
		if s.gpo != nil {
			gpo, records = genuine(t, s.gpo...)
		}
		if spoil != nil {
			spoil(records)
		}
		s.gpo, s.answers = gpo, records
		o, _, err := s.runWith(t, &c3.Kernel{Keys: keys})
		require.NoError(t, err)
		return o
	}
	o := run(situation{}, authority(t), nil)
	require.Equal(t, kernel.Approved, o.Kind, o.ODANote)
	require.Equal(t, kernel.ODAVerified, o.ODA)
	require.Equal(t, kernel.CVMNotRequired, o.CVM)
	require.Equal(t, &ui{kernel.MessageApproved, kernel.StatusCardRead, 0}, short(o.UI))
	v, ok := o.DataRecord.Lookup(emv.TagCID)
	require.True(t, ok)
	require.Equal(t, []byte{0x40}, v)

	o = run(situation{gpo: []object{{"9F6C", "4000"}}, ttq: "36404000"}, authority(t), nil)
	require.Equal(t, kernel.Approved, o.Kind)
	require.Equal(t, kernel.CVMSignature, o.CVM)
	require.True(t, o.Receipt)
	require.Equal(t, kernel.MessageApprovedSign, o.UI.Message)

	for name, c := range map[string]struct {
		s     situation
		keys  *oda.CAKeys
		spoil func([]string)
	}{
		"no keys":            {situation{}, nil, nil},
		"another amount":     {situation{change: func(a *kernel.Activation) { a.Transaction.Amount++ }}, authority(t), nil},
		"another number":     {situation{change: func(a *kernel.Activation) { a.Transaction.UnpredictableNumber[3]++ }}, authority(t), nil},
		"another expiry":     {situation{}, authority(t), func(r []string) { r[0] = swap(r[0], "491231", "481231") }},
		"another AIP":        {situation{gpo: []object{{"82", "2001"}}}, authority(t), nil},
		"no AIP bit":         {situation{gpo: []object{{"82", "0000"}}}, authority(t), nil},
		"no signature":       {situation{gpo: []object{{"9F4B", "-"}}}, authority(t), nil},
		"another account":    {situation{gpo: []object{{"57", "4761739001010010D49122010000000000000F"}}}, authority(t), func(r []string) { r[0] = swap(r[0], "4761739001010119", "4761739001010010") }},
		"another 9F69":       {situation{}, authority(t), func(r []string) { r[2] = swap(r[2], "a1a2a3a4", "a1a2a3a5") }},
		"version 00 of fDDA": {situation{}, authority(t), func(r []string) { r[2] = swap(r[2], "01a1a2a3a4", "00a1a2a3a4") }},
		"unknown authority":  {situation{}, authority(t), func(r []string) { r[1] = swap(r[1], "8f0192", "8f0193") }},
		"certificate broken": {situation{}, authority(t), func(r []string) { r[1] = swap(r[1], r[1][40:60], "00000000000000000000") }},
	} {
		o := run(c.s, c.keys, c.spoil)
		require.Equal(t, kernel.Declined, o.Kind, name)
		require.Equal(t, kernel.ODAFailed, o.ODA, name)
		require.NotEmpty(t, o.ODANote, name)
	}
}

// swap replaces a part that must be there.
func swap(s, old, new string) string {
	out := bytes.Replace([]byte(s), []byte(old), []byte(new), 1)
	if string(out) == s {
		panic("nothing to replace: " + old)
	}
	return string(out)
}

// In an online request authentication only informs, and only when the reader
// offers it (TTQ byte 1 bit 1). Where both take part, what it needs must be
// there (5.4.2.1).
func TestAuthenticationForOnline(t *testing.T) {
	for name, c := range map[string]struct {
		ttq, sdad string
		want      kernel.ODAResult
	}{
		"offered":       {"37804000", "", kernel.ODAVerified},
		"not offered":   {"36804000", "", kernel.ODANotPerformed},
		"bad signature": {"37804000", hex.EncodeToString(make([]byte, 128)), kernel.ODAFailed},
	} {
		changes := []object{{"9F27", "80"}}
		if c.sdad != "" {
			changes = append(changes, object{"9F4B", c.sdad})
		}
		gpo, records := genuine(t, changes...)
		o, _, err := situation{gpo: gpo, answers: records, ttq: c.ttq}.runWith(t, &c3.Kernel{Keys: authority(t)})
		require.NoError(t, err, name)
		require.Equal(t, kernel.OnlineRequest, o.Kind, name)
		require.Equal(t, c.want, o.ODA, name)
		tvr, _ := o.DataRecord.Lookup(emv.TagTVR)
		require.Equal(t, make([]byte, 5), tvr, "the host sees a TVR of zeros all the same")
	}
}

// Certificates expire by the transaction date (9A), which is the terminal's own
// day: what day it is in Greenwich does not count.
func TestCertificatesExpireByTheTransactionDate(t *testing.T) {
	gpo, records := genuine(t, object{"9F27", "80"})
	for at, want := range map[string]kernel.ODAResult{
		"2049-12-31T23:59:59-08:00": kernel.ODAVerified, // the next year in Greenwich
		"2050-01-01T00:00:00+08:00": kernel.ODAFailed,   // still the old one
	} {
		moment, err := time.Parse(time.RFC3339, at)
		require.NoError(t, err)
		o, _, err := situation{gpo: gpo, answers: records, ttq: "37804000", change: func(a *kernel.Activation) { a.Transaction.Time = moment }}.
			runWith(t, &c3.Kernel{Keys: authority(t)})
		require.NoError(t, err)
		require.Equal(t, want, o.ODA, "%s: %s", at, o.ODANote)
	}
}

// Each object that an online authentication takes, left out by itself, ends the
// application: of a reader and a card that both take part, and of no others.
func TestAuthenticationForOnlineIsMandatory(t *testing.T) {
	play := func(ttq, drop string, change ...object) kernel.Outcome {
		gpo, records := genuine(t, append(change, object{"9F27", "80"})...)
		for i, r := range records {
			records[i] = without(t, r, drop)
		}
		o, _, err := situation{gpo: gpo, answers: records, ttq: ttq}.runWith(t, &c3.Kernel{Keys: authority(t)})
		require.NoError(t, err)
		return o
	}
	for _, tag := range []string{"9F4B", "8F", "90", "9F32", "9F46", "9F47", "9F69", "5A", "5F24"} {
		var change []object
		if tag == "9F4B" {
			change = []object{{tag, "-"}}
		}
		o := play("37804000", tag, change...)
		require.Equal(t, kernel.EndApplication, o.Kind, tag)
		require.Equal(t, "EMV Book C-3, 5.4.2.1", o.Reason.Rule, tag)
		require.Equal(t, kernel.OnlineRequest, play("36804000", tag, change...).Kind, tag)
		require.Equal(t, kernel.OnlineRequest, play("37804000", tag, append(change, object{"82", "0000"})...).Kind, tag)
	}
	require.Equal(t, kernel.ODAFailed, play("37804000", "92").ODA, "the remainder is only there when it is needed")
}

// without is a record's answer without one object.
func without(t testing.TB, answer, tag string) string {
	content, ok := emv.Find(unhex(t, answer), emv.TagRecord)
	require.True(t, ok)
	list, err := emv.ParseList(content)
	require.NoError(t, err)
	var kept []object
	for _, o := range list {
		if o.Tag.String() != tag {
			kept = append(kept, object{o.Tag.String(), hex.EncodeToString(o.Value)})
		}
	}
	return hex.EncodeToString(template(t, emv.TagRecord, kept)) + "9000"
}

// fDDA version 00, and cards without 9F69, sign the unpredictable number alone.
// A verification on the device is then no proof offline: nobody signed it.
func TestOldFastDDA(t *testing.T) {
	for _, related := range []string{"", "00 A1A2A3A4 0080"} {
		run := func(change ...object) kernel.Outcome {
			gpo, records := genuineWith(t, related, change...)
			if related == "" {
				records[2] = without(t, records[2], "9F69")
			}
			o, _, err := situation{gpo: gpo, answers: records, ttq: "36404000"}.runWith(t, &c3.Kernel{Keys: authority(t)})
			require.NoError(t, err)
			return o
		}
		o := run(object{"9F6C", "4000"})
		require.Equal(t, kernel.Approved, o.Kind, o.ODANote)
		require.Equal(t, "fDDA version 00", o.ODANote)
		o = run(object{"9F6C", "0080"})
		require.Equal(t, kernel.Declined, o.Kind)
		require.Equal(t, kernel.ODAVerified, o.ODA)
		require.Equal(t, "EMV Book C-3, 5.7.1.2", o.Reason.Rule)
	}
}

// FuzzKernel changes a card's answers: never a panic, always an outcome, and no
// approval without a signature that verified.
func FuzzKernel(f *testing.F) {
	gpo, records := genuine(f)
	f.Add(append(template(f, emv.TagResponseFormat2, gpo), 0x90, 0x00), unhex(f, records[0]), unhex(f, records[1]), unhex(f, records[2]), uint32(0x36004000))
	f.Add(append(template(f, emv.TagResponseFormat2, arqc), 0x90, 0x00), []byte{0x70, 0, 0x90, 0}, []byte{}, []byte{}, uint32(0x36C04000))
	f.Add([]byte{0x80, 6, 0, 0, 8, 1, 1, 0, 0x90, 0}, unhex(f, records[0]), []byte{0x69, 0x86}, []byte{}, uint32(0x3600C000))
	f.Add([]byte{0x69, 0x86}, []byte{}, []byte{}, []byte{}, uint32(0))
	keys := authority(f)
	f.Fuzz(func(t *testing.T, a0, a1, a2, a3 []byte, q uint32) {
		answers := [][]byte{a0, a1, a2, a3}
		n := 0
		s := situation{change: func(a *kernel.Activation) {
			a.TTQ = emv.TTQ{byte(q >> 24), byte(q >> 16), byte(q >> 8), byte(q)}
			a.Card = apdu.TransceiverFunc(func(context.Context, []byte) ([]byte, error) {
				if n++; n > len(answers) {
					return nil, apdu.ErrLost
				}
				return answers[n-1], nil
			})
		}}
		o, _, err := s.runWith(t, &c3.Kernel{Keys: keys})
		if err != nil || o.Kind == 0 || o.Reason.Rule == "" {
			t.Fatalf("no outcome: %v %+v", err, o)
		}
		if o.Kind == kernel.Approved && (o.ODA != kernel.ODAVerified || o.Type != emv.TC) {
			t.Fatalf("approved without proof: %+v", o)
		}
	})
}
