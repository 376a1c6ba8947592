package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tapsim/iso8583"
	"tapsim/terminal"
)

// Names in the directory.
const (
	fileName = "journal"
	tempName = "journal.new"
)

// maxFile bounds what is read at opening; compaction keeps a file far below.
const maxFile = 1 << 30

// compactAt is the size from which a file is rewritten once most of it is
// history.
const compactAt = 1 << 20

// Journal is a journal on disk. It is not safe for concurrent use. After an
// error of the disk it takes nothing more: what is on disk is then known only
// to the next Open.
type Journal struct {
	state
	dir    string
	file   *os.File
	size   int64            // of the file
	live   int64            // bytes that compaction would keep, about
	sizes  map[uint64]int64 // of the messages that wait, in the file
	seal   *sealer
	buf    []byte
	broken error
}

// ErrMissing is wrapped by the error of Open when there is no journal, or an
// empty one: reversals that waited in it are lost, and a new one, which counts
// messages from 1 again, must not begin unnoticed.
var ErrMissing = errors.New("the terminal's journal is missing or empty")

// Open opens the journal in dir, which is locked by the caller. key, KeySize
// bytes, seals the messages. A record that a crash cut off at the end of the
// file was never acknowledged and is dropped; anything else that is wrong with
// the file is an error with its offset, and the file is left alone.
func Open(dir string, key []byte) (*Journal, error) { return open(dir, key, false) }

// Create begins a journal in dir, or goes on where an earlier Create with the
// same key was cut off.
func Create(dir string, key []byte) (*Journal, error) { return open(dir, key, true) }

func open(dir string, key []byte, mayBeNew bool) (*Journal, error) {
	seal, err := newSealer(key)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fileName)
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	j := &Journal{dir: dir, seal: seal, sizes: map[uint64]int64{}}
	end, err := j.replay(data)
	if err == nil && end == 0 && !mayBeNew {
		err = ErrMissing
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if j.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	if err := j.begin(data, end); err != nil {
		j.file.Close()
		return nil, err
	}
	return j, nil
}

// read reads the whole file; none is an empty one.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s: %d bytes, at most %d are read", path, info.Size(), maxFile)
	}
	return os.ReadFile(path)
}

// replay rebuilds the state from the file's bytes and returns where the good
// ones end.
func (j *Journal) replay(data []byte) (end int, err error) {
	if len(data) < len(magic) && strings.HasPrefix(magic, string(data)) {
		return 0, nil // new, or cut off while it was begun
	}
	if !bytes.HasPrefix(data, []byte(magic)) {
		if i := bytes.IndexByte(data, '\n'); bytes.HasPrefix(data, []byte("tapsim terminal journal, format ")) && i > 0 {
			return 0, fmt.Errorf("%q: this program knows format 1 only", data[:i])
		}
		return 0, errors.New("this is not a terminal journal")
	}
	for end = len(magic); end < len(data); {
		r, n, reason := parseRecord(data[end:])
		if reason != "" {
			if torn(data[end:]) {
				return end, nil
			}
			return end, fmt.Errorf("byte %d: %s, and more data follow: the file is damaged", end, reason)
		}
		if err := j.apply(&r, n); err != nil {
			return end, fmt.Errorf("byte %d: %w", end, err)
		}
		end += n
	}
	return end, nil
}

// torn is true when the rest of the file is what a crash leaves of its last
// record: zeros, or no more than one record's bytes with no whole record among
// them.
func torn(rest []byte) bool {
	if len(bytes.Trim(rest, "\x00")) == 0 {
		return true
	}
	if len(rest) > headerSize+maxBody {
		return false
	}
	for i := 1; i < len(rest); i++ {
		if _, _, reason := parseRecord(rest[i:]); reason == "" {
			return false
		}
	}
	return true
}

// apply takes one record into the state; n is its length in the file.
func (j *Journal) apply(r *record, n int) error {
	switch r.kind {
	case kindAdded:
		e, err := j.seal.open(r)
		if err != nil {
			return err
		}
		j.add(e, int(r.stan))
		j.account(r.id, int64(n))
	case kindSending:
		return j.sending(r.id)
	case kindRemoved:
		j.account(r.id, 0)
		return j.remove(r.id)
	case kindParked:
		return j.park(r.id, string(r.sealed))
	case kindCounter:
		j.last, j.stan = r.id, int(r.stan)
	}
	return nil
}

// account notes how many bytes of the file a message needs; 0 for one that is
// gone.
func (j *Journal) account(id uint64, n int64) {
	j.live += n - j.sizes[id]
	j.sizes[id] = n
	if n == 0 {
		delete(j.sizes, id)
	}
}

