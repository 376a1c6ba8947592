package interop

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// readTransitXML reads the captures of transit-emv-checker: an element for each
// exchange with raw_command and raw_response inside. What is a sentence instead
// of hex is not known.
func readTransitXML(in *input, s *session) error {
	if !bytes.Contains(in.raw, []byte("<raw_command")) {
		return isAbsent("no element raw_command")
	}
	d := xml.NewDecoder(bytes.NewReader(in.raw))
	name := ""
	var text strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			name = t.Name.Local
			text.Reset()
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if t.Name.Local != name {
				continue
			}
			b, rest := hexRun(strings.Join(strings.Fields(text.String()), " "))
			switch {
			case name == "raw_command" && b != nil && rest == "":
				s.command(b)
			case name == "raw_command":
				s.command(nil)
			case name == "raw_response" && rest != "":
				s.note("a response of which the file says %q is not known", rest[:min(len(rest), 40)])
			case name == "raw_response" && s.open:
				s.answer(b)
			}
		}
	}
}
