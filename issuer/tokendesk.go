package issuer

import (
	"context"
	"strings"

	"tapsim/provisioning"
)

// TokenInfo is a token as the bank's people see it.
type TokenInfo struct {
	provisioning.TokenState
	Account    string `json:"account"`
	Requestor  string `json:"requestor"`
	DeviceName string `json:"device_name,omitempty"`
	FormFactor string `json:"form_factor,omitempty"`
	OnPhone    bool   `json:"on_phone"`
	Domain     Domain `json:"domain"`
	ATC        uint16 `json:"atc"` // the highest seen
}

// Tokens lists the tokens of an account, or all for "".
func (i *Issuer) Tokens(ctx context.Context, account string) ([]TokenInfo, error) {
	if account != "" {
		if _, err := i.findAccount(ctx, account); err != nil {
			return nil, err
		}
	}
	all, err := i.store.Instruments(ctx)
	if err != nil {
		return nil, err
	}
	list := []TokenInfo{}
	for _, n := range all {
		if n.Kind != Token {
			continue
		}
		card, _, err := i.store.Instrument(n.Card)
		if err != nil {
			return nil, err
		}
		if account != "" && card.Account != account {
			continue
		}
		b, _, err := i.store.Binding(n.Index)
		if err != nil {
			return nil, err
		}
		usage, _, err := i.store.Usage(n.Index)
		if err != nil {
			return nil, err
		}
		t := &liveToken{instrument: n, binding: b}
		list = append(list, TokenInfo{
			TokenState: t.state(), Account: card.Account, Requestor: n.Requestor, DeviceName: b.DeviceName, FormFactor: b.FormFactor,
			OnPhone: len(b.Device) > 0, Domain: b.Domain, ATC: usage.highest(),
		})
	}
	return list, nil
}

// TokenHistory is a token's audit trail after an event, oldest first, with at
// most limit lines.
func (i *Issuer) TokenHistory(ctx context.Context, reference string, after int64, limit int) ([]provisioning.Event, error) {
	t, err := i.readToken(reference)
	if err != nil {
		return nil, err
	}
	events, err := i.store.TokenEvents(ctx, t.instrument.Index, after, limit)
	list := []provisioning.Event{}
	for _, e := range events {
		list = append(list, e.Event)
	}
	return list, err
}

// CardName names a card: by its reference, or by its last four digits where only
// one card has them, also masked as the bank shows it.
type CardName string

// cardIndex finds a card by its name.
func (i *Issuer) cardIndex(ctx context.Context, name CardName) (PANIndex, error) {
	return i.named(ctx, Card, string(name))
}

// FindToken is the reference of the token with that reference, its beginning, or
// those last four digits, where only one token has them.
func (i *Issuer) FindToken(ctx context.Context, name string) (string, error) {
	index, err := i.named(ctx, Token, name)
	return index.Reference(), err
}

// leastPrefix is how much of a reference names something.
const leastPrefix = 4

func (i *Issuer) named(ctx context.Context, kind Kind, name string) (index PANIndex, err error) {
	all, err := i.store.Instruments(ctx)
	if err != nil {
		return index, err
	}
	return pick(all, kind, name)
}

// pick is the card or token of that name.
func pick(all []Instrument, kind Kind, name string) (index PANIndex, err error) {
	found := 0
	for _, n := range all {
		byDigits := name == n.Masked || len(name) == 4 && strings.HasSuffix(n.Masked, name)
		if n.Kind != kind || !byDigits && (len(name) < leastPrefix || !strings.HasPrefix(n.Index.Reference(), name)) {
			continue
		}
		if kind == Token && byDigits && n.Status == StatusDeactivated {
			continue
		}
		index = n.Index
		found++
	}
	switch found {
	case 0:
		return index, refused("unknown-"+kind.String(), "name it by its reference or its last four digits", "there is no such %s", kind)
	case 1:
		return index, nil
	}
	return index, refused("ambiguous-"+kind.String(), "name it by its reference", "%d %ss have this name", found, kind)
}
