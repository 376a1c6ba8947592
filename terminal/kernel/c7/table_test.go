package c7_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c7"
	"tapsim/terminal/kernel/internal/kerneltest"
)

// Outcomes that recur; the cards of these tests tell their balance.
const (
	online     = "online-request ui=1B/03 cvm=no-cvm balance record"
	declined   = "declined ui=07/04 cvm=no-cvm balance"
	ended      = "end-application ui=1C/05"
	again      = "try-again start=B ui=21/02 restart=21/02"
	approvedBy = "approved ui=03/04 cvm=no-cvm oda=verified balance record"
	odaFailed  = "declined ui=07/04 cvm=no-cvm oda=failed balance"
)

// rule is a row of the decision table: the subject of EMV Book C-7 or the
// document, the condition in words, card and reader that meet it, the outcome,
// and a word of its reason.
type rule struct {
	source, when string
	s            situation
	want, why    string
}

// The decisions of kernel 7, a row a rule. The sections of Book C-7 are not
// public; "PBOC" is PBOC 3.0 (JR/T 0025), "UnionPay" a scheme rule of which
// only descriptions are public.
func TestDecisionTable(t *testing.T) {
	for _, group := range [][]rule{
		commandRules(t), dataRules(t), typeRules(t), cashRules(t), restrictionRules(t), authenticationRules(t), certificateRules(t), verificationRules(t), outcomeRules(t),
	} {
		for _, r := range group {
			t.Run(r.source+": "+r.when, func(t *testing.T) {
				o, _ := r.s.tap(t, loaded())
				require.Equal(t, r.want, kerneltest.Summary(o), o.Reason.Text+" / "+o.ODANote)
				require.Contains(t, o.Reason.Text+" / "+o.ODANote, r.why)
			})
		}
	}
}

func commandRules(t testing.TB) []rule {
	const source = "initiate application processing"
	says := func(answers ...string) situation {
		var s situation
		for _, a := range answers {
			if a == "lost" {
				s.answers = append(s.answers, nil)
				continue
			}
			s.answers = append(s.answers, unhex(t, a))
		}
		return s
	}
	gpo := hex.EncodeToString(coded(t, emv.TagResponseFormat2, tc))
	long := func(afl string) situation {
		return situation{answers: answers(t, kerneltest.With(arqc, object{"94", afl}))}
	}
	return []rule{
		{source, "GPO 6984", says("6984"), "try-another-interface ui=1D/05 contact", "6984"},
		{source, "GPO 6985", says("6985"), "select-next start=C", "6985"},
		{source, "GPO 6986", says("6986"), "try-again start=B ui=20/05 restart=20/02 off=1.3s", "6986"},
		{source, "GPO any other status", says("6A80"), ended, "refused"},
		{source, "the card leaves at GPO", says("lost"), again, "left the field"},
		{source, "no DF name in the FCI", situation{change: func(a *kernel.Activation) { a.FCI.DFName = nil }}, ended, "name of the application"},
		{source, "no PDOL", situation{change: func(a *kernel.Activation) { a.FCI.PDOL = nil }}, ended, "no PDOL"},
		{source, "the PDOL does not ask for 9F66", situation{change: func(a *kernel.Activation) { a.FCI.PDOL = []byte{0x9F, 0x02, 6} }}, ended, "9F66"},
		{"read application data", "a record is refused", says(gpo, "6A83"), ended, "refused READ RECORD"},
		{"read application data", "a record is no template 70", says(gpo, "77009000"), ended, "not a template 70"},
		{"read application data", "the card leaves at a record that is not the last", says(gpo, "lost"), again, "left the field before"},
		{"read application data", "an AFL of five bytes", long("0801010108"), ended, "locator is malformed"},
		{"read application data", "an AFL that goes backwards", long("08020100"), ended, "locator is malformed"},
		{"read application data", "an AFL of 65 records", long("08014100"), ended, "too many records"},
		{"read application data", "an AFL of 63 files with 255 records", long(strings.Repeat("0801FF00", 63)), ended, "too many records"},
	}
}

