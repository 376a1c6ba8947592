package cli

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"tapsim/iso8583"
	"tapsim/transcript"
)

// printDecoded prints what was found: one JSON value, or text.
func (a *app) printDecoded(found []decoded, reveal bool) error {
	if a.json {
		if len(found) == 1 {
			return a.printJSON(found[0])
		}
		return a.printJSON(found)
	}
	var out []byte
	for i := range found {
		if i > 0 {
			out = append(out, '\n')
		}
		out = found[i].appendText(out, reveal, a.style())
	}
	_, err := a.out.Write(out)
	return err
}

func (d *decoded) appendText(dst []byte, reveal bool, s transcript.Style) []byte {
	if d.original != nil {
		return d.appendCertificates(transcript.AppendSession(dst, d.original, reveal, s), s)
	}
	if d.title != "" {
		dst = append(dst, painted(s, transcript.RoleTitle, d.title)+"\n"...)
	}
	for _, f := range d.Fields {
		dst = appendField(dst, f, s)
	}
	dst = d.appendCertificates(transcript.AppendParts(dst, d.Parts, 0, s), s)
	return fmt.Appendf(dst, "%s, %s\n", count(d.Size, "byte"), count(d.Unknown, "unknown tag"))
}

// masked is true when the value of an element is not shown. That of a PIN never
// is.
func masked(found []decoded) bool {
	hidden := false
	look := func(parts []transcript.Part) { hidden = hidden || hidesValue(parts) }
	for _, f := range found {
		hidden = hidden || f.hidden
		look(f.Parts)
		if f.Session == nil {
			continue
		}
		for _, x := range f.Session.Exchanges {
			if x.Command != nil {
				look(x.Command.Parts)
			}
			if x.Response != nil {
				look(x.Response.Parts)
			}
		}
	}
	return hidden
}

func hidesValue(parts []transcript.Part) bool {
	return slices.ContainsFunc(parts, func(p transcript.Part) bool {
		return p.Masked && p.Value != "" || hidesValue(p.Parts)
	})
}

func (d *decoded) appendCertificates(dst []byte, s transcript.Style) []byte {
	for _, c := range d.Opened {
		dst = c.appendText(dst, s)
	}
	for _, g := range d.Signed {
		dst = g.appendText(dst, s)
	}
	return dst
}

func appendField(dst []byte, f iso8583.Field, s transcript.Style) []byte {
	if f.Number == 0 {
		return dst
	}
	number := painted(s, transcript.RoleTag, fmt.Sprintf("%3d", f.Number))
	line := fmt.Sprintf("  %s  %-34s  %-20s  %s", number, f.Name, strings.Map(visible, f.Value), strings.Map(visible, f.Text))
	return append(append(dst, trimRight(line)...), '\n')
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// visible puts a mark in the place of control characters, which would reach the
// terminal.
func visible(r rune) rune {
	if unicode.IsControl(r) {
		return unicode.ReplacementChar
	}
	return r
}

func trimRight(s string) string { return strings.TrimRight(s, " ") }
