package sim

import (
	"context"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/issuer"
	"tapsim/provisioning"
	"tapsim/terminal/kernel"
	"tapsim/wallet"
)

// owner is the owner of a phone, who uses the wallet and pays.
type owner struct {
	t     testing.TB
	ctx   context.Context
	state string
	now   time.Time
	seed  uint64
}

func newOwner(t testing.TB) *owner {
	return &owner{t: t, ctx: context.Background(), state: t.TempDir(), now: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)}
}

const ownPasscode = "271828"

// options are for one start of the program: each has its own randomness.
func (o *owner) options() Options {
	o.seed++
	seed := o.seed
	return Options{Seed: &seed, Now: o.now, State: o.state, Holder: "test", Terminal: "attended", Iterations: 10}
}

// phone does one thing with the wallet.
func (o *owner) phone(do func(p *Phone) error) error {
	o.t.Helper()
	p, err := OpenPhone(o.ctx, PhoneOptions{Options: o.options()})
	require.NoError(o.t, err)
	defer func() { require.NoError(o.t, p.Close()) }()
	return do(p)
}

func (o *owner) must(do func(p *Phone) error) {
	o.t.Helper()
	require.NoError(o.t, o.phone(do))
}

// pay makes one payment; edit changes the request.
func (o *owner) pay(card string, amount int64, edit func(*Options, *Request)) (Payment, []string) {
	o.t.Helper()
	options := o.options()
	options.Card = card
	r := Request{Amount: amount, Currency: euro(o.t), Explain: true}
	if edit != nil {
		edit(&options, &r)
	}
	w, err := Open(o.ctx, options)
	require.NoError(o.t, err)
	defer func() { require.NoError(o.t, w.Close()) }()
	p, err := w.Pay(o.ctx, r)
	require.NoError(o.t, err)
	return p, w.Notes
}

func euro(t testing.TB) emv.Currency {
	c, ok := emv.CurrencyByAlpha("EUR")
	require.True(t, ok)
	return c
}

// add puts a demo card into the wallet, with the code from the inbox.
func (o *owner) add(number string) string {
	o.t.Helper()
	var name string
	o.must(func(p *Phone) error {
		c, err := p.Add(o.ctx, wallet.NewCard{Data: provisioning.CardData{Number: number, Expiry: "4912"}, DeviceName: "phone"})
		require.NoError(o.t, err)
		name = c.Name
		inbox, err := p.Bank.Inbox(o.ctx, "DEMO-0001", issuer.NoticeCode)
		require.NoError(o.t, err)
		return second(p.Enter(o.ctx, name, inbox[len(inbox)-1].Code))
	})
	return name
}

func second[T any](_ T, err error) error { return err }

// TestWalletStory is a wallet's life with payments of each scheme.
func TestWalletStory(t *testing.T) {
	o := newOwner(t)
	for _, number := range []string{"4761739001010119", "5413339001000019", "6250940001000018"} {
		name := o.add(number)
		terminal := func(w *Options, _ *Request) {}
		p, notes := o.pay(name, 12_50, terminal)
		require.Equal(t, kernel.Approved, p.Outcome, "%s: %s %v", name, p.Detail, notes)
		require.NotEqual(t, number, string(p.PAN))
		require.True(t, emv.TestRange(p.PAN))
	}
	p, _ := o.pay("", 1_00, nil)
	require.Equal(t, kernel.Approved, p.Outcome)
	require.Equal(t, "4761739002", string(p.PAN[:10]), "the default is the card that came first")
	o.must(func(p *Phone) error { return p.SetDefault("mastercard-1") })
	p, _ = o.pay("", 1_00, nil)
	require.Equal(t, "5413339002", string(p.PAN[:10]))
	p, _ = o.pay("0119", 1_00, nil)
	require.Equal(t, "4761739002", string(p.PAN[:10]), "a card by its last four digits")
	p, _ = o.pay("visa-phone", 1_00, nil)
	require.Equal(t, kernel.Approved, p.Outcome, "the built-in phone is there besides")

	// Above the limit the passcode decides.
	o.must(func(p *Phone) error { return p.SetPasscode(ownPasscode) })
	for _, card := range []string{"visa-1", "mastercard-1", "unionpay-1"} {
		p, notes := o.pay(card, 120_00, nil)
		require.Contains(t, []kernel.Kind{kernel.TryAgain, kernel.EndApplication}, p.Outcome, "%s %s", card, p.Detail)
		require.Contains(t, strings.Join(notes, "\n"), "verify on the device first (unlock the wallet and tap again")
		p, notes = o.pay(card, 120_00, func(_ *Options, r *Request) { r.Passcode = ownPasscode })
		require.Equal(t, kernel.Approved, p.Outcome, "%s %s %v", card, p.Detail, notes)
		p, notes = o.pay(card, 120_00, func(_ *Options, r *Request) {
			r.Locked, r.UnlockAfterFirst, r.Passcode = true, true, ownPasscode
		})
		require.Equal(t, kernel.Approved, p.Outcome, "%s %s %v", card, p.Detail, notes)
		o.now = o.now.Add(10 * time.Minute)
	}
	p, notes := o.pay("visa-1", 1_00, func(_ *Options, r *Request) { r.Passcode = ownPasscode })
	require.Equal(t, kernel.Approved, p.Outcome, notes)
	require.Equal(t, "wrong-passcode", wallet.Code(o.phone(func(p *Phone) error { return p.VerifyPasscode("314159") })))
	o.noSecrets()
}

