package issuer

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
)

func TestRates(t *testing.T) {
	for _, text := range []string{"0.92", "1", "155.3", "0.0000000001", "999999999999"} {
		r, err := ParseRate(text)
		require.NoError(t, err, text)
		require.Equal(t, text, r.String())
	}
	for _, text := range []string{"", ".5", "1.", "-1", "0", "0.000", "1,5", "1e3", "1234567890123", "0.00000000001", "NaN"} {
		_, err := ParseRate(text)
		require.Error(t, err, text)
	}
}

// Conversions by hand: currencies with no, two and three decimals, rounding half
// up, and what does not fit.
func TestConvert(t *testing.T) {
	c := Config{Currency: 978, Exchange: Exchange{Rates: map[uint16]Rate{}, CrossBorderFee: 175}}
	for currency, text := range map[uint16]string{840: "0.92", 392: "0.0062", 414: "3.01"} {
		r, err := ParseRate(text)
		require.NoError(t, err)
		c.Exchange.Rates[currency] = r
	}
	for _, x := range []struct {
		amount   int64
		from, to uint16
		want     int64
		ok       bool
	}{
		{100_00, 840, 978, 92_00, true}, {92_00, 978, 840, 100_00, true}, {1, 840, 978, 1, true}, // 0.0092 EUR
		{1000, 392, 978, 6_20, true}, {6_20, 978, 392, 1000, true}, {1, 392, 978, 1, true}, // 0.0062 EUR is 0.62 cents
		{1000, 414, 978, 3_01, true}, {3_01, 978, 414, 1000, true}, {500, 414, 392, 243, true}, // 1.505 EUR is 242.74 yen
		{100_00, 840, 392, 14839, true}, // 92 EUR
		{7, 978, 978, 7, true}, {0, 840, 978, 0, true},
		{1, 826, 978, 0, false}, {1, 978, 826, 0, false}, {emv.MaxAmount, 414, 978, 301000000000, true}, {emv.MaxAmount, 978, 392, 0, false},
		{math.MaxInt64, 840, 978, 0, false},
	} {
		got, ok := c.convert(x.amount, x.from, x.to)
		require.Equal(t, []any{x.want, x.ok}, []any{got, ok}, "%+v", x)
	}
	abroad, ok := c.charge(100_00, 840, 978, true)
	require.True(t, ok)
	require.Equal(t, charge{978, 93_61, 1_61}, abroad, "1.75 % of 92.00")
	home, _ := c.charge(100_00, 978, 978, false)
	require.Equal(t, charge{978, 100_00, 0}, home)
	require.Equal(t, int64(33), share(100, 1, 3))
	require.Zero(t, share(100, 1, 0))
}

// dollars is a tap of 100.00 USD in the United States.
func dollars(t *testing.T, atc uint16, mti iso8583.MTI, stan int) *iso8583.Message {
	p := plasticTap(atc, 100_00)
	e := p.elements()
	e.Currency, e.TerminalCountry = [2]byte{0x08, 0x40}, [2]byte{0x08, 0x40}
	m := p.message(t, mti, stan)
	m.Currency, m.AcquirerCountry, m.ICCData = "840", "840", signed(t, p, &e)
	return m
}

func (b *bank) balance(id string) int64 {
	b.t.Helper()
	a, _, err := b.store.Account(id)
	require.NoError(b.t, err)
	return a.Balance
}

