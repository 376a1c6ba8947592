package transcript

import (
	"encoding/hex"
	"fmt"
	"strings"

	"tapsim/emv"
)

// Mode says what is done with a recording. The zero value is invalid.
type Mode byte

// The modes.
const (
	PlayCard   Mode = iota + 1 // played as the card, with our terminal
	DecodeOnly                 // explained only
	PlayPart                   // played as the card, though it lacks commands that our terminal sends
)

var modeNames = map[string]Mode{"card": PlayCard, "decode-only": DecodeOnly, "card-part": PlayPart}

// String is the name in the manifest.
func (m Mode) String() string {
	for name, mode := range modeNames {
		if mode == m {
			return name
		}
	}
	return "invalid"
}

// Entry is what the manifest says of one recording.
type Entry struct {
	File   string
	Line   int // in the manifest
	Mode   Mode
	Expect string   // when played: the terminal's outcome: approved, declined, online-request, try-again ...
	Data   emv.List // when played: terminal data that the recording does not hold
	Reason string   // why this outcome, or why not played
}

// maxEntries bounds a manifest.
const maxEntries = 10_000

// ParseManifest reads the list of recordings: one line for each with five
// columns between tabs: file, mode (card, card-part, decode-only), expected outcome,
// terminal data as TAG=HEX with blanks between, reason. An empty column is
// "-". Lines that start with # are comments. Errors are of type *Error.
func ParseManifest(name string, data []byte) ([]Entry, error) {
	var entries []Entry
	seen := map[string]int{}
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		e, column, err := parseEntry(line)
		switch {
		case err != nil:
		case seen[e.File] > 0:
			column, err = 1, fmt.Errorf("%s is there already, in line %d", e.File, seen[e.File])
		case len(entries) == maxEntries:
			column, err = 1, fmt.Errorf("more than %d entries", maxEntries)
		}
		if err != nil {
			return nil, &Error{Name: name, Line: i + 1, Column: column, Reason: err.Error()}
		}
		e.Line = i + 1
		seen[e.File] = e.Line
		entries = append(entries, e)
	}
	return entries, nil
}

// parseEntry reads one line; column is where it is wrong.
func parseEntry(line string) (e Entry, column int, err error) {
	cells := strings.Split(line, "\t")
	if len(cells) != 5 {
		return e, 1, fmt.Errorf("%d columns between tabs; want file, mode, outcome, data, reason", len(cells))
	}
	starts := make([]int, len(cells))
	at := 1
	for i, c := range cells {
		starts[i] = at
		at += len(c) + 1
		if c == "" {
			return e, starts[i], fmt.Errorf("an empty column; write -")
		}
	}
	e = Entry{File: cells[0], Mode: modeNames[cells[1]], Reason: cells[4]}
	if cells[2] != "-" {
		e.Expect = cells[2]
	}
	switch {
	case strings.ContainsAny(e.File, `/\`):
		return e, starts[0], fmt.Errorf("want the name of a file beside the manifest")
	case e.Mode == 0:
		return e, starts[1], fmt.Errorf("mode %q; want card, card-part or decode-only", cells[1])
	case (e.Mode != DecodeOnly) != isName(e.Expect):
		return e, starts[2], fmt.Errorf("want an outcome such as online-request for card, - for decode-only")
	case e.Reason == "-":
		return e, starts[4], fmt.Errorf("the reason is missing")
	}
	e.Data, err = parseData(cells[3])
	if err == nil && e.Mode == DecodeOnly && e.Data != nil {
		err = fmt.Errorf("data for a recording that is not played")
	}
	return e, starts[3], err
}

// parseData reads TAG=HEX pairs.
func parseData(cell string) (emv.List, error) {
	if cell == "-" {
		return nil, nil
	}
	var l emv.List
	for _, pair := range strings.Fields(cell) {
		name, value, _ := strings.Cut(pair, "=")
		tag, err := emv.ParseTag(name)
		if err != nil {
			return nil, err
		}
		b, err := hex.DecodeString(value)
		if err != nil || len(b) == 0 {
			return nil, fmt.Errorf("tag %s: want TAG=HEX", name)
		}
		l = append(l, emv.TLV{Tag: tag, Value: b})
	}
	return l, nil
}
