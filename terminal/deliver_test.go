package terminal_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
	"tapsim/terminal"
	"tapsim/terminal/journal"
	"tapsim/terminal/kernel"
)

// at is a shop with a journal and a host of a name.
func at(t *testing.T, name string, host iso8583.Exchanger, j terminal.Journal) *terminal.Terminal {
	t.Helper()
	return shop(t, host, func(_ *terminal.Config, e *terminal.Env) { e.Journal, e.HostName = j, name })
}

func pay(t *testing.T, term *terminal.Terminal) terminal.Result {
	t.Helper()
	res, err := term.Pay(context.Background(), field(visa(t, nil)), terminal.Request{Amount: 1250})
	require.NoError(t, err)
	return res
}

// A reversal for one host is not sent to another, which would settle what it
// never saw; it waits, and holds up nothing there.
func TestMessagesWaitForTheirHost(t *testing.T) {
	j := journal.NewMemory()
	first, second := &silent{turns: []hostFunc{nil}}, &approving{}
	require.True(t, pay(t, at(t, "a:1", first, j)).ReversalPending)

	res := pay(t, at(t, "b:2", second, j))
	require.Equal(t, kernel.Approved, res.Outcome)
	require.Len(t, second.got, 1)
	require.Equal(t, iso8583.AuthorisationRequest, second.got[0].MTI)
	require.Len(t, res.Delivery.Elsewhere, 1)
	require.Equal(t, "a:1", res.Delivery.Elsewhere[0].Host)

	res = pay(t, at(t, "a:1", first, j))
	require.Equal(t, kernel.Approved, res.Outcome)
	require.Equal(t, terminal.Delivery{Taken: 1}, res.Delivery)
	require.Equal(t, iso8583.ReversalRequest, first.got[1].MTI, "it was never tried before")
	pending, err := j.Pending()
	require.NoError(t, err)
	require.Empty(t, pending)
}

// A reversal that the host refuses is kept and told with each payment, until the
// host takes it; it does not hold up others.
func TestRefusedReversalsAreKept(t *testing.T) {
	j := journal.NewMemory()
	host := &silent{turns: []hostFunc{nil, answer("77"), nil, answer("12"), answer("94")}}
	term := at(t, "a:1", host, j)
	pay(t, term)
	res := pay(t, term) // the first is refused, the second payment gets no answer
	require.True(t, res.ReversalPending)
	require.Len(t, res.Delivery.Refused, 1)
	require.Equal(t, "77", res.Delivery.Refused[0].Code)
	require.Equal(t, "000001", res.Delivery.Refused[0].Message.STAN)

	res = pay(t, term) // refused again; the second has come before
	require.Equal(t, kernel.Approved, res.Outcome)
	require.Equal(t, 1, res.Delivery.Taken)
	require.Equal(t, "12", res.Delivery.Refused[0].Code)
	pending, err := j.Pending()
	require.NoError(t, err)
	require.Len(t, pending, 1)
	require.Equal(t, terminal.Delivery{Taken: 1}, pay(t, term).Delivery)
}

// Any answer but "try later" ends an advice: what is not settled by it is kept in
// the report, and not sent again.
func TestRefusedAdvicesAreParked(t *testing.T) {
	for code, taken := range map[string]int{"00": 1, "94": 1, "25": 0, "05": 0, "30": 0} {
		for _, mti := range []iso8583.MTI{iso8583.FinancialAdvice, iso8583.AuthorisationAdvice} {
			j := journal.NewMemory()
			id, err := j.Add("a:1", &iso8583.Message{MTI: mti, STAN: "000007"})
			require.NoError(t, err)
			host := &approving{code: code}
			term := at(t, "a:1", host, j)
			d, err := term.Deliver(context.Background())
			require.NoError(t, err)
			require.Equal(t, taken, d.Taken, code)
			require.Len(t, d.Parked, 1-taken, code)
			require.Empty(t, d.Refused, code)
			d, err = term.Deliver(context.Background())
			require.NoError(t, err)
			require.Zero(t, d, "it is over")
			require.Len(t, host.got, 1)
			parked, err := j.Parked()
			require.NoError(t, err)
			require.Len(t, parked, 1-taken, code)
			if taken == 0 {
				require.Equal(t, code, parked[0].Code)
				require.NoError(t, j.Remove(id))
			}
		}
	}
}

// A host that refuses advice after advice does not end the business.
func TestManyRefusedAdvices(t *testing.T) {
	j := journal.NewMemory()
	for range 25 {
		_, err := j.Add("a:1", &iso8583.Message{MTI: iso8583.FinancialAdvice, STAN: "000001"})
		require.NoError(t, err)
	}
	host := hostFunc(func(m *iso8583.Message) (*iso8583.Message, error) {
		code := "30"
		if m.MTI == iso8583.AuthorisationRequest {
			code = iso8583.Approved
		}
		return iso8583.Response(m, code), nil
	})
	res := pay(t, at(t, "a:1", host, j))
	require.Equal(t, kernel.Approved, res.Outcome)
	require.Len(t, res.Delivery.Parked, 25)
	require.Zero(t, pay(t, at(t, "a:1", host, j)).Delivery)
}

// A host that refuses everything ends the business: with each payment the
// damage could grow.
func TestTooManyRefusals(t *testing.T) {
	j := journal.NewMemory()
	for range 25 {
		_, err := j.Add("a:1", &iso8583.Message{MTI: iso8583.ReversalRequest, STAN: "000001"})
		require.NoError(t, err)
	}
	host := &approving{code: "30"}
	res := pay(t, at(t, "a:1", host, j))
	require.Equal(t, kernel.Declined, res.Outcome)
	require.Contains(t, res.Detail, "25 of 25 messages still wait: the host refused 20 of them, the last with 30, format error")
	require.Len(t, host.got, 20)
}
