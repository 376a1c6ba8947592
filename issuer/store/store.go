// Package store keeps the bank's state in an embedded SQLite database. One
// goroutine writes; the updates that wait while it works go together into one
// transaction, each checked in memory first, so that a failing one spoils
// nothing. An update is durable when it returns: the write-ahead log is synced
// with every commit.
//
// On disk stands, in the directory given, issuer.db (with its log). Account
// numbers are stored as an HMAC under a key of the caller's and masked to six
// and four digits, never whole, and no cryptographic key of a card or an issuer
// is stored at all. Between the digits that are shown lie few enough numbers to
// try them all, so the key must lie elsewhere: without it the database tells no
// number.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"tapsim/emv"
	"tapsim/issuer"
)

// databaseFile is the name of the database in the state directory.
const databaseFile = "issuer.db"

// KeySize is the length of the key of the account number index, in bytes.
const KeySize = 32

// maxQueue bounds the updates that wait; more block their callers.
const maxQueue = 1024

// ErrClosed is what a store answers after Close.
var ErrClosed = errors.New("the bank's store is closed")

// ErrMissing is wrapped by the error of Open when there is no database, or an
// empty one: the ledger is lost, and a new one must not begin unnoticed.
var ErrMissing = errors.New("the bank's ledger is missing or empty")

// Store is an issuer.Store on SQLite.
type Store struct {
	readers *sql.DB
	writer  *writer
	panKey  []byte

	mu     sync.RWMutex // guards closed and sends on the queue
	closed bool
	queue  chan *request
	done   chan struct{}
}

var _ issuer.Store = (*Store)(nil)

// Open opens the bank's state in dir, which is locked by the caller. key,
// KeySize bytes, is the one that Create got: another one is an error.
func Open(dir string, key []byte) (*Store, error) {
	path := filepath.Join(dir, databaseFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrMissing)
	}
	return open(path, key, false)
}

// Create begins the bank's state in dir, or goes on where an earlier Create with
// the same key was cut off.
func Create(dir string, key []byte) (*Store, error) {
	path := filepath.Join(dir, databaseFile)
	if err := touch(path); err != nil {
		return nil, err
	}
	return open(path, key, true)
}

func open(path string, panKey []byte, mayBeNew bool) (*Store, error) {
	if len(panKey) != KeySize {
		return nil, fmt.Errorf("%s: the key of the account number index has %d bytes, want %d", path, len(panKey), KeySize)
	}
	w, err := newWriter(dsn(path, "_txlock=immediate"), panKey, mayBeNew)
	if err != nil {
		return nil, advise(fmt.Errorf("%s: %w", path, err))
	}
	readers, err := sql.Open("sqlite", dsn(path, "_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), w.close())
	}
	readers.SetMaxOpenConns(4)
	s := &Store{readers: readers, writer: w, panKey: panKey, queue: make(chan *request, maxQueue), done: make(chan struct{})}
	go s.serve()
	return s, nil
}

// dsn names a database file with the settings that every connection has. They
// stand here because a PRAGMA statement reaches one pooled connection only.
func dsn(path, more string) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(4000)&" + more}
	return u.String()
}

// touch creates the database file so that nobody else may read it; SQLite gives
// its log files the same mode.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Close waits for the updates in the queue and closes the files.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.queue)
	s.mu.Unlock()
	<-s.done
	return errors.Join(s.readers.Close(), s.writer.close())
}

// IndexPAN is the account number's keyed hash.
func (s *Store) IndexPAN(pan emv.PAN) issuer.PANIndex { return issuer.IndexPAN(s.panKey, pan) }

// SealPAN puts an account number under the store's key.
func (s *Store) SealPAN(pan emv.PAN) ([]byte, error) { return issuer.SealPAN(s.panKey, pan) }

// OpenPAN is the inverse of SealPAN.
func (s *Store) OpenPAN(sealed []byte) (emv.PAN, error) { return issuer.OpenPAN(s.panKey, sealed) }

// Update queues f and waits until its changes are durable. ctx counts until it
// is queued; a write that began is not given up.
func (s *Store) Update(ctx context.Context, keys []string, f func(*issuer.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{keys: keys, update: f, done: make(chan error, 1)}
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return ErrClosed
	}
	select {
	case s.queue <- r:
		s.mu.RUnlock()
	case <-ctx.Done():
		s.mu.RUnlock()
		return ctx.Err()
	}
	return advise(<-r.done)
}
