package c3_test

import (
	"context"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/internal/kerneltest"
	"tapsim/transcript"
)

// ui is the short form of a user interface request in these tables.
type ui struct {
	message kernel.MessageID
	status  kernel.Status
	hold    time.Duration
}

func short(u *kernel.UIRequest) *ui {
	if u == nil {
		return nil
	}
	return &ui{u.Message, u.Status, u.Hold}
}

const held = 1300 * time.Millisecond

// Book C-3, 5.2.2.2: what the status word of GET PROCESSING OPTIONS means, and
// the parameters of each outcome.
func TestStatusOfGetProcessingOptions(t *testing.T) {
	for sw, want := range map[string]struct {
		kind      kernel.Kind
		start     kernel.Start
		ui, again *ui
		off       *time.Duration
		alternate kernel.Interface
	}{
		"6984": {kernel.TryAnotherInterface, kernel.StartNone, &ui{kernel.MessageInsertCard, kernel.StatusProcessingError, held}, nil, nil, kernel.InterfaceContact},
		"6985": {kernel.SelectNext, kernel.StartC, nil, nil, nil, kernel.InterfaceNone},
		"6986": {kernel.TryAgain, kernel.StartB, &ui{kernel.MessageSeePhone, kernel.StatusProcessingError, held},
			&ui{kernel.MessageSeePhone, kernel.StatusReadyToRead, 0}, ptr(held), kernel.InterfaceNone},
		"6700": {kernel.EndApplication, kernel.StartNone, &ui{kernel.MessageTryAnotherCard, kernel.StatusProcessingError, held}, nil, nil, kernel.InterfaceNone},
		"6D00": {kernel.EndApplication, kernel.StartNone, &ui{kernel.MessageTryAnotherCard, kernel.StatusProcessingError, held}, nil, nil, kernel.InterfaceNone},
		"6F00": {kernel.EndApplication, kernel.StartNone, &ui{kernel.MessageTryAnotherCard, kernel.StatusProcessingError, held}, nil, nil, kernel.InterfaceNone},
		"lost": {kernel.TryAgain, kernel.StartB, &ui{kernel.MessagePresentAgain, kernel.StatusReadyToRead, 0},
			&ui{kernel.MessagePresentAgain, kernel.StatusReadyToRead, 0}, nil, kernel.InterfaceNone},
	} {
		o, sent := situation{sw: sw}.play(t)
		require.Len(t, sent, 1, sw)
		require.Equal(t, want.kind, o.Kind, sw)
		require.Equal(t, want.start, o.Start, sw)
		require.Equal(t, want.ui, short(o.UI), sw)
		require.Equal(t, want.again, short(o.UIRestart), sw)
		require.Equal(t, want.off, o.FieldOff, sw)
		require.Equal(t, want.alternate, o.Alternate, sw)
		require.Empty(t, o.DataRecord, sw)
		require.Equal(t, kernel.CVMNone, o.CVM, sw)
	}
}

// A published fragment without a selection: one card that answers 6700 to a
// list of the wrong length and 6984 to one of zeros.
func TestRecordedRefusals(t *testing.T) {
	text, err := os.ReadFile("../../../testdata/transcripts/recorded/031-visa-blink-gpo-6700-6984.txt")
	require.NoError(t, err)
	tr, err := transcript.Parse("031", text)
	require.NoError(t, err)
	want := []kernel.Kind{kernel.EndApplication, kernel.TryAnotherInterface}
	require.Len(t, tr.Exchanges(), len(want))
	for i, x := range tr.Exchanges() {
		o, _ := situation{sw: hex.EncodeToString(x.Response)}.play(t)
		require.Equal(t, want[i], o.Kind)
	}
}

func ptr[T any](v T) *T { return &v }

