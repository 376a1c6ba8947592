package wallet_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/issuer"
	"tapsim/provisioning"
	"tapsim/wallet"
)

// TestNewCardHasTheLimits: what may be paid without unlocking holds for a card
// that comes later, too.
func TestNewCardHasTheLimits(t *testing.T) {
	x := newWorld(t)
	require.NoError(t, x.SetPasscode(passcode))
	require.NoError(t, second(x.Unlock(passcode, time.Minute)))
	require.NoError(t, x.SetTapAndGo(&wallet.TapAndGo{PerTap: 10_00, Cumulative: 20_00, Count: 2}))
	require.NoError(t, x.Lock())
	name := x.add()
	sw, _ := x.tap(name, "000000001001")
	require.Equal(t, apdu.Status(0x6986), sw)
	sw, _ = x.tap(name, "000000001000")
	require.Equal(t, apdu.StatusOK, sw)
}

// TestClockSetBack: a window that has ended stays shut, and a wait that began
// under a clock that was ahead is not longer than others.
func TestClockSetBack(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	require.NoError(t, x.SetPasscode(passcode))
	start := x.now
	unlock := func() {
		x.now = start
		require.NoError(t, second(x.Unlock(passcode, time.Minute)))
	}
	unlock()
	x.now = start.Add(time.Hour)
	sw, _ := x.tap(name, "000000000100")
	require.Equal(t, apdu.StatusOK, sw, "below the limits")
	x.now = start.Add(30 * time.Second)
	_, open := x.Unlocked()
	require.False(t, open, "the window has ended")
	require.Nil(t, x.State().Session, "and nothing opens the stock any more")

	unlock()
	x.now = start.Add(50 * time.Second)
	require.NoError(t, second(x.Look(name, "contactless")))
	x.now = start.Add(20 * time.Second)
	x.open(x.store.Wallet(), x.bank)
	_, open = x.Unlocked()
	require.True(t, open, "clocks are corrected by a little")
	x.now = start.Add(19 * time.Second)
	x.open(x.store.Wallet(), x.bank)
	_, open = x.Unlocked()
	require.False(t, open, "a moment of the window comes once")
	require.Nil(t, x.State().Session)

	x.now = start.AddDate(1, 0, 0)
	for range 3 {
		refused(t, "wrong-passcode", x.VerifyPasscode("wrong1"))
	}
	x.now = start
	refused(t, "passcode-wait", x.VerifyPasscode(passcode))
	x.now = start.Add(29 * time.Second)
	refused(t, "passcode-wait", x.VerifyPasscode(passcode))
	x.now = start.Add(30 * time.Second)
	require.NoError(t, x.VerifyPasscode(passcode))
}

// TestLastTryIsCutOff: whoever pulls the plug at the last try has had it.
func TestLastTryIsCutOff(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	require.NoError(t, x.SetPasscode(passcode))
	state, err := x.store.Wallet().LoadWallet()
	require.NoError(t, err)
	state.Passcode.Fails = 10
	require.NoError(t, x.store.Wallet().SaveWallet(&state))
	x.open(x.store.Wallet(), x.bank)
	refused(t, "locked-out", x.VerifyPasscode(passcode))
	require.True(t, x.State().Passcode.Dead)
	left, err := x.Keys(name)
	require.NoError(t, err)
	require.Zero(t, left, "nothing opens them any more, and what is open pays no more")
}

// TestPasscodeIsCutOff: a wallet that was killed between its first passcode and
// the sealing of its keys seals them when it starts again.
func TestPasscodeIsCutOff(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	x.open(withoutCards{x.store.Wallet()}, x.bank)
	require.ErrorContains(t, x.SetPasscode(passcode), "killed")
	x.open(x.store.Wallet(), x.bank)
	stock, err := x.Keys(name)
	require.NoError(t, err)
	require.Equal(t, []int{10, 20}, []int{stock.Ready, stock.Sealed})
	require.False(t, x.State().Passcode.Sealing)
	require.NoError(t, x.VerifyPasscode(passcode))
}

// withoutCards is a memory whose cards are out of reach.
type withoutCards struct{ wallet.Memory }

func (withoutCards) Applet(hce.Profile) (wallet.Applet, error) { return nil, errors.New("killed") }

