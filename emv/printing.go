package emv

import (
	"encoding/json"
	"fmt"
	"io"
)

// What is sensitive prints masked under every verb of fmt, in logs and as JSON.
// Package reflect still sees the bytes, and so does what uses it: a test's
// diff, fmt for unexported fields, JSON for the keys of a map.

// Format prints the masked number, whatever the verb.
func (p PAN) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.Masked()) }

// Format prints the masked number and nothing else of the track.
func (t Track2) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// MarshalText is String.
func (t Track2) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// String is the object in hex, masked where it is sensitive.
func (o TLV) String() string {
	if len(o.Value) > 0xFFFF {
		return o.Tag.String() + " (too long)"
	}
	return MaskedHex(o.Append(nil), nil)
}

// Format prints String, whatever the verb.
func (o TLV) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// MarshalText is String.
func (o TLV) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// String is the data in hex, masked where they are sensitive.
func (c Coded) String() string { return MaskedHex(c, nil) }

// Format prints String, whatever the verb.
func (c Coded) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalJSON is String as JSON.
func (c Coded) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }
