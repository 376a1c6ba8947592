package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"tapsim/hce"
	"tapsim/provisioning"
	"tapsim/reader"
	"tapsim/reader/vpcd"
	"tapsim/sim"
	"tapsim/transcript"
)

// cardFlags are the flags of `tapsim card`.
type cardFlags struct {
	world   worldFlags
	service serviceFlags
	vpcd    string
	uid     string
	locked  bool
	quiet   bool
	reveal  bool
}

func (a *app) cardCommand() *cobra.Command {
	f := &cardFlags{}
	c := &cobra.Command{
		Use:   "card",
		Short: "Put a card of ours into a virtual PC/SC reader",
		Long: `Put the phone, or a plastic card, into a virtual reader of vsmartcard (the package
vsmartcard-vpcd), where any PC/SC program can talk to it. Each exchange is explained.
It stays until it is interrupted, and comes back when the reader does.

The card is the one that 'tapsim pay' uses. It takes the phone's lock for each
exchange and follows what other commands do to it. With --json each exchange is one
line of JSON. With --service a phone's card gets its keys from a running
'tapsim issuer --http'.

The virtual reader listens on all interfaces of the machine, not on loopback: mind
your firewall.`,
		Example: `  tapsim card --card visa-phone
  tapsim card --card mastercard-plastic --vpcd 127.0.0.1:35964 --quiet &
  opensc-tool -r 0 -c default -s 00A404000E325041592E5359532E444446303100`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serveCard(c.Context(), f) },
	}
	f.world.registerCard(c)
	flags := c.Flags()
	f.service.register(flags)
	flags.StringVar(&f.vpcd, "vpcd", vpcd.DefaultAddr, "HOST:PORT of the virtual reader's slot")
	flags.StringVar(&f.uid, "uid", "", "the card's UID, 4, 7 or 10 bytes in hex (default a phone's random kind, 08......)")
	flags.BoolVar(&f.locked, "locked", false, "the owner has not unlocked the phone (default they do so for each tap)")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "do not print the exchanges")
	flags.BoolVar(&f.reveal, "reveal", false, "show account numbers of test cards")
	return c
}

func (a *app) serveCard(ctx context.Context, f *cardFlags) error {
	if _, _, err := net.SplitHostPort(f.vpcd); err != nil {
		return fmt.Errorf("--vpcd %q: want HOST:PORT, such as %s", f.vpcd, vpcd.DefaultAddr)
	}
	uid, err := hex.DecodeString(f.uid)
	if n := len(uid); err != nil || n != 0 && n != 4 && n != 7 && n != 10 {
		return fmt.Errorf("--uid %q: want 4, 7 or 10 bytes in hex", f.uid)
	}
	if f.uid == "" { // as phones have: a random one behind 08 (ISO 14443-3)
		uid = []byte{0x08, 0, 0, 0}
		_, _ = rand.Read(uid[1:]) // never fails
	}
	o, err := f.world.options("card")
	if err != nil {
		return err
	}
	if o.Bank, err = a.bankFile(f.world.bank); err != nil {
		return err
	}
	if o.Service, err = f.keys(a); err != nil {
		return err
	}
	card, err := sim.OpenCard(ctx, o)
	if err != nil {
		return err
	}
	for _, n := range card.Notes() {
		fmt.Fprintln(a.errw, "tapsim:", n)
	}
	card.Locked = f.locked
	card.Trouble = func(err error) { fmt.Fprintln(a.errw, "tapsim:", err) }
	log := &cardLog{app: a, flags: f}
	log.off()
	config := vpcd.Config{Card: card, UID: uid, Deactivated: func(why reader.Reason) {
		card.Deactivated(hce.Deactivation(why))
		log.off()
	}}
	if !f.quiet {
		config.Seen = log.exchange
	}
	return vpcd.Run(ctx, f.vpcd, config, func(err error) { a.cardState(card.Profile().Name, f.vpcd, err) })
}

// keys is the service that keys come from; nil is a token service in process.
func (f *cardFlags) keys(a *app) (provisioning.Service, error) {
	switch {
	case f.service.url == "":
		return nil, f.service.unused()
	case f.world.bank != "":
		return nil, errors.New("--bank is the service's: with --service leave it out")
	}
	return f.service.open(a)
}

// cardState tells where the card is.
func (a *app) cardState(name, addr string, err error) {
	switch {
	case err == nil:
		fmt.Fprintf(a.errw, "tapsim: %s is in the virtual reader at %s\n", name, addr)
	case errors.Is(err, vpcd.ErrOccupied):
		fmt.Fprintf(a.errw, "tapsim: %v (end the other one, or use the next slot); waiting for it\n", err)
	default:
		fmt.Fprintf(a.errw, "tapsim: no virtual reader at %s: %v (is pcscd running, with vsmartcard-vpcd installed? see 'tapsim doctor'); trying again\n", addr, bare(err))
	}
}

// cardLog prints the exchanges of a card.
type cardLog struct {
	app   *app
	flags *cardFlags

	mu      sync.Mutex
	explain *transcript.Explainer
	powered bool
}

// off ends a session: what comes next is a new one.
func (l *cardLog) off() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.powered && !l.app.json && !l.flags.quiet {
		fmt.Fprintln(l.app.out, strings.TrimSpace(painted(l.app.style(), transcript.RoleDim, "field off")))
	}
	l.explain, l.powered = transcript.NewExplainer(l.flags.reveal), false
}

func (l *cardLog) exchange(command, answer []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.powered = true
	x := l.explain.Explain(command, answer)
	if l.app.json {
		_ = l.app.printLine(x)
		return
	}
	text := transcript.AppendText(nil, x, l.app.style())
	_, _ = l.app.out.Write(append(text, '\n'))
}
