// Package issuer is the bank: it checks the cryptogram that a card made,
// decides, answers, and moves money in a double-entry ledger. It is also the
// token service: it knows which token stands for which card and hands out
// limited-use keys.
//
// Handle takes one message and gives one answer. Everything that costs
// computing, the cryptogram above all, is checked before the store is asked;
// what depends on state that others change (counters, balances, the first
// answer to a repeated message) is decided inside one Store.Update.
package issuer

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"tapsim/iso8583"
)

// Env is what the bank takes from the world. Clock and randomness are required.
type Env struct {
	Now     func() time.Time
	Rand    io.Reader // authorisation codes, token numbers, account references
	Certify Certifier // nil: the token service certifies no cards
	Reissue Reissuer  // nil: a token whose payment is denied is suspended, and that is all
}

// Issuer is the bank. It is safe for concurrent use.
type Issuer struct {
	config *Config
	store  Store
	now    func() time.Time
	keys   keyring
	ca     Certifier
	pins   map[PANIndex]PINValue // by card
	counts []counter             // one for each rule
	renew  Reissuer
	closed atomic.Pointer[Maintenance] // nil: open
	gate   sync.Mutex                  // guards changes of closed

	mu   sync.Mutex // guards rand
	rand io.Reader
}

// New makes a bank from its configuration, which it checks, and its state.
func New(config Config, store Store, env Env) (*Issuer, error) {
	if store == nil || env.Now == nil || env.Rand == nil {
		return nil, fmt.Errorf("issuer: store, clock and randomness are required")
	}
	if err := config.Check(); err != nil {
		return nil, err
	}
	i := &Issuer{
		config: &config, store: store, now: env.Now, rand: env.Rand, ca: env.Certify, renew: env.Reissue,
		counts: make([]counter, len(config.Rules)),
	}
	i.pins = i.pinValues()
	if err := i.loadMaintenance(); err != nil {
		return nil, err
	}
	return i, nil
}

// Answer is what goes back for a message.
type Answer struct {
	Message *iso8583.Message // nil: nothing is to be sent
	Delay   time.Duration    // the caller waits that long before it sends
}

// Handle decides about one message and answers it. A report that is not nil
// gets each step of the check. An error means that the bank could not decide,
// because its store failed; the answer then says 96, system malfunction, and
// nothing has been recorded.
func (i *Issuer) Handle(ctx context.Context, request *iso8583.Message, report *Report) (Answer, error) {
	rule := i.matchRule(request)
	if rule != nil && rule.Silence == SilenceRequest {
		report.step("rules", Failed, "rule "+rule.Name+": the message is lost before it is read")
		return Answer{}, nil
	}
	var answer Answer
	var err error
	switch kind := kindOf(request.MTI); kind.class {
	case classAuthorisation, classFinancial:
		answer.Message, err = i.payment(ctx, request, kind, rule, report)
	case classReversal:
		answer.Message, err = i.reversal(ctx, request, kind, report)
	case classNetwork:
		answer.Message = network(request, report)
	default:
		report.step("format", Failed, fmt.Sprintf("message type %q is not one that the bank answers", request.MTI))
		return Answer{}, nil
	}
	if err != nil {
		answer.Message = respond(request, Malfunction)
		report.step("store", Failed, err.Error())
	}
	if rule != nil {
		answer.Delay = rule.Delay
		if rule.Silence == SilenceAnswer {
			report.step("rules", Failed, "rule "+rule.Name+": the answer is lost on its way")
			answer.Message = nil
		}
	}
	report.finish(answer)
	return answer, err
}

// random fills b from the injected randomness.
func (i *Issuer) random(b []byte) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, err := io.ReadFull(i.rand, b); err != nil {
		return fmt.Errorf("issuer: randomness: %w", err)
	}
	return nil
}
