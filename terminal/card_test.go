package terminal_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/terminal"
	"tapsim/terminal/config"
	"tapsim/terminal/journal"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
	"tapsim/terminal/kernel/c3"
	"tapsim/terminal/kernel/c7"
)

// unhex reads hex with blanks.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// Answers of a card with the published data of emv-facts: PPSE with one Visa
// entry, its FCI, and GET PROCESSING OPTIONS with CVN 18 for ATC 0001 of
// 4761739001010119 (the cryptogram is that of another amount; the terminal
// cannot tell).
const (
	ppseVisa = "6F 2D 84 0E 325041592E5359532E4444463031 A5 1B BF0C 18 61 16 4F 07 A0000000031010 50 04 56697361 87 01 01 9F2A 01 03 9000"
	fciVisa  = "6F 3E 84 07 A0000000031010 A5 33 50 04 56697361 9F38 18 9F66049F02069F03069F1A0295055F2A029A039C019F3704 5F2D 04 656E6672 BF0C 08 9F5A 05 3108400840 9000"
	gpoARQC  = "77 47 82 02 0000 57 13 4761739001010119D31122010000000000000F 5F34 01 01 9F10 07 06011203A00000 9F26 08 27552E9226B3CC95 9F27 01 80 9F36 02 0001 9F6C 02 0080 9F6E 04 238E0000 9000"
)

// card answers by the start of a command: PPSE, SELECT, GPO, READ RECORD. A nil
// answer is a card that has left. It notes what it was sent.
type card struct {
	answers map[string][]byte // by command prefix in hex; the longest wins
	sent    []string
}

func newCard(t testing.TB, answers map[string]string) *card {
	c := &card{answers: map[string][]byte{}}
	for prefix, a := range answers {
		if a == "lost" {
			c.answers[prefix] = nil
			continue
		}
		c.answers[prefix] = unhex(t, a)
	}
	return c
}

// visa is a card that answers with the constants above, but for what changed
// names.
func visa(t testing.TB, changed map[string]string) *card {
	answers := map[string]string{"00A404000E": ppseVisa, "00A4040007A0000000031010": fciVisa, "80A8": gpoARQC}
	for k, v := range changed {
		answers[k] = v
	}
	return newCard(t, answers)
}

func (c *card) Transceive(_ context.Context, command []byte) ([]byte, error) {
	text := strings.ToUpper(hex.EncodeToString(command))
	c.sent = append(c.sent, text)
	best := ""
	for prefix := range c.answers {
		if strings.HasPrefix(text, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	switch answer, ok := c.answers[best]; {
	case !ok:
		return []byte{0x6A, 0x82}, nil
	case answer == nil:
		return nil, apdu.ErrLost
	default:
		return bytes.Clone(answer), nil
	}
}

// taps is a field that is shown one card after the other; nil is nobody, and
// after the last nobody comes either.
type taps struct {
	cards []apdu.Transceiver
	off   []time.Duration
	seen  int
}

func field(cards ...apdu.Transceiver) *taps { return &taps{cards: cards} }

func (f *taps) Activate(context.Context) (apdu.Transceiver, error) {
	f.seen++
	if f.seen > len(f.cards) || f.cards[f.seen-1] == nil {
		return nil, terminal.ErrNoCard
	}
	if c, crowd := f.cards[f.seen-1].(collision); crowd {
		return nil, c.error
	}
	return f.cards[f.seen-1], nil
}

func (f *taps) Off(_ context.Context, d time.Duration) error {
	f.off = append(f.off, d)
	return nil
}

// collision stands for two cards at once.
type collision struct{ error }

func (collision) Transceive(context.Context, []byte) ([]byte, error) { return nil, apdu.ErrLost }

// hostFunc is a host.
type hostFunc func(*iso8583.Message) (*iso8583.Message, error)

func (f hostFunc) Exchange(_ context.Context, m *iso8583.Message) (*iso8583.Message, error) {
	return f(m)
}

// approving answers every request with 00, and keeps what it was sent.
type approving struct {
	got  []*iso8583.Message
	code string
	icc  []byte
	part *int64 // field 4 of the answer, where it is another than the request's
}

func (a *approving) Exchange(_ context.Context, m *iso8583.Message) (*iso8583.Message, error) {
	a.got = append(a.got, m.Clone())
	code := a.code
	if code == "" {
		code = iso8583.Approved
	}
	r := iso8583.Response(m, code)
	r.AuthorisationCode, r.ICCData = "123456", a.icc
	if a.part != nil {
		r.Amount = a.part
	}
	return r, nil
}

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// shop is the built-in attended terminal with a host and a journal in memory;
// change may alter configuration and parties.
func shop(t testing.TB, host iso8583.Exchanger, change func(*terminal.Config, *terminal.Env)) *terminal.Terminal {
	t.Helper()
	c, err := config.Load(config.Default)
	require.NoError(t, err)
	env := terminal.Env{Host: host, Journal: journal.NewMemory(), Now: func() time.Time { return noon }, Rand: counter{}}
	if change != nil {
		change(&c.Config, &env)
	}
	term, err := terminal.New(c.Config, []kernel.Kernel{c2.New(), c3.New(), c7.New()}, env)
	require.NoError(t, err)
	return term
}

// counter is randomness that is none: 01 02 03 ...
type counter struct{}

func (counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i + 1)
	}
	return len(p), nil
}

func ptr[T any](v T) *T { return &v }

// settings changes the settings of every combination.
func settings(change func(*kernel.Settings)) func(*terminal.Config, *terminal.Env) {
	return func(c *terminal.Config, _ *terminal.Env) {
		for i := range c.Combinations {
			change(&c.Combinations[i].Settings)
		}
	}
}

func ttq(t testing.TB, s string) *emv.TTQ { return ptr(emv.TTQ(unhex(t, s))) }

func clock() time.Time { return noon }
