package cli

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tapsim/cryptogram"
	"tapsim/emv"
	issuerconfig "tapsim/issuer/config"
)

// cryptogramFlags are the flags of `tapsim cryptogram`.
type cryptogramFlags struct {
	scheme, pan, psn   string
	key, kind, cardKey string
	responseCode, csu  string
	reveal             bool
}

// cryptogramJSON is the output of `tapsim cryptogram --json`.
type cryptogramJSON struct {
	Recipe     string            `json:"recipe"`
	Evidence   string            `json:"evidence"` // what published number pins the recipe
	Cryptogram string            `json:"cryptogram"`
	Received   *string           `json:"received"` // 9F26 of the data; null when there is none
	Verified   *bool             `json:"verified"`
	Deviations []string          `json:"deviations,omitempty"` // what would have made the one received
	Tag91      *string           `json:"tag_91"`
	Steps      []cryptogram.Step `json:"steps"`
}

func (a *app) cryptogramCommand() *cobra.Command {
	f := &cryptogramFlags{}
	c := &cobra.Command{
		Use:   "cryptogram DATA",
		Short: "Make, verify and explain an application cryptogram step by step",
		Long: `Make the application cryptogram of transaction data, or verify the one in them
(tag 9F26), and show every step: card key, session key, data, padding, MAC. When
it does not verify, the deviation that would have made it is looked for.

DATA is TLV in hex, such as field 55 of a message: 9F02 9F03 9F1A 95 5F2A 9A 9C
9F37 82 9F36 9F10 and, to verify, 9F26; '-' reads it from standard input. The key
is the name of a published test key or a file with the key in hex; keys are never
arguments. Exit status 1 when the cryptogram is wrong.`,
		Example: `  tapsim cryptogram --scheme visa --key visa-test --pan 4761739001010119 --psn 01 DATA
  tapsim cryptogram --scheme visa --key my-session-key.txt --key-kind session DATA --json`,
		Args: arguments(1, 1, "the transaction data in hex, or -"),
		RunE: func(_ *cobra.Command, args []string) error { return a.cryptogram(f, args[0]) },
	}
	flags := c.Flags()
	flags.StringVar(&f.scheme, "scheme", "visa", "visa, mastercard, unionpay, jcb, interac or ccd")
	flags.StringVar(&f.pan, "pan", "", "account number (of the token, for a token)")
	flags.StringVar(&f.psn, "psn", "00", "PAN sequence number, two digits")
	flags.StringVar(&f.key, "key", "", "visa-test, mastercard-test, unionpay-test, or a file with a 3DES key in hex")
	flags.StringVar(&f.kind, "key-kind", "master", "what the key is: master, card, limited-use or session")
	flags.StringVar(&f.cardKey, "card-key", "option-a", "how the card key derives: option-a, option-b, option-b-any-length")
	flags.StringVar(&f.responseCode, "response-code", "", "also make tag 91 for this response code (ARPC method 1)")
	flags.StringVar(&f.csu, "csu", "", "also make tag 91 for this card status update, 8 hex digits (ARPC method 2)")
	flags.BoolVar(&f.reveal, "reveal", false, "show the keys")
	_ = c.MarkFlagRequired("key")
	return c
}

func (a *app) cryptogram(f *cryptogramFlags, arg string) error {
	data, err := a.elements(arg)
	if err != nil {
		return err
	}
	scheme, ok := emv.ParseScheme(f.scheme)
	if !ok {
		return fmt.Errorf("--scheme %q is not known", f.scheme)
	}
	e := cryptogram.ElementsFrom(data)
	recipe, err := cryptogram.RecipeFor(scheme, e.IAD)
	if err != nil {
		return fmt.Errorf("tag 9F10: %w", err)
	}
	w := cryptogramWork{app: a, flags: f, data: data, elements: e, recipe: recipe}
	if err := w.keys(); err != nil {
		return err
	}
	out, err := w.compute()
	if err != nil {
		return err
	}
	if err := a.printCryptogram(out); err != nil {
		return err
	}
	if out.Verified != nil && !*out.Verified {
		return checkFailed("the cryptogram is %s, expected %s", *out.Received, out.Cryptogram)
	}
	return nil
}