// Book C-3, 5.4.2: data that must be there, once, of the right length, and
// well-formed; everything else ends the application.
func TestCardData(t *testing.T) {
	answer := func(s string) situation { return situation{sw: s + "9000"} }
	for name, s := range map[string]situation{
		"no AIP":                 {gpo: kerneltest.With(arqc, object{"82", "-"})},
		"no ATC":                 {gpo: kerneltest.With(arqc, object{"9F36", "-"})},
		"no IAD":                 {gpo: kerneltest.With(arqc, object{"9F10", "-"})},
		"no cryptogram":          {gpo: kerneltest.With(arqc, object{"9F26", "-"})},
		"no track 2":             {gpo: kerneltest.With(arqc, object{"57", "-"})},
		"no value in 9F36":       {gpo: kerneltest.With(arqc, object{"9F36", ""})},
		"no value, then another": {gpo: append(kerneltest.With(arqc, object{"9F7C", ""}), object{"9F7C", "0A"})},
		"AIP of three bytes":     {gpo: kerneltest.With(arqc, object{"82", "000000"})},
		"ATC of one byte":        {gpo: kerneltest.With(arqc, object{"9F36", "01"})},
		"cryptogram of seven":    {gpo: kerneltest.With(arqc, object{"9F26", "27552E9226B3CC"})},
		"CTQ of one byte":        {gpo: kerneltest.With(arqc, object{"9F6C", "00"})},
		"CID of two bytes":       {gpo: kerneltest.With(arqc, object{"9F27", "8000"})},
		"form factor of three":   {gpo: kerneltest.With(arqc, object{"9F6E", "238E00"})},
		"track 2 of 20 bytes":    {gpo: kerneltest.With(arqc, object{"57", ours + "00"})},
		"same tag twice":         {gpo: append(kerneltest.With(arqc), object{"9F36", "0001"})},
		"same unknown tag twice": {gpo: append(kerneltest.With(arqc), object{"DF01", "00"}, object{"DF02", "00"}, object{"DF01", "01"})},
		"another account in 5A":  {gpo: kerneltest.With(arqc, object{"5A", "4761739001010010"})},
		"shorter account in 5A":  {gpo: kerneltest.With(arqc, object{"5A", "476173900101011F"})},
		"empty answer":           answer(""),
		"not TLV":                answer("77"),
		"length that lies":       answer("7710 8202"),
		"two templates":          answer("7700 7700"),
		"format 1, AIP only cut": answer("8001 00"),
		"format 1, mag-stripe":   answer("8002 0080"),
		"another template":       answer("7000"),
		"object cut off":         answer("7703 82 02 00"),
	} {
		o, _ := s.play(t)
		require.Equal(t, kernel.EndApplication, o.Kind, name)
		require.Equal(t, &ui{kernel.MessageTryAnotherCard, kernel.StatusProcessingError, held}, short(o.UI), name)
	}
}

// What the books allow: any order, padding, unknown objects, the account twice
// when it is the same, format 1 for the AIP and the AFL.
func TestCardDataThatIsFine(t *testing.T) {
	reversed := make([]object, len(arqc))
	for i, o := range arqc {
		reversed[len(arqc)-1-i] = o
	}
	record := hex.EncodeToString(template(t, emv.TagRecord, kerneltest.With(arqc, object{"82", "-"}))) + "9000"
	for name, s := range map[string]situation{
		"any order":           {gpo: reversed},
		"unknown objects":     {gpo: kerneltest.With(arqc, object{"DF01", "00"}, object{"DF02", ""}, object{"BF50", "DF0100"})},
		"the same account":    {gpo: kerneltest.With(arqc, object{"5A", "4761739001010119"})},
		"padding":             {sw: "7709 00 82020000 00000000 00" + "9000", answers: nil},
		"no value in 9F7C":    {gpo: kerneltest.With(arqc, object{"9F7C", ""})},
		"no value in others":  {gpo: kerneltest.With(arqc, object{"9F07", ""}, object{"9F6C", ""}, object{"9F6E", ""}, object{"5A", ""}, object{"9F5D", ""})},
		"empty AFL":           {gpo: kerneltest.With(arqc, object{"94", ""})},
		"format 1":            {sw: "8006 0000 10010100 9000", answers: []string{record}},
		"masked account":      {gpo: kerneltest.With(arqc, object{"57", "406589FFFFFF5398D24022019413704390501F"}, object{"5A", "406589FFFFFF5398"})},
		"everything recorded": {gpo: []object{{"82", "0000"}, {"94", "10010100"}}, answers: []string{record}},
	} {
		o, _ := s.play(t)
		if name == "padding" { // only AIP in it, but read as such
			require.Contains(t, o.Reason.Text, "9F36", name)
			continue
		}
		require.Equal(t, kernel.OnlineRequest, o.Kind, name)
	}
}