// TestFrozenStaysFrozen: whoever holds the phone may stop it; to let it pay again
// takes the passcode.
func TestFrozenStaysFrozen(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	require.NoError(t, x.SetPasscode(passcode))
	require.NoError(t, x.Freeze(x.ctx, name))
	require.NoError(t, x.Freeze(x.ctx, ""))
	refused(t, "wallet-locked", x.Unfreeze(x.ctx, ""))
	refused(t, "wallet-locked", x.Unfreeze(x.ctx, name))
	require.NoError(t, second(x.Unlock(passcode, time.Minute)))
	require.NoError(t, x.Unfreeze(x.ctx, ""))
	require.NoError(t, x.Unfreeze(x.ctx, name))
	require.Empty(t, x.Stopped(name))
}

// TestNextCardOfTheName: a card that was removed leaves nothing that the next one
// with its name and its counters could be taken for.
func TestNextCardOfTheName(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	coupon := func(id string) wallet.Coupon {
		for _, c := range x.State().Coupons {
			if c.ID == id {
				return c
			}
		}
		t.Fatal(id)
		return wallet.Coupon{}
	}
	require.NoError(t, second(x.ShowCode(x.ctx, name)))
	require.NoError(t, second(x.AddCoupon(wallet.Coupon{ID: "c", Merchant: "M", Off: 1_00, Currency: "EUR", Until: x.now.AddDate(0, 1, 0)})))
	require.NoError(t, second(x.ReserveCoupon("c", wallet.Sale{Card: name, Amount: 5_00, Currency: "EUR", Merchants: []string{"M"}})))
	require.NoError(t, x.SettleCoupon("c", true, 1))
	require.NoError(t, x.Remove(x.ctx, name))
	require.Equal(t, name, x.add())
	sw, _ := x.tap(name, "000000000100")
	require.Equal(t, apdu.StatusOK, sw)
	history, err := x.History(name)
	require.NoError(t, err)
	require.Len(t, history, 1)
	require.Equal(t, []any{uint16(1), "contactless", "unknown", ""}, []any{history[0].ATC, history[0].Channel, history[0].State, history[0].Coupon})
	require.Nil(t, x.LookAt(0, name, 1))

	x.Connect(reversing{x.bank, 1})
	require.NoError(t, second(x.Poll(x.ctx)))
	require.Equal(t, "spent", coupon("c").State, "the reversed payment was of another token")
	refused(t, "coupon-spent", x.RemoveCoupon("c"))
	x.now = coupon("c").Until
	require.NoError(t, x.RemoveCoupon("c"))
}

// reversing is a service that tells of a payment that was reversed.
type reversing struct {
	provisioning.Service
	atc uint16
}

func (s reversing) PollTokens(ctx context.Context, r *provisioning.Poll) (provisioning.News, error) {
	news, err := s.Service.PollTokens(ctx, r)
	for n := range news.Tokens {
		news.Tokens[n].Events = append(news.Tokens[n].Events, provisioning.Event{
			Number: r.Tokens[n].After + 100, Party: "bank", Verb: provisioning.VerbPay,
			Payment: &provisioning.PaymentNotice{ATC: s.atc, Amount: 1_00, Currency: "978", State: "reversed", Code: "00"},
		})
	}
	return news, err
}

// TestCouponText: what is typed in is shown, and must not draw on the screen.
func TestCouponText(t *testing.T) {
	x := newWorld(t)
	good := wallet.Coupon{ID: "SPRING-10", Merchant: "Bäckerei", Off: 1, Currency: "EUR", Until: x.now.AddDate(0, 1, 0)}
	for _, change := range []func(*wallet.Coupon){
		func(c *wallet.Coupon) { c.ID = "a\nb" }, func(c *wallet.Coupon) { c.ID = "a b" }, func(c *wallet.Coupon) { c.ID = strings.Repeat("x", 41) },
		func(c *wallet.Coupon) { c.Merchant = "M\x1b[31m" }, func(c *wallet.Coupon) { c.Text = "\x00" }, func(c *wallet.Coupon) { c.Text = "\xff" },
	} {
		bad := good
		change(&bad)
		refused(t, "bad-coupon", second(x.AddCoupon(bad)))
	}
	require.NoError(t, second(x.AddCoupon(good)))
}