func dataRules(t testing.TB) []rule {
	const source = "mandatory data"
	gpo := func(change ...object) situation {
		return situation{answers: answers(t, kerneltest.With(arqc, change...))}
	}
	format1 := [][]byte{unhex(t, "8006 7C00 08010100 9000"), coded(t, emv.TagRecord, kerneltest.With(arqc, object{"82", "-"}))}
	return []rule{
		{source, "no AIP", gpo(object{"82", "-"}), ended, "no 82"},
		{source, "no ATC", gpo(object{"9F36", "-"}), ended, "no 9F36"},
		{source, "no cryptogram", gpo(object{"9F26", "-"}), ended, "no 9F26"},
		{source, "no issuer application data", gpo(object{"9F10", "-"}), ended, "no 9F10"},
		{source, "no track 2", gpo(object{"57", "-"}), ended, "no 57"},
		{source, "a mandatory object without a value", gpo(object{"9F36", ""}), ended, "no 9F36"},
		{source, "5A and 57 name different accounts", gpo(object{"5A", "6250940001000022"}), ended, "different accounts"},
		{source, "5A and 57 name the same account", gpo(object{"5A", account}), online, "ARQC"},
		{"data objects", "an optional object without a value", gpo(object{"9F63", ""}), online, "ARQC"},
		{"data objects", "the same object twice", situation{answers: answers(t, append(kerneltest.With(arqc), object{"9F36", "0001"}))}, ended, "twice"},
		{"data objects", "an object of a wrong length", gpo(object{"9F74", "4543"}), ended, "wrong length"},
		{"data objects", "GPO answer of format 1 with records", situation{answers: format1}, online, "ARQC"},
	}
}

func typeRules(t testing.TB) []rule {
	const source = "cryptogram type"
	gpo := func(ttq string, change ...object) situation {
		return situation{answers: answers(t, kerneltest.With(arqc, change...)), ttq: ttq}
	}
	aac := object{"9F10", "07010103800000010A010000000000A1B2C3D4"}
	noRecords := kerneltest.With(tc, object{"94", "-"})
	return []rule{
		{source, "no 9F27: the CVR says ARQC", gpo(""), online, "ARQC"},
		{source, "no 9F27: the CVR says AAC", gpo("", aac), declined, "AAC"},
		{source, "no 9F27: the CVR says no known type", gpo("", object{"9F10", "07010103B0000001"}), declined, "no known type"},
		{source, "no 9F27 and no CVR", gpo("", object{"9F10", "00112233445566"}), ended, "tell no cryptogram type"},
		{source, "9F27 before the CVR", gpo("", object{"9F27", "00"}), declined, "AAC"},
		{source, "ARQC, SM4 in the issuer application data: opaque here", gpo("", object{"9F10", "07010103A0000004"}), online, "ARQC"},
		{source, "ARQC, issuer application data without the optional block", gpo("", object{"9F10", "07010103A0000001"}), online, "ARQC"},
		{source, "ARQC, cryptogram version 17", gpo("", object{"9F10", "07011103A0000001"}), online, "ARQC"},
		{source, "ARQC, the reader is offline only", gpo("28004080"), declined, "offline only"},
		{source, "TC, online cryptogram asked: taken online", situation{answers: answers(t, noRecords), ttq: "36804080"}, online, "although the reader asked"},
		{source, "TC, online cryptogram asked, the reader is offline only", situation{answers: answers(t, noRecords), ttq: "28804080"}, declined, "offline only"},
		{source, "TC below the floor limit", situation{answers: genuine(t, related)}, approvedBy, "genuine"},
		{source, "refund, AAC", situation{answers: answers(t, kerneltest.With(arqc, aac)), change: func(a *kernel.Activation) { a.Transaction.Type = 0x20 }}, declined, "AAC"},
	}
}

