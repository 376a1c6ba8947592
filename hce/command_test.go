package hce_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
)

// TestStatusWords sends one command after others that must succeed.
func TestStatusWords(t *testing.T) {
	ready := gpo(ttqPlain, "0978", "00")
	for _, c := range []struct {
		name    string
		before  string // commands, separated by commas
		command string
		want    apdu.Status
	}{
		{"nothing", "", "", 0x6700},
		{"one byte", "", "00", 0x6700},
		{"two bytes", "", "00A4", 0x6700},
		{"three bytes", "", "00A404", 0x6700},
		{"a header only: SELECT without a name", "", "00A40400", 0x6700},
		{"a header only, unknown instruction", "", "00FF0000", 0x6D00},

		{"logical channel 1", "", "01A4040007A000000003101000", 0x6881},
		{"logical channel 4", "", "40A4040007A000000003101000", 0x6881},
		{"logical channel, proprietary", "", "81CA9F3600", 0x6881},
		{"secure messaging", "", "0CA4040007A000000003101000", 0x6882},
		{"secure messaging, proprietary", "", "84CA9F3600", 0x6882},
		{"chaining", "", "10A4040007A000000003101000", 0x6884},
		{"reserved class", "", "20A4040007A000000003101000", 0x6E00},
		{"proprietary class A0 (GSM)", "", "A0A40000023F00", 0x6E00},
		{"proprietary class 90", "", "905A000003010203", 0x6E00},
		{"proprietary class 9C", "", "9CCA9F3600", 0x6E00},
		{"class FF (reader command)", "", "FFCA000000", 0x6E00},
		{"SELECT in the proprietary class", "", "80A4040007A000000003101000", 0x6E00},
		{"GET PROCESSING OPTIONS in the interindustry class", "", "00A8000002830000", 0x6E00},
		{"GENERATE AC, which this kernel does not have", selectVisa, "80AE800000", 0x6D00},
		{"GET CHALLENGE", selectVisa, "0084000000", 0x6D00},
		{"GET RESPONSE: a contactless card never announces data", selectVisa, "00C0000000", 0x6D00},
		{"VERIFY", selectVisa, "0020008008241234FFFFFFFFFF", 0x6D00},

		{"SELECT by file identifier", "", "00A40000023F00", 0x6A86},
		{"SELECT with P2 04", "", "00A4040407A000000003101000", 0x6A86},
		{"SELECT, name of 4 bytes", "", "00A4040004A000000000", 0x6700},
		{"SELECT, name of 17 bytes", "", "00A4040011A00000000310100000000000000000000000", 0x6700},
		{"SELECT, Lc too large", "", "00A4040008A0000000031010", 0x6700},
		{"SELECT, bytes after Le", "", "00A4040007A00000000310100000", 0x6700},
		{"SELECT, an application that is not there", "", "00A4040007A000000004101000", 0x6A82},
		{"SELECT, an AID longer than the card's", "", "00A4040008A00000000310100100", 0x6A82},
		{"SELECT PSE of contact cards", "", "00A404000E315041592E5359532E444446303100", 0x6A82},
		{"SELECT PPSE, next", selectPPSE, "00A404020E325041592E5359532E444446303100", 0x6A82},
		{"SELECT PPSE, beginning of the name", "", "00A404000D325041592E5359532E4444463000", 0x6A82},
		{"SELECT PPSE without Le", "", "00A404000E325041592E5359532E4444463031", 0x9000},
		{"SELECT PPSE, Le as long as the answer", "", "00A404000E325041592E5359532E4444463031FF", 0x9000},
		{"SELECT PPSE, Le shorter than the answer", "", "00A404000E325041592E5359532E444446303119", 0x6700},
		{"SELECT PPSE, extended length", "", "00A4040000000E325041592E5359532E44444630310000", 0x9000},
		{"SELECT by RID", "", "00A4040005A00000000300", 0x9000},
		{"SELECT next without a first", "", "00A4040205A00000000300", 0x6A82},
		{"SELECT next when there is no next", selectVisa, "00A4040207A000000003101000", 0x6A82},
		{"SELECT next of something else", selectVisa, "00A4040205A00000000400", 0x6A82},

		{"GPO before SELECT", "", ready, 0x6985},
		{"GPO after the PPSE", selectPPSE, ready, 0x6985},
		{"GPO twice", selectVisa + "," + ready, ready, 0x6985},
		{"GPO", selectVisa, ready, 0x9000},
		{"GPO without Le", selectVisa, strings.TrimSuffix(ready, "00"), 0x9000},
		{"GPO, Le too short", selectVisa, strings.TrimSuffix(ready, "00") + "10", 0x6700},
		{"GPO, P1", selectVisa, "80A8010002830000", 0x6A86},
		{"GPO, P2", selectVisa, "80A8000102830000", 0x6A86},
		{"GPO without data", selectVisa, "80A8000000", 0x6700},
		{"GPO, data without template", selectVisa, "80A800000412345678 00", 0x6A80},
		{"GPO, length in the template too long (recorded)", selectVisa, "80A8000002830200", 0x6700},
		{"GPO, template too short for the PDOL (recorded)", selectVisa, "80A80000048302000000", 0x6984},
		{"GPO, as for a card without PDOL", selectVisa, "80A8000002830000", 0x6984},
		{"GPO, bytes behind the template", selectVisa, "80A800000383000100", 0x6700},
		{"GPO, reader without EMV mode", selectVisa, gpo(ttqMagStripe, "0978", "00"), 0x6985},

		{"READ RECORD before SELECT", "", "00B2010C00", 0x6985},
		{"READ RECORD", selectVisa, "00B2010C00", 0x9000},
		{"READ RECORD without Le", selectVisa, "00B2010C", 0x9000},
		{"READ RECORD, Le too short", selectVisa, "00B2010C10", 0x6700},
		{"READ RECORD with data", selectVisa, "00B2010C0100", 0x6700},
		{"READ RECORD, by identifier", selectVisa, "00B2010800", 0x6A86},
		{"READ RECORD, record 0", selectVisa, "00B2000C00", 0x6A83},
		{"READ RECORD, past the end", selectVisa, "00B2020C00", 0x6A83},
		{"READ RECORD, file that is not there", selectVisa, "00B2011400", 0x6A82},
		{"READ RECORD, current file", selectVisa, "00B2010400", 0x6A82},
		{"READ RECORD, file 31", selectVisa, "00B201FC00", 0x6A82},

		{"GET DATA before SELECT", "", "80CA9F3600", 0x6985},
		{"GET DATA, ATC", selectVisa, "80CA9F3600", 0x9000},
		{"GET DATA, ATC, Le too short", selectVisa, "80CA9F3604", 0x6700},
		{"GET DATA, last online ATC", selectVisa, "80CA9F1300", 0x9000},
		{"GET DATA, PIN tries", selectVisa, "80CA9F17", 0x9000},
		{"GET DATA, log format", selectVisa, "80CA9F4F00", 0x6A88},
		{"GET DATA, account number", selectVisa, "80CA005A00", 0x6A88},
		{"GET DATA with data", selectVisa, "80CA9F360100", 0x6700},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := newPlastic(t, withRecord)
			for _, b := range strings.Split(c.before, ",") {
				if b != "" {
					sw, _ := send(t, card, b)
					require.Equal(t, apdu.StatusOK, sw)
				}
			}
			atc := card.ATC()
			sw, data := send(t, card, c.command)
			require.Equal(t, c.want, sw)
			require.Equal(t, sw.OK(), len(data) > 0, "data come with 9000 only")
			if !sw.OK() {
				require.Equal(t, atc, card.ATC(), "a command that is wrong moves nothing")
			}
		})
	}
}

