package httpapi

import (
	"context"

	"tapsim/issuer"
	"tapsim/provisioning"
)

// What the operations that look something up are asked, as query parameters.
type (
	nothing   struct{}
	ofAccount struct {
		Account string `json:"account"`
	}
	anyAccount struct {
		Account string `json:"account,omitempty"`
	}
	ofPayment struct {
		Payment int64 `json:"payment"`
	}
	// storyQuery is an issuer.PaymentQuery.
	storyQuery struct {
		ID         int64  `json:"payment,omitempty"`
		STAN       string `json:"stan,omitempty"`
		Cryptogram string `json:"cryptogram,omitempty"`
	}
	ofMonth struct {
		Account string `json:"account"`
		Month   string `json:"month,omitempty"`
	}
	ofKind struct {
		Account string `json:"account"`
		Kind    string `json:"kind,omitempty"`
	}
	tokenName struct {
		Name string `json:"name"`
	}
	tokenFound struct {
		Token string `json:"token"`
	}
	tokenEvents struct {
		Token string `json:"token"`
		After int64  `json:"after,omitempty"`
		Limit int    `json:"limit,omitempty"`
	}
)

// The operations of the bank: what goes in, what comes out, and where. The
// document has the rest.
var (
	openAccount  = verb[issuer.OpenRequest, issuer.AccountState]{"POST /v1/bank/open"}
	accounts     = verb[nothing, []issuer.AccountState]{"GET /v1/bank/accounts"}
	showAccount  = verb[ofAccount, issuer.AccountState]{"GET /v1/bank/show"}
	closeAccount = verb[issuer.AccountRequest, issuer.AccountState]{"POST /v1/bank/close"}
	freeze       = verb[issuer.AccountRequest, issuer.AccountState]{"POST /v1/bank/freeze"}
	unfreeze     = verb[issuer.AccountRequest, issuer.AccountState]{"POST /v1/bank/unfreeze"}
	cards        = verb[ofAccount, []issuer.CardState]{"GET /v1/bank/cards"}
	lostCard     = verb[issuer.LostCardRequest, issuer.CardState]{"POST /v1/bank/lost-card"}
	issueCard    = verb[CardRequest, IssuedCard]{"POST /v1/bank/card"}

	topUp       = verb[issuer.TopUpRequest, issuer.PaymentState]{"POST /v1/bank/top-up"}
	transfer    = verb[issuer.TransferRequest, issuer.PaymentState]{"POST /v1/bank/transfer"}
	payments    = verb[ofAccount, []issuer.PaymentState]{"GET /v1/bank/payments"}
	showPayment = verb[ofPayment, issuer.PaymentState]{"GET /v1/bank/payment"}
	explain     = verb[storyQuery, []issuer.PaymentStory]{"GET /v1/bank/explain"}
	refund      = verb[issuer.RefundRequest, issuer.PaymentState]{"POST /v1/bank/refund"}
	reverse     = verb[issuer.PaymentRequest, issuer.PaymentState]{"POST /v1/bank/reverse"}
	hold        = verb[issuer.HoldRequest, issuer.PaymentState]{"POST /v1/bank/hold"}
	increment   = verb[issuer.PaymentRequest, issuer.PaymentState]{"POST /v1/bank/increment"}
	complete    = verb[issuer.PaymentRequest, issuer.PaymentState]{"POST /v1/bank/complete"}
	clearHolds  = verb[issuer.ClearRequest, []issuer.PaymentState]{"POST /v1/bank/clear"}
	dispute     = verb[issuer.DisputeRequest, issuer.DisputeView]{"POST /v1/bank/dispute"}
	disputes    = verb[ofAccount, []issuer.DisputeView]{"GET /v1/bank/disputes"}
	resolve     = verb[issuer.ResolveRequest, issuer.DisputeView]{"POST /v1/bank/resolve"}

	limits         = verb[ofAccount, issuer.LimitsState]{"GET /v1/bank/limits"}
	setLimit       = verb[issuer.LimitRequest, issuer.LimitsState]{"POST /v1/bank/limit"}
	setBudget      = verb[issuer.BudgetRequest, issuer.LimitsState]{"POST /v1/bank/budget"}
	setContactless = verb[issuer.ContactlessRequest, issuer.LimitsState]{"POST /v1/bank/contactless"}
	maintenance    = verb[nothing, issuer.Maintenance]{"GET /v1/bank/maintenance"}
	setMaintenance = verb[issuer.MaintenanceRequest, issuer.Maintenance]{"POST /v1/bank/maintenance"}
	rates          = verb[nothing, issuer.RatesState]{"GET /v1/bank/rates"}

	statement = verb[ofMonth, issuer.Statement]{"GET /v1/bank/statement"}
	spending  = verb[issuer.SpendingRequest, issuer.Spending]{"GET /v1/bank/spending"}
	inbox     = verb[ofKind, []issuer.NoticeView]{"GET /v1/bank/inbox"}
	audit     = verb[nothing, AuditResult]{"GET /v1/bank/audit"}

	tokens       = verb[anyAccount, []issuer.TokenInfo]{"GET /v1/bank/token/list"}
	findToken    = verb[tokenName, tokenFound]{"GET /v1/bank/token/find"}
	tokenHistory = verb[tokenEvents, []provisioning.Event]{"GET /v1/bank/token/history"}
	manageToken  = verb[issuer.TokenChange, provisioning.TokenState]{"POST /v1/bank/token/change"}
	relinkToken  = verb[issuer.Relink, provisioning.TokenState]{"POST /v1/bank/token/relink"}
	controlToken = verb[issuer.DomainChange, provisioning.TokenState]{"POST /v1/bank/token/control"}
	lostPhone    = verb[issuer.PhoneRequest, []provisioning.TokenState]{"POST /v1/bank/token/lost-phone"}
	foundPhone   = verb[issuer.PhoneRequest, []provisioning.TokenState]{"POST /v1/bank/token/found-phone"}
)

