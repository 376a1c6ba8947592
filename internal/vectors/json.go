package vectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxJSONDepth bounds nesting: a file has five levels.
const maxJSONDepth = 10

type jsonKind byte

const (
	jsonString jsonKind = iota + 1
	jsonNumber
	jsonBool
	jsonList
	jsonObject
	jsonNull
)

var jsonNames = [...]string{"", "a string", "a number", "true or false", "a list", "an object", "null"}

// value is a JSON value with its line. The standard decoder would drop all but
// the last of repeated keys and take "ID" for "id".
type value struct {
	line    int
	kind    jsonKind
	text    string // of a string or number
	yes     bool
	items   []value
	members []member
}

type member struct {
	name  string
	value value
}

// fault is an error at the value's line: "12: ...".
func (v value) fault(format string, args ...any) error {
	return fmt.Errorf("%d: %s", v.line, fmt.Sprintf(format, args...))
}

// parser counts lines as tokens come.
type parser struct {
	dec  *json.Decoder
	data []byte
	at   int // offset up to which lines are counted
	line int
}

// parseJSON reads exactly one JSON value.
func parseJSON(data []byte) (value, error) {
	p := &parser{dec: json.NewDecoder(bytes.NewReader(data)), data: data, line: 1}
	p.dec.UseNumber()
	v, err := p.value(0)
	if err != nil {
		return v, err
	}
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return v, p.fault("something stands after the end of the file's object")
	}
	return v, nil
}

func (p *parser) fault(format string, args ...any) error {
	return value{line: p.here()}.fault(format, args...)
}

// here is the line of the last token.
func (p *parser) here() int {
	to := min(int(p.dec.InputOffset()), len(p.data))
	p.line += bytes.Count(p.data[p.at:to], []byte("\n"))
	p.at = to
	return p.line
}

func (p *parser) token() (json.Token, error) {
	t, err := p.dec.Token()
	if errors.Is(err, io.EOF) {
		return nil, p.fault("not JSON: the file ends too early")
	}
	if err != nil {
		return nil, p.fault("not JSON: %v", err)
	}
	return t, nil
}

func (p *parser) value(depth int) (value, error) {
	t, err := p.token()
	if err != nil {
		return value{}, err
	}
	v := value{line: p.here()}
	if depth > maxJSONDepth {
		return v, v.fault("nested deeper than %d levels", maxJSONDepth)
	}
	switch t := t.(type) {
	case string:
		v.kind, v.text = jsonString, t
	case json.Number:
		v.kind, v.text = jsonNumber, t.String()
	case bool:
		v.kind, v.yes = jsonBool, t
	case nil:
		v.kind = jsonNull
	case json.Delim:
		return v, p.compound(&v, t, depth)
	}
	return v, nil
}

// compound reads the rest of a list or object up to its end.
func (p *parser) compound(v *value, open json.Delim, depth int) error {
	v.kind = jsonObject
	if open == '[' {
		v.kind = jsonList
	}
	names := map[string]bool{}
	for p.dec.More() {
		if v.kind == jsonList {
			item, err := p.value(depth + 1)
			if err != nil {
				return err
			}
			v.items = append(v.items, item)
			continue
		}
		t, err := p.token()
		if err != nil {
			return err
		}
		name := t.(string)
		if names[name] {
			return p.fault("key %q stands twice in one object", name)
		}
		names[name] = true
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		v.members = append(v.members, member{name, item})
	}
	_, err := p.token()
	return err
}

// object reads the members of v into fields, pointers to strings or values by
// name. Members without a field, and required names without a member, are
// errors.
func (v value) object(fields map[string]any, required ...string) error {
	if v.kind != jsonObject {
		return v.fault("want an object, not %s", jsonNames[v.kind])
	}
	for _, m := range v.members {
		switch to := fields[m.name].(type) {
		case *value:
			*to = m.value
		case *string:
			if m.value.kind != jsonString {
				return m.value.fault("%s is %s, want a string", m.name, jsonNames[m.value.kind])
			}
			*to = m.value.text
		default:
			return m.value.fault("unknown key %q, want %s", m.name, strings.Join(sortedKeys(fields), ", "))
		}
		required = slices.DeleteFunc(required, func(name string) bool { return name == m.name })
	}
	if len(required) > 0 {
		return v.fault("key %q is missing", required[0])
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
