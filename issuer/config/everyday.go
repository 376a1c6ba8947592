package config

import (
	"fmt"
	"strconv"
	"time"

	"tapsim/emv"
	"tapsim/internal/config"
	"tapsim/issuer"
)

// The part of the file about the everyday business: conversion, bounds,
// monitoring, maintenance.

type exchange struct {
	CrossBorderFee string            `yaml:"cross_border_fee"`
	Rates          map[string]string `yaml:"rates"`
}

type contactless struct {
	Count  int    `yaml:"count"`
	Amount string `yaml:"amount"`
}

type standIn struct {
	MaxAmount string `yaml:"max_amount"`
}

type refunds struct {
	Unverified string `yaml:"unverified"`
}

type holds struct {
	Expire time.Duration `yaml:"expire"`
}

type advices struct {
	Tolerance *int `yaml:"tolerance"`
}

// defaultTolerance is Tolerance of a file that does not say: tips.
const defaultTolerance = 20

type monitor struct {
	Name     string          `yaml:"name"`
	MoreThan int             `yaml:"more_than"`
	Within   time.Duration   `yaml:"within"`
	Over     string          `yaml:"over"`
	Outside  []config.Digits `yaml:"outside"`
	Moved    time.Duration   `yaml:"moved_within"`
	From     string          `yaml:"from"`
	To       string          `yaml:"to"`
	Replay   bool            `yaml:"replay"`
	Gap      int             `yaml:"gap"`
	Response string          `yaml:"response"`
}

// defaultKeptChecks is KeptChecks of a file that does not say: what a person who
// tries things out makes, and next to nothing of what a machine can.
const defaultKeptChecks = 100

// everyday reads that part.
func (f *file) everyday(c *issuer.Config, currency emv.Currency) (err error) {
	if c.KeptChecks = defaultKeptChecks; f.KeptChecks != nil {
		c.KeptChecks = *f.KeptChecks
	}
	if c.Tolerance = defaultTolerance; f.Advices.Tolerance != nil {
		c.Tolerance = *f.Advices.Tolerance
	}
	c.PartialApproval, c.HoldsExpire, c.Contactless.Count = f.Partial, f.Holds.Expire, f.Contactless.Count
	if c.Country, err = countryOf("country", f.Country); err != nil {
		return err
	}
	if c.Contactless.Amount, err = amountOf("contactless.amount", currency, f.Contactless.Amount); err != nil {
		return err
	}
	if c.StandIn.MaxAmount, err = amountOf("stand_in.max_amount", currency, f.StandIn.MaxAmount); err != nil {
		return err
	}
	if c.Unverified, err = amountOf("refunds.unverified", currency, f.Refunds.Unverified); err != nil {
		return err
	}
	if c.Exchange, err = f.Exchange.exchange(); err != nil {
		return err
	}
	for n := range f.Monitoring {
		r, err := f.Monitoring[n].rule(fmt.Sprintf("monitoring[%d]", n), currency)
		if err != nil {
			return err
		}
		c.Monitoring = append(c.Monitoring, r)
	}
	return nil
}

// countryOf reads an ISO 3166-1 number; "" is 0.
func countryOf(field string, digits config.Digits) (uint16, error) {
	if digits == "" {
		return 0, nil
	}
	v, err := strconv.ParseUint(string(digits), 10, 16)
	if _, known := emv.CountryByNumeric(uint16(v)); err != nil || !known {
		return 0, fault(field, "%q is not a number of ISO 3166-1, such as \"276\"", string(digits))
	}
	return uint16(v), nil
}

func (e *exchange) exchange() (out issuer.Exchange, err error) {
	percent := emv.Currency{Exponent: 2} // hundredths of a percent
	fee, err := amountOf("exchange.cross_border_fee", percent, e.CrossBorderFee)
	if err != nil {
		return out, err
	}
	out = issuer.Exchange{CrossBorderFee: int(fee), Rates: map[uint16]issuer.Rate{}}
	for letters, text := range e.Rates {
		field := "exchange.rates." + letters
		c, err := currencyOf(field, letters)
		if err != nil {
			return out, err
		}
		if out.Rates[c.Numeric], err = issuer.ParseRate(text); err != nil {
			return out, fault(field, "%v", err)
		}
	}
	return out, nil
}

func (m *monitor) rule(field string, currency emv.Currency) (r issuer.MonitorRule, err error) {
	r = issuer.MonitorRule{
		Name: m.Name, MoreThan: m.MoreThan, Within: m.Within, Moved: m.Moved, Replay: m.Replay, Gap: m.Gap, Response: issuer.Code(m.Response),
	}
	if r.Over, err = amountOf(field+".over", currency, m.Over); err != nil {
		return r, err
	}
	for _, digits := range m.Outside {
		country, err := countryOf(field+".outside", digits)
		if err != nil {
			return r, err
		}
		r.Outside = append(r.Outside, country)
	}
	if (m.From == "") != (m.To == "") {
		return r, fault(field+".from", "from and to go together")
	}
	if r.From, err = minuteOf(field+".from", m.From); err != nil {
		return r, err
	}
	r.To, err = minuteOf(field+".to", m.To)
	return r, err
}

// minuteOf reads a time of day; "" is midnight.
func minuteOf(field, text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fault(field, "%q is not a time of day such as \"22:30\"", text)
	}
	return t.Hour()*60 + t.Minute(), nil
}
