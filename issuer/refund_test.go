package issuer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
)

// TestRefundRequest: a request for a refund credits at once. One that names its
// payment by field 37 never gives back more than is left of it, and none does of
// a payment that is only held.
func TestRefundRequest(t *testing.T) {
	b := newBank(t, func(c *Config) { c.Unverified = 12_49 })
	answer, report := b.handle(refund(t, 1, "0200", 1)) // names no payment
	require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
	require.Equal(t, int64(512_50), b.account().Balance)

	paid := plasticTap(2, 20_00).message(t, "0200", 2)
	b.handle(paid)
	require.Equal(t, int64(492_50), b.account().Balance)
	step := func(atc uint16, stan int, code string, balance int64) *iso8583.Message {
		m := refund(t, atc, "0200", stan)
		m.RRN = paid.RRN
		answer, report := b.handle(m)
		require.Equal(t, code, answer.ResponseCode, "%+v", report.Steps)
		require.Equal(t, balance, b.account().Balance)
		b.audit()
		return m
	}
	first := step(3, 3, "00", 505_00)
	step(4, 4, "13", 505_00) // 12.50 of 7.50
	b.handle(reversalOf(first, "0420", 5))
	require.Equal(t, int64(492_50), b.account().Balance, "the refund is undone")
	step(5, 6, "00", 505_00)
	b.handle(reversalOf(paid, "0420", 7))
	require.Equal(t, int64(512_50), b.account().Balance, "a reversal gives back what the refund has left")
	step(6, 8, "13", 512_50)

	held := plasticTap(7, 20_00).message(t, "0100", 9)
	b.handle(held)
	paid = held
	step(8, 10, "12", 512_50)

	numberOnly := refund(t, 9, "0200", 11)
	numberOnly.ICCData = nil
	answer, report = b.handle(numberOnly)
	require.Equal(t, "61", answer.ResponseCode)
	require.Contains(t, report.find("refund").Text, "12.50 EUR without a cryptogram")
	numberOnly.STAN, *numberOnly.Amount = "000012", 12_49
	answer, _ = b.handle(numberOnly)
	require.Equal(t, "00", answer.ResponseCode)
}

// TestRefundAdvicesOfOneTap: under whatever reference its refunds come, and
// whichever payment they name, a tap gives money once, and one that is wrong, or
// none, or the tap of a purchase, never.
func TestRefundAdvicesOfOneTap(t *testing.T) {
	purchase := offlineTap(2, 12_50)
	for name, c := range map[string]struct {
		change func(*iso8583.Message)
		moved  int64
	}{
		"right":            {func(*iso8583.Message) {}, 12_50},
		"approved offline": {func(m *iso8583.Message) { m.ICCData = refundData(t, offlineTap(2, 12_50)) }, 12_50},
		"wrong":            {func(m *iso8583.Message) { m.ICCData[4] ^= 1 }, 0},
		"none":             {func(m *iso8583.Message) { m.ICCData = nil }, 0},
		"of a purchase":    {func(m *iso8583.Message) { m.ICCData = purchase.icc(t) }, 0},
	} {
		for _, mti := range []iso8583.MTI{"0220", "0120"} {
			b := newBank(t, func(c *Config) { c.Unverified = 50_00 })
			paid := plasticTap(1, 100_00).message(t, "0200", 1)
			b.handle(paid)
			for stan := 2; stan < 6; stan++ {
				m := refund(t, 2, mti, stan)
				if c.change(m); stan > 3 && m.ICCData != nil {
					m.OriginalData = reversalOf(paid, "0400", 9).OriginalData
				}
				if stan == 5 && m.ICCData != nil {
					m.RRN = paid.RRN
				}
				answer, report := b.handle(m)
				require.Equal(t, "00", answer.ResponseCode)
				require.Equal(t, 400_00+c.moved, b.account().Balance, "%s: %+v", name, report.Steps)
			}
			b.audit()
		}
	}
	b := newBank(t, nil)
	b.handle(purchase.message(t, "0220", 1)) // paid, it is no refund either
	m := refund(t, 2, "0220", 2)
	m.ICCData = purchase.icc(t)
	b.handle(m)
	require.Equal(t, int64(487_50), b.account().Balance)
	b.audit()
}

