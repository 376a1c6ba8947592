package c7_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/internal/kerneltest"
)

// A purse pays with its last record. A reader that will decline does not ask for
// it, and one that goes online does not either: then the account pays alone.
func TestJudgedBeforeTheLastRecord(t *testing.T) {
	bad := func(d testca.Defect, change ...object) func() situation {
		return func() situation { return situation{answers: certified(t, d, related, change...)} }
	}
	good := func(change ...object) func() situation { return bad(testca.DefectNone, change...) }
	year := func(n int) func(*kernel.Activation) {
		return func(a *kernel.Activation) { a.Transaction.Time = a.Transaction.Time.AddDate(n-2030, 0, 0) }
	}
	both := func(f ...func(*kernel.Activation)) func(*kernel.Activation) {
		return func(a *kernel.Activation) {
			for _, f := range f {
				f(a)
			}
		}
	}
	listed := func(a *kernel.Activation) { a.Config.Settings.ExceptionFile = []emv.PAN{account} }
	cash := func(a *kernel.Activation) { a.Transaction.Type, a.Config.Settings.AUCCheck = 0x09, true }
	more := func(a *kernel.Activation) { a.Transaction.Amount++ }
	const required = "20404080"
	for name, c := range map[string]struct {
		card      func() situation
		ttq       string
		change    func(*kernel.Activation)
		want, why string
		records   int
	}{
		"nothing wrong":                      {good(), "", purse, approvedBy, "electronic cash", 4},
		"expired":                            {good(), "", both(purse, year(2050)), declined, "expired", 3},
		"expired, to go online: purse":       {good(object{"9F6C", "0800"}), "", both(purse, year(2050)), declined, "expired", 3},
		"expired, to go online: no offer":    {good(object{"9F6C", "0800"}), "", year(2050), online, "expired", 3},
		"exception file":                     {good(), "", both(purse, listed), declined, "exception file", 3},
		"usage control":                      {good(), "", cash, declined, "cashback", 3},
		"revoked":                            {bad(testca.DefectRevoked), "", purse, odaFailed, "revoked", 3},
		"revoked, to go online: purse":       {bad(testca.DefectRevoked, object{"9F6C", "2000"}), "", purse, odaFailed, "revoked", 3},
		"revoked, to contact: purse":         {bad(testca.DefectRevoked, object{"9F6C", "1000"}), "", purse, odaFailed, "revoked", 3},
		"revoked, to go online: no offer":    {bad(testca.DefectRevoked, object{"9F6C", "2000"}), "", nil, "online-request ui=1B/03 cvm=no-cvm oda=failed balance record", "go online", 3},
		"unknown CA":                         {bad(testca.DefectUnknownCA), "", purse, odaFailed, "CA key: missing", 3},
		"certificate expired":                {bad(testca.DefectCardExpired), "", purse, odaFailed, "expired", 3},
		"no method in common":                {good(), required, purse, declined, "no method", 3},
		"online PIN: purse":                  {good(object{"9F6C", "8000"}), "", purse, declined, "without the issuer", 3},
		"an online cryptogram was asked for": {good(), "36804080", nil, online, "although the reader asked", 3},
		"the same: purse":                    {good(), "36804080", purse, declined, "without the issuer", 3},
		"signed by nobody":                   {good(object{"9F4B", strings.Repeat("01", 128)}), "", purse, odaFailed, "signed dynamic", 3},
		"another amount signed shows late":   {good(), "", both(purse, more), odaFailed, "hash", 4},
		"verified on the device shows late":  {good(object{"9F6C", "0080"}), required, purse, "declined ui=07/04 cvm=no-cvm oda=verified balance", "not those in 9F69", 4},
	} {
		s := c.card()
		s.ttq, s.change = c.ttq, c.change
		o, sent := s.tap(t, loaded())
		require.Equal(t, c.want, kerneltest.Summary(o), "%s: %s / %s", name, o.Reason.Text, o.ODANote)
		require.Contains(t, o.Reason.Text+" / "+o.ODANote, c.why, name)
		require.Len(t, sent, 1+c.records, name)
	}
}

// What the last record may still bring is waited for: here it brings what another
// record had.
func TestTheLastRecordCompletes(t *testing.T) {
	for _, tag := range []string{"8F", "90", "92", "9F32", "9F46", "9F47", "9F48"} {
		all := genuine(t, related)
		_, last := kerneltest.Objects(all[4])
		for n := 2; n < 4; n++ {
			_, list := kerneltest.Objects(all[n])
			i := slices.IndexFunc(list, func(o emv.TLV) bool { return o.Tag.String() == tag })
			if i >= 0 {
				last = append(last, list[i])
				all[n] = kerneltest.Template(emv.TagRecord, slices.Delete(list, i, i+1))
			}
		}
		all[4] = kerneltest.Template(emv.TagRecord, last)
		o, sent := situation{answers: all, change: purse}.tap(t, loaded())
		require.Len(t, sent, 5, tag)
		require.Equal(t, approvedBy, kerneltest.Summary(o), "%s: %s", tag, o.ODANote)
	}
	// An expiry date in the last record counts when it is there.
	all := answers(t, kerneltest.With(tc, object{"94", "08010100"}))
	all = append(all, coded(t, emv.TagRecord, []object{{"5F24", "291231"}}))
	o, sent := situation{answers: all}.tap(t, loaded())
	require.Len(t, sent, 2)
	require.Contains(t, o.Reason.Text, "expired")
}
