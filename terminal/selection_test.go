package terminal_test

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c3"
)

// ppse codes directory entries into the answer of a PPSE.
func ppse(t testing.TB, entries ...string) string {
	t.Helper()
	var list []byte
	for _, e := range entries {
		list = emv.AppendTLV(list, emv.TagApplicationTemplate, unhex(t, e))
	}
	return wrap(emv.AppendTLV(nil, emv.TagFCIDiscretionary, list), "325041592E5359532E4444463031")
}

// wrap is 6F{84, A5{content}} 9000.
func wrap(content []byte, name string) string {
	b, _ := hex.DecodeString(name)
	fci := emv.AppendTLV(nil, emv.TagDFName, b)
	fci = emv.AppendTLV(fci, emv.TagFCIProprietary, content)
	return hex.EncodeToString(emv.AppendTLV(nil, emv.TagFCI, fci)) + "9000"
}

// application is the SELECT answer of an application with Visa's usual PDOL.
func application(name string) string {
	pdol, _ := hex.DecodeString("9F66049F02069F03069F1A0295055F2A029A039C019F3704")
	return wrap(emv.AppendTLV(nil, emv.TagPDOL, pdol), name)
}

// fake is a kernel that says what it is told and notes what it was given.
type fake struct {
	id  byte
	say []kernel.Outcome // one after the other, the last for ever
	got []kernel.Activation
}

func (f *fake) ID() byte { return f.id }

func (f *fake) Run(_ context.Context, a *kernel.Activation) (kernel.Outcome, error) {
	f.got = append(f.got, *a)
	o := f.say[min(len(f.got), len(f.say))-1]
	o.Reason = kernel.Step{Rule: "test", Text: "told to"}
	return o, nil
}

func approves(id byte) *fake { return &fake{id: id, say: []kernel.Outcome{{Kind: kernel.Approved}}} }

// reader is a terminal whose combinations are given as AID and kernel, with a
// fake kernel for each identifier.
func reader(t testing.TB, combinations map[string][]byte, change func(*terminal.Config), kernels ...kernel.Kernel) *terminal.Terminal {
	t.Helper()
	c := terminal.Config{Name: "test", TerminalID: "T"}
	c.Currency, _ = emv.CurrencyByAlpha("EUR")
	var aids []string
	for aid := range combinations {
		aids = append(aids, aid)
	}
	slices.Sort(aids)
	for _, aid := range aids {
		for _, k := range combinations[aid] {
			c.Combinations = append(c.Combinations, terminal.Combination{AID: unhex(t, aid), Kernel: k})
			if !slices.ContainsFunc(kernels, func(have kernel.Kernel) bool { return have.ID() == k }) {
				kernels = append(kernels, approves(k))
			}
		}
	}
	if change != nil {
		change(&c)
	}
	term, err := terminal.New(c, kernels, terminal.Env{Now: clock, Rand: counter{}})
	require.NoError(t, err)
	return term
}

