package interop

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"tapsim/transcript"
)

// Exported is a session in another program's format.
type Exported struct {
	Data  []byte
	Notes []string // what the format cannot say
}

// exporter is a format that can be written.
type exporter struct {
	name, title string
	write       func(t *transcript.Transcript, e *Exported) error
}

func exporters() []exporter {
	return []exporter{
		{"scriptor", "script for pcsc-tools' scriptor", writeScriptor},
		{"opensc", "shell script with opensc-tool", writeOpenSC},
		{"clf", "replay file of cardpeek", writeCLF},
		{"dump", "dump of apdu4j: command and answer in turn", writeDump},
		{"pcapng", "capture for Wireshark: ISO 7816 in upper-PDU records", writePcap7816},
		{"pcapng-iso14443", "capture for Wireshark: frames of ISO 14443 with activation, blocks and checksums", writePcap14443},
	}
}

// ExportFormats lists the names of the formats that can be written, with what
// they are.
func ExportFormats() [][2]string {
	var names [][2]string
	for _, e := range exporters() {
		names = append(names, [2]string{e.name, e.title})
	}
	return names
}

// Export writes a session in the named format.
func Export(t *transcript.Transcript, name string) (Exported, error) {
	var known []string
	for _, e := range exporters() {
		if e.name == name {
			var out Exported
			err := e.write(t, &out)
			return out, err
		}
		known = append(known, e.name)
	}
	return Exported{}, fmt.Errorf("format %q cannot be written; want one of %s", name, strings.Join(known, ", "))
}

func (e *Exported) note(format string, args ...any) {
	note := fmt.Sprintf(format, args...)
	for _, n := range e.Notes {
		if n == note {
			return
		}
	}
	e.Notes = append(e.Notes, note)
}

// step is an exchange or a reset, as the writers need them.
type step struct {
	reset             bool
	command, response []byte // nil: not shown, lost
}

func steps(t *transcript.Transcript) []step {
	var out []step
	exchanges := t.Exchanges()
	n := 0
	for _, l := range t.Lines {
		switch l.Kind {
		case transcript.Reset:
			out = append(out, step{reset: true})
		case transcript.Command, transcript.AnyCommand:
			out = append(out, step{command: exchanges[n].Command, response: exchanges[n].Response})
			n++
		}
	}
	return out
}

const (
	noteHidden = "commands that the source does not show are left out"
	noteLost   = "commands without an answer are left out"
)

// writeScriptor writes the commands; scriptor takes a line with the word reset
// for a reset even in a comment, so there are none.
func writeScriptor(t *transcript.Transcript, e *Exported) error {
	var b bytes.Buffer
	b.WriteString("reset\n")
	for i, s := range steps(t) {
		switch {
		case s.reset && i > 0:
			b.WriteString("reset\n")
		case s.reset:
		case s.command == nil:
			e.note(noteHidden)
		default:
			fmt.Fprintf(&b, "%X\n", s.command)
		}
	}
	e.Data = b.Bytes()
	return nil
}

// writeOpenSC writes a call of opensc-tool for each time that the card is
// powered.
func writeOpenSC(t *transcript.Transcript, e *Exported) error {
	const call = "opensc-tool --reader 0 --card-driver default"
	var b bytes.Buffer
	b.WriteString("#!/bin/sh\nset -e\n" + call)
	for i, s := range steps(t) {
		switch {
		case s.reset && i > 0:
			b.WriteString("\n" + call)
		case s.reset:
		case s.command == nil:
			e.note(noteHidden)
		default:
			fmt.Fprintf(&b, " \\\n  --send-apdu %X", s.command)
		}
	}
	b.WriteString("\n")
	e.Data = b.Bytes()
	return nil
}

// contactlessATR is what a PC/SC reader makes of a contactless card without
// historical bytes (PC/SC part 3).
const contactlessATR = "3B80800101"

// maxCLF is the longest line that cardpeek itself can read.
const maxCLF = 1023

func writeCLF(t *transcript.Transcript, e *Exported) error {
	var b bytes.Buffer
	b.WriteString("# cardpeek trace file\n# version 0\nR:" + contactlessATR + "\n")
	for i, s := range steps(t) {
		switch n := len(s.response) - 2; {
		case s.reset && i > 0:
			b.WriteString("R:" + contactlessATR + "\n")
		case s.reset:
		case s.command == nil:
			e.note(noteHidden)
		case n < 0:
			e.note(noteLost)
		default:
			line := fmt.Sprintf("C:%X:%X:%X\n", s.command, s.response[n:], s.response[:n])
			if len(line) > maxCLF {
				e.note("lines of more than %d characters, which cardpeek cannot read", maxCLF)
			}
			b.WriteString(line)
		}
	}
	b.WriteString("# end\n")
	e.Data = b.Bytes()
	return nil
}

func writeDump(t *transcript.Transcript, e *Exported) error {
	var b bytes.Buffer
	b.WriteString("# ATR: " + contactlessATR + "\n# PROTOCOL: T=1\n#\n")
	for _, s := range steps(t) {
		switch {
		case s.reset:
			e.note("the format has no resets")
		case s.command == nil:
			e.note(noteHidden)
		case s.response == nil:
			e.note(noteLost)
		default:
			fmt.Fprintf(&b, "%X\n%X\n", s.command, s.response)
		}
	}
	e.Data = b.Bytes()
	return nil
}

// capture is a pcapng file that grows. Time passes by the millisecond.
type capture struct {
	file pcapng
	now  time.Time
}

func newCapture(t *transcript.Transcript, link int) *capture {
	c := &capture{now: time.Unix(0, 0)}
	if now, err := time.Parse(time.RFC3339, t.Value("now")); err == nil {
		c.now = now
	}
	c.file.section()
	c.file.iface(link)
	return c
}

func (c *capture) add(data []byte, flags uint32, comment string) {
	c.file.packet(c.now, data, flags, comment)
	c.now = c.now.Add(time.Millisecond)
}

// writePcap7816 writes a record for each command and each answer; Wireshark
// hands it to its dissector for ISO 7816.
func writePcap7816(t *transcript.Transcript, e *Exported) error {
	c := newCapture(t, linkUpperPDU)
	names := transcript.ExplainSession(t, false).Exchanges
	n := 0
	for _, s := range steps(t) {
		if s.reset {
			e.note("the format has no resets")
			continue
		}
		if s.command == nil {
			e.note(noteHidden)
		} else {
			c.add(upperRecord(s.command), flagOutbound, names[n].Name)
		}
		if s.response != nil {
			c.add(upperRecord(s.response), flagInbound, names[n].Status+" "+names[n].StatusText)
		}
		n++
	}
	e.Data = c.file.data
	return nil
}

// upperRecord is a record of link type 252: the dissector's name, filled to
// four bytes, the end of the tags, the data.
func upperRecord(data []byte) []byte {
	head := append([]byte{0, tagDissector, 0, 8}, dissector7816+"\x00"...)
	return append(append(head, 0, 0, 0, 0), data...)
}

func writePcap14443(t *transcript.Transcript, e *Exported) error {
	c := newCapture(t, linkISO14443)
	air := &air{c: c}
	names := transcript.ExplainSession(t, false).Exchanges
	n := 0
	air.activate()
	for i, s := range steps(t) {
		switch {
		case s.reset && i > 0:
			air.fieldOff()
			air.activate()
		case s.reset:
		default:
			if s.command == nil {
				e.note(noteHidden)
			} else {
				air.exchange(s.command, s.response, names[n].Name)
			}
			n++
		}
	}
	air.fieldOff()
	e.Data = c.file.data
	return nil
}
