package store

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
)

// advices say what to do about an error of the database, by its primary result
// code (sqlite.org/rescode.html).
var advices = map[int]string{
	5:  "another program uses the database: end it",
	6:  "another program uses the database: end it",
	8:  "the database may not be written: see to the permissions of the state folder",
	10: "the disk could not be read or written: see to it, and to the state folder's backup",
	11: "the database is damaged: restore the state folder from a backup, or choose another one",
	13: "the disk is full: make room; what was not answered was not recorded",
	14: "the database cannot be opened: see to the permissions of the state folder",
	26: "the database is damaged or none at all: restore the state folder from a backup, or choose another one",
}

// advise adds to an error of the database what to do about it.
func advise(err error) error {
	var fault *sqlite.Error
	if !errors.As(err, &fault) {
		return err
	}
	if text := advices[fault.Code()&0xFF]; text != "" {
		return fmt.Errorf("%w (%s)", err, text)
	}
	return err
}
