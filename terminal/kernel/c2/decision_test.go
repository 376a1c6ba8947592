package c2_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
	"tapsim/terminal/kernel/internal/kerneltest"
)

// row is a rule of the book: conditions in, outcome and parameters out. What a
// row leaves zero it does not ask for.
type row struct {
	rule string // that decided, as the outcome names it
	name string
	s    situation
	kind kernel.Kind

	start   kernel.Start
	message kernel.MessageID // shown with the outcome
	l2      c2.L2Error
	cvm     kernel.CVM
	tvr     string // as the card got it, with the data of CDOL1
	results string // 9F34, likewise
	p1      byte   // of GENERATE AC
	receipt bool
}

// run plays a row and checks what it asks for.
func (r row) run(t *testing.T) {
	t.Run(r.rule+": "+r.name, func(t *testing.T) {
		o := r.s.play(t)
		require.Equal(t, r.kind, o.Kind, o.Reason.Text)
		require.Equal(t, r.rule, o.Reason.Rule, o.Reason.Text)
		require.Equal(t, r.start, o.Start)
		require.Equal(t, r.l2, errorsOf(t, o).L2)
		if r.message != 0 {
			require.NotNil(t, o.UI)
			require.Equal(t, r.message, o.UI.Message)
		}
		if r.cvm != 0 {
			require.Equal(t, r.cvm, o.CVM)
			require.Equal(t, r.receipt, o.Receipt)
		}
		if r.tvr != "" {
			require.Equal(t, unhex(t, r.tvr), r.s.card.got(t, emv.TagTVR), "TVR")
		}
		if r.results != "" {
			require.Equal(t, unhex(t, r.results), r.s.card.got(t, emv.TagCVMResults), "CVM results")
		}
		if r.p1 != 0 {
			require.Equal(t, r.p1, r.s.card.one(t, 0xAE)[2], "P1")
		}
	})
}

// got is a value that the card got with GENERATE AC.
func (c *card) got(t testing.TB, tag emv.Tag) []byte {
	t.Helper()
	command := c.one(t, 0xAE)
	list, err := emv.ParseDOL(unhex(t, cdol1))
	require.NoError(t, err)
	v, ok := list.Value(command[5:len(command)-1], tag)
	require.True(t, ok)
	return v
}

// Cards for the rows.
func magOnly() *card {
	return &card{gpo: []object{{"82", "0000"}, {"94", "08010100"}}, records: map[[2]byte][]object{{1, 1}: mag},
		ccc: []object{{"9F61", "A2C4"}, {"9F36", "03F9"}}}
}

func (c *card) withGPO(changes ...object) *card { c.gpo = kerneltest.With(c.gpo, changes...); return c }
func (c *card) withAC(changes ...object) *card  { c.ac = kerneltest.With(c.ac, changes...); return c }
func (c *card) withFCI(o ...object) *card       { c.fci = o; return c }
func (c *card) withRaw(ins byte, answer string) *card {
	c.raw = map[byte]string{ins: answer}
	return c
}

// phone is a phone that does CDA, as published profiles have it.
func phone(t testing.TB, changes ...object) *card {
	t.Helper()
	return authentic(t, plastic(append(changes, object{"8E", "0000000000000000 1F03"})...).withGPO(object{"82", "1B80"}))
}

const noAID = "EMV Book C-2, S1.8"

