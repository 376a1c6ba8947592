package issuer

import (
	"strings"
	"sync/atomic"

	"tapsim/iso8583"
)

// counter counts the messages that met a rule's conditions since the start.
type counter struct{ n atomic.Int64 }

// matchRule finds the first rule for a message and counts.
func (i *Issuer) matchRule(m *iso8583.Message) *Rule {
	for n := range i.config.Rules {
		r := &i.config.Rules[n]
		if !r.matches(m) {
			continue
		}
		if seen := i.counts[n].n.Add(1); r.Nth == 0 || seen == int64(r.Nth) {
			return r
		}
	}
	return nil
}

func (r *Rule) matches(m *iso8583.Message) bool {
	amount := int64(-1)
	if m.Amount != nil {
		amount = *m.Amount
	}
	switch {
	case r.MTI != "" && original(m.MTI) != iso8583.MTI(r.MTI),
		r.Amount != nil && amount != *r.Amount,
		r.AmountFrom != 0 && amount < r.AmountFrom,
		r.AmountTo != 0 && (amount < 0 || amount > r.AmountTo),
		r.PANSuffix != "" && !strings.HasSuffix(panOf(m), r.PANSuffix),
		r.Merchant != "" && strings.TrimRight(m.MerchantID, " ") != r.Merchant,
		r.Terminal != "" && strings.TrimRight(m.TerminalID, " ") != r.Terminal,
		r.Currency != "" && m.Currency != r.Currency:
		return false
	}
	return true
}

// original is the message type without the repeat mark.
func original(m iso8583.MTI) iso8583.MTI {
	if len(m) == 4 && m[3] == '1' {
		return m[:3] + "0"
	}
	return m
}

// panOf is the account number of a message, from field 2 or track 2.
func panOf(m *iso8583.Message) string {
	if m.PAN != "" {
		return m.PAN
	}
	pan, _, _ := strings.Cut(strings.Replace(m.Track2, "D", "=", 1), "=")
	return pan
}
