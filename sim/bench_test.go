package sim

import (
	"cmp"
	"context"
	"crypto/cipher"
	"crypto/des"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/hce/profile"
	"tapsim/reader"
	"tapsim/terminal"
	termconfig "tapsim/terminal/config"
	"tapsim/terminal/kernel"
)

// benchField is a field with one card that is always there.
type benchField struct{ air reader.Field }

func (f *benchField) Activate(context.Context) (apdu.Transceiver, error) { return &f.air, nil }
func (f *benchField) Off(context.Context, time.Duration) error           { return nil }

// zeroes is a source of unpredictable numbers that costs nothing.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// BenchmarkTap is a whole tap in memory, card and terminal, with nobody
// looking: PPSE, SELECT, GET PROCESSING OPTIONS and records, to the kernel's
// outcome. It reports its crypto floor (floor-ns) and the ratio to it (x-floor).
func BenchmarkTap(b *testing.B) {
	for _, t := range []benchmarkedTap{
		{name: "kernel-3-online", card: "visa-plastic", floor: floorCVN18},
		{name: "kernel-3-online-phone", card: "visa-phone", floor: floorLimitedUse},
		{name: "kernel-3-fdda", card: "visa-plastic-offline", terminal: "unattended", amount: 1, approves: true, signed: true, floor: floorSignature},
		{name: "kernel-2-online", card: "mastercard-plastic-nocda", floor: floorCVN18},
		{name: "kernel-2-cda", card: "mastercard-plastic", signed: true, floor: floorSignature},
		{name: "kernel-7-online", card: "unionpay-plastic", floor: floorPBOC},
		{name: "kernel-7-ecash", card: "unionpay-plastic-ecash", terminal: "unattended", amount: 1, approves: true, signed: true, floor: floorSignature},
	} {
		b.Run(t.name, t.run)
	}
}

// benchmarkedTap is a card at a terminal. Its zero values are an online request
// of 12.50 at the attended terminal.
type benchmarkedTap struct {
	name, card, terminal string
	amount               int64
	approves             bool // offline
	signed               bool // with RSA, which takes long
	floor                func(b *testing.B, card string) func()
}

// round is how many taps are measured before the floor gets its turn: long
// enough to hold garbage collections, short enough that load on the machine
// strikes both.
const round = 4096

