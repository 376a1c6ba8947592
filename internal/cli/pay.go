package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tapsim/emv"
	"tapsim/issuer"
	"tapsim/sim"
	"tapsim/terminal"
)

// payFlags are the flags of `tapsim pay`.
type payFlags struct {
	world    worldFlags
	host     hostFlags
	reader   readerFlags
	service  serviceFlags
	amount   string
	from     string // where the amount is from; "" is --amount
	cashback string
	currency string
	kind     string
	pinFile  string
	pin      sim.PIN
	passFile string
	passcode string
	coupon   string
	noFetch  bool
	scan     string // as given
	code     string // what the QR code holds
	stan     int
	expect   string
	record   string
	locked   bool
	unlock   bool
	tearAt   int
	quiet    bool
	reveal   bool
	set      func(flag string) bool // the user gave it
}

func (a *app) payCommand() *cobra.Command {
	f := &payFlags{}
	c := &cobra.Command{
		Use:   "pay",
		Short: "One tap, explained: phone, point of sale, issuer",
		Long: `Make one payment and explain it: every byte between card and terminal, what
the kernel decided, the authorisation, how the issuer checked the cryptogram,
the receipt. The first run sets up a demo account, its card and its tokens.

A declined payment is a result (exit status 0). With --expect it is a check.
Account numbers are masked; --reveal shows those of this project's test ranges.

With --reader the card is whatever is brought to that PC/SC reader, in the place of
--card. One that is not known to be a test card is read and not paid with: the tap
stops before GET PROCESSING OPTIONS unless --allow-live is given.`,
		Example: `  tapsim pay --amount 12.50
  tapsim pay --amount 120 --locked --unlock-after-first
  tapsim pay --card visa-plastic --seed 1 --now 2030-01-01T12:00:00Z --state :memory: --json --reveal
  tapsim pay --amount 12.50 --expect approved --quiet
  tapsim pay --reader ACR122 --amount 5 --record tap.apdu
  tapsim pay --issuer 127.0.0.1:8583
  tapsim pay --issuer 127.0.0.1:8583 --service http://127.0.0.1:8580`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f.set = c.Flags().Changed
			return a.pay(c.Context(), f)
		},
	}
	f.register(c)
	return c
}

func (f *payFlags) register(c *cobra.Command) {
	f.world.register(c)
	f.host.register(c)
	f.reader.register(c, " in the place of --card")
	f.reader.registerLive(c)
	f.registerSale(c)
	flags := c.Flags()
	f.service.register(flags)
	flags.StringVar(&f.amount, "amount", "1.00", "amount, with the currency's decimals")
	flags.StringVar(&f.cashback, "cashback", "", "part of the amount that is paid out in cash; implies --type cashback")
	flags.StringVar(&f.passFile, "passcode-file", "", "file with the wallet's passcode, or - for standard input: unlock before the tap, or with --unlock-after-first between two")
	flags.StringVar(&f.coupon, "coupon", "", "coupon of the wallet (see 'tapsim wallet coupon list')")
	flags.BoolVar(&f.noFetch, "phone-offline", false, "the phone has no connection: it fetches no new keys")
	flags.StringVar(&f.scan, "scan", "", "in place of a tap: scan the code that a phone shows, a PNG file or its text (see 'tapsim wallet qr')")
	flags.IntVar(&f.stan, "stan", 0, "system trace audit number, 1 to 999999 (default the terminal's next)")
	flags.StringVar(&f.expect, "expect", "", "exit with status 1 unless the outcome is this one: approved, declined, try-again ...")
	flags.StringVar(&f.record, "record", "", "write the exchange between card and terminal to this file")
	flags.BoolVar(&f.locked, "locked", false, "the customer has not unlocked the phone")
	flags.BoolVar(&f.unlock, "unlock-after-first", false, "with --locked: they unlock it when told to, and tap again")
	flags.IntVar(&f.tearAt, "tear-at", 0, "the card leaves before the answer of this exchange arrives, and comes back")
}

