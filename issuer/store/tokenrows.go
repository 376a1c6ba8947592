package store

import (
	"encoding/json"
	"fmt"

	"tapsim/issuer"
)

// Bindings and token events stand as JSON: nothing is looked up by what is in
// them.

func appendBinding(args []any, b *issuer.Binding) []any {
	body, _ := json.Marshal(b) // text, numbers and bytes: it cannot fail
	return append(args, b.Token[:], string(body))
}

func scanBinding(s scanner) (b issuer.Binding, err error) {
	var token []byte
	var body string
	if err = s.Scan(&token, &body); err != nil {
		return b, err
	}
	if err = json.Unmarshal([]byte(body), &b); err != nil {
		return b, fmt.Errorf("table bindings: %w", err)
	}
	copy(b.Token[:], token)
	return b, nil
}

func appendEvent(args []any, e *issuer.TokenEvent) []any {
	body, _ := json.Marshal(e.Event)
	return append(args, e.Token[:], e.Number, string(body))
}

func scanEvent(s scanner) (e issuer.TokenEvent, err error) {
	var token []byte
	var number int64
	var body string
	if err = s.Scan(&token, &number, &body); err != nil {
		return e, err
	}
	if err = json.Unmarshal([]byte(body), &e.Event); err != nil {
		return e, fmt.Errorf("table token_events: %w", err)
	}
	copy(e.Token[:], token)
	e.Number = number
	return e, nil
}