// READ RECORD for each record of the AFL in its order; anything but 9000 and
// one template 70 ends the application, a card that leaves is asked back.
func TestRecords(t *testing.T) {
	afl := func(v string) []object { return kerneltest.With(arqc, object{"94", v}) }
	o, sent := situation{gpo: afl("10010200 08050501"), answers: []string{"70049F0701C0 9000", "70045F2801 03 9000", "7003DF0100 9000"}}.play(t)
	require.Equal(t, kernel.EndApplication, o.Kind, "9F07 has two bytes")
	require.Len(t, sent, 2)

	o, sent = situation{gpo: afl("10010200 08050501"), answers: []string{"70059F0702C000 9000", "70055F28020276 9000", "7003DF0100 9000"}}.play(t)
	require.Equal(t, kernel.OnlineRequest, o.Kind)
	require.Equal(t, [][]byte{unhex(t, "00B2011400"), unhex(t, "00B2021400"), unhex(t, "00B2050C00")}, sent[1:])

	for name, s := range map[string]situation{
		"no such record":      {gpo: afl("10010100"), answers: []string{"6A83"}},
		"warning":             {gpo: afl("10010100"), answers: []string{"7000 6282"}},
		"not a template 70":   {gpo: afl("10010100"), answers: []string{"7700 9000"}},
		"empty":               {gpo: afl("10010100"), answers: []string{"9000"}},
		"two templates":       {gpo: afl("10010100"), answers: []string{"7000 7000 9000"}},
		"broken TLV":          {gpo: afl("10010100"), answers: []string{"7004 9F0702C0 9000"}},
		"object of GPO again": {gpo: afl("10010100"), answers: []string{"7004 82020000 9000"}},
		"AFL of five bytes":   {gpo: afl("1001010010")},
		"SFI 0":               {gpo: afl("00010100")},
		"SFI 31":              {gpo: afl("F8010100")},
		"record 0":            {gpo: afl("10000100")},
		"last before first":   {gpo: afl("10030200")},
		"too many signed":     {gpo: afl("10010102")},
		"65 records":          {gpo: afl("10014100")},
	} {
		o, _ := s.play(t)
		require.Equal(t, kernel.EndApplication, o.Kind, name)
	}
	o, _ = situation{gpo: afl("10010100"), answers: []string{"lost"}}.play(t)
	require.Equal(t, kernel.TryAgain, o.Kind)
	require.Equal(t, kernel.StartB, o.Start)
	require.Equal(t, kernel.MessagePresentAgain, o.UIRestart.Message)
}

// Book C-3, 5.4.3: the cryptogram's type decides, from 9F27 or from the IAD.
func TestCryptogramType(t *testing.T) {
	for name, c := range map[string]struct {
		cid, iad, ttq string
		want          kernel.Kind
	}{
		"ARQC":                       {"80", "06011203A00000", "36004000", kernel.OnlineRequest},
		"ARQC with advice bits":      {"88", "06011203A00000", "36004000", kernel.OnlineRequest},
		"AAC":                        {"00", "06011203800000", "36004000", kernel.Declined},
		"AAC though IAD says ARQC":   {"00", "06011203A00000", "36004000", kernel.Declined},
		"no such type":               {"C0", "06011203A00000", "36004000", kernel.Declined},
		"TC, online asked":           {"40", "06011203900000", "36804000", kernel.OnlineRequest},
		"TC, no authentication":      {"40", "06011203900000", "36004000", kernel.Declined},
		"no 9F27, IAD ARQC":          {"-", "06011203A00000", "36004000", kernel.OnlineRequest},
		"no 9F27, IAD AAC":           {"-", "06011203800000", "36004000", kernel.Declined},
		"no 9F27, IAD TC, online":    {"-", "06011203900000", "36804000", kernel.OnlineRequest},
		"no 9F27, IAD format 4 ARQC": {"-", "1F430151A0000000000102030404034501000000000000000000000000000000", "36004000", kernel.OnlineRequest},
		"no 9F27, IAD unknown":       {"-", "00112233445566", "36004000", kernel.EndApplication},
	} {
		o, _ := situation{gpo: kerneltest.With(arqc, object{"9F27", c.cid}, object{"9F10", c.iad}), ttq: c.ttq}.play(t)
		require.Equal(t, c.want, o.Kind, name)
	}
}

// An offline approval needs a genuine card (Book C-3, 5.6.1.2). This kernel
// cannot find out without certification authority keys, and then it is never
// taken for genuine: the card's qualifiers say what to do instead.
func TestOfflineApprovalWithoutKeys(t *testing.T) {
	for name, c := range map[string]struct {
		ctq, ttq string
		want     kernel.Kind
		alt      kernel.Interface
	}{
		"no qualifiers":                   {"-", "36004000", kernel.Declined, kernel.InterfaceNone},
		"none asked":                      {"0000", "36004000", kernel.Declined, kernel.InterfaceNone},
		"go online":                       {"2000", "36004000", kernel.OnlineRequest, kernel.InterfaceNone},
		"go online before switching":      {"3000", "36004000", kernel.OnlineRequest, kernel.InterfaceNone},
		"go online, offline-only reader":  {"2000", "2E004000", kernel.Declined, kernel.InterfaceNone},
		"switch, reader has contact":      {"1000", "36004000", kernel.TryAnotherInterface, kernel.InterfaceContact},
		"switch, reader without contact":  {"1000", "26004000", kernel.Declined, kernel.InterfaceNone},
		"both, offline only with contact": {"3000", "3E004000", kernel.TryAnotherInterface, kernel.InterfaceContact},
	} {
		o, _ := situation{gpo: kerneltest.With(tc, object{"9F6C", c.ctq}), ttq: c.ttq}.play(t)
		require.Equal(t, c.want, o.Kind, name)
		require.Equal(t, c.alt, o.Alternate, name)
		require.Equal(t, kernel.ODAFailed, o.ODA, name)
	}
}

