package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/hce"
	"tapsim/hce/profile"
	"tapsim/internal/config"
	"tapsim/internal/statedir"
	"tapsim/iso8583"
	issuerconfig "tapsim/issuer/config"
	"tapsim/provisioning"
	"tapsim/terminal"
	termconfig "tapsim/terminal/config"
	"tapsim/terminal/journal"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
	"tapsim/terminal/kernel/c3"
	"tapsim/terminal/kernel/c7"
	"tapsim/terminal/slip"
	"tapsim/wallet"
	"tapsim/wallet/store"
)

// Memory in place of a state folder keeps everything in memory.
const Memory = ":memory:"

// Options say what world to open.
type Options struct {
	Seed     *uint64   // nil: every run is different
	Now      time.Time // start of the clock; zero is the system's time
	State    string    // folder, or Memory
	Holder   string    // what others are told while the folder is locked
	Card     string    // name of a built-in card, of a card of the wallet, or path of a profile; "" is the wallet's default, or visa-phone
	Terminal string    // name of a built-in terminal or path of a configuration
	// Host answers instead of the bank in process; issuer state is then left
	// alone.
	Host iso8583.Exchanger
	// HostName says which host that is, such as its address: what waits for one
	// goes to no other. "" is the bank in process.
	HostName string
	// Bank replaces the demo bank; nil is the demo bank.
	Bank *issuerconfig.Bank
	// Service is the token service of the wallet's cards in the place of the bank
	// in process, and with Host or for a LiveCard that of the built-in cards as well;
	// the issuer's state is then left alone.
	Service provisioning.Service
	// PhoneOffline keeps the phone from fetching new keys.
	PhoneOffline bool
	// Iterations of the wallet's passcode; 0 is the wallet's own number.
	Iterations int
	// Field is a real reader, with whatever card is brought to it, in the place
	// of a card of ours: Card is not used, the phone's state left alone, and the
	// clock runs.
	Field terminal.Field
	// NoCard leaves the phone's state alone: the customer shows a code (see
	// World.Scan).
	NoCard bool
}

// World is one phone (or card), one point of sale and one issuer.
type World struct {
	Clock    *Clock
	Profile  hce.Profile
	Terminal termconfig.Terminal
	// Notes tell what was set up on the way: one line each.
	Notes []string

	options Options
	seed    uint64 // of this run
	phone   *store.Store
	card    *store.Card
	host    *bankHost // nil with a host of the user's
	tokens  tokenService
	device  deviceKey
	bank    *Bank
	wallet  *wallet.Wallet // nil where it was not asked for
	// cardRand outlives the card: one that is read anew does not draw the same
	// numbers again.
	cardRand io.Reader
	term     *terminal.Terminal
	pad      *pinPad // nil at a terminal without one
	closers  []io.Closer

	slips      slip.Book // "" in memory
	walletCard string    // name of the card in the wallet; "" is another card
}

// Open makes the world and, on first use, what the demo needs: an account, its
// card, a token on the phone.
func Open(ctx context.Context, o Options) (*World, error) {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	w := &World{options: o, seed: runSeed(o.Seed), Clock: NewClock(o.Now)}
	if o.Field != nil {
		w.Clock = NewRunningClock(o.Now)
	}
	for _, step := range []func(context.Context) error{w.openData, w.openBank, w.openPhone, w.openTerminal} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	return w, nil
}

// Close releases the state, the last opened first.
func (w *World) Close() error {
	return closeAll(&w.closers)
}

func (w *World) note(format string, args ...any) {
	w.Notes = append(w.Notes, fmt.Sprintf(format, args...))
}

// foreign is true when no card of ours is brought to the terminal.
func (w *World) foreign() bool { return w.options.Field != nil || w.options.NoCard }

// memory is true when nothing is kept.
func (w *World) memory() bool { return w.options.State == Memory }

// part opens one party's part of the state folder until the world closes.
func (w *World) part(name string) (string, error) {
	d, err := statedir.Open(w.options.State, name, w.options.Holder)
	if err != nil {
		return "", err
	}
	w.closers = append(w.closers, d)
	return d.Path, nil
}

// openData reads the card's profile and the terminal's configuration.
func (w *World) openData(context.Context) (err error) {
	if !w.foreign() {
		if err = w.openProfile(); err != nil {
			return err
		}
	}
	w.Terminal, err = LoadTerminal(w.options.Terminal)
	return err
}

func (w *World) openProfile() (err error) {
	if err = w.chooseCard(); err != nil {
		return err
	}
	return authenticate(&w.Profile)
}

// LoadCard finds a profile by the name of a built-in card, or by the path of a
// file: what holds a path separator or ends in .yaml is a path.
func LoadCard(name string) (hce.Profile, error) {
	if isPath(name) {
		return profile.LoadFile(name)
	}
	return profile.Load(name)
}

// LoadTerminal finds a configuration like LoadCard.
func LoadTerminal(name string) (termconfig.Terminal, error) {
	if !isPath(name) {
		return termconfig.Load(name)
	}
	data, err := config.ReadFile(name)
	if err != nil {
		return termconfig.Terminal{}, err
	}
	return termconfig.Parse(name, data)
}

func isPath(name string) bool {
	return strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// openTerminal opens the journal and makes the point of sale.
func (w *World) openTerminal(context.Context) error {
	queue, err := w.openJournal()
	if err != nil {
		return err
	}
	host := w.options.Host
	if host == nil {
		host = w.host
	}
	env := terminal.Env{Host: host, HostName: w.options.HostName, Journal: queue, Now: w.Clock.Now, Rand: stream(w.seed, "terminal")}
	if w.pad, err = newPINPad(&w.Terminal); err != nil {
		return err
	}
	if w.pad != nil {
		env.PINPad = w.pad
	}
	keys, err := caKeys(&w.Terminal)
	if err != nil {
		return err
	}
	w.term, err = terminal.New(w.Terminal.Config, kernels(w.Clock, keys), env)
	return w.Terminal.Locate(err)
}

// caKeys are what a terminal trusts: what its file says, or else the test
// certification authorities and their revocation list.
func caKeys(t *termconfig.Terminal) (*oda.CAKeys, error) {
	keys, revoked := t.CAKeys, t.Revoked
	if keys == nil {
		keys = testca.PublicKeys()
	}
	if revoked == nil {
		revoked = testca.Revoked()
	}
	return oda.NewCAKeys(keys, revoked)
}

// kernels are the contactless kernels of a point of sale, with the public keys
// that it trusts.
func kernels(clock *Clock, keys *oda.CAKeys) []kernel.Kernel {
	return []kernel.Kernel{&c2.Kernel{Keys: keys, Wait: clock.Sleep}, &c3.Kernel{Keys: keys}, &c7.Kernel{Keys: keys}}
}

func (w *World) openJournal() (terminal.Journal, error) {
	if w.memory() {
		return journal.NewMemory(), nil
	}
	dir, err := w.part("terminal")
	if err != nil {
		return nil, err
	}
	if w.slips, err = slip.Open(dir); err != nil {
		return nil, err
	}
	j, err := keyed[*journal.Journal]{
		key: filepath.Join(w.options.State, "keys", "terminal.key"), size: journal.KeySize, source: secrets(w.options.Seed, "terminal key"),
		create:  func(key []byte) (*journal.Journal, error) { return journal.Create(dir, key) },
		open:    func(key []byte) (*journal.Journal, error) { return journal.Open(dir, key) },
		missing: journal.ErrMissing,
	}.get()
	if err != nil {
		return nil, err
	}
	w.closers = append(w.closers, j)
	return j, nil
}