// TestCoupons: the price is lower before it is authorised, once; a declined and
// a reversed payment give the coupon back.
func TestCoupons(t *testing.T) {
	o := newOwner(t)
	name := o.add("4761739001010119")
	coupon := func() (k wallet.Coupon) {
		o.must(func(p *Phone) error {
			_, err := p.Poll(o.ctx)
			k = p.State().Coupons[0]
			return err
		})
		return k
	}
	o.must(func(p *Phone) error {
		for code, bad := range map[string]wallet.Coupon{
			"unknown-currency": {Currency: "XXQ", Off: 1, Merchant: "M"}, "bad-coupon": {Currency: "EUR", Merchant: "M"},
			"coupon-expired": {Currency: "EUR", Off: 1, Merchant: "M", Until: o.now},
		} {
			require.Equal(t, code, wallet.Code(second(p.AddCoupon(bad))))
		}
		k := wallet.Coupon{ID: "two", Merchant: "TAPSIM-MERCH-01", Off: 2_00, Minimum: 10_00, Currency: "EUR", Until: o.now.AddDate(0, 1, 0)}
		require.NoError(t, second(p.AddCoupon(k)))
		require.Equal(t, "coupon-known", wallet.Code(second(p.AddCoupon(k))))
		sale := wallet.Sale{Card: name, Amount: 12_50, Currency: "EUR", Merchants: []string{"TAPSIM-MERCH-01"}}
		for code, change := range map[string]func(s *wallet.Sale) string{
			"unknown-coupon":   func(*wallet.Sale) string { return "three" },
			"unknown-card":     func(s *wallet.Sale) string { s.Card = "x"; return "two" },
			"coupon-elsewhere": func(s *wallet.Sale) string { s.Merchants = []string{"BAKERY"}; return "two" },
			"coupon-currency":  func(s *wallet.Sale) string { s.Currency = "USD"; return "two" },
			"coupon-minimum":   func(s *wallet.Sale) string { s.Amount = 9_99; return "two" },
		} {
			s := sale
			id := change(&s)
			require.Equal(t, code, wallet.Code(second(p.ReserveCoupon(id, s))))
		}
		return nil
	})
	with := func(_ *Options, r *Request) { r.Coupon = "two" }
	o.must(func(p *Phone) error {
		return second(p.Bank.ManageToken(o.ctx, issuer.TokenChange{Token: p.State().Cards[0].Token, Verb: "suspend"}))
	})
	p, _ := o.pay(name, 12_50, with)
	require.Equal(t, kernel.Declined, p.Outcome)
	require.Equal(t, "free", coupon().State, "a declined payment gives it back")
	o.must(func(p *Phone) error {
		require.NoError(t, second(p.Bank.ManageToken(o.ctx, issuer.TokenChange{Token: p.State().Cards[0].Token, Verb: "resume"})))
		return second(p.Poll(o.ctx))
	})
	p, notes := o.pay(name, 12_50, with)
	require.Equal(t, kernel.Approved, p.Outcome, "%s %v", p.Detail, notes)
	require.Equal(t, int64(10_50), p.Charged)
	require.Equal(t, int64(10_50), *p.Request.Amount)
	require.Equal(t, "spent", coupon().State)
	o.must(func(ph *Phone) error {
		require.Equal(t, "coupon-spent", wallet.Code(second(ph.ReserveCoupon("two", wallet.Sale{Card: name}))))
		history, err := ph.History(name)
		require.NoError(t, err)
		last := history[len(history)-1]
		require.Equal(t, []string{"two", "10.50", "approved", "TAPSIM TEST SHOP"}, []string{last.Coupon, last.Amount, last.State, last.Merchant})

		back := *p.Request
		back.MTI, back.ICCData = "0400", nil
		back.OriginalData = string(p.Request.MTI) + back.STAN + back.TransmissionTime + fmt.Sprintf("%011s", back.AcquirerID) + "00000000000"
		answer, err := ph.Bank.Handle(o.ctx, &back, nil)
		require.NoError(t, err)
		require.Equal(t, "00", answer.Message.ResponseCode)
		return nil
	})
	require.Equal(t, "free", coupon().State, "a reversal gives it back")
	o.must(func(ph *Phone) error {
		history, err := ph.History(name)
		require.Equal(t, "reversed", history[len(history)-1].State)
		require.NoError(t, ph.RemoveCoupon("two"))
		bundle, err := ph.Support(name, history[len(history)-1].ATC)
		require.NoError(t, err)
		require.Len(t, bundle.Notices, 2)
		require.Equal(t, "unknown-payment", wallet.Code(second(ph.Support(name, 999))))
		return err
	})
}

