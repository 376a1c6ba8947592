package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tapsim/hce"
	"tapsim/hce/profile"
	"tapsim/internal/statedir"
	"tapsim/issuer"
	"tapsim/provisioning"
	"tapsim/wallet"
)

var _ provisioning.Service = (*issuer.Issuer)(nil)

// walletBases are the built-in cards that a wallet's cards are made like.
var walletBases = map[string]string{"visa": "visa-phone", "mastercard": "mastercard-phone", "unionpay": "unionpay-phone"}

// walletProfile is what a card of the wallet is like.
func walletProfile(scheme, name string) (hce.Profile, error) {
	base, ok := walletBases[scheme]
	if !ok {
		return hce.Profile{}, fmt.Errorf("there is no phone card of %s to make %s like", scheme, name)
	}
	p, err := profile.Load(base)
	p.Name = name
	return p, err
}

// defaultCard pays when no card is named and the wallet is empty.
const defaultCard = "visa-phone"

// chooseCard finds the card that pays: a built-in one, a file, or one of the
// wallet; with no name the wallet's default.
func (w *World) chooseCard() error {
	name := w.options.Card
	var unknown error
	if name != "" {
		if w.Profile, unknown = LoadCard(name); unknown == nil || isPath(name) {
			return unknown
		}
	}
	if err := w.openWallet(); err != nil {
		return err
	}
	c, err := w.wallet.Find(name)
	if err == nil {
		w.options.Card, w.walletCard = c.Name, c.Name
		w.Profile, err = walletProfile(c.Scheme, c.Name)
		return err
	}
	if name != "" {
		return fmt.Errorf("the wallet has no card %q, and %w", name, unknown)
	}
	w.options.Card = defaultCard
	w.Profile, err = LoadCard(defaultCard)
	return err
}

// openWallet opens the phone's wallet, without its service.
func (w *World) openWallet() error {
	if err := w.openStore(); err != nil {
		return err
	}
	return w.loadWallet()
}

// notOfWallet refuses a card file with the name of a card in the wallet: the
// phone would find that one's token and keys under it, and ask for no passcode.
func (w *World) notOfWallet() error {
	if !isPath(w.options.Card) {
		return nil
	}
	if err := w.loadWallet(); err != nil {
		return err
	}
	for _, c := range w.wallet.State().Cards {
		if c.Name == w.Profile.Name {
			return fmt.Errorf("%s: the wallet has a card %q: give the card in the file another name", w.options.Card, c.Name)
		}
	}
	return nil
}

// loadWallet reads the wallet that the phone's memory holds.
func (w *World) loadWallet() (err error) {
	w.wallet, err = wallet.Open(wallet.Env{
		Now: w.Clock.Now, Rand: secrets(w.options.Seed, "wallet"), Secret: w.device, Memory: w.phone.Wallet(), Profile: walletProfile, Iterations: w.options.Iterations,
	})
	return err
}

// openWalletCard brings a card of the wallet to the reader, with keys when it is
// short of them and the service can be reached.
func (w *World) openWalletCard(ctx context.Context) error {
	c, err := w.wallet.Find(w.walletCard)
	if err != nil {
		return err
	}
	service := w.service()
	if service != nil {
		w.wallet.Connect(service)
	}
	if service != nil && !w.options.PhoneOffline {
		if err := w.wallet.AskAgain(ctx, c.Name); err != nil {
			w.note("%s got no news: %v", c.Name, err)
		}
		if w.wallet.Stopped(c.Name) == "" {
			if _, err := w.wallet.Refill(ctx, c.Name, false); err != nil {
				w.note("%s got no new keys: %v", c.Name, err)
			}
		}
	}
	if stopped := w.wallet.CheckStopped(c.Name); stopped != nil {
		if !c.Enrolled { // there is nothing to tap with
			return stopped
		}
		w.note("%v", stopped)
	}
	if err := w.wallet.Wake(c.Name); err != nil {
		return err
	}
	w.card, err = w.phone.Card(w.Profile)
	return err
}

