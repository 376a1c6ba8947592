package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	offlineauth "tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
)

// caKeyJSON is one CA key in the output of `tapsim ca show --json` and `tapsim
// ca export`.
type caKeyJSON struct {
	RID      string  `json:"rid"`
	Index    string  `json:"index"`
	Modulus  string  `json:"modulus"`
	Exponent string  `json:"exponent"`
	Expiry   *string `json:"expiry"` // last day, YYYY-MM-DD; null when there is none
	Checksum string  `json:"checksum"`
	Scheme   string  `json:"scheme"`
	Bits     int     `json:"bits"`
	Ours     bool    `json:"ours"` // its private half is published with tapsim
	Source   string  `json:"source"`
}

// issuerJSON is one test issuer in the output of `tapsim ca show --json`.
type issuerJSON struct {
	Scheme     string    `json:"scheme"`
	Identifier string    `json:"identifier"` // first digits of its account numbers
	CAIndex    string    `json:"ca_index"`
	Bits       int       `json:"bits"`
	Exponent   string    `json:"exponent"`
	Expiry     string    `json:"expiry"` // last day, YYYY-MM-DD
	Serial     string    `json:"serial"`
	Tags       []tagJSON `json:"tags"`
}

// tagJSON is one data object.
type tagJSON struct {
	Tag   string `json:"tag"`
	Name  string `json:"name"`
	Value string `json:"value"` // hex
}

// caJSON is the output of `tapsim ca show --json`.
type caJSON struct {
	Warning string       `json:"warning"`
	CAKeys  []caKeyJSON  `json:"ca_keys"`
	Issuers []issuerJSON `json:"issuers"`
	Cards   []rsaKeyJSON `json:"card_keys"` // the pool that cards get theirs from
}

// rsaKeyJSON is one card key of the pool; its private half is null unless
// revealed.
type rsaKeyJSON struct {
	Number   int     `json:"number"`
	Bits     int     `json:"bits"`
	Modulus  string  `json:"modulus"`
	Exponent string  `json:"exponent"`
	P        *string `json:"p"`
	Q        *string `json:"q"`
}

// testKeyWarning goes with everything that shows or exports the CA's keys.
const testKeyWarning = "TEST KEYS: tapsim's own private keys are published; never load these where real cards are paid with"

func (a *app) caCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ca",
		Short: "The test certification authority: its keys, certificates for cards",
		Long: `The test certification authority for offline data authentication (RSA). It has a
CA key for Visa, Mastercard and UnionPay, an issuer for each, and a pool of card
keys; all private keys are published with this program, so that anybody can
recompute a signature. Terminals of this project load its CA keys and the test
keys that the schemes published.`,
		Example: "  tapsim ca show\n  tapsim ca export --rid A000000003 --format capk\n  tapsim ca issue --pan 4761739001010119 --expiry 4912 --static 5A084761739001010119",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.showCA() },
	}
	c.AddCommand(a.caShowCommand(), a.caExportCommand(), a.caIssueCommand())
	return c
}

func (a *app) caShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "List CA keys with check sums, issuer certificates, card keys",
		Example: "  tapsim ca show\n  tapsim ca show --json",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.showCA() },
	}
}

func (a *app) showCA() error {
	out := caJSON{Warning: testKeyWarning}
	keys := testca.Keys()
	for _, k := range keys {
		out.CAKeys = append(out.CAKeys, newCAKeyJSON(k))
	}
	for _, k := range keys {
		if !k.Ours {
			continue
		}
		issuer, err := demoIssuer(k)
		if err != nil {
			return err
		}
		out.Issuers = append(out.Issuers, issuer)
	}
	for n := range testca.Pool {
		k, err := newRSAKeyJSON(n, false)
		if err != nil {
			return err
		}
		out.Cards = append(out.Cards, k)
	}
	if a.json {
		return a.printJSON(out)
	}
	return a.printCA(out)
}

