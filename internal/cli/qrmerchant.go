package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tapsim/emv"
	"tapsim/emv/qr"
)

// merchantFlags are the flags of `tapsim qr merchant`.
type merchantFlags struct {
	qrFlags
	name, city, country, postal string
	category, currency, amount  string
	tip, language               string
	merchant                    string
	accounts                    []string
	additional                  qr.Additional
	static, dynamic             bool
}

func (a *app) qrMerchantCommand() *cobra.Command {
	f := &merchantFlags{}
	c := &cobra.Command{
		Use:   "merchant --name NAME --city CITY",
		Short: "Make a merchant-presented code and draw it",
		Long: `Make an EMV merchant-presented code: what a shop shows and a payer scans. With an
amount the code is for one payment (dynamic), without one the payer types the
amount (static); --static and --dynamic say otherwise. A phone pays a dynamic code
once: two sales of one amount need a --bill or --reference to differ in.

The money goes to --account, as often as there are networks: ID=VALUE for IDs 02 to
25, ID=GUID,ID=VALUE,... for the templates 26 to 51. Without one, to a merchant of
this simulator: template 26 of ` + qr.NetworkID + ` with --merchant-id.`,
		Example: `  tapsim qr merchant --name "TEST SHOP" --city BERLIN --amount 12.50
  tapsim qr merchant --name CAFE --city PARIS --country FR --tip ask --language "fr:Café:Paris" --png cafe.png
  tapsim qr merchant --name SHOP --city SAO --country BR --currency BRL --account 26=br.gov.bcb.pix,01=somebody@example.com`,
		Args: arguments(0, 0, "only flags"),
		RunE: func(*cobra.Command, []string) error {
			m, err := f.code()
			if err != nil {
				return err
			}
			text, err := m.Text()
			if err != nil {
				return err
			}
			return a.showQR(&f.qrFlags, text)
		},
	}
	f.register(c)
	_ = c.MarkFlagRequired("name")
	_ = c.MarkFlagRequired("city")
	return c
}

func (f *merchantFlags) register(c *cobra.Command) {
	f.qrFlags.register(c)
	flags := c.Flags()
	flags.StringVar(&f.name, "name", "", "merchant, at most 25 Latin letters")
	flags.StringVar(&f.city, "city", "", "city, at most 15 Latin letters")
	flags.StringVar(&f.country, "country", "DE", "country, two letters")
	flags.StringVar(&f.postal, "postal-code", "", "postal code")
	flags.StringVar(&f.category, "category", "5999", "merchant category code, four digits")
	flags.StringVar(&f.currency, "currency", "EUR", "currency, three letters")
	flags.StringVar(&f.amount, "amount", "", "amount, such as 12.50; without it the payer types it")
	flags.StringVar(&f.tip, "tip", "", "ask, fixed:AMOUNT, or percent:PERCENTAGE")
	flags.StringVar(&f.language, "language", "", "name and city in another language: CODE:NAME[:CITY]")
	flags.StringVar(&f.merchant, "merchant-id", "TAPSIM-MERCH-01", "merchant of this simulator that is paid when there is no --account")
	flags.StringArrayVar(&f.accounts, "account", nil, "merchant account (see above)")
	flags.BoolVar(&f.static, "static", false, "say that the code is for every payment")
	flags.BoolVar(&f.dynamic, "dynamic", false, "say that the code is for one payment")
	for _, l := range []struct {
		value *string
		name  string
	}{{&f.additional.Bill, "bill"}, {&f.additional.Store, "store"}, {&f.additional.Reference, "reference"},
		{&f.additional.Terminal, "terminal-label"}, {&f.additional.Purpose, "purpose"}} {
		flags.StringVar(l.value, l.name, "", "additional data: "+l.name+"; "+qr.AskPayer+" asks the payer")
	}
	flags.StringVar(&f.additional.Ask, "ask", "", "what the payer's phone shall send: letters out of A (address), M (mobile number), E (e-mail)")
}

// code is the code that the flags describe. Its own rules are those of
// qr.Merchant.
func (f *merchantFlags) code() (m qr.Merchant, err error) {
	currency, ok := emv.CurrencyByAlpha(f.currency)
	if !ok {
		return m, fmt.Errorf("--currency %q: not a currency of ISO 4217, such as EUR", f.currency)
	}
	m = qr.Merchant{Initiation: qr.Static, Category: f.category, Currency: currency, Country: f.country, Name: f.name, City: f.city,
		PostalCode: f.postal, Additional: f.additional}
	if f.amount != "" {
		amount, err := currency.Parse(f.amount)
		if err != nil {
			return m, fmt.Errorf("--amount: %w", err)
		}
		m.Amount, m.Initiation = &amount, qr.Dynamic
	}
	switch {
	case f.static && f.dynamic:
		return m, fmt.Errorf("--static does not go with --dynamic")
	case f.static:
		m.Initiation = qr.Static
	case f.dynamic:
		m.Initiation = qr.Dynamic
	}
	if m.Tip, err = parseTip(f.tip, currency); err != nil {
		return m, err
	}
	if m.Language, err = parseLanguage(f.language); err != nil {
		return m, err
	}
	m.Accounts, err = f.templates()
	return m, err
}

func parseTip(s string, c emv.Currency) (t qr.Tip, err error) {
	kind, value, _ := strings.Cut(s, ":")
	switch {
	case s == "":
	case s == "ask":
		t.Kind = qr.TipAsk
	case kind == "fixed":
		t.Kind = qr.TipFixed
		t.Fixed, err = c.Parse(value)
	case kind == "percent":
		t.Kind = qr.TipPercent
		t.Percent, err = emv.Currency{Alpha: "a percentage", Exponent: 2}.Parse(value)
	default:
		err = fmt.Errorf("want ask, fixed:AMOUNT or percent:PERCENTAGE")
	}
	if err != nil {
		return t, fmt.Errorf("--tip %q: %w", s, err)
	}
	return t, nil
}

func parseLanguage(s string) (l qr.Language, err error) {
	if s == "" {
		return l, nil
	}
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return l, fmt.Errorf("--language %q: want CODE:NAME or CODE:NAME:CITY", s)
	}
	l.Code, l.Name = parts[0], parts[1]
	if len(parts) == 3 {
		l.City = parts[2]
	}
	return l, nil
}

// templates are the merchant accounts.
func (f *merchantFlags) templates() ([]qr.Template, error) {
	if len(f.accounts) == 0 {
		return []qr.Template{{ID: 26, GUID: qr.NetworkID, Objects: []qr.Object{{ID: 1, Value: qr.Value(f.merchant)}}}}, nil
	}
	var list []qr.Template
	for _, account := range f.accounts {
		var t qr.Template
		for i, part := range strings.Split(account, ",") {
			number, value, ok := strings.Cut(part, "=")
			id, err := strconv.ParseUint(number, 10, 8)
			if !ok || err != nil || len(number) != 2 || value == "" {
				return nil, fmt.Errorf("--account: part %d is no ID=VALUE with two digits of ID, such as 26=%s,01=%s", i+1, qr.NetworkID, f.merchant)
			}
			switch {
			case i == 0 && id < 26:
				t.ID, t.Value = qr.ID(id), qr.Value(value)
			case i == 0:
				t.ID, t.GUID = qr.ID(id), value
			default:
				t.Objects = append(t.Objects, qr.Object{ID: qr.ID(id), Value: qr.Value(value)})
			}
		}
		slices.SortFunc(t.Objects, func(a, b qr.Object) int { return int(a.ID) - int(b.ID) })
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b qr.Template) int { return int(a.ID) - int(b.ID) })
	return list, nil
}
