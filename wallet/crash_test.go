package wallet_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/hce"
	"tapsim/issuer"
	"tapsim/provisioning"
	"tapsim/wallet"
)

// errKilled stands for the end of the program.
var errKilled = errors.New("killed")

// plug pulls itself out at the n-th thing that must last or leaves the phone:
// before it happens, or right after it.
type plug struct {
	left  int
	after bool
}

func (p *plug) around(do func() error) error {
	p.left--
	switch {
	case p.left > 0:
		return do()
	case p.left < 0:
		return errKilled
	case p.after:
		if err := do(); err != nil {
			return err
		}
	}
	return errKilled
}

// frailMemory is a memory of a phone whose plug may be pulled.
type frailMemory struct {
	wallet.Memory
	plug *plug
}

func (m frailMemory) SaveWallet(s *wallet.State) error {
	return m.plug.around(func() error { return m.Memory.SaveWallet(s) })
}

func (m frailMemory) Enrol(p hce.Profile, set provisioning.KeySet) (a wallet.Applet, err error) {
	return a, m.plug.around(func() error { a, err = m.Memory.Enrol(p, set); return err })
}

func (m frailMemory) Remove(name string) error {
	return m.plug.around(func() error { return m.Memory.Remove(name) })
}

// frailService loses the program with a request on its way, or with its answer.
type frailService struct {
	provisioning.Service
	plug *plug
}

func (s frailService) RequestToken(ctx context.Context, r *provisioning.TokenRequest) (g provisioning.TokenGrant, err error) {
	return g, s.plug.around(func() error { g, err = s.Service.RequestToken(ctx, r); return err })
}

func (s frailService) EnterCode(ctx context.Context, r *provisioning.CodeEntry) (t provisioning.TokenState, err error) {
	return t, s.plug.around(func() error { t, err = s.Service.EnterCode(ctx, r); return err })
}

func (s frailService) CallToken(ctx context.Context, r *provisioning.TokenCall) (t provisioning.TokenState, err error) {
	return t, s.plug.around(func() error { t, err = s.Service.CallToken(ctx, r); return err })
}

func (s frailService) DeliverKeys(ctx context.Context, r *provisioning.KeyRequest) (d provisioning.Delivery, err error) {
	return d, s.plug.around(func() error { d, err = s.Service.DeliverKeys(ctx, r); return err })
}

func (s frailService) PollTokens(ctx context.Context, r *provisioning.Poll) (n provisioning.News, err error) {
	return n, s.plug.around(func() error { n, err = s.Service.PollTokens(ctx, r); return err })
}

// TestKilledAnywhere pulls the plug at every point of a wallet's day, starts
// again, polls, and goes on: the day can be finished, the card pays, no counter
// comes twice, and the bank has one live token of the phone at most.
func TestKilledAnywhere(t *testing.T) {
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			x := newWorld(t)
			p := &plug{left: at, after: after}
			x.open(frailMemory{x.store.Wallet(), p}, frailService{x.bank, p})
			seen := map[string]bool{}
			err := x.day(seen)
			if p.left > 0 {
				require.NoError(t, err)
				require.Greater(t, at, 25, "the day has that many points")
				break
			}
			require.ErrorIs(t, err, errKilled, "point %d", at)
			x.now = x.now.Add(time.Minute)
			x.open(x.store.Wallet(), x.bank)
			require.NoError(t, second(x.Poll(x.ctx)), "point %d", at)
			require.NoError(t, x.day(seen), "point %d, after %t", at, after)
			require.Empty(t, x.State().Cards)
			tokens, err := x.bank.Tokens(x.ctx, account)
			require.NoError(t, err)
			for _, token := range tokens {
				require.False(t, token.OnPhone && token.Status != "deactivated", "point %d: a token is left over: %+v", at, token)
			}
		}
	}
}

