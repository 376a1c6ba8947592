package hce_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/hce"
)

// TestMChipStatusWords sends one command after others that must succeed.
func TestMChipStatusWords(t *testing.T) {
	const (
		plastic, offline, phone, stripe = "mastercard-plastic", "mastercard-plastic-offline", "mastercard-phone", "mastercard-plastic-magstripe"
		ready                           = selectMC + "," + gpoPlastic
		relay                           = "80EA00000411223344 00"
		checksum                        = "802A8E8004 00000899 00"
		recovery                        = "80D00000041A2B3C4D 00"
		phoneChecksum                   = "802A8E800F 00000899 00 000000001250 0978 0276 00"
	)
	ac := genAC(askARQC|withCDA, purchase().cdol(false))
	for _, c := range []struct {
		name, card, before, command string
		want                        apdu.Status
	}{
		{"GPO before SELECT", plastic, "", gpoPlastic, 0x6985},
		{"GPO twice", plastic, ready, gpoPlastic, 0x6985},
		{"GPO", plastic, selectMC, gpoPlastic, 0x9000},
		{"GPO without Le", plastic, selectMC, "80A80000028300", 0x9000},
		{"GPO, Le too short", plastic, selectMC, "80A800000283000A", 0x6700},
		{"GPO, P1", plastic, selectMC, "80A8010002830000", 0x6A86},
		{"GPO without data", plastic, selectMC, "80A8000000", 0x6700},
		{"GPO, another template", plastic, selectMC, "80A8000002850000", 0x6A80},
		{"GPO, data that no PDOL asks for", plastic, selectMC, "80A800000383010000", 0x6700},
		{"GPO, a phone's PDOL", phone, selectMC, gpoPhone, 0x9000},
		{"GPO, a phone's PDOL empty", phone, selectMC, gpoPlastic, 0x6700},
		{"GPO, a phone's PDOL cut", phone, selectMC, "80A800000C830A0000000000000000027600", 0x6700},

		{"GENERATE AC before SELECT", plastic, "", ac, 0x6985},
		{"GENERATE AC before GPO", plastic, selectMC, ac, 0x6985},
		{"GENERATE AC", plastic, ready, ac, 0x9000},
		{"GENERATE AC twice", plastic, ready + "," + ac, ac, 0x6985},
		{"GENERATE AC after SELECT again", plastic, ready + "," + selectMC, ac, 0x6985},
		{"GENERATE AC without data", plastic, ready, "80AE800000", 0x6700},
		{"GENERATE AC, Lc only", plastic, ready, "80AE8000", 0x6700},
		{"GENERATE AC, a byte too few", plastic, ready, genAC(askARQC, purchase().cdol(false)[1:]), 0x6700},
		{"GENERATE AC, a byte too many", plastic, ready, genAC(askARQC, append(purchase().cdol(false), 0)), 0x6700},
		{"GENERATE AC, a phone's data for plastic", plastic, ready, genAC(askARQC, purchase().cdol(true)), 0x6700},
		{"GENERATE AC, plastic's data for a phone (recorded)", phone, selectMC + "," + gpoPhone, ac, 0x6700},
		{"GENERATE AC, Le too short", plastic, ready, strings.TrimSuffix(ac, "00") + "20", 0x6700},
		{"GENERATE AC, P1 of no cryptogram", plastic, ready, genAC(0xC0, purchase().cdol(false)), 0x6A86},
		{"GENERATE AC, P1 with a reserved bit", plastic, ready, genAC(0x81, purchase().cdol(false)), 0x6A86},
		{"GENERATE AC, P1 with XDA", plastic, ready, genAC(0x88, purchase().cdol(false)), 0x6A86},
		{"GENERATE AC, P2", plastic, ready, "80AE9001" + ac[8:], 0x6A86},
		{"GENERATE AC in the interindustry class", plastic, ready, "00AE" + ac[4:], 0x6E00},
		{"GENERATE AC, a card without EMV mode", stripe, ready, ac, 0x6D00},
		{"EXTERNAL AUTHENTICATE", plastic, ready, "008200000A00112233445566778899", 0x6D00},
		{"INTERNAL AUTHENTICATE", plastic, ready, "00880000041122334400", 0x6D00},

		{"COMPUTE CRYPTOGRAPHIC CHECKSUM before GPO", plastic, selectMC, checksum, 0x6985},
		{"COMPUTE CRYPTOGRAPHIC CHECKSUM", plastic, ready, checksum, 0x9000},
		{"the same on a card of that mode alone", stripe, ready, checksum, 0x9000},
		{"COMPUTE CRYPTOGRAPHIC CHECKSUM twice", stripe, ready + "," + checksum, checksum, 0x6985},
		{"GENERATE AC after it", plastic, ready + "," + checksum, ac, 0x6985},
		{"COMPUTE CRYPTOGRAPHIC CHECKSUM after GENERATE AC", plastic, ready + "," + ac, checksum, 0x6985},
		{"COMPUTE CRYPTOGRAPHIC CHECKSUM, P1", plastic, ready, "802A8E0004 00000899 00", 0x6A86},
		{"COMPUTE CRYPTOGRAPHIC CHECKSUM, no data", plastic, ready, "802A8E8000", 0x6700},
		{"COMPUTE CRYPTOGRAPHIC CHECKSUM, data cut", plastic, ready, "802A8E8003 000899 00", 0x6700},
		{"COMPUTE CRYPTOGRAPHIC CHECKSUM, Le too short", plastic, ready, "802A8E8004 00000899 05", 0x6700},
		{"COMPUTE CRYPTOGRAPHIC CHECKSUM, a phone's UDOL", phone, selectMC + "," + gpoPhone, phoneChecksum, 0x9000},
		{"COMPUTE CRYPTOGRAPHIC CHECKSUM, a phone without its UDOL", phone, selectMC + "," + gpoPhone, checksum, 0x6700},

		{"EXCHANGE RELAY RESISTANCE DATA before GPO", offline, selectMC, relay, 0x6985},
		{"EXCHANGE RELAY RESISTANCE DATA", offline, ready, relay, 0x9000},
		{"the third", offline, ready + "," + relay + "," + relay, relay, 0x9000},
		{"the fourth", offline, ready + "," + relay + "," + relay + "," + relay, relay, 0x6985},
		{"EXCHANGE RELAY RESISTANCE DATA after GENERATE AC", offline, ready + "," + ac, relay, 0x6985},
		{"EXCHANGE RELAY RESISTANCE DATA, P2", offline, ready, "80EA0001041122334400", 0x6A86},
		{"EXCHANGE RELAY RESISTANCE DATA, 3 bytes", offline, ready, "80EA00000311223300", 0x6700},
		{"EXCHANGE RELAY RESISTANCE DATA, Le too short", offline, ready, "80EA0000041122334408", 0x6700},
		{"EXCHANGE RELAY RESISTANCE DATA, a card without", plastic, ready, relay, 0x6D00},

		{"RECOVER AC before GPO", plastic, selectMC, recovery, 0x6985},
		{"RECOVER AC, nothing to recover", plastic, ready, recovery, 0x6985},
		{"RECOVER AC in the transaction itself", plastic, ready + "," + ac, recovery, 0x6985},
		{"RECOVER AC in the next", plastic, ready + "," + ac + "," + ready, recovery, 0x9000},
		{"RECOVER AC, another number", plastic, ready + "," + ac + "," + ready, "80D00000041A2B3C4E00", 0x6985},
		{"RECOVER AC, P1", plastic, ready + "," + ac + "," + ready, "80D00100041A2B3C4D00", 0x6A86},
		{"RECOVER AC, 3 bytes", plastic, ready + "," + ac + "," + ready, "80D00000031A2B3C00", 0x6700},
		{"RECOVER AC, Le too short", plastic, ready + "," + ac + "," + ready, "80D00000041A2B3C4D20", 0x6700},
		{"RECOVER AC twice in one tap", plastic, ready + "," + ac + "," + ready + "," + recovery, recovery, 0x6985},
		{"GENERATE AC after it", plastic, ready + "," + ac + "," + ready + "," + recovery, ac, 0x6985},
		{"RECOVER AC over two taps", plastic, ready + "," + ac + "," + ready + "," + ready, recovery, 0x9000},
		{"RECOVER AC after a code of mag-stripe mode", plastic, ready + "," + ac + "," + ready + "," + checksum + "," + ready, recovery, 0x6985},
		{"RECOVER AC, a phone", phone, selectMC + "," + gpoPhone, recovery, 0x6D00},

		{"GET DATA, balance", offline, selectMC, "80CA9F5000", 0x9000},
		{"GET DATA, balance of a card that counts nothing", plastic, selectMC, "80CA9F5000", 0x6A88},
		{"GET DATA, ATC", plastic, selectMC, "80CA9F3600", 0x9000},
		{"GET DATA, PIN tries", plastic, selectMC, "80CA9F1700", 0x9000},
		{"PUT DATA", plastic, ready, "80DA9F7000", 0x6D00},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := builtIn(t, c.card, nil)
			for _, b := range strings.Split(c.before, ",") {
				if b != "" {
					sw, _ := send(t, card, b)
					require.Equal(t, apdu.StatusOK, sw)
				}
			}
			before := card.State()
			sw, data := send(t, card, c.command)
			require.Equal(t, c.want, sw)
			require.Equal(t, sw.OK(), len(data) > 0, "data come with 9000 only")
			if !sw.OK() {
				require.Equal(t, before, card.State(), "a command that is wrong moves nothing")
			}
		})
	}
}

