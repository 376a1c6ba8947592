package httpapi

import (
	"context"
	"log/slog"
	"regexp"
)

// longDigits may be an account number.
var longDigits = regexp.MustCompile(`[0-9]{9,}([0-9]{4})`)

// masked is text of errors, which should hold no account number, without one.
func masked(text string) string { return longDigits.ReplaceAllString(text, "****$1") }

// maskingHandler masks messages of others.
type maskingHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h maskingHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Message = masked(r.Message)
	return h.Handler.Handle(ctx, r)
}
