package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks the database file as ours: "TAPS".
const applicationID = 0x54415053

// migrate brings the database to the version that this program knows, step by
// step, each in a transaction. A newer one is refused, and one without a table
// unless it may be new.
func migrate(conn *sql.Conn, mayBeNew bool) error {
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
	case version == 0 && !mayBeNew:
		return ErrMissing
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
		return errors.New("its account numbers are hashed under another key: restore keys/pan.key from a backup, or choose another state folder")
	}
	return nil
}
