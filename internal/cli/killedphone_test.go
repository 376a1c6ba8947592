package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/internal/httpapi"
	"tapsim/iso8583"
	"tapsim/issuer"
	"tapsim/sim"
)

// commandLine is a command for a process that runs one after the other, each as
// if it were alone.
type commandLine struct {
	Args []string
	In   string
}

// commandResult is what came of it.
type commandResult struct {
	Status    int
	Out, Errs string
}

// manyCommands runs command lines that come as JSON, one a line, until the end of
// its input or its own.
func manyCommands() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var c commandLine
		if in.Decode(&c) != nil {
			os.Exit(0)
		}
		var o, e bytes.Buffer
		r := commandResult{Status: Main(context.Background(), c.Args, strings.NewReader(c.In), &o, &e)}
		r.Out, r.Errs = o.String(), e.String()
		_ = out.Encode(r)
	}
}

// owner has a phone with a wallet, and a bank that lives on while the phone, and
// the point of sale in the same process, are killed.
type owner struct {
	*killing
	bank          *issuer.Issuer
	iso, url      string
	state         string
	begun         time.Time
	minutes       atomic.Int64 // since then
	card          string       // as the bank masks its token
	child         *exec.Cmd
	commands      *json.Encoder
	results       *json.Decoder
	seen          map[int]outcome // by transaction counter
	last          int             // transaction counter
	coupons       int             // made so far
	took          time.Duration   // by a command, about
	unseen, kills int             // payments that nobody saw the end of
}

// outcome is what the customer saw of a payment.
type outcome struct {
	approved bool
	amount   int64
}

func (o *owner) now() time.Time { return o.begun.Add(time.Duration(o.minutes.Load()) * time.Minute) }

// newOwner opens the bank and adds a card to the wallet.
func newOwner(k *killing) *owner {
	o := &owner{killing: k, state: k.t.TempDir(), begun: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), seen: map[int]outcome{}}
	bank, err := sim.OpenBank(context.Background(), sim.BankOptions{Seed: killSeed, State: sim.Memory, Now: o.now})
	require.NoError(k.t, err)
	k.t.Cleanup(func() { require.NoError(k.t, bank.Close()) })
	o.bank = bank.Issuer
	web, err := httpapi.NewServer(httpapi.ServerConfig{
		Bank: httpapi.Local{Issuer: o.bank}, Log: slog.New(slog.DiscardHandler), Metrics: httpapi.NewMetrics("", time.Now()), Now: time.Now,
	})
	require.NoError(k.t, err)
	service := httptest.NewServer(web)
	k.t.Cleanup(service.Close)
	o.url = service.URL
	o.serveTerminals()

	o.start()
	defer o.kill(0)
	require.Zero(k.t, o.run("4761739001010119 4912\n", "wallet", "add", "--card-file", "-").Status)
	notices, err := o.bank.Inbox(context.Background(), "DEMO-0001", issuer.NoticeCode)
	require.NoError(k.t, err)
	r := o.run(notices[0].Code+"\n", "wallet", "activate", "visa-1", "--code-file", "-", "--json")
	var card walletCardJSON
	o.decode(r, &card)
	o.card = card.Masked
	return o
}

