package issuer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
)

// TestTokenIsNotTyped: who has seen a token's number cannot pay with it, also
// where the bank takes payments without chip data.
func TestTokenIsNotTyped(t *testing.T) {
	b := newBank(t, func(c *Config) { c.Fallback = true })
	p, _ := activeToken(t, b, 1)
	for _, mode := range []string{"010", "012", "100", "090", "901"} {
		answer, report := p.pay(1_00, func(m *iso8583.Message) { m.EntryMode, m.ICCData = mode, nil })
		if mode == "901" { // a magnetic stripe, which the configuration lets pass
			require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
			continue
		}
		require.Equal(t, "57", answer.ResponseCode, "%s %+v", mode, report.Steps)
		require.Contains(t, report.firstFailure().Text, "not by its number")
	}
	for _, mode := range []string{"031", "810"} {
		answer, report := p.pay(1_00, func(m *iso8583.Message) { m.EntryMode, m.ICCData = mode, nil })
		require.Equal(t, "30", answer.ResponseCode, "%s %+v", mode, report.Steps)
	}
}

// TestRemotePaymentsAreVerified: a cryptogram that a reader took from a locked
// phone pays at readers, within their limits, and nowhere else.
func TestRemotePaymentsAreVerified(t *testing.T) {
	b := newBank(t, nil)
	p, _ := activeToken(t, b, 1)
	for _, c := range []struct{ mode, code string }{{"071", "00"}, {"031", "63"}, {"810", "63"}} {
		answer, report := p.pay(1_00, func(m *iso8583.Message) { m.EntryMode = c.mode })
		require.Equal(t, c.code, answer.ResponseCode, "%s %+v", c.mode, report.Steps)
		if c.code != "00" {
			require.Contains(t, report.firstFailure().Text, "there was no verification on the device")
		}
	}
}

// TestDomainInOtherCurrencies: the most of a token is the bank's money, whatever
// the payment is in.
func TestDomainInOtherCurrencies(t *testing.T) {
	b := everydayBank(t, nil)
	p, token := activeToken(t, b, 1)
	_, err := b.ControlToken(bg, DomainChange{Token: token, Domain: Domain{MaxAmount: 50_00}})
	require.NoError(t, err)
	for _, c := range []struct {
		currency string
		amount   int64
		want     Result
		text     string
	}{
		{"978", 50_00, OK, ""}, {"978", 50_01, Failed, "up to 50.00 EUR"},
		{"392", 5001, OK, ""}, {"392", 8064, OK, ""}, {"392", 8066, Failed, "up to 50.00 EUR; 8066 JPY are 50.01 EUR"},
		{"840", 54_34, OK, ""}, {"840", 54_40, Failed, "54.40 USD are 50.05 EUR"},
		{"414", 1, Failed, "no rate for KWD"},
	} {
		_, report := p.pay(c.amount, func(m *iso8583.Message) { m.Currency = c.currency })
		step := report.find("domain")
		require.Equal(t, c.want, step.Result, "%s %d: %s", c.currency, c.amount, step.Text)
		require.Contains(t, step.Text, c.text)
	}
}

// TestStoryGoesOn: whoever asks for a payment by the number of its completion gets
// the check of its beginning, and all that was booked since.
func TestStoryGoesOn(t *testing.T) {
	b := everydayBank(t, nil)
	answer, report := b.handle(plasticTap(1, 9_00).message(t, iso8583.AuthorisationRequest, 1))
	require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
	held, err := b.store.Sequence()
	require.NoError(t, err)
	done, err := b.Complete(bg, PaymentRequest{Payment: held})
	require.NoError(t, err)
	back, err := b.Refund(bg, RefundRequest{Payment: done.ID, Amount: "2.00"})
	require.NoError(t, err)
	for _, id := range []int64{held, done.ID} {
		list, err := b.PaymentStories(bg, PaymentQuery{ID: id})
		require.NoError(t, err)
		require.Len(t, list, 1)
		s := list[0]
		require.Equal(t, held, s.ID)
		require.NotEmpty(t, s.Checks)
		require.Equal(t, "000001", s.STAN)
		require.Equal(t, []string{"9.00", "9.00", "2.00"}, []string{s.Requested, s.Billed, s.Refunded})
		var later []int64
		for _, l := range s.Later {
			later = append(later, l.ID)
		}
		require.Equal(t, []int64{done.ID, back.ID}, later)
		count := map[int64]int{}
		for _, e := range s.Entries {
			count[e.Payment]++
		}
		require.Equal(t, map[int64]int{done.ID: 2, back.ID: 2}, count)
	}
	list, err := b.PaymentStories(bg, PaymentQuery{ID: back.ID})
	require.NoError(t, err)
	require.Equal(t, []int64{back.ID, done.ID}, []int64{list[0].ID, list[0].Related})
}
