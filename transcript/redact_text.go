package transcript

import (
	"regexp"
	"strings"

	"tapsim/emv"
)

// text redacts comments and the free text of the header: people write down
// what they see.
func (r *Redactor) text(t *Transcript, what *Redaction) {
	line := func(s *string) {
		if fresh := r.sentence(*s); fresh != *s {
			*s = fresh
			what.Comments++
		}
	}
	for i := range t.Header {
		if key := t.Header[i].Key; key == "title" || key == "source" {
			line(&t.Header[i].Value)
		}
	}
	for i := range t.Lines {
		if t.Lines[i].Kind == Comment {
			line(&t.Lines[i].Text)
		}
	}
}

// grouped finds account numbers as people write them: in groups with blanks or
// hyphens between, not as a part of longer hex.
var grouped = regexp.MustCompile(`\b[0-9](?:[ -]?[0-9]){12,18}\b`)

func (r *Redactor) sentence(s string) string {
	s = grouped.ReplaceAllStringFunc(s, func(found string) string {
		number := strings.NewReplacer(" ", "", "-", "").Replace(found)
		if _, known := r.numbers[number]; !known {
			if isSubstitute(number) || len(number) != 16 && len(number) != 15 || !emv.PAN(number).Valid() {
				return found
			}
			s, err := r.substitute(number)
			if err != nil {
				return strings.Map(toZero, found)
			}
			r.numbers[number] = s
		}
		return regroup(found, r.numbers[number])
	})
	b := []byte(s)
	r.replaceKnown(b)
	return string(b)
}

// regroup writes digits in the groups of pattern.
func regroup(pattern, digits string) string {
	out := []byte(pattern)
	n := 0
	for i, c := range out {
		if c >= '0' && c <= '9' {
			out[i] = digits[n]
			n++
		}
	}
	return string(out)
}

func toZero(c rune) rune {
	if c >= '0' && c <= '9' {
		return '0'
	}
	return c
}
