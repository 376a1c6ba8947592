package transcript

import (
	"bytes"
	"slices"

	"tapsim/apdu"
	"tapsim/emv"
)

// Substitutes lets values differ in a replay that differ from one transaction
// to the next: unpredictable numbers, date, time, amount, counters, and what is
// computed of them. Anything else that differs is a mismatch all the same.
// Nil lets nothing differ.
type Substitutes struct {
	// Recompute, when not nil, is the card of the recording made again. It sees
	// all commands, and what it computes takes the place of the recorded values
	// once a command was not the recorded one.
	Recompute apdu.Responder

	list    []Substitution
	changed bool // a command was not the recorded one
}

// Substitution is a value that was let differ.
type Substitution struct {
	Exchange int    `json:"exchange,omitempty"` // from 1; 0 for the whole session
	Side     string `json:"side"`               // command, answer or session
	Element  string `json:"element"`            // 9F37 Unpredictable number
	Recorded string `json:"recorded"`           // masked where it is sensitive
	Used     string `json:"used"`
	How      string `json:"how"` // differs, recomputed, taken from the recording
}

// maxSubstitutions bounds the list.
const maxSubstitutions = 10_000

// List is what was let differ so far.
func (s *Substitutes) List() []Substitution {
	if s == nil {
		return nil
	}
	return slices.Clone(s.list)
}

// Add notes a substitution that was made elsewhere.
func (s *Substitutes) Add(x Substitution) {
	if s != nil && len(s.list) < maxSubstitutions {
		s.list = append(s.list, x)
	}
}

// inCommands and inAnswers are the tags that may differ.
var (
	inCommands = []emv.Tag{emv.TagUnpredictableNumber, emv.TagNumericUN, emv.TagTransactionDate, emv.TagTransactionTime, emv.TagAmount,
		emv.TagAmountOther, emv.TagSequenceCounter, tagTerminalEntropy, tagDynamicNumber}
	inAnswers = []emv.Tag{emv.TagATC, emv.TagCryptogram, emv.TagSDAD, tagDynamicNumber, emv.TagCardAuthData, emv.TagCVC3Track1, emv.TagCVC3Track2,
		emv.TagIAD, tagDeviceEntropy}
)

// tagDynamicNumber is the ICC dynamic number, which a terminal hands back.
const tagDynamicNumber emv.Tag = 0x9F4C

// command says whether a command may take the place of the recorded one of
// exchange n, counted from 0.
func (s *Substitutes) command(t *Transcript, n int, got []byte) bool {
	if s == nil {
		return false
	}
	differences := differencesAt(t, n, got, true)
	if !all(differences, inCommands) {
		return false
	}
	s.changed = true
	s.note(differences, "differs")
	return true
}

// answer says whether an answer may take the place of the recorded one.
func (s *Substitutes) answer(t *Transcript, n int, got []byte) bool {
	if s == nil {
		return false
	}
	differences := differencesAt(t, n, got, false)
	if !all(differences, inAnswers) {
		return false
	}
	s.note(differences, "differs")
	return true
}

// recompute is the recorded answer of exchange n with what the card computes
// for the command that really came.
func (s *Substitutes) recompute(t *Transcript, n int, command, recorded []byte) []byte {
	if s == nil || s.Recompute == nil {
		return recorded
	}
	fresh := s.Recompute.Respond(bytes.Clone(command))
	if !s.changed || len(fresh) != len(recorded) {
		return recorded
	}
	differences := differencesAt(t, n, fresh, false)
	if len(differences) == 0 || !all(differences, inAnswers) {
		return recorded
	}
	s.note(differences, "recomputed")
	return fresh
}

func (s *Substitutes) note(differences []Difference, how string) {
	for _, d := range differences {
		s.Add(Substitution{Exchange: d.A, Side: d.Side, Element: d.Element, Recorded: d.ValueA, Used: d.ValueB, How: how})
	}
}

// differencesAt compares a message with the recorded one in its place.
func differencesAt(t *Transcript, n int, got []byte, command bool) []Difference {
	other := clone(t)
	at := -1
	for i, l := range other.Lines {
		if l.Kind == Command || l.Kind == AnyCommand {
			at++
		}
		if at == n && (command && l.Kind == Command || !command && l.Kind == Response) {
			other.Lines[i].Bytes = got
			break
		}
	}
	exchanges, others := t.Exchanges(), other.Exchanges()
	var d differ
	d.compare(item{number: n + 1, explain: explainTo(t, n), command: exchanges[n].Command, response: exchanges[n].Response},
		item{number: n + 1, explain: explainTo(other, n), command: others[n].Command, response: others[n].Response})
	return d.out
}

// all is true when all differences are of values of these tags that both
// sides have, in one length.
func all(differences []Difference, tags []emv.Tag) bool {
	for _, d := range differences {
		if d.Side == "command" && d.Element == "Le" {
			continue // left out by some readers
		}
		if d.tag == 0 || !slices.Contains(tags, d.tag) || len(d.rawA) != len(d.rawB) ||
			d.tag == emv.TagIAD && !sameDecision(d.rawA, d.rawB) {
			return false
		}
	}
	return true
}

// sameDecision is true for issuer application data of one cryptogram version
// with the same card verification results: the rest are counters.
func sameDecision(a, b []byte) bool {
	first, errA := emv.ParseIAD(emv.SchemeUnknown, a)
	second, errB := emv.ParseIAD(emv.SchemeUnknown, b)
	return errA == nil && errB == nil && first.CVN == second.CVN && bytes.Equal(first.CVR, second.CVR)
}
