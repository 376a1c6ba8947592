package issuer

import (
	"fmt"
	"strconv"
	"time"

	"tapsim/emv"
	"tapsim/iso8583"
)

// contradiction is a pair of fields that do not agree.
type contradiction struct {
	code  Code // "" is none
	text  string
	cause Cause
}

func contradicts(format string, args ...any) contradiction {
	return contradiction{SecurityViolation, fmt.Sprintf(format, args...), CauseContradiction}
}

// checkConsistency compares what the message says twice.
func (i *Issuer) checkConsistency(p *payment, report *Report) {
	c := i.contradictionOf(p)
	if c.code == "" {
		report.step("consistency", OK, "account number, expiry, type, amounts, currency and date agree wherever they stand")
		return
	}
	p.refuse(c.code)
	report.because("consistency", Failed, c.cause, c.text)
}

// Checks of field 55 against the rest, of a tap and of a code.
var (
	tapChecks  = [...]func(*Config, *payment, *chip) contradiction{accountContradiction, typeContradiction, amountContradiction, dateContradiction}
	codeChecks = [...]func(*Config, *payment, *chip) contradiction{accountContradiction, codeContradiction}
)

func (i *Issuer) contradictionOf(p *payment) contradiction {
	m := p.request
	if m.Expiry != "" {
		p.expiry, p.expiryOf = m.Expiry, "field 14"
	}
	if m.Track2 != "" {
		t, ok := trackOf(m.Track2)
		if !ok {
			return contradiction{FormatError, "field 35 is no track 2", CauseContradiction}
		}
		if c := p.track("field 35", t); c.code != "" {
			return c
		}
	}
	if p.chip != nil {
		checks := tapChecks[:]
		if p.chip.code {
			checks = codeChecks[:]
		}
		for _, check := range checks {
			if c := check(i.config, p, p.chip); c.code != "" {
				return c
			}
		}
	}
	if p.instrument.PSN != "" && p.sequence() != p.instrument.PSN {
		return contradiction{NoSuchCard, fmt.Sprintf("there is no card with PAN sequence number %s", p.sequence()), CauseContradiction}
	}
	return contradiction{}
}

// track compares track 2 data with the rest of the message and with the card.
func (p *payment) track(where string, t emv.Track2) contradiction {
	switch {
	case t.PAN != p.pan:
		return contradicts("field 2 and %s name different account numbers", where)
	case p.expiry != "" && t.Expiry != p.expiry:
		return contradicts("%s and %s name different expiry dates", p.expiryOf, where)
	case p.instrument.ServiceCode != "" && t.ServiceCode != p.instrument.ServiceCode:
		return contradicts("%s does not have the service code that the bank gave this %s", where, p.instrument.Kind)
	}
	if p.expiry == "" {
		p.expiry, p.expiryOf = t.Expiry, where
	}
	return contradiction{}
}

// entryModesOfChip are the values of field 22 that chip data may come with: not
// said, contact, contactless, chip with an unreliable verification value.
// The last two are an optical code and electronic commerce, with a token's
// cryptogram.
var entryModesOfChip = map[string]bool{"00": true, "05": true, "07": true, "95": true, entryCode: true, entryCommerce: true}

// accountContradiction: whose card it is, and how it was read.
func accountContradiction(_ *Config, p *payment, c *chip) contradiction {
	m := p.request
	if m.EntryMode != "" && !entryModesOfChip[m.EntryMode[:2]] {
		return contradicts("field 22 says that no chip was read (%s), but field 55 holds its cryptogram", m.EntryMode)
	}
	if c.has&hasPAN != 0 {
		if pan, err := emv.Digits(c.pan); err != nil || pan != string(p.pan) {
			return contradicts("field 2 and 5A name different account numbers")
		}
	}
	if c.has&hasTrack2 != 0 {
		t, err := emv.ParseTrack2(c.track2)
		if err != nil {
			return contradicts("57 in field 55 is no track 2")
		}
		if bad := p.track("57", t); bad.code != "" {
			return bad
		}
	}
	if c.has&hasPSN != 0 && m.PANSequence != "" && "0"+c.sequence() != m.PANSequence {
		return contradicts("field 23 and 5F34 name different sequence numbers")
	}
	if c.has&hasAID != 0 && p.scope != nil {
		if s := emv.SchemeOf(c.aid); s != emv.SchemeUnknown && s != p.scope.Scheme {
			return contradicts("84 names an application of %s, the account number is of %s", s, p.scope.Scheme)
		}
	}
	return contradiction{}
}

// typeCashback is the transaction type of a purchase with cashback.
const typeCashback = "09"

// typeContradiction: 9C is the first two digits of field 3 (EMV Book 3, Annex
// A). Cash is written 01 by some and 17 by others. Cash besides goods (9F03)
// comes with a purchase with cashback and with no other type.
func typeContradiction(_ *Config, p *payment, c *chip) contradiction {
	code, told := p.request.ProcessingCode[:2], c.elements.Type
	said := (code[0]-'0')<<4 | (code[1] - '0')
	if said != told && !(isCash(said) && isCash(told)) {
		return contradicts("field 3 asks for transaction type %s, the card was told 9C %02X", code, told)
	}
	if c.elements.AmountOther != [6]byte{} && code != typeCashback {
		return contradicts("the card was told an amount of cash, 9F03 %X, but type %s is no purchase with cashback", c.elements.AmountOther, code)
	}
	return contradiction{}
}

