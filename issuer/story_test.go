package issuer

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// frugal is a store that does not read out the whole bank.
type frugal struct{ Store }

var errWhole = errors.New("all rows of the bank were asked for")

func (f frugal) Records(ctx context.Context, account string) ([]Record, error) {
	if account == "" {
		return nil, errWhole
	}
	return f.Store.Records(ctx, account)
}

func (f frugal) Entries(ctx context.Context, account string) ([]Entry, error) {
	if account == "" {
		return nil, errWhole
	}
	return f.Store.Entries(ctx, account)
}

func (f frugal) Notices(ctx context.Context, account string) ([]Notice, error) {
	if account == "" {
		return nil, errWhole
	}
	return f.Store.Notices(ctx, account)
}

// A story is found by number, trace number or cryptogram, with all that came of it,
// and the day is cleared, without reading all records of the bank.
func TestStoriesReadTheirOwnRows(t *testing.T) {
	b := everydayBank(t, nil)
	b.Issuer.store = frugal{b.Issuer.store}
	m := plasticTap(1, 20_00).message(t, "0100", 1)
	b.answers("00", m, "")
	held := b.last().ID
	b.answers("00", plasticTap(2, 5_00).message(t, "0100", 2), "")
	done, err := b.Clear(bg, ClearRequest{})
	require.NoError(t, err)
	require.Len(t, done, 2)
	require.Less(t, done[0].Related, done[1].Related, "in the order in which they came")
	d, err := b.Dispute(bg, DisputeRequest{Payment: held})
	require.NoError(t, err)
	b.answers("00", reversalOf(m, "0400", 3), "")
	tap := plasticTap(1, 20_00)
	made, err := parseChip(tap.icc(t))
	require.NoError(t, err)
	for _, q := range []PaymentQuery{
		{ID: held}, {ID: done[0].ID}, {STAN: "000001"}, {Cryptogram: upperHex(made.cryptogram[:])}, {Cryptogram: strings.ToLower(upperHex(made.cryptogram[:]))},
		{STAN: "000001", Cryptogram: upperHex(made.cryptogram[:])},
	} {
		list, err := b.PaymentStories(bg, q)
		require.NoError(t, err)
		require.Len(t, list, 1, "%+v", q)
		s := list[0]
		require.Equal(t, held, s.ID)
		var later []string
		for _, l := range s.Later {
			later = append(later, l.Event)
		}
		require.Equal(t, []string{"completion", "dispute", "reversal"}, later)
		require.Len(t, s.Entries, 6)
		require.Equal(t, d.ID, s.Later[1].ID)
	}
	for _, q := range []PaymentQuery{{ID: 999}, {STAN: "000099"}, {STAN: "1"}, {Cryptogram: "no hex"}, {Cryptogram: "00"}, {STAN: "000001", Cryptogram: "A1A2A3A4A5A6A7A8"}} {
		list, err := b.PaymentStories(bg, q)
		require.NoError(t, err)
		require.Empty(t, list, "%+v", q)
	}
}
