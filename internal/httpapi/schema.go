package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"
)

// maxDepth bounds how deep JSON may be nested.
const maxDepth = 16

// readJSON reads one JSON value: objects as map[string]any, numbers as
// json.Number. A name that comes twice, text that is not UTF-8, data after the
// value, and deep nesting are errors. Errors hold names and places, no values.
func readJSON(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := readValue(d, 0)
	if err != nil {
		return nil, plainJSONError(d, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("byte %d: there is something after the value", d.InputOffset())
	}
	return v, nil
}

// errJSON is an error of our own, which quotes nothing.
type errJSON string

func (e errJSON) Error() string { return string(e) }

// plainJSONError is an error without what the text held there.
func plainJSONError(d *json.Decoder, err error) error {
	var own errJSON
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends too early")
	}
	return fmt.Errorf("byte %d: it is not JSON", d.InputOffset())
}

func readValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth == maxDepth {
		return nil, errJSON(fmt.Sprintf("it is nested deeper than %d", maxDepth))
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := readValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	object := map[string]any{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, _ := name.(string)
		if _, twice := object[key]; twice {
			return nil, errJSON(fmt.Sprintf("byte %d: a name comes twice", d.InputOffset()))
		}
		if object[key], err = readValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err = d.Token()
	return object, err
}

// fault says where a value is not what the document wants. It holds names of the
// document, no values.
func fault(at, format string, args ...any) error {
	if at == "" {
		at = "the body"
	}
	return fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...))
}

// Check finds what in a value, as readJSON gives it, is not as the schema has it.
func (d *Document) Check(s *Schema, v any) error { return d.check(s, v, "") }

// CheckJSON is Check for JSON text.
func (d *Document) CheckJSON(s *Schema, text []byte) error {
	v, err := readJSON(text)
	if err != nil {
		return err
	}
	return d.Check(s, v)
}

func (d *Document) check(s *Schema, v any, at string) error {
	if v == nil && s.Nullable {
		return nil
	}
	s = d.resolve(s)
	if v == nil && s.Nullable {
		return nil
	}
	switch s.Type {
	case "object":
		return d.checkObject(s, v, at)
	case "array":
		return d.checkArray(s, v, at)
	case "string":
		text, ok := v.(string)
		if !ok {
			return fault(at, "want a string")
		}
		return s.checkText(text, at)
	case "integer":
		return s.checkNumber(v, at)
	case "boolean":
		if _, ok := v.(bool); !ok {
			return fault(at, "want true or false")
		}
		return nil
	}
	return fault(at, "the document has no type for it")
}

func (d *Document) checkObject(s *Schema, v any, at string) error {
	object, ok := v.(map[string]any)
	if !ok {
		return fault(at, "want an object")
	}
	for _, name := range s.Required {
		if _, there := object[name]; !there {
			return fault(at+"/"+name, "is missing")
		}
	}
	for name, value := range object {
		p := s.Properties[name]
		switch {
		case p != nil:
			if err := d.check(p, value, at+"/"+name); err != nil {
				return err
			}
		case s.Additional != nil && !*s.Additional:
			return fault(at, "it has a name that is not known here")
		}
	}
	return nil
}

func (d *Document) checkArray(s *Schema, v any, at string) error {
	list, ok := v.([]any)
	if !ok {
		return fault(at, "want a list")
	}
	if s.MaxItems > 0 && len(list) > s.MaxItems {
		return fault(at, "it has more than %d items", s.MaxItems)
	}
	for n := range list {
		if err := d.check(s.Items, list[n], fmt.Sprintf("%s/%d", at, n)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Schema) checkText(text, at string) error {
	switch {
	case len(text) < s.MinLength:
		return fault(at, "it has fewer than %d characters", s.MinLength)
	case s.MaxLength > 0 && len(text) > s.MaxLength:
		return fault(at, "it has more than %d characters", s.MaxLength)
	case s.Enum != nil && !slices.Contains(s.Enum, text):
		return fault(at, "want one of %v", s.Enum)
	case s.pattern != nil && !s.pattern.MatchString(text):
		return fault(at, "it does not look like %s", s.Pattern)
	}
	switch s.Format {
	case "byte":
		if _, err := base64.StdEncoding.Strict().DecodeString(text); err != nil {
			return fault(at, "want base64")
		}
	case "date-time":
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			return fault(at, "want a time such as 2030-01-01T12:00:00Z")
		}
	}
	return nil
}

func (s *Schema) checkNumber(v any, at string) error {
	number, ok := v.(json.Number)
	if !ok {
		return fault(at, "want a whole number")
	}
	n, err := number.Int64()
	switch {
	case err != nil:
		return fault(at, "want a whole number")
	case s.Minimum != nil && n < *s.Minimum:
		return fault(at, "want at least %d", *s.Minimum)
	case s.Maximum != nil && n > *s.Maximum:
		return fault(at, "want at most %d", *s.Maximum)
	}
	return nil
}
