package vectors

import (
	"maps"
	"strings"
)

// kind is how a value is written.
type kind byte

const (
	kindHex     kind = iota // whole bytes
	kindDigits              // decimal digits
	kindNibbles             // hex digits
	kindWord                // a name
	kindInt
	kindBool
	kindInts
)

// kinds by the mark behind a name in the table below.
var kindMarks = map[string]kind{"d": kindDigits, "x": kindNibbles, "w": kindWord, "i": kindInt, "b": kindBool, "l": kindInts}

// names are the fields of one column.
type names struct {
	names []string
	kinds map[string]kind
}

// words are the values of inputs that select a variant, of all operations
// together. Those that one operation does not have it refuses itself.
var words = map[string]string{
	"card_key":         "option-a option-b option-b-any-length option-c sm4",
	"session":          "none csk mastercard-skd pboc given limited-use-key visa-script",
	"mac_over":         "header-data header-atc-ac-data",
	"pin_block_format": "vis iso-2",
	"pin_padding":      "none iso-9797-2 length-prefixed",
	"encipher_mode":    "ecb cbc",
}

// columns reads names with their marks: "key" is hex, "pan:d" digits.
func columns(s string) names {
	n := names{kinds: map[string]kind{}}
	for _, f := range strings.Fields(s) {
		name, mark, _ := strings.Cut(f, ":")
		k, ok := kindMarks[mark]
		if mark != "" && !ok {
			panic("vectors: unknown mark in " + f)
		}
		n.names = append(n.names, name)
		n.kinds[name] = k
	}
	return n
}

// spec is one operation: a line of the table in testdata/vectors/README.md.
type spec struct {
	always, sometimes, outputs names
	run                        func(*run)
}

// input is how an input is written; false for what is none.
func (s spec) input(name string) (kind, bool) {
	if k, ok := s.always.kinds[name]; ok {
		return k, true
	}
	k, ok := s.sometimes.kinds[name]
	return k, ok
}

// op makes a line of the table from its columns.
func op(always, sometimes, outputs string, run func(*run)) spec {
	return spec{columns(always), columns(sometimes), columns(outputs), run}
}

// Inputs that several operations share.
const tenTags = "9F02 9F03 9F1A 95 5F2A 9A 9C 9F37 82 9F36"

// specs is the table of operations.
var specs = func() map[string]spec {
	all := map[string]spec{}
	for _, part := range []map[string]spec{basicSpecs, keySpecs, cryptogramSpecs, valueSpecs, scriptSpecs, pinSpecs, dukptSpecs, odaSpecs} {
		maps.Copy(all, part)
	}
	return all
}()
