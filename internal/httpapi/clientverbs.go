package httpapi

import (
	"context"

	"tapsim/issuer"
	"tapsim/provisioning"
)

// Open implements Bank.
func (c *Client) Open(ctx context.Context, r issuer.OpenRequest) (issuer.AccountState, error) {
	return openAccount.call(ctx, c, &r)
}

// Accounts implements Bank.
func (c *Client) Accounts(ctx context.Context) ([]issuer.AccountState, error) {
	return accounts.call(ctx, c, &nothing{})
}

// ShowAccount implements Bank.
func (c *Client) ShowAccount(ctx context.Context, id string) (issuer.AccountState, error) {
	return showAccount.call(ctx, c, &ofAccount{id})
}

// CloseAccount implements Bank.
func (c *Client) CloseAccount(ctx context.Context, r issuer.AccountRequest) (issuer.AccountState, error) {
	return closeAccount.call(ctx, c, &r)
}

// LostCard implements Bank.
func (c *Client) LostCard(ctx context.Context, r issuer.LostCardRequest) (issuer.CardState, error) {
	return lostCard.call(ctx, c, &r)
}

// Freeze implements Bank.
func (c *Client) Freeze(ctx context.Context, r issuer.AccountRequest) (issuer.AccountState, error) {
	return freeze.call(ctx, c, &r)
}

// Unfreeze implements Bank.
func (c *Client) Unfreeze(ctx context.Context, r issuer.AccountRequest) (issuer.AccountState, error) {
	return unfreeze.call(ctx, c, &r)
}

// Cards implements Bank.
func (c *Client) Cards(ctx context.Context, account string) ([]issuer.CardState, error) {
	return cards.call(ctx, c, &ofAccount{account})
}

// IssueFundingCard implements Bank.
func (c *Client) IssueFundingCard(ctx context.Context, r CardRequest) (IssuedCard, error) {
	return issueCard.call(ctx, c, &r)
}

// TopUp implements Bank.
func (c *Client) TopUp(ctx context.Context, r issuer.TopUpRequest) (issuer.PaymentState, error) {
	return topUp.call(ctx, c, &r)
}

// Transfer implements Bank.
func (c *Client) Transfer(ctx context.Context, r issuer.TransferRequest) (issuer.PaymentState, error) {
	return transfer.call(ctx, c, &r)
}

// Payments implements Bank.
func (c *Client) Payments(ctx context.Context, account string) ([]issuer.PaymentState, error) {
	return payments.call(ctx, c, &ofAccount{account})
}

// ShowPayment implements Bank.
func (c *Client) ShowPayment(ctx context.Context, id int64) (issuer.PaymentState, error) {
	return showPayment.call(ctx, c, &ofPayment{id})
}

// PaymentStories implements Bank.
func (c *Client) PaymentStories(ctx context.Context, q issuer.PaymentQuery) ([]issuer.PaymentStory, error) {
	return explain.call(ctx, c, (*storyQuery)(&q))
}

// Refund implements Bank.
func (c *Client) Refund(ctx context.Context, r issuer.RefundRequest) (issuer.PaymentState, error) {
	return refund.call(ctx, c, &r)
}

// Reverse implements Bank.
func (c *Client) Reverse(ctx context.Context, r issuer.PaymentRequest) (issuer.PaymentState, error) {
	return reverse.call(ctx, c, &r)
}

// PreAuthorise implements Bank.
func (c *Client) PreAuthorise(ctx context.Context, r issuer.HoldRequest) (issuer.PaymentState, error) {
	return hold.call(ctx, c, &r)
}

// Increment implements Bank.
func (c *Client) Increment(ctx context.Context, r issuer.PaymentRequest) (issuer.PaymentState, error) {
	return increment.call(ctx, c, &r)
}

// Complete implements Bank.
func (c *Client) Complete(ctx context.Context, r issuer.PaymentRequest) (issuer.PaymentState, error) {
	return complete.call(ctx, c, &r)
}

// Clear implements Bank.
func (c *Client) Clear(ctx context.Context, r issuer.ClearRequest) ([]issuer.PaymentState, error) {
	return clearHolds.call(ctx, c, &r)
}

// Dispute implements Bank.
func (c *Client) Dispute(ctx context.Context, r issuer.DisputeRequest) (issuer.DisputeView, error) {
	return dispute.call(ctx, c, &r)
}

// Disputes implements Bank.
func (c *Client) Disputes(ctx context.Context, account string) ([]issuer.DisputeView, error) {
	return disputes.call(ctx, c, &ofAccount{account})
}

// Resolve implements Bank.
func (c *Client) Resolve(ctx context.Context, r issuer.ResolveRequest) (issuer.DisputeView, error) {
	return resolve.call(ctx, c, &r)
}

// Limits implements Bank.
func (c *Client) Limits(ctx context.Context, account string) (issuer.LimitsState, error) {
	return limits.call(ctx, c, &ofAccount{account})
}

// SetLimit implements Bank.
func (c *Client) SetLimit(ctx context.Context, r issuer.LimitRequest) (issuer.LimitsState, error) {
	return setLimit.call(ctx, c, &r)
}