// EMV Book B, 3.3.2: which entries of a PPSE become candidates, and which is
// selected. selected is the sequence of SELECT commands after the PPSE; every
// application but those answers 6A82.
func TestCandidates(t *testing.T) {
	const visaAID, masterAID, unionAID, amexAID = "A0000000031010", "A0000000041010", "A000000333010101", "A00000002501"
	both := map[string][]byte{visaAID: {3}, masterAID: {2}, unionAID: {7}}
	for name, c := range map[string]struct {
		combinations map[string][]byte
		entries      []string
		selected     []string // SELECT data tried, in order
	}{
		"one":                            {both, []string{"4F07 A0000000031010"}, []string{visaAID}},
		"best priority first":            {both, []string{"4F07 A0000000031010 870102", "4F07 A0000000041010 870101"}, []string{masterAID, visaAID}},
		"equal priorities keep order":    {both, []string{"4F07 A0000000041010 870101", "4F07 A0000000031010 870101"}, []string{masterAID, visaAID}},
		"priority 15 before none":        {both, []string{"4F07 A0000000041010", "4F07 A0000000031010 87010F"}, []string{visaAID, masterAID}},
		"priority 0 is none":             {both, []string{"4F07 A0000000041010 870100", "4F07 A0000000031010 87010F"}, []string{visaAID, masterAID}},
		"high half of priority ignored":  {both, []string{"4F07 A0000000041010 870182", "4F07 A0000000031010 870171"}, []string{visaAID, masterAID}},
		"three of one priority":          {both, []string{"4F07 A0000000031010 870101", "4F08 A000000333010101 870101", "4F07 A0000000041010 870101"}, []string{visaAID, unionAID, masterAID}},
		"longer on the card":             {both, []string{"4F09 A00000000310100102"}, []string{"A00000000310100102"}},
		"shorter on the card":            {both, []string{"4F06 A00000000310"}, nil},
		"not ours":                       {both, []string{"4F06 A00000002501"}, nil},
		"no 4F":                          {both, []string{"5004 56697361"}, nil},
		"4F of four bytes":               {map[string][]byte{"A000000003": {3}}, []string{"4F04 A0000000"}, nil},
		"4F of seventeen bytes":          {both, []string{"4F11 A000000003101000000000000000000000"}, nil},
		"malformed entry skipped":        {both, []string{"4F07 A0000000031010 87", "4F07 A0000000041010"}, []string{masterAID}},
		"9F2A is the kernel":             {both, []string{"4F07 A0000000031010 9F2A0103"}, []string{visaAID}},
		"9F2A of zero length":            {both, []string{"4F07 A0000000031010 9F2A00"}, []string{visaAID}},
		"9F2A names another":             {both, []string{"4F07 A0000000031010 9F2A0102"}, nil},
		"kernel 8 and a fallback":        {both, []string{"4F07 A0000000031010 870101 9F2A0108", "4F07 A0000000031010 870102 9F2A0103"}, []string{visaAID}},
		"kernel 8 only":                  {both, []string{"4F07 A0000000031010 9F2A0108"}, nil},
		"9F2A zero is any":               {both, []string{"4F07 A0000000031010 9F2A0100"}, []string{visaAID}},
		"9F2A 0006 is any":               {both, []string{"4F07 A0000000031010 9F2A020006"}, []string{visaAID}},
		"9F2A of eight bytes":            {both, []string{"4F07 A0000000031010 9F2A080300000000000000"}, []string{visaAID}},
		"9F2A form 01":                   {map[string][]byte{visaAID: {0x43}}, []string{"4F07 A0000000031010 9F2A0143"}, []string{visaAID}},
		"9F2A form 10 too short":         {map[string][]byte{visaAID: {0x80}}, []string{"4F07 A0000000031010 9F2A028000"}, nil},
		"9F2A form 10, short identifier": {map[string][]byte{visaAID: {0x80}}, []string{"4F07 A0000000031010 9F2A03800276"}, []string{visaAID}},
		"9F2A form 11, long identifier":  {map[string][]byte{visaAID: {0xC1}}, []string{"4F07 A0000000031010 9F2A03C10276"}, nil},
		"no default kernel is any":       {map[string][]byte{"A0000000421010": {3}}, []string{"4F07 A0000000421010"}, []string{"A0000000421010"}},
		"Amex is kernel 4 by default":    {map[string][]byte{amexAID: {2, 4}}, []string{"4F06 A00000002501"}, []string{amexAID}},
		"two kernels for any":            {map[string][]byte{visaAID: {2, 3}}, []string{"4F07 A0000000031010 9F2A0100"}, []string{visaAID, visaAID}},
	} {
		k := newCard(t, map[string]string{"00A404000E": ppse(t, c.entries...)})
		tap, err := reader(t, c.combinations, nil).Tap(context.Background(), field(k), terminal.Request{Amount: 1})
		require.NoError(t, err, name)
		require.Equal(t, kernel.EndApplication, tap.Outcome.Kind, name)
		require.Equal(t, kernel.UIRequest{Message: kernel.MessageTryAnotherCard, Status: kernel.StatusReadyToRead}, tap.UI[len(tap.UI)-1], name)
		var tried []string
		for _, s := range k.sent[1:] {
			tried = append(tried, s[10:len(s)-2])
		}
		require.Equal(t, c.selected, tried, name)
	}
}

// A PPSE that is missing or malformed leaves no candidates.
func TestBadDirectories(t *testing.T) {
	good := ppse(t, "4F07 A0000000031010")
	for name, answer := range map[string]string{
		"6A82": "6A82", "6985": "6985", "nothing in it": "9000", "6283": good[:len(good)-4] + "6283",
		"outer length short": "6F2C" + good[4:], "outer length long": "6F7F" + good[4:], "no directory": wrap(nil, "325041592E5359532E4444463031"),
		"directory cut off": wrap(unhex(t, "BF0C 0C 61 09 4F07 A0000000031010 61"), "325041592E5359532E4444463031"),
	} {
		k := newCard(t, map[string]string{"00A404000E": answer})
		tap, err := reader(t, map[string][]byte{"A0000000031010": {3}}, nil).Tap(context.Background(), field(k), terminal.Request{})
		require.NoError(t, err, name)
		require.Equal(t, kernel.EndApplication, tap.Outcome.Kind, name)
		require.Len(t, k.sent, 1, name)
	}
	// What cards add to a directory is no harm: Discover's 80 01 and A5 before
	// the first entry, a BF63 after the last.
	k := newCard(t, map[string]string{
		"00A404000E":               wrap(unhex(t, "BF0C 17 800101 A503 800177 61 09 4F07 A0000000031010 BF63 01 00"), "325041592E5359532E4444463031"),
		"00A4040007A0000000031010": application("A0000000031010"),
	})
	tap, err := reader(t, map[string][]byte{"A0000000031010": {3}}, nil).Tap(context.Background(), field(k), terminal.Request{})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, tap.Outcome.Kind)
}

