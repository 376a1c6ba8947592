package issuer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/provisioning"
)

// withData adds data objects to field 55 that the cryptogram does not cover.
func withData(m *iso8583.Message, list ...emv.TLV) { m.ICCData = emv.List(list).Append(m.ICCData) }

// TestVerificationIsPlausible decides about claims above the limit: plastic and
// phones, what is signed and what a man in the middle may have written.
func TestVerificationIsPlausible(t *testing.T) {
	ctq := func(b1, b2 byte) func(*iso8583.Message) {
		return func(m *iso8583.Message) { withData(m, emv.TLV{Tag: emv.TagCTQ, Value: []byte{b1, b2}}) }
	}
	cvm := func(method byte) func(*iso8583.Message) {
		return func(m *iso8583.Message) { withData(m, emv.TLV{Tag: emv.TagCVMResults, Value: []byte{method, 0, 2}}) }
	}
	ffi := func(value string) func(*iso8583.Message) {
		return func(m *iso8583.Message) { withData(m, emv.TLV{Tag: emv.TagFormFactor, Value: unhex(value)}) }
	}
	pin := func(m *iso8583.Message) { m.PINBlock = make([]byte, 8) }
	both := func(all ...func(*iso8583.Message)) func(*iso8583.Message) {
		return func(m *iso8583.Message) {
			for _, change := range all {
				change(m)
			}
		}
	}
	nothing := func(*iso8583.Message) {}
	none, device, byte5 := []byte{0, 0xA0, 0, 0, 0}, []byte{0, 0xA4, 0, 0, 0}, []byte{0, 0xA0, 0, 0, 0x02}
	for _, c := range []struct {
		name   string
		cvr    []byte // of the phone; nil is plastic
		amount int64
		change func(*iso8583.Message)
		code   string
		text   string
	}{
		{"plastic, nothing told", nil, 60_00, nothing, "00", "does not tell"},
		{"plastic, small amount", nil, 50_00, ctq(0, 0x80), "00", "not above the limit"},
		{"plastic that verified its holder on the device", nil, 60_00, ctq(0, 0x80), "63", "9F6C claims verification on the cardholder's device, and this is a card"},
		{"the same by CVM results", nil, 60_00, cvm(0x41), "63", "9F34 claims"},
		{"the same, with a PIN", nil, 60_00, both(ctq(0, 0x80), pin), "63", "9F6C claims"},
		{"plastic in a contact reader", nil, 60_00, both(cvm(0x01), func(m *iso8583.Message) { m.EntryMode = "051" }), "00", ""},
		{"plastic with a PIN", nil, 60_00, both(ctq(0x80, 0), pin), "00", "field 52"},
		{"plastic without its PIN", nil, 60_00, ctq(0x80, 0), "70", "a PIN is claimed, but field 52 is missing"},
		{"the same by CVM results", nil, 60_00, cvm(0x42), "70", "a PIN is claimed"},
		{"plastic with a signature", nil, 60_00, ctq(0x40, 0), "00", "a signature"},
		{"the same by CVM results", nil, 60_00, cvm(0x1E), "00", "a signature"},
		{"plastic, nobody verified", nil, 60_00, ctq(0, 0), "70", "60.00 EUR is above the limit of 50.00 EUR without verification: 9F6C says that there was no verification"},
		{"the same by CVM results", nil, 60_00, cvm(0x1F), "70", "9F34 says"},

		{"unlocked phone", device, 60_00, ctq(0, 0x80), "00", "on the cardholder's device, says the card"},
		{"unlocked phone, byte 5", byte5, 60_00, nothing, "00", "on the cardholder's device"},
		{"locked phone, said to be unlocked", none, 60_00, ctq(0, 0x80), "63", "9F6C claims verification on the cardholder's device, the signed"},
		{"locked phone, said to be a card", none, 60_00, both(ctq(0, 0x80), ffi("20000000")), "63", "9F6E says that this is a card"},
		{"unlocked phone, said to be a card", device, 60_00, both(cvm(0x01), ffi("21000000")), "63", "9F34 claims verification on the cardholder's device, and 9F6E says"},
		{"unlocked phone", device, 60_00, both(cvm(0x01), ctq(0, 0x80), ffi("238E0000")), "00", "on the cardholder's device, says the card"},
		{"plastic whose holder signed instead", nil, 60_00, both(ctq(0x80, 0), cvm(0x1E)), "00", "a signature"},
		{"plastic that wanted a PIN, and nobody verified", nil, 60_00, both(ctq(0x80, 0), cvm(0x1F)), "70", "9F34 says that there was no verification"},
		{"locked phone", none, 60_00, nothing, "70", "the signed card verification results say that there was none"},
		{"locked phone, small amount", none, 50_00, nothing, "00", "not above the limit"},
		{"locked phone with a PIN", none, 60_00, pin, "00", "field 52"},
		{"phone with a signature", []byte{0x6D, 0xA0, 0, 0, 0}, 60_00, nothing, "00", "a signature"},
		{"phone, PIN claimed", []byte{0x6E, 0xA0, 0, 0, 0}, 60_00, nothing, "70", "a PIN is claimed"},
	} {
		b := newBank(t, func(c *Config) { c.Verification.Limit = 50_00 })
		p := plasticTap(1, c.amount)
		if c.cvr != nil {
			set, err := b.Replenish(context.Background(), provisioning.Request{Token: testToken}, deviceKey(t))
			require.NoError(t, err)
			p = phoneTap(t, set, 0, 1, c.amount)
			copy(p.iad[3:8], c.cvr)
		}
		m := p.message(t, "0100", 1)
		c.change(m)
		answer, report := b.handle(m)
		require.Equal(t, c.code, answer.ResponseCode, "%s: %+v", c.name, report.find(stepVerification))
		require.Contains(t, report.find(stepVerification).Text, c.text, c.name)
		require.Equal(t, OK, report.Cryptogram, c.name)
	}
}

// TestVerificationResponse is the configured code, which a PIN then answers; a
// worse reason takes its place.
func TestVerificationResponse(t *testing.T) {
	phone := func(b *bank) (provisioning.KeySet, tap) {
		set, err := b.Replenish(context.Background(), provisioning.Request{Token: testToken}, deviceKey(t))
		require.NoError(t, err)
		return set, phoneTap(t, set, 0, 1, 60_00)
	}
	rules := func(c *Config) {
		c.Verification, c.SecondUse = VerificationRules{Limit: 50_00, Response: "1A"}, SecondUseRules{Within: MaxSecondUse}
	}
	b := newBank(t, rules)
	_, p := phone(b)
	m := p.message(t, "0100", 1)
	answer, _ := b.handle(m)
	require.Equal(t, "1A", answer.ResponseCode)
	m = p.message(t, "0100", 2)
	m.PINBlock = make([]byte, 8)
	answer, _ = b.handle(m)
	require.Equal(t, "00", answer.ResponseCode, "the same cryptogram, with a PIN")
	answer, report := b.handle(p.message(t, "0100", 3))
	require.Equal(t, "63", answer.ResponseCode, "a replay gets no other chance: %+v", report.Steps)
	m = p.message(t, "0100", 4)
	m.PINBlock = make([]byte, 8)
	answer, _ = b.handle(m)
	require.Equal(t, "63", answer.ResponseCode)
	require.Equal(t, int64(60_00), b.account().Held)

	b = newBank(t, rules)
	set, _ := phone(b)
	answer, _ = b.handle(phoneTap(t, set, 0, 1, 600_00).message(t, "0100", 1))
	require.Equal(t, "51", answer.ResponseCode, "a PIN brings no money")
}

// TestVerificationAskedForAsTheTerminalCan: 70 wants a PIN with the same tap, so
// only a terminal that can take one hears it.
func TestVerificationAskedForAsTheTerminalCan(t *testing.T) {
	for _, c := range []struct {
		scheme       emv.Scheme
		mode         string // field 22
		capabilities string // 9F33
		want         Code
	}{
		{emv.SchemeVisa, "071", "", "70"},
		{emv.SchemeVisa, "071", "E0F8C8", "70"},
		{emv.SchemeVisa, "071", "0008C8", "1A"},
		{emv.SchemeVisa, "072", "", "1A"},
		{emv.SchemeVisa, "072", "E0F8C8", "1A"},
		{emv.SchemeVisa, "070", "6040C8", "70"},
		{emv.SchemeVisa, "070", "60B0C8", "1A"}, // offline PIN is for the contact chip
		{emv.SchemeVisa, "", "", "70"},
		{emv.SchemeMastercard, "071", "E0F8C8", "65"},
		{emv.SchemeMastercard, "072", "0008C8", "65"},
		{emv.SchemeUnionPay, "071", "", "70"},
		{emv.SchemeUnionPay, "072", "", "1A"},
		{emv.SchemeAmex, "071", "E0F8C8", "1A"},
	} {
		p := &payment{request: &iso8583.Message{EntryMode: c.mode}, scope: &Range{Scheme: c.scheme}, chip: new(chip)}
		if c.capabilities != "" {
			require.NoError(t, p.chip.take(emv.TagTerminalCapabilities, unhex(c.capabilities)))
		}
		require.Equal(t, c.want, (&VerificationRules{}).response(p), "%+v", c)
		require.Equal(t, Code("05"), (&VerificationRules{Response: "05"}).response(p))
	}
}

