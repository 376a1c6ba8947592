package issuer

import (
	"fmt"
	"math/big"
	"strings"

	"tapsim/emv"
)

// Rate is what one unit of a currency is worth in the bank's own: Units
// divided by ten to the power of Scale.
type Rate struct {
	Units int64
	Scale int
}

// Bounds of a rate.
const (
	maxRateUnits = 1_000_000_000_000
	maxRateScale = 10
)

// ParseRate reads a rate such as "0.9215".
func ParseRate(s string) (Rate, error) {
	whole, fraction, dot := strings.Cut(s, ".")
	digits := whole + fraction
	if whole == "" || dot && fraction == "" || !digitsOnly(digits) || len(digits) > 12 || len(fraction) > maxRateScale {
		return Rate{}, fmt.Errorf("rate %q: want up to 12 digits, such as 0.9215", s)
	}
	r := Rate{Scale: len(fraction)}
	for n := range len(digits) {
		r.Units = r.Units*10 + int64(digits[n]-'0')
	}
	if r.Units == 0 {
		return Rate{}, fmt.Errorf("rate %q: a currency is worth something", s)
	}
	return r, nil
}

// String writes the rate with its decimals.
func (r Rate) String() string {
	s := fmt.Sprintf("%0*d", r.Scale+1, r.Units)
	if r.Scale == 0 {
		return s
	}
	return s[:len(s)-r.Scale] + "." + s[len(s)-r.Scale:]
}

// Exchange is how the bank converts, and what it takes for payments abroad.
type Exchange struct {
	Rates map[uint16]Rate // by ISO 4217 number, against Config.Currency
	// CrossBorderFee is taken of payments in another country than the bank's, in
	// hundredths of a percent of what they cost. Where a message does not tell
	// the country, a foreign currency counts as abroad.
	CrossBorderFee int
}

func (e *Exchange) check(own uint16) error {
	if e.CrossBorderFee < 0 || e.CrossBorderFee > 10_000 {
		return configError("exchange.cross_border_fee", "%d hundredths of a percent, want 0 to 10000", e.CrossBorderFee)
	}
	for currency, r := range e.Rates {
		_, known := emv.CurrencyByNumeric(currency)
		switch {
		case !known:
			return configError("exchange.rates", "%03d is not a currency of ISO 4217", currency)
		case currency == own:
			return configError("exchange.rates", "the bank's own currency needs no rate")
		case r.Units <= 0 || r.Units >= maxRateUnits || r.Scale < 0 || r.Scale > maxRateScale:
			return configError("exchange.rates", "the rate of currency %03d is out of bounds", currency)
		}
	}
	return nil
}

// rate is the rate of a currency; the bank's own is 1.
func (c *Config) rate(currency uint16) (Rate, bool) {
	if currency == c.Currency {
		return Rate{Units: 1}, true
	}
	r, ok := c.Exchange.Rates[currency]
	return r, ok
}

// convert turns minor units of one currency into those of another, half a unit
// up. It is false without a rate, and for what no amount field can hold.
func (c *Config) convert(amount int64, from, to uint16) (int64, bool) {
	return c.exchange(amount, from, to, true)
}

// received is convert for what a customer gets: the fraction of a unit stays with
// the bank, or money sent to and fro would become more each time.
func (c *Config) received(amount int64, from, to uint16) (int64, bool) {
	return c.exchange(amount, from, to, false)
}

func (c *Config) exchange(amount int64, from, to uint16, nearest bool) (int64, bool) {
	if from == to {
		return amount, true
	}
	rateFrom, ok := c.rate(from)
	rateTo, there := c.rate(to)
	if !ok || !there {
		return 0, false
	}
	currencyFrom, ok := emv.CurrencyByNumeric(from)
	currencyTo, there := emv.CurrencyByNumeric(to)
	if !ok || !there {
		return 0, false
	}
	n := new(big.Int).Mul(big.NewInt(amount), big.NewInt(rateFrom.Units))
	n.Mul(n, power(rateTo.Scale+currencyTo.Exponent))
	d := new(big.Int).Mul(big.NewInt(rateTo.Units), power(rateFrom.Scale+currencyFrom.Exponent))
	if nearest {
		n.Add(n.Lsh(n, 1), d)
		d.Lsh(d, 1)
	}
	n.Quo(n, d)
	if !n.IsInt64() || n.Int64() > emv.MaxAmount {
		return 0, false
	}
	return n.Int64(), true
}

func power(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// share is whole times part divided by all, rounded down; 0 of nothing.
func share(whole, part, all int64) int64 {
	if all == 0 {
		return 0
	}
	n := new(big.Int).Mul(big.NewInt(whole), big.NewInt(part))
	return n.Quo(n, big.NewInt(all)).Int64()
}

// abroad is true for a payment in another country than the bank's. Where that is
// not known, a foreign currency counts as abroad.
func (c *Config) abroad(country, currency uint16) bool {
	if country == 0 || c.Country == 0 {
		return currency != c.Currency
	}
	return country != c.Country
}

// charge is what a payment costs an account.
type charge struct {
	currency uint16 // the account's
	billed   int64  // in all
	fee      int64  // of that
}

// charge converts a payment and adds the fee for payments abroad. It is false
// where the bank cannot convert. No payment is for nothing: it costs one minor
// unit at least.
func (c *Config) charge(amount int64, currency, account uint16, abroad bool) (charge, bool) {
	billed, ok := c.convert(amount, currency, account)
	if ok && billed == 0 && amount > 0 {
		billed = 1
	}
	out := charge{currency: account, billed: billed}
	if ok && abroad && c.Exchange.CrossBorderFee > 0 {
		out.fee = share(2*billed*int64(c.Exchange.CrossBorderFee)+10_000, 1, 20_000)
		out.billed += out.fee
	}
	return out, ok
}

// affordable is the largest part of a payment that costs no more than money.
func (c *Config) affordable(p *payment, money int64) (int64, charge) {
	low, high := int64(0), p.amount // low can be paid, high cannot
	best := charge{currency: p.charge.currency}
	for high-low > 1 {
		middle := low + (high-low)/2
		if t, ok := c.charge(middle, p.currency, p.charge.currency, p.abroad); ok && t.billed <= money {
			low, best = middle, t
		} else {
			high = middle
		}
	}
	return low, best
}

// RateState is one exchange rate as people see it.
type RateState struct {
	Currency string `json:"currency"`
	Rate     string `json:"rate"` // what one unit is worth in the bank's currency
}

// RatesState is the bank's exchange: its own currency, rates, fee.
type RatesState struct {
	Currency       string      `json:"currency"`
	Rates          []RateState `json:"rates"`
	CrossBorderFee string      `json:"cross_border_fee"` // percent
}
