// Package config is the one YAML decoder: known fields only, hex only as quoted
// strings, errors that name file and line. Unquoted hex is a trap: 57: 1234E5
// is a float to YAML and 95: 0000000000 is zero.
package config

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"tapsim/emv"
)

// MaxSize bounds a file, in bytes.
const MaxSize = 1 << 20

// Limits of a document. The decoder compares each key of a section with every
// other, and complains about each.
const (
	maxKeys       = 2000 // of one section
	maxDepth      = 64
	maxComplaints = 20
)

// Decode reads one YAML document from data into the struct that into points
// to. name stands for the file in errors. Unknown and repeated keys, unquoted
// hex and further documents are errors with their line.
func Decode(name string, data []byte, into any) error {
	if len(data) > MaxSize {
		return fmt.Errorf("%s: %d bytes, at most %d are read", name, len(data), MaxSize)
	}
	var shape yaml.Node
	if err := yaml.Unmarshal(data, &shape); err != nil {
		return explain(name, err)
	}
	if err := checkShape(name, &shape, 0); err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	switch err := d.Decode(into); {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%s: the file is empty", name)
	case err != nil:
		return explain(name, err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one YAML document", name)
	}
	return nil
}

// checkShape refuses documents that only an attack looks like. What aliases blow
// up to the decoder bounds itself.
func checkShape(name string, n *yaml.Node, depth int) error {
	switch {
	case depth > maxDepth:
		return fmt.Errorf("%s:%d: nested deeper than %d levels", name, n.Line, maxDepth)
	case n.Kind == yaml.MappingNode && len(n.Content) > 2*maxKeys:
		return fmt.Errorf("%s:%d: a section of %d keys, at most %d are read", name, n.Line, len(n.Content)/2, maxKeys)
	}
	for _, inner := range n.Content {
		if err := checkShape(name, inner, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// ReadFile reads a file of at most MaxSize bytes.
func ReadFile(name string) ([]byte, error) {
	f, err := os.Open(filepath.Clean(name))
	if err != nil {
		return nil, fileError(name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	switch {
	case err != nil:
		return nil, fileError(name, err)
	case len(data) > MaxSize:
		return nil, fmt.Errorf("%s: it is longer than %d bytes, and at most those are read", name, MaxSize)
	}
	return data, nil
}

// fileError names the file once and leaves the system call out.
func fileError(name string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// explain puts the file's name in front of each of the decoder's complaints,
// in words of ours where its own speak of Go types.
func explain(name string, err error) error {
	var te *yaml.TypeError
	if !errors.As(err, &te) {
		return fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	lines := make([]string, len(te.Errors))
	for i, e := range te.Errors {
		line, what, _ := strings.Cut(e, ": ")
		lines[i] = fmt.Sprintf("%s:%s: %s", name, strings.TrimPrefix(line, "line "), inWords(what))
	}
	if more := len(lines) - maxComplaints; more > 0 {
		lines = append(lines[:maxComplaints], fmt.Sprintf("%s: and %d more like these", name, more))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// inWords says a complaint of the decoder without Go's types and without the
// value, which may be secret.
func inWords(what string) string {
	if field, _, ok := strings.Cut(what, " not found in type "); ok {
		return "unknown key " + strings.TrimPrefix(field, "field ")
	}
	if key, line, ok := strings.Cut(strings.TrimPrefix(what, "mapping key "), " already defined at line "); ok {
		return "key " + strings.Trim(key, `"`) + " stands already in line " + line
	}
	is, wants, ok := strings.Cut(strings.TrimPrefix(what, "cannot unmarshal "), " into ")
	if !ok {
		return what
	}
	is, _, _ = strings.Cut(is, " ")
	if want := wanted(wants); want != wholeNumber || found(is) != "a number" {
		return "want " + want + ", not " + found(is)
	}
	return "want " + wholeNumber + ": this one is out of range"
}

const wholeNumber = "a whole number"

// found is a type of YAML.
func found(tag string) string {
	switch tag {
	case "!!str":
		return "text"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!seq":
		return "a list"
	case "!!map":
		return "a section of keys"
	}
	return "this"
}

// wanted is a type of Go.
func wanted(t string) string {
	switch {
	case t == "string":
		return "text"
	case t == "bool":
		return "true or false"
	case t == "time.Duration":
		return `a time with its unit, such as "1.5s" or "200ms"`
	case strings.HasPrefix(t, "int"), strings.HasPrefix(t, "uint"):
		return wholeNumber
	case strings.HasPrefix(t, "float"):
		return "a number"
	case strings.HasPrefix(t, "[]"):
		return "a list"
	}
	return "a section of keys"
}

// Hex is a byte string that stands in YAML as a quoted string of hex digits.
type Hex []byte

// UnmarshalYAML refuses what is not a quoted string of whole bytes.
func (h *Hex) UnmarshalYAML(n *yaml.Node) error {
	s, err := quoted(n)
	if err != nil {
		return err
	}
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil { // without the value: it may be a key or a track
		return fieldError(n, "not hex: want whole bytes of 0-9 and A-F")
	}
	*h = b
	return nil
}

// TagName is a tag that stands in YAML as a quoted string, also as a key.
type TagName emv.Tag

// UnmarshalYAML refuses what is not a quoted, whole tag.
func (t *TagName) UnmarshalYAML(n *yaml.Node) error {
	s, err := quoted(n)
	if err != nil {
		return err
	}
	tag, err := emv.ParseTag(s)
	if err != nil {
		return fieldError(n, "%v", err)
	}
	*t = TagName(tag)
	return nil
}

// Digits is a number that is a string of decimal digits, leading zeros and all,
// such as a PAN or an expiry date. It stands quoted.
type Digits string

// UnmarshalYAML refuses what is not a quoted string of decimal digits.
func (d *Digits) UnmarshalYAML(n *yaml.Node) error {
	s, err := quoted(n)
	if err != nil {
		return err
	}
	if strings.Trim(s, "0123456789") != "" {
		return fieldError(n, "want decimal digits only")
	}
	*d = Digits(s)
	return nil
}

func quoted(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 {
		return "", fieldError(n, "hex and digits must stand in quotes, or YAML reads them as numbers")
	}
	return n.Value, nil
}

// fieldError is an error that yaml reports together with its others.
func fieldError(n *yaml.Node, format string, args ...any) error {
	return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %s", n.Line, fmt.Sprintf(format, args...))}}
}
