package httpapi

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/issuer"
	"tapsim/provisioning"
)

func theDocument(t testing.TB) *Document {
	t.Helper()
	d, err := document()
	require.NoError(t, err)
	return d
}

func testServer(t testing.TB, c ServerConfig) *Server {
	t.Helper()
	if c.Bank == nil {
		c.Bank = Local{testBank(t)}
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics("test", time.Unix(0, 0))
	}
	if c.Log == nil {
		c.Log = discard
	}
	c.Now = time.Now
	s, err := NewServer(c)
	require.NoError(t, err)
	return s
}

// Each operation of the document is one of the server, and the other way round.
func TestDocumentAndServerHaveTheSameOperations(t *testing.T) {
	d, s := theDocument(t), testServer(t, ServerConfig{})
	ids := map[string]bool{}
	for pattern, o := range d.Operations {
		require.Contains(t, s.routes, pattern)
		require.False(t, ids[o.ID], "%s twice", o.ID)
		ids[o.ID] = true
		require.Contains(t, o.Answers, "200", o.ID)
		require.Contains(t, o.Answers, "default", o.ID)
		change := o.Method == "POST" && strings.HasPrefix(o.Path, "/v1/bank/")
		require.Equal(t, change, o.Keyed, "%s: each change of the bank takes an idempotency key", o.ID)
		require.Equal(t, o.Method == "POST", o.Body != nil, o.ID)
		require.Equal(t, o.ID == "healthz", o.Open, o.ID)
	}
	require.Len(t, s.routes, len(d.Operations))
}

// The document names every status that the server answers with.
func TestDocumentHasAllStatuses(t *testing.T) {
	_, after, found := strings.Cut(string(OpenAPI()), `"Refused": {
        "description": "`)
	require.True(t, found)
	text, _, _ := strings.Cut(after, `"content"`)
	for code, f := range requestFaults {
		require.Contains(t, text, strconv.Itoa(f.status)+" ", code)
	}
	for _, code := range append(append(slices.Concat(forbidden, missing), conflicts...), "any-other", "bad-other") {
		require.Contains(t, text, strconv.Itoa(statusOf(code))+" ", code)
	}
}

// The document describes the types that the program has: each name of one is a
// name of the other, what may be left out may be left out in both, and what the
// document says of values holds for those of the program.
func TestDocumentDescribesTheTypes(t *testing.T) {
	d := theDocument(t)
	for _, r := range routes() {
		op := d.Operations[r.pattern]
		t.Run(op.ID, func(t *testing.T) {
			if op.Body != nil {
				compare(t, d, op.Body, r.in, true)
			} else {
				object := &Schema{Type: "object", Properties: map[string]*Schema{}, Additional: new(bool)}
				for _, p := range op.Query {
					object.Properties[p.Name] = p.Schema
					if p.Required {
						object.Required = append(object.Required, p.Name)
					}
				}
				compare(t, d, object, r.in, true)
			}
			compare(t, d, op.Answers["200"], r.out, false)
		})
	}
}

func compare(t *testing.T, d *Document, s *Schema, of reflect.Type, request bool) {
	t.Helper()
	full := reflect.New(of).Elem()
	fill(full)
	require.Empty(t, difference(t, d, s, marshalled(t, full), request), "filled")
	require.NoError(t, d.Check(s, marshalled(t, full)), "filled")
	if of.Kind() == reflect.Struct && keyOf(reflect.New(of).Interface()) != nil {
		require.True(t, request)
	}
	least := marshalled(t, reflect.New(of).Elem())
	if object, ok := least.(map[string]any); ok {
		for _, name := range d.resolve(s).Required {
			require.Contains(t, object, name, "the program may leave it out, the document does not")
		}
		require.Len(t, d.resolve(s).Required, len(object), "what the program always sends is required: %v", object)
	}
}

// The causes of a failed check are a closed set, and the document has it.
func TestDocumentHasAllCauses(t *testing.T) {
	var causes []string
	for _, cause := range issuer.Causes() {
		causes = append(causes, string(cause))
	}
	require.Equal(t, causes, theDocument(t).schemas["Step"].Properties["cause"].Enum)
}

func marshalled(t *testing.T, v reflect.Value) any {
	t.Helper()
	text, err := json.Marshal(v.Interface())
	require.NoError(t, err)
	value, err := readJSON(text)
	require.NoError(t, err)
	return value
}

// difference is a name that only one of schema and value has. Requests close
// their objects.
func difference(t *testing.T, d *Document, s *Schema, v any, request bool) string {
	s = d.resolve(s)
	switch v := v.(type) {
	case []any:
		if len(v) == 0 {
			return "an empty list"
		}
		return difference(t, d, s.Items, v[0], request)
	case map[string]any:
		if request && (s.Additional == nil || *s.Additional) {
			return "additionalProperties is not false"
		}
		for name := range s.Properties {
			if _, there := v[name]; !there {
				return name + " is in the document only"
			}
		}
		for name, value := range v {
			p := s.Properties[name]
			if p == nil {
				return name + " is in the program only"
			}
			if text := difference(t, d, p, value, request); text != "" {
				return name + ": " + text
			}
		}
	}
	return ""
}