// TestKeysRunOutOffline: a phone without a connection pays until its keys are
// used up, says why it stops, and pays again when it fetched new ones.
func TestKeysRunOutOffline(t *testing.T) {
	o := newOwner(t)
	name := o.add("4761739001010119")
	offline := func(w *Options, _ *Request) { w.PhoneOffline = true }
	for n := range 30 {
		p, notes := o.pay(name, 1_00, offline)
		require.Equal(t, kernel.Approved, p.Outcome, "%d %s %v", n, p.Detail, notes)
	}
	p, notes := o.pay(name, 1_00, offline)
	require.Equal(t, kernel.EndApplication, p.Outcome)
	require.Contains(t, strings.Join(notes, "\n"), "the phone refused: no keys are left")
	p, _ = o.pay(name, 1_00, nil)
	require.Equal(t, kernel.Approved, p.Outcome)
	o.now = o.now.Add(121 * time.Hour)
	p, notes = o.pay(name, 1_00, offline)
	require.Equal(t, kernel.EndApplication, p.Outcome)
	require.Contains(t, strings.Join(notes, "\n"), "the phone refused: the keys have expired")
}

// TestOldMemory: a phone whose memory was set back gets no keys, and its
// payments are refused; a copy on another phone opens nothing.
func TestOldMemory(t *testing.T) {
	o := newOwner(t)
	name := o.add("4761739001010119")
	phone, copied := filepath.Join(o.state, "phone"), filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.CopyFS(copied, os.DirFS(phone)))
	for range 3 {
		p, _ := o.pay(name, 1_00, nil)
		require.Equal(t, kernel.Approved, p.Outcome)
	}
	back := func() {
		require.NoError(t, os.RemoveAll(phone))
		require.NoError(t, os.CopyFS(phone, os.DirFS(copied)))
	}
	back()
	p, _ := o.pay(name, 1_00, nil)
	require.Equal(t, kernel.Declined, p.Outcome)
	require.Equal(t, "63", p.Response.ResponseCode)
	back()
	require.Equal(t, "rolled-back", wallet.Code(o.phone(func(p *Phone) error { return second(p.Refill(o.ctx, name, true)) })))

	require.NoError(t, os.Remove(filepath.Join(o.state, "keys", "device.key")))
	_, err := OpenPhone(o.ctx, PhoneOptions{Options: o.options()})
	require.ErrorContains(t, err, "another device key")
}

// TestWindowOutlivesWaiting: the clock of a payment runs ahead while it waits; the
// next command begins before that, and finds the wallet as it was unlocked.
func TestWindowOutlivesWaiting(t *testing.T) {
	o := newOwner(t)
	name := o.add("4761739001010119")
	o.must(func(p *Phone) error {
		require.NoError(t, p.SetPasscode(ownPasscode))
		return second(p.Unlock(ownPasscode, time.Minute))
	})
	p, _ := o.pay(name, 120_00, func(_ *Options, r *Request) { r.TearAt = 3 })
	require.NotEqual(t, kernel.Approved, p.Outcome)
	p, notes := o.pay(name, 120_00, nil)
	require.Equal(t, kernel.Approved, p.Outcome, notes)
}

// TestFileNamedLikeACard: a card file does not get at the token of the wallet's
// card of that name.
func TestFileNamedLikeACard(t *testing.T) {
	o := newOwner(t)
	name := o.add("4761739001010119")
	o.must(func(p *Phone) error { return p.SetPasscode(ownPasscode) })
	yaml, err := os.ReadFile("../hce/profile/visa-phone.yaml")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(yaml), "name: visa-phone", "name: "+name, 1)), 0o600))
	options := o.options()
	options.Card = file
	_, err = Open(o.ctx, options)
	require.ErrorContains(t, err, `the wallet has a card "visa-1": give the card in the file another name`)
}