// TestEnoughKeys: keys are for limited use, so nobody heaps them up.
func TestEnoughKeys(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	for range 6 {
		require.NoError(t, second(x.Refill(x.ctx, name, true)))
	}
	refused(t, "enough-keys", second(x.Refill(x.ctx, name, true)))
	stock, err := x.Keys(name)
	require.NoError(t, err)
	require.Equal(t, 210, stock.Ready)
}

// TestExpiredToken: the phone does not bring a token that has expired to a
// reader, and says what to do.
func TestExpiredToken(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	x.now = time.Date(2035, 1, 31, 23, 59, 59, 0, time.UTC)
	require.Empty(t, x.Stopped(name))
	x.now = x.now.Add(time.Second)
	require.Equal(t, "the card has expired", x.Stopped(name))
	sw, reason := x.tap(name, "000000000100")
	require.False(t, sw.OK())
	require.Equal(t, "the application is locked", reason)
	require.NoError(t, second(x.Renew(x.ctx, name)))
	require.Empty(t, x.Stopped(name))
	sw, _ = x.tap(name, "000000000100")
	require.Equal(t, apdu.StatusOK, sw)
}

// TestPollWithAForeignToken: a card that the service does not know keeps the news
// of the others from nobody.
func TestPollWithAForeignToken(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	state, err := x.store.Wallet().LoadWallet()
	require.NoError(t, err)
	other := state.Cards[0]
	other.Name, other.Token, other.Enrolled = "other", strings.Repeat("00", 16), false
	state.Cards = append([]wallet.Card{other}, state.Cards...)
	require.NoError(t, x.store.Wallet().SaveWallet(&state))
	x.open(x.store.Wallet(), x.bank)
	sw, _ := x.tap(name, "000000000100")
	require.Equal(t, apdu.StatusOK, sw)
	require.NoError(t, second(x.bank.ManageToken(x.ctx, issuer.TokenChange{Token: x.token(name), Verb: provisioning.VerbSuspend})))
	refused(t, "unknown-token", second(x.Poll(x.ctx)))
	require.Equal(t, "the card is suspended by the bank", x.Stopped(name))
	sw, _ = x.tap(name, "000000000100")
	require.False(t, sw.OK())
}

// TestNextDefault: when the default is removed, a card that may pay takes its
// place; and digits name a card that is there rather than one that was deleted.
func TestNextDefault(t *testing.T) {
	x := newWorld(t)
	card := func(digits string) provisioning.CardData {
		pan := emv.WithCheckDigit("4761739001" + digits)
		require.NoError(t, x.bank.IssueCard(x.ctx, issuer.NewCard{PAN: pan, PSN: "01", Expiry: "4912", ServiceCode: "201", Account: account}))
		return provisioning.CardData{Number: string(pan), Expiry: "4912"}
	}
	first := x.add()
	waiting := card("07777")
	require.NoError(t, second(x.Add(x.ctx, wallet.NewCard{Data: waiting})))
	_, err := x.Add(x.ctx, wallet.NewCard{Data: card("08888")})
	require.NoError(t, err)
	require.NoError(t, second(x.Enter(x.ctx, "visa-3", x.code())))
	require.NoError(t, x.Remove(x.ctx, first))
	require.Equal(t, "visa-3", x.State().Default, "visa-2 waits for its code")

	require.NoError(t, second(x.Add(x.ctx, wallet.NewCard{Data: waiting})))
	require.NoError(t, second(x.Poll(x.ctx)))
	require.Equal(t, "the card was deleted", x.Stopped("visa-2"), "the phone asked again")
	c, err := x.Find(waiting.Number[12:])
	require.NoError(t, err)
	require.Equal(t, "visa-1", c.Name)
}

// TestWalletPrintsNothing: a wallet, its phone's keys and its cards print
// nothing that pays, whatever the verb.
func TestWalletPrintsNothing(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	require.NoError(t, x.SetPasscode(passcode))
	require.NoError(t, second(x.Unlock(passcode, time.Minute)))
	require.NoError(t, x.Wake(name))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		require.Equal(t, "wallet", fmt.Sprintf(verb, x.Wallet))
		require.Equal(t, "card visa-1", fmt.Sprintf(verb, x.live(name)))
	}
}
