package issuer

import (
	"strings"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// diagnose searches what would have produced the cryptogram that came: the
// mistakes that cards and hosts make, another of the bank's keys, a value that
// another field of the message holds, or a byte that changed on the way. It
// runs only for a report and takes some ten milliseconds.
func (i *Issuer) diagnose(p *payment, right *proof, psn string) string {
	s := i.suspect(p, psn)
	s.Master, s.Method, s.Name, s.Recipe = right.set.AC, right.set.Method, right.set.Name, right.recipe
	if text, ok := fitting(s); ok {
		return text
	}
	return "No usual mistake, no other key set, no value from elsewhere in the message and no single changed byte explains it"
}

// unknownRecipe searches, when the issuer application data name no recipe or
// key set that the bank has, whether one byte of them changed on the way.
func (i *Issuer) unknownRecipe(p *payment, psn string) string {
	if text, ok := fitting(i.suspect(p, psn)); ok {
		return ". " + text
	}
	return ""
}

func fitting(s cryptogram.Suspect) (string, bool) {
	d, err := cryptogram.Diagnose(s)
	if err != nil || len(d.Deviations) == 0 {
		return "", false
	}
	return "It fits: " + strings.Join(d.Deviations, ", "), true
}

// suspect is what the message says, with all that the bank knows to try.
func (i *Issuer) suspect(p *payment, psn string) cryptogram.Suspect {
	s := cryptogram.Suspect{
		Scheme: p.scope.Scheme, PAN: string(p.pan), PSN: psn, Elements: p.chip.elements, Cryptogram: p.chip.cryptogram, Values: valuesOf(p),
	}
	for n := range i.config.KeySets {
		k := &i.config.KeySets[n]
		s.Others = append(s.Others, cryptogram.KeyCandidate{Name: k.Name, Scheme: k.Scheme, DKI: k.DKI, Master: k.AC, Method: k.Method})
	}
	return s
}

// valuesOf collects what the other fields of the message say about the elements
// of the cryptogram.
func valuesOf(p *payment) []cryptogram.Value {
	m := p.request
	out := []cryptogram.Value{
		{Tag: emv.TagAmount, Bytes: emv.AppendBCD(nil, uint64(p.amount), 6), Source: "the amount of field 4"},
		{Tag: emv.TagTransactionCurrency, Bytes: emv.AppendBCD(nil, uint64(p.currency), 2), Source: "the currency of field 49"},
	}
	digits := func(tag emv.Tag, text string, length int, source string) {
		if b, err := emv.AppendDigits(nil, text, length); err == nil && len(text) == 2*length {
			out = append(out, cryptogram.Value{Tag: tag, Bytes: b, Source: source})
		}
	}
	digits(emv.TagTransactionType, m.ProcessingCode[:2], 1, "the type of field 3")
	if m.AcquirerCountry != "" {
		digits(emv.TagTerminalCountry, "0"+m.AcquirerCountry, 2, "the country of field 19")
		digits(emv.TagTransactionCurrency, "0"+m.AcquirerCountry, 2, "the country of field 19")
	}
	digits(emv.TagTerminalCountry, "0"+m.Currency, 2, "the currency of field 49")
	if cash, ok, err := cashback(m); err == nil && ok {
		out = append(out, cryptogram.Value{Tag: emv.TagAmountOther, Bytes: emv.AppendBCD(nil, uint64(cash.amount), 6), Source: "the cashback of field 54"})
	}
	for _, d := range []struct{ text, source string }{{m.LocalDate, "the date of field 13"}, {m.TransmissionTime, "the date of field 7"}} {
		if at, ok := nearest(d.text, p.at); ok {
			digits(emv.TagTransactionDate, at.Format("060102"), 3, d.source)
		}
	}
	digits(emv.TagTransactionDate, p.at.Format("060102"), 3, "the bank's date")
	return out
}
