package store_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
	"tapsim/issuer"
	"tapsim/issuer/config"
	"tapsim/issuer/store"
)

// childDirectory tells the test binary to be the bank that is killed.
const childDirectory = "TAPSIM_TEST_STORE_DIRECTORY"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDirectory); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

// openLoadBank is the bank of the test, with cards that pay.
func openLoadBank(s issuer.Store) (*issuer.Issuer, *load, error) {
	demo, err := config.Demo()
	if err != nil {
		return nil, nil, err
	}
	iss, err := issuer.New(demo.Config, s, issuer.Env{Now: func() time.Time { return start }, Rand: random()})
	if err != nil {
		return nil, nil, err
	}
	l, err := newLoad(iss, demo.Config.KeySets[0].AC, 20)
	return iss, l, err
}

// child pays without end, 16 payments at a time, and says after each answer
// which message got which.
func child(dir string) {
	s, err := store.Create(dir, panKey)
	if err != nil {
		fmt.Println("error", err)
		return
	}
	iss, l, err := openLoadBank(s)
	if err != nil {
		fmt.Println("error", err)
		return
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				n := l.next()
				a, err := iss.Handle(ctx, l.message(n, iso8583.FinancialRequest), nil)
				moved, refusal := transferOnce(iss, n)
				mu.Lock()
				if err = errors.Join(err, refusal); err != nil {
					fmt.Println("error", err)
				} else {
					fmt.Println("answer", n, a.Message.ResponseCode, a.Message.AuthorisationCode, moved)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// transferOnce moves a cent from one customer to another, once for its number,
// and returns the number of the payment.
func transferOnce(iss *issuer.Issuer, n int64) (int64, error) {
	p, err := iss.Transfer(ctx, issuer.TransferRequest{From: "LOAD-0000", To: "LOAD-0001", Amount: "0.01", Idempotency: fmt.Sprint("transfer ", n)})
	return p.ID, err
}

// TestKilledBankKeepsItsWord kills a bank in the middle of its work, three
// times over. Each answer that it gave must be there afterwards, the same for a
// repeat, and no payment may have moved money twice or by half.
func TestKilledBankKeepsItsWord(t *testing.T) {
	dir := t.TempDir()
	answered := map[int64]string{}
	for range 3 {
		for n, answer := range runAndKill(t, dir, 150) {
			if earlier, again := answered[n]; again {
				require.Equal(t, earlier, answer, "a repeat, to another process")
			}
			answered[n] = answer
		}
	}
	s := open(t, dir)
	require.NoError(t, issuer.Audit(ctx, s))
	iss, l, err := openLoadBank(s)
	require.NoError(t, err)
	before, err := s.Sequence()
	require.NoError(t, err)
	for n, want := range answered {
		a, err := iss.Handle(ctx, l.message(n, iso8583.FinancialRequest), nil)
		require.NoError(t, err)
		moved, err := transferOnce(iss, n)
		require.NoError(t, err)
		require.Equal(t, want, fmt.Sprint(a.Message.ResponseCode, " ", a.Message.AuthorisationCode, " ", moved))
	}
	after, err := s.Sequence()
	require.NoError(t, err)
	require.Equal(t, before, after, "repeats only")
	records, err := s.Records(ctx, "")
	require.NoError(t, err)
	approved := int64(0)
	for _, r := range records {
		if r.State == issuer.RecordPosted && strings.HasPrefix(r.Key, "2030") {
			approved++
		}
	}
	require.GreaterOrEqual(t, approved, int64(len(answered)))
	settlement := found[issuer.Account](t)(s.Account(issuer.SettlementAccount(978)))
	require.Equal(t, approved*loadAmount, settlement.Balance)
}

// runAndKill runs the child until it has given a number of answers, kills it,
// and returns all answers that it gave.
func runAndKill(t *testing.T, dir string, answers int) map[int64]string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDirectory+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	given := map[int64]string{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var n int64
		var code, authorisation, moved string
		_, err := fmt.Sscanf(lines.Text(), "answer %d %s %s %s", &n, &code, &authorisation, &moved)
		require.NoError(t, err, lines.Text())
		require.Equal(t, "00", code)
		given[n] = code + " " + authorisation + " " + moved
		if len(given) == answers {
			require.NoError(t, cmd.Process.Kill())
		}
	}
	require.Error(t, cmd.Wait(), "it was killed")
	require.GreaterOrEqual(t, len(given), answers)
	return given
}
