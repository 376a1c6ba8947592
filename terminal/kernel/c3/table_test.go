package c3_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c3"
	"tapsim/terminal/kernel/internal/kerneltest"
)

// Outcomes that recur.
const (
	online     = "online-request ui=1B/03 cvm=no-cvm record"
	declined   = "declined ui=07/04 cvm=no-cvm"
	ended      = "end-application ui=1C/05"
	odaFailed  = "declined ui=07/04 cvm=no-cvm oda=failed"
	approvedBy = "approved ui=03/04 cvm=no-cvm oda=verified record"
)

// rule is a row of the decision table: the section, the condition in words, the
// card and reader that meet it, and the outcome.
type rule struct {
	section, when string
	s             situation
	keys          bool // the terminal has the test authority's keys
	want          string
}

// The decisions of kernel 3, a row a rule, in the order of Book C-3, chapter 5.
// Sections are given as far as they are known; a row "C-3" is a rule of the book
// whose place is not.
func TestDecisionTable(t *testing.T) {
	for _, group := range [][]rule{commandRules(), dataRules(t), typeRules(t), magStripeRules(), restrictionRules(t), authenticationRules(t), verificationRules(t), outcomeRules(t)} {
		for _, r := range group {
			t.Run(r.section+" "+r.when, func(t *testing.T) {
				k := c3.New()
				if r.keys {
					k.Keys = authority(t)
				}
				o, _, err := r.s.runWith(t, k)
				require.NoError(t, err)
				require.Equal(t, r.want, kerneltest.Summary(o), o.Reason.Text)
				require.NotEmpty(t, o.Reason.Rule)
			})
		}
	}
}

func commandRules() []rule {
	again := "try-again start=B ui=21/02 restart=21/02"
	return []rule{
		{"5.2.2.2", "GPO 6984", situation{sw: "6984"}, false, "try-another-interface ui=1D/05 contact"},
		{"5.2.2.2", "GPO 6985", situation{sw: "6985"}, false, "select-next start=C"},
		{"5.2.2.2", "GPO 6986", situation{sw: "6986"}, false, "try-again start=B ui=20/05 restart=20/02 off=1.3s"},
		{"5.2.2.2", "GPO any other status", situation{sw: "6A80"}, false, ended},
		{"C-3", "the card leaves at GPO", situation{sw: "lost"}, false, again},
		{"C-3", "a record is refused", situation{gpo: kerneltest.With(arqc, object{"94", "10010100"}), answers: []string{"6A83"}}, false, ended},
		{"C-3", "a record is no template 70", situation{gpo: kerneltest.With(arqc, object{"94", "10010100"}), answers: []string{"77009000"}}, false, ended},
		{"C-3", "the card leaves at a record", situation{gpo: kerneltest.With(arqc, object{"94", "10010100"}), answers: []string{"lost"}}, false, again},
		{"5.4.2.1", "the PDOL does not ask for 9F66", situation{change: func(a *kernel.Activation) { a.FCI.PDOL = []byte{0x9F, 0x02, 6} }}, false, ended},
	}
}

func dataRules(t testing.TB) []rule {
	format1 := "8006 0000 10010100 9000"
	record := hex.EncodeToString(template(t, emv.TagRecord, kerneltest.With(arqc, object{"82", "-"}))) + "9000"
	return []rule{
		{"5.4.2.1", "no AIP", situation{gpo: kerneltest.With(arqc, object{"82", "-"})}, false, ended},
		{"5.4.2.1", "no ATC", situation{gpo: kerneltest.With(arqc, object{"9F36", "-"})}, false, ended},
		{"5.4.2.1", "no cryptogram", situation{gpo: kerneltest.With(arqc, object{"9F26", "-"})}, false, ended},
		{"5.4.2.1", "no issuer application data", situation{gpo: kerneltest.With(arqc, object{"9F10", "-"})}, false, ended},
		{"5.4.2.1", "no track 2", situation{gpo: kerneltest.With(arqc, object{"57", "-"})}, false, ended},
		{"5.4.2.1", "a mandatory object without a value", situation{gpo: kerneltest.With(arqc, object{"9F36", ""})}, false, ended},
		{"5.4.2.1", "an optional object without a value", situation{gpo: kerneltest.With(arqc, object{"9F7C", ""})}, false, online},
		{"5.4.2.2", "the same object twice", situation{gpo: append(kerneltest.With(arqc), object{"9F36", "0001"})}, false, ended},
		{"5.4.2.2", "an object of a wrong length", situation{gpo: kerneltest.With(arqc, object{"9F36", "000001"})}, false, ended},
		{"5.4.2.2", "GPO answer of format 1 with records", situation{sw: format1, answers: []string{record}}, false, online},
		{"5.4.2.2", "GPO answer of format 1, mag-stripe mode", situation{sw: "8006 0080 10010100 9000", answers: []string{"70 15 57 13 " + ours + " 9000"}}, false, ended},
		{"A.2", "5A and 57 name different accounts", situation{gpo: kerneltest.With(arqc, object{"5A", "4761739001010010"})}, false, ended},
	}
}

