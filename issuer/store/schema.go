package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks the database file as ours: "TAPS".
const applicationID = 0x54415053

// migrate brings the database to the version that this program knows, step by
// step, each in a transaction. A newer one is refused.
func migrate(conn *sql.Conn) error {
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	var id, version, tables int
	row := conn.QueryRowContext(context.Background(),
		"SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id, pragma_user_version")
	if err := row.Scan(&id, &version, &tables); err != nil {
		return err
	}
	switch {
	case id != applicationID && (id != 0 || tables != 0):
		return errors.New("this is not a database of tapsim's bank; choose another state folder")
	case version > len(steps):
		return fmt.Errorf("the database has version %d, written by a newer tapsim; this one knows version %d: update tapsim, or choose another state folder", version, len(steps))
	}
	for n := version; n < len(steps); n++ {
		if err := migrateStep(conn, steps[n], n+1); err != nil {
			return fmt.Errorf("%s: %w", steps[n], err)
		}
	}
	return nil
}

func migrateStep(conn *sql.Conn, file string, version int) error {
	text, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	ctx := context.Background()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("%s;\nPRAGMA application_id = %d;\nPRAGMA user_version = %d", text, applicationID, version))
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// panKeyLength is the key of the account number index, in bytes.
const panKeyLength = 32

// openPANKey reads the key of the account number index, or makes it on first
// use, before the database that will depend on it.
func openPANKey(dir string, random io.Reader) ([]byte, error) {
	path := filepath.Join(dir, panKeyFile)
	key, err := os.ReadFile(path)
	switch {
	case err == nil && len(key) != panKeyLength:
		return nil, fmt.Errorf("%s: %d bytes, want %d: restore it from a backup, or choose another state folder", path, len(key), panKeyLength)
	case err == nil:
		return key, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if s, err := os.Stat(filepath.Join(dir, databaseFile)); err == nil && s.Size() > 0 {
		return nil, fmt.Errorf("%s is missing, and without it no card in %s can be found: restore it from a backup, or choose another state folder", path, databaseFile)
	}
	key = make([]byte, panKeyLength)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, fmt.Errorf("randomness for %s: %w", path, err)
	}
	return key, writeSynced(path, key)
}

// writeSynced writes a new file that only its owner may read, and waits until
// it is on the disk. It appears whole or not at all.
func writeSynced(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// checkPANKey makes sure that database and key belong together.
func checkPANKey(conn *sql.Conn, key []byte) error {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("tapsim account number index"))
	want := mac.Sum(nil)[:8]
	ctx := context.Background()
	if _, err := conn.ExecContext(ctx, "INSERT INTO meta VALUES ('pan_key_check', ?) ON CONFLICT DO NOTHING", want); err != nil {
		return err
	}
	var got []byte
	if err := conn.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = 'pan_key_check'").Scan(&got); err != nil {
		return err
	}
	if !hmac.Equal(got, want) {
		return fmt.Errorf("%s belongs to another database: restore the right one from a backup", panKeyFile)
	}
	return nil
}
