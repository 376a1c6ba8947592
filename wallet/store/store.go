// Package store is the phone's durable memory: which cards it holds, their
// transaction counters, tokens, limited-use keys and history. Around each card
// it puts a Responder that makes the counter durable before an answer leaves,
// so that a counter may skip but never repeats, whatever kills the program.
//
// One file per card, replaced as a whole. No account number and no key stands
// in it in the clear: keys stay wrapped under the device key, as they came,
// and the token is sealed under it. The device key lives elsewhere.
package store

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"tapsim/cryptogram"
	"tapsim/hce"
	"tapsim/provisioning"
)

// Memory in place of a directory keeps everything in memory.
const Memory = ":memory:"

// Options is what a store needs from outside; all of it is required. The cards'
// random numbers come from a reader of their own: which of them a card takes must
// not depend on whether its token was sealed on the way.
type Options struct {
	DeviceKey *cryptogram.Key // AES; unwraps limited-use keys and seals tokens
	Now       func() time.Time
	Rand      io.Reader // for the cards
	Seal      io.Reader // randomness for sealing
}

// Errors that a caller acts upon.
var (
	ErrNotEnrolled = errors.New("the card is not enrolled on this phone")
	ErrEnrolled    = errors.New("the card is enrolled on this phone already")
)

// Store is the memory of one phone. It is safe for concurrent use.
type Store struct {
	mu    sync.Mutex
	disk  disk // nil in memory
	opt   Options
	cards map[string]*Card // those that are live; in memory, all
	held  []byte           // the wallet's state, in memory
	*sealer
}

// disk keeps one record per card.
type disk interface {
	names() ([]string, error)
	read(name string) (record, error) // errNoFile when there is none
	write(name string, r record) error
	remove(name string) error
	stat(name string) fs.FileInfo // nil when there is none
}

// Open opens the phone's memory in dir, which exists and is locked by the
// caller, or in Memory.
func Open(dir string, o Options) (*Store, error) {
	switch {
	case o.Now == nil || o.Rand == nil || o.Seal == nil:
		return nil, errors.New("phone store: clock and randomness are required")
	case o.DeviceKey == nil || o.DeviceKey.Algorithm() != cryptogram.AES:
		return nil, errors.New("phone store: the device key must be an AES key")
	}
	gcm, err := cipher.NewGCM(block{o.DeviceKey})
	if err != nil {
		return nil, err
	}
	s := &Store{opt: o, cards: map[string]*Card{}, sealer: &sealer{gcm, o.Seal}}
	if dir != Memory {
		s.disk = files{dir, s.sealer}
	}
	return s, nil
}

// Cards lists the names of the cards that the phone holds.
func (s *Store) Cards() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.disk == nil {
		return slices.Sorted(maps.Keys(s.cards)), nil
	}
	return s.disk.names()
}

// Card makes the live card of a profile. A card with limited-use keys must be
// enrolled, or it is ErrNotEnrolled; one with a card key of its own starts with
// counter zero. There is one live card per name: asking again returns it, out
// of the field.
func (s *Store) Card(p hce.Profile) (*Card, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.cards[p.Name]; c != nil {
		c.Deactivated(hce.LinkLoss)
		return c, nil
	}
	r, err := s.load(p.Name)
	switch {
	case errors.Is(err, errNoFile) && p.CardKey == nil:
		return nil, fmt.Errorf("%s: %w", p.Name, ErrNotEnrolled)
	case errors.Is(err, errNoFile):
		r = newRecord(&p)
	case err != nil:
		return nil, err
	}
	c, err := s.revive(p, r)
	if err != nil {
		return nil, err
	}
	if s.disk != nil {
		c.file = s.disk.stat(p.Name)
	}
	s.cards[p.Name] = c
	return c, nil
}

// Enrol puts a token with its keys on the phone: the profile says what kind of
// card it is, the token replaces its account, and a card that signs gets key and
// certificates of its own. The counter goes on above the highest that the bank
// has seen of the token. The keys are unwrapped once to see that they are sound.
func (s *Store) Enrol(p hce.Profile, set provisioning.KeySet) (*Card, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.load(p.Name); s.cards[p.Name] != nil || err == nil {
		return nil, fmt.Errorf("%s: %w", p.Name, ErrEnrolled)
	} else if !errors.Is(err, errNoFile) {
		return nil, err
	}
	if p.CardKey != nil {
		return nil, fmt.Errorf("%s holds a card key of its own: there is nothing to enrol", p.Name)
	}
	if err := checkKind(&p, set.Kind); err != nil {
		return nil, err
	}
	sealed, err := s.seal(p.Name, set.Token, set.Credentials)
	if err != nil {
		return nil, err
	}
	keys, err := storedKeys(set.Keys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	r := newRecord(&p)
	r.ATC, r.Token, r.Keys, r.LastKey = set.LastATC, &sealed, keys, lastIndex(keys, nil)
	c, err := s.revive(p, r)
	if err != nil {
		return nil, err
	}
	if err := c.save(); err != nil {
		return nil, err
	}
	s.cards[p.Name] = c
	return c, nil
}

// Remove takes a card off the phone: its keys, its token and its history. A
// name that the phone does not hold is ErrNotEnrolled. A live card made before
// must not be used any more.
func (s *Store) Remove(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, live := s.cards[name]
	delete(s.cards, name)
	if s.disk == nil {
		if !live {
			return fmt.Errorf("%s: %w", name, ErrNotEnrolled)
		}
		return nil
	}
	if err := s.disk.remove(name); errors.Is(err, errNoFile) {
		return fmt.Errorf("%s: %w", name, ErrNotEnrolled)
	} else if err != nil {
		return err
	}
	return nil
}

func (s *Store) load(name string) (record, error) {
	if s.disk == nil {
		return record{}, errNoFile
	}
	return s.disk.read(name)
}