func typeRules(t testing.TB) []rule {
	g, records := genuine(t)
	return []rule{
		{"5.4.3.1", "no 9F27: the CVR says ARQC", situation{gpo: kerneltest.With(arqc, object{"9F27", "-"})}, false, online},
		{"5.4.3.1", "no 9F27: the CVR says AAC", situation{gpo: kerneltest.With(arqc, object{"9F27", "-"}, object{"9F10", "06011203800000"})}, false, declined},
		{"5.4.3.1", "no 9F27, no CVR", situation{gpo: kerneltest.With(arqc, object{"9F27", "-"}, object{"9F10", "00112233445566"})}, false, ended},
		{"5.4.3.2", "AAC", situation{gpo: kerneltest.With(arqc, object{"9F27", "00"})}, false, declined},
		{"5.4.3.2", "ARQC", situation{gpo: arqc}, false, online},
		{"5.4.3.2", "ARQC, the reader is offline only", situation{gpo: arqc, ttq: "2E004000"}, false, declined},
		{"5.4.3.2", "TC, online cryptogram asked: taken online", situation{gpo: tc, ttq: "36804000"}, false, online},
		{"5.4.3.2", "TC, online cryptogram asked, the reader is offline only", situation{gpo: tc, ttq: "2E804000"}, false, declined},
		{"5.4.3.2", "TC below the floor limit", situation{gpo: g, answers: records}, true, approvedBy},
		{"5.4.3.2", "zero amount or status check: the TTQ asks for an ARQC", situation{gpo: arqc, ttq: "36804000", change: func(a *kernel.Activation) { a.Transaction.Amount = 0 }}, false, online},
		{"5.4.3.2", "refund, ARQC", situation{gpo: arqc, change: func(a *kernel.Activation) { a.Transaction.Type = 0x20 }}, false, online},
		{"5.4.3.2", "refund, AAC", situation{gpo: kerneltest.With(arqc, object{"9F27", "00"}), change: func(a *kernel.Activation) { a.Transaction.Type = 0x20 }}, false, declined},
		{"5.4.3.2", "no such type", situation{gpo: kerneltest.With(arqc, object{"9F27", "C0"})}, false, declined},
	}
}

// Mag-stripe mode, which the reader must be set to take.
func magStripeRules() []rule {
	const gpo, track = "8006 0080 10010100 9000", "70 15 57 13 " + ours + " 9000"
	set := func(changes ...func(*kernel.Activation)) func(*kernel.Activation) {
		return func(a *kernel.Activation) {
			a.Config.Settings.Kernel3.MagStripe = true
			for _, change := range changes {
				change(a)
			}
		}
	}
	card := func(ttq string, changes ...func(*kernel.Activation)) situation {
		return situation{sw: gpo, answers: []string{track}, ttq: ttq, change: set(changes...)}
	}
	usage := func(a *kernel.Activation) { a.Transaction.Type, a.Config.Settings.AUCCheck = 0x01, true }
	return []rule{
		{"C-3", "MSD, the reader takes it", card("82004000"), false, online},
		{"C-3", "MSD, the reader takes EMV mode too", card("B6004000"), false, online},
		{"C-3", "MSD, the reader does not offer it", card("36004000"), false, ended},
		{"C-3", "MSD, the reader is offline only", card("8A004000"), false, declined},
		{"C-3", "MSD, verification required: signature", card("82404000"), false, "online-request ui=1B/03 cvm=signature receipt record"},
		{"C-3", "MSD, verification required: online PIN", card("84404000"), false, "online-request ui=1B/03 cvm=online-pin record"},
		{"C-3", "MSD, verification required: none in common", card("80404000"), false, declined},
		{"C-3", "MSD, cash, and the card does not say that it may", card("82004000", usage), false, declined},
		{"C-3", "MSD without track 2", situation{sw: gpo, answers: []string{"70 03 5F20 00 9000"}, ttq: "82004000", change: set()}, false, ended},
		{"C-3", "MSD, 5A and 57 name different accounts", situation{sw: gpo, answers: []string{"70 1F 57 13 " + ours + " 5A 08 4761739001010010 9000"}, ttq: "82004000", change: set()}, false, ended},
		{"C-3", "the AIP says MSD, but there is a cryptogram", situation{gpo: kerneltest.With(arqc, object{"82", "0080"}), ttq: "B6004000", change: set()}, false, online},
		{"C-3", "no cryptogram, and the AIP does not say MSD", situation{gpo: kerneltest.With(arqc, object{"9F26", "-"}), ttq: "B6004000", change: set()}, false, ended},
	}
}

