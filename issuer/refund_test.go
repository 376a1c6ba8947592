package issuer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
)

// TestRefundAdvice: money of a refund goes to the customer, once, and a reversal
// takes it back. A request for one is refused, and an advice of a transaction
// type that the bank does not do moves nothing.
func TestRefundAdvice(t *testing.T) {
	b := newBank(t, nil)
	request := refund(t, 1, "0200", 1)
	answer, _ := b.handle(request)
	require.Equal(t, "40", answer.ResponseCode)
	require.Equal(t, int64(500_00), b.account().Balance)

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
	e := p.elements()
	e.Type = 0x20
	m := p.message(t, mti, stan)
	m.ProcessingCode, m.ICCData = "200000", signed(t, p, &e)
	return m
}