// Electronic cash: what the reader offers, and what it makes of the answer.
func cashRules(t testing.TB) []rule {
	const source = "PBOC, electronic cash"
	pays := func(ttq string, change func(*kernel.Activation)) situation {
		return situation{answers: genuine(t, related), ttq: ttq, change: func(a *kernel.Activation) {
			purse(a)
			if change != nil {
				change(a)
			}
		}}
	}
	asks := pays("", nil)
	asks.answers = answers(t, arqc)
	limit := func(v byte) func(*kernel.Activation) {
		return func(a *kernel.Activation) { a.Config.Data.Set(emv.TagECashTerminalLimit, []byte{0, 0, 0, 0, v, 0x50}) }
	}
	return []rule{
		{source, "offered and paid with", pays("", nil), approvedBy, "electronic cash"},
		{source, "offered and paid with, the reader is offline only", pays("28004080", nil), approvedBy, "electronic cash"},
		{source, "offered, the card asks for the issuer (balance below 9F6D)", asks, online, "ARQC"},
		{source, "an amount of 9F7B", pays("", limit(0x12)), approvedBy, "electronic cash"},
		{source, "an amount above 9F7B: online", pays("", limit(0x11)), online, "although the reader asked"},
		{source, "the same, the reader is offline only", pays("28004080", limit(0x11)), declined, "online only"},
		{source, "another currency: online", pays("", func(a *kernel.Activation) { a.Config.Settings.Kernel7.ECashCurrency = 156 }), online, "although the reader asked"},
		{source, "no purchase: online", pays("", func(a *kernel.Activation) { a.Transaction.Type = 0x09 }), online, "although the reader asked"},
		{source, "a reader without a limit: online", pays("", func(a *kernel.Activation) { a.Config.Data.Set(emv.TagECashTerminalLimit, []byte{0x20, 0x00}) }), online, "although the reader asked"},
		{source, "a reader without electronic cash: the card's own limits", pays("", func(a *kernel.Activation) { a.Config.Data.Set(emv.TagECashIndicator, []byte{0}) }), approvedBy, "electronic cash"},
	}
}

func restrictionRules(t testing.TB) []rule {
	auc := func(kind byte, objects ...object) situation {
		return situation{answers: answers(t, kerneltest.With(arqc, objects...)), change: func(a *kernel.Activation) { a.Transaction.Type, a.Config.Settings.AUCCheck = kind, true }}
	}
	// offline is an approval without records: what follows it fails at
	// authentication unless a restriction comes first.
	offline := func(ttq string, change ...object) situation {
		return situation{answers: answers(t, kerneltest.With(kerneltest.With(tc, object{"94", "-"}), change...)), ttq: ttq}
	}
	listed := func(a *kernel.Activation) { a.Config.Settings.ExceptionFile = []emv.PAN{account} }
	atm := func(ttq string) situation {
		return situation{answers: answers(t, kerneltest.With(arqc, object{"9F6C", "0100"})), ttq: ttq, change: func(a *kernel.Activation) {
			a.Config.Data = append(emv.List{{Tag: emv.TagTerminalType, Value: []byte{0x14}}, {Tag: 0x9F40, Value: []byte{0x80, 0, 0, 0, 0}}}, a.Config.Data...)
		}}
	}
	return []rule{
		{"expiry date", "TC, expired", offline("", object{"5F24", "291231"}), declined, "expired"},
		{"expiry date", "TC, good until today", offline("", object{"5F24", "300101"}), odaFailed, "authenticated"},
		{"expiry date", "TC, no expiry date", offline(""), declined, "expired"},
		{"expiry date", "TC, no day of the calendar", offline("", object{"5F24", "490231"}), declined, "expired"},
		{"expiry date", "TC, expired, CTQ goes online then", offline("", object{"5F24", "291231"}, object{"9F6C", "0800"}), online, "expired"},
		{"expiry date", "the same, the reader is offline only", offline("28004080", object{"5F24", "291231"}, object{"9F6C", "0800"}), declined, "expired"},
		{"expiry date", "ARQC, expired: the issuer's", situation{answers: answers(t, kerneltest.With(arqc, object{"5F24", "291231"}))}, online, "ARQC"},
		{"exception file", "TC, listed", situation{answers: genuine(t, related), change: listed}, declined, "exception file"},
		{"exception file", "ARQC, listed: the issuer's", situation{answers: answers(t, arqc), change: listed}, online, "ARQC"},
		{"usage control, cash", "domestic, allowed", auc(0x01, object{"9F07", "8000"}, object{"5F28", "0276"}), online, "ARQC"},
		{"usage control, cash", "domestic, not allowed", auc(0x01, object{"9F07", "4000"}, object{"5F28", "0276"}), declined, "cash"},
		{"usage control, cash", "international, allowed", auc(0x17, object{"9F07", "4000"}, object{"5F28", "0156"}), online, "ARQC"},
		{"usage control, cash", "no usage control on the card", auc(0x01), declined, "cash"},
		{"usage control, cash", "not allowed, CTQ switches interface", auc(0x01, object{"9F6C", "0400"}), "try-another-interface ui=18/05", "cash"},
		{"usage control, cashback", "international, not allowed", auc(0x09, object{"9F07", "0080"}, object{"5F28", "0156"}), declined, "cashback"},
		{"usage control, cashback", "not allowed, CTQ switches interface", auc(0x09, object{"9F6C", "0200"}), "try-another-interface ui=18/05", "cashback"},
		{"ATM", "CTQ not valid at ATMs, an ATM with contacts", atm("36004080"), "try-another-interface ui=18/05", "ATM"},
		{"ATM", "CTQ not valid at ATMs, an ATM without", atm("26004080"), declined, "ATM"},
	}
}

