package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tapsim/emv"
	"tapsim/internal/statedir"
	"tapsim/iso8583"
	"tapsim/sim"
	"tapsim/terminal"
)

// journalEntry is a message in the terminal's journal, as `tapsim journal --json`
// lists it.
type journalEntry struct {
	Type         string  `json:"type"` // message type indicator
	Text         string  `json:"text"`
	Host         string  `json:"host"` // "" is the bank in process
	STAN         string  `json:"stan"`
	Time         string  `json:"time"`          // field 7, MMDDhhmmss UTC
	Account      string  `json:"account"`       // masked
	Amount       int64   `json:"amount"`        // minor units
	Currency     string  `json:"currency"`      // ISO 4217, three digits
	Sent         bool    `json:"sent"`          // a delivery began
	ResponseCode *string `json:"response_code"` // with which the host refused it
}

// journalJSON is the output of `tapsim journal --json`.
type journalJSON struct {
	Waiting []journalEntry `json:"waiting"`
	Refused []journalEntry `json:"refused"`
}

func (a *app) journalCommand() *cobra.Command {
	var state string
	var forget bool
	c := &cobra.Command{
		Use:   "journal",
		Short: "What the terminal has still to tell its host, and what the host refused",
		Long: `List the terminal's journal: reversals and advices that wait for the host and go
out before the next online payment, and advices that the host refused. Those are
not sent again: their money is missing until somebody has looked into it.
--forget-refused takes them off the list.`,
		Example: "  tapsim journal\n  tapsim journal --json\n  tapsim journal --forget-refused",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.journal(state, forget) },
	}
	c.Flags().StringVar(&state, "state", "", "folder for what the terminal remembers (default the user's data folder)")
	c.Flags().BoolVar(&forget, "forget-refused", false, "list the refused messages and forget them")
	return c
}

func (a *app) journal(state string, forget bool) (err error) {
	if state == "" {
		if state, err = statedir.Default(); err != nil {
			return err
		}
	}
	j, err := sim.OpenJournal(sim.Options{State: state, Holder: "tapsim journal"})
	if err != nil {
		return err
	}
	waiting, err := j.Pending()
	refused, perr := j.Parked()
	if err = errors.Join(err, perr); err == nil {
		err = a.printJournal(waiting, refused)
	}
	if err == nil && forget {
		for _, r := range refused {
			err = errors.Join(err, j.Remove(r.ID))
		}
	}
	return errors.Join(err, j.Close())
}

func (a *app) printJournal(waiting []terminal.Entry, refused []terminal.Refusal) error {
	out := journalJSON{Waiting: []journalEntry{}, Refused: []journalEntry{}}
	for _, e := range waiting {
		out.Waiting = append(out.Waiting, newJournalEntry(&e))
	}
	for _, r := range refused {
		e := newJournalEntry(&r.Entry)
		e.ResponseCode = some(r.Code)
		out.Refused = append(out.Refused, e)
	}
	if a.json {
		return a.printJSON(out)
	}
	text := fmt.Appendf(nil, "waiting: %d\n", len(out.Waiting))
	for _, e := range out.Waiting {
		text = e.appendText(text)
	}
	text = fmt.Appendf(text, "refused: %d\n", len(out.Refused))
	for _, e := range out.Refused {
		text = e.appendText(text)
	}
	_, err := a.out.Write(text)
	return err
}

func newJournalEntry(e *terminal.Entry) journalEntry {
	m := &e.Message
	out := journalEntry{
		Type: string(m.MTI), Text: m.MTI.Text(), Host: e.Host, STAN: m.STAN, Time: m.TransmissionTime,
		Account: emv.PAN(m.PAN).Masked(), Currency: m.Currency, Sent: e.Sent,
	}
	if m.Amount != nil {
		out.Amount = *m.Amount
	}
	return out
}

func (e *journalEntry) appendText(dst []byte) []byte {
	dst = fmt.Appendf(dst, "  %s %s, trace number %s of %s UTC, %s, %d minor units of currency %s", e.Type, e.Text, e.STAN, e.Time, e.Account, e.Amount, e.Currency)
	if e.Host != "" {
		dst = fmt.Appendf(dst, ", for %s", e.Host)
	}
	if e.ResponseCode != nil {
		dst = fmt.Appendf(dst, ": refused with %s", withText(*e.ResponseCode))
	}
	return append(dst, '\n')
}

// withText is a response code with its meaning.
func withText(code string) string {
	if text := iso8583.ResponseText(code); text != "" {
		return code + " " + text
	}
	return code
}