// TestPhoneKeyOfCounter: CVN 14 hex with the session key of the
// counter in place of the card key. The numbers are of a worked case that a
// second implementation agrees with.
func TestPhoneKeyOfCounter(t *testing.T) {
	card, err := cryptogram.NewKey(cryptogram.TDES, unhex("6B4A6B1CFBB6EC68F78516D691C24ABA"))
	require.NoError(t, err)
	k, err := cryptogram.SingleUseKey(card, emv.SchemeMastercard, 2)
	require.NoError(t, err)
	p := load(t, "mastercard-phone")
	p.MChip.Country = [2]byte{0x08, 0x40}
	authenticate(t, &p)
	e := env(hce.Key{Key: k, ATC: 2, Uses: 1})
	c, err := hce.New(p, e)
	require.NoError(t, err)
	c.Verified(now.Add(time.Minute))
	begin(t, c, true)
	require.Equal(t, uint16(2), c.ATC(), "the counter goes to that of the next key")
	_, answer := send(t, c, "80AE80004C 000000001500 000000000000 0840 0000008001 0840 260115 00 1A2B3C4D"+strings.Repeat("00", 47)+"00")
	require.Equal(t, unhex("A50003020000"), find(t, answer, emv.TagIAD)[2:8])
	require.Equal(t, unhex("09897F71923DAC38"), find(t, answer, emv.TagCryptogram))
}

