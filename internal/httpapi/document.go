package httpapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed openapi.json
var openAPI []byte

// OpenAPI is the document that describes the service, JSON.
func OpenAPI() []byte { return bytes.Clone(openAPI) }

// Document is the OpenAPI document as server and client read it: the part of
// OpenAPI 3.0 that it uses, and nothing else.
type Document struct {
	Operations map[string]*Operation // by method and path, such as "GET /v1/bank/show"
	schemas    map[string]*Schema
}

// Operation is one operation of the document.
type Operation struct {
	ID      string
	Method  string
	Path    string
	Query   []Parameter
	Keyed   bool               // takes an Idempotency-Key
	Open    bool               // needs no API key
	Body    *Schema            // nil: none
	Answers map[string]*Schema // by status, or "default"; nil: not JSON
}

// Parameter is a query parameter.
type Parameter struct {
	Name     string
	Required bool
	Schema   *Schema
}

// Schema is the part of a JSON schema that the document uses.
type Schema struct {
	Ref         string             `json:"$ref"`
	Type        string             `json:"type"`
	Format      string             `json:"format"` // byte and date-time are checked
	Description string             `json:"description"`
	Nullable    bool               `json:"nullable"`
	Enum        []string           `json:"enum"`
	Pattern     string             `json:"pattern"`
	MinLength   int                `json:"minLength"` // bytes here, which is stricter
	MaxLength   int                `json:"maxLength"`
	MaxItems    int                `json:"maxItems"`
	Minimum     *int64             `json:"minimum"`
	Maximum     *int64             `json:"maximum"`
	Items       *Schema            `json:"items"`
	Properties  map[string]*Schema `json:"properties"`
	Required    []string           `json:"required"`
	Additional  *bool              `json:"additionalProperties"` // false in requests; answers may grow
	Example     any                `json:"example"`

	pattern *regexp.Regexp
}

// The document as it is written.
type (
	rawDocument struct {
		OpenAPI    string
		Paths      map[string]map[string]rawOperation
		Components struct{ Schemas map[string]json.RawMessage }
	}
	rawOperation struct {
		OperationID string
		Parameters  []rawParameter
		RequestBody *rawContent
		Responses   map[string]rawContent
		Security    *[]any
	}
	rawParameter struct {
		Ref      string `json:"$ref"`
		Name, In string
		Required bool
		Schema   json.RawMessage
	}
	rawContent struct {
		Ref     string `json:"$ref"`
		Content map[string]struct{ Schema json.RawMessage }
	}
)

// idempotencyKey is the parameter that changes have.
const idempotencyKey = "#/components/parameters/IdempotencyKey"

// refusedAnswer is the answer that all operations have by default.
const refusedAnswer = "#/components/responses/Refused"

// document reads the embedded document, once.
var document = sync.OnceValues(func() (*Document, error) { return ParseDocument(openAPI) })

// ParseDocument reads an OpenAPI document. What it does not know in a schema is
// an error.
func ParseDocument(text []byte) (*Document, error) {
	var raw rawDocument
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	if !strings.HasPrefix(raw.OpenAPI, "3.0.") {
		return nil, fmt.Errorf("openapi: version %q, want 3.0", raw.OpenAPI)
	}
	d := &Document{Operations: map[string]*Operation{}, schemas: map[string]*Schema{}}
	for name, schema := range raw.Components.Schemas {
		s, err := parseSchema(schema)
		if err != nil {
			return nil, fmt.Errorf("openapi: schema %s: %w", name, err)
		}
		d.schemas[name] = s
	}
	for path, methods := range raw.Paths {
		for method, o := range methods {
			op, err := o.read(strings.ToUpper(method), path)
			if err != nil {
				return nil, fmt.Errorf("openapi: %s %s: %w", method, path, err)
			}
			d.Operations[op.Method+" "+path] = op
		}
	}
	return d, d.checkReferences()
}

func (o *rawOperation) read(method, path string) (*Operation, error) {
	op := &Operation{ID: o.OperationID, Method: method, Path: path, Open: o.Security != nil && len(*o.Security) == 0, Answers: map[string]*Schema{}}
	for _, p := range o.Parameters {
		switch {
		case p.Ref == idempotencyKey:
			op.Keyed = true
		case p.Ref == "" && p.In == "query":
			s, err := parseSchema(p.Schema)
			if err != nil {
				return nil, fmt.Errorf("parameter %s: %w", p.Name, err)
			}
			op.Query = append(op.Query, Parameter{p.Name, p.Required, s})
		default:
			return nil, fmt.Errorf("parameter %s%s: neither a query parameter nor the idempotency key", p.Name, p.Ref)
		}
	}
	var err error
	if o.RequestBody != nil {
		if op.Body, err = o.RequestBody.json(); err != nil {
			return nil, fmt.Errorf("request body: %w", err)
		}
	}
	for status, c := range o.Responses {
		if op.Answers[status], err = c.json(); err != nil {
			return nil, fmt.Errorf("response %s: %w", status, err)
		}
	}
	return op, nil
}

// json is the schema of a body, nil where it is not JSON.
func (c *rawContent) json() (*Schema, error) {
	if c.Ref == refusedAnswer {
		return &Schema{Ref: "#/components/schemas/Refused"}, nil
	}
	content, ok := c.Content["application/json"]
	if !ok || c.Ref != "" {
		return nil, nil
	}
	return parseSchema(content.Schema)
}

func parseSchema(text []byte) (*Schema, error) {
	s := new(Schema)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, err
	}
	return s, s.compile()
}

func (s *Schema) compile() (err error) {
	if s.Pattern != "" {
		if s.pattern, err = regexp.Compile(s.Pattern); err != nil {
			return err
		}
	}
	if s.Items != nil {
		err = s.Items.compile()
	}
	for _, p := range s.Properties {
		if err == nil {
			err = p.compile()
		}
	}
	return err
}

// checkReferences finds references to schemas that are not there.
func (d *Document) checkReferences() error {
	var all []*Schema
	for _, s := range d.schemas {
		all = append(all, s)
	}
	for _, o := range d.Operations {
		all = append(all, o.Body)
		for _, s := range o.Answers {
			all = append(all, s)
		}
	}
	for len(all) > 0 {
		s := all[0]
		if all = all[1:]; s == nil {
			continue
		}
		if s.Ref != "" && d.resolve(s) == nil {
			return fmt.Errorf("openapi: %s is not there", s.Ref)
		}
		for _, name := range s.Required {
			if s.Properties[name] == nil {
				return fmt.Errorf("openapi: %s is required and not described", name)
			}
		}
		all = append(all, s.Items)
		for _, p := range s.Properties {
			all = append(all, p)
		}
	}
	return nil
}

// resolve follows a reference.
func (d *Document) resolve(s *Schema) *Schema {
	if s == nil || s.Ref == "" {
		return s
	}
	return d.schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
}

// IDs are the names of the operations, sorted.
func (d *Document) IDs() []string {
	var ids []string
	for _, o := range d.Operations {
		ids = append(ids, o.ID)
	}
	slices.Sort(ids)
	return ids
}
