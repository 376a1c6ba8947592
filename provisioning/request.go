package provisioning

import (
	"encoding/json"
	"time"
)

// Proof says which phone a request comes from: it is signed with a key that only
// this phone has.
type Proof struct {
	Device    []byte `json:"device"`    // the phone's public key, Ed25519
	Number    int64  `json:"number"`    // rises with each request of the phone
	Signature []byte `json:"signature"` // over SignedBytes, Ed25519
}

func (p *Proof) proof() *Proof { return p }

// Signed is a request of a phone to the token service, with its proof.
type Signed interface {
	verb() string
	proof() *Proof
}

// ProofOf is the proof in a request, to fill in or to check.
func ProofOf(r Signed) *Proof { return r.proof() }

// SignedBytes is what the proof of a request signs: the request's name and its
// JSON without the signature.
func SignedBytes(r Signed) ([]byte, error) {
	p := r.proof()
	signature := p.Signature
	p.Signature = nil
	text, err := json.Marshal(r)
	p.Signature = signature
	return append([]byte("tapsim "+r.verb()+"\n"), text...), err
}

// CardData is what the customer reads off the plastic. Messages with it travel
// in process or over TLS only.
type CardData struct {
	Number       string `json:"number"`
	Expiry       string `json:"expiry"`                  // YYMM
	SecurityCode string `json:"security_code,omitempty"` // three digits on the back
}

// String shows nothing of the card.
func (CardData) String() string { return "card data" }

// GoString shows nothing of the card.
func (c CardData) GoString() string { return c.String() }

// TokenRequest asks for a token for a card.
type TokenRequest struct {
	Proof
	DeviceName string   `json:"device_name"` // for people, one line, at most 64 bytes
	FormFactor string   `json:"form_factor"` // phone, watch, tablet, ...
	Requestor  string   `json:"requestor"`   // token requestor id, 11 digits (9F19)
	Card       CardData `json:"card"`
}

func (*TokenRequest) verb() string { return "request token" }

// Adoption says that a token which the bank was set up with, for a card that came
// with the phone, is on this phone. It travels in process or over TLS only.
type Adoption struct {
	Proof
	DeviceName string      `json:"device_name"` // for people, one line, at most 64 bytes
	Token      TokenNumber `json:"token_number"`
}

func (*Adoption) verb() string { return "adopt token" }

// TokenNumber is a token's number on its way to the token service.
type TokenNumber string

// String shows nothing of the number.
func (TokenNumber) String() string { return "token number" }

// GoString shows nothing of the number.
func (n TokenNumber) GoString() string { return n.String() }

// TokenGrant is a token that was made.
type TokenGrant struct {
	TokenState
	Scheme string `json:"scheme"`
	// Verification says how the customer proves to be the cardholder; nil when
	// the bank asks for nothing and the token is active.
	Verification *Verification `json:"verification,omitempty"`
}

// Verification is a one-time code on its way to the customer.
type Verification struct {
	SentTo  string    `json:"sent_to"`
	Until   time.Time `json:"until"`
	Tries   int       `json:"tries"`   // left
	Resends int       `json:"resends"` // left
}

// CodeEntry is the one-time code as the customer typed it.
type CodeEntry struct {
	Proof
	Token string `json:"token"`
	Code  string `json:"code"`
}

func (*CodeEntry) verb() string { return "enter code" }

// Verb is what a party does with a token.
type Verb string

// Verbs of the life cycle. A phone may ask for those that a TokenCall names; the
// bank has its own way.
const (
	VerbRequest    Verb = "request"
	VerbActivate   Verb = "activate"
	VerbResend     Verb = "resend"
	VerbSuspend    Verb = "suspend"
	VerbResume     Verb = "resume"
	VerbDelete     Verb = "delete"
	VerbRenew      Verb = "renew"
	VerbRelink     Verb = "relink"
	VerbReplenish  Verb = "replenish"
	VerbControl    Verb = "control"
	VerbPay        Verb = "pay"
	VerbEnterCode  Verb = "enter-code" // a wrong one
	VerbLostPhone  Verb = "lost-phone"
	VerbFoundPhone Verb = "found-phone"
	VerbLostCard   Verb = "lost-card" // the plastic behind it; the token itself stays as it was
	VerbStatus     Verb = "status"    // set by an operator of the bank
)

// TokenCall asks for a change in a token's life: resend, suspend, resume,
// delete, renew.
type TokenCall struct {
	Proof
	Token string `json:"token"`
	Verb  Verb   `json:"verb"`
}

func (*TokenCall) verb() string { return "token call" }

// KeyRequest asks for keys.
type KeyRequest struct {
	Proof
	Agreement []byte `json:"agreement"` // the phone's public key for key agreement, X25519
	Token     string `json:"token"`
	ATC       uint16 `json:"atc"`      // transaction counter of the token on the phone, 0 on a new one
	Held      uint16 `json:"held"`     // as in Request
	LastKey   []byte `json:"last_key"` // as in Request; nothing on a new phone
	Fresh     bool   `json:"fresh"`    // the phone has not had the token before
}

