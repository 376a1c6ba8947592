package issuer

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
)

// disputedTap is a tap of 20.00 that was cleared and is disputed, and the dispute.
func disputedTap(b *bank) (*iso8583.Message, DisputeView) {
	b.t.Helper()
	m := plasticTap(1, 20_00).message(b.t, "0100", 1)
	b.answers("00", m, "")
	done, err := b.Clear(bg, ClearRequest{Account: "A"})
	require.NoError(b.t, err)
	d, err := b.Dispute(bg, DisputeRequest{Payment: done[0].ID})
	require.NoError(b.t, err)
	require.Equal(b.t, int64(500_00), b.account().Balance)
	return m, d
}

// books are the customer's balance, the merchant's, and what the bank advanced.
func (b *bank) books() [3]int64 {
	b.t.Helper()
	b.audit()
	return [3]int64{b.account().Balance, b.balance(SettlementAccount(978)), b.balance(internalAccount(ownDisputed, 978))}
}

// dispute is the only one of account A.
func (b *bank) dispute() DisputeView {
	b.t.Helper()
	all, err := b.Disputes(bg, "A")
	require.NoError(b.t, err)
	require.Len(b.t, all, 1)
	return all[0]
}

// lastNotice is the newest message in the inbox of A.
func (b *bank) lastNotice() string {
	b.t.Helper()
	all, err := b.Inbox(bg, "A", NoticeInfo)
	require.NoError(b.t, err)
	return all[len(all)-1].Text
}

// A merchant that reverses a disputed payment has paid: the customer keeps the
// credit, whatever becomes of the dispute.
func TestReversalEndsADispute(t *testing.T) {
	b := everydayBank(t, nil)
	m, d := disputedTap(b)
	require.Equal(t, [3]int64{500_00, 20_00, -20_00}, b.books())
	answer, report := b.handle(reversalOf(m, "0400", 3))
	require.Equal(t, "00", answer.ResponseCode)
	require.Contains(t, report.find("dispute").Text, "20.00 EUR")
	require.Equal(t, [3]int64{500_00, 0, 0}, b.books())
	require.Equal(t, []any{"settled", "20.00"}, []any{b.dispute().State, b.dispute().Amount})
	require.Equal(t, "the merchant gave back 20.00 EUR of the payment that you dispute; you keep the money, and the dispute is over", b.lastNotice())
	require.Zero(t, b.account().Disputes)
	_, err := b.Resolve(bg, ResolveRequest{Dispute: d.ID, Outcome: "rejected"})
	require.Equal(t, "dispute-closed", codeOf(t, err))
	for stan, mti := range map[int]iso8583.MTI{3: "0401", 4: "0400", 5: "0420"} { // again, and as other messages
		b.answers("00", reversalOf(m, mti, stan), "")
	}
	require.Equal(t, [3]int64{500_00, 0, 0}, b.books())
}

// What part is reversed counts in part: of the rest the bank decides.
func TestPartOfADisputeIsReversed(t *testing.T) {
	for outcome, want := range map[string][3]int64{"rejected": {488_00, 12_00, 0}, "withdrawn": {488_00, 12_00, 0}, "accepted": {500_00, 0, 0}} {
		b := everydayBank(t, nil)
		m, d := disputedTap(b)
		for stan := range 2 { // the second says the same and changes nothing
			r := reversalOf(m, "0400", 3+stan)
			r.ReplacementAmounts = "000000001200" + "000000000000000000000000000000"
			b.answers("00", r, "")
			require.Equal(t, [3]int64{500_00, 12_00, -12_00}, b.books())
		}
		require.Equal(t, []any{"credited", "12.00", "12.00"}, []any{b.dispute().State, b.dispute().Amount, b.dispute().Credited})
		require.Contains(t, b.lastNotice(), "8.00 EUR of the payment that you dispute; that you keep, and we look into the other 12.00 EUR")
		_, err := b.Resolve(bg, ResolveRequest{Dispute: d.ID, Outcome: outcome})
		require.NoError(t, err)
		require.Equal(t, want, b.books(), outcome)
	}
}