// Book C-3, 5.5.1.1 and 5.5.1.2: expiry and exception file, for an offline
// approval only. 5.5.1.1 and 5.6 are told apart by the rule that decided.
func TestExpiryAndExceptionFile(t *testing.T) {
	const expired, excepted, genuine = "EMV Book C-3, 5.5.1.1", "EMV Book C-3, 5.5.1.2", "EMV Book C-3, 5.6.1.2"
	listed := func(a *kernel.Activation) { a.Config.Settings.ExceptionFile = []emv.PAN{"4761739001010119"} }
	for name, c := range map[string]struct {
		gpo    []object
		ttq    string
		change func(*kernel.Activation)
		want   kernel.Kind
		rule   string
	}{
		"expires today":                   {kerneltest.With(tc, object{"5F24", "300101"}), "", nil, kernel.Declined, genuine},
		"expired yesterday":               {kerneltest.With(tc, object{"5F24", "291231"}), "", nil, kernel.Declined, expired},
		"expired in the last century":     {kerneltest.With(tc, object{"5F24", "991231"}), "", nil, kernel.Declined, expired},
		"no date":                         {kerneltest.With(tc, object{"5F24", "-"}), "", nil, kernel.Declined, expired},
		"a day that does not exist":       {kerneltest.With(tc, object{"5F24", "490231"}), "", nil, kernel.Declined, expired},
		"expired, asks to go online":      {kerneltest.With(tc, object{"5F24", "291231"}, object{"9F6C", "0800"}), "", nil, kernel.OnlineRequest, expired},
		"the same, reader offline only":   {kerneltest.With(tc, object{"5F24", "291231"}, object{"9F6C", "0800"}), "2E004000", nil, kernel.Declined, expired},
		"in the exception file":           {tc, "", listed, kernel.Declined, excepted},
		"expired ARQC is the issuer's":    {kerneltest.With(arqc, object{"5F24", "291231"}), "", nil, kernel.OnlineRequest, "EMV Book C-3, 5.4.3.2"},
		"exception file and ARQC":         {arqc, "", listed, kernel.OnlineRequest, "EMV Book C-3, 5.4.3.2"},
		"exception file, TC taken online": {tc, "36804000", listed, kernel.OnlineRequest, "EMV Book C-3, 5.4.3.2"},
	} {
		o, _ := situation{gpo: c.gpo, ttq: c.ttq, change: c.change}.play(t)
		require.Equal(t, c.want, o.Kind, name)
		require.Equal(t, c.rule, o.Reason.Rule, name)
	}
}

// Book C-3, 5.5.1.3 and 5.5.1.4: usage control for cash and cashback, when the
// reader checks it.
func TestUsageControl(t *testing.T) {
	const cash, disbursement, cashback, purchase = 0x01, 0x17, 0x09, 0x00
	for name, c := range map[string]struct {
		kind              byte
		auc, country, ctq string
		check             bool
		want              kernel.Kind
	}{
		"domestic cash allowed":            {cash, "8000", "0276", "-", true, kernel.OnlineRequest},
		"domestic cash, international bit": {cash, "4000", "0276", "-", true, kernel.Declined},
		"international cash allowed":       {cash, "4000", "0840", "-", true, kernel.OnlineRequest},
		"international cash, domestic bit": {cash, "8000", "0840", "-", true, kernel.Declined},
		"disbursement counts as cash":      {disbursement, "4000", "0276", "-", true, kernel.Declined},
		"refused cash may switch":          {cash, "0000", "0276", "0400", true, kernel.TryAnotherInterface},
		"the cashback bit is not for cash": {cash, "0000", "0276", "0200", true, kernel.Declined},
		"no usage control":                 {cash, "-", "0276", "-", true, kernel.Declined},
		"no issuer country":                {cash, "C000", "-", "-", true, kernel.Declined},
		"not checked":                      {cash, "0000", "0276", "-", false, kernel.OnlineRequest},
		"purchase is not checked":          {purchase, "0000", "0276", "-", true, kernel.OnlineRequest},
		"domestic cashback allowed":        {cashback, "0080", "0276", "-", true, kernel.OnlineRequest},
		"domestic cashback, foreign bit":   {cashback, "0040", "0276", "-", true, kernel.Declined},
		"international cashback allowed":   {cashback, "0040", "0840", "-", true, kernel.OnlineRequest},
		"refused cashback may switch":      {cashback, "0000", "0276", "0200", true, kernel.TryAnotherInterface},
		"the cash bit is not for cashback": {cashback, "0000", "0276", "0400", true, kernel.Declined},
	} {
		o, _ := situation{gpo: kerneltest.With(arqc, object{"9F07", c.auc}, object{"5F28", c.country}, object{"9F6C", c.ctq}), change: func(a *kernel.Activation) {
			a.Transaction.Type, a.Config.Settings.AUCCheck = c.kind, c.check
		}}.play(t)
		require.Equal(t, c.want, o.Kind, name)
		if c.want == kernel.TryAnotherInterface {
			require.Equal(t, kernel.MessageInsertOrSwipe, o.UI.Message, name)
			require.Equal(t, kernel.InterfaceNone, o.Alternate, name)
		}
	}
}

