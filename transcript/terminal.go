package transcript

import (
	"bytes"
	"fmt"
	"time"

	"tapsim/apdu"
)

// Terminal plays the terminal of a recording: it sends the recorded commands
// to a card and compares the answers byte by byte.
type Terminal struct {
	Card apdu.Responder
	// Deactivated, when not nil, is told when the card loses power: at
	// "! tear", at "! reset", and after a command whose answer was lost.
	Deactivated func()
	// Wait, when not nil, lets time pass for "! wait".
	Wait func(time.Duration)
	// Verified, when not nil, unlocks the phone for "! verify".
	Verified func()
	// Substitute, when not nil, lets some values of answers differ.
	Substitute *Substitutes
}

// Replay plays a recording. The first answer that differs from the recorded
// one is a *Mismatch, and so is a command that the recording hides. After
// "< !" the card has seen the command and lost power; between "! tear" and
// "! reset" no command reaches it.
func (p Terminal) Replay(t *Transcript) error {
	exchanges := t.Exchanges()
	return p.play(t, func(n int, answer []byte) error {
		if !bytes.Equal(answer, exchanges[n].Response) && !p.Substitute.answer(t, n, answer) {
			return responseMismatch(t, exchanges, n, answer)
		}
		return nil
	})
}

// Rewrite plays a recording of ours and returns it with the answers that the
// card gives now; all other lines stay. It is what `-update` writes after
// Replay failed.
func (p Terminal) Rewrite(t *Transcript) (*Transcript, error) {
	if !t.Ours() {
		return nil, notOurs(t)
	}
	fresh := &Transcript{Name: t.Name, Header: t.Header, Lines: append([]Line(nil), t.Lines...)}
	var answers []int // indexes of lines that are answers
	for i, l := range t.Lines {
		if l.Kind == Response || l.Kind == Lost {
			answers = append(answers, i)
		}
	}
	err := p.play(t, func(n int, answer []byte) error {
		fresh.Lines[answers[n]] = Line{Kind: Response, Bytes: bytes.Clone(answer)}
		return nil
	})
	return fresh, err
}

func notOurs(t *Transcript) error {
	return fmt.Errorf("%s was published by others and is never rewritten: it does not start with `# %s: %s`", t.Name, versionKey, version)
}

// play sends the commands and hands over the answers of those that have one.
func (p Terminal) play(t *Transcript, answered func(n int, answer []byte) error) error {
	n, powered, torn := -1, false, false
	var answer []byte
	for _, l := range t.Lines {
		switch l.Kind {
		case Command:
			n++
			if !torn {
				answer, powered = p.Card.Respond(bytes.Clone(l.Bytes)), true
			}
		case AnyCommand:
			return &Mismatch{File: t.Name, Exchange: n + 2, Offset: -1, Reason: "the recording does not show this command, so it cannot be sent"}
		case Response:
			if torn {
				return &Mismatch{File: t.Name, Exchange: n + 1, Offset: -1, Reason: "the recording has an answer after `! tear`; write `< !`"}
			}
			if err := answered(n, answer); err != nil {
				return err
			}
		case Lost, Tear, Reset:
			if powered && p.Deactivated != nil {
				p.Deactivated()
			}
			powered = false
			torn = torn && l.Kind == Lost || l.Kind == Tear
		case Wait:
			if p.Wait != nil {
				p.Wait(l.Wait)
			}
		case Verify:
			if p.Verified != nil {
				p.Verified()
			}
		}
	}
	return nil
}