func authenticationRules(t testing.TB) []rule {
	const source = "fDDA"
	spoilt := object{"9F4B", strings.Repeat("00", 128)}
	play := func(ttq, cardAuth string, change ...object) situation {
		return situation{answers: genuine(t, cardAuth, change...), ttq: ttq}
	}
	// paid has a signature over another amount, which shows with the last record.
	paid := func(ctq string) situation {
		s := play("", related, object{"9F6C", ctq})
		s.change = func(a *kernel.Activation) { a.Transaction.Amount++ }
		return s
	}
	// counted approves without electronic cash.
	counted := func(ttq, cardAuth string, change ...object) situation {
		s := play(ttq, cardAuth, change...)
		s.answers[4] = coded(t, emv.TagRecord, []object{{"9F69", cardAuth}})
		return s
	}
	strict := func(s situation) situation {
		s.change = func(a *kernel.Activation) { a.Config.Settings.Kernel7.FDDA1Only = true }
		return s
	}
	other := play("", related)
	other.change = func(a *kernel.Activation) { a.Transaction.Amount++ }
	old := play("36004000", related)
	old.change = other.change
	return []rule{
		{source, "version 01 signs amount, currency and 9F69", play("", related), approvedBy, "genuine / fDDA"},
		{source, "another amount than the card signed", other, odaFailed, "hash"},
		{source, "the reader does not offer version 01: version 00", play("36004000", ""), approvedBy, "fDDA version 00"},
		{source, "the reader does not offer version 01, the card signed it", old, odaFailed, "format 95, want 05"},
		{source, "no 9F69: version 00", play("", ""), approvedBy, "fDDA version 00"},
		{source, "9F69 of version 00", play("", "00 A1A2A3A4 0000 00"), approvedBy, "fDDA version 00"},
		{source, "a reader that takes version 01 only", strict(play("", related)), approvedBy, "genuine"},
		{source, "the same, the card gives version 00", strict(play("", "")), declined, "version 01 only"},
		{source, "the same, but does not offer it", strict(play("36004000", "")), approvedBy, "fDDA version 00"},
		{source, "a signature that does not verify", play("", related, spoilt), odaFailed, "could not be authenticated"},
		{source, "no signature", play("", related, object{"9F4B", "-"}), odaFailed, "takes no part"},
		{source, "no DDA in the AIP", play("", related, object{"82", "5C00"}), odaFailed, "takes no part"},
		{"fDDA failed", "electronic cash: the purse has paid, so not online", paid("2000"), odaFailed, "could not be authenticated"},
		{"fDDA failed", "electronic cash: nor to contact", paid("1000"), odaFailed, "could not be authenticated"},
		{"fDDA failed", "electronic cash, but it has not paid yet: online", play("", related, spoilt, object{"9F6C", "2000"}), "online-request ui=1B/03 cvm=no-cvm oda=failed balance record", "go online"},
		{"fDDA failed", "CTQ goes online", counted("", related, spoilt, object{"9F6C", "2000"}), "online-request ui=1B/03 cvm=no-cvm oda=failed balance record", "go online"},
		{"fDDA failed", "CTQ goes online, the reader is offline only", counted("28004080", related, spoilt, object{"9F6C", "2000"}), odaFailed, "could not be authenticated"},
		{"fDDA failed", "CTQ switches to contact", counted("", related, spoilt, object{"9F6C", "1000"}), "try-another-interface ui=1D/05 contact oda=failed", "contact"},
		{"fDDA failed", "CTQ switches, the reader has no contacts", counted("26004080", related, spoilt, object{"9F6C", "1000"}), odaFailed, "could not be authenticated"},
		{source, "ARQC: not performed", situation{answers: answers(t, arqc), ttq: "37004080"}, online, "ARQC"},
	}
}

