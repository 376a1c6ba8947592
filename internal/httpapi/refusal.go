package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"tapsim/issuer"
)

// refusedJSON is the body of an answer that is not what was asked for.
type refusedJSON struct {
	Refused *issuer.Refusal `json:"refused"`
}

// badRequest is what HTTP has against a request, before the bank hears of it.
type badRequest struct{ code, text string }

func (e *badRequest) Error() string { return e.text }

// Statuses of what HTTP has against a request, with the hint for it.
var requestFaults = map[string]struct {
	status int
	hint   string
}{
	"bad-json":           {http.StatusBadRequest, ""},
	"bad-request":        {http.StatusBadRequest, "the OpenAPI document says what is wanted: /openapi.json"},
	"no-key":             {http.StatusUnauthorized, "send the service's key: Authorization: Bearer KEY"},
	"wrong-key":          {http.StatusUnauthorized, "send the service's key: Authorization: Bearer KEY"},
	"not-allowed":        {http.StatusForbidden, "use a key that has the right to it: the service's key file says which"},
	"wrong-host":         {http.StatusMisdirectedRequest, "without a key the service answers to a loopback name only"},
	"wrong-origin":       {http.StatusForbidden, "without a key the service answers to programs, not to pages"},
	"unknown-operation":  {http.StatusNotFound, "the OpenAPI document lists them: /openapi.json"},
	"method-not-allowed": {http.StatusMethodNotAllowed, ""},
	"body-too-large":     {http.StatusRequestEntityTooLarge, ""},
	"not-json":           {http.StatusUnsupportedMediaType, "send Content-Type: application/json"},
	"too-slow":           {http.StatusRequestTimeout, ""},
	"busy":               {http.StatusServiceUnavailable, "try again"},
	"internal":           {http.StatusInternalServerError, "the service's log says more"},
}

// Codes of the bank that have a status of their own: who asks is not who may, and
// what is asked for is not there. All others are 422.
var (
	forbidden = []string{"bad-proof", "wrong-device"}
	missing   = []string{"unknown-account", "unknown-payment", "unknown-token", "unknown-card", "unknown-dispute", "unknown-limit", "unknown-budget"}
	conflicts = []string{"idempotency-mismatch", "stale-request", "account-exists", "already-added"}
)

// refusalOf is an error as the caller gets it: a status, and the refusal.
func refusalOf(err error) (int, *issuer.Refusal) {
	var bad *badRequest
	var refusal *issuer.Refusal
	switch {
	case errors.As(err, &bad):
		f := requestFaults[bad.code]
		return f.status, &issuer.Refusal{Code: bad.code, Text: bad.text, Hint: f.hint}
	case errors.As(err, &refusal):
		return statusOf(refusal.Code), refusal
	}
	return http.StatusInternalServerError, &issuer.Refusal{Code: "internal", Text: "the bank could not decide", Hint: requestFaults["internal"].hint}
}

func statusOf(code string) int {
	for status, codes := range map[int][]string{http.StatusForbidden: forbidden, http.StatusNotFound: missing, http.StatusConflict: conflicts} {
		for _, c := range codes {
			if c == code {
				return status
			}
		}
	}
	if strings.HasPrefix(code, "bad-") {
		return http.StatusBadRequest
	}
	return http.StatusUnprocessableEntity
}
