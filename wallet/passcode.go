package wallet

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"tapsim/cryptogram"
	"tapsim/hce"
)

// DefaultIterations of PBKDF2 with HMAC-SHA-256, as OWASP recommends.
const DefaultIterations = 600_000

// Passcode guards the stock of keys: a key pair whose private half is wrapped
// under a key derived from the passcode and the phone's secret. Keys that come
// while the wallet is locked go under the public half.
type Passcode struct {
	Public     []byte    `json:"public,omitempty"` // X25519; nil: no passcode is set
	Salt       []byte    `json:"salt,omitempty"`
	Iterations int       `json:"iterations,omitempty"`
	Private    []byte    `json:"private,omitempty"`   // wrapped under the passcode's key
	Biometric  []byte    `json:"biometric,omitempty"` // the same under the phone's secret: what a finger releases
	Fails      int       `json:"fails,omitempty"`     // in a row
	Misreads   int       `json:"misreads,omitempty"`  // of the finger, in a row
	Until      time.Time `json:"until,omitzero"`      // no try before
	Dead       bool      `json:"dead,omitempty"`      // too many: the private half is gone
	Sealing    bool      `json:"sealing,omitempty"`   // the keys that were there are not all under it yet
}

// Set is true when there is a passcode.
func (p *Passcode) Set() bool { return p.Public != nil }

// backOff is how long to wait after a number of wrong passcodes in a row; after
// the last the wallet is locked out for good.
var backOff = []time.Duration{
	0, 0, 0, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 8 * time.Hour,
}

// Bounds of a passcode, and of a finger.
const (
	minPasscode   = 6
	maxPasscode   = 64
	maxMisreads   = 5
	saltSize      = 16
	privateSize   = 32
	sessionLength = privateSize + 8
)

// checkPasscode refuses what is guessed first.
func checkPasscode(code string) error {
	const weak = "passcode-too-weak"
	hint := "at least 6 characters, not all the same, no row such as 123456"
	switch {
	case len(code) < minPasscode:
		return refuse(weak, hint, "the passcode is too short")
	case len(code) > maxPasscode:
		return refuse(weak, "", "a passcode has at most %d bytes", maxPasscode)
	case strings.Trim(code, code[:1]) == "":
		return refuse(weak, hint, "the passcode is one character, repeated")
	}
	up, down := true, true
	for n := 1; n < len(code); n++ {
		up, down = up && code[n] == code[n-1]+1, down && code[n] == code[n-1]-1
	}
	if up || down {
		return refuse(weak, hint, "the passcode is a row of neighbours")
	}
	return nil
}

func lockedOut() error {
	return refuse("locked-out", "remove all cards and add them again", "the passcode was wrong too often: the keys behind it are gone")
}

// SetPasscode sets the first passcode. Keys that are there already, but for
// those of taps without unlocking, go under it.
func (w *Wallet) SetPasscode(code string) error {
	switch {
	case w.state.Passcode.Dead:
		return lockedOut()
	case w.state.Passcode.Set():
		return refuse("passcode-set", "change it", "there is a passcode already")
	}
	if err := checkPasscode(code); err != nil {
		return err
	}
	private, err := w.random(privateSize)
	if err != nil {
		return err
	}
	p := Passcode{Sealing: true}
	if p.Public, err = cryptogram.PublicOf(private); err != nil {
		return err
	}
	if err := w.wrapPrivate(&p, code, private); err != nil {
		return err
	}
	w.state.Passcode = p
	if err := w.save(); err != nil {
		return err
	}
	return w.sealStocks()
}

// sealStocks puts what is more than the keys for taps without unlocking under
// the passcode. Until that is done, the next start of the wallet does it.
func (w *Wallet) sealStocks() error {
	if err := w.eachApplet(func(_ *Card, a Applet) error { return a.Seal(-1, w.sealUnderPasscode) }); err != nil {
		return err
	}
	w.state.Passcode.Sealing = false
	return w.save()
}