// The operations of the token service for phones.
var (
	requestToken = verb[provisioning.TokenRequest, provisioning.TokenGrant]{"POST /v1/phone/request-token"}
	adoptToken   = verb[provisioning.Adoption, provisioning.TokenState]{"POST /v1/phone/adopt-token"}
	enterCode    = verb[provisioning.CodeEntry, provisioning.TokenState]{"POST /v1/phone/enter-code"}
	resendCode   = verb[provisioning.TokenCall, provisioning.Verification]{"POST /v1/phone/resend-code"}
	callToken    = verb[provisioning.TokenCall, provisioning.TokenState]{"POST /v1/phone/call"}
	deliverKeys  = verb[provisioning.KeyRequest, provisioning.Delivery]{"POST /v1/phone/keys"}
	certificates = verb[provisioning.CertificateRequest, provisioning.Delivery]{"POST /v1/phone/certificates"}
	poll         = verb[provisioning.Poll, provisioning.News]{"POST /v1/phone/poll"}
)

// routes are all operations, with what the bank does for each.
func routes() []route {
	return append(bankRoutes(), deskRoutes()...)
}

func bankRoutes() []route {
	return []route{
		openAccount.by(Bank.Open), closeAccount.by(Bank.CloseAccount), freeze.by(Bank.Freeze), unfreeze.by(Bank.Unfreeze), issueCard.by(Bank.IssueFundingCard),
		lostCard.by(Bank.LostCard),
		accounts.by(func(b Bank, ctx context.Context, _ nothing) ([]issuer.AccountState, error) { return b.Accounts(ctx) }),
		showAccount.by(func(b Bank, ctx context.Context, q ofAccount) (issuer.AccountState, error) {
			return b.ShowAccount(ctx, q.Account)
		}),
		cards.by(func(b Bank, ctx context.Context, q ofAccount) ([]issuer.CardState, error) {
			return b.Cards(ctx, q.Account)
		}),

		topUp.by(Bank.TopUp), transfer.by(Bank.Transfer), refund.by(Bank.Refund), reverse.by(Bank.Reverse), hold.by(Bank.PreAuthorise),
		increment.by(Bank.Increment), complete.by(Bank.Complete), clearHolds.by(Bank.Clear), dispute.by(Bank.Dispute), resolve.by(Bank.Resolve),
		payments.by(func(b Bank, ctx context.Context, q ofAccount) ([]issuer.PaymentState, error) {
			return b.Payments(ctx, q.Account)
		}),
		showPayment.by(func(b Bank, ctx context.Context, q ofPayment) (issuer.PaymentState, error) {
			return b.ShowPayment(ctx, q.Payment)
		}),
		explain.by(func(b Bank, ctx context.Context, q storyQuery) ([]issuer.PaymentStory, error) {
			return b.PaymentStories(ctx, issuer.PaymentQuery(q))
		}),
		disputes.by(func(b Bank, ctx context.Context, q ofAccount) ([]issuer.DisputeView, error) {
			return b.Disputes(ctx, q.Account)
		}),

		setLimit.by(Bank.SetLimit), setBudget.by(Bank.SetBudget), setContactless.by(Bank.SetContactless), setMaintenance.by(Bank.SetMaintenance),
		limits.by(func(b Bank, ctx context.Context, q ofAccount) (issuer.LimitsState, error) {
			return b.Limits(ctx, q.Account)
		}),
		maintenance.by(func(b Bank, ctx context.Context, _ nothing) (issuer.Maintenance, error) { return b.Maintenance(ctx) }),
		rates.by(func(b Bank, ctx context.Context, _ nothing) (issuer.RatesState, error) { return b.Rates(ctx) }),

		spending.by(Bank.Spending),
		statement.by(func(b Bank, ctx context.Context, q ofMonth) (issuer.Statement, error) {
			return b.Statement(ctx, q.Account, q.Month)
		}),
		inbox.by(func(b Bank, ctx context.Context, q ofKind) ([]issuer.NoticeView, error) {
			return b.Inbox(ctx, q.Account, q.Kind)
		}),
		audit.by(func(b Bank, ctx context.Context, _ nothing) (AuditResult, error) { return b.Audit(ctx) }),
	}
}