func restrictionRules(t testing.TB) []rule {
	auc := func(kind byte, objects ...object) situation {
		return situation{gpo: kerneltest.With(arqc, objects...), change: func(a *kernel.Activation) { a.Transaction.Type, a.Config.Settings.AUCCheck = kind, true }}
	}
	listed := func(a *kernel.Activation) { a.Config.Settings.ExceptionFile = []emv.PAN{"4761739001010119"} }
	g, records := genuine(t)
	atm := func(ttq string) situation {
		return situation{gpo: kerneltest.With(arqc, object{"9F6C", "0100"}), ttq: ttq, change: func(a *kernel.Activation) {
			a.Config.Data = append(emv.List{{Tag: emv.TagTerminalType, Value: []byte{0x14}}, {Tag: 0x9F40, Value: []byte{0x80, 0, 0, 0, 0}}}, a.Config.Data...)
		}}
	}
	return []rule{
		{"5.5.1.1", "TC, expired", situation{gpo: kerneltest.With(tc, object{"5F24", "291231"})}, true, declined},
		{"5.5.1.1", "TC, no expiry date", situation{gpo: kerneltest.With(tc, object{"5F24", "-"})}, true, declined},
		{"5.5.1.1", "TC, expired, CTQ goes online then", situation{gpo: kerneltest.With(tc, object{"5F24", "291231"}, object{"9F6C", "0800"})}, true, online},
		{"5.5.1.1", "the same, the reader is offline only", situation{gpo: kerneltest.With(tc, object{"5F24", "291231"}, object{"9F6C", "0800"}), ttq: "2E004000"}, true, declined},
		{"5.5.1.1", "ARQC, expired: the issuer's", situation{gpo: kerneltest.With(arqc, object{"5F24", "291231"})}, false, online},
		{"5.5.1.2", "TC, in the exception file", situation{gpo: g, answers: records, change: listed}, true, declined},
		{"5.5.1.2", "ARQC, in the exception file: the issuer's", situation{gpo: arqc, change: listed}, false, online},
		{"5.5.1.3", "cash, domestic, allowed", auc(0x01, object{"9F07", "8000"}, object{"5F28", "0276"}), false, online},
		{"5.5.1.3", "cash, domestic, not allowed", auc(0x01, object{"9F07", "4000"}, object{"5F28", "0276"}), false, declined},
		{"5.5.1.3", "cash, international, allowed", auc(0x17, object{"9F07", "4000"}, object{"5F28", "0840"}), false, online},
		{"5.5.1.3", "cash, international, not allowed", auc(0x17, object{"9F07", "8000"}, object{"5F28", "0840"}), false, declined},
		{"5.5.1.3", "cash, no usage control on the card", auc(0x01), false, declined},
		{"5.5.1.3", "cash, not allowed, CTQ switches interface", auc(0x01, object{"9F07", "0000"}, object{"5F28", "0276"}, object{"9F6C", "0400"}), false, "try-another-interface ui=18/05"},
		{"5.5.1.4", "cashback, domestic, allowed", auc(0x09, object{"9F07", "0080"}, object{"5F28", "0276"}), false, online},
		{"5.5.1.4", "cashback, domestic, not allowed", auc(0x09, object{"9F07", "0040"}, object{"5F28", "0276"}), false, declined},
		{"5.5.1.4", "cashback, international, allowed", auc(0x09, object{"9F07", "0040"}, object{"5F28", "0840"}), false, online},
		{"5.5.1.4", "cashback, not allowed, CTQ switches interface", auc(0x09, object{"9F07", "0000"}, object{"5F28", "0276"}, object{"9F6C", "0200"}), false, "try-another-interface ui=18/05"},
		{"C-3", "CTQ not valid at ATMs, an ATM with contacts", atm("36004000"), false, "try-another-interface ui=18/05"},
		{"C-3", "CTQ not valid at ATMs, an ATM without", atm("26004000"), false, declined},
	}
}

