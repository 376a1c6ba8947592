package terminal

import (
	"context"
	"errors"
	"fmt"

	"tapsim/iso8583"
)

// Deliver sends what waits in the journal, oldest first, each at most once,
// and returns how many messages the host took. It stops with an error at the
// first that the host does not answer or asks to have again later; that
// message, and what comes after, stays. A second attempt carries the repeat's
// message type and the same numbers.
func (t *Terminal) Deliver(ctx context.Context) (int, error) {
	if t.env.Journal == nil {
		return 0, nil
	}
	pending, err := t.env.Journal.Pending()
	if err != nil || len(pending) == 0 {
		return 0, err
	}
	if t.env.Host == nil {
		return 0, errors.New("this terminal has no host")
	}
	for n, e := range pending {
		if err := t.deliver(ctx, &e); err != nil {
			return n, fmt.Errorf("%d of %d messages still wait: %w", len(pending)-n, len(pending), err)
		}
	}
	return len(pending), nil
}

func (t *Terminal) deliver(ctx context.Context, e *Entry) error {
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
	if err != nil {
		return err
	}
	if answer.ResponseCode == "91" || answer.ResponseCode == "96" {
		return fmt.Errorf("the host answered %s %s: try later", m.MTI, answer.ResponseCode)
	}
	return t.env.Journal.Remove(e.ID)
}
