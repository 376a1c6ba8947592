package issuer

import (
	"context"
	"slices"
	"strings"
	"time"

	"tapsim/emv"
)

// LimitState is a limit with what is used of it.
type LimitState struct {
	Per       string `json:"per"`                // payment, day, month
	Category  string `json:"category,omitempty"` // code or group; "": all
	Country   string `json:"country,omitempty"`  // two letters; "": all
	Amount    string `json:"amount"`
	Used      string `json:"used"`
	Remaining string `json:"remaining"`
}

// BudgetState is a budget with what is spent of it this month.
type BudgetState struct {
	Category  string `json:"category,omitempty"`
	Amount    string `json:"amount"`
	Spent     string `json:"spent"`
	Remaining string `json:"remaining"` // negative when it is passed
}

// ContactlessState is how much may be paid contactless without verification,
// and what was paid so far, card by card.
type ContactlessState struct {
	Count  int                `json:"count"`  // 0: no bound
	Amount string             `json:"amount"` // zero: no bound
	Own    bool               `json:"own"`    // the customer's own, not the bank's
	Cards  []ContactlessUsage `json:"cards"`
}

// ContactlessUsage is what one card or token paid since somebody was verified.
type ContactlessUsage struct {
	Card   string `json:"card"` // masked
	Count  int    `json:"count"`
	Amount string `json:"amount"`
}

// LimitsState is everything that bounds an account.
type LimitsState struct {
	Account     string           `json:"account"`
	Currency    string           `json:"currency"`
	Limits      []LimitState     `json:"limits"`
	Budgets     []BudgetState    `json:"budgets"`
	Contactless ContactlessState `json:"contactless"`
}

// LimitRequest sets a limit, or removes it. A limit for the same period,
// category and country is replaced.
type LimitRequest struct {
	Account     string `json:"account"`
	Per         string `json:"per"`
	Category    string `json:"category,omitempty"`
	Country     string `json:"country,omitempty"`
	Amount      string `json:"amount,omitempty"` // zero blocks
	Remove      bool   `json:"remove,omitempty"`
	Idempotency string `json:"-"`
}

// SetLimit sets or removes a limit of a customer. What was spent before counts.
func (i *Issuer) SetLimit(ctx context.Context, r LimitRequest) (LimitsState, error) {
	return i.changeControls(ctx, "limit", r.Account, r.Idempotency, r, func(c *Controls, a *Account) error {
		l := Limit{Category: r.Category}
		var ok bool
		if l.Per, ok = ParsePeriod(r.Per); !ok {
			return refuse("invalid-limit", "want payment, day or month", "%q is not the period of a limit", r.Per)
		}
		if err := checkCategory(r.Category); err != nil {
			return err
		}
		if r.Country != "" {
			country, ok := emv.CountryByAlpha(strings.ToUpper(r.Country))
			if !ok {
				return refuse("unknown-country", "want letters such as DE", "%q is not a country of ISO 3166-1", r.Country)
			}
			l.Country = country.Numeric
		}
		at := slices.IndexFunc(c.Limits, func(o Limit) bool { return o.Per == l.Per && o.Category == l.Category && o.Country == l.Country })
		c.Limits = slices.Clone(c.Limits)
		if r.Remove {
			if at < 0 {
				return refuse("unknown-limit", "`tapsim bank limits ACCOUNT` lists them", "account %s has no such limit", a.ID)
			}
			c.Limits = slices.Delete(c.Limits, at, at+1)
			return nil
		}
		var err error
		if l.Amount, err = boundIn(r.Amount, a.Currency); err != nil {
			return err
		}
		switch {
		case at >= 0:
			c.Limits[at] = l
		case len(c.Limits) >= MaxLimits:
			return refuse("too-many-limits", "remove one first", "account %s has %d limits", a.ID, MaxLimits)
		default:
			c.Limits = append(c.Limits, l)
		}
		return nil
	})
}

func checkCategory(name string) error {
	if validCategory(name) {
		return nil
	}
	return refuse("unknown-category", "want four digits, or one of "+strings.Join(CategoryGroups(), ", "), "%q is not a category", name)
}

// boundIn reads an amount that may be zero.
func boundIn(text string, currency uint16) (int64, error) {
	c, ok := emv.CurrencyByNumeric(currency)
	if !ok {
		return 0, refuse("unknown-currency", "", "currency %03d is not in ISO 4217", currency)
	}
	v, err := c.Parse(text)
	if err != nil {
		return 0, refuse("invalid-amount", "", "%v", err)
	}
	return v, nil
}

// BudgetRequest sets a monthly budget, or removes it.
type BudgetRequest struct {
	Account     string `json:"account"`
	Category    string `json:"category,omitempty"`
	Amount      string `json:"amount,omitempty"`
	Remove      bool   `json:"remove,omitempty"`
	Idempotency string `json:"-"`
}

