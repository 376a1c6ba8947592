package c2_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
)

// The OUT signal as the book codes it: DF8129 status, start, online response
// data, CVM, flags, interface, field off, removal; DF8116 of 22 bytes.
func TestOut(t *testing.T) {
	out := func(s situation) emv.List { return c2.Out(s.play(t)) }
	value := func(l emv.List, tag emv.Tag) string {
		v, _ := l.Lookup(tag)
		return hexOf(v)
	}
	l := out(situation{card: plastic(), amount: 5001})
	require.Equal(t, "30f0f020b8f0ff00", value(l, 0xDF8129), "online request, online PIN, receipt, data record")
	require.Equal(t, "1b00"+"000000"+"6465656e00000000"+"00"+"000000000000"+"0000", value(l, 0xDF8116))
	record, _ := l.Lookup(0xFF8105)
	ac, ok := emv.Find(record, emv.TagCryptogram)
	require.True(t, ok)
	require.Equal(t, unhex(t, "403151C29036D862"), ac)
	discretionary, _ := l.Lookup(0xFF8106)
	errors, ok := emv.Find(discretionary, 0xDF8115)
	require.True(t, ok)
	require.Equal(t, unhex(t, "0000000000FF"), errors)

	for name, c := range map[string]struct {
		s          situation
		parameters string
		ui         string
	}{
		"refused":       {situation{card: plastic().withRaw(0xAE, "6985")}, "40f0f00090f0ff00", "1c00000013"},
		"declined":      {situation{card: plastic().withAC(object{"9F27", "00"}), config: []object{{"DF8117", "00"}}}, "20f0f000b0f0ff00", "0700000013"},
		"contact":       {situation{card: plastic().withAC(object{"9F27", "00"})}, "60f0f000b010ff00", "1d00000013"},
		"another":       {situation{card: plastic().withRaw(0xA8, "6985")}, "5020f0f010f0ff00", ""},
		"lost early":    {situation{card: plastic().withRaw(0xA8, "lost")}, "7010f0f050f0ff00", "2102000000"},
		"lost":          {situation{card: plastic().withRaw(0xB2, "lost")}, "4010f0f050f0ff00", "2102000000"},
		"phone":         {situation{card: plastic().withAC(object{"DF4B", "000100"}).withFCI(object{"9F5D", "010400"})}, "4010f000f0f00d00", "2000000013"},
		"device":        {situation{card: phone(t), amount: 5001}, "30f0f030b8f0ff00", "1b00000000"},
		"mag-stripe":    {situation{card: magOnly()}, "30f0f0f0b0f0ff00", "1b00000000"},
		"approved, pay": {situation{card: authentic(t, willing(object{"8E", "0000000000000000 1E00"}).withAC(object{"9F27", "40"})), config: append(offline, object{"DF8119", "20"})}, "10f0f010b8f0ff00", "1a00000013"},
	} {
		l := out(c.s)
		require.Equal(t, c.parameters, value(l, 0xDF8129), name)
		ui := value(l, 0xDF8116)
		if c.ui != "" {
			require.Equal(t, c.ui, ui[:10], name)
		} else {
			require.Empty(t, ui, name)
		}
	}
	eur, _ := emv.CurrencyByAlpha("EUR")
	l = c2.Out(kernel.Outcome{Kind: kernel.Approved, UI: &kernel.UIRequest{Message: 3, Value: &kernel.UIValue{Balance: true, Amount: 123, Currency: eur}}})
	require.Equal(t, "0300"+"000000"+"0000000000000000"+"20"+"000000000123"+"0978", value(l, 0xDF8116))
	l = c2.Out(kernel.Outcome{Kind: kernel.Approved, UI: &kernel.UIRequest{Message: 3, Value: &kernel.UIValue{Amount: 123, Currency: eur}}})
	require.Equal(t, "10", value(l, 0xDF8116)[26:28])
	_, ok = c2.Errors(kernel.Outcome{})
	require.False(t, ok)
}

// Every value of the configuration must have its form; unknown tags are not the
// kernel's business.
func TestConfiguration(t *testing.T) {
	for _, tag := range []string{
		"DF8117", "DF8118", "DF8119", "DF811B", "DF811C", "DF811D", "DF811E", "DF811F", "DF8120", "DF8121", "DF8122", "DF8123", "DF8124",
		"DF8125", "DF8126", "DF8127", "DF812C", "DF812D", "DF8130", "DF8132", "DF8133", "DF8134", "DF8135", "DF8136", "DF8137", "9F1A", "9F35", "9F40", "9F09",
	} {
		o := situation{card: plastic(), config: []object{{tag, "000000000000000000"}}}.play(t)
		require.Equal(t, c2.L2TerminalDataError, errorsOf(t, o).L2, tag)
		require.Contains(t, o.Reason.Text, tag)
	}
	o := situation{card: plastic(), config: []object{{"DF8123", "00000000000A"}}}.play(t)
	require.Equal(t, c2.L2TerminalDataError, errorsOf(t, o).L2)
	o = situation{card: plastic(), config: []object{{"DF8109", "00"}}}.play(t)
	require.Equal(t, kernel.OnlineRequest, o.Kind)
	// The first object of a tag counts.
	o = situation{card: plastic(), change: func(a *kernel.Activation) {
		a.Config.Data = append(emv.List{{Tag: 0xDF8124, Value: unhex(t, "000000000001")}}, a.Config.Data...)
	}}.play(t)
	require.Equal(t, kernel.SelectNext, o.Kind)
}
