package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/hce/profile"
	"tapsim/provisioning"
	"tapsim/wallet/store"
)

var now = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func deviceKey(t testing.TB, fill byte) *cryptogram.Key {
	t.Helper()
	k, err := cryptogram.NewKey(cryptogram.AES, bytes.Repeat([]byte{fill}, 32))
	require.NoError(t, err)
	return k
}

func options(t testing.TB) store.Options {
	t.Helper()
	return store.Options{DeviceKey: deviceKey(t, 0xD0), Now: func() time.Time { return now }, Rand: rand.New(rand.NewSource(1)), Seal: rand.New(rand.NewSource(2))}
}

func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, options(t))
	require.NoError(t, err)
	return s
}

func load(t testing.TB, name string) hce.Profile {
	t.Helper()
	p, err := profile.Load(name)
	require.NoError(t, err)
	return p
}

// tokenPAN is another token than that of the built-in profile.
var tokenPAN = emv.WithCheckDigit("476173900299999")

// keySet is a token with count keys from counter first on, each for uses
// payments.
func keySet(t testing.TB, first, count, uses int) provisioning.KeySet {
	t.Helper()
	card, err := cryptogram.NewKey(cryptogram.TDES, unhex("C8B507136D921FD05864C81F79F2D30B"))
	require.NoError(t, err)
	set := provisioning.KeySet{Kind: provisioning.IndexedKeys, Token: provisioning.Token{
		PAN: tokenPAN, PSN: "00", Expiry: "3106", LastFour: "0119", Requestor: "40010030001",
		PAR: "TSIM0000000000000000000000009", ServiceCode: "201",
	}}
	for i := first; i < first+count; i++ {
		index := cryptogram.KeyIndex{Year: 0, Hour: 5702, Counter: i}
		k, err := cryptogram.LimitedUseKey(card, index)
		require.NoError(t, err)
		wrapped, err := deviceKey(t, 0xD0).WrapKey(k)
		require.NoError(t, err)
		set.Keys = append(set.Keys, provisioning.LimitedUseKey{
			Index: index.BCD(), Wrapped: wrapped, CheckValue: k.CheckValue(), Uses: uses, NotAfter: now.AddDate(0, 0, 5),
		})
	}
	return set
}

const (
	selectVisa = "00A4040007A000000003101000"
	getOptions = "80A80000238321360040000000000012500000000000000276000000000009783001010" + "01A2B3C4D00"
)

// tap selects and asks for processing options.
func tap(t testing.TB, c apdu.Responder) apdu.Response {
	t.Helper()
	c.Respond(unhex(selectVisa))
	r, err := apdu.ParseResponse(c.Respond(unhex(getOptions)))
	require.NoError(t, err)
	return r
}

func atcOf(t testing.TB, r apdu.Response) uint16 {
	t.Helper()
	require.Equal(t, apdu.StatusOK, r.Status)
	v, ok := emv.Find(r.Data, emv.TagResponseFormat2, emv.TagATC)
	require.True(t, ok)
	return uint16(v[0])<<8 | uint16(v[1])
}

// places runs a test in memory and on disk; reopen is the next start of the
// program, which in memory is the same store.
func places(t *testing.T, f func(t *testing.T, s *store.Store, reopen func() *store.Store)) {
	t.Run("memory", func(t *testing.T) {
		s := open(t, store.Memory)
		f(t, s, func() *store.Store { return s })
	})
	t.Run("directory", func(t *testing.T) {
		dir := t.TempDir()
		f(t, open(t, dir), func() *store.Store { return open(t, dir) })
	})
}

func TestPlasticCounterSurvives(t *testing.T) {
	places(t, func(t *testing.T, s *store.Store, reopen func() *store.Store) {
		p := load(t, "visa-plastic")
		for want := uint16(1); want <= 5; want++ {
			c, err := s.Card(p)
			require.NoError(t, err)
			require.Equal(t, want, atcOf(t, tap(t, c)))
			require.NoError(t, c.Err())
			s = reopen()
		}
		names, err := s.Cards()
		require.NoError(t, err)
		require.Equal(t, []string{"visa-plastic"}, names)
	})
}

// TestEnrolGoesOnAboveTheCounterSeen: a phone that lost its card repeats no
// counter when it gets the token again.
func TestEnrolGoesOnAboveTheCounterSeen(t *testing.T) {
	places(t, func(t *testing.T, s *store.Store, reopen func() *store.Store) {
		p := load(t, "visa-phone")
		set := keySet(t, 1, 2, 2)
		set.LastATC = 0x0129
		c, err := s.Enrol(p, set)
		require.NoError(t, err)
		require.Equal(t, uint16(0x0129), c.Info().ATC)
		c, err = reopen().Card(p)
		require.NoError(t, err)
		require.Equal(t, uint16(0x012A), atcOf(t, tap(t, c)))
	})
}