// TestVerificationInAdvices is judged too: a lie flags the advice, a PIN that
// another host verified does not.
func TestVerificationInAdvices(t *testing.T) {
	for method, flagged := range map[byte]bool{0x42: false, 0x41: true, 0x1E: false, 0x1F: true} {
		b := newBank(t, func(c *Config) { c.Verification.Limit = 50_00 })
		m := offlineTap(1, 60_00).message(t, "0220", 1)
		withData(m, emv.TLV{Tag: emv.TagCVMResults, Value: []byte{method, 0, 2}})
		answer, report := b.handle(m)
		require.Equal(t, "00", answer.ResponseCode)
		require.Equal(t, int64(440_00), b.account().Balance)
		records, err := b.store.Records(context.Background(), "A")
		require.NoError(t, err)
		require.Equal(t, flagged, records[len(records)-1].Flagged, "%02X: %+v", method, report.find(stepVerification))
	}
}

// TestDates: a request is about now.
func TestDates(t *testing.T) {
	for _, c := range []struct {
		days  int
		told  string // 9A
		field string // 13
		code  string
		text  string
	}{
		{3, "300101", "0101", "00", ""},
		{3, "291229", "1229", "00", ""},
		{3, "291228", "1231", "63", "the bank's clock says 2030-01-01, the card was told 9A 291228; at most 3 days"},
		{3, "300104", "0104", "00", ""},
		{3, "300105", "0105", "63", "the bank's clock"},
		{3, "300103", "1230", "63", "field 13 is 1230, the card was told 9A 300103"},
		{3, "300103", "1231", "00", ""},
		{3, "300101", "", "00", ""},
		{3, "300101", "0230", "00", ""}, // no day: other checks' business
		{3, "300001", "0101", "63", "9A 300001 is no date"},
		{3, "3001AA", "0101", "63", "no date"},
		{0, "260115", "0101", "00", ""},
	} {
		b := newBank(t, func(config *Config) { config.Limits.MaxDays = c.days })
		p := plasticTap(1, 12_50)
		e := p.elements()
		copy(e.Date[:], unhex(c.told))
		m := p.message(t, "0100", 1)
		m.LocalDate, m.ICCData = c.field, signed(t, p, &e)
		answer, report := b.handle(m)
		require.Equal(t, c.code, answer.ResponseCode, "%+v", c)
		require.Contains(t, report.find("consistency").Text, c.text)
	}
}

// What an M/Chip phone signs about its owner counts where no reader tells: a
// cryptogram of a locked one pays neither by code nor in an app, and above the limit
// no claim of the reader's helps it. Results that do not tell are not held against it.
func TestVerificationSignedByMChip(t *testing.T) {
	card, err := cryptogram.DeriveCardKey(tdes("9E15204313F7318ACB79B90BD986AD29"), cryptogram.OptionA, string(mastercardToken), "00")
	require.NoError(t, err)
	const verified, locked, silent, both = 0xA50003020000, 0xA00003220000, 0xA00003020000, 0xA50003220000
	for n, c := range []struct {
		results int64
		mode    string
		claim   byte // first byte of 9F34; 0: none
		code    string
	}{
		{verified, "810", 0, "00"}, {locked, "810", 0, "63"}, {silent, "810", 0, "00"}, {both, "810", 0, "00"},
		{verified, "071", 0, "00"}, {locked, "071", 0, "65"}, {locked, "071", 1, "63"}, {verified, "071", 1, "00"}, {silent, "071", 1, "00"},
	} {
		b := mastercardBank(t, false)
		b.Issuer.config.Verification.Limit = 50
		p := tap{mastercardToken, "00", card, []byte{1, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF}, 1, 1_00, 0x80, 0x1A2B3C4D}
		for at := range 6 {
			p.iad[2+at] = byte(c.results >> (8 * (5 - at)))
		}
		e := p.elements()
		r, err := cryptogram.RecipeFor(emv.SchemeMastercard, e.IAD)
		require.NoError(t, err)
		ac, err := r.Generate(card, &e)
		require.NoError(t, err)
		m := mastercardMessage(t, card, 0x10, 1, 1)
		if m.EntryMode, m.ICCData = c.mode, iccOf(&e, ac, p.cid); c.claim != 0 {
			withData(m, emv.TLV{Tag: emv.TagCVMResults, Value: []byte{c.claim, 0, 2}})
		}
		answer, report := b.handle(m)
		require.Equal(t, c.code, answer.ResponseCode, "%d: %+v", n, report.Steps)
	}
}

// A plastic card that verified a PIN by itself claims no device.
func TestMChipPlasticClaimsNoDevice(t *testing.T) {
	p := payment{proof: new(proof), chip: new(chip), scope: &Range{Scheme: emv.SchemeMastercard}}
	p.chip.elements.IAD = []byte{1, 0x10, 0xA5, 0, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF}
	for kind, want := range map[Kind]signedResults{Card: {}, Token: {told: true, device: true}} {
		p.instrument.Kind = kind
		require.Equal(t, want, p.signedVerification(), kind)
	}
	p.instrument.Kind, p.proof = Token, nil
	require.Equal(t, signedResults{}, p.signedVerification(), "a cryptogram that is wrong signs nothing")
}
