package c2_test

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
	"tapsim/terminal/kernel/internal/kerneltest"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// object is a data object in hex.
type object = kerneltest.Object

// coded is objects one after the other.
func coded(t testing.TB, objects []object) []byte {
	t.Helper()
	var out []byte
	for _, o := range objects {
		tag, err := emv.ParseTag(o.Tag())
		require.NoError(t, err)
		out = emv.AppendTLV(out, tag, unhex(t, o.Value()))
	}
	return out
}

// template is objects in one template.
func template(t testing.TB, tag emv.Tag, objects []object) []byte {
	t.Helper()
	return emv.AppendTLV(nil, tag, coded(t, objects))
}

const (
	pan    = "5413339001000019"
	track2 = pan + "D49122010000000000000F"
	// cdol1 is that of current plastic cards, 66 bytes.
	cdol1 = "9F02069F03069F1A0295055F2A029A039C019F37049F35019F45029F4C089F34039F21039F7C14"
)

// Parts of a card in EMV mode, as published plastic cards have them.
var (
	gpo  = []object{{"82", "1980"}, {"94", "0801010010010101"}}
	data = []object{
		{"57", track2}, {"5A", pan}, {"5F24", "491231"}, {"5F25", "200101"}, {"5F28", "0276"}, {"5F34", "00"}, {"8C", cdol1},
		{"8E", "0000000000000000 42031E031F03"}, {"9F07", "FF00"}, {"9F08", "0002"}, {"9F0D", "B450840000"}, {"9F0E", "0000000000"},
		{"9F0F", "B470848000"}, {"9F42", "0978"}, {"9F4A", "82"},
	}
	arqc = []object{{"9F27", "80"}, {"9F36", "0042"}, {"9F26", "403151C29036D862"}, {"9F10", "0110A0000324000000000000000000000000FF"}}
	mag  = []object{
		{"9F6B", pan + "D4912201 9000990000000F"}, {"9F65", "000E"}, {"9F66", "0E70"}, {"9F67", "03"},
	}
)

// config is a terminal's configuration: an attended shop that can do all.
var config = []object{
	{"9F1A", "0276"}, {"9F35", "22"}, {"9F40", "6000F0A001"}, {"9F09", "0002"}, {"9F53", "52"}, {"9F6D", "0001"}, {"9F1E", "3030303030303031"},
	{"DF8117", "E0"}, {"DF8118", "60"}, {"DF8119", "08"}, {"DF811F", "08"}, {"DF811B", "30"},
	{"DF8123", "000000000000"}, {"DF8124", "999999999999"}, {"DF8125", "999999999999"}, {"DF8126", "000000005000"},
	{"DF8120", "FC5080880C"}, {"DF8121", "0000000000"}, {"DF8122", "FC5080880C"},
}

// card is a card of answers by command. Objects are in templates; a record is
// keyed by file and number.
type card struct {
	fci     []object // beside 84
	gpo     []object
	records map[[2]byte][]object
	ac      []object // answer to GENERATE AC, without signature
	sign    func(t testing.TB, c *card, command []byte) []byte
	ccc     []object
	raw     map[byte]string // by instruction: the whole answer in hex, "lost" for none
	answers map[byte][]string
	sent    [][]byte
	pdol    []byte // values received
}

// plastic is an ordinary card in EMV mode with a mag-stripe record.
func plastic(changes ...object) *card {
	return &card{gpo: gpo, ac: arqc, records: map[[2]byte][]object{{1, 1}: mag, {2, 1}: kerneltest.With(data, changes...)}}
}

// Transceive implements apdu.Transceiver.
func (c *card) Transceive(t testing.TB, command []byte) ([]byte, error) {
	c.sent = append(c.sent, append([]byte(nil), command...))
	ins := command[1]
	answer, fixed := c.raw[ins]
	if queue := c.answers[ins]; len(queue) > 0 {
		answer, fixed = queue[0], true
		c.answers[ins] = queue[1:]
	}
	switch {
	case answer == "lost":
		return nil, apdu.ErrLost
	case fixed && answer != "":
		return unhex(t, answer), nil
	}
	ok := []byte{0x90, 0x00}
	switch ins {
	case 0xA8:
		c.pdol, _ = emv.Find(command[5:len(command)-1], emv.TagCommandTemplate)
		return append(template(t, emv.TagResponseFormat2, c.gpo), ok...), nil
	case 0xB2:
		if r, found := c.records[[2]byte{command[3] >> 3, command[2]}]; found {
			return append(template(t, emv.TagRecord, r), ok...), nil
		}
		return []byte{0x6A, 0x83}, nil
	case 0xAE:
		if c.sign != nil {
			return append(c.sign(t, c, command), ok...), nil
		}
		return append(template(t, emv.TagResponseFormat2, c.ac), ok...), nil
	case 0x2A:
		return append(template(t, emv.TagResponseFormat2, c.ccc), ok...), nil
	}
	return []byte{0x6D, 0x00}, nil
}

// one is the only command with that instruction.
func (c *card) one(t testing.TB, ins byte) []byte {
	t.Helper()
	var found [][]byte
	for _, s := range c.sent {
		if s[1] == ins {
			found = append(found, s)
		}
	}
	require.Len(t, found, 1, "commands with instruction %02X", ins)
	return found[0]
}

// situation is a run of the kernel.
type situation struct {
	card   *card
	kernel *c2.Kernel
	config []object // changes to the terminal's configuration
	amount int64    // 12.50 when zero
	change func(*kernel.Activation)
	clock  *clock
	pdol   string
}

// clock is a clock that tests move.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// counting is a source of randomness that a test can tell.
type counting struct{ n byte }

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		c.n++
		p[i] = c.n
	}
	return len(p), nil
}

func (s *situation) activation(t testing.TB) *kernel.Activation {
	t.Helper()
	eur, _ := emv.CurrencyByAlpha("EUR")
	if s.amount == 0 {
		s.amount = 1250
	}
	if s.clock == nil {
		s.clock = &clock{noon}
	}
	fci := []object{{"50", "4D617374657263617264"}, {"87", "01"}, {"5F2D", "6465656E"}}
	if s.pdol != "" {
		fci = append(fci, object{"9F38", s.pdol})
	}
	a5 := coded(t, fci)
	if s.card.fci != nil {
		a5 = append(a5, template(t, emv.TagFCIDiscretionary, s.card.fci)...)
	}
	f, ok := kernel.ParseFCI(emv.AppendTLV(nil, emv.TagFCI, append(coded(t, []object{{"84", "A0000000041010"}}), emv.AppendTLV(nil, emv.TagFCIProprietary, a5)...)))
	require.True(t, ok)
	list, err := emv.ParseList(coded(t, kerneltest.With(config, s.config...)))
	require.NoError(t, err)
	a := &kernel.Activation{
		Card: apdu.TransceiverFunc(func(_ context.Context, command []byte) ([]byte, error) { return s.card.Transceive(t, command) }),
		AID:  unhex(t, "A0000000041010"), FCI: f, Start: kernel.StartB,
		Transaction: kernel.Transaction{
			Amount: s.amount, Currency: eur, Time: noon, UnpredictableNumber: [4]byte{0x1A, 0x2B, 0x3C, 0x4D}, SequenceCounter: 1,
		},
		Config: &kernel.Config{Data: list}, Now: s.clock.Now, Rand: &counting{},
	}
	if s.change != nil {
		s.change(a)
	}
	return a
}

// play runs the kernel to its outcome.
func (s situation) play(t testing.TB) kernel.Outcome {
	t.Helper()
	if s.kernel == nil {
		s.kernel = &c2.Kernel{Keys: testca.CAKeys()}
	}
	o, err := s.kernel.Run(context.Background(), s.activation(t))
	require.NoError(t, err)
	require.NotZero(t, o.Kind)
	require.NotEmpty(t, o.Reason.Rule, "every outcome has the rule that decided")
	return o
}

// errorsOf is the error indication of an outcome.
func errorsOf(t testing.TB, o kernel.Outcome) c2.ErrorIndication {
	t.Helper()
	e, ok := c2.Errors(o)
	require.True(t, ok)
	return e
}

// authentic makes a card that does CDA: its certificates and its key are of the
// test certification authority.
func authentic(t testing.TB, c *card) *card {
	t.Helper()
	static := coded(t, c.records[[2]byte{2, 1}])
	credentials, err := testca.Issue(testca.Request{Scheme: emv.SchemeMastercard, PAN: pan, Expiry: "4912", Static: append(static, unhex(t, c.gpo[0].Value())...)})
	require.NoError(t, err)
	certificates := []object{}
	for _, o := range credentials.Data {
		certificates = append(certificates, object{o.Tag.String(), hex.EncodeToString(o.Value)})
	}
	c.records[[2]byte{3, 1}] = certificates
	c.gpo = kerneltest.With(c.gpo, object{"94", "08010100 10010101 18010100"})
	c.sign = func(t testing.TB, c *card, command []byte) []byte { return signed(t, c, command, credentials.Key, nil) }
	return c
}

