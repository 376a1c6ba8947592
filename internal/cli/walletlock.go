package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tapsim/emv"
	"tapsim/sim"
	"tapsim/wallet"
)

// walletLockCommands are the verbs about who may use the wallet.
func (a *app) walletLockCommands(f *walletFlags) []*cobra.Command {
	return []*cobra.Command{
		a.walletPasscode(f), a.walletBiometric(f), a.walletUnlock(f), a.walletLock(f), a.walletTapAndGo(f),
		a.walletFreeze(f, "freeze", "Stop a card, or the whole phone", "is frozen", `Stop a card, or without CARD the whole phone. It needs no passcode. The phone stops at
once, and tells the bank as soon as it has a connection.`, (*wallet.Wallet).Freeze),
		a.walletFreeze(f, "unfreeze", "Let a frozen card, or the phone, pay again", "is no longer frozen", `Let a frozen card, or without CARD the whole phone, pay again. Where there is a
passcode the wallet must be unlocked. The bank is told as soon as there is a connection.`, (*wallet.Wallet).Unfreeze),
	}
}

func (a *app) walletPasscode(f *walletFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "passcode", Short: "Set, change or verify the passcode", Args: cobra.NoArgs,
		Long: `The passcode guards the phone: above the limits for taps without unlocking it is
asked for, and most of the keys are sealed under it. After three wrong ones each
further try has to wait, longer each time; after the tenth the keys are gone. A phone
without a passcode counts as unlocked.`,
		Example: "  tapsim wallet passcode set --passcode-file -",
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	const one = "the passcode"
	verbs := []struct {
		name, short, what, done string
		lines                   int
		do                      func(w *wallet.Wallet, lines []string) error
	}{
		{"set", "Set the first passcode", one, "the passcode is set", 1, func(w *wallet.Wallet, l []string) error { return w.SetPasscode(l[0]) }},
		{"change", "Change the passcode", "the old passcode, and the new one below it", "the passcode is changed", 2, func(w *wallet.Wallet, l []string) error { return w.ChangePasscode(l[0], l[1]) }},
		{"verify", "Say whether a passcode is right", one, "the passcode is right", 1, func(w *wallet.Wallet, l []string) error { return w.VerifyPasscode(l[0]) }},
	}
	for _, v := range verbs {
		file, lines := "", []string(nil)
		sub := &cobra.Command{Use: v.name, Short: v.short, Args: cobra.NoArgs, Example: "  tapsim wallet passcode " + v.name + " --passcode-file -"}
		sub.Flags().StringVar(&file, "passcode-file", "", "file with "+v.what+", or - for standard input")
		sub.PreRunE = func(*cobra.Command, []string) (err error) {
			lines, err = a.secretLines("passcode-file", file, v.lines, v.what)
			return err
		}
		c.AddCommand(walletVerb(a, f, sub, func(_ context.Context, p *sim.Phone, _ []string) (doneJSON, error) {
			return doneJSON{v.done}, v.do(p.Wallet, lines)
		}, a.showDone))
	}
	return c
}

func (a *app) walletBiometric(f *walletFlags) *cobra.Command {
	var file, code string
	c := &cobra.Command{
		Use: "biometric on|off", Short: "Let a finger stand in for the passcode", Args: arguments(1, 1, "on or off"),
		Example: "  tapsim wallet biometric on --passcode-file -",
	}
	c.Flags().StringVar(&file, "passcode-file", "", "file with the passcode, or - for standard input")
	c.PreRunE = func(_ *cobra.Command, args []string) (err error) {
		if args[0] != "on" && args[0] != "off" {
			return fmt.Errorf("%q: want on or off", args[0])
		}
		code, err = a.secret("passcode-file", file, "the passcode")
		return err
	}
	return walletVerb(a, f, c, func(_ context.Context, p *sim.Phone, args []string) (doneJSON, error) {
		return doneJSON{"biometric is " + args[0]}, p.SetBiometric(args[0] == "on", code)
	}, a.showDone)
}

// unlockedJSON is the answer to unlock.
type unlockedJSON struct {
	Until time.Time `json:"unlocked_until"`
}

func (a *app) walletUnlock(f *walletFlags) *cobra.Command {
	var file, finger, code string
	var window time.Duration
	c := &cobra.Command{
		Use: "unlock", Short: "Unlock the wallet for a while", Args: cobra.NoArgs,
		Long: `Until the window ends, taps count as verified on the phone, and all keys are in
use. --finger says what the phone's sensor says: right or wrong.`,
		Example: "  tapsim wallet unlock --passcode-file -\n  tapsim wallet unlock --finger right --for 30s",
	}
	c.Flags().StringVar(&file, "passcode-file", "", "file with the passcode, or - for standard input")
	c.Flags().StringVar(&finger, "finger", "", "right or wrong: unlock with the biometric stand-in")
	c.Flags().DurationVar(&window, "for", wallet.DefaultWindow, "how long, at most 5m")
	c.PreRunE = func(*cobra.Command, []string) (err error) {
		switch {
		case finger != "" && file != "":
			return errors.New("--finger and --passcode-file: choose one")
		case finger == "":
			code, err = a.secret("passcode-file", file, "the passcode")
			return err
		case finger != "right" && finger != "wrong":
			return fmt.Errorf("--finger %q: want right or wrong", finger)
		}
		return nil
	}
	return walletVerb(a, f, c, func(_ context.Context, p *sim.Phone, _ []string) (v unlockedJSON, err error) {
		if finger != "" {
			v.Until, err = p.UnlockByFinger(finger == "right", window)
		} else {
			v.Until, err = p.Unlock(code, window)
		}
		return v, err
	}, func(v unlockedJSON) error {
		_, err := fmt.Fprintln(a.out, "unlocked until", v.Until.Format(time.DateTime))
		return err
	})
}