// Extended selection: 9F29 follows the name when the reader supports it.
func TestExtendedSelection(t *testing.T) {
	const entry = "4F07 A0000000031010 9F2903 112233"
	for supported, want := range map[bool]string{false: "00A4040007A000000003101000", true: "00A404000AA000000003101011223300"} {
		k := newCard(t, map[string]string{"00A404000E": ppse(t, entry), "00A40400": application("A0000000031010")})
		tap, err := reader(t, map[string][]byte{"A0000000031010": {3}}, func(c *terminal.Config) {
			c.Combinations[0].Settings.ExtendedSelection = supported
		}).Tap(context.Background(), field(k), terminal.Request{})
		require.NoError(t, err)
		require.Equal(t, kernel.Approved, tap.Outcome.Kind)
		require.Equal(t, want, k.sent[1])
	}
}

// A refused or unreadable application leaves the next candidate its turn, and
// so does a kernel that says Select Next.
func TestNextCandidate(t *testing.T) {
	card := func(first string) *card {
		return newCard(t, map[string]string{
			"00A404000E":               ppse(t, "4F07 A0000000031010 870101", "4F07 A0000000041010 870102"),
			"00A4040007A0000000031010": first, "00A4040007A0000000041010": application("A0000000041010"),
		})
	}
	combinations := map[string][]byte{"A0000000031010": {3}, "A0000000041010": {2}}
	for _, first := range []string{"6A82", "6283", "6985"} {
		tap, err := reader(t, combinations, nil).Tap(context.Background(), field(card(first)), terminal.Request{})
		require.NoError(t, err, first)
		require.Equal(t, byte(2), tap.KernelID, first)
	}
	next := &fake{id: 3, say: []kernel.Outcome{{Kind: kernel.SelectNext, Start: kernel.StartC}}}
	tap, err := reader(t, combinations, nil, next).Tap(context.Background(), field(card(application("A0000000031010"))), terminal.Request{})
	require.NoError(t, err)
	require.Equal(t, byte(2), tap.KernelID)
	require.Len(t, next.got, 1)

	// 6985 at GET PROCESSING OPTIONS is how a Visa application says it (Book C-3, 5.2.2.2).
	k := card(application("A0000000031010"))
	k.answers["80A8"] = unhex(t, "6985")
	tap, err = reader(t, map[string][]byte{"A0000000031010": {3}}, nil, c3.New()).Tap(context.Background(), field(k), terminal.Request{})
	require.NoError(t, err)
	require.Equal(t, kernel.EndApplication, tap.Outcome.Kind, "nothing else is left")
}

// Kernel 8 is in no terminal here: its entry is skipped, whatever its priority,
// and the entry that the card has for other readers is used. A card without one
// cannot be paid with, and the reason says why.
func TestKernel8(t *testing.T) {
	const eighth, third, mine = "4F07 A0000000031010 870101 9F2A0108", "4F07 A0000000031010 870102 9F2A0103", "4F07 A0000000031010 870102"
	for name, c := range map[string]struct {
		entries []string
		kernel  byte
		want    string
	}{
		"fallback names the scheme's kernel": {[]string{eighth, third}, 3, "entry 1, A0000000031010, asks for kernel 8, which this terminal does not have for it"},
		"fallback names none":                {[]string{eighth, mine}, 3, "entry 1, A0000000031010, asks for kernel 8"},
		"fallback comes first":               {[]string{mine, eighth}, 3, "entry 2, A0000000031010, asks for kernel 8"},
		"another scheme":                     {[]string{eighth, "4F07 A0000000041010 87010F"}, 2, "entry 1, A0000000031010, asks for kernel 8"},
		"no fallback":                        {[]string{eighth}, 0, "the card asks for kernel 8, which this terminal does not have, and has no other application for it"},
		"no fallback, others not ours":       {[]string{eighth, "4F06 A00000002501"}, 0, "the card asks for kernel 8, which this terminal does not have, and has no other application for it"},
	} {
		k := newCard(t, map[string]string{
			"00A404000E": ppse(t, c.entries...), "00A4040007A0000000031010": application("A0000000031010"), "00A4040007A0000000041010": application("A0000000041010"),
		})
		var trace []string
		request := terminal.Request{Amount: 1, Trace: func(s kernel.Step) { trace = append(trace, s.Text) }}
		tap, err := reader(t, map[string][]byte{"A0000000031010": {3}, "A0000000041010": {2}}, nil).Tap(context.Background(), field(k), request)
		require.NoError(t, err, name)
		require.Equal(t, c.kernel, tap.KernelID, name)
		require.Contains(t, strings.Join(trace, "\n"), c.want, name)
		if c.kernel != 0 {
			require.Equal(t, kernel.Approved, tap.Outcome.Kind, name)
			continue
		}
		require.Equal(t, kernel.EndApplication, tap.Outcome.Kind, name)
		require.Equal(t, &kernel.UIRequest{Message: kernel.MessageTryAnotherCard, Status: kernel.StatusReadyToRead}, tap.Outcome.UI, name)
		require.Equal(t, c.want, tap.Outcome.Reason.Text, name)
		require.Len(t, k.sent, 1, "nothing was selected")
	}
}