// service is the token service of the wallet, nil where only another host knows
// the wallet's tokens.
func (w *World) service() provisioning.Service {
	switch {
	case w.options.Service != nil:
		return w.options.Service
	case w.options.Host == nil && w.bank != nil:
		return w.bank.Issuer
	}
	return nil
}

// prepareWallet unlocks or locks the wallet for a payment. A wallet without a
// passcode is unlocked by whoever holds it, as a built-in phone is.
func (w *World) prepareWallet(r Request) error {
	switch {
	case r.Locked:
		return w.wallet.Lock()
	case r.Passcode != "":
		_, err := w.wallet.Unlock(r.Passcode, wallet.DefaultWindow)
		return err
	}
	return w.wallet.Wake(w.walletCard)
}

// guarded is true for a card of a wallet with a passcode.
func (w *World) guarded() bool { return w.walletCard != "" && w.wallet.State().Passcode.Set() }

// OfWallet is true when a card of the wallet pays.
func (w *World) OfWallet() bool { return w.walletCard != "" }

// tellOwner says why a card of the wallet refused.
func (w *World) tellOwner() {
	if !w.OfWallet() {
		return
	}
	tap, ok := w.card.Last()
	if !ok || tap.Reason == hce.ReasonNone || tap.Reason == hce.ReasonOpen {
		return
	}
	text := tap.Reason.String()
	stock, _ := w.wallet.Keys(w.walletCard)
	if advice := wallet.Advice(text, stock.Sealed); advice != "" {
		text += " (" + advice + ")"
	}
	w.note("the phone refused: %s", text)
}

// redeem takes the coupon of a payment and makes it cheaper. The function says
// what became of the payment.
func (w *World) redeem(r *Request) (settle func(approved bool) error, err error) {
	if r.Coupon == "" {
		return func(bool) error { return nil }, nil
	}
	if w.walletCard == "" {
		return nil, errors.New("a coupon is of the wallet: pay with a card of the wallet")
	}
	r.Amount, err = w.wallet.ReserveCoupon(r.Coupon, wallet.Sale{
		Card: w.walletCard, Amount: r.Amount, Currency: r.Currency.Alpha, Merchants: []string{w.Terminal.MerchantID, w.Terminal.MerchantName},
	})
	return func(approved bool) error { return w.wallet.SettleCoupon(r.Coupon, approved, w.card.ATC()) }, err
}

// PhoneOptions say which phone to open.
type PhoneOptions struct {
	Options
	// Offline leaves the bank alone: the phone has no connection.
	Offline bool
	// Spare says that the phone opens all the same when another program has the
	// bank.
	Spare bool
}

// Phone is a phone with its wallet and, unless it is offline, its token service.
type Phone struct {
	*wallet.Wallet
	Clock  *Clock
	Bank   *Bank // the bank in process; nil when offline, or with another service
	Online bool  // there is a token service
	Notes  []string

	world   *World
	offline bool
	taken   error // the bank in process is another program's
}

// OpenPhone opens a phone's wallet and its token service.
func OpenPhone(ctx context.Context, o PhoneOptions) (*Phone, error) {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	w := &World{options: o.Options, seed: runSeed(o.Seed), Clock: NewClock(o.Now)}
	err := w.openWallet()
	var taken error
	if err == nil && !o.Offline && o.Service == nil {
		if err = w.openBank(ctx); o.Spare && errors.Is(err, statedir.ErrLocked) {
			taken, err = err, nil
		}
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	p := &Phone{Wallet: w.wallet, Clock: w.Clock, Bank: w.bank, Notes: w.Notes, world: w, offline: o.Offline, taken: taken}
	if taken != nil {
		p.Notes = append(p.Notes, taken.Error())
	}
	if service := w.service(); service != nil && !o.Offline {
		w.wallet.Connect(service)
		p.Online = true
	}
	return p, nil
}

// Close releases the state.
func (p *Phone) Close() error { return p.world.Close() }

// CheckCardName refuses names that built-in cards have.
func CheckCardName(name string) error {
	if slices.Contains(profile.Names(), name) {
		return fmt.Errorf("%s is a built-in card: choose another name", name)
	}
	return nil
}
