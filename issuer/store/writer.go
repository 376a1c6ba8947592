package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"tapsim/issuer"
)

// maxBatch bounds the updates of one transaction, and with it how long the
// first of them waits.
const maxBatch = 512

// request is an update in the queue.
type request struct {
	keys   []string
	update func(*issuer.Tx) error
	done   chan error
	err    error
}

// serve runs the updates until the queue is closed.
func (s *Store) serve() {
	defer close(s.done)
	batch := make([]*request, 0, maxBatch)
	for first := range s.queue {
		batch = append(batch[:0], first)
	collect:
		for len(batch) < maxBatch {
			select {
			case r, ok := <-s.queue:
				if !ok {
					break collect
				}
				batch = append(batch, r)
			default:
				break collect
			}
		}
		s.writer.commit(batch)
		for _, r := range batch {
			r.done <- r.err
		}
	}
}

// writer owns the one connection that writes, and the rows it has seen.
type writer struct {
	db         *sql.DB
	conn       *sql.Conn
	statements map[string]*sql.Stmt
	rows       *cache
	sequence   int64
}

func newWriter(dsn string, panKey []byte, mayBeNew bool) (*writer, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	w := &writer{db: db, statements: map[string]*sql.Stmt{}, rows: newCache()}
	if err := w.open(panKey, mayBeNew); err != nil {
		_ = db.Close()
		return nil, err
	}
	return w, nil
}

func (w *writer) open(panKey []byte, mayBeNew bool) error {
	if err := w.connect(); err != nil {
		return err
	}
	if err := migrate(w.conn, mayBeNew); err != nil {
		return err
	}
	if err := checkPANKey(w.conn, panKey); err != nil {
		return err
	}
	return w.conn.QueryRowContext(context.Background(), "SELECT coalesce(max(seq), 0) FROM records").Scan(&w.sequence)
}

func (w *writer) connect() (err error) {
	w.conn, err = w.db.Conn(context.Background())
	return err
}

// disconnect drops the connection for good: after an error nobody knows what
// state it is in. The next batch gets a new one.
func (w *writer) disconnect() {
	for _, s := range w.statements {
		_ = s.Close()
	}
	clear(w.statements)
	if w.conn != nil {
		_ = w.conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = w.conn.Close()
	}
	w.conn = nil
}

func (w *writer) close() error {
	w.disconnect()
	return w.db.Close()
}

// statement prepares a statement once.
func (w *writer) statement(text string) (*sql.Stmt, error) {
	if s := w.statements[text]; s != nil {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	w.statements[text] = s
	return s, nil
}

// commit runs a batch of updates and makes those that succeed durable. Each
// runs on the rows as the ones before it left them; one that fails leaves
// nothing. When the database refuses the whole, each is tried alone.
func (w *writer) commit(batch []*request) {
	b := &overlay{writer: w, sequence: w.sequence}
	if w.conn == nil {
		if err := w.connect(); err != nil {
			fail(batch, err)
			return
		}
	}
	if err := b.prefetch(batch); err != nil {
		fail(batch, err)
		return
	}
	for _, r := range batch {
		if r.err = b.run(r); r.err != nil {
			continue
		}
	}
	err := b.flush()
	switch {
	case err == nil:
		w.sequence = b.sequence
		w.rows.absorb(b)
	case len(batch) == 1:
		fail(batch, err)
	default:
		for n := range batch {
			w.commit(batch[n : n+1])
		}
	}
}

func fail(batch []*request, err error) {
	for _, r := range batch {
		if r.err == nil {
			r.err = err
		}
	}
}

// run runs one update on the overlay. A panic in it is the update's error, not
// the end of the writer.
func (b *overlay) run(r *request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("an update of the bank's store panicked: %v", p)
		}
	}()
	tx := issuer.NewTx(b)
	if err := r.update(tx); err != nil {
		return err
	}
	changes, err := tx.Changes()
	if err != nil {
		return err
	}
	b.add(changes)
	return nil
}

// flush writes the overlay in one transaction.
func (b *overlay) flush() error {
	if b.empty() {
		return nil
	}
	w := b.writer
	err := w.execute("BEGIN IMMEDIATE")
	if err == nil {
		err = b.write()
	}
	if err == nil {
		err = w.execute("COMMIT")
	}
	if err != nil {
		w.disconnect() // which rolls back what is not committed
	}
	return err
}

// execute runs a prepared statement. Its context never ends: SQLite would roll
// back a transaction in the middle, and what follows would commit by itself.
func (w *writer) execute(text string, args ...any) error {
	s, err := w.statement(text)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(context.Background(), args...)
	return err
}
