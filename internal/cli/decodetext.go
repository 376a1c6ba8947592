package cli

import (
	"fmt"
	"strings"

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
	noun := "tags"
	if d.Unknown == 1 {
		noun = "tag"
	}
	return fmt.Appendf(dst, "%d bytes, %d unknown %s\n", d.Size, d.Unknown, noun)
}

func (d *decoded) appendCertificates(dst []byte, s transcript.Style) []byte {
	for _, c := range d.Opened {
		dst = c.appendText(dst, s)
	}
	return dst
}

func appendField(dst []byte, f iso8583.Field, s transcript.Style) []byte {
	if f.Number == 0 {
		return dst
	}
	number := painted(s, transcript.RoleTag, fmt.Sprintf("%3d", f.Number))
	line := fmt.Sprintf("  %s  %-34s  %-20s  %s", number, f.Name, f.Value, f.Text)
	return append(append(dst, trimRight(line)...), '\n')
}

func trimRight(s string) string { return strings.TrimRight(s, " ") }
