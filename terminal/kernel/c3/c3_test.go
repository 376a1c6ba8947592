package c3_test

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c3"
	"tapsim/terminal/kernel/internal/kerneltest"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// objects are data objects by tag in hex, in the order given.
type object = kerneltest.Object

// template codes objects into one template.
func template(t testing.TB, tag emv.Tag, objects []object) []byte {
	t.Helper()
	var content []byte
	for _, o := range objects {
		tag, err := emv.ParseTag(o.Tag())
		require.NoError(t, err)
		content = emv.AppendTLV(content, tag, unhex(t, o.Value()))
	}
	return emv.AppendTLV(nil, tag, content)
}

// visaPDOL is the list of nearly every card.
const visaPDOL = "9F66049F02069F03069F1A0295055F2A029A039C019F3704"

const ours = "4761739001010119D49122010000000000000F"

// fci is the SELECT answer of a Visa application with a PDOL.
func fci(t testing.TB, pdol string) kernel.FCI {
	t.Helper()
	a5 := template(t, emv.TagFCIProprietary, []object{{"50", "56697361"}, {"9F38", pdol}})
	f, ok := kernel.ParseFCI(emv.AppendTLV(nil, emv.TagFCI, append(emv.AppendTLV(nil, emv.TagDFName, unhex(t, "A0000000031010")), a5...)))
	require.True(t, ok)
	return f
}

// arqc is an online answer without qualifiers: every test adds what it is
// about.
var arqc = []object{
	{"82", "0000"}, {"57", ours}, {"5F34", "01"}, {"9F10", "06011203A00000"}, {"9F26", "27552E9226B3CC95"}, {"9F27", "80"}, {"9F36", "0001"},
}

// tc is the same card approving offline.
var tc = kerneltest.With(arqc, object{"9F27", "40"}, object{"9F10", "06011203900000"}, object{"5F24", "491231"})

// situation is a run of the kernel: the card's answers and the terminal.
type situation struct {
	gpo     []object
	sw      string   // answer to GPO without data
	answers []string // further answers in order: records, issuer commands
	ttq     string   // default 36004000
	change  func(*kernel.Activation)
}

// play runs the kernel and returns the outcome and the commands sent.
func (s situation) play(t testing.TB) (kernel.Outcome, [][]byte) {
	t.Helper()
	o, sent, err := s.run(t)
	require.NoError(t, err)
	require.NotZero(t, o.Kind)
	require.NotEmpty(t, o.Reason.Rule, "every outcome has the rule that decided")
	return o, sent
}

func (s situation) run(t testing.TB) (o kernel.Outcome, sent [][]byte, err error) {
	t.Helper()
	return s.runWith(t, c3.New())
}

func (s situation) runWith(t testing.TB, k *c3.Kernel) (o kernel.Outcome, sent [][]byte, err error) {
	t.Helper()
	answers := s.answers
	if s.sw != "" {
		answers = append([]string{s.sw}, answers...)
	} else if s.gpo != nil {
		answers = append([]string{hex.EncodeToString(template(t, emv.TagResponseFormat2, s.gpo)) + "9000"}, answers...)
	}
	card := apdu.TransceiverFunc(func(_ context.Context, command []byte) ([]byte, error) {
		sent = append(sent, append([]byte(nil), command...))
		require.LessOrEqual(t, len(sent), len(answers), "unexpected command %X", command)
		if answers[len(sent)-1] == "lost" {
			return nil, apdu.ErrLost
		}
		return unhex(t, answers[len(sent)-1]), nil
	})
	if s.ttq == "" {
		s.ttq = "36004000"
	}
	eur, _ := emv.CurrencyByAlpha("EUR")
	ttq := emv.TTQ(unhex(t, s.ttq))
	a := &kernel.Activation{
		Card: card, AID: unhex(t, "A0000000031010"), FCI: fci(t, visaPDOL), Start: kernel.StartB, TTQ: ttq,
		Transaction: kernel.Transaction{
			Amount: 1250, Currency: eur, Time: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), UnpredictableNumber: [4]byte{0x1A, 0x2B, 0x3C, 0x4D},
		},
		Config: &kernel.Config{Settings: kernel.Settings{TTQ: &ttq}, Data: emv.List{
			{Tag: emv.TagTerminalCountry, Value: []byte{0x02, 0x76}}, {Tag: emv.TagTerminalType, Value: []byte{0x22}},
			{Tag: emv.TagTerminalCapabilities, Value: []byte{0xE0, 0xF8, 0xC8}},
		}},
	}
	if s.change != nil {
		s.change(a)
	}
	o, err = k.Run(context.Background(), a)
	return o, sent, err
}

// The command carries the PDOL's values in its order: EMV Book C-3, 5.2; the
// layout is that of a published card.
func TestGetProcessingOptionsCarriesThePDOL(t *testing.T) {
	_, sent := situation{gpo: arqc}.play(t)
	require.Equal(t, unhex(t, "80A80000 23 83 21 36004000 000000001250 000000000000 0276 0000000000 0978 300101 00 1A2B3C4D 00"), sent[0])

	// A card that names 9A twice gets it twice (recorded transcript 032).
	twice := func(a *kernel.Activation) { a.FCI = fci(t, "9F66049F02069F1A0295055F2A029A039C019F37049A03") }
	_, sent = situation{gpo: arqc, change: twice}.play(t)
	require.Equal(t, unhex(t, "80A80000 20 83 1E 36004000 000000001250 0276 0000000000 0978 300101 00 1A2B3C4D 300101 00"), sent[0])
}

// A merchant name of 20 bytes is padded, one of 200 makes the template's length
// two bytes, and a list beyond a command is refused before anything is sent.
func TestLongLists(t *testing.T) {
	list := func(pdol string) func(*kernel.Activation) {
		return func(a *kernel.Activation) {
			a.FCI.PDOL = unhex(t, pdol)
			a.Config.Data = append(a.Config.Data, emv.TLV{Tag: emv.TagMerchantName, Value: []byte("SHOP")})
		}
	}
	_, sent := situation{gpo: arqc, change: list("9F66049F4E06")}.play(t)
	require.Equal(t, unhex(t, "80A80000 0C 83 0A 36004000 53484F500000 00"), sent[0])
	_, sent = situation{gpo: arqc, change: list("9F66049F4EC8")}.play(t)
	require.Equal(t, unhex(t, "80A80000 CF 83 81CC 36004000 53484F50"), sent[0][:16])
	require.Len(t, sent[0], 5+3+204+1)

	for name, pdol := range map[string]string{
		"too long": "9F66049F4EF99F0206", "cut off": "9F66049F4E", "without 9F66": "9F0206", "empty": "",
	} {
		o, sent := situation{change: list(pdol)}.play(t)
		require.Equal(t, kernel.EndApplication, o.Kind, name)
		require.Empty(t, sent, name)
	}
}