// CTQ byte 1 bit 1, "not valid for contactless ATM", counts at an ATM only.
func TestNotValidAtATM(t *testing.T) {
	for name, c := range map[string]struct {
		terminal, gives byte // 9F35, first byte of 9F40
		ttq             string
		want            kernel.Kind
	}{
		"shop":                   {0x22, 0xE0, "36004000", kernel.OnlineRequest},
		"ATM with contacts":      {0x14, 0x80, "36004000", kernel.TryAnotherInterface},
		"ATM without":            {0x16, 0x80, "26004000", kernel.Declined},
		"bank, no cash":          {0x14, 0x60, "36004000", kernel.OnlineRequest},
		"unattended, not a bank": {0x24, 0x80, "36004000", kernel.OnlineRequest},
	} {
		o, _ := situation{gpo: kerneltest.With(arqc, object{"9F6C", "0100"}), ttq: c.ttq, change: func(a *kernel.Activation) {
			a.Config.Data = append(emv.List{{Tag: emv.TagTerminalType, Value: []byte{c.terminal}}, {Tag: 0x9F40, Value: []byte{c.gives, 0, 0, 0, 0}}}, a.Config.Data...)
		}}.play(t)
		require.Equal(t, c.want, o.Kind, name)
	}
}

// Book C-3, 5.7.1: the cardholder verification method, row by row.
func TestCardholderVerification(t *testing.T) {
	const (
		all, required           = "36004000", "36404000" // PIN, signature, device; the second with CVM required
		pinOnly, signatureOnly  = "34404000", "32404000"
		deviceOnly, noneAtAll   = "30404000", "30400000"
		pinAndDevice, offlineTC = "34400000", "2E004000"
	)
	for name, c := range map[string]struct {
		ttq, ctq, signed string // signed is 9F69
		kind             []object
		want             kernel.Kind
		cvm              kernel.CVM
	}{
		"5.7.1.1 no CTQ, not required":            {all, "-", "-", arqc, kernel.OnlineRequest, kernel.CVMNotRequired},
		"5.7.1.1 no CTQ, required":                {required, "-", "-", arqc, kernel.OnlineRequest, kernel.CVMSignature},
		"5.7.1.1 no CTQ, reader has PIN only":     {pinOnly, "-", "-", arqc, kernel.OnlineRequest, kernel.CVMOnlinePIN},
		"5.7.1.1 no CTQ, PIN without device":      {pinAndDevice, "-", "-", arqc, kernel.OnlineRequest, kernel.CVMOnlinePIN},
		"5.7.1.1 no CTQ, reader has device only":  {deviceOnly, "-", "-", arqc, kernel.Declined, kernel.CVMNotRequired},
		"5.7.1.1 no CTQ, reader has nothing":      {noneAtAll, "-", "-", arqc, kernel.Declined, kernel.CVMNotRequired},
		"5.7.1.2 PIN":                             {required, "8000", "-", arqc, kernel.OnlineRequest, kernel.CVMOnlinePIN},
		"5.7.1.2 PIN though not required":         {all, "8000", "-", arqc, kernel.OnlineRequest, kernel.CVMOnlinePIN},
		"5.7.1.2 PIN before device":               {required, "8080", "-", arqc, kernel.OnlineRequest, kernel.CVMOnlinePIN},
		"5.7.1.2 PIN before signature":            {required, "C000", "-", arqc, kernel.OnlineRequest, kernel.CVMOnlinePIN},
		"5.7.1.2 PIN, reader has signature":       {signatureOnly, "C000", "-", arqc, kernel.OnlineRequest, kernel.CVMSignature},
		"5.7.1.2 device, ARQC without 9F69":       {required, "0080", "-", arqc, kernel.OnlineRequest, kernel.CVMConfirmationCode},
		"5.7.1.2 device, copy agrees":             {required, "0080", "011A2B3C4D0080", arqc, kernel.OnlineRequest, kernel.CVMConfirmationCode},
		"5.7.1.2 device, eight bytes":             {required, "0080", "011A2B3C4D008000", arqc, kernel.OnlineRequest, kernel.CVMConfirmationCode},
		"5.7.1.2 device, copy differs":            {required, "0080", "011A2B3C4D0000", arqc, kernel.Declined, kernel.CVMNotRequired},
		"5.7.1.2 device, copy missing in 9F69":    {required, "0080", "011A2B3C4D", arqc, kernel.Declined, kernel.CVMNotRequired},
		"5.7.1.2 device before signature":         {required, "4080", "-", arqc, kernel.OnlineRequest, kernel.CVMConfirmationCode},
		"5.7.1.2 signature":                       {required, "4000", "-", arqc, kernel.OnlineRequest, kernel.CVMSignature},
		"5.7.1.2 signature, reader has PIN":       {pinOnly, "4000", "-", arqc, kernel.Declined, kernel.CVMNotRequired},
		"5.7.1.3 nothing in common":               {required, "0000", "-", arqc, kernel.Declined, kernel.CVMNotRequired},
		"nothing asked":                           {all, "0000", "-", arqc, kernel.OnlineRequest, kernel.CVMNotRequired},
		"PIN asked, reader without, not required": {"32004000", "8000", "-", arqc, kernel.OnlineRequest, kernel.CVMNotRequired},
		"TC taken online, device without 9F69":    {"36C04000", "0080", "-", tc, kernel.Declined, kernel.CVMNotRequired},
		"TC taken online, device, copy agrees":    {"36C04000", "0080", "011A2B3C4D0080", tc, kernel.OnlineRequest, kernel.CVMConfirmationCode},
	} {
		o, _ := situation{gpo: kerneltest.With(c.kind, object{"9F6C", c.ctq}, object{"9F69", c.signed}), ttq: c.ttq}.play(t)
		require.Equal(t, c.want, o.Kind, name)
		require.Equal(t, c.cvm, o.CVM, name)
		require.Equal(t, c.cvm == kernel.CVMSignature, o.Receipt, name)
	}
}

