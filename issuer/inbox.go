package issuer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tapsim/emv"
)

// NoticeView is a message of the bank to a customer.
type NoticeView struct {
	Time    time.Time `json:"time"`
	Account string    `json:"account"`
	Kind    string    `json:"kind"`           // code, alert, notice
	Rule    string    `json:"rule,omitempty"` // of an alert
	Text    string    `json:"text"`
	Code    string    `json:"code,omitempty"` // of a one-time code
	Payment int64     `json:"payment,omitempty"`
}

// Inbox are the messages to a customer, oldest first, of one kind or all for
// "".
func (i *Issuer) Inbox(ctx context.Context, account, kind string) ([]NoticeView, error) {
	switch kind {
	case "", NoticeCode, NoticeAlert, NoticeInfo:
	default:
		return nil, refuse("bad-request", "want code, alert or notice", "%q is no kind of message", kind)
	}
	if _, err := i.findAccount(ctx, account); err != nil {
		return nil, err
	}
	all, err := i.store.Notices(ctx, account)
	if err != nil {
		return nil, err
	}
	out := []NoticeView{}
	for _, n := range all {
		if kind == "" || n.Kind == kind {
			v := NoticeView{Time: n.Time, Account: n.Account, Kind: n.Kind, Rule: n.Rule, Text: n.Text, Payment: n.Record}
			if n.Kind == NoticeCode {
				if v.Text, v.Code, err = i.readCode(n.Text); err != nil {
					return nil, err
				}
			}
			out = append(out, v)
		}
	}
	return out, nil
}

// CardState is a funding card, or a token of one.
type CardState struct {
	Card     string `json:"card"` // masked
	Kind     string `json:"kind"` // card, token
	Scheme   string `json:"scheme"`
	Expiry   string `json:"expiry"` // YYMM
	Status   string `json:"status"`
	Account  string `json:"account"`
	LastFour string `json:"last_four"` // of the card, also behind a token
	PAR      string `json:"par"`
	// Reference names it where last digits do not.
	Reference string `json:"reference"`
}

// Cards are the funding cards of an account and their tokens.
func (i *Issuer) Cards(ctx context.Context, account string) ([]CardState, error) {
	if _, err := i.findAccount(ctx, account); err != nil {
		return nil, err
	}
	all, err := i.cardsOf(ctx, account)
	out := []CardState{}
	for n := range all {
		out = append(out, i.cardState(&all[n], account))
	}
	slices.SortFunc(out, func(a, b CardState) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Scheme, b.Scheme), strings.Compare(a.Card, b.Card), strings.Compare(a.PAR, b.PAR))
	})
	return out, err
}

func (i *Issuer) cardState(n *Instrument, account string) CardState {
	return CardState{n.Masked, n.Kind.String(), i.schemeOf(n), n.Expiry, n.Status.String(), account, n.LastFour, n.PAR, n.Index.Reference()}
}

// schemeOf is the scheme of an instrument, by the digits that are shown.
func (i *Issuer) schemeOf(n *Instrument) string {
	for _, r := range i.config.Ranges {
		if digits := min(len(r.Prefix), 6); r.Kind == n.Kind && len(n.Masked) == r.Length && strings.HasPrefix(n.Masked, r.Prefix[:digits]) {
			return r.Scheme.String()
		}
	}
	return emv.SchemeUnknown.String()
}

// CardRequest issues a funding card.
type CardRequest struct {
	Account     string `json:"account"`
	Scheme      string `json:"scheme,omitempty"` // "": visa
	Expiry      string `json:"expiry,omitempty"` // YYMM; "": in four years
	Idempotency string `json:"-"`
}

// IssueFundingCard issues a card with a free number of the scheme's first card
// range. The number is returned this once, and stored nowhere.
func (i *Issuer) IssueFundingCard(ctx context.Context, r CardRequest) (CardState, emv.PAN, error) {
	scheme, ok := emv.ParseScheme(cmp.Or(r.Scheme, "visa"))
	if !ok {
		return CardState{}, "", refuse("unknown-scheme", "try visa, mastercard or unionpay", "there is no scheme %q", r.Scheme)
	}
	at := slices.IndexFunc(i.config.Ranges, func(c Range) bool { return c.Kind == Card && c.Scheme == scheme })
	if at < 0 {
		return CardState{}, "", refuse("unknown-scheme", "the bank's configuration lists its ranges", "the bank has no card range of %s", scheme)
	}
	scope := &i.config.Ranges[at]
	digits, err := i.randomText(decimal, scope.Length-1-len(scope.Prefix))
	if err != nil {
		return CardState{}, "", err
	}
	par, err := i.newPAR()
	if err != nil {
		return CardState{}, "", err
	}
	pan := emv.WithCheckDigit(scope.Prefix + digits)
	expiry := cmp.Or(r.Expiry, i.now().UTC().AddDate(4, 0, 0).Format("0601"))
	if err := i.checkNumber(pan, Card, "00", expiry, "201"); err != nil || expired(expiry, i.now()) {
		return CardState{}, "", refuse("invalid-expiry", "want YYMM, not in the past", "%q is no expiry date for a new card", expiry)
	}
	state, err := change(ctx, i, "card", r.Idempotency, r, func(tx *Tx, _ time.Time) (CardState, error) {
		if _, err := tx.customer(r.Account); err != nil {
			return CardState{}, err
		}
		n := Instrument{Kind: Card, PSN: "00", Expiry: expiry, ServiceCode: "201", Account: r.Account, PAR: par, LastFour: pan.LastFour()}
		if err := i.addInstrument(tx, pan, n); err != nil {
			return CardState{}, refuse("number-taken", "try again", "%v", err)
		}
		return CardState{pan.Masked(), Card.String(), scheme.String(), expiry, StatusActive.String(), r.Account, pan.LastFour(), par, i.store.IndexPAN(pan).Reference()}, nil
	})
	if state.PAR != par { // the first answer again: its number is not kept
		pan = ""
	}
	return state, pan, err
}

// Rates are the bank's exchange rates and fee.
func (i *Issuer) Rates() RatesState {
	out := RatesState{Currency: alpha(i.config.Currency), Rates: []RateState{}, CrossBorderFee: hundredths(i.config.Exchange.CrossBorderFee)}
	for currency, r := range i.config.Exchange.Rates {
		out.Rates = append(out.Rates, RateState{alpha(currency), r.String()})
	}
	slices.SortFunc(out.Rates, func(a, b RateState) int { return strings.Compare(a.Currency, b.Currency) })
	return out
}

func hundredths(n int) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }
