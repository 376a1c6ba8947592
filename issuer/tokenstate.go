package issuer

import (
	"encoding/hex"
	"strings"
	"time"

	"tapsim/provisioning"
)

// Party is who does something with a token; several are a set.
type Party byte

// Parties. The zero value is nobody.
const (
	PartyUser    Party = 1 << iota // the customer, on the phone that holds the token
	PartyBank                      // the bank, or the customer through it
	PartyService                   // the token service itself

	heldLostPhone // in Binding.HeldBy: the phone was reported lost
)

var partyNames = [...]string{"user", "bank", "service", "lost-phone"}

// Names lists the parties of a set.
func (p Party) Names() (names []string) {
	for bit, name := range partyNames {
		if p&(1<<bit) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String is the names.
func (p Party) String() string { return strings.Join(p.Names(), " and ") }

// Binding is what the token service knows of a token on a phone, besides the
// Instrument. A token that the bank was set up with has none until something
// happens to it.
type Binding struct {
	Token      PANIndex  `json:"-"`
	Sealed     []byte    `json:"sealed,omitempty"` // its number, under the store's key
	Device     []byte    `json:"device,omitempty"` // the phone's public key; nil for a token set up with the bank
	DeviceName string    `json:"device_name,omitempty"`
	FormFactor string    `json:"form_factor,omitempty"`
	Assurance  string    `json:"assurance,omitempty"` // two digits, as assuranceOf gives them
	Made       time.Time `json:"made,omitzero"`
	HeldBy     Party     `json:"held_by,omitempty"` // who suspended it
	Domain     Domain    `json:"domain,omitzero"`
	Code       Challenge `json:"code,omitzero"`
	Number     int64     `json:"number,omitempty"` // of the phone's last request
	Events     int64     `json:"events,omitempty"` // number of the last event
	Keyed      bool      `json:"keyed,omitempty"`  // its phone asked for keys, so it knows of the token
}

// Challenge is a one-time code that was sent and not yet used.
type Challenge struct {
	Hash    []byte    `json:"hash,omitempty"` // of token and code; nil when there is none
	Until   time.Time `json:"until,omitzero"`
	Sent    time.Time `json:"sent,omitzero"`
	Tries   int       `json:"tries,omitempty"`   // left
	Resends int       `json:"resends,omitempty"` // left
}

// TokenEvent is one line of a token's history: its audit trail, and what its
// phone is told. Events are never changed.
type TokenEvent struct {
	Token PANIndex
	provisioning.Event
}

// Reference names a token between phone and token service: it tells no number.
func (x PANIndex) Reference() string { return hex.EncodeToString(x[:]) }

// parseReference is the inverse of Reference.
func parseReference(text string) (index PANIndex, ok bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(index) {
		return index, false
	}
	return PANIndex(b), true
}