// serveTerminals serves the bank's ISO 8583 side.
func (o *owner) serveTerminals() {
	server, err := iso8583.NewServer(iso8583.ServerConfig{Handler: func(ctx context.Context, m *iso8583.Message) *iso8583.Message {
		answer, err := o.bank.Handle(ctx, m, nil)
		if err != nil {
			o.t.Error(err)
		}
		return answer.Message
	}, DrainTimeout: time.Second})
	require.NoError(o.t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(o.t, err)
	o.iso = listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	o.t.Cleanup(func() { stop(); require.NoError(o.t, <-ended) })
}

// start starts the process that runs the phone and the point of sale.
func (o *owner) start() {
	o.child = program(o.t)
	o.child.Args[0] = "tapsim-many"
	in, err := o.child.StdinPipe()
	require.NoError(o.t, err)
	out, err := o.child.StdoutPipe()
	require.NoError(o.t, err)
	require.NoError(o.t, o.child.Start())
	o.commands, o.results = json.NewEncoder(in), json.NewDecoder(out)
}

// kill kills it after a while.
func (o *owner) kill(after time.Duration) {
	process := o.child.Process
	time.AfterFunc(after, func() { _ = process.Kill() })
	_, _ = io.Copy(io.Discard, o.results.Buffered())
	require.ErrorContains(o.t, o.child.Wait(), "killed")
	o.kills++
}

// send gives a command to the process.
func (o *owner) send(in string, args ...string) {
	args = append(args, "--state", o.state, "--now", o.now().Format(time.RFC3339), "--service", o.url)
	if args[0] == "pay" || args[1] == "pay-app" {
		args = append(args, "--issuer", o.iso)
	}
	_ = o.commands.Encode(commandLine{Args: args, In: in})
}

// receive waits for what comes of it; false when the process was killed first.
func (o *owner) receive() (r commandResult, ok bool) {
	return r, o.results.Decode(&r) == nil
}

func (o *owner) run(in string, args ...string) commandResult {
	o.t.Helper()
	began := time.Now()
	o.send(in, args...)
	r, ok := o.receive()
	require.True(o.t, ok, "%v", args)
	o.took = (3*o.took + time.Since(began)) / 4
	return r
}

func (o *owner) decode(r commandResult, to any) {
	o.t.Helper()
	require.Zero(o.t, r.Status, "%s %s", r.Out, r.Errs)
	require.NoError(o.t, json.Unmarshal([]byte(r.Out), to))
}

// coupon is what a coupon leaves to pay of 10.00: an amount that tells it from all
// other payments.
func couponLeaves(n int) int64 { return 10_00 - int64(n) }

const maxKilledCoupons = 95

// next is something to do, as a command.
func (o *owner) next() []string {
	amount := cents(1 + o.rng.Int64N(8_00))
	coupon := 1
	if o.coupons > 0 {
		coupon = 1 + o.rng.IntN(o.coupons)
	}
	spend := []string{"--amount", "10.00", "--coupon", fmt.Sprint("c", coupon), "--json"}
	switch n := o.rng.IntN(14); {
	case n < 4:
		return []string{"pay", "--amount", amount, "--json"}
	case n < 6:
		return []string{"wallet", "pay-app", "--merchant", "TAPSIM TEST SHOP", "--amount", amount, "--json"}
	case n < 8 && o.coupons < maxKilledCoupons:
		o.coupons++
		return []string{"wallet", "coupon", "add", "--id", fmt.Sprint("c", o.coupons), "--merchant", "TAPSIM TEST SHOP", "--off", cents(int64(o.coupons))}
	case n < 10 && o.coupons > 0:
		return append([]string{"pay"}, spend...)
	case n < 11 && o.coupons > 0:
		return append([]string{"wallet", "pay-app", "--merchant", "TAPSIM TEST SHOP"}, spend...)
	case n == 11:
		return []string{"wallet", "refill", "visa-1"}
	case n == 12:
		return []string{"wallet", "renew", "visa-1"}
	}
	return []string{"wallet", "poll"}
}

// do has something done, and notes what the customer saw. It is false when the
// process was killed before it could say.
func (o *owner) do(args []string) bool {
	o.send("", args...)
	r, ok := o.receive()
	if !ok {
		return false
	}
	if args[0] != "pay" && args[1] != "pay-app" {
		if r.Status != 0 {
			require.Contains(o.t, r.Errs, "refused (enough-keys)", args)
		}
		return true
	}
	if r.Status != 0 { // what the wallet refuses: nothing is paid
		require.Regexp(o.t, `coupon-(spent|reserved)|unknown-coupon`, r.Errs, args)
		return true
	}
	var p struct {
		Outcome, Amount, Detail string
		ATC                     int
	}
	o.decode(r, &p)
	require.Greater(o.t, p.ATC, o.last, "a transaction counter came before: %v", args)
	require.Equal(o.t, "approved", p.Outcome, "%v: %s", args, p.Detail)
	amount, err := emv.Currency{Exponent: 2}.Parse(p.Amount)
	require.NoError(o.t, err)
	o.last = p.ATC
	o.seen[p.ATC] = outcome{true, amount}
	return true
}

// look compares what phone, customer and bank know.
func (o *owner) look() {
	all, err := o.bank.Payments(context.Background(), "DEMO-0001")
	require.NoError(o.t, err)
	amounts, standing := map[int64]int{}, map[int]int64{}
	for _, p := range all {
		if p.Card != o.card || p.State != "held" && p.State != "posted" {
			continue
		}
		require.NotContains(o.t, standing, *p.ATC, "two payments of one tap")
		amount, err := emv.Currency{Exponent: 2}.Parse(p.Amount)
		require.NoError(o.t, err)
		standing[*p.ATC] = amount
		amounts[amount]++
		if _, seen := o.seen[*p.ATC]; !seen {
			o.unseen++
			o.seen[*p.ATC] = outcome{true, amount}
			o.last = max(o.last, *p.ATC)
		}
	}
	require.LessOrEqual(o.t, o.unseen, o.kills, "at most the payment that was under way is there without the customer's knowing")
	for atc, s := range o.seen {
		require.Equal(o.t, s.amount, standing[atc], "the payment with counter %d, which the customer saw approved", atc)
	}
	var coupons []struct{ ID, State string }
	o.decode(o.run("", "wallet", "coupon", "list", "--json"), &coupons)
	states := map[string]string{}
	for _, c := range coupons {
		states[c.ID] = c.State
	}
	for n := 1; n <= o.coupons; n++ {
		state, there := states[fmt.Sprint("c", n)]
		want := "free"
		if amounts[couponLeaves(n)] > 0 {
			want = "spent"
		}
		require.LessOrEqual(o.t, amounts[couponLeaves(n)], 1, "coupon c%d was spent twice", n)
		if there || want == "spent" {
			require.Equal(o.t, want, state, "coupon c%d, on round %d", n, o.kills)
		}
	}
}

// TestKilledPhone kills a phone and the point of sale that it pays at, in the
// middle of taps, payments in apps, polls, new keys and coupons. No transaction
// counter comes twice; what the customer saw approved is paid once, and what the
// terminal does not know the end of is undone; a coupon is spent exactly when its
// payment stands.
func TestKilledPhone(t *testing.T) {
	o := newOwner(newKilling(t, 12))
	for range o.rounds {
		o.start()
		for range o.rng.IntN(2) {
			require.True(t, o.do(o.next()))
		}
		process := o.child.Process
		time.AfterFunc(o.within(2*o.took), func() { _ = process.Kill() })
		for o.do(o.next()) {
		}
		require.ErrorContains(t, o.child.Wait(), "killed")
		o.kills++

		o.minutes.Add(15) // a reservation ends
		o.start()
		require.Zero(t, o.run("", "wallet", "poll").Status)
		require.True(t, o.do([]string{"pay", "--amount", "1.00", "--json"}), "what waits at the point of sale goes out")
		o.look()
		o.kill(0)
	}
	require.NoError(t, o.bank.Audit(context.Background()))
	require.GreaterOrEqual(t, len(o.seen), o.rounds)
}