func isCash(kind byte) bool { return kind == 0x01 || kind == 0x17 }

// amountContradiction: field 4 is 9F02, which includes 9F03; field 54 repeats
// 9F03; field 49 is 5F2A. An advice may be about another amount than the card
// saw, such as one with a tip.
func amountContradiction(_ *Config, p *payment, c *chip) contradiction {
	amount, err := emv.BCD(c.elements.Amount[:])
	if !p.advice && (err != nil || int64(amount) != p.amount) {
		return contradicts("field 4 asks for %s, the card was told 9F02 %X", money(p.amount, p.currency), c.elements.Amount)
	}
	other, err := emv.BCD(c.elements.AmountOther[:])
	if err != nil || other > amount {
		return contradicts("of 9F02 %X no 9F03 %X can be cash", c.elements.Amount, c.elements.AmountOther)
	}
	if currency, err := emv.BCD(c.elements.Currency[:]); err != nil || uint16(currency) != p.currency {
		return contradicts("field 49 is currency %03d, the card was told 5F2A %X", p.currency, c.elements.Currency)
	}
	switch paid, sent, _ := cashback(p.request); {
	case !sent:
	case c.has&hasAmountOther != 0 && paid.amount != int64(other):
		return contradicts("field 54 pays out %s in cash, the card was told 9F03 %X", money(paid.amount, p.currency), c.elements.AmountOther)
	case paid.currency != p.request.Currency:
		return contradicts("field 54 pays out cash in currency %s, field 49 is %s", paid.currency, p.request.Currency)
	}
	return contradiction{}
}

// dateContradiction: a request is about now, so 9A is near field 13 and near the
// bank's clock. An advice may be late.
func dateContradiction(config *Config, p *payment, c *chip) contradiction {
	most := config.Limits.MaxDays
	if most == 0 || p.advice {
		return contradiction{}
	}
	digits, err := emv.BCD(c.elements.Date[:])
	told, ok := day(2000+int(digits/10000), int(digits/100%100), int(digits%100))
	if err != nil || !ok {
		return contradicts("9A %X is no date", c.elements.Date)
	}
	if at, ok := nearest(p.request.LocalDate, p.at); ok && daysApart(told, at) > most {
		return contradicts("field 13 is %s, the card was told 9A %X; at most %d days may be between them", p.request.LocalDate, c.elements.Date, most)
	}
	if daysApart(told, p.at.Truncate(24*time.Hour)) > most {
		return contradicts("the bank's clock says %s, the card was told 9A %X; at most %d days may be between them",
			p.at.Format("2006-01-02"), c.elements.Date, most)
	}
	return contradiction{}
}

func daysApart(a, b time.Time) int { return int(a.Sub(b).Abs() / (24 * time.Hour)) }

// day is a day of the calendar; false when there is no such day.
func day(year, month, dayOfMonth int) (time.Time, bool) {
	t := time.Date(year, time.Month(month), dayOfMonth, 0, 0, 0, 0, time.UTC)
	return t, int(t.Month()) == month && t.Day() == dayOfMonth
}

// nearest is the day MMDD at the start of a text, in the year that brings it
// closest to now.
func nearest(mmdd string, now time.Time) (time.Time, bool) {
	if len(mmdd) < 4 || !digitsOnly(mmdd[:4]) {
		return time.Time{}, false
	}
	return day(yearOf(mmdd, now), int(mmdd[0]-'0')*10+int(mmdd[1]-'0'), int(mmdd[2]-'0')*10+int(mmdd[3]-'0'))
}

// cash is what is paid out besides goods.
type cash struct {
	amount   int64
	currency string
}

// cashEntry is the length of one amount in field 54: account type 2, amount type
// 2, currency 3, sign 1, amount 12.
const cashEntry = 20

// cashback finds amount type 40 in field 54. An error is a *formatFault.
func cashback(m *iso8583.Message) (c cash, ok bool, err error) {
	list := m.AdditionalAmounts
	if len(list)%cashEntry != 0 {
		return c, false, fault(54, "does not consist of amounts of 20 characters")
	}
	for ; list != ""; list = list[cashEntry:] {
		if list[2:4] != "40" {
			continue
		}
		sign, digits := list[7], list[8:cashEntry]
		if ok || sign != 'C' && sign != 'D' || !digitsOnly(list[4:7]) || !digitsOnly(digits) {
			return c, false, fault(54, "has amount type 40 (cashback) twice, or not as currency, C or D, and 12 digits")
		}
		amount, _ := strconv.ParseInt(digits, 10, 64)
		c, ok = cash{amount, list[4:7]}, true
	}
	return c, ok, nil
}