func TestPhoneLife(t *testing.T) {
	places(t, func(t *testing.T, s *store.Store, reopen func() *store.Store) {
		p := load(t, "visa-phone")
		_, err := s.Card(p)
		require.ErrorIs(t, err, store.ErrNotEnrolled)
		require.ErrorIs(t, s.Remove("visa-phone"), store.ErrNotEnrolled)

		c, err := s.Enrol(p, keySet(t, 1, 2, 2))
		require.NoError(t, err)
		require.Equal(t, 4, c.Remaining())
		_, err = s.Enrol(p, keySet(t, 1, 2, 2))
		require.ErrorIs(t, err, store.ErrEnrolled)

		// The token takes the place of the profile's account, and the key index
		// moves on when a key is used up: two taps each, across restarts.
		for i := 1; i <= 4; i++ {
			r := tap(t, c)
			require.Equal(t, uint16(i), atcOf(t, r))
			track, _ := emv.Find(r.Data, emv.TagResponseFormat2, emv.TagTrack2)
			got, err := emv.ParseTrack2(track)
			require.NoError(t, err)
			require.Equal(t, tokenPAN, got.PAN)
			require.Equal(t, "3106", got.Expiry)
			iad, _ := emv.Find(r.Data, emv.TagResponseFormat2, emv.TagIAD)
			index, err := cryptogram.KeyIndexOf(iad)
			require.NoError(t, err)
			require.Equal(t, (i+1)/2, index.Counter)
			c, err = reopen().Card(p)
			require.NoError(t, err)
			require.Equal(t, 4-i, c.Remaining())
		}

		require.Equal(t, apdu.StatusConditions, tap(t, c).Status)
		require.Equal(t, hce.ReasonNoKeys.String(), c.Info().LastReason)
		require.Equal(t, uint16(4), c.Info().ATC, "a card without keys burns no counter value")
		require.Len(t, c.History(), 4)
		require.Equal(t, store.Entry{Time: now, ATC: 1, Amount: 1250, Currency: "978", Country: "276", Type: "00", Answer: "ARQC", CVM: "none"}, c.History()[0])

		require.NoError(t, c.AddKeys(keySet(t, 3, 1, 1)))
		c, err = reopen().Card(p)
		require.NoError(t, err)
		require.Equal(t, uint16(5), atcOf(t, tap(t, c)))

		s = reopen()
		require.NoError(t, s.Remove("visa-phone"))
		_, err = s.Card(p)
		require.ErrorIs(t, err, store.ErrNotEnrolled)
	})
}

func TestPhoneEventsSurvive(t *testing.T) {
	places(t, func(t *testing.T, s *store.Store, reopen func() *store.Store) {
		p := load(t, "visa-phone")
		c, err := s.Enrol(p, keySet(t, 1, 1, 9))
		require.NoError(t, err)
		require.NoError(t, c.Verified(now.Add(time.Minute)))
		c, err = reopen().Card(p)
		require.NoError(t, err)
		require.Equal(t, now.Add(time.Minute), c.Info().VerifiedUntil)
		r := tap(t, c)
		ctq, _ := emv.Find(r.Data, emv.TagResponseFormat2, emv.TagCTQ)
		require.Equal(t, unhex("0080"), ctq)
		c, err = reopen().Card(p)
		require.NoError(t, err)
		require.True(t, c.Info().VerifiedUntil.IsZero(), "one verification, one payment")

		require.NoError(t, c.SetLock(hce.LockHidden))
		c, err = reopen().Card(p)
		require.NoError(t, err)
		require.Equal(t, "hidden", c.Info().Lock)
		answer := c.Respond(unhex(selectVisa))
		require.Equal(t, unhex("6A82"), answer)
	})
}

