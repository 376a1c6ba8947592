package wallet_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/hce/profile"
	"tapsim/issuer"
	issuerconfig "tapsim/issuer/config"
	"tapsim/provisioning"
	"tapsim/wallet"
	"tapsim/wallet/store"
)

const account = "DEMO-0001"

// visaCard is the demo bank's card.
var visaCard = provisioning.CardData{Number: "4761739001010119", Expiry: "4912"}

const passcode = "271828"

// world is a bank and a phone that share a clock.
type world struct {
	t     testing.TB
	ctx   context.Context
	now   time.Time
	rows  *issuer.Memory
	bank  *issuer.Issuer
	store *store.Store
	*wallet.Wallet
}

func newWorld(t testing.TB) *world {
	t.Helper()
	x := &world{t: t, ctx: context.Background(), now: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), rows: issuer.NewMemory()}
	demo, err := issuerconfig.Demo()
	require.NoError(t, err)
	x.bank, err = issuer.New(demo.Config, x.rows, issuer.Env{Now: x.clock, Rand: rand.NewChaCha8([32]byte{1})})
	require.NoError(t, err)
	_, err = x.bank.Install(x.ctx, demo.Setup)
	require.NoError(t, err)
	x.store, err = store.Open(store.Memory, store.Options{
		DeviceKey: secret(t, 1), Now: x.clock, Rand: rand.NewChaCha8([32]byte{2}), Seal: rand.NewChaCha8([32]byte{3}),
	})
	require.NoError(t, err)
	x.open(x.store.Wallet(), x.bank)
	return x
}

func (x *world) clock() time.Time { return x.now }

func secret(t testing.TB, fill byte) *cryptogram.Key {
	k, err := cryptogram.NewKey(cryptogram.AES, bytes.Repeat([]byte{fill}, 16))
	require.NoError(t, err)
	return k
}

// open opens the wallet as the next start of the program does.
func (x *world) open(m wallet.Memory, s provisioning.Service) {
	x.t.Helper()
	w, err := wallet.Open(wallet.Env{
		Now: x.clock, Rand: rand.NewChaCha8([32]byte{byte(x.now.Unix()), 4}), Secret: secret(x.t, 1), Memory: m, Service: s, Profile: base, Iterations: 10,
	})
	require.NoError(x.t, err)
	x.Wallet = w
}

// base is a phone card without signatures, which the demo bank's test CA would
// be needed for.
func base(_, name string) (hce.Profile, error) {
	p, err := profile.Load("visa-phone")
	p.Name = name
	return p, err
}

// code is the one that the bank sent last.
func (x *world) code() string {
	inbox, err := x.bank.Inbox(x.ctx, account, issuer.NoticeCode)
	require.NoError(x.t, err)
	require.NotEmpty(x.t, inbox)
	return inbox[len(inbox)-1].Code
}

// add puts the demo card into the wallet.
func (x *world) add() string {
	x.t.Helper()
	c, err := x.Add(x.ctx, wallet.NewCard{Data: visaCard, DeviceName: "phone"})
	require.NoError(x.t, err)
	c, err = x.Enter(x.ctx, c.Name, x.code())
	require.NoError(x.t, err)
	require.True(x.t, c.Enrolled)
	return c.Name
}

// live is the card at the reader.
func (x *world) live(name string) *store.Card {
	x.t.Helper()
	p, err := base("visa", name)
	require.NoError(x.t, err)
	c, err := x.store.Card(p)
	require.NoError(x.t, err)
	return c
}

