// Package store keeps the bank's state in an embedded SQLite database. One
// goroutine writes; the updates that wait while it works go together into one
// transaction, each checked in memory first, so that a failing one spoils
// nothing. An update is durable when it returns: the write-ahead log is synced
// with every commit.
//
// On disk stand, in the directory given, issuer.db (with its log) and pan.key.
// Account numbers are stored as an HMAC under pan.key and masked to six and
// four digits, never whole, and no cryptographic key of a card or an issuer is
// stored at all. Who has both files can test guesses of account numbers: keep
// them apart where that matters.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"tapsim/emv"
	"tapsim/issuer"
)

// Names of the files in the state directory.
const (
	databaseFile = "issuer.db"
	panKeyFile   = "pan.key"
)

// maxQueue bounds the updates that wait; more block their callers.
const maxQueue = 1024

// ErrClosed is what a store answers after Close.
var ErrClosed = errors.New("the bank's store is closed")

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

// Open opens the bank's state in dir, which exists and is locked by the caller,
// and creates it on first use. random makes the key of the account number
// index then.
func Open(dir string, random io.Reader) (*Store, error) {
	path := filepath.Join(dir, databaseFile)
	panKey, err := openPANKey(dir, random)
	if err != nil {
		return nil, err
	}
	if err := touch(path); err != nil {
		return nil, err
	}
	w, err := newWriter(dsn(path, "_txlock=immediate"), panKey)
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
