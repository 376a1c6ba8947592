// Package guard keeps a terminal from paying with somebody's real card. It
// stands before the card and lets reading commands through; the first that does
// more than read - GET PROCESSING OPTIONS, which raises the card's counter -
// passes only when the card has shown that it is a test card.
package guard

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"tapsim/apdu"
	"tapsim/emv"
)

// LiveError says that a card is not known to be a test card.
type LiveError struct{ Reason string }

func (e *LiveError) Error() string { return "the card is not known to be a test card: " + e.Reason }

// Guard is a card behind a guard. It implements apdu.Transceiver. Make a new one
// for each activation.
type Guard struct {
	next  apdu.Transceiver
	allow func(reason string) bool

	directory map[string]emv.List // issuer numbers by AID, from the PPSE
	iins      []string            // of the application selected
	pans      []emv.PAN           // that the card has told
	allowed   bool                // a live card, and the user wants it
	last      []byte              // SELECT that the next answers belong to
}

// New guards a card. allow decides about one that is not known to be a test
// card, and is asked once; nil is no.
func New(next apdu.Transceiver, allow func(reason string) bool) *Guard {
	return &Guard{next: next, allow: allow}
}

// Instructions that only read (EMV Book 3, 6.5; ISO/IEC 7816-4).
const (
	insSelect      = 0xA4
	insReadRecord  = 0xB2
	insGetResponse = 0xC0
	insGetData     = 0xCA
	claReader      = 0xFF // for the reader, not for the card
)

// Transceive carries a command, or is a *LiveError instead.
func (g *Guard) Transceive(ctx context.Context, command []byte) ([]byte, error) {
	if !g.allowed && !reads(command) {
		if err := g.check(ctx); err != nil {
			return nil, err
		}
	}
	return g.pass(ctx, command)
}

func reads(command []byte) bool {
	if len(command) < 4 {
		return false
	}
	switch command[1] {
	case insSelect, insReadRecord, insGetResponse, insGetData:
		return true
	}
	return command[0] == claReader
}

// pass carries a command and learns from the answer.
func (g *Guard) pass(ctx context.Context, command []byte) ([]byte, error) {
	answer, err := g.next.Transceive(ctx, command)
	if err != nil {
		return answer, err
	}
	if command[1] == insSelect {
		g.last, g.iins = bytes.Clone(command), nil
	}
	if r, err := apdu.ParseResponse(answer); err == nil {
		g.learn(command, r.Data)
	}
	return answer, nil
}

// learn keeps the issuer and account numbers that an answer tells.
func (g *Guard) learn(command, data []byte) {
	for _, pan := range emv.AccountNumbers(data) {
		if len(g.pans) < maxNumbers {
			g.pans = append(g.pans, pan)
		}
	}
	if command[1] != insSelect && command[1] != insGetResponse {
		return
	}
	list, _ := emv.Find(data, emv.TagFCI, emv.TagFCIProprietary, emv.TagFCIDiscretionary)
	if name, _ := emv.Find(data, emv.TagFCI, emv.TagDFName); string(name) == "2PAY.SYS.DDF01" {
		g.readDirectory(list)
		return
	}
	g.iins = append(g.iins, issuers(emv.Coded(list))...)
	if c, err := apdu.ParseCommand(g.last); err == nil && command[1] == insSelect {
		g.iins = append(g.iins, issuers(g.directory[string(c.Data)])...)
	}
}

// maxNumbers bounds what a card can make the guard remember.
const maxNumbers = 64

// readDirectory keeps the entries of a PPSE.
func (g *Guard) readDirectory(list []byte) {
	g.directory = map[string]emv.List{}
	for s := emv.Scan(list); s.Next() && len(g.directory) < maxNumbers; {
		if s.Tag() != emv.TagApplicationTemplate {
			continue
		}
		if entry, err := emv.ParseList(s.Value()); err == nil {
			if name, ok := entry.Lookup(emv.TagADFName); ok {
				g.directory[string(name)] = entry
			}
		}
	}
}

// Issuer identification numbers (EMV Book 1): six digits, or up to eight.
const (
	tagIIN  emv.Tag = 0x42
	tagIINE emv.Tag = 0x9F0C
)

// issuers are the issuer identification numbers in a list: 42 and 9F0C.
func issuers(list emv.Source) []string {
	var out []string
	for _, tag := range []emv.Tag{tagIIN, tagIINE} {
		if v, ok := list.Lookup(tag); ok {
			if digits, err := emv.Digits(v); err == nil && digits != "" {
				out = append(out, digits)
			}
		}
	}
	return out
}

// check is nil for a test card. One that has not shown what it is is asked for
// records, which is harmless: many cards give them before they are paid with.
func (g *Guard) check(ctx context.Context) error {
	reason, known := g.judge()
	if !known {
		if err := g.readRecords(ctx); err != nil {
			return err
		}
		reason, known = g.judge()
	}
	switch {
	case known && reason == "":
		return nil
	case g.allow == nil || !g.allow(reason):
		return &LiveError{reason}
	}
	g.allowed = true
	return nil
}

// judge says why the card is no test card, "" for one that is, and whether the
// card has shown it: one account number outside the ranges counts more than any
// number inside.
func (g *Guard) judge() (reason string, known bool) {
	for _, pan := range g.pans {
		if !emv.TestRange(pan) {
			return fmt.Sprintf("its account number %s is outside the test ranges", pan.Masked()), true
		}
	}
	if len(g.pans) > 0 || slices.ContainsFunc(g.iins, emv.TestIssuer) {
		return "", true
	}
	if len(g.iins) > 0 {
		return fmt.Sprintf("issuer number %s is not one whose account numbers are all test numbers", g.iins[0]), false
	}
	return "it tells no issuer number (42, 9F0C) and no account number before it is paid with", false
}

// Records that are asked for: where payment applications keep the account
// number.
const (
	lastFile   = 4
	lastRecord = 2
)

func (g *Guard) readRecords(ctx context.Context) error {
	for file := byte(1); file <= lastFile; file++ {
		for record := byte(1); record <= lastRecord && len(g.pans) == 0; record++ {
			answer, err := g.pass(ctx, []byte{0, insReadRecord, record, file<<3 | 4, 0})
			if err != nil {
				return err
			}
			if r, err := apdu.ParseResponse(answer); err != nil || r.Status != apdu.StatusOK {
				break
			}
		}
	}
	return nil
}
