package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
)

// verb is one operation: method and path, the type that goes in, the one that
// comes out. An Idempotency field of Q travels in the header.
type verb[Q, R any] struct{ pattern string }

// route is an operation with what the bank does for it.
type route struct {
	pattern string
	in, out reflect.Type // what the document describes; nil for the service's own
	// do decodes a request, which is as the document wants it, and has the bank
	// answer it.
	do func(ctx context.Context, b Bank, request []byte, key string) (any, error)
}

// by is the operation as a bank does it.
func (v verb[Q, R]) by(do func(Bank, context.Context, Q) (R, error)) route {
	return route{v.pattern, reflect.TypeFor[Q](), reflect.TypeFor[R](), func(ctx context.Context, b Bank, request []byte, key string) (any, error) {
		var q Q
		if err := json.Unmarshal(request, &q); err != nil {
			return nil, &badRequest{"bad-request", "the request does not fit: " + plainField(err)}
		}
		if field := keyOf(&q); field != nil {
			*field = key
		}
		return do(b, ctx, q)
	}}
}

// plainField is where decoding failed, without the value.
func plainField(err error) string {
	if e, ok := err.(*json.UnmarshalTypeError); ok {
		return e.Field
	}
	return "a value is out of range"
}

// call asks the service for the operation.
func (v verb[Q, R]) call(ctx context.Context, c *Client, q *Q) (R, error) {
	var answer R
	key := ""
	if field := keyOf(q); field != nil {
		key = *field
	}
	body, err := json.Marshal(q)
	if err != nil {
		return answer, err
	}
	err = c.exchange(ctx, v.pattern, body, key, &answer)
	return answer, err
}

// keyOf is the idempotency key of a request, nil where it has none.
func keyOf(q any) *string {
	v := reflect.ValueOf(q).Elem()
	if v.Kind() != reflect.Struct {
		return nil
	}
	field := v.FieldByName("Idempotency")
	if !field.IsValid() {
		return nil
	}
	return field.Addr().Interface().(*string)
}

// queryJSON makes a JSON object of query parameters, checked against the
// document.
func (d *Document) queryJSON(o *Operation, query url.Values) ([]byte, error) {
	object := map[string]any{}
	for _, p := range o.Query {
		values, there := query[p.Name]
		switch {
		case len(values) > 1:
			return nil, fmt.Errorf("query parameter %s comes twice", p.Name)
		case !there && p.Required:
			return nil, fmt.Errorf("query parameter %s is missing", p.Name)
		case !there:
			continue
		}
		var v any = values[0]
		if d.resolve(p.Schema).Type == "integer" {
			v = json.Number(values[0])
		}
		if err := d.check(p.Schema, v, "query parameter "+p.Name); err != nil {
			return nil, err
		}
		object[p.Name] = v
	}
	for name := range query {
		if _, known := object[name]; !known {
			return nil, fmt.Errorf("there is a query parameter that is not known here")
		}
	}
	return json.Marshal(object)
}

// queryOf makes query parameters of a request's JSON.
func queryOf(body []byte) (url.Values, error) {
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	query := url.Values{}
	for name, v := range object {
		switch v := v.(type) {
		case string:
			query.Set(name, v)
		case json.Number:
			query.Set(name, v.String())
		case bool:
			query.Set(name, strconv.FormatBool(v))
		default:
			return nil, fmt.Errorf("httpapi: %s cannot be a query parameter", name)
		}
	}
	return query, nil
}