// day is what the owner does: each step as far as it is not done yet.
func (x *world) day(seen map[string]bool) error {
	c, err := x.Find("")
	if len(x.State().Cards) > 0 {
		c, err = x.State().Cards[0], nil
	}
	if wallet.Code(err) == "no-card" {
		c, err = x.Add(x.ctx, wallet.NewCard{Data: visaCard})
	}
	if err != nil {
		return err
	}
	if c.Status == "deactivated" { // the plug was pulled at the end of the day
		return x.Remove(x.ctx, c.Name)
	}
	if c.Status == "inactive" {
		if c, err = x.Enter(x.ctx, c.Name, x.code()); err != nil {
			return err
		}
	}
	if !x.State().Passcode.Set() {
		if err := x.SetPasscode(passcode); err != nil {
			return err
		}
	}
	steps := []func() error{
		func() error { return second(x.Unlock(passcode, time.Minute)) },
		func() error { return x.pay(c.Name, seen) },
		func() error { return second(x.Refill(x.ctx, c.Name, true)) },
		func() error { return unless("already-frozen", x.Freeze(x.ctx, c.Name)) },
		func() error { return unless("not-frozen", x.Unfreeze(x.ctx, c.Name)) },
		func() error { return second(x.Renew(x.ctx, c.Name)) },
		func() error { return x.pay(c.Name, seen) },
		func() error { return second(x.Poll(x.ctx)) },
		func() error { return x.Remove(x.ctx, c.Name) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func unless(code string, err error) error {
	if wallet.Code(err) == code {
		return nil
	}
	return err
}

// pay taps, and wants a counter that was not used before.
func (x *world) pay(name string, seen map[string]bool) error {
	if why := x.Stopped(name); why != "" {
		if err := unless("not-frozen", x.Unfreeze(x.ctx, name)); err != nil {
			return err
		}
	}
	if err := x.Wake(name); err != nil {
		return err
	}
	sw, reason := x.tap(name, "000000000100")
	require.Equal(x.t, apdu.StatusOK, sw, reason)
	tap := fmt.Sprintf("%s %d", x.token(name), x.live(name).ATC())
	require.False(x.t, seen[tap], "counter %s came twice", tap)
	seen[tap] = true
	return nil
}

// deny has the bank replace a token: a payment with it is denied.
func (x *world) deny(token string) issuer.DisputeView {
	x.t.Helper()
	hold, err := x.bank.PreAuthorise(x.ctx, issuer.HoldRequest{Account: account, Amount: "5.00"})
	require.NoError(x.t, err)
	paid, err := x.bank.Complete(x.ctx, issuer.PaymentRequest{Payment: hold.ID})
	require.NoError(x.t, err)
	index, err := hex.DecodeString(token)
	require.NoError(x.t, err)
	require.NoError(x.t, x.rows.Update(x.ctx, nil, func(tx *issuer.Tx) error { // as if the token had paid
		r, _, err := tx.RecordBySequence(paid.ID)
		r.Instrument = issuer.PANIndex(index)
		tx.PutRecord(r)
		return err
	}))
	d, err := x.bank.Dispute(x.ctx, issuer.DisputeRequest{Payment: paid.ID, Block: true})
	require.NoError(x.t, err)
	require.NotEmpty(x.t, d.Replaced)
	return d
}

// TestAReplacedTokenIsTakenUp at the next poll, without a code, by the card of the
// same name: wherever the plug is pulled, the one after takes it up; twice replaced
// between two polls is replaced once.
func TestAReplacedTokenIsTakenUp(t *testing.T) {
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			x := newWorld(t)
			name := x.add()
			require.NoError(t, x.SetPasscode(passcode))
			seen := map[string]bool{}
			require.NoError(t, x.pay(name, seen))
			x.deny(x.token(name))
			tokens, err := x.bank.Tokens(x.ctx, account)
			require.NoError(t, err)
			live := slices.IndexFunc(tokens, func(i issuer.TokenInfo) bool { return i.OnPhone && i.Status == "active" })
			replaced := x.deny(tokens[live].Token)
			p := &plug{left: at, after: after}
			x.open(frailMemory{x.store.Wallet(), p}, frailService{x.bank, p})
			_, err = x.Poll(x.ctx)
			whole := p.left > 0
			p.left = 1 << 30
			if !whole {
				require.ErrorIs(t, err, errKilled, "point %d", at)
				x.now = x.now.Add(time.Minute)
				x.open(x.store.Wallet(), x.bank)
				_, err = x.Poll(x.ctx)
			}
			require.NoError(t, err, "point %d, after %t", at, after)
			c, err := x.Find(name)
			require.NoError(t, err)
			require.Equal(t, "active "+replaced.Replaced, c.Status+" "+c.Masked)
			require.True(t, c.Enrolled)
			require.Equal(t, name, x.State().Default)
			require.Nil(t, c.Verification)
			token, _ := x.live(name).Token()
			require.Equal(t, replaced.Replaced, token.PAN.Masked())
			require.NoError(t, second(x.Unlock(passcode, time.Minute)))
			require.NoError(t, x.pay(name, seen))
			require.NoError(t, second(x.Poll(x.ctx)))
			require.NoError(t, x.Remove(x.ctx, name))
			if whole {
				require.Greater(t, at, 5, "the poll has that many points")
				break
			}
		}
	}
}

// TestRemovedWithItsSuccessor: what is removed before the phone has heard of its new
// token leaves none behind, and the card can be added again.
func TestRemovedWithItsSuccessor(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	x.deny(x.token(name))
	require.NoError(t, x.Remove(x.ctx, name))
	tokens, err := x.bank.Tokens(x.ctx, account)
	require.NoError(t, err)
	for _, token := range tokens {
		require.False(t, token.OnPhone && token.Status != "deactivated", "%+v", token)
	}
	x.add()
}