// Book C-3, 5.8.1.2: an online request asks for a second tap when reader and
// card both take the issuer's data.
func TestIssuerUpdateIsOffered(t *testing.T) {
	for name, c := range map[string]struct {
		ttq, ctq string
		want     bool
	}{
		"both": {"3600C000", "0040", true}, "reader only": {"3600C000", "0000", false},
		"card only": {"36004000", "0040", false}, "no qualifiers": {"3600C000", "-", false},
	} {
		o, _ := situation{gpo: kerneltest.With(arqc, object{"9F6C", c.ctq}), ttq: c.ttq}.play(t)
		require.Equal(t, kernel.OnlineRequest, o.Kind, name)
		require.Equal(t, &ui{kernel.MessageAuthorising, kernel.StatusProcessing, 0}, short(o.UI), name)
		if !c.want {
			require.Equal(t, kernel.StartNone, o.Start, name)
			require.Equal(t, kernel.OnlineResponseNone, o.OnlineResponse, name)
			require.Nil(t, o.FieldOff, name)
			continue
		}
		require.Equal(t, kernel.StartB, o.Start, name)
		require.Equal(t, kernel.OnlineResponseEMV, o.OnlineResponse, name)
		require.Equal(t, &ui{kernel.MessagePresentAgain, kernel.StatusReadyToRead, 0}, short(o.UIRestart), name)
		require.Equal(t, ptr(time.Duration(0)), o.FieldOff, name)
	}
}

// The data record of an online request: its objects, in the order of Book C-3;
// tag 95 is zero, the low half of the form factor's last byte is cleared
// (4.1.1.1), and a missing 9F27 is made good.
func TestDataRecord(t *testing.T) {
	o, _ := situation{gpo: kerneltest.With(arqc, object{"9F27", "-"}, object{"9F6E", "238E000F"}, object{"9F7C", "0A0B"}, object{"9F6C", "0080"})}.play(t)
	var tags []string
	scan := emv.Scan(o.DataRecord)
	for scan.Next() {
		tags = append(tags, scan.Tag().String())
	}
	require.NoError(t, scan.Err())
	require.Equal(t, []string{"9F02", "9F03", "9F26", "9F27", "82", "9F36", "5F34", "9F7C", "9F10", "9F39", "9F1A", "9F33", "57", "5F2A", "9A", "9C", "9F37", "95", "9F34", "9F6C", "9F6E", "84"}, tags)
	for tag, want := range map[emv.Tag]string{
		emv.TagAmount: "000000001250", emv.TagAmountOther: "000000000000", emv.TagCryptogram: "27552E9226B3CC95", emv.TagCID: "80",
		emv.TagTVR: "0000000000", emv.TagFormFactor: "238E0000", emv.TagPOSEntryMode: "07", emv.TagTransactionDate: "300101", emv.TagUnpredictableNumber: "1A2B3C4D",
		emv.TagTerminalCountry: "0276", emv.TagDFName: "A0000000031010", emv.TagCVMResults: "010002", emv.TagCTQ: "0080",
	} {
		v, ok := o.DataRecord.Lookup(tag)
		require.True(t, ok, tag.String())
		require.Equal(t, unhex(t, want), v, tag.String())
	}
	v, ok := o.Card.Lookup(emv.TagCTQ)
	require.True(t, ok, "reports find the card's data, too")
	require.Equal(t, unhex(t, "0080"), v)
	_, ok = o.Card.Lookup(emv.TagPAN)
	require.False(t, ok)
}