// wrapPrivate puts the private half under a passcode.
func (w *Wallet) wrapPrivate(p *Passcode, code string, private []byte) error {
	var err error
	if p.Salt, err = w.random(saltSize); err != nil {
		return err
	}
	if p.Iterations = w.env.Iterations; p.Iterations == 0 {
		p.Iterations = DefaultIterations
	}
	key, err := cryptogram.Passcode(code, p.Salt, p.Iterations, w.env.Secret)
	if err != nil {
		return err
	}
	p.Private, err = key.Wrap(private)
	return err
}

// try opens the private half with a passcode. The try counts, durably, before it
// is judged: whoever pulls the plug has spent it.
func (w *Wallet) try(code string) (private []byte, err error) {
	p := &w.state.Passcode
	now := w.now()
	switch {
	case p.Dead:
		return nil, lockedOut()
	case !p.Set():
		return nil, refuse("no-passcode", "set one with 'tapsim wallet passcode set'", "no passcode is set")
	case p.Fails >= len(backOff): // the last try was cut off before it was judged
		return nil, w.lockOut()
	case p.Until.Sub(now) > backOff[p.Fails]: // the clock was ahead at that try: the wait begins now
		p.Until = now.Add(backOff[p.Fails])
		if err := w.save(); err != nil {
			return nil, err
		}
		fallthrough
	case now.Before(p.Until):
		return nil, refuse("passcode-wait", "", "wrong too often: the next try is possible at %s", p.Until.Format(time.RFC3339))
	}
	before := *p
	p.Fails++
	p.Until = time.Time{}
	if p.Fails < len(backOff) {
		if wait := backOff[p.Fails]; wait > 0 {
			p.Until = now.Add(wait)
		}
	}
	if err := w.save(); err != nil {
		return nil, err
	}
	key, err := cryptogram.Passcode(code, p.Salt, p.Iterations, w.env.Secret)
	if err != nil {
		return nil, err
	}
	if private, err = key.Unwrap(before.Private); err == nil {
		p.Fails, p.Misreads, p.Until = 0, 0, time.Time{}
		return private, w.save()
	}
	if p.Fails >= len(backOff) {
		return nil, w.lockOut()
	}
	if p.Until.IsZero() {
		return nil, refuse("wrong-passcode", "", "the passcode is wrong; %s", moreTries(len(backOff)-p.Fails))
	}
	return nil, refuse("wrong-passcode", "", "the passcode is wrong; %s, the next at %s", moreTries(len(backOff)-p.Fails), p.Until.Format(time.RFC3339))
}

// moreTries says how many tries are left.
func moreTries(n int) string {
	switch n {
	case 0:
		return "no more tries"
	case 1:
		return "one more try"
	}
	return fmt.Sprintf("%d more tries", n)
}

// lockOut throws the private half away: the stock cannot be opened any more.
func (w *Wallet) lockOut() error {
	p := &w.state.Passcode
	*p = Passcode{Public: p.Public, Fails: p.Fails, Dead: true}
	w.state.Session = nil
	if err := w.save(); err != nil {
		return err
	}
	if err := w.applyAll(); err != nil {
		return err
	}
	return lockedOut()
}

// VerifyPasscode says whether a passcode is right.
func (w *Wallet) VerifyPasscode(code string) error {
	_, err := w.try(code)
	return err
}

// ChangePasscode sets another passcode; the keys under it stay.
func (w *Wallet) ChangePasscode(old, fresh string) error {
	if err := checkPasscode(fresh); err != nil {
		return err
	}
	if old == fresh {
		return refuse("same-passcode", "", "the new passcode is the old one")
	}
	private, err := w.try(old)
	if err != nil {
		return err
	}
	p := w.state.Passcode
	if err := w.wrapPrivate(&p, fresh, private); err != nil {
		return err
	}
	w.state.Passcode = p
	return w.save()
}

