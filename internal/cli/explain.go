package cli

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tapsim/iso8583"
	"tapsim/issuer"
	"tapsim/sim"
	"tapsim/transcript"
)

// storyJSON is the output of `tapsim explain payment --json`: null for what a
// party does not know of.
type storyJSON struct {
	Verdict sim.Verdict `json:"verdict"`
	sim.Story
}

// candidatesJSON is the output for an identifier of several payments.
type candidatesJSON struct {
	Candidates []candidateJSON `json:"candidates"`
}

type candidateJSON struct {
	IDs     []string  `json:"ids"` // each names the payment alone
	Time    time.Time `json:"time"`
	Amount  string    `json:"amount"`
	Outcome string    `json:"outcome"`
}

func (a *app) explainCommand() *cobra.Command {
	f := &walletFlags{}
	c := &cobra.Command{
		Use:     "explain",
		Short:   "Why a payment went as it did",
		Long:    "Tell what phone, point of sale and bank remember of a payment.",
		Example: "  tapsim explain payment 12",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	flags := c.PersistentFlags()
	flags.StringVar(&f.seed, "seed", "", "number that makes the run repeatable: all randomness comes from it")
	flags.StringVar(&f.now, "now", "", "the phone's and the bank's clock, such as 2030-01-01T12:00:00Z, instead of now")
	flags.StringVar(&f.state, "state", "", "folder for what phone, terminal and bank remember (default the user's data folder)")
	flags.StringVar(&f.bank, "bank", "", "configuration of the bank (default the demo bank)")
	f.service.register(flags)
	f.spare = true
	c.AddCommand(a.explainPayment(f), a.explainPayments(f))
	return c
}

func (a *app) explainPayment(f *walletFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "payment ID", Short: "One payment's whole story, in order", Args: arguments(1, 1, "the number of a payment"),
		Long: `Tell one payment's whole story in order: how the wallet stood, the bytes between card
and terminal, the terminal's decisions, the authorisation, each step of the bank's
check, monitoring, the ledger; and of one that failed, why, and what to do.

ID is the bank's number ('tapsim bank payments'), a trace number of six digits (STAN),
CARD/COUNTER ('tapsim wallet history'), or last; 'tapsim explain payments' lists some.
What fits several payments lists them. The point of sale remembers its last 200
payments, the bank the checks of its last 1000.

With --service the bank's part comes from a running 'tapsim issuer --http': name it for
payments that were made with 'pay --issuer', or while it has the state folder. It needs
a key with the right bank; with a phone's key the story is told without that part.

With --json: verdict (outcome; of a failure where it failed, a cause in one word,
reason, advice), ids, wallet, history, point_of_sale, bank; null for what one does
not know of. Where is phone, "point of sale", network or bank. Causes:
` + wrapped(strings.Join(sim.Causes(), ", "), 80) + `.`,
		Example: "  tapsim explain payment last\n  tapsim explain payment 12\n  tapsim explain payment visa-1/3 --json\n  tapsim explain payment pos-7 --service http://127.0.0.1:8580",
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		return a.withPhone(c.Context(), f, "explain", func(p *sim.Phone) error { return a.tellStory(c.Context(), p, args[0]) })
	}
	return c
}

func (a *app) explainPayments(f *walletFlags) *cobra.Command {
	most := 0
	c := &cobra.Command{
		Use: "payments", Short: "The latest payments, with what names them", Args: cobra.NoArgs,
		Long: `List the latest payments that the point of sale or the wallet remembers, with what names
each for 'tapsim explain payment'. The bank is not asked: 'tapsim bank payments' lists an
account's.`,
		Example: "  tapsim explain payments --last 5",
	}
	c.Flags().IntVar(&most, "last", 20, "how many, 1 to 1000")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if most < 1 || most > 1000 {
			return fmt.Errorf("--last %d: want 1 to 1000", most)
		}
		return a.withPhone(c.Context(), f, "explain", func(p *sim.Phone) error {
			a.pollIfItCan(c.Context(), p)
			list, err := p.LatestStories(most)
			if err != nil {
				return err
			}
			return a.listStories(list)
		})
	}
	return c
}

// pollIfItCan brings the wallet's news. Without them, what is remembered is told all
// the same.
func (a *app) pollIfItCan(ctx context.Context, p *sim.Phone) {
	if err := a.poll(ctx, p); err != nil {
		fmt.Fprintln(a.errw, "tapsim:", err)
	}
}

