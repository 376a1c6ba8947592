package cli

import (
	"errors"
	"fmt"
	"os"

	"tapsim/emv"
	"tapsim/sim"
	"tapsim/transcript"
)

// recording is a file that a tap will be written to. It is opened before
// anything is paid, so that a path that cannot be written costs nothing.
type recording struct {
	name string
	file *os.File // nil: nothing is recorded
	made bool     // the file was not there before
}

// openRecording opens the file of --record. A recording holds account numbers
// as the card gave them, so only test cards may be recorded.
func (f *payFlags) openRecording(w *sim.World) (*recording, error) {
	r := &recording{name: f.record}
	if f.record == "" {
		return r, nil
	}
	if !emv.TestRange(w.Profile.Account.PAN) {
		return nil, fmt.Errorf("--record: %s is outside the test ranges, and a recording holds its account number", w.Profile.Name)
	}
	_, err := os.Stat(f.record)
	r.made = errors.Is(err, os.ErrNotExist)
	if r.file, err = os.OpenFile(f.record, os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return nil, fileError(f.record, err)
	}
	return r, nil
}

// discard closes the file, and removes it if it was made for nothing.
func (r *recording) discard() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	if r.made {
		err = errors.Join(err, os.Remove(r.name))
	}
	return err
}

// write writes the transcript in place of what the file held.
func (r *recording) write(t *transcript.Transcript) error {
	if r.file == nil {
		return nil
	}
	text, err := transcript.Format(t)
	if info, statErr := r.file.Stat(); err == nil && statErr == nil && info.Mode().IsRegular() {
		err = r.file.Truncate(0)
	}
	if err == nil {
		_, err = r.file.Write(text)
	}
	if err = errors.Join(err, r.file.Close()); err != nil {
		return fileError(r.name, err)
	}
	return nil
}
