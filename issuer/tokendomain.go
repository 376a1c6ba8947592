package issuer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tapsim/emv"
	"tapsim/provisioning"
)

// Channels by which a payment reaches the bank.
const (
	ChannelContactless = "contactless"
	ChannelQR          = "qr"
	ChannelInApp       = "in-app"
	ChannelOther       = "other"
)

var channels = []string{ChannelContactless, ChannelQR, ChannelInApp, ChannelOther}

// ChannelOf is the channel that field 22 names (ISO 8583:1987 and common
// usage): 07 and 91 are contactless, 03 is an optical code, 01, 09, 10 and 81
// are payments without a terminal.
func ChannelOf(entryMode string) string {
	if len(entryMode) < 2 {
		return ChannelOther
	}
	switch entryMode[:2] {
	case "07", "91":
		return ChannelContactless
	case "03":
		return ChannelQR
	case "01", "09", "10", "81":
		return ChannelInApp
	}
	return ChannelOther
}

// Domain are the domain of a token: what it may be used for. An empty list
// allows everything, zero is no limit (EMV Payment Tokenisation framework:
// token domain restriction controls).
type Domain struct {
	Channels   []string `json:"channels,omitempty"`
	Categories []string `json:"categories,omitempty"` // merchant category codes, four digits
	Countries  []string `json:"countries,omitempty"`  // of the terminal, ISO 3166, three digits
	MaxAmount  int64    `json:"max_amount,omitempty"` // of one payment, minor units of the bank's currency
}

// maxListed bounds each list of a Domain.
const maxListed = 50

// Check finds what is wrong with a domain.
func (c *Domain) check() *Refusal {
	const code = "bad-domain"
	for _, name := range c.Channels {
		if !slices.Contains(channels, name) {
			return refused(code, "channels are "+strings.Join(channels, ", "), "there is no channel %q", name)
		}
	}
	for _, list := range []struct {
		what  string
		size  int
		items []string
	}{{"merchant category", 4, c.Categories}, {"country", 3, c.Countries}, {"channel", 0, c.Channels}} {
		if len(list.items) > maxListed {
			return refused(code, "", "%d entries for %s, at most %d", len(list.items), list.what, maxListed)
		}
		for _, item := range list.items {
			if list.size != 0 && (len(item) != list.size || !digitsOnly(item)) {
				return refused(code, "", "a %s has %d digits", list.what, list.size)
			}
		}
	}
	if c.MaxAmount < 0 || c.MaxAmount > emv.MaxAmount {
		return refused(code, "", "the most that a payment may be is not an amount")
	}
	return nil
}

// fault says why a payment is outside the domain, "" when it is inside.
func (c *Domain) fault(p *payment, config *Config) (code Code, text string) {
	allows := func(list []string, item string) bool { return len(list) == 0 || slices.Contains(list, item) }
	country := p.countryText()
	switch channel := ChannelOf(p.request.EntryMode); {
	case !allows(c.Channels, channel):
		return NotPermitted, "the token is not for payments by " + channel
	case !allows(c.Categories, p.request.MerchantCategory):
		return NotPermitted, "the token is not for merchants of category " + orNone(p.request.MerchantCategory)
	case !allows(c.Countries, country):
		return NotPermitted, "the token is not for payments in country " + orNone(country)
	}
	if c.MaxAmount == 0 {
		return "", ""
	}
	switch own, ok := config.convert(p.amount, p.currency, config.Currency); {
	case !ok:
		return OverLimit, fmt.Sprintf("the token is for payments of up to %s, and the bank has no rate for %s", money(c.MaxAmount, config.Currency), alpha(p.currency))
	case own > c.MaxAmount && p.currency != config.Currency:
		return OverLimit, fmt.Sprintf("the token is for payments of up to %s; %s are %s", money(c.MaxAmount, config.Currency), money(p.amount, p.currency), money(own, config.Currency))
	case own > c.MaxAmount:
		return OverLimit, fmt.Sprintf("the token is for payments of up to %s", money(c.MaxAmount, config.Currency))
	}
	return "", ""
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// countryText is the payment's country, three digits, "" when the message does
// not tell.
func (p *payment) countryText() string {
	if p.country == 0 {
		return ""
	}
	return fmt.Sprintf("%03d", p.country)
}

// checkDomain holds a payment against the token's domain.
func (i *Issuer) checkDomain(tx *Tx, p *payment, report *Report) error {
	if !p.instrument.Bound {
		return nil
	}
	b, ok, err := tx.Binding(p.index)
	if err != nil || !ok {
		return err
	}
	if code, text := b.Domain.fault(p, i.config); code != "" {
		cause := CauseDomain
		if code == OverLimit {
			cause = CauseTokenLimit
		}
		p.refuse(code)
		report.because("domain", Failed, cause, text)
	} else if report != nil {
		report.step("domain", OK, "inside the token's domain, channel "+ChannelOf(p.request.EntryMode))
	}
	return nil
}

// DomainChange sets the domain of a token.
type DomainChange struct {
	Token       string `json:"token"` // reference
	Domain      Domain `json:"domain"`
	Idempotency string `json:"-"`
}

// ControlToken sets the domain of a token.
func (i *Issuer) ControlToken(ctx context.Context, c DomainChange) (provisioning.TokenState, error) {
	if r := c.Domain.check(); r != nil {
		return provisioning.TokenState{}, r
	}
	m := move{reference: c.Token, verb: provisioning.VerbControl, party: PartyBank, key: c.Idempotency, request: c}
	m.change = func(t *liveToken) {
		t.binding.Domain = c.Domain
		t.text = c.Domain.text(i.config.Currency)
	}
	return i.moveToken(ctx, m)
}

// text says what a domain allows.
func (c *Domain) text(currency uint16) string {
	var parts []string
	for _, list := range []struct {
		name  string
		items []string
	}{{"channels", c.Channels}, {"categories", c.Categories}, {"countries", c.Countries}} {
		if len(list.items) > 0 {
			parts = append(parts, list.name+" "+strings.Join(list.items, " "))
		}
	}
	if c.MaxAmount != 0 {
		parts = append(parts, "up to "+money(c.MaxAmount, currency))
	}
	if parts == nil {
		return "everything is allowed"
	}
	return strings.Join(parts, ", ")
}
