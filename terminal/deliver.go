package terminal

import (
	"context"
	"errors"
	"fmt"

	"tapsim/iso8583"
)

// Delivery is what became of the messages that waited in the journal.
type Delivery struct {
	Taken int // by the host
	// Refused are reversals that the host answered with no. They stay, and are
	// sent again with the next delivery: money may depend on them, and somebody
	// has to look into it.
	Refused []Refusal
	// Parked are advices that the host answered with no: that is its answer, and
	// to send them again changes nothing. They stay in the journal's report.
	Parked []Refusal
	// Elsewhere are messages that wait for other hosts.
	Elsewhere []Entry
}

// Refusal is a message with the response code that refused it.
type Refusal struct {
	Entry
	Code string
}

// maxRefused is how many refused reversals may wait. A terminal that reaches it
// takes no more payments: with every one the damage could grow.
const maxRefused = 20

// Deliver sends what waits in the journal for this terminal's host, oldest first,
// each at most once. It stops with an error at the first that the host does not
// answer or asks to have again later; that message, and what comes after, stays.
// A second attempt carries the repeat's message type and the same numbers.
func (t *Terminal) Deliver(ctx context.Context) (d Delivery, err error) {
	if t.env.Journal == nil {
		return d, nil
	}
	pending, err := t.env.Journal.Pending()
	if err != nil {
		return d, err
	}
	var ours []Entry
	for _, e := range pending {
		if e.Host == t.env.HostName {
			ours = append(ours, e)
		} else {
			d.Elsewhere = append(d.Elsewhere, e)
		}
	}
	if len(ours) > 0 && t.env.Host == nil {
		return d, errors.New("this terminal has no host")
	}
	for n := range ours {
		if err := t.deliver(ctx, &ours[n], &d); err != nil {
			return d, fmt.Errorf("%d of %d messages still wait: %w", len(ours)-d.Taken-len(d.Parked), len(ours), err)
		}
	}
	return d, nil
}

func (t *Terminal) deliver(ctx context.Context, e *Entry, d *Delivery) error {
	m := &e.Message
	if e.Sent {
		m = iso8583.Repeat(m)
	}
	if err := t.env.Journal.Sending(e.ID); err != nil {
		return err
	}
	answer, err := t.env.Host.Exchange(ctx, m)
	if err == nil {
		err = answers(answer, m)
	}
	switch {
	case err != nil:
		return err
	case settled(m.MTI, answer.ResponseCode):
		d.Taken++
		return t.env.Journal.Remove(e.ID)
	case busy(answer.ResponseCode):
		return fmt.Errorf("the host answered %s %s: try later", m.MTI, answer.ResponseCode)
	case advises(m.MTI):
		d.Parked = append(d.Parked, Refusal{*e, answer.ResponseCode})
		return t.env.Journal.Park(e.ID, answer.ResponseCode)
	}
	d.Refused = append(d.Refused, Refusal{*e, answer.ResponseCode})
	if len(d.Refused) == maxRefused {
		return fmt.Errorf("the host refused %d of them, the last with %s", maxRefused, codeText(answer.ResponseCode))
	}
	return nil
}

// advises is true for an advice of what has happened. A reversal is none, though
// 0420 is called an advice: it has to be taken.
func advises(mti iso8583.MTI) bool {
	answer := mti.Response()
	return answer == iso8583.AuthorisationAdviceResponse || answer == iso8583.FinancialAdviceResponse
}

// settled is true for the codes that end the matter: done, done before, and for
// a reversal that there is nothing to undo.
func settled(mti iso8583.MTI, code string) bool {
	switch code {
	case "00", "94":
		return true
	case "25", "76": // the original is not found: ISO 8583:1987, and Visa
		return mti.Response() == iso8583.ReversalResponse || mti.Response() == iso8583.ReversalAdviceResponse
	}
	return false
}

// busy is true for the codes of a host that cannot decide now: cut-over, no
// issuer, malfunction.
func busy(code string) bool { return code == "90" || code == "91" || code == "96" }