func TestAddKeysRefuses(t *testing.T) {
	places(t, func(t *testing.T, s *store.Store, _ func() *store.Store) {
		c, err := s.Enrol(load(t, "visa-phone"), keySet(t, 1, 2, 2))
		require.NoError(t, err)
		other := keySet(t, 5, 1, 1)
		other.Token.PAN = emv.WithCheckDigit("476173900288888")
		require.ErrorContains(t, c.AddKeys(other), "the keys are for token")
		require.ErrorContains(t, c.AddKeys(keySet(t, 2, 1, 1)), "none of the 1 keys is new")
		cuckoo := keySet(t, 5, 1, 1)
		cuckoo.Keys[0].Index = keySet(t, 2, 1, 1).Keys[0].Index
		require.ErrorContains(t, c.AddKeys(cuckoo), "index 0570202")
		wrong := keySet(t, 5, 1, 1)
		wrong.Keys[0].CheckValue[0] ^= 1
		require.ErrorContains(t, c.AddKeys(wrong), "check value")
		wrong = keySet(t, 5, 1, 1)
		wrong.Keys[0].Wrapped[3] ^= 1
		require.ErrorIs(t, c.AddKeys(wrong), cryptogram.ErrUnwrap)
		wrong = keySet(t, 5, 1, 0)
		require.ErrorContains(t, c.AddKeys(wrong), "allows 0 uses")
		require.Equal(t, 4, c.Remaining(), "a refused set changes nothing")
		plastic, err := s.Card(load(t, "visa-plastic"))
		require.NoError(t, err)
		require.ErrorContains(t, plastic.AddKeys(keySet(t, 1, 1, 1)), "takes no others")
	})
}

// TestLastKeyIsRemembered: also when the key is used up, and when keys of one
// counter value come with it that the phone has.
func TestLastKeyIsRemembered(t *testing.T) {
	places(t, func(t *testing.T, s *store.Store, reopen func() *store.Store) {
		p := load(t, "visa-phone")
		c, err := s.Enrol(p, keySet(t, 1, 2, 1))
		require.NoError(t, err)
		for range 2 {
			tap(t, c)
		}
		c, err = reopen().Card(p)
		require.NoError(t, err)
		require.Zero(t, c.Remaining())
		require.Equal(t, [4]byte{0x00, 0x57, 0x02, 0x02}, c.LastKey())
		require.NoError(t, c.AddKeys(keySet(t, 3, 2, 1)))
		require.NoError(t, c.AddKeys(keySet(t, 4, 2, 1)), "one of them is new")
		c, err = reopen().Card(p)
		require.NoError(t, err)
		require.Equal(t, 3, c.Remaining())
		require.Equal(t, [4]byte{0x00, 0x57, 0x02, 0x05}, c.LastKey())
	})
}

func TestNothingInTheClear(t *testing.T) {
	dir := t.TempDir()
	c, err := open(t, dir).Enrol(load(t, "visa-phone"), keySet(t, 1, 3, 2))
	require.NoError(t, err)
	tap(t, c)
	data, err := os.ReadFile(filepath.Join(dir, "visa-phone.card"))
	require.NoError(t, err)
	text := strings.ToUpper(string(data))
	card, err := cryptogram.NewKey(cryptogram.TDES, unhex("C8B507136D921FD05864C81F79F2D30B"))
	require.NoError(t, err)
	for i := 1; i <= 3; i++ {
		k, err := cryptogram.LimitedUseKey(card, cryptogram.KeyIndex{Hour: 5702, Counter: i})
		require.NoError(t, err)
		require.NotContains(t, text, strings.ToUpper(hex.EncodeToString(k.Reveal())))
		require.NotContains(t, string(data), string(k.Reveal()))
	}
	require.NotContains(t, text, string(tokenPAN))
	require.NotContains(t, text, string(tokenPAN[6:12]))
	require.Contains(t, text, tokenPAN.Masked())
	require.Contains(t, text, `"ATC": 1`)
}

func TestWrongDeviceKey(t *testing.T) {
	dir := t.TempDir()
	_, err := open(t, dir).Enrol(load(t, "visa-phone"), keySet(t, 1, 1, 1))
	require.NoError(t, err)
	o := options(t)
	o.DeviceKey = deviceKey(t, 0xD1)
	s, err := store.Open(dir, o)
	require.NoError(t, err)
	_, err = s.Card(load(t, "visa-phone"))
	require.ErrorContains(t, err, "another device key")
}

func TestOpenRefuses(t *testing.T) {
	o := options(t)
	o.DeviceKey = nil
	_, err := store.Open(store.Memory, o)
	require.ErrorContains(t, err, "device key")
	o = options(t)
	o.Now = nil
	_, err = store.Open(store.Memory, o)
	require.ErrorContains(t, err, "clock")
}