// A payment abroad in another currency: the customer pays the converted amount
// and the fee, the merchant is owed dollars, and the bank's exchange stands
// between. It is undone and refunded in parts without a cent too many.
func TestPaymentAbroad(t *testing.T) {
	b := everydayBank(t, nil)
	m := dollars(t, 1, "0200", 1)
	answer, report := b.handle(m)
	require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
	require.Contains(t, report.find("currency").Text, "100.00 USD cost 93.38 EUR, of which 1.38 EUR are a fee")
	require.Equal(t, int64(500_00-93_38), b.account().Balance)
	require.Equal(t, int64(1_38), b.balance(internalAccount(ownFees, 978)))
	require.Equal(t, []int64{92_00, -100_00, 100_00},
		[]int64{b.balance(internalAccount(ownExchange, 978)), b.balance(internalAccount(ownExchange, 840)), b.balance(SettlementAccount(840))})
	b.audit()
	paid, err := b.store.Sequence()
	require.NoError(t, err)
	for _, part := range []string{"33.33", "33.33", "33.33", "0.01"} {
		_, err := b.Refund(bg, RefundRequest{Payment: paid, Amount: part})
		require.NoError(t, err)
		require.LessOrEqual(t, b.account().Balance, int64(500_00))
		b.audit()
	}
	require.Equal(t, int64(500_00), b.account().Balance)
	require.Zero(t, b.balance(SettlementAccount(840)))

	held := dollars(t, 2, "0100", 2)
	b.handle(held)
	require.Equal(t, int64(93_38), b.account().Held)
	undo := reversalOf(held, "0420", 3)
	undo.ReplacementAmounts = "000000003000" + "000000000000" + "000000000" + "000000000"
	b.handle(undo)
	require.Equal(t, int64(93_38)-share(93_38, 70, 100), b.account().Held)
	b.audit()

	here := plasticTap(3, 10_00)
	e := here.elements()
	e.TerminalCountry = [2]byte{0x02, 0x50}
	euro := here.message(t, "0200", 4)
	euro.ICCData = signed(t, here, &e)
	b.handle(euro)
	require.Equal(t, int64(500_00-10_15), b.account().Balance, "abroad in euro: the fee only")
	b.audit()
}

func TestTransferConverts(t *testing.T) {
	b := everydayBank(t, nil)
	out, err := b.Transfer(bg, TransferRequest{From: "A", To: "Y", Amount: "6.20"})
	require.NoError(t, err)
	require.Equal(t, int64(1000), b.balance("Y"))
	in, err := b.ShowPayment(bg, out.Related)
	require.NoError(t, err)
	require.Equal(t, []any{"transfer-in", "1000", "JPY", "A"}, []any{in.Event, in.Amount, in.Currency, in.Merchant})
	b.audit()
}

// The bank approves what is there, says how much in field 4, and holds that
// much.
func TestPartialApproval(t *testing.T) {
	b := everydayBank(t, func(c *Config) { c.PartialApproval = true; c.Limits.MaxAmount = 0 })
	m := plasticTap(1, 600_00).message(t, "0100", 1)
	answer, report := b.handle(m)
	require.Equal(t, "10", answer.ResponseCode, "%+v", report.Steps)
	require.Equal(t, int64(500_00), *answer.Amount)
	require.Len(t, answer.AuthorisationCode, 6)
	require.Equal(t, int64(500_00), b.account().Held)
	again, _ := b.handle(m)
	require.Equal(t, answer, again)
	b.handle(reversalOf(m, "0420", 2))
	require.Zero(t, b.account().Held)

	_, err := b.Transfer(bg, TransferRequest{From: "A", To: "B", Amount: "450.00"})
	require.NoError(t, err)
	answer, _ = b.handle(dollars(t, 2, "0200", 3))
	require.Equal(t, "10", answer.ResponseCode)
	require.Equal(t, int64(53_54), *answer.Amount, "49.26 EUR and a fee of 0.74 EUR")
	require.Zero(t, b.account().Balance)
	answer, _ = b.handle(plasticTap(3, 1_00).message(t, "0200", 4))
	require.Equal(t, "51", answer.ResponseCode, "nothing is no part")
	b.audit()
}

// TestThePhoneHearsOfThePart that was approved, not of what was asked.
func TestThePhoneHearsOfThePart(t *testing.T) {
	b := newBank(t, func(c *Config) { c.PartialApproval = true; c.Limits.MaxAmount = 0 })
	p, token := activeToken(t, b, 1)
	available := b.account().Available()
	answer, report := p.pay(available+1, nil)
	require.Equal(t, "10", answer.ResponseCode, "%+v", report.Steps)
	events := p.news(token).Events
	require.Equal(t, available, events[len(events)-1].Payment.Amount)
}