// TestSingleUseKeys: each key serves its own counter, once; what is skipped or
// expired is gone.
func TestSingleUseKeys(t *testing.T) {
	p := load(t, "mastercard-phone")
	authenticate(t, &p)
	keys := singleUse(t, &p, 5, 4)
	keys[1].NotAfter = now.Add(-time.Second)
	c, err := hce.New(p, env(keys...))
	require.NoError(t, err)
	require.Equal(t, 3, c.Remaining(now))
	require.Equal(t, uint16(8), c.Held())
	tap := func() (apdu.Status, []byte) {
		send(t, c, selectMC)
		if sw, _ := send(t, c, gpoPhone); !sw.OK() {
			return sw, nil
		}
		return send(t, c, genAC(askARQC, purchase().cdol(true)))
	}
	issuer := mastercardKey(t, p.Account.PAN, p.Account.PSN)
	for _, want := range []uint16{5, 7, 8} {
		sw, answer := tap()
		require.Equal(t, apdu.StatusOK, sw)
		require.Equal(t, []byte{0, byte(want)}, find(t, answer, emv.TagATC))
		e := cryptogram.Elements{
			Amount: [6]byte(unhex("000000001250")), TerminalCountry: [2]byte{2, 0x76}, Currency: [2]byte{9, 0x78}, Date: [3]byte(unhex("300101")),
			UnpredictableNumber: [4]byte(unhex("1A2B3C4D")), AIP: p.MChip.AIP, ATC: want, IAD: find(t, answer, emv.TagIAD),
		}
		r, err := cryptogram.RecipeFor(emv.SchemeMastercard, e.IAD)
		require.NoError(t, err)
		require.Equal(t, "Mastercard CVN 14", r.Name)
		ac, err := r.Generate(issuer, &e) // as for any card
		require.NoError(t, err)
		require.Equal(t, ac[:], find(t, answer, emv.TagCryptogram))
	}
	sw, _ := tap()
	require.Equal(t, apdu.StatusConditions, sw)
	last, _ := c.Last()
	require.Equal(t, hce.ReasonNoKeys, last.Reason)
	require.Equal(t, uint16(8), c.ATC(), "a card without keys burns no counter value")

	require.NoError(t, c.AddKeys(singleUse(t, &p, 9, 2)...))
	require.Equal(t, 2, c.Remaining(now))
	send(t, c, selectMC)
	send(t, c, gpoPhone) // a tap without cryptogram burns value and key
	require.Equal(t, 1, c.Remaining(now))
	require.NoError(t, c.AddKeys(singleUse(t, &p, 11, 1)...))
	sw, answer := send(t, c, genAC(askARQC, purchase().cdol(true)))
	require.Equal(t, apdu.StatusOK, sw, "replenishment during a tap leaves its key")
	require.Equal(t, []byte{0, 9}, find(t, answer, emv.TagATC))

	require.ErrorContains(t, c.AddKeys(singleUse(t, &p, 10, 1)...), "order of their counters")
	twice := singleUse(t, &p, 20, 1)
	twice[0].Uses = 2
	require.ErrorContains(t, c.AddKeys(twice...), "2 uses")
	_, err = hce.New(load(t, "visa-phone"), env(keys...))
	require.ErrorContains(t, err, "index")
}

