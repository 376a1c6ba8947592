package issuer

import (
	"fmt"
	"slices"
	"time"

	"tapsim/cryptogram"
)

// MaxRecentUses is how many cryptograms of one card the bank remembers to
// recognise a replay; older counters are refused for their age.
const MaxRecentUses = 16

// checkCounter applies the rules of the application transaction counter to a
// cryptogram that was right, and takes note of it. An advice reports what
// happened earlier, so its counter may be old, and it is only flagged. What a
// cryptogram that is wrong says about the counter is nobody's business: it
// changes nothing.
func (i *Issuer) checkCounter(tx *Tx, p *payment, record *Record, report *Report) error {
	if p.proof == nil {
		report.step("counter", Skipped, "no cryptogram that is right")
		return nil
	}
	usage, _, err := tx.Usage(p.index)
	if err != nil {
		return err
	}
	usage.Instrument = p.index
	atc, ac := p.chip.elements.ATC, p.chip.cryptogram
	at, seen := slices.BinarySearchFunc(usage.Recent, atc, func(u Use, atc uint16) int { return int(atc) - int(u.ATC) })
	if seen {
		return i.sameCounter(tx, p, usage, at, record, report)
	}
	if text := i.counterFault(usage.Recent, at, atc); text != "" {
		p.refuse(SecurityViolation)
		report.step("counter", Failed, text)
		if !p.advice {
			return nil
		}
	} else if report != nil {
		report.step("counter", OK, counterText(usage.Recent, atc))
	}
	recent := slices.Insert(slices.Clone(usage.Recent), at, Use{ATC: atc, Cryptogram: ac, Record: record.Seq})
	usage.Recent = recent[:min(len(recent), MaxRecentUses)]
	tx.PutUsage(usage)
	return i.countKeyUse(tx, p, report)
}

// counterFault says what is wrong with a counter that was not seen before and
// belongs at place at of the recent ones.
func (i *Issuer) counterFault(recent []Use, at int, atc uint16) string {
	if len(recent) == 0 {
		return ""
	}
	highest := recent[0].ATC
	rules := i.config.Counter
	switch {
	case at == 0 && int(atc-highest) > rules.MaxGap:
		return fmt.Sprintf("counter %d is %d above the highest seen, %d; at most %d are allowed", atc, atc-highest, highest, rules.MaxGap)
	case at > 0 && int(highest-atc) > rules.MaxBehind:
		return fmt.Sprintf("counter %d went back: the highest seen is %d; at most %d behind are allowed", atc, highest, rules.MaxBehind)
	}
	return ""
}

func counterText(recent []Use, atc uint16) string {
	if len(recent) == 0 {
		return fmt.Sprintf("counter %d, the first seen of this card", atc)
	}
	return fmt.Sprintf("counter %d, not seen before; the highest was %d", atc, recent[0].ATC)
}

// sameCounter judges a counter that was seen: the same cryptogram is a replay,
// another one means that two cards use one counter. Two cases are no replay. A
// cryptogram that was answered with "come again with a PIN" may come once
// more; and an advice may complete the authorisation of the same tap.
func (i *Issuer) sameCounter(tx *Tx, p *payment, usage Usage, at int, record *Record, report *Report) error {
	use := usage.Recent[at]
	switch {
	case use.Cryptogram != p.chip.cryptogram:
		p.refuse(SecurityViolation)
		if report != nil {
			report.step("counter", Failed, fmt.Sprintf("counter %d came before with another cryptogram: two cards share it, or the card was reset", use.ATC))
		}
	case use.Soft && !p.advice:
		report.step("counter", OK, "the same cryptogram again, as the bank asked for")
		usage.Recent = slices.Clone(usage.Recent)
		usage.Recent[at].Soft, usage.Recent[at].Record = false, record.Seq
		tx.PutUsage(usage)
	case p.advice:
		p.sibling = use.Record
		report.step("counter", OK, "an advice about a cryptogram that came before")
	default:
		p.refuse(SecurityViolation)
		if report != nil {
			report.step("counter", Failed, fmt.Sprintf("replay: this cryptogram with counter %d came before, in another message", use.ATC))
		}
	}
	return nil
}

// allowOnceMore marks the cryptogram of a payment that was answered with a
// code that asks for it again.
func allowOnceMore(tx *Tx, p *payment, record *Record) error {
	usage, _, err := tx.Usage(p.index)
	if err != nil {
		return err
	}
	for n := range usage.Recent {
		if usage.Recent[n].Record == record.Seq {
			usage.Recent = slices.Clone(usage.Recent)
			usage.Recent[n].Soft = true
			tx.PutUsage(usage)
			return nil
		}
	}
	return nil
}

// countKeyUse checks and counts the limited-use key of a new cryptogram.
func (i *Issuer) countKeyUse(tx *Tx, p *payment, report *Report) error {
	if !p.proof.limited() {
		return nil
	}
	index := p.proof.index
	key, ok, err := tx.Key(p.index, index)
	if err != nil {
		return err
	}
	if !ok {
		if key, ok = i.unissued(p, index); !ok {
			p.refuse(SecurityViolation)
			if report != nil {
				report.step("limited-use key", Failed, "key index "+index.String()+" was never handed out for this token")
			}
			return nil
		}
	}
	key.Used++
	tx.PutKey(key)
	switch {
	case key.Withdrawn:
		p.refuse(SecurityViolation)
		report.step("limited-use key", Failed, "the key was withdrawn")
	case p.at.After(key.NotAfter):
		p.refuse(SecurityViolation)
		if report != nil {
			report.step("limited-use key", Failed, fmt.Sprintf("key %s ended on %s", index, key.NotAfter.Format(time.RFC3339)))
		}
	case key.Used > key.Uses:
		p.refuse(SecurityViolation)
		if report != nil {
			report.step("limited-use key", Failed, fmt.Sprintf("key %s is used up: cryptogram %d of %d", index, key.Used, key.Uses))
		}
	case report != nil:
		report.step("limited-use key", OK, fmt.Sprintf("key %s, cryptogram %d of %d, good until %s", index, key.Used, key.Uses, key.NotAfter.Format(time.RFC3339)))
	}
	return nil
}

// clockSkew is how far ahead the clock of another token service may be.
const clockSkew = 24 * time.Hour

// unissued makes the row of a key that another token service handed out, when
// the configuration takes those and the index is not of the future.
func (i *Issuer) unissued(p *payment, index cryptogram.KeyIndex) (IssuedKey, bool) {
	rules := i.config.LimitedUse
	issued := keyTime(index, p.at)
	if !rules.AcceptUnissued || issued.After(p.at.Add(clockSkew)) {
		return IssuedKey{}, false
	}
	return IssuedKey{Token: p.index, Index: index, Issued: issued, NotAfter: issued.Add(rules.Lifetime), Uses: rules.Uses}, true
}

// keyTime is the hour that a key index names, in the year with that last digit
// that is closest to now.
func keyTime(index cryptogram.KeyIndex, now time.Time) time.Time {
	year := now.Year() - now.Year()%10 + index.Year
	switch {
	case year-now.Year() > 5:
		year -= 10
	case now.Year()-year > 5:
		year += 10
	}
	return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(index.Hour-1) * time.Hour)
}

// keyIndexAt is the index of the counter-th key handed out in the hour of now.
func keyIndexAt(now time.Time, counter int) cryptogram.KeyIndex {
	now = now.UTC()
	return cryptogram.KeyIndex{Year: now.Year() % 10, Hour: (now.YearDay()-1)*24 + now.Hour() + 1, Counter: counter}
}
