package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tapsim/emv"
	"tapsim/sim"
	"tapsim/transcript"
)

// recording is a file that a tap will be written to. It is made ready before
// anything is paid, so that a path that cannot be written costs nothing, and
// takes the place of an older recording only when it is whole.
type recording struct {
	name string
	file *os.File // nil: nothing is recorded
	temp bool     // file is a neighbour that gets the name in the end
}

// openRecording makes the file of --record ready. A recording holds account
// numbers as the card gave them, so only test cards may be recorded. What is
// brought to a reader is known afterwards only.
func (f *payFlags) openRecording(w *sim.World) (*recording, error) {
	r := &recording{name: f.record}
	if f.record == "" {
		return r, nil
	}
	if f.reader.name == "" && !emv.TestRange(w.Profile.Account.PAN) {
		return nil, fmt.Errorf("--record: %s is outside the test ranges, and a recording holds its account number", w.Profile.Name)
	}
	if w.OfWallet() {
		return nil, fmt.Errorf("--record: nobody could play %s again, its token is known to your bank only: record a built-in card, such as --card visa-phone", w.Profile.Name)
	}
	if target, err := filepath.EvalSymlinks(f.record); err == nil {
		r.name = target // a link stays one
	}
	info, err := os.Stat(f.record)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.temp = true
	case err != nil:
		return nil, fileError(f.record, err)
	case info.Mode().IsRegular():
		r.temp = true
		if err := checkOverwrite(r.name); err != nil {
			return nil, err
		}
	}
	if r.temp {
		r.file, err = os.CreateTemp(filepath.Dir(r.name), ".tapsim-*")
	} else {
		r.file, err = os.OpenFile(r.name, os.O_WRONLY, 0)
	}
	if err != nil {
		return nil, fileError(f.record, err)
	}
	return r, nil
}

// checkOverwrite refuses to replace a file that is not a recording of ours.
func checkOverwrite(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return fileError(name, err)
	}
	defer file.Close()
	head := make([]byte, len("# tapsim:"))
	n, _ := file.Read(head)
	if n > 0 && !bytes.Equal(head[:n], []byte("# tapsim:")) {
		return fmt.Errorf("--record %s: the file is there and is no recording; name another", name)
	}
	return nil
}

// discard forgets what was made ready.
func (r *recording) discard() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	if r.temp {
		err = errors.Join(err, os.Remove(r.file.Name()))
	}
	return err
}

// write writes the transcript; of a card that is not known to be a test card only
// redacted.
func (r *recording) write(t *transcript.Transcript, live bool) error {
	if r.file == nil {
		return nil
	}
	var err error
	if live || !testCardsOnly(t) {
		t, _, err = transcript.Redact(t)
	}
	var text []byte
	if err == nil {
		text, err = transcript.Format(t)
	}
	if err == nil {
		_, err = r.file.Write(text)
	}
	if err == nil && r.temp {
		err = os.Rename(r.file.Name(), r.name)
		r.temp = err != nil
	}
	if err != nil {
		return errors.Join(fileError(r.name, err), r.discard())
	}
	return r.file.Close()
}

// testCardsOnly is true when every account number in a recording is a test card's.
func testCardsOnly(t *transcript.Transcript) bool {
	for _, x := range t.Exchanges() {
		for _, pan := range emv.AccountNumbers(x.Response[:max(0, len(x.Response)-2)]) {
			if !emv.TestRange(pan) {
				return false
			}
		}
	}
	return true
}