// 9F34 and 9F6C tell the issuer how the cardholder was verified.
func TestVerificationInTheDataRecord(t *testing.T) {
	for _, c := range []struct{ ctq, ttq, results string }{
		{"8000", "36404000", "020300"}, {"4000", "36404000", "1E0300"}, {"0080", "36404000", "010002"}, {"0000", "36004000", "1F0002"}, {"", "36004000", "1F0002"},
	} {
		gpo := kerneltest.With(arqc, object{"9F6C", c.ctq})
		if c.ctq == "" {
			gpo = kerneltest.With(arqc, object{"9F6C", "-"})
		}
		o, _ := situation{gpo: gpo, ttq: c.ttq}.play(t)
		v, ok := o.DataRecord.Lookup(emv.TagCVMResults)
		require.True(t, ok, "%+v", c)
		require.Equal(t, unhex(t, c.results), v, "%+v", c)
		v, ok = o.DataRecord.Lookup(emv.TagCTQ)
		require.Equal(t, c.ctq != "", ok, "%+v", c)
		require.Equal(t, unhex(t, c.ctq), append([]byte{}, v...), "%+v", c)
	}
}

// Book C-3, 4.3.1.1: the available offline spending amount is shown with the
// outcome and handed on.
func TestBalanceIsShown(t *testing.T) {
	for name, gpo := range map[string][]object{"online": arqc, "declined": kerneltest.With(arqc, object{"9F27", "00"})} {
		o, _ := situation{gpo: kerneltest.With(gpo, object{"9F5D", "000000012345"})}.play(t)
		require.NotNil(t, o.UI.Value, name)
		require.True(t, o.UI.Value.Balance, name)
		require.Equal(t, int64(12345), o.UI.Value.Amount, name)
		require.Equal(t, "EUR", o.UI.Value.Currency.Alpha, name)
		require.Equal(t, emv.List{{Tag: emv.TagAOSA, Value: unhex(t, "000000012345")}}, o.Discretionary, name)
	}
	o, _ := situation{gpo: kerneltest.With(arqc, object{"9F27", "00"})}.play(t)
	require.Nil(t, o.UI.Value, "no balance leaks from one transaction into the next")
	require.Equal(t, &ui{kernel.MessageNotAuthorised, kernel.StatusCardRead, 0}, short(o.UI))
	require.Equal(t, kernel.CVMNotRequired, o.CVM)
	require.Empty(t, o.DataRecord)
	o, _ = situation{gpo: kerneltest.With(arqc, object{"9F5D", "00000001234A"})}.play(t)
	require.Nil(t, o.UI.Value, "an amount that is no number is not shown")
}

// A restart that carries the issuer's data delivers them and keeps the host's
// decision (EMV Book 3, 6.5.4 and 10.10).
func TestIssuerUpdate(t *testing.T) {
	update := func(data string) func(*kernel.Activation) {
		return func(a *kernel.Activation) {
			a.Restart, a.IssuerData, a.Authorised, a.CVM = true, unhex(t, data), strings.HasSuffix(data, "8A023030"), kernel.CVMNotRequired
		}
	}
	const auth = "91 08 1BCF65E800800000"
	script := "72 16 9F18 04 00000001 86 0D 8424000008 1122334455667788"
	o, sent := situation{answers: []string{"9000", "9000"}, change: update(auth + script + "8A023030")}.play(t)
	require.Equal(t, kernel.Approved, o.Kind)
	require.Equal(t, [][]byte{unhex(t, "0082000008 1BCF65E800800000"), unhex(t, "8424000008 1122334455667788")}, sent)
	results, ok := o.DataRecord.Lookup(emv.TagIssuerScriptResults)
	require.True(t, ok)
	require.Equal(t, unhex(t, "20 00000001"), results)

	for name, c := range map[string]struct {
		answers []string
		data    string
		want    kernel.Kind
		results string
	}{
		"refused authentication, script goes on": {[]string{"6300", "9000"}, auth + script + "8A023030", kernel.Approved, "2000000001"},
		"script refused":                         {[]string{"9000", "6985"}, auth + script + "8A023030", kernel.Approved, "1100000001"},
		"warning is success":                     {[]string{"9000", "6200"}, auth + script + "8A023030", kernel.Approved, "2000000001"},
		"the host declined":                      {[]string{"9000"}, auth + "8A023035", kernel.Declined, ""},
		"the host declined and sent a script":    {[]string{"9000", "9000"}, auth + script + "8A023035", kernel.Declined, "2000000001"},
		"malformed script":                       {nil, "72 03 86 0D 84" + "8A023030", kernel.Approved, "0000000000"},
		"the card left":                          {[]string{"lost"}, auth + "8A023030", kernel.TryAgain, ""},
	} {
		o, _ := situation{answers: c.answers, change: update(c.data)}.play(t)
		require.Equal(t, c.want, o.Kind, name)
		if v, ok := o.DataRecord.Lookup(emv.TagIssuerScriptResults); c.results != "" {
			require.True(t, ok, name)
			require.Equal(t, unhex(t, c.results), v, name)
		}
	}
}

