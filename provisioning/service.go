package provisioning

import "context"

// Service is the token service as a phone's wallet needs it: the bank in process, or
// a client of it. Each request is numbered and signed by its phone. A refusal is a
// *Refusal; every other error means that the service could not be asked.
type Service interface {
	RequestToken(ctx context.Context, r *TokenRequest) (TokenGrant, error)
	AdoptToken(ctx context.Context, r *Adoption) (TokenState, error)
	EnterCode(ctx context.Context, r *CodeEntry) (TokenState, error)
	ResendCode(ctx context.Context, r *TokenCall) (*Verification, error)
	CallToken(ctx context.Context, r *TokenCall) (TokenState, error)
	DeliverKeys(ctx context.Context, r *KeyRequest) (Delivery, error)
	DeliverCertificates(ctx context.Context, r *CertificateRequest) (Delivery, error)
	PollTokens(ctx context.Context, r *Poll) (News, error)
}
