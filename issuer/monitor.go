package issuer

import (
	"fmt"
	"slices"
	"time"

	"tapsim/emv"
)

// MonitorRule is something that the bank watches out for in payments as they
// come. All conditions that are set must hold. An alert goes to the customer's
// inbox and names the rule.
type MonitorRule struct {
	Name string

	// conditions
	MoreThan int           // velocity: more payments than that within Within, tried ones included
	Within   time.Duration // of MoreThan
	Over     int64         // amount: more than that, minor units of the bank's currency
	Outside  []uint16      // place: the merchant's country is known and none of these
	Moved    time.Duration // place: another country than that of a payment so long ago or less, apps aside
	From, To int           // time: between these minutes of the day, UTC; From may be later than To
	Replay   bool          // a transaction counter that came before
	Gap      int           // the counter jumped ahead by more than that

	// Response declines the payment; "" only tells.
	Response Code
}

// minutesOfDay bounds MonitorRule.From and To.
const minutesOfDay = 24 * 60

// fault says what is wrong with a rule, "" when nothing is.
func (r *MonitorRule) fault() string {
	timed := r.From != r.To
	switch {
	case r.Name == "" || len(r.Name) > 40:
		return "a rule needs a name of up to 40 characters"
	case r.MoreThan == 0 && r.Over == 0 && len(r.Outside) == 0 && r.Moved == 0 && !timed && !r.Replay && r.Gap == 0:
		return "it has no condition"
	case r.MoreThan < 0 || r.MoreThan >= MaxAttempts:
		return fmt.Sprintf("more_than %d, want 1 to %d", r.MoreThan, MaxAttempts-1)
	case (r.MoreThan > 0) != (r.Within > 0):
		return "more_than and within go together"
	case r.Over < 0 || r.Over > emv.MaxAmount:
		return "over is not an amount"
	case r.Within < 0 || r.Moved < 0 || r.Within > 366*24*time.Hour || r.Moved > 366*24*time.Hour:
		return "times are positive and at most a year"
	case r.From < 0 || r.To < 0 || r.From >= minutesOfDay || r.To >= minutesOfDay:
		return "a time of day is 00:00 to 23:59"
	case r.Gap < 0 || r.Gap > 0xFFFF:
		return "a gap is 1 to 65535"
	case r.Response != "" && (!validCode(r.Response) || r.Response.approves()):
		return fmt.Sprintf("response %q is not a code that declines", r.Response)
	}
	return ""
}

// monitorCondition is a condition of a rule: whether the rule has it, and what it
// saw in a payment, "" for nothing.
type monitorCondition struct {
	set func(*MonitorRule) bool
	saw func(*MonitorRule, *payment) string
}

var monitorConditions = [...]monitorCondition{
	{func(r *MonitorRule) bool { return r.MoreThan > 0 }, (*MonitorRule).velocity},
	{func(r *MonitorRule) bool { return r.Over > 0 }, (*MonitorRule).large},
	{func(r *MonitorRule) bool { return len(r.Outside) > 0 }, (*MonitorRule).place},
	{func(r *MonitorRule) bool { return r.Moved > 0 }, (*MonitorRule).moved},
	{func(r *MonitorRule) bool { return r.From != r.To }, (*MonitorRule).hour},
	{func(r *MonitorRule) bool { return r.Replay }, (*MonitorRule).replay},
	{func(r *MonitorRule) bool { return r.Gap > 0 }, (*MonitorRule).jump},
}

// hit says what a rule saw in a payment, "" when it does not apply.
func (r *MonitorRule) hit(p *payment) string {
	seen := ""
	for _, c := range monitorConditions {
		if !c.set(r) {
			continue
		}
		text := c.saw(r, p)
		if text == "" {
			return ""
		}
		if seen != "" {
			seen += "; "
		}
		seen += text
	}
	return seen
}

func (r *MonitorRule) velocity(p *payment) string {
	count := 1
	for _, a := range p.controls.Attempts {
		if p.since(&a) <= r.Within {
			count++
		}
	}
	if count <= r.MoreThan {
		return ""
	}
	return fmt.Sprintf("%d payments within %s", count, r.Within)
}

// since is how long ago an attempt was.
func (p *payment) since(a *Attempt) time.Duration {
	return time.Duration(p.at.Unix()-a.Time) * time.Second
}

func (r *MonitorRule) large(p *payment) string {
	if p.own <= r.Over {
		return ""
	}
	return "a payment of " + money(p.amount, p.currency)
}

func (r *MonitorRule) place(p *payment) string {
	if p.country == 0 || slices.Contains(r.Outside, p.country) {
		return ""
	}
	return "a payment in " + countryText(p.country)
}

// whereabouts is the country in which the customer was; 0 is not known. Who pays
// in an app can be anywhere, whatever the merchant's country.
func (p *payment) whereabouts() uint16 {
	if ChannelOf(p.request.EntryMode) == ChannelInApp {
		return 0
	}
	return p.country
}

func (r *MonitorRule) moved(p *payment) string {
	here := p.whereabouts()
	for _, a := range p.controls.Attempts {
		if ago := p.since(&a); here != 0 && a.Country != 0 && a.Country != here && ago <= r.Moved {
			return fmt.Sprintf("a payment in %s, %s after one in %s", countryText(here), ago, countryText(a.Country))
		}
	}
	return ""
}

func (r *MonitorRule) hour(p *payment) string {
	minute := p.at.Hour()*60 + p.at.Minute()
	inside := r.From <= minute && minute < r.To
	if r.From > r.To {
		inside = minute >= r.From || minute < r.To
	}
	if !inside {
		return ""
	}
	return "a payment at " + p.at.Format("15:04") + " UTC"
}

func (r *MonitorRule) replay(p *payment) string {
	if !p.replayed {
		return ""
	}
	return "a transaction counter that came before"
}

func (r *MonitorRule) jump(p *payment) string {
	if p.gap <= r.Gap {
		return ""
	}
	return fmt.Sprintf("the transaction counter jumped by %d", p.gap)
}

// monitor applies the rules to a payment. Advices are not declined; refunds, and
// advices about a payment that was watched when it came, are not watched.
func (i *Issuer) monitor(tx *Tx, p *payment, record *Record, report *Report) {
	if len(i.config.Monitoring) == 0 || p.refund() || p.related != nil {
		return
	}
	p.own = i.inOwnCurrency(p)
	hits := 0
	for n := range i.config.Monitoring {
		r := &i.config.Monitoring[n]
		text := r.hit(p)
		if text == "" {
			continue
		}
		hits++
		tx.Notify(Notice{Account: record.Account, Kind: NoticeAlert, Rule: r.Name, Text: text, Record: record.Seq, Time: p.at})
		result := OK
		if r.Response != "" && !p.advice {
			p.refuse(r.Response)
			result = Failed
		}
		if report != nil {
			report.step(stepMonitoring, result, "rule "+r.Name+": "+text)
		}
	}
	if hits == 0 {
		report.step(stepMonitoring, OK, "nothing unusual")
	}
}

// inOwnCurrency is the payment's amount in the bank's currency; as it is where
// there is no rate.
func (i *Issuer) inOwnCurrency(p *payment) int64 {
	if own, ok := i.config.convert(p.amount, p.currency, i.config.Currency); ok {
		return own
	}
	return p.amount
}
