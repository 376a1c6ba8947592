package vectors

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tapsim/cryptogram"
)

// run is one case being computed. Operations read inputs and report outputs
// through it; a difference or a refusal ends the case by a panic that Run
// catches, so that an operation reads like the recipe it is.
type run struct {
	c    *Case
	op   spec
	done map[string]bool
}

// difference ends a case: the project comes to something else.
type difference struct{ step, got, want, reason string }

// refusal ends a case: the case is wrong or cannot be computed.
type refusal struct{ part, reason string }

func refuse(part, format string, args ...any) {
	if part == "" {
		part = `""` // a name that the case leaves empty
	}
	panic(&refusal{part, fmt.Sprintf(format, args...)})
}

// must ends the case when an input cannot be used.
func must[T any](v T, err error) T {
	if err != nil {
		refuse("inputs", "%v", err)
	}
	return v
}

// check finds the operation and holds the case against its line in the table.
func (r *run) check() spec {
	op, ok := specs[r.c.Op]
	if !ok {
		refuse("op", "unknown operation %q", r.c.Op)
	}
	r.op = op
	for _, name := range op.always.names {
		if _, ok := r.c.inputs[name]; !ok {
			refuse(name, "missing input")
		}
	}
	for _, name := range sortedKeys(r.c.inputs) {
		kind, ok := op.input(name)
		if !ok {
			refuse(name, "not an input of %s", r.c.Op)
		}
		checkKind(name, kind, r.c.inputs[name])
	}
	if len(r.c.outputs) == 0 {
		refuse("outputs", "the case expects nothing")
	}
	for _, name := range r.c.published {
		kind, ok := op.outputs.kinds[name]
		if !ok {
			refuse(name, "not an output of %s", r.c.Op)
		}
		checkKind(name, kind, r.c.outputs[name])
	}
	return op
}

// finish refuses published outputs that the operation did not come to.
func (r *run) finish() {
	for _, name := range r.c.published {
		if !r.done[name] {
			refuse(name, "output cannot be computed from the inputs given")
		}
	}
}

func checkKind(name string, k kind, v value) {
	want := jsonString
	switch k {
	case kindInt:
		want = jsonNumber
	case kindBool:
		want = jsonBool
	case kindInts:
		want = jsonList
	}
	if v.kind != want {
		refuse(name, "is %s, want %s", jsonNames[v.kind], jsonNames[want])
	}
	switch k {
	case kindHex:
		if _, err := hex.DecodeString(v.text); err != nil {
			refuse(name, "not whole bytes of hex")
		}
	case kindDigits:
		if strings.Trim(v.text, "0123456789") != "" {
			refuse(name, "not decimal digits")
		}
	case kindNibbles:
		if v.text == "" || strings.Trim(v.text, "0123456789ABCDEFabcdef") != "" {
			refuse(name, "not hex digits")
		}
	case kindWord:
		if known, ok := words[name]; ok && !slices.Contains(strings.Fields(known), v.text) {
			refuse(name, "unknown value %q, want %s", v.text, strings.Join(strings.Fields(known), ", "))
		}
	case kindInt:
		if _, err := strconv.Atoi(v.text); err != nil {
			refuse(name, "not a whole number")
		}
	case kindInts:
		for _, item := range v.items {
			checkKind(name, kindInt, item)
		}
	}
}

// Inputs.

func (r *run) has(name string) bool {
	_, ok := r.c.inputs[name]
	return ok
}

func (r *run) hasAll(names ...string) bool {
	for _, n := range names {
		if !r.has(n) {
			return false
		}
	}
	return true
}

func (r *run) wants(name string) bool {
	_, ok := r.c.outputs[name]
	return ok
}

func (r *run) in(name string) value {
	v, ok := r.c.inputs[name]
	if !ok {
		if _, known := r.op.input(name); !known {
			panic("vectors: operation " + r.c.Op + " reads " + name + ", which its table does not list")
		}
		refuse(name, "missing input")
	}
	return v
}

func (r *run) hex(name string) []byte {
	b, _ := hex.DecodeString(r.in(name).text)
	return b
}

// fixed is hex of exactly n bytes.
func (r *run) fixed(name string, n int) []byte {
	b := r.hex(name)
	if len(b) != n {
		refuse(name, "%d bytes, want %d", len(b), n)
	}
	return b
}

