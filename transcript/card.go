package transcript

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"tapsim/apdu"
)

// StrictCard plays the card of a recording: it answers each command with the
// recorded answer when the command is the recorded one, byte for byte and in
// order. Anything else is a *Mismatch, and stays one: the replay is over. Call
// Finish at the end, since a program may take an error for a card that left.
//
// "> ?" matches any command. "< !" answers with apdu.ErrLost, and so does
// every command after "! tear" until Reset. A "! reset" of the recording wants
// Reset to be called there, and a Reset between two commands wants a "! reset".
// "! wait" lets time pass through Wait, when that is set.
type StrictCard struct {
	Wait func(time.Duration)
	// Substitute, when not nil, lets some values of commands differ.
	Substitute *Substitutes

	t         *Transcript
	exchanges []Exchange
	line      int // of t.Lines, the next to play
	done      int // exchanges played
	torn      bool
	reset     bool // the field went off and on since the last command
	err       error
	busy      atomic.Bool
}

// NewStrictCard makes a card of a recording.
func NewStrictCard(t *Transcript) *StrictCard {
	return &StrictCard{t: t, exchanges: t.Exchanges()}
}

// Transceive answers one command.
func (c *StrictCard) Transceive(ctx context.Context, command []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !c.busy.CompareAndSwap(false, true) {
		return nil, apdu.ErrBusy
	}
	defer c.busy.Store(false)
	answer, err := c.play(command)
	if err == nil && ctx.Err() != nil {
		return nil, ctx.Err() // too late: time passed in the recording
	}
	return answer, err
}

// play answers one command by the recording.
func (c *StrictCard) play(command []byte) ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	l := c.next()
	for c.done == 0 && l != nil && l.Kind == Reset { // before the first command
		c.line++
		l = c.next()
	}
	if m := c.comeBack(&l); m != nil {
		return nil, c.fail(m)
	}
	switch {
	case c.torn && (l == nil || l.Kind == Reset):
		return nil, apdu.ErrLost
	case l == nil || l.Kind == Reset:
		return nil, c.fail(c.unexpected(command, l))
	case l.Kind == Command && !bytes.Equal(l.Bytes, command) && !c.Substitute.command(c.t, c.done, command):
		return nil, c.fail(commandMismatch(c.t, c.exchanges, c.done, command))
	}
	x := c.exchanges[c.done]
	c.done++
	c.line++
	answer := c.next()
	c.line++
	switch {
	case answer.Kind == Lost:
		return nil, apdu.ErrLost
	case c.torn:
		return nil, c.fail(&Mismatch{File: c.t.Name, Exchange: x.Number, Line: x.Line, Offset: -1, Reason: "the recording has an answer after `! tear`; write `< !`"})
	}
	return bytes.Clone(c.Substitute.recompute(c.t, c.done-1, command, x.Response)), nil
}

// next is the next line that is a command, an answer or a reset; what stands
// before it happens. It is nil at the end.
func (c *StrictCard) next() *Line {
	for ; c.line < len(c.t.Lines); c.line++ {
		switch l := &c.t.Lines[c.line]; l.Kind {
		case Blank, Comment, Verify:
		case Tear:
			c.torn = true
		case Wait:
			if c.Wait != nil {
				c.Wait(l.Wait)
			}
		default:
			return l
		}
	}
	return nil
}

// Reset switches the field off and on, as a reader does between two taps. It
// counts when a command follows; before the first command it means nothing.
func (c *StrictCard) Reset() { c.reset = c.done > 0 }

// comeBack matches a reset of the field with the recording's.
func (c *StrictCard) comeBack(l **Line) *Mismatch {
	if !c.reset {
		return nil
	}
	c.reset = false
	if *l == nil || (*l).Kind != Reset {
		return &Mismatch{File: c.t.Name, Exchange: c.done + 1, Offset: -1,
			Reason: "the terminal switched the field off and on; the recording has no `! reset` here"}
	}
	c.line++
	c.torn = false
	*l = c.next()
	return nil
}

// Activate and Off make the card a reader's field with the card in it.
func (c *StrictCard) Activate(ctx context.Context) (apdu.Transceiver, error) { return c, ctx.Err() }

// Off switches the field off; the time that passes is the recording's.
func (c *StrictCard) Off(ctx context.Context, _ time.Duration) error {
	c.next()
	c.Reset()
	return ctx.Err()
}

// Finish says whether the recording was played to its end: it returns the
// first mismatch, or one that names the exchanges left over.
func (c *StrictCard) Finish() error {
	if c.err != nil {
		return c.err
	}
	switch l := c.next(); {
	case l == nil:
		return nil
	case l.Kind == Reset:
		return c.fail(&Mismatch{File: c.t.Name, Exchange: c.done + 1, Offset: -1,
			Reason: "left over: the terminal stopped, and the recording goes on with `! reset`"})
	}
	m := mismatchAt(c.t, c.exchanges, c.done)
	m.Offset = -1
	m.Reason = fmt.Sprintf("left over: the terminal stopped before it; %s of the recording not played", plural(len(c.exchanges)-c.done, "exchange"))
	return c.fail(m)
}

func (c *StrictCard) unexpected(command []byte, l *Line) *Mismatch {
	m := &Mismatch{File: c.t.Name, Exchange: c.done + 1, Offset: -1, Name: nameOf(command)}
	m.Reason = fmt.Sprintf("not recorded: the recording ends after %s", plural(c.done, "exchange"))
	if l != nil {
		m.Reason = "not recorded: the recording has `! reset` here, the terminal sent a command"
	}
	return m
}

func (c *StrictCard) fail(m *Mismatch) error {
	c.err = m
	return m
}