// A merchant's refund that covers what is disputed counts in the same way, as a
// request and as an advice; never for more than was paid.
func TestRefundEndsADispute(t *testing.T) {
	for _, mti := range []iso8583.MTI{"0200", "0220"} {
		b := everydayBank(t, nil)
		m, d := disputedTap(b)
		for n, want := range [][3]int64{{500_00, 7_50, -7_50}, {500_00, 7_50, -7_50}} { // 12.50; another would be too much
			back := refund(t, uint16(2+n), mti, 3+n)
			back.RRN = m.RRN
			answer, report := b.handle(back)
			if n == 0 || mti == "0220" {
				require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
			} else {
				require.Equal(t, "13", answer.ResponseCode)
				require.Contains(t, report.find("refund").Text, "left 7.50 EUR")
			}
			require.Equal(t, want, b.books())
		}
		require.Equal(t, []any{"credited", "7.50"}, []any{b.dispute().State, b.dispute().Amount})
		rest := plasticTap(9, 7_50)
		e := rest.elements()
		e.Type = toldRefund
		last := rest.message(t, mti, 9)
		last.ProcessingCode, last.RRN, last.ICCData = "200000", m.RRN, signed(t, rest, &e)
		b.answers("00", last, "")
		require.Equal(t, [3]int64{500_00, 0, 0}, b.books())
		require.Equal(t, "settled", b.dispute().State)
		_, err := b.Resolve(bg, ResolveRequest{Dispute: d.ID, Outcome: "rejected"})
		require.Equal(t, "dispute-closed", codeOf(t, err))
		b.answers("00", reversalOf(last, "0420", 10), "") // the refund is taken back: the customer has paid, and may dispute it again
		require.Equal(t, [3]int64{492_50, 7_50, 0}, b.books())
		_, err = b.Dispute(bg, DisputeRequest{Payment: d.Payment})
		require.NoError(t, err)
		require.Equal(t, [3]int64{500_00, 7_50, -7_50}, b.books())
	}
}

// The money, its fee and its conversion go back whatever the steps in which they do.
func TestDisputeAbroadIsReversedInParts(t *testing.T) {
	for _, parts := range [][]int64{{0}, {1_00, 0}, {85_01, 7_77, 3, 0}, {99_99, 1, 0}} {
		b := everydayBank(t, nil)
		m := dollars(t, 1, "0200", 1)
		b.answers("00", m, "")
		paid, err := b.store.Sequence()
		require.NoError(t, err)
		_, err = b.Dispute(bg, DisputeRequest{Payment: paid})
		require.NoError(t, err)
		for n, left := range parts {
			r := reversalOf(m, "0400", 3+n)
			r.ReplacementAmounts = fmt.Sprintf("%012d", left) + "000000000000000000000000000000"
			b.answers("00", r, "")
			require.Equal(t, int64(500_00), b.account().Balance)
			b.audit()
		}
		require.Equal(t, "settled", b.dispute().State)
		for _, name := range []string{internalAccount(ownDisputed, 978), internalAccount(ownFees, 978), internalAccount(ownExchange, 978), internalAccount(ownExchange, 840), SettlementAccount(840)} {
			require.Zero(t, b.balance(name), "%s %v", name, parts)
		}
	}
}

// The verbs of the bank leave a disputed payment to its dispute, and say so.
func TestVerbsLeaveADispute(t *testing.T) {
	b := everydayBank(t, nil)
	_, d := disputedTap(b)
	for _, verb := range []func() error{
		func() error { _, err := b.Refund(bg, RefundRequest{Payment: d.Payment}); return err },
		func() error { _, err := b.Reverse(bg, PaymentRequest{Payment: d.Payment}); return err },
		func() error { _, err := b.Dispute(bg, DisputeRequest{Payment: d.Payment}); return err },
	} {
		var r *Refusal
		require.ErrorAs(t, verb(), &r)
		require.Equal(t, "nothing-left", r.Code)
		require.Contains(t, r.Hint, "tapsim bank resolve "+decimalText(d.ID)+" accepted")
	}
}