// SetBudget sets or removes a budget: passing four fifths of it, and all of it,
// is told in the inbox.
func (i *Issuer) SetBudget(ctx context.Context, r BudgetRequest) (LimitsState, error) {
	return i.changeControls(ctx, "budget", r.Account, r.Idempotency, r, func(c *Controls, a *Account) error {
		if err := checkCategory(r.Category); err != nil {
			return err
		}
		at := slices.IndexFunc(c.Budgets, func(b Budget) bool { return b.Category == r.Category })
		c.Budgets = slices.Clone(c.Budgets)
		if r.Remove {
			if at < 0 {
				return refuse("unknown-budget", "`tapsim bank limits ACCOUNT` lists them", "account %s has no such budget", a.ID)
			}
			c.Budgets = slices.Delete(c.Budgets, at, at+1)
			return nil
		}
		amount, err := amountIn(r.Amount, a.Currency)
		switch {
		case err != nil:
			return err
		case at >= 0:
			c.Budgets[at].Amount = amount
		case len(c.Budgets) >= MaxBudgets:
			return refuse("too-many-budgets", "remove one first", "account %s has %d budgets", a.ID, MaxBudgets)
		default:
			c.Budgets = append(c.Budgets, Budget{r.Category, amount})
		}
		return nil
	})
}

// ContactlessRequest sets how much a customer may pay contactless without
// verification, or goes back to the bank's bounds.
type ContactlessRequest struct {
	Account     string `json:"account"`
	Count       int    `json:"count,omitempty"`  // 0: no bound
	Amount      string `json:"amount,omitempty"` // "" or zero: no bound
	Remove      bool   `json:"remove,omitempty"`
	Idempotency string `json:"-"`
}

// SetContactless sets a customer's own bounds of contactless payments without
// verification.
func (i *Issuer) SetContactless(ctx context.Context, r ContactlessRequest) (LimitsState, error) {
	return i.changeControls(ctx, "contactless", r.Account, r.Idempotency, r, func(c *Controls, a *Account) error {
		if r.Count < 0 || r.Count > 1000 {
			return refuse("invalid-limit", "", "the number of payments is 0 to 1000")
		}
		own := Contactless{Count: r.Count}
		var err error
		if r.Amount != "" {
			own.Amount, err = boundIn(r.Amount, a.Currency)
		}
		if c.Contactless = &own; r.Remove {
			c.Contactless = nil
		}
		return err
	})
}

// changeControls changes limits or budgets of an account.
func (i *Issuer) changeControls(ctx context.Context, verb, account, key string, request any, f func(*Controls, *Account) error) (LimitsState, error) {
	_, err := change(ctx, i, verb, key, request, func(tx *Tx, at time.Time) (bool, error) {
		a, err := tx.customer(account)
		if err != nil {
			return false, err
		}
		c, _, err := tx.Controls(account)
		if err != nil {
			return false, err
		}
		c.Account = account
		c.roll(at)
		if err := f(&c, &a); err != nil {
			return false, err
		}
		tx.PutControls(c)
		return true, nil
	})
	if err != nil {
		return LimitsState{}, err
	}
	return i.Limits(ctx, account)
}

// Limits are an account's limits and budgets, with what is used of them.
func (i *Issuer) Limits(ctx context.Context, account string) (LimitsState, error) {
	a, err := i.findAccount(account)
	if err != nil {
		return LimitsState{}, err
	}
	c, _, err := i.store.Controls(account)
	if err != nil {
		return LimitsState{}, err
	}
	c.roll(i.now())
	out := LimitsState{Account: a.ID, Currency: alpha(a.Currency), Limits: []LimitState{}, Budgets: []BudgetState{}}
	for _, l := range c.Limits {
		used := int64(0)
		if l.Per != PerPayment {
			used = c.spent(l.Per, l.Category, l.Country)
		}
		out.Limits = append(out.Limits, LimitState{
			Per: l.Per.String(), Category: l.Category, Country: countryText(l.Country), Amount: plainAmount(l.Amount, a.Currency),
			Used: plainAmount(used, a.Currency), Remaining: plainAmount(max(0, l.Amount-used), a.Currency),
		})
	}
	for _, b := range c.Budgets {
		spent := c.spent(PerMonth, b.Category, 0)
		out.Budgets = append(out.Budgets, BudgetState{b.Category, plainAmount(b.Amount, a.Currency), plainAmount(spent, a.Currency), plainAmount(b.Amount-spent, a.Currency)})
	}
	out.Contactless, err = i.contactlessState(ctx, &a, &c)
	return out, err
}

func (i *Issuer) contactlessState(ctx context.Context, a *Account, c *Controls) (ContactlessState, error) {
	rules := i.contactlessRules(&payment{terms: terms{controls: *c, charge: charge{currency: a.Currency}}})
	out := ContactlessState{Count: rules.Count, Amount: plainAmount(rules.Amount, a.Currency), Own: c.Contactless != nil, Cards: []ContactlessUsage{}}
	cards, err := i.cardsOf(ctx, a.ID)
	for n := range cards {
		u, ok, err := i.store.Usage(cards[n].Index)
		if err != nil {
			return out, err
		}
		if ok {
			out.Cards = append(out.Cards, ContactlessUsage{cards[n].Masked, u.Unverified, plainAmount(u.UnverifiedAmount, a.Currency)})
		}
	}
	return out, err
}

// cardsOf are the cards of an account and the tokens behind which they stand.
func (i *Issuer) cardsOf(ctx context.Context, account string) ([]Instrument, error) {
	all, err := i.store.Instruments(ctx)
	cards := map[PANIndex]bool{}
	for n := range all {
		if all[n].Kind == Card && all[n].Account == account {
			cards[all[n].Index] = true
		}
	}
	var out []Instrument
	for n := range all {
		if cards[all[n].Index] || all[n].Kind == Token && cards[all[n].Card] {
			out = append(out, all[n])
		}
	}
	return out, err
}