func (*KeyRequest) verb() string { return "request keys" }

// CertificateRequest asks for the certificates of a card that signs.
type CertificateRequest struct {
	Proof
	Agreement []byte `json:"agreement"`
	Token     string `json:"token"`
	Static    []byte `json:"static"` // the card's static data to be authenticated
}

func (*CertificateRequest) verb() string { return "request certificates" }

// Delivery is what a phone gets under a key that both ends agree on: the
// service makes a key pair for this one message and sends the public half.
type Delivery struct {
	Agreement   []byte          `json:"agreement"`             // X25519, of this message
	Token       []byte          `json:"token,omitempty"`       // TokenData under the agreed key, AES key wrap
	Kind        KeyKind         `json:"kind,omitempty"`        // of the keys
	Keys        []LimitedUseKey `json:"keys,omitempty"`        // wrapped under the agreed key
	Credentials *Credentials    `json:"credentials,omitempty"` // of a card that signs
	LastATC     uint16          `json:"last_atc,omitempty"`    // as in KeySet
}

// Poll asks what has become of the phone's tokens.
type Poll struct {
	Proof
	Tokens []Cursor `json:"tokens"`
}

func (*Poll) verb() string { return "poll" }

// Cursor is a token and the last of its events that the phone has.
type Cursor struct {
	Token string `json:"token"`
	After int64  `json:"after"`
}

// News is the answer to a poll.
type News struct {
	Tokens []TokenNews `json:"tokens"`
}

// TokenNews is a token's state and the events that the phone has not seen.
type TokenNews struct {
	TokenState
	Events []Event `json:"events"`
	More   bool    `json:"more"` // there are further events: poll again
	// Successor is the token that took its place on the same phone, for the same
	// card; it needs no code. Nil where there is none.
	Successor *TokenState `json:"successor,omitempty"`
}

// TokenState is what both ends know of a token. It holds no account number.
type TokenState struct {
	Token     string   `json:"token"` // reference
	Masked    string   `json:"masked"`
	Status    string   `json:"status"`            // inactive, active, suspended, deactivated
	HeldBy    []string `json:"held_by,omitempty"` // who suspended it: user, bank, service, lost-phone
	Expiry    string   `json:"expiry"`            // YYMM, the token's own
	LastFour  string   `json:"last_four"`         // of the card behind it
	PAR       string   `json:"par"`
	Assurance string   `json:"assurance"`
}

// Event is one line of a token's history.
type Event struct {
	Number  int64          `json:"number"`
	Time    time.Time      `json:"time"`
	Party   string         `json:"party"` // user, bank, service
	Verb    Verb           `json:"verb"`
	From    string         `json:"from,omitempty"` // status before and after
	To      string         `json:"to,omitempty"`
	Text    string         `json:"text,omitempty"`
	Payment *PaymentNotice `json:"payment,omitempty"`
}

// PaymentNotice tells the phone what the bank did with one of its payments.
type PaymentNotice struct {
	ATC      uint16 `json:"atc"`
	Amount   int64  `json:"amount"`         // minor units
	Currency string `json:"currency"`       // ISO 4217, three digits
	State    string `json:"state"`          // approved, declined, reversed, refunded
	Left     int64  `json:"left,omitempty"` // of a reversal or a refund: what was not given back of the payment
	Code     string `json:"code"`           // response code
	Meaning  string `json:"meaning"`
	Reason   string `json:"reason,omitempty"` // of a decline, in words
	Cause    string `json:"cause,omitempty"`  // and in one, for programs: that of the bank's check
	Merchant string `json:"merchant,omitempty"`
	Terminal string `json:"terminal,omitempty"`
	Category string `json:"category,omitempty"` // merchant category code
	Channel  string `json:"channel,omitempty"`
	Record   int64  `json:"payment"` // the bank's number of it
}

// UnmarshalJSON also reads what was stored when the number was called record.
func (n *PaymentNotice) UnmarshalJSON(text []byte) error {
	type plain PaymentNotice
	v := struct {
		*plain
		Old int64 `json:"record"`
	}{plain: (*plain)(n)}
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	if n.Record == 0 {
		n.Record = v.Old
	}
	return nil
}

// MarshalText writes the kind as its name.
func (k KeyKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (k *KeyKind) UnmarshalText(text []byte) error {
	*k = 0
	for n, name := range keyKindNames {
		if name == string(text) {
			*k = KeyKind(n)
		}
	}
	return nil
}

// PutToken packs token data for key wrap: JSON, filled up with blanks to a
// multiple of eight bytes.
func PutToken(t Token) ([]byte, error) {
	text, err := json.Marshal(t.Data())
	for err == nil && len(text)%8 != 0 {
		text = append(text, ' ')
	}
	return text, err
}

// TakeToken is the inverse of PutToken.
func TakeToken(text []byte) (Token, error) {
	var d TokenData
	err := json.Unmarshal(text, &d)
	return d.Token(), err
}