// registerSale registers what a payment at a reader has as well.
func (f *payFlags) registerSale(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.currency, "currency", "", "ISO 4217 letters (default the terminal's)")
	flags.StringVar(&f.kind, "type", "", "purchase, cash, cashback, refund or balance (default what the terminal is for, mostly purchase)")
	flags.StringVar(&f.pinFile, "pin-file", "", "file with the PIN that the customer enters when asked, or - for standard input (default "+string(sim.DemoPIN)+", the demo cards' PIN)")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print the outcome only")
	flags.BoolVar(&f.reveal, "reveal", false, "show account numbers of test cards")
}

// outcomes that --expect may name.
var outcomes = []string{"approved", "declined", "try-another-interface", "end-application", "try-again"}

// request checks the flags against the terminal and makes the payment of them.
func (f *payFlags) request(w *sim.World) (r sim.Request, err error) {
	r = sim.Request{
		Currency: w.Terminal.Currency, STAN: f.stan, Locked: f.locked, UnlockAfterFirst: f.unlock, TearAt: f.tearAt,
	}
	if f.currency != "" {
		var ok bool
		if r.Currency, ok = emv.CurrencyByAlpha(strings.ToUpper(f.currency)); !ok {
			return r, fmt.Errorf("--currency %q: not a currency of ISO 4217", f.currency)
		}
	}
	if r.Amount, err = r.Currency.Parse(f.amount); err != nil {
		return r, fmt.Errorf("%s: %w", cmp.Or(f.from, "--amount"), err)
	}
	if r.Type = w.Terminal.Type; f.kind != "" {
		if r.Type, err = sim.ParseType(f.kind); err != nil {
			return r, err
		}
	}
	r.PIN, r.Passcode, r.Coupon = f.pin, f.passcode, f.coupon
	return r, f.addCashback(&r)
}

// addCashback adds the part that is paid out in cash, which makes a purchase
// one with cashback.
func (f *payFlags) addCashback(r *sim.Request) (err error) {
	const name = "cashback"
	switch {
	case f.cashback == "" && f.kind == name:
		return fmt.Errorf("--type cashback needs --cashback AMOUNT")
	case f.cashback == "":
		return nil
	case f.set("type") && f.kind != name:
		return fmt.Errorf("--cashback does not go with --type %s", f.kind)
	}
	if r.AmountOther, err = r.Currency.Parse(f.cashback); err != nil {
		return fmt.Errorf("--cashback: %w", err)
	}
	if r.AmountOther == 0 || r.AmountOther > r.Amount {
		return fmt.Errorf("--cashback %s: want a part of the amount, which is %s", f.cashback, r.Currency.Format(r.Amount))
	}
	r.Type, err = sim.ParseType(name)
	return err
}

// check finds what is wrong with flags that need no world.
func (f *payFlags) check() error {
	switch {
	case f.set("stan") && (f.stan < 1 || f.stan > 999999):
		return fmt.Errorf("--stan %d: want 1 to 999999", f.stan)
	case f.set("tear-at") && (f.tearAt < 1 || f.tearAt > 1000):
		return fmt.Errorf("--tear-at %d: want the number of an exchange, from 1", f.tearAt)
	case f.world.bank != "" && f.host.address != "":
		return fmt.Errorf("--bank and --issuer: one of them decides; name one")
	case f.service.url != "" && f.host.address == "":
		return fmt.Errorf("--service is where the phone's cards get their keys; the bank that decides is --issuer: give both")
	case f.reader.name == "" && (f.reader.allowLive || f.set("wait")):
		return fmt.Errorf("--allow-live and --wait go with --reader")
	case f.reader.name != "" && f.ours() != "":
		return fmt.Errorf("--%s is about a card of ours; at --reader there is another", f.ours())
	case f.scan != "" && (f.reader.name != "" || f.aboutTap() || f.record != "" || f.cashback != "" || f.kind != ""):
		return fmt.Errorf("--scan is in place of a tap: the phone has made the payment up already; it goes with --amount, --currency, --terminal, --stan")
	case f.unlock && !f.locked:
		return fmt.Errorf("--unlock-after-first goes with --locked")
	case f.expect != "" && !slices.Contains(outcomes, f.expect):
		return fmt.Errorf("--expect %q: want one of %s", f.expect, strings.Join(outcomes, ", "))
	}
	return nil
}