// SetBiometric lets a finger stand in for the passcode, or takes that back.
func (w *Wallet) SetBiometric(on bool, code string) error {
	private, err := w.try(code)
	if err != nil {
		return err
	}
	w.state.Passcode.Biometric = nil
	if on {
		if w.state.Passcode.Biometric, err = w.env.Secret.Wrap(private); err != nil {
			return err
		}
	}
	return w.save()
}

// clockSlack is how far a clock may go back without ending the window: clocks are
// corrected, and that of a simulated payment runs ahead while it waits.
const clockSlack = 30 * time.Second

// Window bounds of Unlock.
const (
	DefaultWindow = time.Minute
	MaxWindow     = 5 * time.Minute
)

// Unlock opens the wallet with its passcode: until the end of the window taps
// count as verified on the device, and the whole stock of keys is in use.
func (w *Wallet) Unlock(code string, window time.Duration) (time.Time, error) {
	if err := checkWindow(window); err != nil {
		return time.Time{}, err
	}
	private, err := w.try(code)
	if err != nil {
		return time.Time{}, err
	}
	return w.session(private, window)
}

// UnlockByFinger opens the wallet with the biometric stand-in: matched is what
// the phone's sensor says. After some misreads only the passcode opens it.
func (w *Wallet) UnlockByFinger(matched bool, window time.Duration) (time.Time, error) {
	p := &w.state.Passcode
	if err := checkWindow(window); err != nil {
		return time.Time{}, err
	}
	switch {
	case p.Dead:
		return time.Time{}, lockedOut()
	case p.Biometric == nil:
		return time.Time{}, refuse("no-biometric", "switch it on with 'tapsim wallet biometric on'", "the wallet does not take a finger")
	case p.Misreads >= maxMisreads:
		return time.Time{}, refuse("biometric-blocked", "unlock with the passcode", "the finger was wrong too often")
	case !matched:
		p.Misreads++
		if err := w.save(); err != nil {
			return time.Time{}, err
		}
		return time.Time{}, refuse("wrong-finger", "", "the finger is not known; %s", moreTries(maxMisreads-p.Misreads))
	}
	private, err := w.env.Secret.Unwrap(p.Biometric)
	if err != nil {
		return time.Time{}, err
	}
	p.Misreads = 0
	return w.session(private, window)
}

func checkWindow(window time.Duration) error {
	if window < time.Second || window > MaxWindow {
		return refuse("bad-window", "", "a window of %s: want a second to %s", window, MaxWindow)
	}
	return nil
}

// session keeps the private half for the window, sealed with its end under the
// phone's secret: a phone would keep it in memory, this program ends between two
// taps.
func (w *Wallet) session(private []byte, window time.Duration) (time.Time, error) {
	until := w.now().Add(window)
	sealed, err := w.env.Secret.Wrap(binary.BigEndian.AppendUint64(append([]byte(nil), private...), uint64(until.Unix())))
	if err != nil {
		return until, err
	}
	w.state.Session, w.state.Seen = sealed, w.now()
	if err := w.save(); err != nil {
		return until, err
	}
	return until, w.eachApplet(func(_ *Card, a Applet) error {
		if err := a.SetAllowance(w.state.TapAndGo.allowance()); err != nil {
			return err
		}
		return openApplet(a, private, until)
	})
}

// unlocked is the private half while the window is open.
func (w *Wallet) unlocked() (private []byte, until time.Time, ok bool) {
	if w.state.Session == nil {
		return nil, until, false
	}
	clear, err := w.env.Secret.Unwrap(w.state.Session)
	if err != nil || len(clear) != sessionLength {
		return nil, until, false
	}
	until = time.Unix(int64(binary.BigEndian.Uint64(clear[privateSize:])), 0).UTC()
	if now := w.now(); !now.Before(until) || now.Before(w.state.Seen.Add(-clockSlack)) {
		return nil, until, false
	}
	return clear[:privateSize], until, true
}

