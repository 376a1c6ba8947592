package interop

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
)

// input is a file, as bytes and as lines of text.
type input struct {
	raw   []byte
	lines []string
	text  error // why it is no text
	done  bool
}

// escapes are the colours and cursor movements of terminals.
var escapes = regexp.MustCompile("\x1b(?:\\[[0-9;?]*[A-Za-z]|\\][^\x07]*\x07|[()][A-Z0-9])")

// breaks are line breaks of HTML.
var breaks = regexp.MustCompile(`(?i)<br\s*/?>`)

// each calls f for each line with its number from 1, without colours and line
// ends, until f fails.
func (in *input) each(f func(n int, line string) error) error {
	if !in.done {
		in.lines, in.text = split(in.raw)
		in.done = true
	}
	if in.text != nil {
		return in.text
	}
	for i, line := range in.lines {
		if err := f(i+1, line); err != nil {
			if blank(in.lines[i+1:]) {
				return atEnd(err)
			}
			return err
		}
	}
	return nil
}

func split(raw []byte) ([]string, error) {
	text := decode(raw)
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, isAbsent("it is no text")
	}
	text = escapes.ReplaceAll(text, nil)
	text = breaks.ReplaceAll(text, []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	lines := strings.Split(string(text), "\n")
	if len(lines) > maxLines {
		return nil, fmt.Errorf("more than %d lines", maxLines)
	}
	return lines, nil
}

// decode makes UTF-8 of what Windows programs write.
func decode(raw []byte) []byte {
	order := -1
	switch {
	case bytes.HasPrefix(raw, []byte{0xFF, 0xFE}):
		order = 0
	case bytes.HasPrefix(raw, []byte{0xFE, 0xFF}):
		order = 1
	default:
		return bytes.TrimPrefix(raw, []byte("\uFEFF"))
	}
	units := make([]uint16, 0, len(raw)/2)
	for i := 2; i+1 < len(raw); i += 2 {
		units = append(units, uint16(raw[i+order^1])<<8|uint16(raw[i+order]))
	}
	return []byte(string(utf16.Decode(units)))
}

// hexRun reads the bytes at the start of s: words of an even number of hex
// digits, with blanks, colons or commas between, perhaps 0x in front of each.
// It ends at the first word that is none; rest begins there.
func hexRun(s string) (b []byte, rest string) {
	for {
		s = strings.TrimLeft(s, " \t:,")
		word := s
		if i := strings.IndexAny(s, " \t:,"); i >= 0 {
			word = s[:i]
		}
		digits := strings.TrimPrefix(strings.TrimPrefix(word, "0x"), "0X")
		n := 0
		for n < len(digits) && isHex(digits[n]) {
			n++
		}
		if n == 0 || n%2 == 1 || n < len(digits) && isWord(digits[n]) {
			return b, s
		}
		bytes, _ := hex.DecodeString(digits[:n])
		b = append(b, bytes...)
		if s = s[len(word)-len(digits)+n:]; n < len(digits) {
			return b, s
		}
	}
}

// hexOf reads bytes and wants nothing behind them but a remark: text after a
// blank. Data that were cut are an error.
func hexOf(line int, s string) ([]byte, error) {
	b, rest := hexRun(s)
	if isCut(rest) {
		return nil, cutAt(line)
	}
	return b, nil
}

// isCut is true when what follows bytes says that there were more.
func isCut(rest string) bool {
	rest = strings.TrimLeft(rest, " \t")
	return strings.HasPrefix(rest, "(...)") || strings.HasPrefix(rest, "...") || strings.HasPrefix(rest, "…") ||
		strings.HasPrefix(rest, "[...]") || strings.HasPrefix(rest, "(…)") || strings.HasPrefix(rest, "**")
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '-' || c == '/'
}

// dumpRow reads a row of a hex dump: up to 16 bytes in pairs with one blank
// between, and characters behind them, which are left out. limit is how many
// bytes are still to come, below 0 when that is not known; then a short row is
// padded to 48 columns.
func dumpRow(s string, limit int) ([]byte, bool) {
	var b []byte
	for len(b) < 16 && len(b) != limit && len(s) >= 2 && isHex(s[0]) && isHex(s[1]) && (len(s) == 2 || s[2] == ' ') {
		v, _ := hex.DecodeString(s[:2])
		b = append(b, v...)
		s = s[min(3, len(s)):]
	}
	return b, len(b) > 0
}