// withRecord gives visa-plastic a record of file 1.
func withRecord(p *hce.Profile) {
	p.Records = []hce.Record{{SFI: 1, Number: 1, Tags: []emv.Tag{emv.TagPAN, emv.TagExpirationDate, emv.TagPANSequence}}}
}

func TestRecord(t *testing.T) {
	c := newPlastic(t, withRecord)
	send(t, c, selectVisa)
	_, data := send(t, c, "00B2010C00")
	require.Equal(t, unhex("7014 5A084761739001010119 5F2403491231 5F340101"), data)
	_, data = send(t, c, "80CA9F3600")
	require.Equal(t, unhex("9F36020000"), data)
	_, data = send(t, c, "80CA9F1700")
	require.Equal(t, unhex("9F170103"), data)
}

func TestPhoneRecord(t *testing.T) {
	c := newPhone(t, 5, nil)
	send(t, c, selectVisa)
	_, data := send(t, c, "00B2010C00")
	require.Equal(t, unhex("7038 5F28020276 9F0702C080 9F1906040010030001 9F241D"+
		"5453494D30303030303030303030303030303030303030303030303031 9F25020119"), data)
}

// TestOccurrences walks through the applications that begin alike.
func TestOccurrences(t *testing.T) {
	c := newPlastic(t, func(p *hce.Profile) {
		p.Applications = []hce.Application{
			{AID: unhex("A000000003101001"), Label: "ONE", Priority: 2, Kernel: []byte{3}},
			{AID: unhex("A0000000032010"), Label: "ELECTRON", Priority: 1, Kernel: []byte{3}},
			{AID: unhex("A000000003101002"), Label: "TWO", Priority: 3, Kernel: []byte{3}},
		}
		p.Directory = append(p.Directory, emv.TagKernelIdentifier)
	})
	_, data := send(t, c, selectPPSE)
	require.Equal(t, unhex("6F61 840E325041592E5359532E4444463031 A54F BF0C4C"+
		"6116 4F08A000000003101001 50034F4E45 870102 9F2A0103"+
		"611A 4F07A0000000032010 5008454C454354524F4E 870101 9F2A0103"+
		"6116 4F08A000000003101002 500354574F 870103 9F2A0103"), data)

	name := func(command string) []byte {
		sw, data := send(t, c, command)
		require.Equal(t, apdu.StatusOK, sw)
		v, ok := emv.Find(data, emv.TagFCI, emv.TagDFName)
		require.True(t, ok)
		return v
	}
	require.Equal(t, unhex("A000000003101001"), name("00A4040007A000000003101000"))
	require.Equal(t, unhex("A000000003101002"), name("00A4040207A000000003101000"))
	sw, _ := send(t, c, "00A4040207A000000003101000")
	require.Equal(t, apdu.StatusFileNotFound, sw)
	sw, _ = send(t, c, gpo(ttqPlain, "0978", "00"))
	require.Equal(t, apdu.StatusOK, sw, "the selection stays when there is no next one")
	require.Equal(t, unhex("A000000003101001"), name("00A4040005A00000000300"))
	require.Equal(t, unhex("A0000000032010"), name("00A4040205A00000000300"))
}

// TestAnswersStay: who keeps an answer, keeps it, whatever comes after; and what is
// appended to one leaves the next as it is.
func TestAnswersStay(t *testing.T) {
	c := newPlastic(t, withRecord)
	commands := []string{selectPPSE, selectVisa, "00B2010C00", "80CA9F1700", gpo(ttqPlain, "0978", "00"), "80CA9F3600"}
	var kept, want [][]byte
	for _, command := range append(commands, commands...) {
		answer := c.Respond(unhex(command))
		kept, want = append(kept, answer), append(want, bytes.Clone(answer))
		_ = append(answer, "more than the card said"...)
	}
	require.Equal(t, want, kept)
	for i, same := range []int{0, 1, 2, 3} {
		require.Equal(t, kept[same], kept[len(commands)+i])
	}
}

func TestLocks(t *testing.T) {
	c := newPhone(t, 5, nil)
	c.SetLock(hce.LockHidden)
	for _, command := range []string{selectPPSE, selectVisa} {
		sw, _ := send(t, c, command)
		require.Equal(t, apdu.StatusFileNotFound, sw)
	}
	c.SetLock(hce.LockBlocked)
	sw, fci := send(t, c, selectVisa)
	require.Equal(t, apdu.StatusInvalidated, sw)
	require.NotEmpty(t, fci)
	sw, _ = send(t, c, gpo(ttqPlain, "0978", "00"))
	require.Equal(t, apdu.StatusConditions, sw)
	tap, ok := c.Last()
	require.True(t, ok)
	require.Equal(t, hce.ReasonBlocked, tap.Reason)
	require.Zero(t, c.ATC())
	c.SetLock(hce.LockNone)
	sw, _ = send(t, c, gpo(ttqPlain, "0978", "00"))
	require.Equal(t, apdu.StatusOK, sw)
}

func TestDeactivatedDropsTheSelection(t *testing.T) {
	c := newPhone(t, 5, nil)
	c.Verified(now.Add(time.Minute))
	send(t, c, selectVisa)
	c.Deactivated(hce.LinkLoss)
	sw, _ := send(t, c, gpo(ttqPlain, "0978", "00"))
	require.Equal(t, apdu.StatusConditions, sw)
	require.True(t, c.State().VerifiedUntil.After(now), "the customer verifies between two taps")
}

func TestCounterEnds(t *testing.T) {
	c := newPlastic(t, nil)
	s := c.State()
	s.ATC = 0xFFFD
	require.NoError(t, c.Restore(s))
	for i, want := range []apdu.Status{apdu.StatusOK, apdu.StatusConditions, apdu.StatusConditions, apdu.StatusConditions} {
		send(t, c, selectVisa)
		sw, _ := send(t, c, gpo(ttqPlain, "0978", "00"))
		require.Equal(t, want, sw, "tap %d", i)
	}
	require.Equal(t, uint16(0xFFFF), c.ATC())
	tap, _ := c.Last()
	require.Equal(t, hce.ReasonATC, tap.Reason)
}