func (r *run) text(name string) string { return r.in(name).text }

func (r *run) num(name string) int {
	n, _ := strconv.Atoi(r.in(name).text)
	return n
}

func (r *run) u16(name string) uint16 {
	b := r.fixed(name, 2)
	return uint16(b[0])<<8 | uint16(b[1])
}

func (r *run) key(a cryptogram.Algorithm, name string) *cryptogram.Key {
	return r.keyOf(name, a, r.hex(name))
}

func (r *run) keyOf(name string, a cryptogram.Algorithm, raw []byte) *cryptogram.Key {
	k, err := cryptogram.NewKey(a, raw)
	if err != nil {
		refuse(name, "%v", err)
	}
	return k
}

func (r *run) padding() cryptogram.Padding { return r.paddingMethod("padding") }

func (r *run) paddingMethod(name string) cryptogram.Padding {
	n := r.num(name)
	if n < 0 || n > 3 {
		refuse(name, "padding method %d, want 0 to 3", n)
	}
	return cryptogram.Padding(n)
}

// unknown refuses a word that is none of those the operation knows.
func (r *run) unknown(name, want string) {
	refuse(name, "unknown value %q, want %s", r.text(name), want)
}

// Checkpoints and outputs.

// agree compares a value on the way with the input of that name, if the case
// has it.
func (r *run) agree(name string, got []byte) {
	if r.has(name) {
		r.compare(name, got, r.hex(name))
	}
}

func (r *run) compare(step string, got, want []byte) {
	if !bytes.Equal(got, want) {
		panic(&difference{step: step, got: upper(got), want: upper(want)})
	}
}

// out compares a published output.
func (r *run) out(name string, got []byte) {
	if want, ok := r.output(name); ok {
		r.compare(name, got, want)
	}
}

// leading compares an output of which only the leftmost bytes are published,
// least or more of them.
func (r *run) leading(name string, got []byte, least int) {
	if want, ok := r.output(name); ok {
		if len(want) < least || len(want) > len(got) {
			refuse(name, "%d bytes are published, want %d to %d", len(want), least, len(got))
		}
		r.compare(name, got[:len(want)], want)
	}
}

func (r *run) output(name string) ([]byte, bool) {
	v, ok := r.c.outputs[name]
	if _, known := r.op.outputs.kinds[name]; !known {
		panic("vectors: operation " + r.c.Op + " gives " + name + ", which its table does not list")
	}
	r.done[name] = true
	b, _ := hex.DecodeString(v.text)
	return b, ok
}

// outText compares an output of digits or words; letters of hex may be of
// either case.
func (r *run) outText(name, got string) {
	r.output(name)
	if v, ok := r.c.outputs[name]; ok && !strings.EqualFold(v.text, got) {
		panic(&difference{step: name, got: got, want: v.text})
	}
}

func (r *run) outInt(name string, got int) {
	r.output(name)
	if v, ok := r.c.outputs[name]; ok && v.text != strconv.Itoa(got) {
		panic(&difference{step: name, got: strconv.Itoa(got), want: v.text})
	}
}

func (r *run) outBool(name string, got bool) {
	r.output(name)
	if v, ok := r.c.outputs[name]; ok && v.yes != got {
		panic(&difference{step: name, got: strconv.FormatBool(got), want: strconv.FormatBool(v.yes)})
	}
}

// outKey compares a key value. odd_parity says whether the published value is
// parity-adjusted; a 3DES case that does not say may be either.
func (r *run) outKey(name string, a cryptogram.Algorithm, raw []byte) {
	adjusted := append([]byte(nil), raw...)
	cryptogram.AdjustParity(adjusted)
	switch want, _ := r.output(name); {
	case a != cryptogram.TDES:
		r.out(name, raw)
	case r.has("odd_parity") && r.in("odd_parity").yes:
		r.out(name, adjusted)
	case r.has("odd_parity") || !bytes.Equal(want, adjusted):
		r.out(name, raw)
	}
}

// outCheckValue compares the check value of a key, which may be published in
// part.
func (r *run) outCheckValue(name string, k *cryptogram.Key) {
	r.leading(name, checkBlock(k), 2)
}

// checkBlock is a block of zeros enciphered: the check value in full.
func checkBlock(k *cryptogram.Key) []byte {
	return must(k.EncryptECB(make([]byte, k.Algorithm().BlockSize())))
}

func upper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