// The start: FCI, GET PROCESSING OPTIONS, mode, records, data.
func TestStart(t *testing.T) {
	for _, r := range []row{
		{rule: noAID, name: "no DF name", s: situation{card: plastic(), change: func(a *kernel.Activation) { a.FCI.Raw = unhex(t, "6F04A5025000") }}, kind: kernel.SelectNext, start: kernel.StartC, l2: c2.L2CardDataMissing},
		{rule: noAID, name: "another DF name", s: situation{card: plastic(), change: func(a *kernel.Activation) { a.AID = unhex(t, "A0000000043060") }}, kind: kernel.SelectNext, start: kernel.StartC, l2: c2.L2CardDataMissing},
		{rule: noAID, name: "no FCI", s: situation{card: plastic(), change: func(a *kernel.Activation) { a.FCI.Raw = unhex(t, "7700") }}, kind: kernel.SelectNext, start: kernel.StartC, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, Annex A", name: "a configuration that cannot be", s: situation{card: plastic(), config: []object{{"DF8120", "00"}}}, kind: kernel.EndApplication, l2: c2.L2TerminalDataError},
		{rule: "EMV Book C-2, S1.11", name: "a PDOL cut off", s: situation{card: plastic(), pdol: "9F1A"}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S1.11", name: "a PDOL too long", s: situation{card: plastic(), pdol: "9F4EFD"}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S3.9", name: "GPO refused", s: situation{card: plastic().withRaw(0xA8, "6985")}, kind: kernel.SelectNext, start: kernel.StartC, l2: c2.L2StatusBytes},
		{rule: "EMV Book C-2, S3.5", name: "GPO lost", s: situation{card: plastic().withRaw(0xA8, "lost")}, kind: kernel.TryAgain, start: kernel.StartB},
		{rule: "EMV Book C-2, S3.12", name: "GPO answer without template", s: situation{card: plastic().withRaw(0xA8, "820219809000")}, kind: kernel.EndApplication, message: kernel.MessageTryAnotherCard, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S3.12", name: "GPO answer empty", s: situation{card: plastic().withRaw(0xA8, "9000")}, kind: kernel.EndApplication, message: kernel.MessageTryAnotherCard, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S3.12", name: "AIP twice", s: situation{card: plastic().withRaw(0xA8, "770C 82021980 82021980 94 02 9000 9000")}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S3.12", name: "AFL of a wrong length", s: situation{card: plastic().withRaw(0xA8, "7708 82021980 9402 0801 9000")}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S3.14", name: "no AFL", s: situation{card: plastic().withGPO(object{"94", "-"})}, kind: kernel.EndApplication, message: kernel.MessageTryAnotherCard, l2: c2.L2CardDataMissing},
		{rule: "EMV Book C-2, S3.14", name: "no AIP", s: situation{card: plastic().withGPO(object{"82", "-"})}, kind: kernel.EndApplication, l2: c2.L2CardDataMissing},
		{rule: "EMV Book C-2, S3.14", name: "format 80 with AIP only", s: situation{card: plastic().withRaw(0xA8, "8002 1980 9000")}, kind: kernel.EndApplication, l2: c2.L2CardDataMissing},
		{rule: "EMV Book C-2, S910.74", name: "format 80", s: situation{card: plastic().withRaw(0xA8, "800A 1980 0801010010010101 9000")}, kind: kernel.OnlineRequest},
		{rule: "EMV Book C-2, S3.18", name: "no EMV mode on the card, no mag-stripe mode here", s: situation{card: magOnly(), config: []object{{"DF811B", "B0"}}}, kind: kernel.EndApplication, message: kernel.MessageTryAnotherCard, l2: c2.L2MagStripeNotSupported},
		{rule: "EMV Book C-2, S13.26", name: "no EMV mode here", s: situation{card: func() *card { c := plastic(); c.ccc = magOnly().ccc; return c }(), config: []object{{"DF811B", "70"}}}, kind: kernel.OnlineRequest},
		{rule: "EMV Book C-2, S3R1.6", name: "the mag-stripe record only, in EMV mode", s: situation{card: plastic().withGPO(object{"94", "08010100"})}, kind: kernel.EndApplication, l2: c2.L2CardDataError},
		{rule: "EMV Book C-2, S3R1.6", name: "AFL malformed", s: situation{card: plastic().withGPO(object{"94", "10010103"})}, kind: kernel.EndApplication, l2: c2.L2CardDataError},
		{rule: "EMV Book C-2, S3R1.6", name: "AFL over-long", s: situation{card: plastic().withGPO(object{"94", "1001FF01"})}, kind: kernel.EndApplication, l2: c2.L2CardDataError},
		{rule: "EMV Book C-2, S4.10", name: "READ RECORD refused", s: situation{card: plastic().withRaw(0xB2, "6A83")}, kind: kernel.EndApplication, message: kernel.MessageTryAnotherCard, l2: c2.L2StatusBytes},
		{rule: "EMV Book C-2, S4.24", name: "a record that starts with 77", s: situation{card: plastic().withRaw(0xB2, "7703 5F3400 9000")}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S4.24", name: "an empty record", s: situation{card: plastic().withRaw(0xB2, "7000 9000")}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S4.24", name: "more than a record", s: situation{card: plastic().withRaw(0xB2, "7004 5F340100 5000 9000")}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S4.27", name: "an object twice", s: situation{card: plastic().withRaw(0xB2, "7008 5F340100 5F340100 9000")}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S4.27", name: "an expiry of two bytes", s: situation{card: plastic(object{"5F24", "4912"})}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S4.6", name: "a record lost", s: situation{card: plastic().withRaw(0xB2, "lost")}, kind: kernel.EndApplication, start: kernel.StartB},
		{rule: "EMV Book C-2, S456.14", name: "over the limit", s: situation{card: plastic(), config: []object{{"DF8124", "000000001249"}}}, kind: kernel.SelectNext, start: kernel.StartC, l2: c2.L2MaxLimitExceeded},
		{rule: "EMV Book C-2, S910.74", name: "at the limit", s: situation{card: plastic(), config: []object{{"DF8124", "000000001250"}}}, kind: kernel.OnlineRequest},
		{rule: "EMV Book C-2, S910.74", name: "a phone has the other limit", s: situation{card: phone(t), config: []object{{"DF8124", "000000000000"}}}, kind: kernel.OnlineRequest},
		{rule: "EMV Book C-2, S456.14", name: "a phone over its limit", s: situation{card: phone(t), config: []object{{"DF8125", "000000001249"}}}, kind: kernel.SelectNext, start: kernel.StartC, l2: c2.L2MaxLimitExceeded},
		{rule: "EMV Book C-2, S456.16", name: "no expiry", s: situation{card: plastic(object{"5F24", "-"})}, kind: kernel.EndApplication, message: kernel.MessageTryAnotherCard, l2: c2.L2CardDataMissing},
		{rule: "EMV Book C-2, S456.16", name: "no account number", s: situation{card: plastic(object{"5A", "-"})}, kind: kernel.EndApplication, l2: c2.L2CardDataMissing},
		{rule: "EMV Book C-2, S456.16", name: "no CDOL1", s: situation{card: plastic(object{"8C", "-"})}, kind: kernel.EndApplication, l2: c2.L2CardDataMissing},
		{rule: "EMV Book C-2, S456.16", name: "two account numbers", s: situation{card: plastic(object{"5A", "5413339001000027"})}, kind: kernel.EndApplication, l2: c2.L2CardDataError},
		{rule: "EMV Book C-2, S456.16", name: "an account number of fill", s: situation{card: plastic(object{"5A", "FFFFFFFFFFFFFFFF"}, object{"57", "-"})}, kind: kernel.EndApplication, l2: c2.L2CardDataError},
		{rule: "EMV Book C-2, S910.74", name: "no track 2", s: situation{card: plastic(object{"57", "-"})}, kind: kernel.OnlineRequest},
		{rule: "EMV Book C-2, S456.27", name: "a tag list other than 82", s: situation{card: plastic(object{"9F4A", "8284"}).withGPO(object{"82", "1980"})}, kind: kernel.EndApplication, l2: c2.L2CardDataError},
		{rule: "EMV Book C-2, GAC.29", name: "CDOL1 cut off", s: situation{card: plastic(object{"8C", "9F02"})}, kind: kernel.EndApplication, l2: c2.L2CardDataError},
	} {
		r.run(t)
	}
}

// S456.25 to S456.27 and 7.6: what becomes of CDA before it begins, and what is
// then asked of the card.
func TestReferenceControlParameter(t *testing.T) {
	noLimits := []object{{"DF8123", "000000009999"}, {"DF8122", "0000000000"}}
	noIAC := []object{{"9F0D", "0000000000"}, {"9F0F", "0000000000"}}
	unknown := authentic(t, plastic())
	unknown.records[[2]byte{3, 1}] = kerneltest.With(unknown.records[[2]byte{3, 1}], object{"8F", "77"})
	short := authentic(t, plastic())
	short.records[[2]byte{3, 1}] = kerneltest.With(short.records[[2]byte{3, 1}], object{"9F32", "-"})
	broken := phone(t)
	broken.records[[2]byte{3, 1}] = kerneltest.With(broken.records[[2]byte{3, 1}], object{"8F", "77"})
	broken2 := phone(t)
	broken2.records[[2]byte{3, 1}] = kerneltest.With(broken2.records[[2]byte{3, 1}], object{"8F", "77"})
	for _, r := range []row{
		{rule: "EMV Book C-2, S910.74", name: "CDA, online", s: situation{card: authentic(t, plastic())}, kind: kernel.OnlineRequest, tvr: "0000008001", p1: 0x90},
		{rule: "EMV Book C-2, S910.74", name: "CDA, offline", s: situation{card: authentic(t, plastic(noIAC...).withAC(object{"9F27", "40"})), config: noLimits}, kind: kernel.Approved, message: kernel.MessageApproved, tvr: "0000000001", p1: 0x50},
		{rule: "EMV Book C-2, S910.74", name: "CDA, offline asked, the card goes online", s: situation{card: authentic(t, plastic(noIAC...)), config: noLimits}, kind: kernel.OnlineRequest, p1: 0x50},
		{rule: "EMV Book C-2, S910.74", name: "no CDA on the card", s: situation{card: plastic().withGPO(object{"82", "1880"})}, kind: kernel.OnlineRequest, tvr: "8000008001", p1: 0x80},
		{rule: "EMV Book C-2, S910.74", name: "no CDA here", s: situation{card: plastic(), config: []object{{"DF811F", "E0"}}}, kind: kernel.OnlineRequest, tvr: "8000008001", p1: 0x80},
		{rule: "EMV Book C-2, S910.74", name: "certificates missing", s: situation{card: plastic()}, kind: kernel.OnlineRequest, tvr: "2400008001", p1: 0x80},
		{rule: "EMV Book C-2, S910.74", name: "an exponent missing", s: situation{card: short}, kind: kernel.OnlineRequest, tvr: "2400008001", p1: 0x80},
		{rule: "EMV Book C-2, S910.74", name: "an unknown CA key", s: situation{card: unknown}, kind: kernel.OnlineRequest, tvr: "0400008001", p1: 0x80},
		{rule: "EMV Book C-2, S910.74", name: "a phone without CDA is asked for a decline", s: situation{card: broken.withAC(object{"9F27", "00"}), config: []object{{"DF8117", "C0"}}}, kind: kernel.Declined, tvr: "0400008001"},
		{rule: "EMV Book C-2, S910.74", name: "a phone without CDA, 9F1D allows it", s: situation{card: broken2, config: []object{{"9F1D", "0000200000000000"}}}, kind: kernel.OnlineRequest, p1: 0x80},
		{rule: "EMV Book C-2, S910.74", name: "an AAC is not signed", s: situation{card: authentic(t, plastic().withAC(object{"9F27", "00"})), config: []object{{"DF8121", "0000008000"}}}, kind: kernel.TryAnotherInterface, message: kernel.MessageInsertCard},
		{rule: "EMV Book C-2, S910.74", name: "an AAC is signed by a card that offers it", s: situation{card: authentic(t, plastic().withAC(object{"9F27", "00"}).withFCI(object{"9F5D", "010100"})), config: []object{{"DF8121", "0000008000"}}}, kind: kernel.TryAnotherInterface, p1: 0x10},
	} {
		r.run(t)
	}
	require.Equal(t, byte(0x00), broken.one(t, 0xAE)[2])
}

// Limits are in the terminal's currency. For an amount in another one, each
// counts as reached; the largest amount that there is, is no limit.
func TestLimitsOfAnotherCurrency(t *testing.T) {
	foreign := func(a *kernel.Activation) { a.Indicators.ForeignCurrency = true }
	high := []object{{"DF8123", "000000009999"}, {"DF8126", "000000009999"}}
	for _, r := range []row{
		{rule: "EMV Book C-2, S910.74", name: "the terminal's own", s: situation{card: plastic(), config: high}, kind: kernel.OnlineRequest, tvr: "2400000001", cvm: kernel.CVMNotRequired},
		{rule: "EMV Book C-2, S910.74", name: "another", s: situation{card: plastic(), config: high, change: foreign}, kind: kernel.OnlineRequest, tvr: "2400048001", cvm: kernel.CVMOnlinePIN, receipt: true},
		{rule: "EMV Book C-2, S456.14", name: "a transaction limit", s: situation{card: plastic(), config: []object{{"DF8124", "000000009999"}}, change: foreign}, kind: kernel.SelectNext, start: kernel.StartC, l2: c2.L2MaxLimitExceeded},
	} {
		r.run(t)
	}
}