// SetBudget implements Bank.
func (c *Client) SetBudget(ctx context.Context, r issuer.BudgetRequest) (issuer.LimitsState, error) {
	return setBudget.call(ctx, c, &r)
}

// SetContactless implements Bank.
func (c *Client) SetContactless(ctx context.Context, r issuer.ContactlessRequest) (issuer.LimitsState, error) {
	return setContactless.call(ctx, c, &r)
}

// Maintenance implements Bank.
func (c *Client) Maintenance(ctx context.Context) (issuer.Maintenance, error) {
	return maintenance.call(ctx, c, &nothing{})
}

// SetMaintenance implements Bank.
func (c *Client) SetMaintenance(ctx context.Context, r issuer.MaintenanceRequest) (issuer.Maintenance, error) {
	return setMaintenance.call(ctx, c, &r)
}

// Rates implements Bank.
func (c *Client) Rates(ctx context.Context) (issuer.RatesState, error) {
	return rates.call(ctx, c, &nothing{})
}

// Statement implements Bank.
func (c *Client) Statement(ctx context.Context, account, month string) (issuer.Statement, error) {
	return statement.call(ctx, c, &ofMonth{account, month})
}

// Spending implements Bank.
func (c *Client) Spending(ctx context.Context, r issuer.SpendingRequest) (issuer.Spending, error) {
	return spending.call(ctx, c, &r)
}

// Inbox implements Bank.
func (c *Client) Inbox(ctx context.Context, account, kind string) ([]issuer.NoticeView, error) {
	return inbox.call(ctx, c, &ofKind{account, kind})
}

// Audit implements Bank.
func (c *Client) Audit(ctx context.Context) (AuditResult, error) {
	return audit.call(ctx, c, &nothing{})
}

// Tokens implements Bank.
func (c *Client) Tokens(ctx context.Context, account string) ([]issuer.TokenInfo, error) {
	return tokens.call(ctx, c, &anyAccount{account})
}

// TokenHistory implements Bank.
func (c *Client) TokenHistory(ctx context.Context, token string, after int64, limit int) ([]provisioning.Event, error) {
	return tokenHistory.call(ctx, c, &tokenEvents{token, after, limit})
}

// ManageToken implements Bank.
func (c *Client) ManageToken(ctx context.Context, r issuer.TokenChange) (provisioning.TokenState, error) {
	return manageToken.call(ctx, c, &r)
}

// RelinkToken implements Bank.
func (c *Client) RelinkToken(ctx context.Context, r issuer.Relink) (provisioning.TokenState, error) {
	return relinkToken.call(ctx, c, &r)
}

// ControlToken implements Bank.
func (c *Client) ControlToken(ctx context.Context, r issuer.DomainChange) (provisioning.TokenState, error) {
	return controlToken.call(ctx, c, &r)
}

// LostPhone implements Bank.
func (c *Client) LostPhone(ctx context.Context, r issuer.PhoneRequest) ([]provisioning.TokenState, error) {
	return lostPhone.call(ctx, c, &r)
}

// FoundPhone implements Bank.
func (c *Client) FoundPhone(ctx context.Context, r issuer.PhoneRequest) ([]provisioning.TokenState, error) {
	return foundPhone.call(ctx, c, &r)
}

// RequestToken implements Bank.
func (c *Client) RequestToken(ctx context.Context, r *provisioning.TokenRequest) (provisioning.TokenGrant, error) {
	return requestToken.call(ctx, c, r)
}

// AdoptToken implements Bank.
func (c *Client) AdoptToken(ctx context.Context, r *provisioning.Adoption) (provisioning.TokenState, error) {
	return adoptToken.call(ctx, c, r)
}

// EnterCode implements Bank.
func (c *Client) EnterCode(ctx context.Context, r *provisioning.CodeEntry) (provisioning.TokenState, error) {
	return enterCode.call(ctx, c, r)
}

// CallToken implements Bank.
func (c *Client) CallToken(ctx context.Context, r *provisioning.TokenCall) (provisioning.TokenState, error) {
	return callToken.call(ctx, c, r)
}

// DeliverKeys implements Bank.
func (c *Client) DeliverKeys(ctx context.Context, r *provisioning.KeyRequest) (provisioning.Delivery, error) {
	return deliverKeys.call(ctx, c, r)
}

// DeliverCertificates implements Bank.
func (c *Client) DeliverCertificates(ctx context.Context, r *provisioning.CertificateRequest) (provisioning.Delivery, error) {
	return certificates.call(ctx, c, r)
}

// PollTokens implements Bank.
func (c *Client) PollTokens(ctx context.Context, r *provisioning.Poll) (provisioning.News, error) {
	return poll.call(ctx, c, r)
}

// FindToken implements Bank.
func (c *Client) FindToken(ctx context.Context, name string) (string, error) {
	found, err := findToken.call(ctx, c, &tokenName{name})
	return found.Token, err
}

// ResendCode implements Bank.
func (c *Client) ResendCode(ctx context.Context, r *provisioning.TokenCall) (*provisioning.Verification, error) {
	v, err := resendCode.call(ctx, c, r)
	if err != nil {
		return nil, err
	}
	return &v, nil
}
