package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tapsim/internal/httpapi"
	"tapsim/issuer"
)

// bankReportCommands are the verbs that look back.
func (a *app) bankReportCommands(f *bankFlags) []*cobra.Command {
	return []*cobra.Command{a.bankStatement(f), a.bankSpending(f), a.bankInbox(f), a.bankAlerts(f), a.bankAudit(f)}
}

func (a *app) bankStatement(f *bankFlags) *cobra.Command {
	var month, format, output string
	c := &cobra.Command{
		Use: "statement ACCOUNT", Short: "The statement of a month: every movement, and the balance after it", Args: arguments(1, 1, "an account"),
		Long:    "Print the statement of a month (UTC). Holds are listed apart: no money has moved yet.",
		Example: "  tapsim bank statement DEMO-0001\n  tapsim bank statement DEMO-0001 --month 2030-01 --format html --output january.html",
	}
	c.Flags().StringVar(&month, "month", "", "such as 2030-01 (default this month)")
	c.Flags().StringVar(&format, "format", "table", "table, csv or html")
	c.Flags().StringVar(&output, "output", "", "file to write to (default standard output)")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.Statement, error) {
		if statementFormats[format] == nil {
			return issuer.Statement{}, fmt.Errorf("--format %q: want table, csv or html", format)
		}
		return b.Statement(ctx, args[0], month)
	}, func(s issuer.Statement) error {
		var text bytes.Buffer
		if err := statementFormats[format](&text, &s); err != nil {
			return err
		}
		return a.writeOutput(output, text.Bytes())
	})
}

// writeOutput writes to a file, or to standard output for "".
func (a *app) writeOutput(name string, data []byte) error {
	if name == "" {
		_, err := a.out.Write(data)
		return err
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		return fmt.Errorf("cannot write %s: %w", name, bare(err))
	}
	fmt.Fprintln(a.errw, "tapsim: wrote", name)
	return nil
}

var statementFormats = map[string]func(*bytes.Buffer, *issuer.Statement) error{
	"table": statementTable, "csv": statementCSV, "html": statementHTML,
}

func statementTable(out *bytes.Buffer, s *issuer.Statement) error {
	fmt.Fprintf(out, "Account %s, %s, %s\n\n", s.Account, s.Currency, s.Month)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "DATE\tPAYMENT\tEVENT\tTEXT\t%14s\t%14s\n", "AMOUNT", "BALANCE")
	fmt.Fprintf(w, "\t\topening balance\t\t%14s\t%14s\n", "", s.Opening)
	for _, l := range s.Lines {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%14s\t%14s\n", l.Time.Format("01-02"), l.Payment, l.Event, shown(statementText(&l)), l.Amount, l.Balance)
	}
	fmt.Fprintf(w, "\t\tclosing balance\t\t%14s\t%14s\n", "", s.Closing)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nIn %s, out %s.\n", s.In, s.Out)
	for _, p := range s.Pending {
		fmt.Fprintf(out, "On hold since %s: %s %s, payment %d, %s\n", p.Time.Format("2006-01-02"), p.Billed, p.Billing, p.ID, shown(p.Merchant))
	}
	return nil
}

// statementText is what a line says besides numbers.
func statementText(l *issuer.StatementLine) string {
	text := l.Text
	if l.Original != "" {
		text += " (" + l.Original + ")"
	}
	if l.Fee != "" {
		text += " fee " + l.Fee
	}
	if l.Channel == issuer.ChannelQR || l.Channel == issuer.ChannelInApp {
		text += ", " + l.Channel
	}
	return strings.TrimSpace(text)
}

func statementCSV(out *bytes.Buffer, s *issuer.Statement) error {
	w := csv.NewWriter(out)
	rows := [][]string{{"time", "payment", "event", "text", "category", "country", "original", "fee", "amount", "balance", "currency", "channel"}}
	for _, l := range s.Lines {
		rows = append(rows, []string{
			l.Time.Format(time.RFC3339), fmt.Sprint(l.Payment), l.Event, cell(shown(l.Text)), l.Category, l.Country, l.Original, l.Fee, l.Amount, l.Balance, s.Currency, l.Channel,
		})
	}
	return w.WriteAll(rows)
}

// cell keeps text of others from being a formula where the file is opened.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