func deskRoutes() []route {
	return []route{
		manageToken.by(Bank.ManageToken), relinkToken.by(Bank.RelinkToken), controlToken.by(Bank.ControlToken),
		lostPhone.by(Bank.LostPhone), foundPhone.by(Bank.FoundPhone),
		tokens.by(func(b Bank, ctx context.Context, q anyAccount) ([]issuer.TokenInfo, error) {
			return b.Tokens(ctx, q.Account)
		}),
		findToken.by(func(b Bank, ctx context.Context, q tokenName) (tokenFound, error) {
			token, err := b.FindToken(ctx, q.Name)
			return tokenFound{token}, err
		}),
		tokenHistory.by(func(b Bank, ctx context.Context, q tokenEvents) ([]provisioning.Event, error) {
			return b.TokenHistory(ctx, q.Token, q.After, q.Limit)
		}),

		requestToken.by(pointed(Bank.RequestToken)), adoptToken.by(pointed(Bank.AdoptToken)), enterCode.by(pointed(Bank.EnterCode)), callToken.by(pointed(Bank.CallToken)),
		deliverKeys.by(pointed(Bank.DeliverKeys)), certificates.by(pointed(Bank.DeliverCertificates)), poll.by(pointed(Bank.PollTokens)),
		resendCode.by(func(b Bank, ctx context.Context, q provisioning.TokenCall) (out provisioning.Verification, err error) {
			v, err := b.ResendCode(ctx, &q)
			if err == nil {
				out = *v
			}
			return out, err
		}),
	}
}

// pointed is do for a request by value.
func pointed[Q, R any](do func(Bank, context.Context, *Q) (R, error)) func(Bank, context.Context, Q) (R, error) {
	return func(b Bank, ctx context.Context, q Q) (R, error) { return do(b, ctx, &q) }
}