// elements reads the transaction data and finds what is missing.
func (a *app) elements(arg string) (emv.List, error) {
	text := arg
	if arg == "-" {
		b, err := a.readFile("-", maxHex)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	b, err := cleanHex(text)
	if err != nil {
		return nil, err
	}
	data, err := emv.ParseList(b)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, tag := range []emv.Tag{emv.TagAmount, emv.TagUnpredictableNumber, emv.TagATC, emv.TagIAD} {
		if _, ok := data.Lookup(tag); !ok {
			missing = append(missing, tag.String())
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the data have no %s", strings.Join(missing, ", "))
	}
	return data, nil
}

// cryptogramWork is one computation.
type cryptogramWork struct {
	app      *app
	flags    *cryptogramFlags
	data     emv.List
	elements cryptogram.Elements
	recipe   cryptogram.Recipe
	master   *cryptogram.Key // nil when the user gave another kind
	method   cryptogram.CardKeyMethod
	card     *cryptogram.Key // card key or limited-use key; nil with a session key
	session  *cryptogram.Key
	steps    []cryptogram.Step
}

// keys reads the key and derives what the recipe works with.
func (w *cryptogramWork) keys() (err error) {
	key, err := w.app.masterKey(w.flags.key)
	if err != nil {
		return err
	}
	switch w.flags.kind {
	case "master":
		w.master = key
		if err := w.derive(); err != nil {
			return err
		}
	case "card":
		w.card = key
		if err := w.limitedUse(); err != nil {
			return err
		}
	case "limited-use":
		w.card = key
	case "session":
		w.session = key
		return nil
	default:
		return fmt.Errorf("--key-kind %q: want master, card, limited-use or session", w.flags.kind)
	}
	w.session, err = w.recipe.SessionKey(w.card, &w.elements)
	return err
}

// derive makes the card key of the master key, and the limited-use key where
// the recipe takes one.
func (w *cryptogramWork) derive() (err error) {
	if w.flags.pan == "" {
		return fmt.Errorf("--pan is needed to derive the card key; with a card, limited-use or session key say so with --key-kind")
	}
	if w.method, err = cryptogram.ParseCardKeyMethod(w.flags.cardKey); err != nil {
		return fmt.Errorf("--card-key: %w", err)
	}
	if w.steps, err = cryptogram.ExplainCardKey(w.master, w.method, w.flags.pan, w.flags.psn, w.flags.reveal); err != nil {
		return err
	}
	if w.card, err = cryptogram.DeriveCardKey(w.master, w.method, w.flags.pan, w.flags.psn); err != nil {
		return err
	}
	return w.limitedUse()
}

func (w *cryptogramWork) limitedUse() error {
	if w.recipe.Session != cryptogram.SessionLimitedUse {
		return nil
	}
	index, err := cryptogram.KeyIndexOf(w.elements.IAD)
	if err != nil {
		return fmt.Errorf("tag 9F10: %w", err)
	}
	w.card, err = cryptogram.LimitedUseKey(w.card, index)
	return err
}

func (w *cryptogramWork) compute() (cryptogramJSON, error) {
	out := cryptogramJSON{Recipe: w.recipe.Name, Evidence: w.recipe.Evidence}
	ac, err := w.recipe.GenerateWithSession(w.session, &w.elements)
	if err != nil {
		return out, err
	}
	out.Cryptogram = fmt.Sprintf("%X", ac)
	if w.card != nil {
		steps, err := w.recipe.Explain(w.card, &w.elements, w.flags.reveal)
		if err != nil {
			return out, err
		}
		w.steps = append(w.steps, steps...)
	}
	out.Steps = w.steps
	if received, ok := w.data.Lookup(emv.TagCryptogram); ok {
		out.Received = hexOf(received)
		out.Verified = some(*out.Received == out.Cryptogram)
		if err := w.diagnose(&out, received); err != nil {
			return out, err
		}
	}
	return out, w.answer(&out, ac)
}

// diagnose looks for the deviation that makes the cryptogram received.
func (w *cryptogramWork) diagnose(out *cryptogramJSON, received []byte) error {
	if *out.Verified || w.card == nil || len(received) != len(cryptogram.Cryptogram{}) {
		return nil
	}
	d, err := cryptogram.Diagnose(cryptogram.Suspect{
		Master: w.master, Method: w.method, PAN: w.flags.pan, PSN: w.flags.psn, Card: w.card,
		Recipe: w.recipe, Elements: w.elements, Cryptogram: cryptogram.Cryptogram(received),
	})
	if err != nil {
		return err
	}
	out.Deviations = d.Deviations
	return nil
}

// answer makes tag 91 where the user asked for it.
func (w *cryptogramWork) answer(out *cryptogramJSON, ac cryptogram.Cryptogram) error {
	f := w.flags
	if f.responseCode == "" && f.csu == "" {
		return nil
	}
	var a cryptogram.IssuerAnswer
	if len(f.responseCode) != 2 && f.responseCode != "" {
		return fmt.Errorf("--response-code %q: want two characters, such as 00", f.responseCode)
	}
	copy(a.ResponseCode[:], f.responseCode)
	if f.csu != "" {
		b, err := hex.DecodeString(f.csu)
		if err != nil || len(b) != 4 {
			return fmt.Errorf("--csu %q: want 8 hex digits", f.csu)
		}
		copy(a.CSU[:], b)
	}
	value, err := w.recipe.IssuerAuthentication(w.card, w.session, ac, a)
	if err != nil {
		return err
	}
	out.Tag91 = hexOf(value)
	return nil
}

// masterKey is a published test key by name, or a 3DES key from a file.
func (a *app) masterKey(name string) (*cryptogram.Key, error) {
	bank, err := issuerconfig.Demo()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range bank.Config.KeySets {
		if s.Name == name {
			return s.AC, nil
		}
		names = append(names, s.Name)
	}
	if _, err := os.Stat(name); err != nil && name != "-" {
		return nil, fmt.Errorf("--key %q is neither a file nor one of %s", name, strings.Join(names, ", "))
	}
	text, err := a.readFile(name, 1000)
	if err != nil {
		return nil, err
	}
	raw, err := cleanHex(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: the key is not whole bytes of hex", name) // and not echoed
	}
	key, err := cryptogram.NewKey(cryptogram.TDES, raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

func (a *app) printCryptogram(out cryptogramJSON) error {
	if a.json {
		return a.printJSON(out)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", out.Recipe, out.Evidence)
	for _, s := range out.Steps {
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-42s %s", s.Name, strings.TrimSpace(s.Value+"  "+s.Note)), " ") + "\n")
	}
	fmt.Fprintf(&b, "cryptogram  %s\n", out.Cryptogram)
	if out.Tag91 != nil {
		fmt.Fprintf(&b, "tag 91      %s\n", *out.Tag91)
	}
	switch {
	case out.Verified == nil:
	case *out.Verified:
		b.WriteString("verified: the data hold the same cryptogram\n")
	default:
		fmt.Fprintf(&b, "WRONG: the data hold %s\n", *out.Received)
		if len(out.Deviations) > 0 {
			fmt.Fprintf(&b, "it would be right with: %s\n", strings.Join(out.Deviations, "; "))
		}
	}
	_, err := fmt.Fprint(a.out, b.String())
	return err
}