func newCAKeyJSON(k testca.CAKey) caKeyJSON {
	out := caKeyJSON{
		RID: fmt.Sprintf("%X", k.RID), Index: fmt.Sprintf("%02X", k.Index), Modulus: fmt.Sprintf("%X", k.Modulus),
		Exponent: fmt.Sprintf("%X", k.Exponent), Checksum: fmt.Sprintf("%X", k.CheckSum()),
		Scheme: k.Scheme.String(), Bits: 8 * len(k.Modulus), Ours: k.Ours, Source: k.Source,
	}
	if k.Expiry != (emv.Date{}) {
		out.Expiry = some(k.Expiry.String())
	}
	return out
}

func newRSAKeyJSON(number int, reveal bool) (rsaKeyJSON, error) {
	k, err := testca.ICC(number)
	if err != nil {
		return rsaKeyJSON{}, err
	}
	public := k.Public()
	out := rsaKeyJSON{
		Number: number, Bits: 8 * k.Len(), Modulus: fmt.Sprintf("%X", public.Modulus()), Exponent: fmt.Sprintf("%X", public.Exponent()),
	}
	if reveal {
		p, q := k.Primes()
		out.P, out.Q = hexOf(p), hexOf(q)
	}
	return out, nil
}

// demoIdentifiers are the first digits of the built-in cards.
var demoIdentifiers = map[emv.Scheme]string{emv.SchemeVisa: "476173", emv.SchemeMastercard: "541333", emv.SchemeUnionPay: "625094"}

// demoIssuer is the issuer of the built-in cards, as a terminal recovers it.
func demoIssuer(ca testca.CAKey) (issuerJSON, error) {
	id := demoIdentifiers[ca.Scheme]
	data, err := testca.IssuerCertificate(ca.Scheme, id, testca.DefectNone)
	if err != nil {
		return issuerJSON{}, err
	}
	key, err := offlineauth.NewKey(ca.Modulus, ca.Exponent)
	if err != nil {
		return issuerJSON{}, err
	}
	value := func(tag emv.Tag) []byte { v, _ := data.Lookup(tag); return v }
	c, err := offlineauth.RecoverIssuer(key, value(emv.TagIssuerCertificate), value(emv.TagIssuerRemainder), value(emv.TagIssuerExponent))
	if err != nil {
		return issuerJSON{}, err
	}
	return issuerJSON{
		Scheme: ca.Scheme.String(), Identifier: id, CAIndex: fmt.Sprintf("%02X", ca.Index), Bits: 8 * c.Key.Len(),
		Exponent: fmt.Sprintf("%X", c.Key.Exponent()), Expiry: c.Expiry.String(), Serial: fmt.Sprintf("%X", c.Serial),
		Tags: newTags(data, ca.Scheme),
	}, nil
}

func newTags(data emv.List, scheme emv.Scheme) []tagJSON {
	var tags []tagJSON
	for _, o := range data {
		t := tagJSON{Tag: o.Tag.String(), Value: fmt.Sprintf("%X", o.Value)}
		if e, ok := emv.Lookup(o.Tag, emv.Context{Scheme: scheme}); ok {
			t.Name = e.Title()
		}
		tags = append(tags, t)
	}
	return tags
}

func (a *app) printCA(c caJSON) error {
	err := a.table(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "CA KEYS\tRID\tINDEX\tBITS\tEXPONENT\tEXPIRES\tCHECK SUM\tORIGIN")
		for _, k := range c.CAKeys {
			expiry, origin := "-", "published test key"
			if k.Expiry != nil {
				expiry = *k.Expiry
			}
			if k.Ours {
				origin = "tapsim"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", k.Scheme, k.RID, k.Index, k.Bits, k.Exponent, expiry, k.Checksum, origin)
		}
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	err = a.table(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "ISSUERS\tFOR\tCA INDEX\tBITS\tEXPONENT\tEXPIRES\tSERIAL\tTAGS")
		for _, i := range c.Issuers {
			var tags []string
			for _, t := range i.Tags {
				tags = append(tags, t.Tag)
			}
			fmt.Fprintf(w, "%s\t%s...\t%s\t%d\t%s\t%s\t%s\t%s\n", i.Scheme, i.Identifier, i.CAIndex, i.Bits, i.Exponent, i.Expiry, i.Serial, strings.Join(tags, " "))
		}
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "\nCARD KEYS  a pool of %d, %d bits; an account number always gets the same one\n\n%s\n", len(c.Cards), c.Cards[0].Bits, testKeyWarning)
	return err
}
