package transcript

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tapsim/apdu"
)

// maxRecorded bounds the exchanges of a recording, so that a terminal that
// never ends cannot fill the memory.
const maxRecorded = MaxLines / 8

// Recorder carries commands to a card and writes them down. It implements
// apdu.Transceiver.
//
// A command without an answer is recorded as "< !". When the error tells that
// the card did not see the command (it has a method CardSaw that is false),
// "! tear" stands before it, so that a replay does not send it either.
type Recorder struct {
	next apdu.Transceiver

	mu   sync.Mutex
	t    *Transcript
	n    int
	torn bool
	off  bool // the field went off since the last command
}

// NewRecorder records what goes to next under a header, which NewHeader makes.
func NewRecorder(next apdu.Transceiver, header []Field) *Recorder {
	return &Recorder{next: next, t: &Transcript{Header: append([]Field(nil), header...), Lines: []Line{{Kind: Blank}}}}
}

// Transceive carries one command and records it with its answer.
func (r *Recorder) Transceive(ctx context.Context, command []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(command) == 0 || len(command) > MaxBytes {
		return nil, fmt.Errorf("recorder: a command has 1 to %d bytes, not %d", MaxBytes, len(command))
	}
	if r.n == maxRecorded {
		return nil, fmt.Errorf("recorder: more than %d exchanges; stopped", maxRecorded)
	}
	answer, err := r.next.Transceive(ctx, command)
	r.comeBack()
	r.n++
	r.lost(err)
	r.add(Line{Kind: Comment, Text: " " + nameOf(command)}, Line{Kind: Command, Bytes: bytes.Clone(command)})
	if err != nil || len(answer) == 0 || len(answer) > MaxBytes {
		r.add(Line{Kind: Lost})
		return answer, err
	}
	r.add(Line{Kind: Response, Bytes: bytes.Clone(answer)})
	return answer, nil
}

// lost notes that the card was gone before it saw the command.
func (r *Recorder) lost(err error) {
	var saw interface{ CardSaw() bool }
	if !r.torn && errors.As(err, &saw) && !saw.CardSaw() {
		r.add(Line{Kind: Tear})
		r.torn = true
	}
}

// Reset records that the field went off and on. It is written when a command
// follows: the end of the last tap is none.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off = true
}

func (r *Recorder) comeBack() {
	if r.off && r.n > 0 {
		r.torn = false
		r.add(Line{Kind: Blank}, Line{Kind: Reset})
	}
	r.off = false
}

// Wait records that time passed. Times that are not above zero are left out.
func (r *Recorder) Wait(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d > 0 {
		r.add(Line{Kind: Wait, Wait: min(d, MaxWait)})
	}
}

// Verify records that the user unlocked the phone.
func (r *Recorder) Verify() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(Line{Kind: Verify})
}

func (r *Recorder) add(lines ...Line) {
	if len(r.t.Lines) < MaxLines-len(r.t.Header)-len(lines) {
		r.t.Lines = append(r.t.Lines, lines...)
	}
}

// Set sets the value of a header key: what is known at the end only, such as
// the outcome. An unknown key or a malformed value is an error.
func (r *Recorder) Set(key, value string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	values := map[string]string{}
	for _, f := range r.t.Header {
		values[f.Key] = f.Value
	}
	values[key] = value
	header, err := NewHeader(values)
	if err == nil {
		r.t.Header = header
	}
	return err
}

// Transcript is what has been recorded so far.
func (r *Recorder) Transcript() *Transcript {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &Transcript{Name: r.t.Name, Header: append([]Field(nil), r.t.Header...), Lines: append([]Line(nil), r.t.Lines...)}
}

// Reader is a reader's field as a terminal uses it: Activate turns it on and
// waits for a card, Off turns it off for a time.
type Reader interface {
	Activate(ctx context.Context) (apdu.Transceiver, error)
	Off(ctx context.Context, d time.Duration) error
}

// Over makes a reader of next whose exchanges, resets and waits r records. Make
// r without a card of its own: NewRecorder(nil, header).
func (r *Recorder) Over(next Reader) Reader { return recordedReader{r, next} }

type recordedReader struct {
	r    *Recorder
	next Reader
}

func (f recordedReader) Activate(ctx context.Context) (apdu.Transceiver, error) {
	card, err := f.next.Activate(ctx)
	if err != nil {
		return nil, err
	}
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	f.r.next = card
	return f.r, nil
}

func (f recordedReader) Off(ctx context.Context, d time.Duration) error {
	err := f.next.Off(ctx, d)
	f.r.Wait(d)
	f.r.Reset()
	return err
}