func authenticationRules(t testing.TB) []rule {
	play := func(ttq, ctq string, change ...object) situation {
		g, records := genuine(t, append([]object{{"9F6C", ctq}}, change...)...)
		return situation{gpo: g, answers: records, ttq: ttq}
	}
	old, oldRecords := genuineWith(t, "00 A1A2A3A4 0000")
	spoilt := object{"9F4B", strings.Repeat("00", 128)}
	incomplete := play("37004000", "0000", object{"9F27", "80"})
	incomplete.answers[1] = without(t, incomplete.answers[1], "8F")
	return []rule{
		{"5.6.1", "TC, fDDA version 01 verifies", play("36004000", "0000"), true, approvedBy},
		{"5.6.1", "TC, fDDA version 00 verifies", situation{gpo: old, answers: oldRecords}, true, approvedBy},
		{"5.6.1", "TC, no CA key", play("36004000", "0000"), false, odaFailed},
		{"5.6.1", "TC, a signature that does not verify", play("36004000", "0000", spoilt), true, odaFailed},
		{"5.6.1", "TC, the card takes no part", play("36004000", "0000", object{"82", "0000"}), true, odaFailed},
		{"5.6.1.2", "failed, CTQ goes online", play("36004000", "2000", spoilt), true, beside(online, "oda=failed")},
		{"5.6.1.2", "failed, CTQ goes online, the reader is offline only", play("2E004000", "2000", spoilt), true, odaFailed},
		{"5.6.1.2", "failed, CTQ switches to contact", play("36004000", "1000", spoilt), true, "try-another-interface ui=1D/05 contact oda=failed"},
		{"5.6.1.2", "failed, CTQ switches, the reader has no contacts", play("26004000", "1000", spoilt), true, odaFailed},
		{"5.6.1", "ARQC, both take part: verified", play("37004000", "0000", object{"9F27", "80"}), true, beside(online, "oda=verified")},
		{"5.6.1", "ARQC, both take part: failed, which changes nothing", play("37004000", "0000", object{"9F27", "80"}, spoilt), true, beside(online, "oda=failed")},
		{"5.4.2.1", "ARQC, both take part, data missing", incomplete, true, ended},
		{"5.6.1", "ARQC, the reader does not offer it", play("36004000", "0000", object{"9F27", "80"}), true, online},
		{"5.6.1", "ARQC, the card takes no part", play("37004000", "0000", object{"9F27", "80"}, object{"82", "0000"}), true, online},
	}
}

// beside is an outcome with a parameter in front of the data record.
func beside(outcome, parameter string) string {
	return strings.Replace(outcome, " record", " "+parameter+" record", 1)
}

