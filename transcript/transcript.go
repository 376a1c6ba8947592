// Package transcript keeps APDU exchanges as text files that people can read,
// compare and edit: it parses and formats them, records a session, plays the
// card's or the terminal's side of one again, and explains each byte.
//
// A line "> HEX" is a command and the next "< HEX" its answer with the status
// word. "> ?" is a command that the source does not show, "< !" an answer that
// never came. Lines that start with "#" are comments. A file of ours begins
// with the comment "# tapsim: 1", carries a header of "# key: value" lines
// (see Keys), and may hold events: "! tear", "! reset", "! wait DURATION" and
// "! verify".
// Files of others have no header: their comments are kept as they are.
package transcript

import (
	"fmt"
	"time"
)

// Limits of a transcript. A session of a payment card has a few dozen
// exchanges.
const (
	MaxSize  = 8 << 20 // bytes of a file
	MaxLines = 50_000
	MaxBytes = 65_544 // of a command or a response: an extended APDU
	MaxWait  = 24 * time.Hour
)

// Kind says what a line is. The zero value is invalid.
type Kind byte

// The kinds of lines.
const (
	Blank      Kind = iota + 1
	Comment         // # text
	Command         // > HEX
	AnyCommand      // > ?: the source does not show the command
	Response        // < HEX
	Lost            // < !: no answer is recorded; the card was gone
	Tear            // ! tear: the card leaves the field here
	Reset           // ! reset: the card is in the field, freshly powered
	Wait            // ! wait DURATION: time passes
	Verify          // ! verify: the user unlocks the phone
)

// Line is one line after the header.
type Line struct {
	Kind  Kind
	Text  string        // of a comment, after the #
	Bytes []byte        // of a command or a response
	Wait  time.Duration // of a wait
}

// Field is one "# key: value" of the header.
type Field struct{ Key, Value string }

// Transcript is a parsed file. Header is empty for a file of others.
type Transcript struct {
	Name   string // file name, for messages; not part of the text
	Header []Field
	Lines  []Line
}

// Ours is true for a file that this project wrote: it has a header.
func (t *Transcript) Ours() bool { return len(t.Header) > 0 }

// Exchange is one command with its answer.
type Exchange struct {
	Number   int    // from 1
	Line     int    // line of the command in the text
	Command  []byte // nil when the source does not show it
	Response []byte // nil when no answer is recorded
}

// Exchanges lists the exchanges in order. Slices alias the transcript.
func (t *Transcript) Exchanges() []Exchange {
	var out []Exchange
	for i, l := range t.Lines {
		switch l.Kind {
		case Command, AnyCommand:
			out = append(out, Exchange{Number: len(out) + 1, Line: len(t.Header) + i + 1, Command: l.Bytes})
		case Response:
			if len(out) > 0 {
				out[len(out)-1].Response = l.Bytes
			}
		}
	}
	return out
}

// Remark is the value of the first comment "# key: value", which is how
// published transcripts give their source, scheme and interface.
func (t *Transcript) Remark(key string) (string, bool) {
	for _, f := range t.Header {
		if f.Key == key {
			return f.Value, true
		}
	}
	for _, l := range t.Lines {
		if l.Kind != Comment {
			continue
		}
		if k, v, ok := cutField(l.Text); ok && k == key {
			return v, true
		}
	}
	return "", false
}

// Error says what is wrong with a transcript, where, and what to do.
type Error struct {
	Name         string // file
	Line, Column int    // from 1
	Reason       string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Column, e.Reason)
}