func (a *app) tellStory(ctx context.Context, p *sim.Phone, id string) error {
	a.pollIfItCan(ctx, p)
	found, err := p.Stories(ctx, id)
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return &issuer.Refusal{
			Code: "unknown-payment", Text: "nobody remembers a payment " + id, Hint: "see 'tapsim explain payments', 'tapsim bank payments' and 'tapsim wallet history'",
		}
	case len(found) > 1:
		return a.listCandidates(id, found)
	}
	story := storyJSON{found[0].Verdict(), found[0]}
	if a.json {
		return a.printJSON(story)
	}
	_, err = a.out.Write(story.appendText(nil, a.style()))
	return err
}

func (a *app) listCandidates(id string, found []sim.Story) error {
	if !a.json {
		fmt.Fprintf(a.errw, "tapsim: %s fits %d payments; name one:\n", id, len(found))
	}
	return a.listStories(found)
}

// listStories lists payments with what names them.
func (a *app) listStories(found []sim.Story) error {
	list := candidatesJSON{[]candidateJSON{}}
	for n := range found {
		s := &found[n]
		list.Candidates = append(list.Candidates, candidateJSON{s.IDs, s.Time, amountOf(s), s.Verdict().Outcome})
	}
	if a.json {
		return a.printJSON(list)
	}
	return a.table(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "ID\tTIME\tAMOUNT\tRESULT")
		for _, c := range list.Candidates {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", strings.Join(c.IDs, " "), c.Time.Format(time.DateTime), c.Amount, c.Outcome)
		}
	})
}

// amountOf is the amount as whoever knows it has it.
func amountOf(s *sim.Story) string {
	switch {
	case s.Slip != nil:
		return s.Slip.Currency + " " + s.Slip.Amount
	case s.Bank != nil:
		return s.Bank.Currency + " " + s.Bank.Requested
	}
	return strings.TrimSpace(s.Entry.Currency + " " + s.Entry.Amount)
}

// appendText appends the story for people.
func (j *storyJSON) appendText(dst []byte, s transcript.Style) []byte {
	v := &j.Verdict
	dst = append(dst, painted(s, transcript.RoleTitle, strings.TrimRight(fmt.Sprintf("%s: %s, %s", v.Outcome, amountOf(&j.Story), j.place()), ", "))+"\n"...)
	dst = appendVerdict(dst, v)
	dst = fmt.Appendf(dst, "  %-10s  %s\n", "known as", strings.Join(j.IDs, ", "))
	dst = j.appendWallet(dst, s)
	dst = j.appendTill(dst, s)
	return j.appendBank(dst, s)
}

// appendVerdict appends why a payment failed, and what its customer can do.
func appendVerdict(dst []byte, v *sim.Verdict) []byte {
	if v.Reason != "" {
		where := v.Where
		if v.Cause != "" {
			where += ", " + v.Cause
		}
		dst = fmt.Appendf(dst, "  %-10s  %s%s\n", "why", shown(v.Reason), mark(where != "", " ("+where+")"))
	}
	if v.Advice != "" {
		dst = fmt.Appendf(dst, "  %-10s  %s\n", "what to do", v.Advice)
	}
	return dst
}

// place is where and when.
func (j *storyJSON) place() string {
	merchant, channel := "", ""
	switch {
	case j.Slip != nil:
		merchant, channel = j.Slip.Merchant, j.Slip.Channel
	case j.Bank != nil:
		merchant, channel = j.Bank.Merchant, j.Bank.Channel
	case j.Entry != nil:
		merchant, channel = j.Entry.Merchant, j.Entry.Channel
	}
	text := j.Time.Format(time.DateTime)
	if merchant != "" {
		text = shown(merchant) + ", " + text
	}
	return text + mark(channel != "", ", "+channel)
}

// appendWallet appends how the wallet stood.
func (j *storyJSON) appendWallet(dst []byte, s transcript.Style) []byte {
	l := j.Look
	if l == nil && j.Entry == nil {
		return dst
	}
	dst = section(dst, s, "The wallet")
	if l != nil {
		dst = fmt.Appendf(dst, "  %-12s  %s%s, %s\n", "card", l.Card, mark(l.Default, ", the default"), l.Status)
		if l.Stopped != "" {
			dst = fmt.Appendf(dst, "  %-12s  %s\n", "cannot pay", l.Stopped)
		}
		lock := "there is no passcode"
		if l.Passcode {
			lock = map[bool]string{true: "unlocked", false: "locked"}[l.Unlocked]
		}
		dst = fmt.Appendf(dst, "  %-12s  %s\n", "passcode", lock)
		dst = fmt.Appendf(dst, "  %-12s  good for %d payments, %d more when unlocked\n", "keys", l.Keys.Ready, l.Keys.Sealed)
		if l.Refused != "" {
			dst = fmt.Appendf(dst, "  %-12s  %s\n", "refused", l.Refused)
		}
	}
	if e := j.Entry; e != nil {
		dst = fmt.Appendf(dst, "  %-12s  counter %d, %s%s\n", "history", e.ATC, e.State, mark(e.Coupon != "", ", coupon "+e.Coupon))
	}
	return dst
}

