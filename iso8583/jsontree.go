package iso8583

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Limits of a table file.
const (
	maxTableSize  = 1 << 20
	maxTableDepth = 8
)

// node is a JSON value that knows its line, so that an error can name it:
// string, json.Number, bool, nil, []*node, or []member in the file's order.
type node struct {
	line  int
	value any
}

// entry is one key of an object.
type entry struct {
	key   string
	value *node
}

// tree reads a JSON document whose value is one object.
type tree struct {
	file string
	src  []byte
	dec  *json.Decoder
}

func parseTree(file string, src []byte) (*node, error) {
	if len(src) > maxTableSize {
		return nil, fmt.Errorf("%s: %d bytes, at most %d are read", file, len(src), maxTableSize)
	}
	t := &tree{file: file, src: src, dec: json.NewDecoder(bytes.NewReader(src))}
	t.dec.UseNumber()
	root, err := t.next(0)
	if err != nil {
		return nil, err
	}
	if _, err := t.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, t.errorf(t.line(), "something follows the closing brace")
	}
	return root, nil
}

func (t *tree) line() int { return 1 + bytes.Count(t.src[:t.dec.InputOffset()], []byte("\n")) }

func (t *tree) errorf(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", t.file, line, fmt.Sprintf(format, args...))
}

// next reads one value.
func (t *tree) next(depth int) (*node, error) {
	token, err := t.dec.Token()
	if errors.Is(err, io.EOF) {
		return nil, t.errorf(t.line(), "the file ends in the middle")
	}
	if err != nil {
		return nil, t.errorf(t.line(), "not JSON: %v", err)
	}
	n := &node{line: t.line(), value: token}
	if depth > maxTableDepth {
		return nil, t.errorf(n.line, "nested too deep")
	}
	switch token {
	case json.Delim('{'):
		n.value, err = t.object(depth)
	case json.Delim('['):
		n.value, err = t.array(depth)
	}
	return n, err
}

func (t *tree) object(depth int) ([]entry, error) {
	entries := []entry{}
	for t.dec.More() {
		key, err := t.next(depth + 1)
		if err != nil {
			return nil, err
		}
		name := key.value.(string) // the decoder takes nothing else as a key
		for _, e := range entries {
			if e.key == name {
				return nil, t.errorf(key.line, "key %q is there twice", name)
			}
		}
		value, err := t.next(depth + 1)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{name, value})
	}
	return entries, t.closing()
}

func (t *tree) array(depth int) ([]*node, error) {
	list := []*node{}
	for t.dec.More() {
		n, err := t.next(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, t.closing()
}

func (t *tree) closing() error {
	if _, err := t.dec.Token(); err != nil {
		return t.errorf(t.line(), "not JSON: a closing brace or bracket is missing")
	}
	return nil
}