func TestKeysRunOut(t *testing.T) {
	c := newPhone(t, 2, nil)
	require.Equal(t, 4, c.Remaining(now))
	for i, wantIndex := range []int{1, 1, 2, 2} {
		send(t, c, selectVisa)
		_, data := send(t, c, gpo(ttqPlain, "0978", "00"))
		iad, _ := emv.Find(data, emv.TagResponseFormat2, emv.TagIAD)
		index, err := cryptogram.KeyIndexOf(iad)
		require.NoError(t, err)
		require.Equal(t, wantIndex, index.Counter, "tap %d", i)
	}
	send(t, c, selectVisa)
	sw, _ := send(t, c, gpo(ttqPlain, "0978", "00"))
	require.Equal(t, apdu.StatusConditions, sw)
	tap, _ := c.Last()
	require.Equal(t, hce.ReasonNoKeys, tap.Reason)
	require.Equal(t, uint16(4), c.ATC(), "no key, no counter value")

	require.NoError(t, c.AddKeys(limitedUse(t, 3, 1, now)))
	require.Equal(t, 1, c.Remaining(now), "a key is good until its last instant")
	require.ErrorContains(t, c.AddKeys(limitedUse(t, 3, 1, now)), "two keys have index")
	sw, _ = send(t, c, gpo(ttqPlain, "0978", "00"))
	require.Equal(t, apdu.StatusOK, sw)
}

func TestKeysExpire(t *testing.T) {
	p := load(t, "visa-phone")
	c, err := hce.New(p, env(limitedUse(t, 1, 5, now.Add(-time.Second))))
	require.NoError(t, err)
	send(t, c, selectVisa)
	sw, _ := send(t, c, gpo(ttqPlain, "0978", "00"))
	require.Equal(t, apdu.StatusConditions, sw)
	tap, _ := c.Last()
	require.Equal(t, hce.ReasonKeysExpired, tap.Reason)
	require.Zero(t, c.Remaining(now))
}

func TestNewRefuses(t *testing.T) {
	p := load(t, "visa-plastic")
	good := env(hce.CardKey(p.CardKey)...)
	e := good
	e.Now = nil
	_, err := hce.New(p, e)
	require.ErrorContains(t, err, "clock")
	e = good
	e.Rand = nil
	_, err = hce.New(p, e)
	require.ErrorContains(t, err, "randomness")
	_, err = hce.New(p, env())
	require.ErrorContains(t, err, "one card key, not 0")
	_, err = hce.New(p, env(hce.Key{Uses: hce.Unlimited}))
	require.ErrorContains(t, err, "missing")
	aes, err := cryptogram.NewKey(cryptogram.AES, make([]byte, 16))
	require.NoError(t, err)
	_, err = hce.New(p, env(hce.CardKey(aes)...))
	require.ErrorContains(t, err, "double-length 3DES")
}

func TestTearAndResume(t *testing.T) {
	script := []string{selectPPSE, selectVisa, "80CA9F3600", gpo(ttqCVM, "0978", "00"), "00B2010C00", selectVisa, gpo(ttqPlain, "0978", "00"), "80CA9F3600"}
	for _, make := range []func() *hce.Card{
		func() *hce.Card { return newPlastic(t, withRecord) },
		func() *hce.Card { c := newPhone(t, 1, nil); c.Verified(now.Add(time.Hour)); return c },
	} {
		var want [][]byte
		straight := make()
		for _, command := range script {
			want = append(want, straight.Respond(unhex(command)))
		}
		for n := range script {
			c := make()
			for i := range n {
				c.Respond(unhex(script[i]))
			}
			kept := c.State()
			c.Respond(unhex(script[n])) // the answer is lost
			c.Deactivated(hce.LinkLoss)
			require.NoError(t, c.Restore(kept))
			other := make() // and a card that was never there goes on as well
			require.NoError(t, other.Restore(kept))
			for i := n; i < len(script); i++ {
				require.Equal(t, want[i], c.Respond(unhex(script[i])), "torn at exchange %d, differs at %d", n, i)
				require.Equal(t, want[i], other.Respond(unhex(script[i])), "resumed at exchange %d, differs at %d", n, i)
			}
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	c := newPlastic(t, nil)
	s := c.State()
	s.Selected = 2
	require.ErrorContains(t, c.Restore(s), "application 2 of 1")
	s = c.State()
	s.Lock = 9
	require.ErrorContains(t, c.Restore(s), "lock 9")
	s = c.State()
	s.Keys = nil
	require.ErrorContains(t, c.Restore(s), "one card key")
}