// run lets taps and floors take turns in the same seconds. It reports medians
// over the rounds, as ns/op too, and the median of their ratio.
func (t benchmarkedTap) run(b *testing.B) {
	round, kind, floor := round, kernel.OnlineRequest, t.floor(b, t.card)
	if t.approves {
		kind = kernel.Approved
	}
	if t.signed {
		round /= 64
	}
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	card := benchCard(b, t.card, clock)
	start := card.State()
	config, err := termconfig.Load(cmp.Or(t.terminal, "attended"))
	require.NoError(b, err)
	term, err := terminal.New(config.Config, kernels(NewClock(now), testca.CAKeys()), terminal.Env{Now: clock, Rand: zeroes{}})
	require.NoError(b, err)
	f := &benchField{}
	f.air.Insert(card)
	ctx, request := context.Background(), terminal.Request{Amount: cmp.Or(t.amount, 1250)}
	taps, floors, ratios := make([]float64, 0, 1<<12), make([]float64, 0, 1<<12), make([]float64, 0, 1<<12)
	b.ReportAllocs()
	n, since := 0, time.Now()
	for b.Loop() {
		tap, err := term.Tap(ctx, f, request)
		if err != nil || tap.Outcome.Kind != kind {
			b.Fatal(tap.Outcome.Kind, tap.Outcome.Reason.Text, err)
		}
		if n++; n < round {
			continue
		}
		perTap := float64(time.Since(since)) / float64(round)
		b.StopTimer()
		since = time.Now()
		for range round {
			floor()
		}
		perFloor := float64(time.Since(since)) / float64(round)
		taps, floors, ratios = append(taps, perTap), append(floors, perFloor), append(ratios, perTap/perFloor)
		require.NoError(b, card.Restore(start)) // the counter ends at FFFF
		b.StartTimer()
		n, since = 0, time.Now()
	}
	if len(ratios) == 0 {
		return // one run only, to see that it works
	}
	b.ReportMetric(median(taps), "ns/op")
	b.ReportMetric(median(floors), "floor-ns")
	b.ReportMetric(median(ratios), "x-floor")
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func benchCard(b *testing.B, name string, clock func() time.Time) *hce.Card {
	p, err := profile.Load(name)
	require.NoError(b, err)
	require.NoError(b, authenticate(&p))
	if p.QVSDC != nil && p.QVSDC.Counters != nil { // a round without the issuer
		p.QVSDC.Counters.LowerCount, p.QVSDC.Counters.UpperCount = 0xFF, 0xFF
	}
	keys := hce.CardKey(p.CardKey)
	if p.CardKey == nil {
		key, err := cryptogram.NewKey(cryptogram.TDES, []byte("a limited-use k!"))
		require.NoError(b, err)
		keys = []hce.Key{{Key: key, Index: cryptogram.KeyIndex{Year: 0, Hour: 1, Counter: 0}, Uses: hce.Unlimited}}
	}
	card, err := hce.New(p, hce.Env{Now: clock, Rand: zeroes{}, Keys: keys})
	require.NoError(b, err)
	return card
}

// The floors are the bare block operations and key schedules that one
// cryptogram cannot avoid, on ciphers of the standard library: what a card with
// nothing around it would cost.

// floorCVN18 is two 3DES blocks for the session key, its two key schedules, and
// a retail MAC over six blocks (33 bytes of elements, 7 of issuer application
// data, padding).
func floorCVN18(*testing.B, string) func() { return floorSession(6) }

// floorLimitedUse is a retail MAC over nine blocks (33 bytes of elements, 32 of
// issuer application data, padding) with schedules that are kept.
func floorLimitedUse(*testing.B, string) func() {
	k, block := floorKey()
	return func() {
		for range 9 + 2 {
			k.Encrypt(block, block)
		}
	}
}

// floorPBOC is what floorCVN18 is, with a MAC over five blocks (33 bytes of
// elements, 4 of card verification results, padding).
func floorPBOC(*testing.B, string) func() { return floorSession(5) }

// floorSession is a session key and a retail MAC over some blocks under it.
func floorSession(blocks int) func() {
	k, block := floorKey()
	return func() {
		for range 2 * 3 {
			k.Encrypt(block, block)
		}
		left, _ := des.NewCipher(block)
		right, _ := des.NewCipher(block)
		for range blocks {
			left.Encrypt(block, block)
		}
		right.Decrypt(block, block)
		left.Encrypt(block, block)
	}
}

// floorSignature is one operation with the card's private key and three with public
// ones: the certification authority's, the issuer's, the card's. The cryptogram
// beside them does not count.
func floorSignature(b *testing.B, name string) func() {
	p, err := profile.Load(name)
	require.NoError(b, err)
	require.NoError(b, authenticate(&p))
	value := func(tag emv.Tag) []byte { v, _ := p.Authentication.Data.Lookup(tag); return v }
	var ca *oda.Key
	for _, k := range testca.Keys() {
		if k.Ours && k.Scheme == p.Scheme {
			ca, err = oda.NewKey(k.Modulus, k.Exponent)
			require.NoError(b, err)
		}
	}
	issuer, err := oda.RecoverIssuer(ca, value(emv.TagIssuerCertificate), value(emv.TagIssuerRemainder), value(emv.TagIssuerExponent))
	require.NoError(b, err)
	icc, err := oda.RecoverICC(issuer.Key, value(emv.TagICCCertificate), value(emv.TagICCRemainder), value(emv.TagICCExponent))
	require.NoError(b, err)
	signer := p.Authentication.Signer
	block := make([]byte, signer.Len())
	block[0], block[len(block)-1] = 0x6A, 0xBC
	return func() {
		signature, err := signer.Sign(block)
		require.NoError(b, err)
		_, err = icc.Key.Recover(signature)
		require.NoError(b, err)
		_, err = issuer.Key.Recover(value(emv.TagICCCertificate))
		require.NoError(b, err)
		_, err = ca.Recover(value(emv.TagIssuerCertificate))
		require.NoError(b, err)
	}
}

func floorKey() (k cipher.Block, block []byte) {
	k, _ = des.NewCipher([]byte("8 bytes!"))
	return k, make([]byte, 8)
}
