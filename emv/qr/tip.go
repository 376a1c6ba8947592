package qr

import (
	"fmt"
	"strconv"
	"strings"

	"tapsim/emv"
)

// TipKind says what comes on top of the amount, ID 55.
type TipKind byte

// Kinds of tips. Zero is none.
const (
	TipAsk     TipKind = 1 // the phone asks the payer for a tip
	TipFixed   TipKind = 2 // a fixed convenience fee
	TipPercent TipKind = 3 // a convenience fee in per cent of the amount
)

// Tip is what comes on top of the amount, IDs 55 to 57.
type Tip struct {
	Kind    TipKind
	Fixed   int64 // of TipFixed, in minor units
	Percent int64 // of TipPercent, in hundredths of a per cent, 1 to 9999
}

// tip reads the IDs 55 to 57: a fee must be there exactly when 55 names it
// (EMV QR, merchant-presented mode).
func (p *merchantParser) tip(end int) (err error) {
	t := &p.m.Tip
	indicator, told := p.amounts[idTip]
	if told {
		v, _ := strconv.Atoi(indicator.value)
		if t.Kind = TipKind(v); t.Kind < TipAsk || t.Kind > TipPercent {
			return indicator.fail("01 asks for a tip, 02 is a fixed fee, 03 a percentage", "tip or convenience indicator %s", indicator.value)
		}
	}
	for _, kind := range []TipKind{TipFixed, TipPercent} {
		id := idTip + ID(kind) - 1 // 56 and 57
		switch n, there := p.amounts[id]; {
		case there && t.Kind != kind:
			return n.fail("ID 55 must be "+ID(kind).String(), "a fee that the tip or convenience indicator does not name")
		case !there && t.Kind == kind:
			return missing(id, rootField(id), end)
		case there && kind == TipFixed:
			t.Fixed, err = parseAmount(n, p.m.Currency)
		case there:
			t.Percent, err = parsePercent(n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parsePercent reads a percentage from 0.01 to 99.99.
func parsePercent(n node) (int64, error) {
	whole, fraction, _ := strings.Cut(n.value, ".")
	if whole != "" && len(whole) <= 2 && len(fraction) <= 2 && digits(whole+fraction) {
		v, _ := strconv.ParseInt(whole+(fraction + "00")[:2], 10, 64)
		if v > 0 {
			return v, nil
		}
	}
	return 0, n.fail("from 00.01 to 99.99, without a sign", "no percentage")
}

func (t Tip) write(w *writer, c emv.Currency) {
	if t.Kind == 0 {
		return
	}
	w.add(idTip, ID(t.Kind).String())
	switch t.Kind {
	case TipFixed:
		w.add(idFixedFee, c.Format(t.Fixed))
	case TipPercent:
		w.add(idPercentFee, percent(t.Percent))
	}
}

// percent is hundredths of a per cent as the code writes them, in the shortest
// form.
func percent(v int64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%02d", v/100, v%100), "0"), ".")
}

// WithAmount is the code with the amount that the payer typed, in minor units.
// A code that has its amount, and an amount that is not from 1 to 999999999999,
// are errors.
func (m Merchant) WithAmount(minor int64) (Merchant, error) {
	switch {
	case m.Amount != nil:
		return m, fmt.Errorf("the QR code has its amount, %s %s: it cannot be changed", m.Currency.Format(*m.Amount), m.Currency.Alpha)
	case minor <= 0 || minor > emv.MaxAmount:
		return m, fmt.Errorf("amount %s: want more than zero and at most 12 digits", m.Currency.Format(minor))
	}
	m.Amount = &minor
	return m, nil
}

// Due is what a payer pays, in minor units.
type Due struct{ Amount, Tip, Total int64 }

// Due adds the tip: the one that the payer gives, which only a code takes that
// asks for it, or the fee that the code names. A percentage is rounded to the
// nearest minor unit, halves up: the specification leaves it open. An amount
// that is missing, a negative tip and a total beyond 12 digits are errors.
func (m Merchant) Due(tip int64) (Due, error) {
	switch {
	case m.Amount == nil:
		return Due{}, fmt.Errorf("the QR code has no amount: the payer types it")
	case tip < 0:
		return Due{}, fmt.Errorf("tip %s: want no less than zero", m.Currency.Format(tip))
	case tip > 0 && m.Tip.Kind != TipAsk:
		return Due{}, fmt.Errorf("tip %s: the QR code does not ask for one", m.Currency.Format(tip))
	}
	d := Due{Amount: *m.Amount, Tip: tip}
	switch m.Tip.Kind {
	case TipFixed:
		d.Tip = m.Tip.Fixed
	case TipPercent:
		d.Tip = (d.Amount*m.Tip.Percent + 5000) / 10000
	}
	if d.Amount > emv.MaxAmount || d.Tip > emv.MaxAmount-d.Amount {
		return Due{}, fmt.Errorf("amount and tip have more than the 12 digits that an amount field holds")
	}
	d.Total = d.Amount + d.Tip
	return d, nil
}