var statementPage = template.Must(template.New("statement").Funcs(template.FuncMap{"text": statementText}).Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Statement {{.Account}} {{.Month}}</title>
<style>body{font:15px/1.4 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd}.n{text-align:right;font-variant-numeric:tabular-nums}tr.sum td{font-weight:600}</style></head>
<body><h1>Statement {{.Month}}</h1><p>Account {{.Account}}, {{.Currency}}. In {{.In}}, out {{.Out}}.</p>
<table><thead><tr><th>Date</th><th>Payment</th><th>Event</th><th>Text</th><th class="n">Amount</th><th class="n">Balance</th></tr></thead><tbody>
<tr class="sum"><td colspan="5">Opening balance</td><td class="n">{{.Opening}}</td></tr>
{{range .Lines}}<tr><td>{{.Time.Format "2006-01-02 15:04"}}</td><td>{{.Payment}}</td><td>{{.Event}}</td><td>{{text .}}</td><td class="n">{{.Amount}}</td><td class="n">{{.Balance}}</td></tr>
{{end}}<tr class="sum"><td colspan="5">Closing balance</td><td class="n">{{.Closing}}</td></tr></tbody></table>
{{if .Pending}}<h2>On hold</h2><table><tbody>{{range .Pending}}<tr><td>{{.Time.Format "2006-01-02 15:04"}}</td><td>{{.ID}}</td><td>{{.Merchant}}</td><td class="n">{{.Billed}} {{.Billing}}</td></tr>
{{end}}</tbody></table>{{end}}</body></html>
`))

func statementHTML(out *bytes.Buffer, s *issuer.Statement) error {
	lines := make([]*issuer.StatementLine, len(s.Lines))
	for n := range s.Lines {
		lines[n] = &s.Lines[n]
	}
	return statementPage.Execute(out, struct {
		*issuer.Statement
		Lines []*issuer.StatementLine
	}{s, lines})
}

func (a *app) bankSpending(f *bankFlags) *cobra.Command {
	var r issuer.SpendingRequest
	var month, chart string
	c := &cobra.Command{
		Use: "spending ACCOUNT", Short: "What was spent, by category, merchant, month, country or channel", Args: arguments(1, 1, "an account"),
		Long: `Add up what an account spent, by category, merchant, month, country or channel
(contactless, qr, in-app); what went back is taken off. The sums agree with the
statements of the same months. With --chart it also draws: the file's name says how
(.svg, .html, .png).`,
		Example: "  tapsim bank spending DEMO-0001\n  tapsim bank spending DEMO-0001 --by month --from 2030-01 --to 2030-06\n  tapsim bank spending DEMO-0001 --chart spending.svg",
	}
	c.Flags().StringVar(&r.By, "by", "category", "category, merchant, month, country or channel")
	c.Flags().StringVar(&month, "month", "", "such as 2030-01 (default this month)")
	c.Flags().StringVar(&r.From, "from", "", "first month")
	c.Flags().StringVar(&r.To, "to", "", "last month (default this month)")
	c.Flags().StringVar(&chart, "chart", "", "file to draw to: .svg, .html or .png")
	c.MarkFlagsMutuallyExclusive("month", "from")
	c.MarkFlagsMutuallyExclusive("month", "to")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.Spending, error) {
		if r.Account = args[0]; month != "" {
			r.From, r.To = month, month
		}
		draw, err := chartFormat(chart)
		if err != nil {
			return issuer.Spending{}, err
		}
		s, err := b.Spending(ctx, r)
		if err == nil && draw != nil {
			var picture []byte
			if picture, err = draw(&s); err == nil {
				err = a.writeOutput(chart, picture)
			}
		}
		return s, err
	}, a.showSpending)
}

// chartFormat finds how to draw by a file's name; nil for none.
func chartFormat(name string) (func(*issuer.Spending) ([]byte, error), error) {
	if name == "" {
		return nil, nil
	}
	draw := chartFormats[strings.ToLower(filepath.Ext(name))]
	if draw == nil {
		return nil, fmt.Errorf("--chart %s: want a name that ends in .svg, .html or .png", name)
	}
	return draw, nil
}

// barWidth is the longest bar in the terminal, in characters.
const barWidth = 32

func (a *app) showSpending(s issuer.Spending) error {
	most := largest(&s)
	return a.table(func(w *tabwriter.Writer) {
		fmt.Fprintf(w, "%s\t%14s\tSHARE\t\n", strings.ToUpper(s.By), "SPENT ("+s.Currency+")")
		for _, g := range s.Groups {
			bar := strings.Repeat("█", int(max(0, g.Minor)*barWidth/most))
			fmt.Fprintf(w, "%s\t%14s\t%3d %%\t%s\n", shown(g.Name), g.Amount, g.Share, bar)
		}
		fmt.Fprintf(w, "total\t%14s\t\t\n", s.Total)
		if s.Held != "0" && strings.Trim(s.Held, "0.") != "" {
			fmt.Fprintf(w, "on hold, not counted\t%14s\t\t\n", s.Held)
		}
	})
}

// largest is the largest group, at least 1.
func largest(s *issuer.Spending) int64 {
	most := int64(1)
	for _, g := range s.Groups {
		most = max(most, g.Minor)
	}
	return most
}

func (a *app) bankInbox(f *bankFlags) *cobra.Command {
	var kind string
	var code bool
	c := &cobra.Command{
		Use: "inbox ACCOUNT", Short: "The bank's messages to a customer: one-time codes, alerts, notices", Args: arguments(1, 1, "an account"),
		Example: "  tapsim bank inbox DEMO-0001\n  tapsim bank inbox DEMO-0001 --kind alert\n  tapsim bank inbox DEMO-0001 --code | tapsim wallet activate visa-1 --code-file -",
	}
	c.Flags().StringVar(&kind, "kind", "", "code, alert or notice (default all)")
	c.Flags().BoolVar(&code, "code", false, "the newest one-time code and nothing else")
	c.MarkFlagsMutuallyExclusive("kind", "code")
	show := bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) ([]issuer.NoticeView, error) {
		if kind != "" && kind != issuer.NoticeCode && kind != issuer.NoticeAlert && kind != issuer.NoticeInfo {
			return nil, fmt.Errorf("--kind %q: want code, alert or notice", kind)
		}
		return b.Inbox(ctx, args[0], kind)
	}, a.showInbox).RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if !code {
			return show(c, args)
		}
		return a.withBank(c.Context(), f, c.Name(), func(b httpapi.Bank) error {
			list, err := b.Inbox(c.Context(), args[0], issuer.NoticeCode)
			if err == nil && len(list) == 0 {
				err = &issuer.Refusal{Code: "no-code", Text: "no code was sent to account " + args[0], Hint: "'tapsim wallet add' asks for one"}
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.out, list[len(list)-1].Code)
			return err
		})
	}
	return c
}

func (a *app) bankAlerts(f *bankFlags) *cobra.Command {
	c := &cobra.Command{Use: "alerts ACCOUNT", Short: "What monitoring saw, and which rule", Args: arguments(1, 1, "an account"), Example: "  tapsim bank alerts DEMO-0001"}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) ([]issuer.NoticeView, error) {
		return b.Inbox(ctx, args[0], issuer.NoticeAlert)
	}, a.showInbox)
}

func (a *app) showInbox(all []issuer.NoticeView) error {
	return a.table(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "TIME\tKIND\tRULE\tPAYMENT\tTEXT")
		for _, n := range all {
			about := ""
			if n.Payment != 0 {
				about = fmt.Sprint(n.Payment)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", n.Time.Format("2006-01-02 15:04"), n.Kind, n.Rule, about, shown(n.Text))
		}
	})
}

func (a *app) bankAudit(f *bankFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "audit", Short: "Add up the books: entries, balances, holds, refunds, disputes", Args: cobra.NoArgs,
		Long: `Add up the books: entries sum to zero in each currency and record, balances, holds,
refunds and disputes are what the entries and records say.`,
		Example: "  tapsim bank audit",
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.withBank(c.Context(), f, c.Name(), func(b httpapi.Bank) error {
			result, err := b.Audit(c.Context())
			switch {
			case err != nil:
				return err
			case a.json:
				err = a.printJSON(result)
			case result.Agree:
				_, err = fmt.Fprintln(a.out, "the books agree")
			}
			if err == nil && !result.Agree {
				err = checkFailed("%s", result.Wrong)
			}
			return err
		})
	}
	return c
}