// aboutTap is true when a flag says how a card of ours taps.
func (f *payFlags) aboutTap() bool { return f.ours() != "" && f.ours() != "service" }

// ours is the first flag given that only a card of ours has: the one about the
// phone's service, which is not about the tap, comes last.
func (f *payFlags) ours() string {
	for _, name := range []string{"card", "locked", "unlock-after-first", "tear-at", "passcode-file", "coupon", "phone-offline", "service"} {
		if f.set(name) {
			return name
		}
	}
	return ""
}

// payOptions are the world's options of commands that pay.
func (a *app) payOptions(f *payFlags, command string) (o sim.Options, closeHost func(), err error) {
	if o, err = f.world.options(command); err != nil {
		return o, nil, err
	}
	if o.Bank, err = a.bankFile(f.world.bank); err != nil {
		return o, nil, err
	}
	o.NoCard = f.scan != ""
	if f.service.url != "" {
		client, err := f.service.open(a)
		if err != nil {
			return o, nil, err
		}
		o.Service = client
	} else if err := f.service.unused(); err != nil {
		return o, nil, err
	}
	o.PhoneOffline, o.HostName = f.noFetch, strings.ToLower(f.host.address)
	o.Host, closeHost, err = f.host.open(a)
	return o, closeHost, err
}

// openWorld opens the world of a payment.
func (a *app) openWorld(ctx context.Context, f *payFlags) (*sim.World, func() error, error) {
	if f.reader.name != "" {
		w, r, done, err := a.openAtReader(ctx, f, "pay")
		if err == nil {
			f.reader.name = r.Name()
			fmt.Fprintf(a.errw, "tapsim: present the card at %s\n", r.Name())
		}
		return w, done, err
	}
	o, closeHost, err := a.payOptions(f, "pay")
	if err != nil {
		return nil, nil, err
	}
	w, err := sim.Open(ctx, o)
	if err != nil {
		closeHost()
		return nil, nil, err
	}
	return w, func() error {
		defer closeHost()
		return w.Close()
	}, nil
}

func (a *app) pay(ctx context.Context, f *payFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := a.readPIN(f); err != nil {
		return fmt.Errorf("--pin-file: %w", err)
	}
	if f.passFile != "" {
		var err error
		if f.passcode, err = a.secret("passcode-file", f.passFile, "the wallet's passcode"); err != nil {
			return err
		}
	}
	if err := a.readCode(f); err != nil {
		return fmt.Errorf("--scan: %w", err)
	}
	w, done, err := a.openWorld(ctx, f)
	if err != nil {
		return err
	}
	keep, err := f.openRecording(w)
	if err != nil {
		return errors.Join(err, done())
	}
	p, r, err := f.run(ctx, w)
	if closed := done(); err == nil {
		err = closed
	}
	if err != nil {
		err = errors.Join(liveHint(interrupted(ctx, err)), keep.discard())
		return a.noPayment(f, err)
	}
	return errors.Join(a.reportPayment(f, w, r, p), keep.write(p.Transcript, f.reader.live))
}

// noPayment reports, at a reader, that there was no payment. A script that reads
// our JSON gets the reason there as well.
func (a *app) noPayment(f *payFlags, err error) error {
	if f.reader.name == "" {
		return err
	}
	if f.record != "" {
		err = fmt.Errorf("%w; nothing was recorded", err)
	}
	if a.json {
		err = errors.Join(err, a.printJSON(map[string]string{"error": err.Error()}))
	}
	return err
}

// maxPINFile is a PIN with blanks around it.
const maxPINFile = 64