// TestDamage cuts the file at every length and flips every byte: each must be
// a clear error, never an older or made-up state.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	p := load(t, "visa-plastic")
	c, err := open(t, dir).Card(p)
	require.NoError(t, err)
	tap(t, c)
	path := filepath.Join(dir, "visa-plastic.card")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	refused := func(data []byte) {
		t.Helper()
		require.NoError(t, os.WriteFile(path, data, 0o600))
		_, err := open(t, dir).Card(p)
		require.ErrorContains(t, err, "visa-plastic.card: ")
	}
	for i := range whole {
		refused(whole[:i])
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1
		refused(flipped)
	}
	refused(append(bytes.Clone(whole), '\n'))
	refused(bytes.Replace(whole, []byte("format 1"), []byte("format 3"), 1))
	_, err = open(t, dir).Card(p)
	require.ErrorContains(t, err, "use a newer one")

	require.NoError(t, os.WriteFile(path, whole, 0o600))
	c, err = open(t, dir).Card(p)
	require.NoError(t, err)
	require.Equal(t, uint16(2), atcOf(t, tap(t, c)))
}

// TestTampering: nobody changes a token's file without the device key: not the
// uses that are left of a key, nor what may be paid without unlocking.
func TestTampering(t *testing.T) {
	dir := t.TempDir()
	p := load(t, "visa-phone")
	c, err := open(t, dir).Enrol(p, keySet(t, 0, 2, 3))
	require.NoError(t, err)
	require.NoError(t, c.SetAllowance(&hce.Allowance{PerTap: 10_00, Left: 20_00, Taps: 2}))
	path := filepath.Join(dir, "visa-phone.card")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	refused := func(data []byte, want string) {
		t.Helper()
		require.NoError(t, os.WriteFile(path, data, 0o600))
		_, err := open(t, dir).Card(p)
		require.ErrorContains(t, err, want)
	}
	_, body, _ := bytes.Cut(whole, []byte("\n"))
	for _, change := range [][2]string{{`"left": 3`, `"left": 9`}, {`"per_tap": 1000`, `"per_tap": 9999`}, {`"taps": 2`, `"taps": 9`}, {`"atc": 0`, `"atc": 7`}} {
		require.Contains(t, string(body), change[0])
		refused(bytes.Replace(whole, []byte(change[0]), []byte(change[1]), 1), "under another device key, or was changed")
		changed := bytes.Replace(body, []byte(change[0]), []byte(change[1]), 1)
		refused(append(fmt.Appendf(nil, "tapsim card, format 1, sha256 %x\n", sha256.Sum256(changed)), changed...), "or was changed: remove it and enrol")
	}
	for i := 0; i < len(whole); i += 7 {
		refused(whole[:i], "visa-phone.card: ")
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1
		refused(flipped, "visa-phone.card: ")
	}
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	c, err = open(t, dir).Card(p)
	require.NoError(t, err)
	require.Equal(t, 6, c.Remaining())
}

// TestFullDisk: when the state cannot be written, the cryptogram stays inside.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	p := load(t, "visa-plastic")
	c, err := open(t, dir).Card(p)
	require.NoError(t, err)
	tap(t, c)
	blocked := filepath.Join(dir, "visa-plastic.card.tmp")
	require.NoError(t, os.Mkdir(blocked, 0o700)) // nothing can be written there now
	r := tap(t, c)
	require.Equal(t, apdu.StatusMemoryFailure, r.Status)
	require.Empty(t, r.Data)
	require.Error(t, c.Err())
	require.NoError(t, os.Remove(blocked))
	require.Equal(t, uint16(3), atcOf(t, tap(t, c)), "the lost value is skipped")
	require.NoError(t, c.Err())
}

func TestHistoryIsBounded(t *testing.T) {
	c, err := open(t, store.Memory).Card(load(t, "visa-plastic"))
	require.NoError(t, err)
	for range 1234 {
		tap(t, c)
	}
	h := c.History()
	require.Len(t, h, 500)
	require.Equal(t, uint16(1234), h[499].ATC)
	require.Equal(t, uint16(735), h[0].ATC)
}

func BenchmarkTap(b *testing.B) {
	for _, where := range []string{"memory", "directory"} {
		b.Run(where, func(b *testing.B) {
			p := load(b, "visa-plastic")
			fresh := func() *store.Card {
				dir := store.Memory
				if where == "directory" {
					dir = b.TempDir()
				}
				c, err := open(b, dir).Card(p)
				require.NoError(b, err)
				return c
			}
			c, sel, get := fresh(), unhex(selectVisa), unhex(getOptions)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n%0xF000 == 0xEFFF { // before the counter is used up
					b.StopTimer()
					c = fresh()
					b.StartTimer()
				}
				c.Respond(sel)
				c.Respond(get)
			}
		})
	}
}
