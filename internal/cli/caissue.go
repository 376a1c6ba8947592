package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
)

func (a *app) caExportCommand() *cobra.Command {
	var rid, format string
	var all bool
	c := &cobra.Command{
		Use:   "export",
		Short: "Print CA keys for other terminals",
		Long: `Print the public keys of the test CA, to load into another terminal or program:
as JSON, or as lines of the capk.txt that emv-tools and proxmark3 read.`,
		Example: "  tapsim ca export --rid A000000003\n  tapsim ca export --format capk --all",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if a.json && format != "json" {
				return fmt.Errorf("--json goes with --format json only")
			}
			return a.exportCA(rid, format, all)
		},
	}
	c.Flags().StringVar(&rid, "rid", "", "only keys of this RID, 10 hex digits (default all)")
	c.Flags().StringVar(&format, "format", "json", "json or capk")
	c.Flags().BoolVar(&all, "all", false, "also the test keys that the schemes published")
	return c
}

func (a *app) exportCA(rid, format string, all bool) error {
	var keys []testca.CAKey
	var known []string
	for _, k := range testca.Keys() {
		name := fmt.Sprintf("%X", k.RID)
		if k.Ours {
			known = append(known, name)
		}
		if (k.Ours || all) && (rid == "" || strings.EqualFold(rid, name)) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return fmt.Errorf("--rid %q: the test CA has keys for %s", rid, strings.Join(known, ", "))
	}
	switch format {
	case "json":
		out := []caKeyJSON{}
		for _, k := range keys {
			out = append(out, newCAKeyJSON(k))
		}
		if err := a.printJSON(out); err != nil {
			return err
		}
	case "capk":
		for _, k := range keys {
			if _, err := fmt.Fprintln(a.out, capkLine(k)); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("--format %q: want json or capk", format)
	}
	_, err := fmt.Fprintln(a.errw, testKeyWarning)
	return err
}

// capkLine is a key as a line of capk.txt: RID, index, expiry YYMMDD or zeros,
// algorithm, exponent, modulus, algorithm and value of the check sum.
func capkLine(k testca.CAKey) string {
	expiry := "000000"
	if k.Expiry != (emv.Date{}) {
		expiry = fmt.Sprintf("%X", k.Expiry.Append(nil))
	}
	sum := k.CheckSum()
	return fmt.Sprintf("%s %02x %s rsa %s %s sha1 %s", colons(k.RID[:]), k.Index, expiry, colons(k.Exponent), colons(k.Modulus), colons(sum[:]))
}

func colons(b []byte) string { return strings.ReplaceAll(fmt.Sprintf("% x", b), " ", ":") }

// issueFlags are the flags of `tapsim ca issue`.
type issueFlags struct {
	scheme, pan, expiry, static, defect string
	sda, reveal                         bool
}

// issuedJSON is the output of `tapsim ca issue --json`.
type issuedJSON struct {
	Warning string     `json:"warning"`
	Scheme  string     `json:"scheme"`
	RID     string     `json:"rid"`
	Account string     `json:"account"` // masked unless revealed
	Defect  string     `json:"defect"`
	Tags    []tagJSON  `json:"tags"`
	TLV     string     `json:"tlv"` // the tags in a row
	Key     rsaKeyJSON `json:"card_key"`
}

func (a *app) caIssueCommand() *cobra.Command {
	f := &issueFlags{}
	c := &cobra.Command{
		Use:   "issue",
		Short: "Make the certificates of a card",
		Long: `Make what a card needs for offline data authentication: issuer and ICC
certificate with all that goes with them, and on request signed static data. The
card's key comes from the pool, chosen by the account number; --reveal shows its
primes, and the account number when it is a known test number.

The static data are what the certificate vouches for: the contents of the records
that the AFL marks as signed, in its order and without tag 70, then the AIP where
tag 9F4A asks for it. '-' reads them from standard input; "" is none.`,
		Example: `  tapsim ca issue --pan 4761739001010119 --expiry 4912 --static 5A0847617390010101195F24034912315F340101
  tapsim ca issue --pan 4761739001010119 --expiry 4912 --static "" --defect revoked --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.issueCard(f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.scheme, "scheme", "", "visa, mastercard or unionpay (default by the account number)")
	flags.StringVar(&f.pan, "pan", "", "account number of the card, or of the token")
	flags.StringVar(&f.expiry, "expiry", "", "expiry of the card, YYMM")
	flags.StringVar(&f.static, "static", "", "static data in hex")
	flags.StringVar(&f.defect, "defect", "none", "what shall be wrong: "+strings.Join(testca.DefectNames(), ", "))
	flags.BoolVar(&f.sda, "sda", false, "also signed static application data, tag 93")
	flags.BoolVar(&f.reveal, "reveal", false, "show the card's private key and the account number")
	_ = flags.SetAnnotation("static", mayBeEmpty, []string{"no static data"}) // the flag exists
	for _, name := range []string{"pan", "expiry", "static"} {
		_ = c.MarkFlagRequired(name)
	}
	return c
}

// maxStatic bounds static data, in characters of hex.
const maxStatic = 64 << 10

func (a *app) issueCard(f *issueFlags) error {
	r, err := a.certificateRequest(f)
	if err != nil {
		return err
	}
	c, err := testca.Issue(r)
	if err != nil {
		return err
	}
	rid, err := testca.RID(r.Scheme)
	if err != nil {
		return err
	}
	out := issuedJSON{
		Warning: testKeyWarning, Scheme: r.Scheme.String(), RID: fmt.Sprintf("%X", rid), Account: r.PAN.Masked(), Defect: r.Defect.String(),
		Tags: newTags(c.Data, r.Scheme), TLV: fmt.Sprintf("%X", c.Data.Append(nil)),
	}
	if f.reveal && emv.TestRange(r.PAN) {
		out.Account = string(r.PAN)
	}
	if out.Key, err = newRSAKeyJSON(c.KeyNumber, f.reveal); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(out)
	}
	return a.printIssued(out)
}

func (a *app) certificateRequest(f *issueFlags) (r testca.Request, err error) {
	r = testca.Request{PAN: emv.PAN(f.pan), Expiry: f.expiry, SDA: f.sda}
	var ok bool
	switch {
	case !r.PAN.Valid():
		return r, fmt.Errorf("--pan: want an account number of 8 to 19 digits with a correct check digit")
	case f.scheme == "":
		if r.Scheme, ok = schemeOfAccount(r.PAN); !ok {
			return r, fmt.Errorf("--pan %s: its scheme is not clear; say --scheme visa, mastercard or unionpay", r.PAN)
		}
	default:
		if r.Scheme, ok = emv.ParseScheme(f.scheme); !ok {
			return r, fmt.Errorf("--scheme %q: want visa, mastercard or unionpay", f.scheme)
		}
	}
	if r.Defect, ok = testca.ParseDefect(f.defect); !ok {
		return r, fmt.Errorf("--defect %q: want one of %s", f.defect, strings.Join(testca.DefectNames(), ", "))
	}
	if _, err := emv.ParseExpiry(f.expiry); err != nil {
		return r, fmt.Errorf("--expiry: %w", err)
	}
	r.Static, err = a.staticData(f.static)
	return r, err
}

func (a *app) staticData(text string) ([]byte, error) {
	if text == "-" {
		b, err := a.readFile("-", maxStatic)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	if text == "" {
		return nil, nil
	}
	b, err := cleanHex(text)
	if err != nil {
		return nil, fmt.Errorf("--static: %w", err)
	}
	return b, nil
}

// schemeOfAccount knows the ranges of the schemes that the test CA certifies
// for: Visa 4, Mastercard 51 to 55 and 2221 to 2720, UnionPay 62.
func schemeOfAccount(pan emv.PAN) (emv.Scheme, bool) {
	switch first := string(pan[:4]); {
	case first[0] == '4':
		return emv.SchemeVisa, true
	case first >= "5100" && first < "5600", first >= "2221" && first <= "2720":
		return emv.SchemeMastercard, true
	case first[:2] == "62":
		return emv.SchemeUnionPay, true
	}
	return emv.SchemeUnknown, false
}

func (a *app) printIssued(c issuedJSON) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, t := range c.Tags {
		fmt.Fprintf(w, "%s\t%s\t%s\n", t.Tag, t.Name, t.Value)
	}
	fmt.Fprintf(w, "key\tnumber %d of the pool, %d bits, exponent %s\t%s\n", c.Key.Number, c.Key.Bits, c.Key.Exponent, c.Key.Modulus)
	if c.Key.P != nil {
		fmt.Fprintf(w, "p\t\t%s\nq\t\t%s\n", *c.Key.P, *c.Key.Q)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "%s card %s, RID %s\n%sTLV  %s\n%s\n", c.Scheme, c.Account, c.RID, b.String(), c.TLV, testKeyWarning)
	return err
}
