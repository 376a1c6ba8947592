// Package journal is a terminal's durable memory: reversals and advices that
// the host has still to hear, and the counter of message numbers. It is one
// append-only file in a directory that the caller has locked. Messages hold
// account numbers, so each is sealed under the terminal's key; nothing in the
// file shows a digit of one.
package journal

import (
	"fmt"
	"slices"

	"tapsim/iso8583"
	"tapsim/terminal"
)

// Limits of a journal.
const (
	// MaxPending bounds the messages that wait and those that were refused. A
	// terminal that reaches it takes no more payments until the host has heard
	// some, or somebody has looked into the refused ones and removed them.
	MaxPending = 10_000
	// maxSTAN is the largest message number; 1 follows.
	maxSTAN = 999_999
)

// ErrFull says that too many messages wait for the host.
var ErrFull = fmt.Errorf("the journal holds %d messages that the host has not answered or has refused: deliver or remove some first", MaxPending)

// Memory is a journal without a disk, for runs that keep nothing. It is not
// safe for concurrent use.
type Memory struct{ state }

// NewMemory makes an empty journal whose first message number is 1.
func NewMemory() *Memory { return &Memory{} }

// Add keeps a message.
func (m *Memory) Add(host string, msg *iso8583.Message) (uint64, error) {
	stan, err := m.check(msg)
	if err != nil {
		return 0, err
	}
	return m.add(terminal.Entry{ID: m.last + 1, Host: host, Message: *msg}, stan), nil
}

// Sending notes that a delivery begins.
func (m *Memory) Sending(id uint64) error { return m.sending(id) }

// Park takes a refused message out of the queue and keeps it.
func (m *Memory) Park(id uint64, code string) error { return m.park(id, code) }

// Remove forgets a message.
func (m *Memory) Remove(id uint64) error { return m.remove(id) }

// state is what a journal knows; the file journal rebuilds it from its
// records.
type state struct {
	last    uint64 // identifier of the latest message
	stan    int    // number of the latest message
	pending []terminal.Entry
	parked  []terminal.Refusal
}

// NextSTAN is the number after the latest message's; after 999999 comes 1.
func (s *state) NextSTAN() int { return s.stan%maxSTAN + 1 }

// Pending are the messages that wait, oldest first.
func (s *state) Pending() ([]terminal.Entry, error) { return slices.Clone(s.pending), nil }

// Parked are the messages that hosts refused, oldest first.
func (s *state) Parked() ([]terminal.Refusal, error) { return slices.Clone(s.parked), nil }

// check says whether a message may be added, and its number.
func (s *state) check(m *iso8583.Message) (stan int, err error) {
	if len(s.pending)+len(s.parked) >= MaxPending {
		return 0, ErrFull
	}
	if _, err := fmt.Sscanf(m.STAN, "%06d", &stan); err != nil || len(m.STAN) != 6 || stan < 1 || stan > maxSTAN {
		return 0, fmt.Errorf("a message for the journal has STAN %q, want 000001 to %d", m.STAN, maxSTAN)
	}
	return stan, nil
}

func (s *state) add(e terminal.Entry, stan int) uint64 {
	s.last, s.stan = e.ID, stan
	s.pending = append(s.pending, e)
	return e.ID
}

func (s *state) sending(id uint64) error {
	i, err := s.find(id)
	if err == nil {
		s.pending[i].Sent = true
	}
	return err
}

func (s *state) remove(id uint64) error {
	i, err := s.find(id)
	if err == nil {
		s.pending = slices.Delete(s.pending, i, i+1)
		return nil
	}
	for i := range s.parked {
		if s.parked[i].ID == id {
			s.parked = slices.Delete(s.parked, i, i+1)
			return nil
		}
	}
	return err
}

func (s *state) park(id uint64, code string) error {
	i, err := s.find(id)
	if err == nil {
		s.parked = append(s.parked, terminal.Refusal{Entry: s.pending[i], Code: code})
		s.pending = slices.Delete(s.pending, i, i+1)
	}
	return err
}

// has is true for a message that waits or was refused.
func (s *state) has(id uint64) bool {
	if _, err := s.find(id); err == nil {
		return true
	}
	return slices.ContainsFunc(s.parked, func(r terminal.Refusal) bool { return r.ID == id })
}

func (s *state) find(id uint64) (int, error) {
	for i := range s.pending {
		if s.pending[i].ID == id {
			return i, nil
		}
	}
	return 0, noMessage(id)
}

func noMessage(id uint64) error { return fmt.Errorf("the journal has no message %d", id) }
