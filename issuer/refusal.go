package issuer

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tapsim/emv"
	"tapsim/provisioning"
)

// Refusal is the bank's no to a verb: nothing has changed. It is an error, told
// apart by its code.
type Refusal = provisioning.Refusal

// refused makes a refusal. hint may be empty. What looks like a card's number in
// what was asked for is masked.
func refused(code, hint, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Text: maskNumbers(fmt.Sprintf(format, args...)), Hint: hint}
}

// refuse is refused as an error.
func refuse(code, hint, format string, args ...any) error {
	return refused(code, hint, format, args...)
}

// refuseOr is err, or a refusal where err is nil.
func refuseOr(err error, code, hint, format string, args ...any) error {
	if err != nil {
		return err
	}
	return refuse(code, hint, format, args...)
}

// orNil keeps a nil refusal from becoming an error.
func orNil(r *Refusal) error {
	if r == nil {
		return nil
	}
	return r
}

// maxIdempotency bounds an idempotency key, in bytes.
const maxIdempotency = 128

// once runs a change, and only once for its idempotency key: the same request
// under the key gets the first answer again, another request is refused. A
// refusal is not kept, since nothing happened. request and answer are values
// that JSON carries whole; what is kept of key and request are keyed hashes.
//
// f runs inside one update; like every update it may run a second time.
func once[R any](ctx context.Context, i *Issuer, verb, key string, request any, f func(tx *Tx, at time.Time) (R, error)) (R, error) {
	var answer, none R
	if len(key) > maxIdempotency {
		return none, refuse("bad-request", "", "an idempotency key has at most %d characters", maxIdempotency)
	}
	text, err := json.Marshal(request)
	if err != nil {
		return none, fmt.Errorf("issuer: %s: %w", verb, err)
	}
	digest := i.store.IndexPAN(emv.PAN(verb + "\x00" + string(text)))
	at := i.now().UTC().Truncate(time.Second)
	name := i.store.IndexPAN(emv.PAN("idempotency\x00" + key)).Reference()
	err = i.store.Update(ctx, nil, func(tx *Tx) error {
		answer = none
		if key != "" {
			first, there, err := tx.Answered(name)
			switch {
			case err != nil:
				return err
			case there && first.Request != digest:
				return refuse("idempotency-mismatch", "use a new key for a new request", "this idempotency key came before with another request")
			case there:
				return json.Unmarshal(first.Answer, &answer)
			}
		}
		var err error
		if answer, err = f(tx, at); err != nil || key == "" {
			return err
		}
		kept, err := json.Marshal(answer)
		if err == nil {
			tx.PutAnswered(Answered{Key: name, Request: digest, Answer: kept, Time: at})
		}
		return err
	})
	if err != nil {
		return none, err
	}
	return answer, nil
}

// notify writes a message of the bank to a customer, who finds it in the inbox.
func (i *Issuer) notify(tx *Tx, account, kind, text string) {
	tx.Notify(Notice{Account: account, Kind: kind, Text: text, Time: i.now().UTC().Truncate(time.Second)})
}