// TestCDA reads everything that a terminal would and believes the card as far
// as the test CA is believed, also with relay resistance data in the signature;
// a changed byte anywhere ends that.
func TestCDA(t *testing.T) {
	for _, name := range []string{"mastercard-plastic", "mastercard-plastic-offline", "mastercard-phone"} {
		t.Run(name, func(t *testing.T) {
			phone := name == "mastercard-phone"
			c := builtIn(t, name, nil)
			begin(t, c, phone)
			icc := chainOf(t, c, name)
			var more []byte
			if name == "mastercard-plastic-offline" {
				send(t, c, "80EA000004FFFFFFFF00")
				_, relay := send(t, c, "80EA0000041A2B3C4D00")
				require.Equal(t, unhex("800A C5C5C5C5 0014 0032 0018"), relay)
				more = append(unhex("1A2B3C4D"), relay[2:]...)
			}
			values := purchase().cdol(phone)
			_, answer := send(t, c, genAC(askARQC|withCDA, values))
			content, _ := emv.Find(answer, emv.TagResponseFormat2)
			outside, err := oda.WithoutSignature(content)
			require.NoError(t, err)
			data := oda.CDAData{UnpredictableNumber: unhex("1A2B3C4D"), CDOL1: values, Response: outside}
			if phone {
				data.PDOL = unhex("0000000000000000027622")
			}
			signed, err := oda.VerifyCDA(icc, find(t, answer, emv.TagSDAD), data)
			require.NoError(t, err)
			require.Equal(t, unhex("C5C5C5C5C5C5C5C5"), signed.DynamicNumber)
			require.Equal(t, byte(emv.ARQC), signed.CID)
			require.Equal(t, more, append([]byte(nil), signed.More...))
			for i := range outside {
				changed := append([]byte(nil), outside...)
				changed[i] ^= 1
				data.Response = changed
				_, err := oda.VerifyCDA(icc, find(t, answer, emv.TagSDAD), data)
				require.Error(t, err)
			}
		})
	}
}

// chainOf reads the records that the AFL names and recovers the card's key.
func chainOf(t *testing.T, c *hce.Card, name string) *oda.Key {
	t.Helper()
	p := load(t, name)
	afl, err := emv.ParseAFL(p.MChip.AFL)
	require.NoError(t, err)
	var data emv.List
	read := func(sfi, number byte) ([]byte, bool) {
		r, err := apdu.ParseResponse(c.Respond([]byte{0, 0xB2, number, sfi<<3 | 4, 0}))
		require.NoError(t, err)
		require.Equal(t, apdu.StatusOK, r.Status)
		content, ok := emv.Find(r.Data, emv.TagRecord)
		require.True(t, ok)
		for s := emv.Scan(content); s.Next(); {
			data.Set(s.Tag(), s.Value())
		}
		return r.Data, true
	}
	for _, e := range afl {
		for n := e.First; n <= e.Last; n++ {
			read(e.SFI, n)
		}
	}
	tagList, _ := data.Lookup(emv.TagSDATagList)
	static, err := oda.StaticData(afl, read, tagList, p.MChip.AIP[:])
	require.NoError(t, err)
	rid, err := testca.RID(emv.SchemeMastercard)
	require.NoError(t, err)
	card := oda.Card{RID: rid, PAN: string(p.Account.PAN), Data: data, Static: static, Today: emv.DateOf(now)}
	issuer, err := card.IssuerKey(testca.CAKeys())
	require.NoError(t, err)
	icc, err := card.ICCKey(issuer)
	require.NoError(t, err)
	return icc
}

// TestPublishedCVC3: the track and the code of a published test
// (cvv_cvc3_dcvv-023 in testdata/vectors).
func TestPublishedCVC3(t *testing.T) {
	c := builtIn(t, "mastercard-plastic-magstripe", func(p *hce.Profile) {
		imk, err := cryptogram.NewKey(cryptogram.TDES, unhex("01234567899876543210012345678998"))
		require.NoError(t, err)
		p.MChip.MagStripe.Key, err = cryptogram.DeriveCardKey(imk, cryptogram.OptionA, "5123456789012345", "00")
		require.NoError(t, err)
	})
	c.SetTrack2(unhex("5123456789012345D35121010000000000000F"))
	s := c.State()
	s.ATC = 0x5D
	require.NoError(t, c.Restore(s))
	begin(t, c, false)
	_, answer := send(t, c, "802A8E8004 00000899 00")
	require.Equal(t, unhex("005E"), find(t, answer, emv.TagATC))
	require.Equal(t, unhex("7330"), find(t, answer, emv.TagCVC3Track2)) // 29488
}

// TestMagStripe: records and answers of mag-stripe mode, and a phone that wants
// its owner.
func TestMagStripe(t *testing.T) {
	c := builtIn(t, "mastercard-plastic-magstripe", nil)
	send(t, c, selectMC)
	_, options := send(t, c, gpoPlastic)
	require.Equal(t, unhex("770A 82020000 940408010100"), options)
	_, record := send(t, c, recordOfMag)
	require.Equal(t, unhex("7075 9F6C020001 9F6206000000038000 9F6306000000E07000"+
		"5634"+hexOf([]byte("B5413339001000027^ /^4912201000000000000000000000000"))+
		"9F640103 9F6502000E 9F66020E70 9F6B135413339001000027D49122010000000000000F 9F670103"), record)

	phone := builtIn(t, "mastercard-phone", nil)
	ask := func(mobile string) []byte {
		begin(t, phone, true)
		_, answer := send(t, phone, "802A8E800F 00000899"+mobile+"000000001250 0978 0276 00")
		return answer
	}
	answer := ask("01")
	require.Equal(t, unhex("000000"), find(t, answer, emv.TagPOSCII))
	require.Len(t, find(t, answer, emv.TagCVC3Track1), 2)
	answer = ask("03")
	require.Equal(t, unhex("770B 9F36020002 DF4B03000100"), answer, "no code, come again")
	tap, _ := phone.Last()
	require.Equal(t, hce.ReasonNotVerified, tap.Reason)
	phone.Verified(now.Add(time.Minute))
	answer = ask("03")
	require.Equal(t, unhex("001000"), find(t, answer, emv.TagPOSCII))
	require.Len(t, find(t, answer, emv.TagCVC3Track2), 2)
	require.True(t, phone.State().VerifiedUntil.IsZero())
}

// TestTorn: the answer to GENERATE AC gets lost; the next tap gets it again, as
// often as it gets lost, from a state that was copied in between. A tap that
// does not ask makes a new cryptogram, and the old one is gone.
func TestTorn(t *testing.T) {
	c := builtIn(t, "mastercard-plastic-offline", nil)
	begin(t, c, false)
	command := genAC(askTC|withCDA, purchase().cdol(false))
	_, lost := send(t, c, command)
	torn := c.State()
	for i := range 3 {
		c.Deactivated(hce.LinkLoss)
		begin(t, c, false)
		sw, again := send(t, c, "80D0000004 1A2B3C4D 00")
		require.Equal(t, apdu.StatusOK, sw)
		require.Equal(t, lost, again, "try %d", i+1)
		require.Equal(t, byte(1), c.State().Offline.Count, "counted once")
		tap, _ := c.Last()
		require.Equal(t, hce.ReasonRecovered, tap.Reason)
	}
	require.NoError(t, c.Restore(torn))
	begin(t, c, false)
	other := purchase()
	other.un = "99999999"
	_, fresh := send(t, c, genAC(askTC|withCDA, other.cdol(false)))
	require.NotEqual(t, lost, fresh)
	require.Equal(t, byte(2), c.State().Offline.Count)
	begin(t, c, false)
	sw, _ := send(t, c, "80D0000004 1A2B3C4D 00")
	require.Equal(t, apdu.StatusConditions, sw)
	sw, again := send(t, c, "80D0000004 99999999 00")
	require.Equal(t, apdu.StatusOK, sw)
	require.Equal(t, fresh, again)
}