// appendTill appends what the point of sale saw and decided.
func (j *storyJSON) appendTill(dst []byte, s transcript.Style) []byte {
	x := j.Slip
	if x == nil {
		return append(section(dst, s, "Point of sale"), "  remembers nothing of it\n"...)
	}
	if len(x.Exchange) > 0 {
		dst = section(dst, s, "Card and terminal")
	}
	for _, e := range x.Exchange {
		answer := e.Response
		if answer == "" {
			answer = "(the card was gone)"
		}
		dst = fmt.Appendf(dst, "  %s\n    > %s\n    < %s\n      %s\n", painted(s, transcript.RoleTitle, e.Name), e.Command, answer, e.Status)
	}
	dst = section(dst, s, "Point of sale")
	for _, step := range x.Steps {
		dst = fmt.Appendf(dst, "  %s\n", strings.TrimSpace(painted(s, transcript.RoleDim, fmt.Sprintf("%-26s", step.Rule))+"  "+step.Text))
	}
	for _, text := range x.Display {
		dst = fmt.Appendf(dst, "  %-26s  %q\n", "display", text)
	}
	dst = fmt.Appendf(dst, "  %-26s  %s%s\n", "outcome", x.Outcome, mark(x.Detail != "", ": "+x.Detail))
	if x.Reversal {
		dst = append(dst, "  a reversal was queued: nothing is charged\n"...)
	}
	for _, m := range []struct {
		title  string
		fields []iso8583.Field
	}{{"Authorisation request", x.Request}, {"Answer", x.Response}} {
		if len(m.fields) == 0 {
			continue
		}
		dst = section(dst, s, m.title)
		for _, f := range m.fields {
			dst = append(dst, strings.TrimRight(fmt.Sprintf("  %s  %-34s  %-20s  %s", painted(s, transcript.RoleTag, fmt.Sprintf("%3d", f.Number)), f.Name, f.Value, f.Text), " ")+"\n"...)
		}
	}
	return dst
}

// appendBank appends what the bank checked, told and booked.
func (j *storyJSON) appendBank(dst []byte, s transcript.Style) []byte {
	b := j.Bank
	dst = section(dst, s, "The bank's check")
	switch {
	case b == nil && j.Unasked != "":
		return fmt.Appendf(dst, "  not asked: %s\n", j.Unasked)
	case b == nil:
		return append(dst, "  the bank knows nothing of it\n"...)
	}
	if len(b.Checks) == 0 {
		dst = append(dst, "  its steps were not kept\n"...)
	}
	dst = appendReport(dst, &issuer.Report{Steps: b.Checks, Code: issuer.Code(b.ResponseCode), Meaning: b.Meaning}, s)
	dst = section(dst, s, "Monitoring")
	for _, alert := range b.Alerts {
		dst = fmt.Appendf(dst, "  %-18s  %s\n", alert.Rule, shown(alert.Text))
	}
	if len(b.Alerts) == 0 {
		dst = append(dst, "  no rule was met\n"...)
	}
	dst = section(dst, s, "Ledger")
	dst = fmt.Appendf(dst, "  %-18s  %s, %s %s, of which fee %s\n", b.Event, b.State, b.Billing, b.Billed, b.Fee)
	if b.Related != 0 && b.Related < b.ID {
		dst = fmt.Appendf(dst, "  about payment %d: tapsim explain payment %d\n", b.Related, b.Related)
	}
	dst = appendEntries(dst, b.Entries, b.ID)
	for _, l := range b.Later {
		dst = fmt.Appendf(dst, "  later: payment %d, %s, %s, %s %s\n", l.ID, l.Event, l.State, l.Currency, l.Requested)
		dst = appendEntries(dst, b.Entries, l.ID)
	}
	return dst
}

// appendEntries appends the entries that were booked with one record.
func appendEntries(dst []byte, entries []issuer.LedgerLine, payment int64) []byte {
	for _, e := range entries {
		if e.Payment == payment {
			dst = fmt.Appendf(dst, "  %-18s  %14s %s\n", e.Account, e.Amount, e.Currency)
		}
	}
	return dst
}

// wrapped breaks a text between words into lines of at most so many characters.
func wrapped(text string, most int) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
		case column+1+len(word) > most:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
