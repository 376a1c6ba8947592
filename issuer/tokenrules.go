package issuer

import (
	"strings"
	"time"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// Decision is the bank's answer to a request for a token.
type Decision byte

// Decisions. The zero value stands for DecideByCode.
const (
	DecideByCode  Decision = iota + 1 // approved when the one-time code is entered
	DecideApprove                     // approved at once
	DecideRefuse                      // refused
)

var decisionNames = [...]string{"", "code", "approve", "refuse"}

// String is the name used in files.
func (d Decision) String() string { return decisionNames[d] }

// ParseDecision is the inverse of String.
func ParseDecision(name string) (Decision, bool) {
	for n, known := range decisionNames[1:] {
		if known == name {
			return Decision(n + 1), true
		}
	}
	return 0, false
}

// TokenRules are the terms of the token service. Zero values have the meaning
// that orDefault gives them.
type TokenRules struct {
	Decision    Decision
	Exceptions  []TokenException // the first that matches counts
	CodeTries   int              // wrong entries after which a code is dead
	CodeResends int
	CodeLife    time.Duration
	ResendAfter time.Duration // least time between two codes
	Years       int           // how long a token is valid
	MaxPerCard  int           // tokens of one card that are not deleted
	// RequestsPerDay is how many requests for a card are taken in a day (UTC) when
	// none leads to an active token.
	RequestsPerDay int
	// SecurityCode is the key of the security code on the plastic (CVV2); nil: it
	// is not checked.
	SecurityCode *cryptogram.Key
}

// TokenException decides otherwise about some cards.
type TokenException struct {
	PANSuffix string
	Decision  Decision
}

func (r TokenRules) orDefault() TokenRules {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	set(&r.CodeTries, 3)
	set(&r.CodeResends, 3)
	set(&r.Years, 5)
	set(&r.MaxPerCard, 10)
	set(&r.RequestsPerDay, 10)
	if r.CodeLife == 0 {
		r.CodeLife = 10 * time.Minute
	}
	if r.ResendAfter == 0 {
		r.ResendAfter = 30 * time.Second
	}
	if r.Decision == 0 {
		r.Decision = DecideByCode
	}
	return r
}

func (r *TokenRules) check() error {
	const field = "token_service"
	switch {
	case r.Decision > DecideRefuse:
		return configError(field+".decision", "want code, approve or refuse")
	case r.CodeTries < 0 || r.CodeTries > 10:
		return configError(field+".code_tries", "%d, want 1 to 10", r.CodeTries)
	case r.CodeResends < 0 || r.CodeResends > 10:
		return configError(field+".code_resends", "%d, want 1 to 10", r.CodeResends)
	case r.CodeLife < 0 || r.CodeLife > 24*time.Hour:
		return configError(field+".code_life", "%s, want at most a day", r.CodeLife)
	case r.ResendAfter < 0 || r.ResendAfter > time.Hour:
		return configError(field+".resend_after", "%s, want at most an hour", r.ResendAfter)
	case r.Years < 0 || r.Years > 20:
		return configError(field+".years", "%d, want 1 to 20", r.Years)
	case r.MaxPerCard < 0 || r.MaxPerCard > 100:
		return configError(field+".max_per_card", "%d, want 1 to 100", r.MaxPerCard)
	case r.RequestsPerDay < 0 || r.RequestsPerDay > 1000:
		return configError(field+".requests_per_day", "%d, want 1 to 1000", r.RequestsPerDay)
	case r.SecurityCode != nil && (r.SecurityCode.Algorithm() != cryptogram.TDES || r.SecurityCode.Len() != 16):
		return configError(field+".security_code_key", "want a double-length 3DES key")
	}
	for _, e := range r.Exceptions {
		if e.PANSuffix == "" || !digitsOnly(e.PANSuffix) || e.Decision == 0 || e.Decision > DecideRefuse {
			return configError(field+".exceptions", "want the last digits of a card, and code, approve or refuse")
		}
	}
	return nil
}

// decide is the decision about a card.
func (r *TokenRules) decide(card emv.PAN) Decision {
	for _, e := range r.Exceptions {
		if strings.HasSuffix(string(card), e.PANSuffix) {
			return e.Decision
		}
	}
	return r.Decision
}

// expiry is when a token made now ends, YYMM. Years have two digits, so none
// ends after 2049.
func (r *TokenRules) expiry(now time.Time) string {
	end := now.AddDate(r.Years, 0, 0)
	if end.Year() > 2049 {
		end = time.Date(2049, 12, 1, 0, 0, 0, 0, time.UTC)
	}
	return end.Format("0601")
}
