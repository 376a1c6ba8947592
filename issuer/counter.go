package issuer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/provisioning"
)

// Bounds of a Usage.
const (
	MaxRecentUses  = 16 // cryptograms that are remembered whole
	MaxOlderRanges = 64 // beyond, the narrowest gaps between ranges count as seen
)

// remember takes note of a use that was not seen and belongs at place at of the
// recent ones.
func (u *Usage) remember(at int, use Use) {
	recent := slices.Insert(slices.Clone(u.Recent), at, use)
	for _, old := range recent[min(len(recent), MaxRecentUses):] {
		u.addOlder(old.ATC)
	}
	u.Recent = recent[:min(len(recent), MaxRecentUses)]
}

// highest is the highest counter seen, 0 when none was.
func (u *Usage) highest() uint16 {
	if len(u.Recent) == 0 {
		return 0
	}
	return u.Recent[0].ATC
}

// place is the index of the first range that does not end below the counter.
func (u *Usage) place(atc uint16) int {
	at, _ := slices.BinarySearchFunc(u.Older, atc, func(r CounterRange, atc uint16) int { return int(r.To) - int(atc) })
	return at
}

// isOlder is true for a counter that was seen before the recent ones.
func (u *Usage) isOlder(atc uint16) bool {
	at := u.place(atc)
	return at < len(u.Older) && u.Older[at].From <= atc
}

// addOlder adds one counter to the ranges and joins those that touch.
func (u *Usage) addOlder(atc uint16) {
	at := u.place(atc)
	older := slices.Insert(slices.Clone(u.Older), at, CounterRange{atc, atc})
	if at+1 < len(older) && int(older[at+1].From) <= int(atc)+1 {
		older = join(older, at)
	}
	if at > 0 && int(older[at-1].To)+1 >= int(atc) {
		older = join(older, at-1)
	}
	if len(older) > MaxOlderRanges {
		narrowest := 0
		for n := range older[:len(older)-1] {
			if older[n+1].From-older[n].To < older[narrowest+1].From-older[narrowest].To {
				narrowest = n
			}
		}
		older = join(older, narrowest)
	}
	u.Older = older
}

// join makes one range of the ranges at n and n+1.
func join(ranges []CounterRange, n int) []CounterRange {
	ranges[n].To = max(ranges[n].To, ranges[n+1].To)
	ranges[n].From = min(ranges[n].From, ranges[n+1].From)
	return slices.Delete(ranges, n+1, n+2)
}

// checkCounter applies the rules of the application transaction counter to a
// cryptogram that was right, and takes note of it. A jump beyond the window is
// declined once: the card did make that many cryptograms, most likely at taps
// that never got here, and would be dead if the bank did not take note. Its
// cryptogram counts as seen, as that of any refused request does, so it never pays.
// An advice reports what happened earlier, so its counter may be old, and it is only
// flagged. What a cryptogram that is wrong says about the counter is nobody's
// business: it changes nothing.
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
	if usage.isOlder(atc) {
		p.refuse(SecurityViolation)
		p.stale, p.replayed = true, true
		report.step("counter", Failed, "this counter came before, long ago")
		return nil
	}
	if at == 0 && len(usage.Recent) > 0 {
		p.gap = int(atc - usage.Recent[0].ATC)
	}
	text := i.counterFault(usage.Recent, at, atc)
	if text != "" && at == 0 { // keys that ended unused take their counters along
		if handed, err := handedCounter(tx, p); err != nil {
			return err
		} else if handed {
			text = ""
		}
	}
	if text != "" {
		jump := at == 0 && !p.advice && (p.code == "" || p.code.soft())
		if jump {
			record.Flagged = true
			text += "; nothing else is wrong, so it is noted and the next payment goes on from here"
		}
		p.refuse(SecurityViolation)
		report.step("counter", Failed, text)
		if at == 0 && !jump { // only a request that is right raises the counter, but no advice may collect this one again
			usage.addOlder(atc)
			tx.PutUsage(usage)
			return i.countKeyUse(tx, p, report)
		}
	} else if report != nil {
		report.step("counter", OK, counterText(usage.Recent, atc))
	}
	usage.remember(at, Use{ATC: atc, Cryptogram: ac, Record: record.Seq})
	tx.PutUsage(usage)
	return i.countKeyUse(tx, p, report)
}

// handedCounter is true when the bank handed out a single-use key for the
// payment's very counter, which is then no surprise however far it jumped.
func handedCounter(tx *Tx, p *payment) (bool, error) {
	index, _, ok := p.handedOut()
	if !ok || p.proof.limited() {
		return false, nil
	}
	_, ok, err := tx.Key(p.index, index)
	return ok, err
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
		return fmt.Sprintf("counter %d is %d above the highest seen, %d; at most %d are allowed at once", atc, atc-highest, highest, rules.MaxGap)
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

// sameCounter judges a counter that was seen, first at place at of the recent
// ones: the same cryptogram is a replay, another one means that two cards use
// one counter. Two cases are no replay. A cryptogram that was answered with
// "come again with a PIN" may come once more; and an advice may complete the
// authorisation of the same tap.
func (i *Issuer) sameCounter(tx *Tx, p *payment, usage Usage, at int, record *Record, report *Report) error {
	use, known := usage.find(at, p.chip.cryptogram)
	switch {
	case !known:
		return i.otherCryptogram(tx, p, usage, at, record, report)
	case use.Soft && !p.advice:
		return i.secondUse(tx, p, use, record, report)
	case p.advice:
		p.sibling = use.Record
		report.step("counter", OK, "an advice about a cryptogram that came before")
	default:
		p.refuse(SecurityViolation)
		p.replayed = true
		if report != nil {
			report.step("counter", Failed, fmt.Sprintf("replay: this cryptogram with counter %d came before, in another message", use.ATC))
		}
	}
	return nil
}

// find looks for a cryptogram among the uses of one counter, which stand
// together from place at.
func (u *Usage) find(at int, ac cryptogram.Cryptogram) (Use, bool) {
	for _, use := range u.Recent[at:] {
		if use.ATC != u.Recent[at].ATC {
			break
		}
		if use.Cryptogram == ac {
			return use, true
		}
	}
	return Use{}, false
}

// otherCryptogram refuses a counter that came with another cryptogram, and keeps
// this one beside it: of an advice the money moves all the same, once. When one
// of the counter's cryptograms has left the recent ones, nobody can tell any
// more whether it was this one.
func (i *Issuer) otherCryptogram(tx *Tx, p *payment, usage Usage, at int, record *Record, report *Report) error {
	atc := p.chip.elements.ATC
	p.refuse(SecurityViolation)
	p.replayed = true
	if report != nil {
		report.step("counter", Failed, fmt.Sprintf("counter %d came before with another cryptogram: two cards share it, or the card was reset", atc))
	}
	if p.stale = usage.isOlder(atc); p.stale {
		return nil
	}
	usage.remember(at, Use{ATC: atc, Cryptogram: p.chip.cryptogram, Record: record.Seq})
	tx.PutUsage(usage)
	return i.countKeyUse(tx, p, report)
}

// secondUse judges a cryptogram that comes again after "come again with a PIN".
// It must come soon and bring what was asked for.
func (i *Issuer) secondUse(tx *Tx, p *payment, use Use, record *Record, report *Report) error {
	first, found, err := tx.RecordBySequence(use.Record)
	if err != nil {
		return err
	}
	rules := &i.config.SecondUse
	switch {
	case !found || rules.Within == 0 || p.at.Sub(first.Time) > rules.Within:
		p.refuse(SecurityViolation)
		if report != nil {
			report.step("counter", Failed, fmt.Sprintf("the same cryptogram again, %s after the bank asked for a PIN; at most %s are allowed", p.at.Sub(first.Time), rules.Within))
		}
	case p.request.PINBlock == nil && !rules.WithoutPIN:
		p.refuse(SecurityViolation)
		report.step("counter", Failed, "the same cryptogram again, but without the PIN that the bank asked for (field 52)")
	default:
		report.step("counter", OK, "the same cryptogram again, as the bank asked for")
		return changeUse(tx, p, func(u *Use) { u.Soft, u.Record = false, record.Seq })
	}
	return nil
}

// changeUse changes what is remembered of a payment's cryptogram, if it is.
func changeUse(tx *Tx, p *payment, change func(*Use)) error {
	if p.proof == nil {
		return nil
	}
	usage, _, err := tx.Usage(p.index)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(usage.Recent, func(u Use) bool {
		return u.ATC == p.chip.elements.ATC && u.Cryptogram == p.chip.cryptogram
	})
	if at < 0 {
		return nil
	}
	usage.Recent = slices.Clone(usage.Recent)
	change(&usage.Recent[at])
	tx.PutUsage(usage)
	return nil
}

// cutAt makes a counter the highest seen: what was seen above it is forgotten.
func (u *Usage) cutAt(highest uint16) {
	u.Recent = slices.DeleteFunc(slices.Clone(u.Recent), func(use Use) bool { return use.ATC > highest })
	u.Older = slices.DeleteFunc(slices.Clone(u.Older), func(r CounterRange) bool { return r.From > highest })
	if last := len(u.Older) - 1; last >= 0 {
		u.Older[last].To = min(u.Older[last].To, highest)
	}
	if highest > 0 && (len(u.Recent) == 0 || u.Recent[0].ATC != highest) {
		u.remember(0, Use{ATC: highest})
	}
}

// SetCounter makes a transaction counter the highest that the bank has seen of
// a card or token, for an operator who knows better: after a jump that was
// refused (the counter before the next one), or for a card that starts again
// (0). Counters above it count as not seen, so cryptograms with them could come
// once more.
func (i *Issuer) SetCounter(ctx context.Context, pan emv.PAN, highest uint16) error {
	index := i.store.IndexPAN(pan)
	return i.store.Update(ctx, nil, func(tx *Tx) error {
		if _, ok, err := tx.Instrument(index); err != nil || !ok {
			return errorOr(err, "issuer: there is no card or token %s", pan.Masked())
		}
		usage, _, err := tx.Usage(index)
		if err != nil {
			return err
		}
		usage.Instrument = index
		usage.cutAt(highest)
		tx.PutUsage(usage)
		return nil
	})
}

// handedOut is the key that a token service must have handed out for the
// cryptogram: its index in the store and its name; false when the card holds a
// key of its own, as far as the bank can see.
func (p *payment) handedOut() (index [4]byte, name string, ok bool) {
	if p.proof.limited() {
		return p.proof.index.BCD(), p.proof.index.String(), true
	}
	_, ahead := p.proof.recipe.SingleUse()
	if p.scope.Kind != Token || !ahead || keyKind(p.scope.Scheme) != provisioning.SingleUseKeys {
		return index, "", false
	}
	atc := p.chip.elements.ATC
	return counterIndex(atc), fmt.Sprintf("of counter %d", atc), true
}

// countKeyUse checks and counts the limited-use or single-use key of a new
// cryptogram.
func (i *Issuer) countKeyUse(tx *Tx, p *payment, report *Report) error {
	index, name, ok := p.handedOut()
	if !ok {
		return nil
	}
	key, ok, err := tx.Key(p.index, index)
	if err != nil {
		return err
	}
	if !ok {
		if key, ok = i.unissued(p, index); !ok {
			p.refuse(SecurityViolation)
			if report != nil {
				report.step("limited-use key", Failed, "key "+name+" was never handed out for this token")
			}
			return nil
		}
	}
	key.Used++
	key.Spent += p.amount
	tx.PutKey(key)
	switch {
	case key.Withdrawn:
		p.refuse(SecurityViolation)
		report.step("limited-use key", Failed, "the key was withdrawn")
	case p.at.After(key.NotAfter):
		p.refuse(SecurityViolation)
		if report != nil {
			report.step("limited-use key", Failed, fmt.Sprintf("key %s ended on %s", name, key.NotAfter.Format(time.RFC3339)))
		}
	case key.Used > key.Uses:
		p.refuse(SecurityViolation)
		if report != nil {
			report.step("limited-use key", Failed, fmt.Sprintf("key %s is used up: cryptogram %d of %d", name, key.Used, key.Uses))
		}
	case key.Amount != 0 && key.Spent > key.Amount:
		p.refuse(SecurityViolation)
		if report != nil {
			report.step("limited-use key", Failed, fmt.Sprintf("key %s is used up: its payments add up to %s, at most %s", name, money(key.Spent, p.currency), money(key.Amount, p.currency)))
		}
	case report != nil:
		report.step("limited-use key", OK, fmt.Sprintf("key %s, cryptogram %d of %d, good until %s", name, key.Used, key.Uses, key.NotAfter.Format(time.RFC3339)))
	}
	return nil
}

// clockSkew is how far ahead the clock of another token service may be.
const clockSkew = 24 * time.Hour

// unissued makes the row of a key that another token service handed out, when
// the configuration takes those and the index is not of the future. A
// single-use key does not show when it was handed out. A token on a phone has all
// its keys from here.
func (i *Issuer) unissued(p *payment, index [4]byte) (IssuedKey, bool) {
	rules := i.config.LimitedUse
	issued, uses := p.at, 1
	if p.proof.limited() {
		issued, uses = keyTime(p.proof.index, p.at), rules.Uses
	}
	if !rules.AcceptUnissued || p.instrument.Bound || issued.After(p.at.Add(clockSkew)) {
		return IssuedKey{}, false
	}
	return IssuedKey{Token: p.index, Index: index, Issued: issued, NotAfter: issued.Add(rules.Lifetime), Uses: uses}, true
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
