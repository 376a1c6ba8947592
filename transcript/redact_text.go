package transcript

import (
	"fmt"
	"regexp"
	"slices"
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
	var out strings.Builder
	for {
		at := tracks.FindStringSubmatchIndex(s)
		if at == nil {
			break
		}
		out.WriteString(r.words(s[:at[0]]))
		out.WriteString(r.writtenTrack(s, at))
		s = s[at[1]:]
	}
	out.WriteString(r.words(s))
	b := []byte(out.String())
	r.replaceKnown(b)
	return string(b)
}

// tracks finds track 2 as people copy it, in hex with or without blanks or as a
// reader of magnetic stripes shows it, and track 1 in characters.
var tracks = regexp.MustCompile(`([0-9](?: ?[0-9]){12,18}) ?[Dd=] ?[0-9](?: ?[0-9]){6}((?: ?[0-9])*)` +
	`|B([0-9]{13,19})\^([^^]{2,26})\^[0-9]{7}([0-9]*)`)

// writtenTrack redacts the track that stands between at[0] and at[1] as rule
// redacts one in data: expiry and service code stay.
func (r *Redactor) writtenTrack(s string, at []int) string {
	b := []byte(s)
	for group, change := range map[int]func(part string) string{
		1: r.writtenNumber,
		2: func(part string) string { return strings.Map(toZero, part) },
		3: r.writtenNumber,
		4: func(part string) string { return nameOfLength(len(part)) },
		5: func(part string) string { return strings.Map(toZero, part) },
	} {
		if from, to := at[2*group], at[2*group+1]; from >= 0 {
			copy(b[from:to], change(s[from:to]))
		}
	}
	return string(b[at[0]:at[1]])
}

// writtenNumber is the substitute of an account number in its groups.
func (r *Redactor) writtenNumber(part string) string {
	number := strings.ReplaceAll(part, " ", "")
	if r.add(number) != nil {
		return strings.Map(toZero, part)
	}
	return regroup(part, []byte(r.replacement(number)))
}

// words redacts text in which no track stands: account numbers, and names whole
// or in parts, in letters or in hex.
func (r *Redactor) words(s string) string {
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
	r.replaceKnown(b) // whole names first
	s = string(b)
	for _, name := range r.names {
		if len(name) >= minName {
			s = hexName(name).ReplaceAllStringFunc(s, func(string) string { return fmt.Sprintf("%X", nameOfLength(len(name))) })
		}
	}
	parts := r.nameParts()
	if len(parts) == 0 {
		return s
	}
	return word.ReplaceAllStringFunc(s, func(w string) string {
		if fresh, ok := parts[strings.ToUpper(w)]; ok {
			return fresh
		}
		return w
	})
}

var word = regexp.MustCompile(`\p{L}+`)

// hexName finds a name as the hex of tag 5F20, with or without blanks.
func hexName(name string) *regexp.Regexp {
	pairs := make([]string, len(name))
	for i := range pairs {
		pairs[i] = fmt.Sprintf("%02X", name[i])
	}
	return regexp.MustCompile("(?i)" + strings.Join(pairs, " ?"))
}

// nameParts are the words of the names that were seen, in capitals, and what
// takes their place: the surname, which stands before the slash, and others.
func (r *Redactor) nameParts() map[string]string {
	parts := map[string]string{}
	surname, given, _ := strings.Cut(placeholder, "/")
	for _, name := range r.names {
		runes := make([]rune, len(name)) // ISO/IEC 8859
		for i := range runes {
			runes[i] = rune(name[i])
		}
		before, after, _ := strings.Cut(string(runes), "/")
		for fresh, text := range map[string]string{surname: before, given: after} {
			for _, w := range word.FindAllString(strings.ToUpper(text), -1) {
				if len([]rune(w)) > 1 && !slices.Contains(noNames, w) && parts[w] != surname {
					parts[w] = fresh
				}
			}
		}
	}
	return parts
}

// noNames are words in the place of names on cards of nobody in particular,
// which comments need.
var noNames = []string{"CARDHOLDER", "TEST", "CARD", "VISA", "MASTERCARD", "MAESTRO", "UNIONPAY", "CREDIT", "DEBIT", "PREPAID",
	"VALUED", "CUSTOMER", "MR", "MRS", "MS", "DR"}

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