// noSecrets looks through everything that was kept: no account number, no
// passcode, and the device key in its own place only.
func (o *owner) noSecrets() {
	o.t.Helper()
	device, err := os.ReadFile(filepath.Join(o.state, "keys", "device.key"))
	require.NoError(o.t, err)
	number := regexp.MustCompile(`(476173|541333|625094)[0-9]{10}`)
	require.NoError(o.t, filepath.WalkDir(o.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(filepath.Dir(path)) == "keys" {
			return err
		}
		data, err := os.ReadFile(path)
		require.NoError(o.t, err)
		for _, found := range number.FindAllString(string(data), -1) {
			require.False(o.t, emv.PAN(found).Valid(), "%s holds an account number", path)
		}
		for _, secret := range []string{ownPasscode, string(device), hex.EncodeToString(device)} {
			require.NotContains(o.t, string(data), secret, path)
		}
		return nil
	}))
}

// TestWalletHistories lets chance use a wallet and pay with it, and holds each
// payment to what was done: nothing is paid from a card that is frozen,
// suspended or deleted, and phone, bank and history count the same.
func TestWalletHistories(t *testing.T) {
	for seed := range uint64(4) {
		o := newOwner(t)
		o.seed = seed * 1000
		random := rand.New(rand.NewPCG(seed, 7))
		name := o.add("4761739001010119")
		frozen, byBank, lost, approved := false, false, false, 0
		for step := range 25 {
			o.now = o.now.Add(time.Duration(random.IntN(100)) * time.Second)
			verb := []string{"pay", "pay", "pay", "freeze", "unfreeze", "suspend", "resume", "lose", "find", "refill", "poll", "renew", "scan", "buy"}[random.IntN(14)]
			where := fmt.Sprintf("seed %d, step %d: %s", seed, step, verb)
			if verb == "pay" {
				p, notes := o.pay(name, 1_00, nil)
				may := !frozen && !byBank && !lost
				if !may {
					require.NotEqual(t, kernel.Approved, p.Outcome, where)
				} else if p.Outcome == kernel.Approved {
					approved++
				} else { // the phone does not know yet that it may
					require.Contains(t, strings.Join(notes, "\n"), "cannot pay", where)
				}
				continue
			}
			if verb == "scan" || verb == "buy" {
				p, err := o.alone(verb)
				switch {
				case err != nil:
					require.Equal(t, "card-stopped", wallet.Code(err), where)
				case p.Outcome == kernel.Approved:
					require.False(t, frozen || byBank || lost, where)
					approved++
				default:
					require.True(t, frozen || byBank || lost, "%s: %s", where, p.Detail)
				}
				continue
			}
			err := o.phone(func(p *Phone) error {
				token := p.State().Cards[0].Token
				manage := func(verb provisioning.Verb) error {
					return second(p.Bank.ManageToken(o.ctx, issuer.TokenChange{Token: token, Verb: verb}))
				}
				switch verb {
				case "freeze":
					return p.Freeze(o.ctx, name)
				case "unfreeze":
					return p.Unfreeze(o.ctx, name)
				case "suspend":
					return manage(provisioning.VerbSuspend)
				case "resume":
					return manage(provisioning.VerbResume)
				case "lose":
					return second(p.Bank.LostPhone(o.ctx, issuer.PhoneRequest{Token: token}))
				case "find":
					return second(p.Bank.FoundPhone(o.ctx, issuer.PhoneRequest{Token: token}))
				case "refill":
					return second(p.Refill(o.ctx, name, true))
				case "poll":
					return second(p.Poll(o.ctx))
				}
				return second(p.Renew(o.ctx, name))
			})
			if err != nil {
				require.NotEmpty(t, wallet.Code(err), "%s: %v", where, err)
			}
			switch verb {
			case "freeze", "unfreeze":
				frozen = verb == "freeze" || frozen && err != nil
			case "suspend", "resume":
				if err == nil {
					byBank = verb == "suspend"
				}
			case "lose", "find":
				if err == nil {
					lost = verb == "lose"
				}
			}
		}
		o.must(func(p *Phone) error {
			require.NoError(t, second(p.Poll(o.ctx)))
			history, err := p.History(name)
			require.NoError(t, err)
			told, last := 0, uint16(0)
			for _, e := range history {
				require.Greater(t, e.ATC, last, "each counter once, in order")
				last = e.ATC
				if e.State == "approved" {
					told++
				}
			}
			require.Equal(t, approved, told, "seed %d", seed)
			account, _, err := p.Bank.store.Account("DEMO-0001")
			require.NoError(t, err)
			require.Equal(t, int64(100_000_00-approved*1_00), account.Available())
			return issuer.Audit(o.ctx, p.Bank.store)
		})
	}
}
