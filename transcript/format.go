package transcript

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Format writes a transcript as text: upper-case hex without blanks, one line
// for each line of t, a final newline. Parse reads back the same transcript,
// and a file that this program wrote comes out byte for byte as it was. It
// fails when t could not be read back: a malformed header, a command without
// its answer, text that is more than a line.
func Format(t *Transcript) ([]byte, error) {
	var out []byte
	for i, f := range t.Header {
		reason := checkField(t.Header[:i], f)
		if i == 0 && f.Key != versionKey {
			reason = "the key " + versionKey + " must come first"
		}
		if reason != "" {
			return nil, fmt.Errorf("transcript header: %s", reason)
		}
		out = fmt.Appendf(out, "# %s: %s\n", f.Key, f.Value)
	}
	w := writer{ours: t.Ours()}
	for i, l := range t.Lines {
		if reason := w.check(i, l); reason != "" {
			return nil, fmt.Errorf("transcript line %d: %s", len(t.Header)+i+1, reason)
		}
		out = appendLine(out, l)
	}
	switch {
	case w.open:
		return nil, fmt.Errorf("transcript: the last command has no answer line")
	case len(t.Header)+len(t.Lines) > MaxLines || len(out) > MaxSize:
		return nil, fmt.Errorf("transcript: more than %d lines or %d bytes", MaxLines, MaxSize)
	case !w.ours && w.exchanges == 0:
		return nil, fmt.Errorf("transcript: no header and no exchange")
	}
	return out, nil
}

// writer checks that lines can be read back.
type writer struct {
	ours, open bool
	exchanges  int
}

func (w *writer) check(i int, l Line) string {
	switch l.Kind {
	case Comment:
		return w.checkComment(i, l)
	case Command, AnyCommand:
		if w.open {
			return "a command before the answer to the last"
		}
		w.open = true
		w.exchanges++
	case Response, Lost:
		if !w.open {
			return "an answer without a command"
		}
		w.open = false
	case Tear, Reset, Wait, Verify:
		if !w.ours || w.open {
			return "an event needs a header before it and no command that waits"
		}
	case Blank:
	default:
		return "a line of no kind"
	}
	return checkContent(l)
}

func (w *writer) checkComment(i int, l Line) string {
	key, _, ok := cutField(l.Text)
	switch {
	case w.ours && i == 0:
		return "a comment right after the header would be read as part of it; put a blank line between"
	case ok && key == versionKey:
		return "a comment that looks like the first line of a header"
	case strings.ContainsAny(l.Text, "\r\n") || badText(l.Text) >= 0:
		return "a comment is one line of text"
	}
	return ""
}

// checkContent checks what belongs to the kind, and that nothing else is set.
func checkContent(l Line) string {
	hex := l.Kind == Command || l.Kind == Response
	switch {
	case hex && (len(l.Bytes) == 0 || len(l.Bytes) > MaxBytes):
		return fmt.Sprintf("%d bytes; an APDU has 1 to %d", len(l.Bytes), MaxBytes)
	case l.Kind == Wait && (l.Wait <= 0 || l.Wait > MaxWait):
		return "a wait is longer than nothing and at most " + MaxWait.String()
	}
	return ""
}

func appendLine(out []byte, l Line) []byte {
	switch l.Kind {
	case Comment:
		out = append(append(out, '#'), l.Text...)
	case Command:
		out = appendHex(append(out, "> "...), l.Bytes)
	case AnyCommand:
		out = append(out, "> ?"...)
	case Response:
		out = appendHex(append(out, "< "...), l.Bytes)
	case Lost:
		out = append(out, "< !"...)
	case Tear:
		out = append(out, "! tear"...)
	case Reset:
		out = append(out, "! reset"...)
	case Wait:
		out = append(append(out, "! wait "...), shortDuration(l.Wait)...)
	case Verify:
		out = append(out, "! verify"...)
	}
	return append(out, '\n')
}

func appendHex(out, b []byte) []byte {
	return append(out, strings.ToUpper(hex.EncodeToString(b))...)
}

// shortDuration drops the zero units that Duration.String ends with: 2m0s is
// 2m.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