// begin cuts the torn tail off, or writes the first line of a new file.
func (j *Journal) begin(data []byte, end int) error {
	if end < len(data) {
		if err := j.file.Truncate(int64(end)); err != nil {
			return err
		}
	}
	if _, err := j.file.Seek(int64(end), io.SeekStart); err != nil {
		return err
	}
	j.size = int64(end)
	if end == 0 {
		if err := j.write([]byte(magic)); err != nil {
			return err
		}
		return syncDir(j.dir)
	}
	return j.file.Sync()
}

// Add writes a message and returns when it is on disk.
func (j *Journal) Add(host string, m *iso8583.Message) (uint64, error) {
	stan, err := j.check(m)
	if err != nil {
		return 0, err
	}
	r := record{kind: kindAdded, id: j.last + 1, stan: uint32(stan)}
	e := terminal.Entry{ID: r.id, Host: host, Message: *m}
	if err := j.seal.seal(&r, &e); err != nil {
		return 0, err
	}
	if err := j.append(r); err != nil {
		return 0, err
	}
	j.account(r.id, int64(headerSize+fixedSize+len(r.sealed)))
	return j.add(e, stan), nil
}

// Sending notes on disk that a delivery begins. A message that is noted
// already costs nothing.
func (j *Journal) Sending(id uint64) error {
	i, err := j.find(id)
	if err != nil || j.pending[i].Sent {
		return err
	}
	if err := j.append(record{kind: kindSending, id: id}); err != nil {
		return err
	}
	return j.sending(id)
}

// Park takes a refused message out of the queue and keeps it, on disk.
func (j *Journal) Park(id uint64, code string) error {
	if _, err := j.find(id); err != nil {
		return err
	}
	if err := j.append(record{kind: kindParked, id: id, sealed: []byte(code)}); err != nil {
		return err
	}
	return j.park(id, code)
}

// Remove forgets a message, on disk.
func (j *Journal) Remove(id uint64) error {
	if !j.has(id) {
		return noMessage(id)
	}
	if err := j.append(record{kind: kindRemoved, id: id}); err != nil {
		return err
	}
	if err := j.remove(id); err != nil {
		return err
	}
	j.account(id, 0)
	if j.size > compactAt && j.live < j.size/2 {
		return j.compact()
	}
	return nil
}

// Close closes the file.
func (j *Journal) Close() error {
	if j.broken == nil {
		j.broken = errors.New("the journal is closed")
	}
	return j.file.Close()
}

func (j *Journal) append(r record) error {
	if j.broken != nil {
		return fmt.Errorf("the journal failed before: %w", j.broken)
	}
	j.buf = r.append(j.buf[:0])
	return j.write(j.buf)
}

// write appends bytes and waits until they are on disk.
func (j *Journal) write(b []byte) error {
	n, err := j.file.Write(b)
	j.size += int64(n)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.broken = err
		return fmt.Errorf("the journal cannot be written: %w", err)
	}
	return nil
}

// compact writes what is still true to a new file and puts it in the place of
// the old one.
func (j *Journal) compact() error {
	b := record{kind: kindCounter, id: j.last, stan: uint32(j.stan)}.append([]byte(magic))
	for i := range j.parked { // the message first, then what became of it
		e := &j.parked[i]
		var err error
		if b, err = j.entry(b, &e.Entry); err != nil {
			return err
		}
		b = record{kind: kindParked, id: e.ID, sealed: []byte(e.Code)}.append(b)
	}
	for i := range j.pending {
		var err error
		if b, err = j.entry(b, &j.pending[i]); err != nil {
			return err
		}
	}
	b = record{kind: kindCounter, id: j.last, stan: uint32(j.stan)}.append(b)
	f, err := replace(j.dir, b)
	if err != nil {
		j.broken = err
		return fmt.Errorf("the journal cannot be rewritten: %w", err)
	}
	j.file.Close()
	j.file, j.size = f, int64(len(b))
	return nil
}

// entry appends the records of a message to dst.
func (j *Journal) entry(dst []byte, e *terminal.Entry) ([]byte, error) {
	var stan uint32
	fmt.Sscanf(e.Message.STAN, "%06d", &stan)
	r := record{kind: kindAdded, id: e.ID, stan: stan}
	if err := j.seal.seal(&r, e); err != nil {
		return dst, err
	}
	dst = r.append(dst)
	if e.Sent {
		dst = record{kind: kindSending, id: e.ID}.append(dst)
	}
	return dst, nil
}

// replace writes a file beside the journal, puts it in the journal's place and
// returns it, open at its end.
func replace(dir string, content []byte) (*os.File, error) {
	temp := filepath.Join(dir, tempName)
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(temp, filepath.Join(dir, fileName))
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// syncDir makes a new name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
