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

// grouped finds digits as people write account numbers: in groups with blanks
// or hyphens between.
var grouped = regexp.MustCompile(`[0-9](?:[ -]?[0-9]){12,}`)

func (r *Redactor) sentence(s string) string {
	s = grouped.ReplaceAllStringFunc(s, func(found string) string {
		text := strings.NewReplacer(" ", "", "-", "").Replace(found)
		b := []byte(text)
		r.replaceKnown(b)
		if string(b) == text && !isSubstitute(text) && len(text) <= 19 && emv.PAN(text).Valid() && text[0] != '0' {
			if r.add(text) != nil {
				return strings.Map(toZero, found)
			}
			b = []byte(r.numbers[text])
		}
		return regroup(found, b)
	})
	b := []byte(s)
	r.replaceKnown(b)
	return string(b)
}

// regroup writes digits in the groups of pattern.
func regroup(pattern string, digits []byte) string {
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
