// Package wallet is the phone around the payment applet: which cards it holds,
// who may use them, the stock of keys, what was paid, and the talk with the
// token service. It decides and remembers; clock, randomness, the phone's secret,
// its memory and the service are arguments.
//
// What a kill must not undo is saved before it counts: a try of the passcode
// before it is judged, a request's number before it is sent, a coupon before the
// tap. What the token service did and the phone did not get to know is made good
// at the next poll.
package wallet

import (
	"errors"
	"fmt"
	"io"
	"time"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/hce"
	"tapsim/provisioning"
)

// Memory is the phone's durable memory. What it was asked to keep is kept when
// it returns.
type Memory interface {
	LoadWallet() (State, error)
	SaveWallet(s *State) error
	// Applet is the live card of a profile that was enrolled; Enrol puts one on
	// the phone.
	Applet(p hce.Profile) (Applet, error)
	Enrol(p hce.Profile, set provisioning.KeySet) (Applet, error)
	Remove(name string) error
}

// Applet is one live card with its keys. Changes are durable when they return.
type Applet interface {
	apdu.Responder
	Deactivated(why hce.Deactivation)
	// Last is what the last tap of this run came to.
	Last() (hce.Tap, bool)
	Token() (provisioning.Token, bool)
	ATC() uint16
	Held() uint16
	LastKey() [4]byte
	Stock() Stock
	History() []Tap
	AddKeys(set provisioning.KeySet) error
	// Renew gives the card its token anew, with certificates where it signs.
	Renew(set provisioning.KeySet) error
	// Seal moves the keys behind the first keep into the stock that only the
	// passcode opens; seal puts one under it.
	Seal(keep int, seal Sealer) error
	// OpenStock takes that stock into use; private nil closes it.
	OpenStock(private []byte) error
	SetLock(l hce.Lock) error
	SetAllowance(a *hce.Allowance) error
	Verified(until time.Time) error
	// ShowsCode says that the phone itself asks for the next cryptogram, until
	// Deactivated.
	ShowsCode()
}

// Sealer puts a key under the passcode's public key: the wrapped key, and the
// public key of the agreement.
type Sealer func(key *cryptogram.Key) (wrapped, agreement []byte, err error)

// Stock is how many payments a card's keys are good for.
type Stock struct {
	Ready  int       `json:"ready"`          // without the passcode, or now that the wallet is unlocked
	Sealed int       `json:"sealed"`         // more, once it is unlocked
	Until  time.Time `json:"until,omitzero"` // end of the last key that is ready
}

// Tap is one tap as the card saw it. It holds nothing that pays.
type Tap struct {
	Time     time.Time `json:"time"`
	ATC      uint16    `json:"atc"`
	Amount   int64     `json:"amount"`           // minor units; -1 when the terminal sent no number
	Currency string    `json:"currency"`         // ISO 4217, three digits
	Country  string    `json:"country"`          // of the terminal, ISO 3166, three digits
	Type     string    `json:"type"`             // tag 9C, two digits
	Answer   string    `json:"answer"`           // ARQC, TC, AAC, none, or the status word of a refusal
	Reason   string    `json:"reason,omitempty"` // why it is not an ARQC
	CVM      string    `json:"cvm"`              // shown or asked for
}

// Env is what a wallet takes from the world. All of it is required, but for the
// service: without one, the phone is offline.
type Env struct {
	Now     func() time.Time
	Rand    io.Reader
	Secret  *cryptogram.Key // the phone's own, AES; it never leaves the phone
	Memory  Memory
	Service provisioning.Service
	// Profile is what a card of a scheme is like, under the name it has in the
	// wallet.
	Profile func(scheme, name string) (hce.Profile, error)
	// Iterations of the passcode's key derivation; 0 is DefaultIterations.
	Iterations int
}

// Wallet is one phone's wallet. It is not safe for concurrent use.
type Wallet struct {
	env    Env
	device *cryptogram.Device
	state  State
}

// Open opens the wallet that the memory holds, or an empty one.
func Open(env Env) (*Wallet, error) {
	if env.Now == nil || env.Rand == nil || env.Secret == nil || env.Memory == nil || env.Profile == nil {
		return nil, errors.New("wallet: clock, randomness, secret, memory and profiles are required")
	}
	device, err := cryptogram.NewDevice(env.Secret)
	if err != nil {
		return nil, err
	}
	w := &Wallet{env: env, device: device}
	if w.state, err = env.Memory.LoadWallet(); err != nil {
		return nil, err
	}
	if w.state.Passcode.Sealing {
		_ = w.sealStocks() // a card whose file is damaged can still be removed
	}
	return w, w.endWindow()
}

// Format prints no more than what it is, whatever the verb: a wallet holds keys.
func (w *Wallet) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "wallet") }

// State is what the wallet remembers. The caller must not change it.
func (w *Wallet) State() *State { return &w.state }

func (w *Wallet) now() time.Time { return w.env.Now().UTC().Truncate(time.Second) }

func (w *Wallet) save() error {
	if now := w.now(); w.state.Session != nil && now.After(w.state.Seen) {
		w.state.Seen = now
	}
	return w.env.Memory.SaveWallet(&w.state)
}

// saveOr saves, unless something failed before.
func (w *Wallet) saveOr(err error) error {
	if err != nil {
		return err
	}
	return w.save()
}

// sign numbers and signs a request. The number is kept before it is used.
func (w *Wallet) sign(r provisioning.Signed) error {
	if w.env.Service == nil {
		return refuse("offline", "try again with a connection", "the token service cannot be reached")
	}
	w.state.Number++
	if err := w.save(); err != nil {
		return err
	}
	p := provisioning.ProofOf(r)
	p.Device, p.Number = w.device.Identity(), w.state.Number
	signed, err := provisioning.SignedBytes(r)
	if err != nil {
		return err
	}
	p.Signature = w.device.Sign(signed)
	return nil
}

// random is fresh bytes.
func (w *Wallet) random(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(w.env.Rand, b); err != nil {
		return nil, fmt.Errorf("wallet: randomness: %w", err)
	}
	return b, nil
}

// refuse makes a refusal. hint may be empty.
func refuse(code, hint, format string, args ...any) error {
	return &provisioning.Refusal{Code: code, Text: fmt.Sprintf(format, args...), Hint: hint}
}

// Code is the code of a refusal, "" for every other error and for none.
func Code(err error) string {
	var r *provisioning.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// Connect gives the wallet its service; nil takes it away.
func (w *Wallet) Connect(s provisioning.Service) { w.env.Service = s }