// signed is the answer to GENERATE AC with a combined signature in place of the
// cryptogram, where P1 asks for one.
func signed(t testing.TB, c *card, command []byte, key oda.Signer, more []byte) []byte {
	t.Helper()
	if command[2]&0x10 == 0 {
		return template(t, emv.TagResponseFormat2, c.ac)
	}
	values := command[5 : len(command)-1]
	list, err := emv.ParseDOL(unhex(t, cdol1))
	require.NoError(t, err)
	un, ok := list.Value(values, emv.TagUnpredictableNumber)
	require.True(t, ok)
	var cid byte
	var ac []byte
	for _, o := range c.ac {
		switch o.Tag() {
		case "9F27":
			cid = unhex(t, o.Value())[0]
		case "9F26":
			ac = unhex(t, o.Value())
		}
	}
	outside := coded(t, kerneltest.With(c.ac, object{"9F26", "-"}))
	signature, err := oda.SignCDA(key, oda.CDA{DynamicNumber: unhex(t, "0102030405060708"), CID: cid, Cryptogram: [8]byte(ac), More: more},
		oda.CDAData{UnpredictableNumber: un, PDOL: c.pdol, CDOL1: values, Response: outside})
	require.NoError(t, err)
	return emv.AppendTLV(nil, emv.TagResponseFormat2, emv.AppendTLV(outside, emv.TagSDAD, signature))
}

// An ordinary online payment: what was sent, what comes out, in the book's
// order.
func TestOnlineWithCDA(t *testing.T) {
	c := authentic(t, plastic())
	var shown []kernel.MessageID
	var rules []string
	o := situation{card: c, change: func(a *kernel.Activation) {
		a.Display = func(u kernel.UIRequest) { shown = append(shown, u.Message) }
		a.Trace = func(s kernel.Step) { rules = append(rules, s.Rule) }
	}}.play(t)
	require.Equal(t, kernel.OnlineRequest, o.Kind, o.Reason.Text)
	require.Equal(t, kernel.ODAVerified, o.ODA, o.ODANote)
	require.Equal(t, "CDA", o.ODANote)
	require.Equal(t, emv.ARQC, o.Type)
	require.Equal(t, kernel.CVMNotRequired, o.CVM)
	require.Equal(t, []kernel.MessageID{kernel.MessageClearDisplay}, shown)
	require.Equal(t, []string{"EMV Book C-2, S3.16", "EMV Book C-2, S456.38", "EMV Book C-2, CVM.18", "EMV Book C-2, TAA.11", "EMV Book C-2, GAC.27", "EMV Book C-2, S910.6", "EMV Book C-2, S910.74"}, rules)

	// The mag-stripe record is skipped; the certificate's record is read.
	require.Equal(t, unhex(t, "80A8000002830000"), c.sent[0])
	require.Equal(t, unhex(t, "00B2011400"), c.sent[1])
	require.Equal(t, unhex(t, "00B2011C00"), c.sent[2])
	require.Equal(t, unhex(t, "80AE9000 42 000000001250 000000000000 0276 0000008001 0978 300101 00 1A2B3C4D 22 0000 0000000000000000 1F0302 120000 0000000000000000000000000000000000000000 00"), c.sent[3])
	require.Len(t, c.sent, 4)

	// The cryptogram comes out of the signature; tag 9F4B and the certificates
	// stay behind.
	var tags []string
	for s := emv.Scan(o.DataRecord); s.Next(); {
		tags = append(tags, s.Tag().String())
	}
	require.Equal(t, strings.Fields("9F02 9F03 9F26 5F24 82 50 5A 5F34 9F36 9F07 9F09 9F27 9F34 84 9F1E 9F10 9F33 9F1A 9F35 95 57 9F53 5F2A 9A 9C 9F37 9F39"), tags)
	for tag, want := range map[emv.Tag]string{
		emv.TagCryptogram: "403151C29036D862", emv.TagTVR: "0000008001", emv.TagTerminalCapabilities: "E00808", emv.TagCVMResults: "1F0302", emv.TagPOSEntryMode: "07",
	} {
		v, _ := o.DataRecord.Lookup(tag)
		require.Equal(t, unhex(t, want), v, tag.String())
	}
	require.Equal(t, c2.ErrorIndication{Message: 0xFF}, errorsOf(t, o))
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// tearing is a card that is gone before answer number at.
type tearing struct {
	card *card
	at   int
}

func (c *tearing) field(t testing.TB) func(*kernel.Activation) {
	return func(a *kernel.Activation) {
		a.Card = apdu.TransceiverFunc(func(_ context.Context, command []byte) ([]byte, error) {
			answer, err := c.card.Transceive(t, command)
			if len(c.card.sent) == c.at+1 {
				return nil, apdu.ErrLost
			}
			return answer, err
		})
	}
}