// TestWhySelectionFailed: who has one application, which the card refuses, is
// told what it answered, in the reason and in the trace.
func TestWhySelectionFailed(t *testing.T) {
	for answer, want := range map[string]string{
		"6283":                      "the card answers 6283 warning: selected file or application invalidated (blocked) to SELECT A0000000031010",
		"6A82":                      "the card answers 6A82 file or application not found to SELECT A0000000031010",
		wrap(nil, "A0000000031010"): "a Visa application whose PDOL does not ask for 9F66 is not for kernel 3",
	} {
		k := newCard(t, map[string]string{"00A404000E": ppse(t, "4F07 A0000000031010"), "00A4040007A0000000031010": answer})
		var trace []string
		request := terminal.Request{Amount: 1, Trace: func(s kernel.Step) { trace = append(trace, s.Text) }}
		tap, err := reader(t, map[string][]byte{"A0000000031010": {3}}, nil).Tap(context.Background(), field(k), request)
		require.NoError(t, err)
		require.Equal(t, kernel.EndApplication, tap.Outcome.Kind)
		require.Equal(t, "no other application is left: "+want, tap.Outcome.Reason.Text)
		require.Contains(t, trace, want+": candidate dropped")
	}
}

// EMV Book B, 3.3.3: a Visa application whose PDOL does not ask for 9F66 is for
// kernel 1, or for nobody.
func TestOldVisaApplications(t *testing.T) {
	noPDOL := wrap(nil, "A0000000031010")
	other := wrap(unhex(t, "9F38 03 9F0206"), "A0000000031010")
	for _, answer := range []string{noPDOL, other} {
		k := newCard(t, map[string]string{"00A404000E": ppse(t, "4F07 A0000000031010"), "00A4040007A0000000031010": answer})
		tap, err := reader(t, map[string][]byte{"A0000000031010": {3}}, nil).Tap(context.Background(), field(k), terminal.Request{})
		require.NoError(t, err)
		require.Equal(t, kernel.EndApplication, tap.Outcome.Kind)
		require.Zero(t, tap.KernelID)

		tap, err = reader(t, map[string][]byte{"A0000000031010": {1, 3}}, nil).Tap(context.Background(), field(k), terminal.Request{})
		require.NoError(t, err)
		require.Equal(t, kernel.Approved, tap.Outcome.Kind)
		require.Equal(t, byte(1), tap.KernelID)
	}
	// Another scheme's application on kernel 3 needs no 9F66.
	k := newCard(t, map[string]string{"00A404000E": ppse(t, "4F07 A0000000421010"), "00A4040007A0000000421010": wrap(nil, "A0000000421010")})
	tap, err := reader(t, map[string][]byte{"A0000000421010": {3}}, nil).Tap(context.Background(), field(k), terminal.Request{})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, tap.Outcome.Kind)
}

// The trace names entries that are not for this reader, so that nobody has to
// guess.
func TestTraceOfSelection(t *testing.T) {
	var text []string
	k := newCard(t, map[string]string{
		"00A404000E": ppse(t, "4F07 A0000000031010 9F2A0108", "4F07 A0000000041010", "4F07 A0000000031010 87", "4F07 A0000000031010 9F2A018070"),
	})
	tap, err := reader(t, map[string][]byte{"A0000000031010": {3}}, nil).Tap(context.Background(), field(k), terminal.Request{
		Trace: func(s kernel.Step) { text = append(text, s.Text) },
	})
	require.NoError(t, err)
	require.Len(t, tap.Steps, len(text))
	all := strings.Join(text, "\n")
	require.Contains(t, all, "entry 1, A0000000031010, asks for kernel 8")
	require.Contains(t, all, "entry 2, A0000000041010: this terminal does not take it")
	require.Contains(t, all, "entry 3 is malformed")
	require.Contains(t, all, "asks for kernel 8, which this terminal does not have, and has no other")
}
