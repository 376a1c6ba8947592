package emv

import (
	_ "embed" // the tag dictionary is a data file
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Context says whose tags are being read: the same tag means different things
// to different kernels, schemes and templates. The zero Context reads EMV's own
// meaning first.
type Context struct {
	Scheme   Scheme
	Kernel   byte // contactless kernel, 2 to 8; 0 is the scheme's own
	Other    bool // the scheme is none of those that Scheme names
	Template Tag  // template that holds the object; 0 is none, or not known
}

// ContextOf is the context of an application: its scheme, or Other when the
// AID is a registered one of another scheme. Names of directories tell
// nothing.
func ContextOf(aid []byte) Context {
	s := SchemeOf(aid)
	return Context{Scheme: s, Other: s == SchemeUnknown && len(aid) >= 5 && aid[0] >= 0xA0}
}

// named is true when it is known whose meanings count.
func (c Context) named() bool { return c.Scheme != SchemeUnknown || c.Kernel != 0 || c.Other }

// isKernel is true for the scheme of a kernel, and for another scheme's card
// that names it.
func (c Context) isKernel(n byte, own Scheme) bool {
	return c.Kernel == n || c.Kernel == 0 && c.Scheme == own
}

// Entry is one meaning of a tag: a row of the dictionary.
type Entry struct {
	Tag        Tag
	Name       string
	Owner      string // whose meaning it is: EMV, EP (entry point), ISO7816, QR-CPM, K2 to K8, Interac, ...
	Origin     string // card, terminal, issuer, kernel, config
	Format     Format
	Coding     string // the format as the dictionary writes it: "n 12", "b (tag,length list)"
	Digits     int    // of a format such as "n 12": 12; 0 when it is no single number
	Length     string // in bytes, as the dictionary writes it: "5-16", "1 or 3", "NI"
	Templates  []Tag  // where it stands; empty is anywhere
	Bits       string // bits and values, in the dictionary's notation
	Confidence string // sure, likely, doubt
	Foreign    bool   // in this context the meaning belongs to another kernel or scheme
}

// Title is the name, followed by its owner when that is another kernel or
// scheme than the context's.
func (e Entry) Title() string {
	if !e.Foreign {
		return e.Name
	}
	if kernel, ok := strings.CutPrefix(e.Owner, "K"); ok {
		return e.Name + " (kernel " + kernel + ")"
	}
	return e.Name + " (" + e.Owner + ")"
}

// IsDOL is true when the value is a list of tags and lengths.
func (e Entry) IsDOL() bool {
	return strings.HasSuffix(e.Coding, "(tag,length list)") || e.Tag == 0x9F4F
}

//go:embed tags.tsv
var tagTable string

// dictionary is the table by tag, read when it is first needed. Rows that
// cannot be read are left out here and fail a test.
var dictionary = sync.OnceValue(func() map[Tag][]Entry {
	entries, _ := parseDictionary(tagTable)
	byTag := make(map[Tag][]Entry, len(entries))
	for _, e := range entries {
		byTag[e.Tag] = append(byTag[e.Tag], e)
	}
	return byTag
})

// parseDictionary reads the table: one heading line, then rows of nine columns
// between tabs. Each bad row is an error with its line.
func parseDictionary(table string) (entries []Entry, errs []error) {
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	for i, line := range lines[1:] {
		e, err := parseEntry(strings.Split(line, "\t"))
		if err != nil {
			errs = append(errs, fmt.Errorf("tags.tsv:%d: %w", i+2, err))
			continue
		}
		entries = append(entries, e)
	}
	return entries, errs
}

func parseEntry(c []string) (e Entry, err error) {
	if len(c) != 9 {
		return e, fmt.Errorf("%d columns, want 9", len(c))
	}
	e = Entry{Name: c[1], Owner: c[2], Origin: c[3], Coding: c[4], Length: c[5], Bits: c[7], Confidence: c[8]}
	if e.Tag, err = ParseTag(c[0]); err != nil {
		return e, err
	}
	if e.Format, e.Digits, err = parseCoding(e.Coding); err != nil {
		return e, err
	}
	if e.Name == "" || !slices.Contains([]string{"sure", "likely", "doubt"}, e.Confidence) {
		return e, fmt.Errorf("tag %s: want a name, and sure, likely or doubt in the last column", e.Tag)
	}
	if !slices.Contains(owners, e.Owner) {
		return e, fmt.Errorf("tag %s: unknown owner %q", e.Tag, e.Owner)
	}
	if c[6] == "" {
		return e, nil
	}
	for _, t := range strings.Split(c[6], ",") {
		tag, err := ParseTag(t)
		if err != nil {
			return e, err
		}
		e.Templates = append(e.Templates, tag)
	}
	return e, nil
}

// owners are whose meanings the dictionary holds.
var owners = []string{
	"EMV", "EP", "ISO7816", "QR-CPM", "K2", "K3", "K4", "K5", "K6", "K7", "K8",
	"Interac", "M/Chip perso", "Visa perso", "UnionPay config", "PURE", "GlobalPlatform",
}

// parseCoding reads the format column. Digits counts what stands after the
// format's name.
func parseCoding(s string) (f Format, digits int, err error) {
	name, rest, _ := strings.Cut(s, " ")
	switch strings.TrimRight(name, ",:") {
	case "b", "var", "OID", "primitive":
		f = FormatB
	case "n":
		f = FormatN
	case "cn":
		f = FormatCN
	case "a":
		f = FormatA
	case "an":
		f = FormatAN
	case "ans", "an/ans":
		f = FormatANS
	case "constructed":
		f = FormatConstructed
	default:
		return 0, 0, fmt.Errorf("unknown format %q", s)
	}
	if digitsOnly(rest) {
		for _, c := range rest {
			digits = digits*10 + int(c-'0')
		}
	}
	return f, digits, nil
}

// Lookup finds the meaning of a tag. The meaning of the context's kernel or
// scheme comes first, then EMV's, then ISO's, then any other kernel's, marked
// as Foreign. Unknown tags are false.
func Lookup(tag Tag, ctx Context) (Entry, bool) { return lookup(tag, ctx, -1, false) }

// lookup is Lookup that also knows the length of the value, or -1, and whether
// the data are an EMV QR code's.
func lookup(tag Tag, ctx Context, length int, qr bool) (Entry, bool) {
	own := ctx.owners()
	best, at := 0, -1
	rows := dictionary()[tag]
	for i := range rows {
		if score := rows[i].score(ctx, own, length, qr); score > best {
			best, at = score, i
		}
	}
	if at < 0 {
		return Entry{}, false
	}
	return rows[at].in(own), true
}

// in marks the entry as Foreign unless its owner is one of those.
func (e Entry) in(own []string) Entry {
	e.Foreign = !e.general() && !slices.Contains(own, e.Owner)
	return e
}

// misfit says that a value has not the length of the entry, and is empty when
// it has, or when the dictionary gives no numbers.
func (e Entry) misfit(length int) string {
	if fits, exact := fitsLength(e.Length, length); fits || !exact {
		return ""
	}
	return fmt.Sprintf("length %d does not fit (wants %s)", length, e.Length)
}

func (e Entry) general() bool {
	return e.Owner == "EMV" || e.Owner == "EP" || e.Owner == "ISO7816" || e.Owner == "QR-CPM"
}

// score says how well an entry fits: more is better, 0 is not at all. The
// numbers only order the cases: own meaning, EMV's in the right template,
// ISO's in the right template, EMV's, ISO's, another kernel's.
func (e Entry) score(ctx Context, own []string, length int, qr bool) int {
	s, fits, misfits := 10, 5, 2
	switch {
	case e.Owner == "QR-CPM" && !qr:
		return 0
	case slices.Contains(own, e.Owner) || e.Owner == "QR-CPM":
		s = 40 - slices.Index(own, e.Owner)
	case e.Owner == "EMV" || e.Owner == "EP":
		s, fits, misfits = 30, 15, 12
	case e.Owner == "ISO7816":
		s, fits, misfits = 20, 15, 12
	case e.Owner == "K3":
		s = 12 // the most common meaning outside of any context
	case e.Owner == "K2":
		s = 11
	case len(e.Owner) > 2:
		s = 6 // personalisation and configuration data hardly ever meet a terminal
	}
	switch {
	case len(e.Templates) == 0 || ctx.Template == 0:
	case slices.Contains(e.Templates, ctx.Template):
		s += fits
	default:
		s -= misfits
	}
	if length >= 0 {
		switch fits, exact := fitsLength(e.Length, length); {
		case exact && fits:
			s += 3
		case exact:
			s -= 3
		}
	}
	return s
}

// owners names the dictionary owners whose meaning counts in this context,
// the strongest first.
func (c Context) owners() []string {
	var own []string
	if c.Kernel >= 2 && c.Kernel <= 8 {
		own = append(own, "K"+string('0'+rune(c.Kernel)))
	}
	return append(own, schemeOwners[c.Scheme]...)
}

var schemeOwners = map[Scheme][]string{
	SchemeMastercard: {"K2", "M/Chip perso"},
	SchemeVisa:       {"K3", "Visa perso"},
	SchemeAmex:       {"K4"},
	SchemeJCB:        {"K5"},
	SchemeDiscover:   {"K6"},
	SchemeUnionPay:   {"K7", "UnionPay config"},
	SchemeInterac:    {"Interac"},
}

// fitsLength compares a length with the length column: "3", "5-16", "1 or 3",
// "1 or 3-8". Columns that name no numbers, such as "var" or "NI", are not
// exact.
func fitsLength(column string, length int) (fits, exact bool) {
	for _, choice := range strings.Split(column, " or ") {
		low, high, isRange := strings.Cut(choice, "-")
		if !isRange {
			high = low
		}
		if low == "" || !digitsOnly(low) || !digitsOnly(high) {
			return false, false
		}
		fits = fits || length >= atoi(low) && length <= atoi(high)
	}
	return fits, true
}

// atoi reads decimal digits; the caller has checked that they are.
func atoi(s string) int {
	n := 0
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
}