// Certificates that are not good: the outcome is the same, the note says why.
func certificateRules(t testing.TB) []rule {
	const source = "offline data authentication (EMV Book 2)"
	bad := func(d testca.Defect) situation { return situation{answers: certified(t, d, related)} }
	record := func(n int, change func([]object) []object) situation {
		s := situation{answers: genuine(t, related)}
		_, list := kerneltest.Objects(s.answers[n])
		var objects []object
		for _, o := range list {
			objects = append(objects, object{o.Tag.String(), hex.EncodeToString(o.Value)})
		}
		s.answers[n] = coded(t, emv.TagRecord, change(objects))
		return s
	}
	longer := func(tag string) func([]object) []object {
		return func(l []object) []object {
			for i := range l {
				if l[i].Tag() == tag {
					l[i][1] += "00"
				}
			}
			return l
		}
	}
	without := func(tag string) func([]object) []object {
		return func(l []object) []object { return kerneltest.With(l, object{tag, "-"}) }
	}
	return []rule{
		{source, "the issuer certificate expired", bad(testca.DefectIssuerExpired), odaFailed, "issuer certificate: expired"},
		{source, "the card's certificate expired", bad(testca.DefectCardExpired), odaFailed, "ICC certificate: expired"},
		{source, "the issuer certificate is revoked", bad(testca.DefectRevoked), odaFailed, "issuer certificate: revoked"},
		{source, "an unknown CA", bad(testca.DefectUnknownCA), odaFailed, "CA key: missing"},
		{source, "the issuer certificate is too long", record(2, longer("90")), odaFailed, "CA key: missing"},
		{source, "the card's certificate is too long", record(3, longer("9F46")), odaFailed, "ICC certificate: length"},
		{source, "no CA index", record(2, without("8F")), odaFailed, "missing"},
		{source, "no issuer certificate", record(2, without("90")), odaFailed, "issuer certificate: missing"},
		{source, "no issuer exponent", record(2, without("9F32")), odaFailed, "issuer certificate: missing"},
		{source, "no ICC certificate", record(3, without("9F46")), odaFailed, "ICC certificate: missing"},
		{source, "no ICC exponent", record(3, without("9F47")), odaFailed, "ICC certificate: missing"},
		{source, "other signed data", record(1, func(l []object) []object { return kerneltest.With(l, object{"9F07", "FFFF"}) }), odaFailed, "ICC certificate: hash"},
		{source, "a tag list that names more than 82", record(1, func(l []object) []object { return kerneltest.With(l, object{"9F4A", "8284"}) }), odaFailed, "only 82"},
	}
}