// endWindow throws the session away when its window is over, or when the clock
// stands before a moment of it that has been: a clock that is set back does not
// open the window again.
func (w *Wallet) endWindow() error {
	if w.state.Session == nil {
		return nil
	}
	if _, _, open := w.unlocked(); open {
		return nil
	}
	w.state.Session = nil
	return w.save()
}

// Unlocked tells until when the wallet is unlocked.
func (w *Wallet) Unlocked() (time.Time, bool) {
	_, until, ok := w.unlocked()
	return until, ok
}

// Lock ends the window.
func (w *Wallet) Lock() error {
	w.state.Session = nil
	if err := w.save(); err != nil {
		return err
	}
	return w.eachApplet(func(_ *Card, a Applet) error { return openApplet(a, nil, time.Time{}) })
}

// Wake brings a card into the state that the wallet is in, before it taps.
func (w *Wallet) Wake(name string) error {
	c, err := w.card(name)
	if err != nil {
		return err
	}
	return w.wake(c)
}

func (w *Wallet) wake(c *Card) error {
	if err := w.endWindow(); err != nil || !c.Enrolled {
		return err
	}
	a, err := w.applet(c)
	if err != nil {
		return err
	}
	if err := a.SetLock(w.lockOf(c)); err != nil {
		return err
	}
	if !w.state.Passcode.Set() {
		return nil
	}
	private, until, ok := w.unlocked()
	if !ok {
		private, until = nil, time.Time{}
	}
	return openApplet(a, private, until)
}

func openApplet(a Applet, private []byte, until time.Time) error {
	if err := a.OpenStock(private); err != nil {
		return err
	}
	return a.Verified(until)
}

// eachApplet calls f for each card that has keys.
func (w *Wallet) eachApplet(f func(*Card, Applet) error) error {
	for n := range w.state.Cards {
		c := &w.state.Cards[n]
		if !c.Enrolled {
			continue
		}
		a, err := w.applet(c)
		if err == nil {
			err = f(c, a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sealUnderPasscode is a Sealer.
func (w *Wallet) sealUnderPasscode(key *cryptogram.Key) (wrapped, agreement []byte, err error) {
	random, err := w.random(privateSize)
	if err != nil {
		return nil, nil, err
	}
	agreement, under, err := cryptogram.SealTo(w.state.Passcode.Public, [privateSize]byte(random))
	if err != nil {
		return nil, nil, err
	}
	wrapped, err = under.WrapKey(key)
	return wrapped, agreement, err
}

// TapAndGo is what may be paid without unlocking, of each card, between two
// unlockings: minor units of the payment's currency, whichever that is.
type TapAndGo struct {
	PerTap     int64 `json:"per_tap"`
	Cumulative int64 `json:"cumulative"`
	Count      int   `json:"count"`
}

func (t *TapAndGo) allowance() *hce.Allowance {
	if t == nil {
		return nil
	}
	return &hce.Allowance{PerTap: t.PerTap, Left: t.Cumulative, Taps: t.Count}
}

// maxTaps bounds the taps without unlocking.
const maxTaps = 1000

// SetTapAndGo sets what may be paid without unlocking; nil leaves it to the
// cards, zeros allow nothing. Where there is a passcode it is needed to raise
// it: the wallet must be unlocked.
func (w *Wallet) SetTapAndGo(t *TapAndGo) error {
	if t != nil && (t.PerTap < 0 || t.Cumulative < 0 || t.Count < 0 || t.Count > maxTaps) {
		return refuse("bad-limits", "", "want amounts of at least zero, and 0 to %d taps", maxTaps)
	}
	if w.state.Passcode.Set() {
		if _, open := w.Unlocked(); !open {
			return refuse("wallet-locked", "unlock it first", "the limits are changed while the wallet is unlocked")
		}
	}
	w.state.TapAndGo = t
	if err := w.save(); err != nil {
		return err
	}
	return w.eachApplet(func(_ *Card, a Applet) error { return a.SetAllowance(t.allowance()) })
}
