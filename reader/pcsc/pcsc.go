// Package pcsc is the terminal's side of real readers: it finds them, waits for
// a card, and carries commands to it through the PC/SC service of the system.
// On Linux and macOS that needs C, so it is behind the build tag pcsc; without
// the tag everything here compiles and answers ErrNotBuilt.
package pcsc

import (
	"errors"
	"slices"
	"strings"
)

// Errors that a caller acts upon. They may be wrapped.
var (
	ErrNotBuilt   = errors.New("this program was built without PC/SC (build it with -tags pcsc, which needs libpcsclite's headers)")
	ErrNoService  = errors.New("no PC/SC service answers")
	ErrNoAccess   = errors.New("the PC/SC service does not let you in (polkit asks for an active local session)")
	ErrNoReader   = errors.New("no such reader")
	ErrInUse      = errors.New("another program uses the reader")
	ErrReaderGone = errors.New("the reader was unplugged")
	ErrBlocked    = errors.New("the reader did not let go of the card in time: another program is in the middle of a command with it")
)

// Info is a reader that the service knows.
type Info struct {
	Name    string
	Present bool   // a card is in its field
	InUse   bool   // another program, or another part of this one, talks to it
	Mute    bool   // a card is there and does not answer
	ATR     []byte // of the card
}

// Readers lists the readers, in the service's order. No reader is no error.
func Readers() ([]Info, error) { return readers(establish) }

func readers(establish func() (service, error)) ([]Info, error) {
	s, err := patient(establish)()
	if err != nil {
		return nil, explain(err)
	}
	defer func() { _ = letGo(s) }()
	names, err := list(s)
	if err != nil {
		return nil, err
	}
	infos := make([]Info, len(names))
	for i, name := range names {
		infos[i] = look(s, name)
	}
	return infos, nil
}

// list is the readers' names; none is no error.
func list(s service) ([]string, error) {
	names, err := names(s)
	if errors.Is(err, codeNoReaders) {
		return nil, nil
	}
	return names, explain(err)
}

// look tells a reader's state. One that this program waits at is not asked: the
// library under us takes one question about a reader at a time.
func look(s service, name string) Info {
	release, ok := claim(name)
	if !ok {
		return Info{Name: name, InUse: true}
	}
	defer release()
	st, err := within(serviceTime, func() (state, error) { return s.status(name, 0, 0) }, func(state, error) {})
	if err != nil {
		return Info{Name: name}
	}
	return Info{
		Name: name, Present: st.flags&flagPresent != 0, InUse: st.flags&(flagInUse|flagExclusive) != 0,
		Mute: st.flags&flagMute != 0, ATR: withoutPadding(st.atr),
	}
}

// find is the one reader that a user means: by its whole name, or by a part of
// it that no other has. Case does not count.
func find(names []string, wanted string) (string, error) {
	if slices.Contains(names, wanted) {
		return wanted, nil
	}
	var found []string
	for _, name := range names {
		if strings.Contains(strings.ToLower(name), strings.ToLower(wanted)) {
			found = append(found, name)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", &nameError{wanted, "several readers are called so", found}
	case len(names) == 0:
		return "", &nameError{wanted, "the service knows no reader (is it plugged in, and its driver installed?)", nil}
	}
	return "", &nameError{wanted, "no such reader", names}
}

// nameError is a reader that was not found, with those that there are.
type nameError struct {
	wanted, reason string
	names          []string
}

func (e *nameError) Error() string {
	text := "reader " + quote(e.wanted) + ": " + e.reason
	for i, name := range e.names {
		text += []string{", ", "; there are "}[b2i(i == 0)] + quote(name)
	}
	return text
}

// Unwrap makes it an ErrNoReader.
func (e *nameError) Unwrap() error { return ErrNoReader }

func quote(s string) string { return `"` + s + `"` }

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