// TestMChipLocks: a locked card, also between two commands.
func TestMChipLocks(t *testing.T) {
	c := builtIn(t, "mastercard-plastic", nil)
	begin(t, c, false)
	c.SetLock(hce.LockBlocked)
	sw, _ := send(t, c, genAC(askARQC, purchase().cdol(false)))
	require.Equal(t, apdu.StatusConditions, sw)
	sw, _ = send(t, c, selectMC)
	require.Equal(t, apdu.StatusInvalidated, sw)
	sw, _ = send(t, c, gpoPlastic)
	require.Equal(t, apdu.StatusConditions, sw)
	tap, _ := c.Last()
	require.Equal(t, hce.ReasonBlocked, tap.Reason)
	require.Equal(t, uint16(1), c.ATC())
}

// TestMChipCounterEnds: the last value makes no cryptogram.
func TestMChipCounterEnds(t *testing.T) {
	c := builtIn(t, "mastercard-plastic", nil)
	s := c.State()
	s.ATC = 0xFFFE
	require.NoError(t, c.Restore(s))
	for range 2 {
		send(t, c, selectMC)
		sw, _ := send(t, c, gpoPlastic)
		require.Equal(t, apdu.StatusConditions, sw)
		require.Equal(t, uint16(0xFFFF), c.ATC())
	}
}

// dead is randomness and a signer that do not work.
type dead struct{}

func (dead) Read([]byte) (int, error)    { return 0, io.ErrUnexpectedEOF }
func (dead) Len() int                    { return 128 }
func (dead) Sign([]byte) ([]byte, error) { return nil, errors.New("broken") }

// TestMChipFaults: what works inside the card only ends in 6F00, and nothing
// moved.
func TestMChipFaults(t *testing.T) {
	p := load(t, "mastercard-plastic-offline")
	authenticate(t, &p)
	signer := p.Authentication.Signer
	for name, c := range map[string]struct {
		signer  oda.Signer
		rand    io.Reader
		command string
	}{
		"no randomness for a signature": {signer, dead{}, genAC(askTC|withCDA, purchase().cdol(false))},
		"no signature":                  {dead{}, constant(1), genAC(askTC|withCDA, purchase().cdol(false))},
		"no randomness for relay data":  {signer, dead{}, "80EA0000041A2B3C4D00"},
	} {
		t.Run(name, func(t *testing.T) {
			p.Authentication.Signer = c.signer
			e := env(hce.CardKey(p.CardKey)...)
			e.Rand = c.rand
			card, err := hce.New(p, e)
			require.NoError(t, err)
			begin(t, card, false)
			before := card.State()
			sw, _ := send(t, card, c.command)
			require.Equal(t, apdu.StatusUnknown, sw)
			require.Equal(t, before, card.State())
			tap, _ := card.Last()
			require.Equal(t, hce.ReasonFault, tap.Reason)
		})
	}
}

// TestRevision changes with everything that must outlive the program.
func TestRevision(t *testing.T) {
	c := builtIn(t, "mastercard-plastic-offline", nil)
	last := c.Revision()
	step := func(command string, changes bool) {
		t.Helper()
		sw, _ := send(t, c, command)
		require.Equal(t, apdu.StatusOK, sw)
		require.Equal(t, changes, c.Revision() != last)
		last = c.Revision()
	}
	step(selectMC, false)
	step(gpoPlastic, true)
	step("00B2011400", false)
	step("80EA0000041A2B3C4D00", false)
	step(genAC(askTC, purchase().cdol(false)), true)
	step("80CA9F3600", false)
	step(selectMC, false)
	step(gpoPlastic, true)
	step("80D0000004 1A2B3C4D 00", true)
}

func TestNotAuthenticated(t *testing.T) {
	p := load(t, "mastercard-plastic")
	_, err := hce.New(p, env(hce.CardKey(p.CardKey)...))
	require.ErrorIs(t, err, hce.ErrNotAuthenticated)
}