// tap asks for a payment in EUR cents: a reader that wants no verification.
func (x *world) tap(name string, amount string) (apdu.Status, string) {
	x.t.Helper()
	require.NoError(x.t, x.Wake(name))
	c := x.live(name)
	c.Respond(unhex("00A4040007A000000003101000"))
	r, err := apdu.ParseResponse(c.Respond(unhex("80A8000023 8321 36004000" + amount + "000000000000 0276 0000000000 0978 300101 00 1A2B3C4D 00")))
	require.NoError(x.t, err)
	tap, _ := c.Last()
	return r.Status, tap.Reason.String()
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// refused wants a refusal with a code.
func refused(t testing.TB, code string, err error) {
	t.Helper()
	require.Equal(t, code, wallet.Code(err), "%v", err)
}

func second[T any](_ T, err error) error { return err }

func (x *world) token(name string) string {
	c, err := x.Find(name)
	require.NoError(x.t, err)
	return c.Token
}

func TestAddAndPay(t *testing.T) {
	x := newWorld(t)
	refused(t, "no-card", second(x.Find("")))
	name := x.add()
	require.Equal(t, "visa-1", name)
	sw, _ := x.tap(name, "000000001250")
	require.Equal(t, apdu.StatusOK, sw)
	require.Equal(t, name, x.State().Default)
	refused(t, "already-added", second(x.Add(x.ctx, wallet.NewCard{Data: visaCard})))
	refused(t, "name-taken", second(x.Add(x.ctx, wallet.NewCard{Data: visaCard, Name: name})))
	for _, bad := range []string{"A", "../x", "-x", "a b", strings.Repeat("a", 41)} {
		refused(t, "bad-name", second(x.Add(x.ctx, wallet.NewCard{Data: visaCard, Name: bad})))
	}
	refused(t, "unknown-card", x.SetDefault("visa-9"))
	refused(t, "unknown-card", second(x.Enter(x.ctx, "visa-9", "1")))
	x.Connect(nil)
	refused(t, "offline", second(x.Refill(x.ctx, name, true)))
	sw, _ = x.tap(name, "000000001250")
	require.Equal(t, apdu.StatusOK, sw, "a phone without a connection pays")
}

// TestPasscodeTries walks through all wrong tries: each wait, and the end.
func TestPasscodeTries(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	refused(t, "no-passcode", x.VerifyPasscode(passcode))
	for _, weak := range []string{"", "12345", "111111", "123456", "987654", "abcdef"} {
		refused(t, "passcode-too-weak", x.SetPasscode(weak))
	}
	require.NoError(t, x.SetPasscode(passcode))
	refused(t, "passcode-set", x.SetPasscode("314159"))
	require.NoError(t, x.VerifyPasscode(passcode))
	waits := []time.Duration{0, 0, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 8 * time.Hour}
	for n, wait := range waits {
		refused(t, "wrong-passcode", x.VerifyPasscode("wrong1"))
		if wait == 0 {
			continue
		}
		refused(t, "passcode-wait", x.VerifyPasscode(passcode))
		x.now = x.now.Add(wait - time.Second)
		x.open(x.store.Wallet(), x.bank) // starting again does not help
		refused(t, "passcode-wait", x.VerifyPasscode(passcode))
		x.now = x.now.Add(time.Second)
		if n == 3 { // the right one in time begins anew
			copied := newWorld(t)
			copied.add()
			require.NoError(t, copied.SetPasscode(passcode))
			for range 2 {
				refused(t, "wrong-passcode", copied.VerifyPasscode("wrong1"))
			}
			require.NoError(t, copied.VerifyPasscode(passcode))
			require.Zero(t, copied.State().Passcode.Fails)
		}
	}
	refused(t, "locked-out", x.VerifyPasscode("wrong1"))
	refused(t, "locked-out", x.VerifyPasscode(passcode))
	refused(t, "locked-out", second(x.Unlock(passcode, time.Minute)))
	refused(t, "locked-out", x.SetPasscode(passcode))
	require.Nil(t, x.State().Passcode.Private, "nothing opens the stock any more")
	sw, _ := x.tap(name, "000000000100")
	require.NotEqual(t, apdu.StatusOK, sw)
	require.NoError(t, x.RemoveAll(x.ctx))
	name = x.add()
	sw, _ = x.tap(name, "000000000100")
	require.Equal(t, apdu.StatusOK, sw)
}

// TestStockUnderPasscode: locked, a third of the keys pays; unlocked, all do. A
// change of passcode leaves them; a wrong phone secret opens nothing.
func TestStockUnderPasscode(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	stock := func() wallet.Stock {
		s, err := x.Keys(name)
		require.NoError(t, err)
		return s
	}
	require.Equal(t, 30, stock().Ready)
	require.NoError(t, x.SetPasscode(passcode))
	require.Equal(t, []int{10, 20}, []int{stock().Ready, stock().Sealed})
	for range 10 {
		sw, _ := x.tap(name, "000000000100")
		require.Equal(t, apdu.StatusOK, sw)
	}
	sw, reason := x.tap(name, "000000000100")
	require.Equal(t, apdu.StatusConditions, sw)
	require.Equal(t, "no keys are left", reason)
	until, err := x.Unlock(passcode, time.Minute)
	require.NoError(t, err)
	require.Equal(t, x.now.Add(time.Minute), until)
	require.Equal(t, []int{20, 0}, []int{stock().Ready, stock().Sealed})
	sw, _ = x.tap(name, "000000000100")
	require.Equal(t, apdu.StatusOK, sw)
	x.now = x.now.Add(time.Minute)
	sw, _ = x.tap(name, "000000000100")
	require.Equal(t, apdu.StatusConditions, sw, "the window has ended")
	require.Equal(t, []int{0, 19}, []int{stock().Ready, stock().Sealed})

	n, err := x.Refill(x.ctx, name, false)
	require.NoError(t, err)
	require.Equal(t, 3, n, "a locked wallet fetches keys, too")
	require.Equal(t, []int{10, 39}, []int{stock().Ready, stock().Sealed})
	n, err = x.Refill(x.ctx, name, false)
	require.NoError(t, err)
	require.Zero(t, n)
	x.now = x.now.Add(91 * time.Hour) // of 120
	n, err = x.Refill(x.ctx, name, false)
	require.NoError(t, err)
	require.Equal(t, 3, n, "three quarters of their time are gone")

	require.NoError(t, x.ChangePasscode(passcode, "314159"))
	refused(t, "wrong-passcode", second(x.Unlock(passcode, time.Minute)))
	refused(t, "same-passcode", x.ChangePasscode("314159", "314159"))
	before := stock()
	_, err = x.Unlock("314159", time.Minute)
	require.NoError(t, err)
	require.Equal(t, before.Ready+before.Sealed, stock().Ready)
	require.NoError(t, x.Lock())
	require.Equal(t, before.Ready, stock().Ready)
	for _, bad := range []time.Duration{0, 6 * time.Minute} {
		refused(t, "bad-window", second(x.Unlock("314159", bad)))
	}
	x.now = x.now.Add(200 * time.Hour)
	sw, reason = x.tap(name, "000000000100")
	require.Equal(t, apdu.StatusConditions, sw)
	require.Contains(t, []string{"the keys have expired", "no keys are left"}, reason)
}

func TestFinger(t *testing.T) {
	x := newWorld(t)
	x.add()
	refused(t, "no-biometric", second(x.UnlockByFinger(true, time.Minute)))
	require.NoError(t, x.SetPasscode(passcode))
	refused(t, "wrong-passcode", x.SetBiometric(true, "wrong1"))
	require.NoError(t, x.SetBiometric(true, passcode))
	for _, left := range []string{"4 more tries", "3 more tries", "2 more tries", "one more try", "no more tries"} {
		err := second(x.UnlockByFinger(false, time.Minute))
		refused(t, "wrong-finger", err)
		require.ErrorContains(t, err, left)
	}
	refused(t, "biometric-blocked", second(x.UnlockByFinger(true, time.Minute)))
	require.NoError(t, second(x.Unlock(passcode, time.Minute)))
	require.NoError(t, x.Lock())
	require.NoError(t, second(x.UnlockByFinger(true, time.Minute)))
	_, open := x.Unlocked()
	require.True(t, open)
	require.NoError(t, x.SetBiometric(false, passcode))
	refused(t, "no-biometric", second(x.UnlockByFinger(true, time.Minute)))
}

func TestTapAndGo(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	require.NoError(t, x.SetPasscode(passcode))
	refused(t, "wallet-locked", x.SetTapAndGo(nil))
	require.NoError(t, second(x.Unlock(passcode, time.Minute)))
	refused(t, "bad-limits", x.SetTapAndGo(&wallet.TapAndGo{PerTap: -1}))
	require.NoError(t, x.SetTapAndGo(&wallet.TapAndGo{PerTap: 50_00, Cumulative: 60_00, Count: 3}))
	require.NoError(t, x.Lock())
	for _, c := range []struct {
		amount string
		want   apdu.Status
	}{{"000000005001", 0x6986}, {"000000005000", 0x9000}, {"000000001001", 0x6986}, {"000000000500", 0x9000}, {"000000000500", 0x9000}, {"000000000001", 0x6986}} {
		sw, _ := x.tap(name, c.amount)
		require.Equal(t, c.want, sw, c.amount)
	}
	require.NoError(t, second(x.Unlock(passcode, time.Minute)))
	sw, _ := x.tap(name, "000000009999")
	require.Equal(t, apdu.StatusOK, sw)
	require.NoError(t, x.Lock())
	sw, _ = x.tap(name, "000000005000")
	require.Equal(t, apdu.StatusOK, sw, "unlocking begins anew")
}

func TestFreezing(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	token := x.token(name)
	status := func() string {
		s, err := x.bank.TokenState(token)
		require.NoError(t, err)
		return s.Status
	}
	pays := func() bool {
		sw, _ := x.tap(name, "000000000100")
		return sw.OK()
	}
	require.NoError(t, x.Freeze(x.ctx, name))
	refused(t, "already-frozen", x.Freeze(x.ctx, name))
	require.False(t, pays())
	require.Equal(t, "suspended", status())
	require.Equal(t, "the card is frozen", x.Stopped(name))
	require.NoError(t, x.Freeze(x.ctx, ""))
	refused(t, "already-frozen", x.Freeze(x.ctx, ""))
	require.NoError(t, x.Unfreeze(x.ctx, ""))
	refused(t, "not-frozen", x.Unfreeze(x.ctx, ""))
	require.Equal(t, "suspended", status(), "the card itself is still frozen")
	require.NoError(t, x.Unfreeze(x.ctx, name))
	require.Equal(t, "active", status())
	require.True(t, pays())
	require.NoError(t, x.Freeze(x.ctx, ""))
	refused(t, "phone-frozen", x.Unfreeze(x.ctx, name))
	refused(t, "phone-frozen", second(x.Add(x.ctx, wallet.NewCard{Data: visaCard, Name: "more"})))
	require.NoError(t, x.Unfreeze(x.ctx, ""))

	// Without a connection the phone freezes at once and tells later.
	x.Connect(nil)
	require.NoError(t, x.Freeze(x.ctx, name))
	require.False(t, pays())
	require.Equal(t, "active", status())
	x.Connect(x.bank)
	require.NoError(t, second(x.Poll(x.ctx)))
	require.Equal(t, "suspended", status())
	require.NoError(t, x.Unfreeze(x.ctx, name))

	// The bank's word is not the owner's to take back.
	require.NoError(t, second(x.bank.ManageToken(x.ctx, issuer.TokenChange{Token: token, Verb: "suspend", Reason: "we called you"})))
	require.True(t, pays(), "the phone does not know yet")
	require.NoError(t, second(x.Poll(x.ctx)))
	require.False(t, pays())
	require.Equal(t, "the card is suspended by the bank", x.Stopped(name))
	require.NoError(t, x.Freeze(x.ctx, name))
	require.NoError(t, x.Unfreeze(x.ctx, name))
	require.False(t, pays())
	refused(t, "token-suspended", second(x.Refill(x.ctx, name, true)))
	refused(t, "token-suspended", second(x.Renew(x.ctx, name)))
	require.NoError(t, second(x.bank.ManageToken(x.ctx, issuer.TokenChange{Token: token, Verb: "resume"})))
	require.NoError(t, second(x.Poll(x.ctx)))
	require.True(t, pays())
	notices, err := x.Notices()
	require.NoError(t, err)
	require.Contains(t, notices[0].Text, "the bank suspended the card (we called you)")
	require.False(t, notices[0].Read)
	notices, err = x.Notices()
	require.NoError(t, err)
	require.True(t, notices[0].Read)
}

func TestRenewalRelinkAndDeletion(t *testing.T) {
	x := newWorld(t)
	name := x.add()
	token := x.token(name)
	require.NoError(t, x.SetPasscode(passcode))
	had, _ := x.live(name).Token()
	x.now = x.now.AddDate(0, 2, 0)
	_, err := x.Renew(x.ctx, name)
	require.NoError(t, err)
	has, _ := x.live(name).Token()
	require.Equal(t, had.PAN, has.PAN)
	require.NotEqual(t, had.Expiry, has.Expiry)
	atc := x.live(name).ATC()
	sw, _ := x.tap(name, "000000000100")
	require.Equal(t, apdu.StatusOK, sw)
	require.Equal(t, atc+1, x.live(name).ATC(), "the counter goes on")

	pan := emv.WithCheckDigit("476173900107777")
	fresh := pan.LastFour()
	require.NoError(t, x.bank.IssueCard(x.ctx, issuer.NewCard{PAN: pan, PSN: "01", Expiry: "4912", ServiceCode: "201", Account: account}))
	require.NoError(t, second(x.bank.RelinkToken(x.ctx, issuer.Relink{Token: token, Card: issuer.CardName(fresh)})))
	require.NoError(t, second(x.Poll(x.ctx)))
	has, _ = x.live(name).Token()
	require.Equal(t, fresh, has.LastFour, "receipts show the new card")

	require.NoError(t, second(x.bank.ManageToken(x.ctx, issuer.TokenChange{Token: token, Verb: "delete"})))
	require.NoError(t, second(x.Poll(x.ctx)))
	c, err := x.Find(name)
	require.NoError(t, err)
	require.False(t, c.Enrolled, "its keys are gone")
	p, _ := base("visa", name)
	_, err = x.store.Card(p)
	require.ErrorIs(t, err, store.ErrNotEnrolled)
	require.Equal(t, "the card was deleted", x.Stopped(name))
	refused(t, "token-deleted", x.Freeze(x.ctx, name))
	require.NoError(t, x.Remove(x.ctx, name))
	require.Empty(t, x.State().Cards)
	require.Empty(t, x.State().Default)
}