// readPIN reads what the customer enters. It comes from a file or from standard
// input, never from an argument that others see.
func (a *app) readPIN(f *payFlags) error {
	if f.pinFile == "" {
		return nil
	}
	text, err := a.readFile(f.pinFile, maxPINFile)
	if err != nil {
		return err
	}
	f.pin = sim.PIN(strings.TrimSpace(string(text)))
	return f.pin.Check()
}

func (f *payFlags) run(ctx context.Context, w *sim.World) (sim.Payment, sim.Request, error) {
	r, err := f.request(w)
	if err != nil {
		return sim.Payment{}, r, err
	}
	r.Explain = true
	if f.code != "" {
		p, err := w.Scan(ctx, f.code, r)
		return p, r, err
	}
	p, err := w.Pay(ctx, r)
	if r.Coupon != "" {
		r.Amount = p.Charged
	}
	return p, r, err
}

// reportPayment prints the payment, writes the recording, and checks --expect.
func (a *app) reportPayment(f *payFlags, w *sim.World, r sim.Request, p sim.Payment) error {
	reveal := f.reveal && emv.TestRange(p.PAN)
	for _, n := range append(w.Notes, f.remarks(p)...) {
		fmt.Fprintln(a.errw, "tapsim:", n)
	}
	if f.reveal && !reveal && p.PAN != "" {
		fmt.Fprintln(a.errw, "tapsim: --reveal shows test cards only; this account number is outside the test ranges")
	}
	v := view{world: w, request: r, payment: p, reader: f.reader.name, reveal: reveal}
	if f.code != "" {
		v.channel = issuer.ChannelQR
	}
	return a.showPaid(v, f.quiet, f.expect)
}

// showPaid prints a payment and checks what was expected; "" is nothing.
func (a *app) showPaid(v view, quiet bool, expect string) (err error) {
	switch {
	case a.json:
		err = a.printJSON(v.json())
	case quiet:
		_, err = fmt.Fprintln(a.out, v.headline())
	default:
		_, err = a.out.Write(v.appendText(nil, a.style()))
	}
	p := &v.payment
	if err != nil || expect == "" || expect == p.Outcome.String() {
		return err
	}
	return checkFailed("expected %s, the outcome is %s: %s", expect, p.Outcome, p.Detail)
}

// remarks are what the user should know besides the result.
func (f *payFlags) remarks(p sim.Payment) (notes []string) {
	if n := len(p.Transcript.Exchanges()); f.tearAt > n {
		notes = append(notes, fmt.Sprintf("--tear-at %d: the tap had %d exchanges, so nothing was torn", f.tearAt, n))
	}
	if f.record != "" && (f.reader.live || !testCardsOnly(p.Transcript)) {
		notes = append(notes, "the recording is redacted: the card is not known to be a test card")
	}
	if p.ReversalPending && f.world.state == sim.Memory {
		notes = append(notes, "the reversal is lost with --state :memory:; keep the state in a folder to see it delivered")
	}
	return append(notes, deliveryNotes(&p.Delivery)...)
}

// deliveryNotes tell of earlier messages that did not get where they belong.
func deliveryNotes(d *terminal.Delivery) (notes []string) {
	for _, r := range d.Refused {
		notes = append(notes, fmt.Sprintf("the host refuses the earlier %s with trace number %s: %s; it is kept and sent again, but somebody should ask the host why",
			r.Message.MTI.Text(), r.Message.STAN, withText(r.Code)))
	}
	for _, r := range d.Parked {
		notes = append(notes, fmt.Sprintf("the host refused the earlier %s with trace number %s: %s; it is not sent again, 'tapsim journal' lists it",
			r.Message.MTI.Text(), r.Message.STAN, withText(r.Code)))
	}
	waiting := map[string]int{}
	for _, e := range d.Elsewhere {
		waiting[e.Host]++
	}
	for _, host := range slices.Sorted(maps.Keys(waiting)) {
		how := "the bank in process: they go out with a payment without --issuer"
		if host != "" {
			how = host + ": they go out with a payment with --issuer " + host
		}
		notes = append(notes, fmt.Sprintf("earlier messages, %d of them, wait for %s", waiting[host], how))
	}
	return notes
}