func verificationRules(t testing.TB) []rule {
	const required = "36404000"
	card := func(ttq, ctq string, more ...object) situation {
		return situation{gpo: kerneltest.With(arqc, append([]object{{"9F6C", ctq}}, more...)...), ttq: ttq}
	}
	offline := func(ttq, related, ctq string) situation {
		g, records := genuineWith(t, related, object{"9F6C", ctq})
		return situation{gpo: g, answers: records, ttq: ttq}
	}
	by := func(cvm string) string { return strings.Replace(online, "no-cvm", cvm, 1) }
	signature := "online-request ui=1B/03 cvm=signature receipt record"
	return []rule{
		{"5.7.1.1", "no CTQ, not required", card("36004000", "-"), false, online},
		{"5.7.1.1", "no CTQ, required, the reader has signature", card(required, "-"), false, signature},
		{"5.7.1.1", "no CTQ, required, the reader has PIN only", card("34404000", "-"), false, by("online-pin")},
		{"5.7.1.1", "the same, TC: goes online for it", offlinePIN(t), true, beside(by("online-pin"), "oda=verified")},
		{"5.7.1.1", "no CTQ, required, the reader has the device only", card("20404000", "-"), false, declined},
		{"5.7.1.2", "CTQ PIN, the reader has it", card(required, "8000"), false, by("online-pin")},
		{"5.7.1.2", "CTQ PIN and TC: goes online", offline(required, "01 A1A2A3A4 8000", "8000"), true, beside(by("online-pin"), "oda=verified")},
		{"5.7.1.2", "CTQ PIN and TC, the reader is offline only", offline("2C404000", "01 A1A2A3A4 8000", "8000"), true, odaVerified(declined)},
		{"5.7.1.2", "CTQ device, ARQC, no 9F69", card(required, "0080"), false, by("device")},
		{"5.7.1.2", "CTQ device, the copy in 9F69 agrees", card(required, "0080", object{"9F69", "01A1A2A3A40080"}), false, by("device")},
		{"5.7.1.2", "CTQ device, the copy differs", card(required, "0080", object{"9F69", "01A1A2A3A40000"}), false, declined},
		{"5.7.1.2", "CTQ device, TC, the signed copy agrees", offline(required, "01 A1A2A3A4 0080", "0080"), true, "approved ui=03/04 cvm=device oda=verified record"},
		{"5.7.1.2", "CTQ device, TC, the signed copy differs", offline(required, "01 A1A2A3A4 0000", "0080"), true, odaVerified(declined)},
		{"5.7.1.2", "CTQ device, TC, fDDA version 00 signs no copy", offline(required, "00 A1A2A3A4 0080", "0080"), true, odaVerified(declined)},
		{"5.7.1.2", "CTQ signature, the reader has it", card(required, "4000"), false, signature},
		{"5.7.1.2", "CTQ signature, TC", offline(required, "01 A1A2A3A4 4000", "4000"), true, "approved ui=1A/04 cvm=signature receipt oda=verified record"},
		{"5.7.1.2", "PIN before device before signature", card(required, "C080"), false, by("online-pin")},
		{"5.7.1.2", "device before signature", card(required, "4080"), false, by("device")},
		{"5.7.1.3", "required, nothing in common", card("34404000", "4000"), false, declined},
		{"5.7.1.3", "not required, nothing in common", card("34004000", "4000"), false, online},
	}
}

// odaVerified is an outcome after an authentication that succeeded.
func odaVerified(outcome string) string { return outcome + " oda=verified" }

// offlinePIN is an offline approval without CTQ at a reader that has nothing but
// PIN for an amount that needs verification.
func offlinePIN(t testing.TB) situation {
	g, records := genuine(t, object{"9F6C", "-"})
	return situation{gpo: g, answers: records, ttq: "34404000"}
}

func outcomeRules(t testing.TB) []rule {
	update := func(authorised bool, cvm kernel.CVM, answers ...string) situation {
		return situation{answers: answers, change: func(a *kernel.Activation) {
			a.Restart, a.Authorised, a.CVM = true, authorised, cvm
			a.IssuerData = unhex(t, "91081BCF65E800800000 720F 860D 8424000008 1122334455667788 8A023030")
		}}
	}
	g, records := genuine(t, object{"9F5D", "000000012345"})
	return []rule{
		{"5.8.1.2", "reader and card take an issuer update", situation{gpo: kerneltest.With(arqc, object{"9F6C", "0040"}), ttq: "3600C000"}, false,
			"online-request start=B ui=1B/03 restart=21/02 off=0s cvm=no-cvm wants-data record"},
		{"5.8.1.2", "the reader only", situation{gpo: arqc, ttq: "3600C000"}, false, online},
		{"5.8.1.2", "the card only", situation{gpo: kerneltest.With(arqc, object{"9F6C", "0040"})}, false, online},
		{"C-3", "issuer update, approved", update(true, kernel.CVMNotRequired, "9000", "9000"), false, "approved ui=03/04 cvm=no-cvm record"},
		{"C-3", "issuer update, approved with a signature", update(true, kernel.CVMSignature, "9000", "9000"), false, "approved ui=1A/04 cvm=signature receipt record"},
		{"C-3", "issuer update, declined", update(false, kernel.CVMNotRequired, "9000", "9000"), false, declined + " record"},
		{"C-3", "issuer update, the card refuses", update(true, kernel.CVMNotRequired, "6300", "6985"), false, "approved ui=03/04 cvm=no-cvm record"},
		{"C-3", "issuer update, the card leaves", update(true, kernel.CVMNotRequired, "lost"), false, "try-again start=B ui=21/02 restart=21/02"},
		{"4.3.1.1", "a balance, approved", situation{gpo: g, answers: records}, true, strings.Replace(approvedBy, " record", " balance record", 1)},
		{"4.3.1.1", "a balance, declined", situation{gpo: kerneltest.With(arqc, object{"9F27", "00"}, object{"9F5D", "000000012345"})}, false, declined + " balance"},
	}
}