func (a *app) walletLock(f *walletFlags) *cobra.Command {
	c := &cobra.Command{Use: "lock", Short: "Lock the wallet now", Args: cobra.NoArgs, Example: "  tapsim wallet lock"}
	return walletVerb(a, f, c, func(_ context.Context, p *sim.Phone, _ []string) (doneJSON, error) {
		return doneJSON{"the wallet is locked"}, p.Lock()
	}, a.showDone)
}

func (a *app) walletTapAndGo(f *walletFlags) *cobra.Command {
	var perTap, cumulative, currency string
	var count int
	var off, standard bool
	c := &cobra.Command{
		Use: "tap-and-go", Short: "What may be paid without unlocking", Args: cobra.NoArgs,
		Long: `Set, or show, what each card may pay between two unlockings: per tap, in all, and
how often. The amounts bound payments in every currency alike, in its minor units:
20.00 in EUR is 2000 of them, and so JPY 2000. --off allows nothing, --standard leaves
it to the cards and the terminals. With a passcode the wallet must be unlocked to
change it.`,
		Example: "  tapsim wallet tap-and-go --per-tap 50 --cumulative 150 --count 5",
	}
	flags := c.Flags()
	flags.StringVar(&perTap, "per-tap", "", "most of one tap")
	flags.StringVar(&cumulative, "cumulative", "", "most of all taps together")
	flags.IntVar(&count, "count", 5, "number of taps")
	flags.StringVar(&currency, "currency", "EUR", "ISO 4217 letters: with whose decimals the amounts are written")
	flags.BoolVar(&off, "off", false, "nothing without unlocking")
	flags.BoolVar(&standard, "standard", false, "as cards and terminals have it")
	return walletVerb(a, f, c, func(_ context.Context, p *sim.Phone, _ []string) (v tapAndGoJSON, err error) {
		switch {
		case off:
			err = p.SetTapAndGo(&wallet.TapAndGo{})
		case standard:
			err = p.SetTapAndGo(nil)
		case perTap != "" && cumulative != "":
			var t *wallet.TapAndGo
			if t, err = tapAndGo(perTap, cumulative, currency, count); err == nil {
				err = p.SetTapAndGo(t)
			}
		case perTap != "" || cumulative != "":
			err = errors.New("--per-tap and --cumulative go together")
		}
		return tapAndGoJSON{p.State().TapAndGo}, err
	}, a.showTapAndGo)
}

// tapAndGoJSON is what may be paid without unlocking; null is what cards and
// terminals have.
type tapAndGoJSON struct {
	TapAndGo *wallet.TapAndGo `json:"tap_and_go"` // minor units of the payment's currency
}

func (a *app) showTapAndGo(v tapAndGoJSON) error {
	text := "as cards and terminals have it"
	if t := v.TapAndGo; t != nil {
		text = fmt.Sprintf("per tap %d, in all %d, in minor units of the payment's currency (%s and %s in EUR); %d taps",
			t.PerTap, t.Cumulative, euros(t.PerTap), euros(t.Cumulative), t.Count)
	}
	_, err := fmt.Fprintln(a.out, text)
	return err
}

// euros writes minor units as they are in the currency of most examples.
func euros(minor int64) string {
	c, _ := emv.CurrencyByAlpha("EUR")
	return c.Format(minor)
}

func tapAndGo(perTap, cumulative, currency string, count int) (*wallet.TapAndGo, error) {
	c, ok := emv.CurrencyByAlpha(currency)
	if !ok {
		return nil, fmt.Errorf("--currency %q: not a currency of ISO 4217", currency)
	}
	t := &wallet.TapAndGo{Count: count}
	var err error
	if t.PerTap, err = c.Parse(perTap); err != nil {
		return nil, fmt.Errorf("--per-tap: %w", err)
	}
	if t.Cumulative, err = c.Parse(cumulative); err != nil {
		return nil, fmt.Errorf("--cumulative: %w", err)
	}
	return t, nil
}

// frozenJSON is the answer of freeze and unfreeze: the cards that it was about.
type frozenJSON struct {
	Done  string           `json:"done"`
	Cards []walletCardJSON `json:"cards"`
}

func (a *app) walletFreeze(f *walletFlags, name, short, done, long string, do func(*wallet.Wallet, context.Context, string) error) *cobra.Command {
	c := &cobra.Command{
		Use: name + " [CARD]", Short: short, Args: arguments(0, 1, "a card of the wallet, or none for the whole phone"),
		Long: long, Example: "  tapsim wallet " + name + " visa-1\n  tapsim wallet " + name,
	}
	return walletVerb(a, f, c, func(ctx context.Context, p *sim.Phone, args []string) (v frozenJSON, err error) {
		about, name := "the phone", argument(args, 0)
		if name != "" {
			about = name
		}
		if err := do(p.Wallet, ctx, name); err != nil {
			return v, err
		}
		v.Done = about + " " + done
		v.Cards, err = a.walletCards(p, name)
		return v, err
	}, func(v frozenJSON) error { return a.showDone(doneJSON{v.Done}) })
}