// The verification of the first tap stays with an update: what is signed for is
// what the second tap says was approved.
func TestIssuerUpdateKeepsTheVerification(t *testing.T) {
	for cvm, message := range map[kernel.CVM]kernel.MessageID{
		kernel.CVMSignature: kernel.MessageApprovedSign, kernel.CVMConfirmationCode: kernel.MessageApproved, kernel.CVMOnlinePIN: kernel.MessageApproved,
	} {
		o, _ := situation{answers: []string{"9000"}, change: func(a *kernel.Activation) {
			a.Restart, a.IssuerData, a.Authorised, a.CVM = true, unhex(t, "91081BCF65E800800000"), true, cvm
		}}.play(t)
		require.Equal(t, kernel.Approved, o.Kind)
		require.Equal(t, cvm, o.CVM)
		require.Equal(t, message, o.UI.Message)
		require.Equal(t, cvm == kernel.CVMSignature, o.Receipt)
	}
}

// A reader that is offline only (TTQ byte 1 bit 4) declines what would need the
// issuer.
func TestOfflineOnlyReader(t *testing.T) {
	for name, s := range map[string]situation{
		"ARQC":                       {gpo: arqc},
		"TC, online asked":           {gpo: tc, ttq: "2E804000"},
		"no CTQ, reader has PIN":     {gpo: arqc, ttq: "2C404000"},
		"expired, asks to go online": {gpo: kerneltest.With(tc, object{"5F24", "291231"}, object{"9F6C", "0800"})},
	} {
		if s.ttq == "" {
			s.ttq = "2E004000"
		}
		o, _ := s.play(t)
		require.Equal(t, kernel.Declined, o.Kind, name)
		require.Empty(t, o.DataRecord, name)
	}
	o, _ := situation{gpo: arqc, ttq: "2E004000"}.play(t)
	require.Contains(t, o.Reason.Text, "offline only")
}

// A context that ends, or a reader that fails, is an error and no outcome.
func TestReaderErrorsAreNotOutcomes(t *testing.T) {
	s := situation{gpo: arqc, change: func(a *kernel.Activation) { a.Card = failing{} }}
	o, _, err := s.run(t)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Zero(t, o.Kind)
}

type failing struct{}

func (failing) Transceive(context.Context, []byte) ([]byte, error) {
	return nil, context.DeadlineExceeded
}

// What the customer sees and what a trace says on the way.
func TestDisplayAndTrace(t *testing.T) {
	var shown []kernel.MessageID
	var rules []string
	situation{gpo: kerneltest.With(arqc, object{"9F6C", "0080"}), change: func(a *kernel.Activation) {
		a.Display = func(u kernel.UIRequest) { shown = append(shown, u.Message) }
		a.Trace = func(s kernel.Step) { rules = append(rules, s.Rule) }
	}}.play(t)
	require.Equal(t, []kernel.MessageID{kernel.MessageCardReadOK}, shown)
	require.Equal(t, []string{"EMV Book C-3, 5.4.3.2", "EMV Book C-3, 5.7.1.2"}, rules)
}

// Data beyond what cards usually give are kept too, up to a limit.
func TestMuchData(t *testing.T) {
	long := func(n int) string { return strings.Repeat("5A", n) }
	record := func(objects ...object) string {
		return hex.EncodeToString(template(t, emv.TagRecord, objects)) + "9000"
	}
	gpo := kerneltest.With(arqc, object{"94", "08010200"})
	o, _ := situation{gpo: gpo, answers: []string{record(object{"9F46", long(200)}), record(object{"90", long(200)})}}.play(t)
	require.Equal(t, kernel.OnlineRequest, o.Kind)
	for tag, want := range map[emv.Tag]string{emv.TagCryptogram: "27552E9226B3CC95", emv.TagICCCertificate: long(200), emv.TagIssuerCertificate: long(200)} {
		v, ok := o.Card.Lookup(tag)
		require.True(t, ok, tag.String())
		require.Equal(t, unhex(t, want), v, tag.String())
	}
	v, ok := o.DataRecord.Lookup(emv.TagDFName)
	require.True(t, ok)
	require.Equal(t, unhex(t, "A0000000031010"), v)

	o, _ = situation{gpo: gpo, answers: []string{record(object{"9F46", long(40_000)}), record(object{"90", long(40_000)})}}.play(t)
	require.Equal(t, kernel.EndApplication, o.Kind)
	require.Contains(t, o.Reason.Text, "more data")
}
