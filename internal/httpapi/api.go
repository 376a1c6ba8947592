// Package httpapi is the bank and its token service over HTTP and JSON: server
// and client of the OpenAPI document in openapi.json, which both read. An
// operation's path is its command: POST /v1/bank/top-up is 'tapsim bank top-up'.
//
// The document decides what a request may look like: what it does not name, a
// name that comes twice, data after the end are refused before the bank hears of
// them. Logs and metrics never hold what came in a request.
package httpapi

import (
	"context"

	"tapsim/emv"
	"tapsim/issuer"
	"tapsim/provisioning"
)

// Bank is what the service offers: in process (Local), or over the network
// (Client). A refusal is an *issuer.Refusal; every other error means that the
// bank could not be asked, or could not decide.
type Bank interface {
	// accounts and cards
	Open(ctx context.Context, r issuer.OpenRequest) (issuer.AccountState, error)
	Accounts(ctx context.Context) ([]issuer.AccountState, error)
	ShowAccount(ctx context.Context, id string) (issuer.AccountState, error)
	CloseAccount(ctx context.Context, r issuer.AccountRequest) (issuer.AccountState, error)
	Freeze(ctx context.Context, r issuer.AccountRequest) (issuer.AccountState, error)
	Unfreeze(ctx context.Context, r issuer.AccountRequest) (issuer.AccountState, error)
	Cards(ctx context.Context, account string) ([]issuer.CardState, error)
	LostCard(ctx context.Context, r issuer.LostCardRequest) (issuer.CardState, error)
	IssueFundingCard(ctx context.Context, r CardRequest) (IssuedCard, error)

	// money
	TopUp(ctx context.Context, r issuer.TopUpRequest) (issuer.PaymentState, error)
	Transfer(ctx context.Context, r issuer.TransferRequest) (issuer.PaymentState, error)
	Payments(ctx context.Context, account string) ([]issuer.PaymentState, error)
	ShowPayment(ctx context.Context, id int64) (issuer.PaymentState, error)
	PaymentStories(ctx context.Context, q issuer.PaymentQuery) ([]issuer.PaymentStory, error)
	Refund(ctx context.Context, r issuer.RefundRequest) (issuer.PaymentState, error)
	Reverse(ctx context.Context, r issuer.PaymentRequest) (issuer.PaymentState, error)
	PreAuthorise(ctx context.Context, r issuer.HoldRequest) (issuer.PaymentState, error)
	Increment(ctx context.Context, r issuer.PaymentRequest) (issuer.PaymentState, error)
	Complete(ctx context.Context, r issuer.PaymentRequest) (issuer.PaymentState, error)
	Clear(ctx context.Context, r issuer.ClearRequest) ([]issuer.PaymentState, error)
	Dispute(ctx context.Context, r issuer.DisputeRequest) (issuer.DisputeView, error)
	Disputes(ctx context.Context, account string) ([]issuer.DisputeView, error)
	Resolve(ctx context.Context, r issuer.ResolveRequest) (issuer.DisputeView, error)

	// limits
	Limits(ctx context.Context, account string) (issuer.LimitsState, error)
	SetLimit(ctx context.Context, r issuer.LimitRequest) (issuer.LimitsState, error)
	SetBudget(ctx context.Context, r issuer.BudgetRequest) (issuer.LimitsState, error)
	SetContactless(ctx context.Context, r issuer.ContactlessRequest) (issuer.LimitsState, error)
	Maintenance(ctx context.Context) (issuer.Maintenance, error)
	SetMaintenance(ctx context.Context, r issuer.MaintenanceRequest) (issuer.Maintenance, error)
	Rates(ctx context.Context) (issuer.RatesState, error)

	// looking back
	Statement(ctx context.Context, account, month string) (issuer.Statement, error)
	Spending(ctx context.Context, r issuer.SpendingRequest) (issuer.Spending, error)
	Inbox(ctx context.Context, account, kind string) ([]issuer.NoticeView, error)
	Audit(ctx context.Context) (AuditResult, error)

	Desk
	provisioning.Service
}

// Desk is the bank's side of the tokens on phones.
type Desk interface {
	Tokens(ctx context.Context, account string) ([]issuer.TokenInfo, error)
	FindToken(ctx context.Context, name string) (string, error)
	TokenHistory(ctx context.Context, token string, after int64, limit int) ([]provisioning.Event, error)
	ManageToken(ctx context.Context, r issuer.TokenChange) (provisioning.TokenState, error)
	RelinkToken(ctx context.Context, r issuer.Relink) (provisioning.TokenState, error)
	ControlToken(ctx context.Context, r issuer.DomainChange) (provisioning.TokenState, error)
	LostPhone(ctx context.Context, r issuer.PhoneRequest) ([]provisioning.TokenState, error)
	FoundPhone(ctx context.Context, r issuer.PhoneRequest) ([]provisioning.TokenState, error)
}

// CardRequest issues a funding card.
type CardRequest struct {
	issuer.CardRequest
	Reveal bool `json:"reveal,omitempty"` // tell the number, where it is in this project's test ranges
}

// IssuedCard is a new card with its number, where that was asked for and may be
// shown.
type IssuedCard struct {
	issuer.CardState
	Number string `json:"number,omitempty"`
}

// AuditResult says whether the books agree, and what is wrong.
type AuditResult struct {
	Agree bool   `json:"agree"`
	Wrong string `json:"wrong,omitempty"`
}

// Local is the bank in process.
type Local struct{ *issuer.Issuer }

var _ Bank = Local{}

// IssueFundingCard issues a card. The bank does not keep its number.
func (l Local) IssueFundingCard(ctx context.Context, r CardRequest) (IssuedCard, error) {
	state, pan, err := l.Issuer.IssueFundingCard(ctx, r.CardRequest)
	out := IssuedCard{CardState: state}
	if r.Reveal && emv.TestRange(pan) {
		out.Number = string(pan)
	}
	return out, err
}

// mostEvents is how many lines of a history are given when nobody says.
const mostEvents = 1000

// TokenHistory is a token's audit trail after an event, with at most limit
// lines; 0 is as many as can be.
func (l Local) TokenHistory(ctx context.Context, token string, after int64, limit int) ([]provisioning.Event, error) {
	if limit == 0 {
		limit = mostEvents
	}
	return l.Issuer.TokenHistory(ctx, token, after, limit)
}

// Maintenance tells whether the bank is closed.
func (l Local) Maintenance(context.Context) (issuer.Maintenance, error) {
	return l.Issuer.Maintenance(), nil
}

// Rates are the bank's exchange rates and fee.
func (l Local) Rates(context.Context) (issuer.RatesState, error) { return l.Issuer.Rates(), nil }

// auditTries is how often the books are added up. A payment that is booked
// meanwhile looks like a mistake, but not each time.
const auditTries = 5

// Audit adds up the books.
func (l Local) Audit(ctx context.Context) (AuditResult, error) {
	var wrong error
	for range auditTries {
		if wrong = l.Issuer.Audit(ctx); wrong == nil {
			return AuditResult{Agree: true}, nil
		}
	}
	return AuditResult{Wrong: wrong.Error()}, ctx.Err()
}