// TestRefundAdviceOfAPayment gives back what is left of the payment that it names,
// and no more, however many taps.
func TestRefundAdviceOfAPayment(t *testing.T) {
	for _, tapped := range []bool{true, false} {
		b := newBank(t, nil)
		paid := plasticTap(1, 20_00).message(t, "0200", 1)
		b.handle(paid)
		for stan := 2; stan < 5; stan++ {
			m := refund(t, uint16(stan), "0220", stan)
			if m.RRN = paid.RRN; !tapped {
				m.ICCData = nil
			}
			_, report := b.handle(m)
			require.Equal(t, int64(492_50), b.account().Balance, "%+v", report.Steps)
		}
		b.audit()
	}
}

// TestRefundAdvice: money of a refund goes to the customer, once, and a reversal
// takes it back. An advice of a transaction type that the bank does not do moves
// nothing.
func TestRefundAdvice(t *testing.T) {
	b := newBank(t, nil)
	advice := refund(t, 2, "0220", 2)
	for _, stan := range []string{"000002", "000002", "000003"} { // itself, repeated, and as another message
		advice.STAN = stan
		answer, report := b.handle(advice)
		require.Equal(t, "00", answer.ResponseCode)
		require.Equal(t, int64(512_50), b.account().Balance, "%+v", report.Steps)
	}
	advice.STAN = "000002"
	b.handle(reversalOf(advice, "0420", 4))
	require.Equal(t, int64(500_00), b.account().Balance)

	balance := refund(t, 3, "0220", 5)
	balance.ProcessingCode = "300000"
	_, report := b.handle(balance)
	require.Equal(t, int64(500_00), b.account().Balance)
	require.Contains(t, report.find("posting").Text, "does not do")
	b.audit()
}

// TestRefundOfAnAuthorisation: an advice of a refund that names an open hold
// neither releases it nor pays it out.
func TestRefundOfAnAuthorisation(t *testing.T) {
	b := newBank(t, nil)
	authorisation := plasticTap(1, 12_50).message(t, "0100", 1)
	authorisation.RRN = "000112000077"
	b.handle(authorisation)
	require.Equal(t, int64(12_50), b.account().Held)
	advice := refund(t, 2, "0220", 2)
	advice.RRN = authorisation.RRN
	b.handle(advice)
	require.Equal(t, int64(12_50), b.account().Held)
	require.Equal(t, int64(500_00), b.account().Balance)
	b.audit()
}

// refund is a message about a refund of 12.50 to the plastic card.
func refund(t *testing.T, atc uint16, mti iso8583.MTI, stan int) *iso8583.Message {
	p := plasticTap(atc, 12_50)
	m := p.message(t, mti, stan)
	m.ProcessingCode, m.ICCData = "200000", refundData(t, p)
	return m
}

// refundData is field 55 of a tap whose card was told a refund.
func refundData(t *testing.T, p tap) []byte {
	e := p.elements()
	e.Type = 0x20
	return signed(t, p, &e)
}

// TestRefundAfterARefusal: a refund that was declined for another reason still
// names its payment, so that the next one of the same is held against it; and a
// rule that approves gives back no more than is left, either.
func TestRefundAfterARefusal(t *testing.T) {
	b := newBank(t, func(c *Config) {
		c.Rules = []Rule{{Name: "no", AmountFrom: 7_00, AmountTo: 7_00, Response: Code("05")}, {Name: "yes", AmountFrom: 8_00, AmountTo: 8_00, Response: Approved}}
	})
	paid := plasticTap(1, 5_00).message(t, "0200", 1)
	b.handle(paid)
	for n, c := range []struct {
		amount int64
		code   string
		back   int64
	}{{7_00, "05", 0}, {12_50, "13", 0}, {8_00, "00", 0}, {3_00, "00", 3_00}, {7_00, "05", 3_00}, {3_00, "13", 3_00}, {2_00, "00", 5_00}} {
		p := plasticTap(uint16(2+n), c.amount)
		e := p.elements()
		e.Type = 0x20
		m := p.message(t, "0200", 2+n)
		m.ProcessingCode, m.RRN, m.ICCData = "200000", paid.RRN, signed(t, p, &e)
		answer, report := b.handle(m)
		require.Equal(t, c.code, answer.ResponseCode, "%d: %+v", n, report.Steps)
		require.Equal(t, 495_00+c.back, b.account().Balance, n)
		b.audit()
	}
}
