package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/cryptogram/pin"
	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/issuer"
	issuerconfig "tapsim/issuer/config"
	termconfig "tapsim/terminal/config"
	"tapsim/terminal/kernel"
)

// The PIN pad's block:
// ISO 9564-1 format 0 for PIN 1234 and 4761739001010119 is 041223C6FFEFEFEE, and
// the key is the one in the file.
func TestPINPad(t *testing.T) {
	attended, err := termconfig.Load("attended")
	require.NoError(t, err)
	pad, err := newPINPad(&attended)
	require.NoError(t, err)
	block, err := pad.PINBlock(context.Background(), "4761739001010119")
	require.NoError(t, err)
	key, err := cryptogram.NewKey(cryptogram.TDES, []byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10})
	require.NoError(t, err)
	plain, err := key.DecryptECB(block)
	require.NoError(t, err)
	require.Equal(t, []byte{0x04, 0x12, 0x23, 0xC6, 0xFF, 0xEF, 0xEF, 0xEE}, plain)

	for _, name := range []string{"unattended", "transit", "offline-only"} {
		c, err := termconfig.Load(name)
		require.NoError(t, err)
		pad, err := newPINPad(&c)
		require.NoError(t, err)
		require.Nil(t, pad, name)
	}
}

// hostFunc is a host.
type hostFunc func(*iso8583.Message) (*iso8583.Message, error)

func (f hostFunc) Exchange(_ context.Context, m *iso8583.Message) (*iso8583.Message, error) {
	return f(m)
}

// What the customer enters reaches the host in field 52, bound to the number
// that the card gave, a token's too, and stands nowhere else.
func TestOnlinePINReachesTheHost(t *testing.T) {
	eur, _ := emv.CurrencyByAlpha("EUR")
	for entered, want := range map[PIN]string{"": "1234", "987654": "987654"} {
		var got *iso8583.Message
		host := hostFunc(func(m *iso8583.Message) (*iso8583.Message, error) {
			got = m.Clone()
			r := iso8583.Response(m, iso8583.Approved)
			r.AuthorisationCode = "000001"
			return r, nil
		})
		w, err := Open(context.Background(), Options{State: Memory, Card: "visa-plastic", Terminal: "atm", Host: host})
		require.NoError(t, err)
		r := Request{Amount: 5000, Currency: eur, Type: 0x01, PIN: entered, Explain: true}
		p, err := w.Pay(context.Background(), r)
		require.NoError(t, err)
		require.Equal(t, "approved online-pin", p.Outcome.String()+" "+p.Tap.Outcome.CVM.String())
		found, err := pin.Decipher(pin.Format0, w.pad.key, got.PINBlock, "4761739001010119")
		require.NoError(t, err)
		require.Equal(t, want, found)
		require.Equal(t, "12", got.PINCapture)
		require.NoError(t, iso8583.Validate(got))
		asJSON, err := json.Marshal(r)
		require.NoError(t, err)
		for _, text := range []string{fmt.Sprintf("%v %+v %#v", r, r, r), string(asJSON), fmt.Sprintf("%v %+v %#v", w.Terminal, w.Terminal, w.Terminal)} {
			require.NotContains(t, text, "987654")
			require.NotContains(t, text, "0x1, 0x23, 0x45, 0x67")
			require.NotContains(t, text, "[1 35 69 103")
		}
	}
	w, err := Open(context.Background(), Options{State: Memory, Card: "visa-plastic", Terminal: "attended"})
	require.NoError(t, err)
	for _, bad := range []PIN{"123", "1234567890123", "12a4", "12 34"} {
		_, err = w.Pay(context.Background(), Request{Amount: 5000, Currency: eur, PIN: bad})
		require.ErrorContains(t, err, "PIN", bad)
		require.NotContains(t, err.Error(), string(bad))
	}
}

// A bank that asks for the PIN first (70) gets it without another tap, and takes
// the same cryptogram once more; with a wrong PIN it does not.
func TestPINAfterTheTap(t *testing.T) {
	eur, _ := emv.CurrencyByAlpha("EUR")
	for entered, want := range map[PIN]string{DemoPIN: "approved 00", "4321": "declined 55"} {
		for _, card := range []string{"visa-plastic", "visa-phone", "mastercard-phone"} {
			bank, err := issuerconfig.Demo()
			require.NoError(t, err)
			bank.Config.Rules = append([]issuer.Rule{{Name: "first", MTI: "0100", Nth: 1, Response: "70"}}, bank.Config.Rules...)
			w, err := Open(context.Background(), Options{State: Memory, Card: card, Terminal: "attended", Bank: &bank})
			require.NoError(t, err)
			p, err := w.Pay(context.Background(), Request{Amount: 1000, Currency: eur, PIN: entered, Explain: true})
			require.NoError(t, err)
			require.Equal(t, want, p.Outcome.String()+" "+p.Response.ResponseCode, "%s: %+v", card, p.Report.Steps)
			require.Equal(t, "70", p.Before.Response.ResponseCode)
			require.Equal(t, 1, p.Tap.Taps)
			require.Equal(t, "online-pin", p.CVM.String())
		}
	}
}

// A bank that wants the contact chip (1A) is obeyed where the terminal has
// contacts: "insert card". Where it has none, the payment is declined. No money
// moves, and nothing waits to be undone.
func TestContactChipAfterTheTap(t *testing.T) {
	eur, _ := emv.CurrencyByAlpha("EUR")
	for terminal, want := range map[string]string{"attended": "try-another-interface", "unattended": "declined"} {
		bank, err := issuerconfig.Demo()
		require.NoError(t, err)
		bank.Config.Rules = append([]issuer.Rule{{Name: "first", MTI: "0100", Nth: 1, Response: "1A"}}, bank.Config.Rules...)
		w, err := Open(context.Background(), Options{State: Memory, Card: "visa-plastic", Terminal: terminal, Bank: &bank})
		require.NoError(t, err)
		p, err := w.Pay(context.Background(), Request{Amount: 1000, Type: w.Terminal.Type, Currency: eur, Explain: true})
		require.NoError(t, err)
		require.Equal(t, want, p.Outcome.String(), "%s: %s", terminal, p.Detail)
		require.Equal(t, "1A", p.Response.ResponseCode)
		require.True(t, p.SoftDecline)
		require.False(t, p.ReversalPending)
		last := p.Tap.UI[len(p.Tap.UI)-1].Message
		require.Equal(t, map[bool]kernel.MessageID{true: kernel.MessageInsertCard, false: kernel.MessageNotAuthorised}[want != "declined"], last, terminal)
	}
}

// Who must look at the phone first has been verified by nothing, whatever the
// kernel has chosen for the payment that did not come about.
func TestNobodyIsVerifiedByADecline(t *testing.T) {
	eur, _ := emv.CurrencyByAlpha("EUR")
	for unlocks, want := range map[bool]string{false: "end-application n/a", true: "approved device"} {
		w, err := Open(context.Background(), Options{State: Memory, Card: "mastercard-phone", Terminal: "attended"})
		require.NoError(t, err)
		p, err := w.Pay(context.Background(), Request{Amount: 12000, Currency: eur, Locked: true, UnlockAfterFirst: unlocks})
		require.NoError(t, err)
		require.Equal(t, want, p.Outcome.String()+" "+p.CVM.String())
	}
}