func verificationRules(t testing.TB) []rule {
	const source, required = "cardholder verification", "36404080"
	card := func(ttq, ctq string, change ...func(*kernel.Activation)) situation {
		s := situation{answers: answers(t, kerneltest.With(arqc, object{"9F6C", ctq})), ttq: ttq}
		for _, c := range change {
			s.change = c
		}
		return s
	}
	offline := func(ttq, cardAuth, ctq string) situation {
		return situation{answers: genuine(t, cardAuth, object{"9F6C", ctq}), ttq: ttq}
	}
	by := func(cvm string) string { return strings.Replace(online, "no-cvm", cvm, 1) }
	pinFirst := func(a *kernel.Activation) { a.Config.Settings.Kernel7.PINFirst = true }
	small := func(limit int64) func(*kernel.Activation) {
		return func(a *kernel.Activation) { a.Config.Settings.Kernel7.SmallAmount = &limit }
	}
	foreign := func(a *kernel.Activation) { small(1250)(a); a.Indicators.ForeignCurrency = true }
	cashback := func(a *kernel.Activation) { small(1250)(a); a.Transaction.Type = 0x09 }
	const unasked = "UnionPay, small amounts"
	return []rule{
		{source, "no CTQ, not required", card("", "-"), online, ""},
		{source, "no CTQ, required, the reader has signature and PIN", card(required, "-"), by("signature receipt"), ""},
		{source, "the same, PIN first", card(required, "-", pinFirst), by("online-pin"), ""},
		{source, "no CTQ, required, the reader has PIN only", card("34404080", "-"), by("online-pin"), ""},
		{source, "no CTQ, required, the reader has the device only", card("20404080", "-"), declined, "no method"},
		{source, "CTQ PIN, the reader has it", card(required, "8000"), by("online-pin"), ""},
		{source, "CTQ PIN and TC: goes online", offline("", related, "8000"), by("online-pin"), "PIN"},
		{source, "CTQ PIN and TC, the reader is offline only", offline("2C004080", related, "8000"), declined, "PIN"},
		{source, "CTQ signature, the reader has it", card(required, "4000"), by("signature receipt"), ""},
		{source, "CTQ signature, TC", offline(required, related, "4000"), "approved ui=1A/04 cvm=signature receipt oda=verified balance record", ""},
		{source, "CTQ device, ARQC", card(required, "0080"), by("device"), ""},
		{source, "CTQ device, the reader does not take it", card("36400080", "0080"), declined, "no method in common"},
		{source, "CTQ device, TC, the signed copy agrees", offline(required, "01 A1A2A3A4 0080 00", "0080"), "approved ui=03/04 cvm=device oda=verified balance record", ""},
		{source, "CTQ device, TC, the signed copy differs", offline(required, related, "0080"), "declined ui=07/04 cvm=no-cvm oda=verified balance", "not those in 9F69"},
		{source, "CTQ device, TC, fDDA version 00 signs no copy", offline(required, "00 A1A2A3A4 0080 00", "0080"), "declined ui=07/04 cvm=no-cvm oda=verified balance", "no proof"},
		{source, "PIN before device before signature", card(required, "C080"), by("online-pin"), ""},
		{source, "device before signature", card(required, "4080"), by("device"), ""},
		{source, "required, nothing in common", card("34404080", "4000"), declined, "no method in common"},
		{source, "not required, nothing in common", card("34004080", "4000"), online, ""},
		{unasked, "CTQ PIN, an amount of the limit", card("", "8000", small(1250)), online, ""},
		{unasked, "CTQ PIN, a cent above", card("", "8000", small(1249)), by("online-pin"), ""},
		{unasked, "CTQ signature, an amount of the limit", card("", "4000", small(1250)), online, ""},
		{unasked, "the reader requires verification all the same", card(required, "8000", small(1250)), by("online-pin"), ""},
		{unasked, "verified on the device: that is told", card("", "8080", small(1250)), by("device"), ""},
		{unasked, "cashback is none", card("", "8000", cashback), by("online-pin"), ""},
		{unasked, "a currency that the limits are not in", card("", "8000", foreign), by("online-pin"), ""},
	}
}

func outcomeRules(t testing.TB) []rule {
	purseOf := func(objects ...object) situation {
		return situation{answers: answers(t, kerneltest.With(kerneltest.With(arqc, object{"9F5D", "-"}), objects...))}
	}
	restarted := situation{answers: answers(t, arqc), change: func(a *kernel.Activation) {
		a.Restart, a.Authorised, a.IssuerData = true, true, unhex(t, "91081BCF65E83030 8A023030")
	}}
	return []rule{
		{"outcomes", "no balance", purseOf(), strings.Replace(online, " balance", "", 1), ""},
		{"outcomes", "the balance is in 9F79", purseOf(object{"9F79", "000000001000"}), online, ""},
		{"outcomes", "a balance that is no number", purseOf(object{"9F5D", "00000000100A"}), strings.Replace(online, " balance", "", 1), ""},
		{"outcomes", "reader and card could take an issuer update: kernel 7 has none", situation{answers: answers(t, kerneltest.With(arqc, object{"9F6C", "0040"})), ttq: "3600C080"}, online, ""},
		{"outcomes", "a restart with the issuer's data is a new transaction", restarted, online, ""},
	}
}

// The outcome of a card that the kernel has no keys for.
func TestWithoutKeys(t *testing.T) {
	o, _ := situation{answers: genuine(t, related)}.tap(t, c7.New())
	require.Equal(t, odaFailed, kerneltest.Summary(o))
	require.Equal(t, "this terminal has no certification authority keys", o.ODANote)
	require.Equal(t, byte(7), c7.New().ID())
}