// fill gives each field a value that is not zero.
func fill(v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)))
		return
	case issuer.Cause:
		v.Set(reflect.ValueOf(issuer.CauseFormat))
		return
	case provisioning.KeyKind:
		v.Set(reflect.ValueOf(provisioning.SingleUseKeys))
		return
	case provisioning.Credentials:
		v.Set(reflect.ValueOf(provisioning.Credentials{Data: emv.List{{Tag: 0x8F, Value: []byte{1}}}, Wrapped: []byte{2}}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint8, reflect.Uint16:
		v.SetUint(1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Array:
		for n := range v.Len() {
			fill(v.Index(n))
		}
	case reflect.Struct:
		for n := range v.NumField() {
			fill(v.Field(n))
		}
	default:
		panic(v.Kind())
	}
}

func TestDocumentsThatAreWrong(t *testing.T) {
	whole := string(OpenAPI())
	for name, c := range map[string][2]string{
		"version":        {`"openapi": "3.0.3"`, `"openapi": "2.0"`},
		"keyword":        {`"additionalProperties": false`, `"unevaluatedProperties": false`},
		"reference":      {`"$ref": "#/components/schemas/Cursor"`, `"$ref": "#/components/schemas/Nobody"`},
		"required":       {`"required": ["account"]`, `"required": ["accounts"]`},
		"pattern":        {`"pattern": "^[0-9a-f]{8}$"`, `"pattern": "("`},
		"path parameter": {`"in": "query"`, `"in": "path"`},
	} {
		require.Contains(t, whole, c[0], name)
		_, err := ParseDocument([]byte(strings.Replace(whole, c[0], c[1], 1)))
		require.Error(t, err, name)
	}
}

func TestReadJSON(t *testing.T) {
	for _, good := range []string{`{}`, ` {"a":[1,{"b":null}],"c":"é"} `, `"x"`, `[]`, `-1`, `true`} {
		v, err := readJSON([]byte(good))
		require.NoError(t, err, good)
		text, err := json.Marshal(v)
		require.NoError(t, err)
		require.JSONEq(t, good, string(text))
	}
	for bad, want := range map[string]string{
		``: "ends too early", `{`: "ends too early", `{"a":1`: "ends too early", `{} {}`: "after the value", `{}x`: "after the value",
		`{"a":1,"a":2}`: "a name comes twice", `{"x":{"a":1,"\u0061":2}}`: "a name comes twice", `{'a':1}`: "not JSON", `{"a":01}`: "not JSON",
		"{\"a\":\"\xFF\"}": "UTF-8", "\xEF\xBB\xBF{}": "not JSON", `{"a":NaN}`: "not JSON", `{"a":1,}`: "not JSON", `[1,]`: "not JSON",
		strings.Repeat("[", 17) + strings.Repeat("]", 17): "nested deeper", strings.Repeat(`{"a":`, 10000): "nested deeper",
		`{"4761739001010119":1,"4761739001010119":2}`: "a name comes twice",
	} {
		_, err := readJSON([]byte(bad))
		require.ErrorContains(t, err, want, "%.40q", bad)
		require.NotContains(t, err.Error(), "4761739001010119")
	}
}

func TestCheckValues(t *testing.T) {
	d := &Document{}
	one, ten := int64(1), int64(10)
	s := &Schema{Type: "object", Required: []string{"n"}, Additional: new(bool), Properties: map[string]*Schema{
		"n": {Type: "integer", Minimum: &one, Maximum: &ten}, "s": {Type: "string", MinLength: 2, MaxLength: 3}, "e": {Type: "string", Enum: []string{"a", "b"}},
		"b": {Type: "string", Format: "byte"}, "t": {Type: "string", Format: "date-time"}, "l": {Type: "array", MaxItems: 2, Items: &Schema{Type: "boolean"}},
		"z": {Type: "string", Nullable: true}, "p": {Type: "string", Pattern: "^[a-z]*$"}, "nothing": {},
	}}
	require.NoError(t, s.compile())
	for _, good := range []string{`{"n":1}`, `{"n":10,"s":"ab","e":"a","b":"AA==","t":"2030-01-01T00:00:00Z","l":[true,false],"z":null,"p":"q"}`} {
		require.NoError(t, d.CheckJSON(s, []byte(good)))
	}
	for bad, want := range map[string]string{
		`[]`: "want an object", `{}`: "/n: is missing", `{"n":0}`: "at least 1", `{"n":11}`: "at most 10", `{"n":1.0}`: "whole number", `{"n":1e0}`: "whole number",
		`{"n":"1"}`: "whole number", `{"n":null}`: "whole number", `{"n":99999999999999999999}`: "whole number", `{"N":1,"n":1}`: "not known here",
		`{"n":1,"s":"a"}`: "fewer than 2", `{"n":1,"s":"abcd"}`: "more than 3", `{"n":1,"s":7}`: "want a string", `{"n":1,"e":"c"}`: "want one of",
		`{"n":1,"b":"A"}`: "base64", `{"n":1,"b":"AB=="}`: "base64", `{"n":1,"t":"yesterday"}`: "want a time", `{"n":1,"l":[true,true,true]}`: "more than 2",
		`{"n":1,"l":[1]}`: "/l/0: want true or false", `{"n":1,"l":{}}`: "want a list", `{"n":1,"z":1}`: "want a string", `{"n":1,"p":"Q"}`: "look like",
		`{"n":1,"nothing":1}`: "no type",
	} {
		require.ErrorContains(t, d.CheckJSON(s, []byte(bad)), want, bad)
	}
}
