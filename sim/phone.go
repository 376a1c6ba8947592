package sim

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/issuer"
	"tapsim/provisioning"
	"tapsim/wallet"
	"tapsim/wallet/store"
)

// refillBelow is how many payments the phone's keys must still be good for
// before it taps: below it asks the token service for more.
const refillBelow = 3

// tokenService is what a phone gets its keys from.
type tokenService interface {
	Replenish(ctx context.Context, r provisioning.Request, device *cryptogram.Key) (provisioning.KeySet, error)
	Certify(ctx context.Context, token emv.PAN, static []byte, device *cryptogram.Key) (provisioning.Credentials, error)
}

var _ tokenService = (*issuer.Issuer)(nil)

// setUpTokens is a token service over the network, which this phone's wallet talks
// to for the built-in cards.
type setUpTokens struct{ *World }

// Replenish gets keys. They come under a key that is agreed with the phone; the
// wallet puts them under the device key, which is its own.
func (s setUpTokens) Replenish(ctx context.Context, r provisioning.Request, _ *cryptogram.Key) (provisioning.KeySet, error) {
	if err := s.connect(); err != nil {
		return provisioning.KeySet{}, err
	}
	return s.wallet.SetUpKeys(ctx, r)
}

// Certify gets certificates.
func (s setUpTokens) Certify(ctx context.Context, token emv.PAN, static []byte, _ *cryptogram.Key) (provisioning.Credentials, error) {
	if err := s.connect(); err != nil {
		return provisioning.Credentials{}, err
	}
	return s.wallet.SetUpCertificates(ctx, token, static)
}

// connect reads the wallet as it is now, for its requests are numbered.
func (s setUpTokens) connect() error {
	err := s.openWallet()
	if err == nil {
		s.wallet.Connect(s.options.Service)
	}
	return err
}

// deviceKey seals the phone's secrets. It lives outside the phone's folder, so
// that a copied folder is useless.
type deviceKey = *cryptogram.Key

// deviceKeySize is AES-128.
const deviceKeySize = 16

// openStore opens the phone's memory, once.
func (w *World) openStore() error {
	if w.phone != nil {
		return nil
	}
	dir, raw, err := w.phoneFolder()
	if err != nil {
		return err
	}
	if w.device, err = cryptogram.NewKey(cryptogram.AES, raw); err != nil {
		return fmt.Errorf("device key: %w", err)
	}
	w.cardRand = stream(w.seed, "phone")
	return w.loadStore(dir)
}

// loadStore reads the phone's folder, which is locked.
func (w *World) loadStore(dir string) (err error) {
	w.phone, err = store.Open(dir, store.Options{
		DeviceKey: w.device, Now: w.Clock.Now, Rand: w.cardRand, Seal: rand.Reader, // never the same nonce twice, whatever the seed
	})
	return err
}

// openPhone opens the phone's memory and the card in it, enrolling the card on
// first use.
func (w *World) openPhone(ctx context.Context) error {
	if w.foreign() {
		return nil // whoever stands at the reader brings their own
	}
	err := w.openStore()
	if err != nil {
		return err
	}
	if w.OfWallet() {
		return w.openWalletCard(ctx)
	}
	if err := w.notOfWallet(); err != nil {
		return err
	}
	w.card, err = w.phone.Card(w.Profile)
	if errors.Is(err, store.ErrNotEnrolled) {
		return w.enrol(ctx)
	}
	if err != nil {
		return err
	}
	return w.refill(ctx)
}

// loadCard reads the card anew from the phone's folder, which is locked. On an
// error all stays as it was.
func (w *World) loadCard(dir string) (err error) {
	phone, wallet, profile := w.phone, w.wallet, w.Profile
	defer func() {
		if err != nil {
			w.phone, w.wallet, w.Profile = phone, wallet, profile
		}
	}()
	if err = w.loadStore(dir); err != nil {
		return err
	}
	if err = w.reloadWallet(); err != nil {
		return err
	}
	card, err := w.phone.Card(w.Profile)
	if err == nil {
		w.card = card
	}
	return err
}

// reloadWallet reads the wallet anew, when the card is of it. A card that was
// removed is store.ErrNotEnrolled; another may have got its name.
func (w *World) reloadWallet() error {
	if !w.OfWallet() {
		return nil
	}
	if err := w.loadWallet(); err != nil {
		return err
	}
	c, err := w.wallet.Find(w.walletCard)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrNotEnrolled, err)
	}
	w.Profile, err = walletProfile(c.Scheme, c.Name)
	return err
}

// phoneFolder is where the phone keeps its memory, and the device key.
func (w *World) phoneFolder() (dir string, key []byte, err error) {
	source := secrets(w.options.Seed, "device key")
	if w.memory() {
		key = make([]byte, deviceKeySize)
		_, err = io.ReadFull(source, key)
		return store.Memory, key, err
	}
	if dir, err = w.part("phone"); err != nil {
		return "", nil, err
	}
	key, err = keyFile(filepath.Join(w.options.State, "keys", "device.key"), deviceKeySize, source)
	return dir, key, err
}

// enrol puts the token and its first keys on the phone.
func (w *World) enrol(ctx context.Context) error {
	set, err := w.tokens.Replenish(ctx, provisioning.Request{Token: w.Profile.Account.PAN}, w.device)
	if err != nil {
		return fmt.Errorf("the token service gives no keys for %s: %w", w.Profile.Name, err)
	}
	if w.Profile.Signs() {
		p := wallet.WithToken(w.Profile, set.Token)
		static, err := p.StaticData()
		if err != nil {
			return err
		}
		credentials, err := w.tokens.Certify(ctx, set.Token.PAN, static, w.device)
		if err != nil {
			return fmt.Errorf("the token service gives no certificates for %s: %w", w.Profile.Name, err)
		}
		set.Credentials = &credentials
	}
	if w.card, err = w.phone.Enrol(w.Profile, set); err != nil {
		return err
	}
	if w.memory() {
		return nil // nothing that stays
	}
	w.note("first use: enrolled %s with token %s and %d limited-use keys", w.Profile.Name, set.Token.PAN, len(set.Keys))
	return nil
}

// refill asks for keys before the phone runs out of them.
func (w *World) refill(ctx context.Context) error {
	token, ok := w.card.Token()
	left := w.card.Remaining()
	if !ok || left >= refillBelow || w.options.PhoneOffline {
		return nil
	}
	set, err := w.tokens.Replenish(ctx, provisioning.Request{Token: token.PAN, ATC: w.card.ATC(), Held: w.card.Held(), LastKey: w.card.LastKey()}, w.device)
	if err == nil {
		err = w.card.AddKeys(set)
	}
	switch {
	case err != nil && left > 0:
		w.note("%s got no new keys, and those it has are good for %d more payments: %v", w.Profile.Name, left, err)
		return nil
	case err != nil:
		return fmt.Errorf("the token service gives no new keys for %s: %w", w.Profile.Name, err)
	}
	w.note("the phone fetched %d new limited-use keys", len(set.Keys))
	return nil
}
