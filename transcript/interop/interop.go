// Package interop reads transcripts that other programs wrote - scripts, logs
// and traces - and writes some of their formats. Each format has a file or, when
// a line of it says all, an entry in a table. All of them share the session that
// they build and the bytes they read; nothing here knows about payment.
package interop

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"tapsim/transcript"
)

// Limits of what is imported.
const (
	MaxSize      = 16 << 20 // bytes of a file
	maxLines     = 1_000_000
	maxExchanges = transcript.MaxLines / 6
)

// Imported is a session in our form.
type Imported struct {
	Format     string // name of the format that it was in
	Title      string // the format for people
	Transcript *transcript.Transcript
	Notes      []string // what could not be taken over
}

// format is one that can be read. read returns an *absent error when the input
// is not in it, and any other when it is, but wrong.
type format struct {
	name, title string
	read        func(in *input, s *session) error
}

// formats are tried in this order: those with the clearest marks first.
func formats() []format {
	list := []format{
		{"transcript", "tapsim transcript or plain exchange file", readTranscript},
		{"pcap", "pcap or pcapng: ISO 14443 (link type 264) or ISO 7816 in upper-PDU records (252)", readPcap},
		{"proxmark3-list", "proxmark3 trace list", readTraceList},
		{"proxmark3", "proxmark3 APDU log (>>> and <<<)", readProxmark},
		{"globalplatform", "GlobalPlatformPro or apdu4j log (A>> and A<<)", readGlobalPlatform},
		{"pcsc-spy", "pcsc-spy log", readSpy},
		{"opensc-debug", "OpenSC debug log (Outgoing APDU, Incoming APDU)", readOpenSCDebug},
		{"opensc", "opensc-tool output (Sending, Received)", readOpenSC},
		{"scriptor", "scriptor output", readScriptor},
		{"cardpeek", "cardpeek replay file (.clf)", readCLF},
		{"cardpeek-log", "cardpeek log window (send, Recv)", readCardpeekLog},
		{"apduplay", "APDUPlay winscard log", readAPDUPlay},
		{"apdutool", "apdutool or jCardSim output (CLA: .., SW1: ..)", readAPDUTool},
		{"apdutool-script", "apdutool or jCardSim script (0x00 0xA4 ..;)", readAPDUToolScript},
		{"transit-xml", "transit-emv-checker XML", readTransitXML},
		{"javaemvreader", "javaemvreader log", readJavaReader},
		{"pn532", "log of a PN532 library (write: 40 .., read: 41 ..)", readPN532},
		{"nfc-lab", "nfc-laboratory JSON frames", readNFCLab},
	}
	list = append(list, labelledFormats()...)
	return append(list,
		format{"jcop", "JCOP shell log (=> and <=)", readJCOP},
		format{"opensc-script", "opensc-tool command line (-s APDU ..)", readOpenSCScript},
		format{"dump", "alternating lines of hex: command, answer (apdu4j dump)", readDump},
		format{"scriptor-script", "scriptor script: a command a line", readScriptorScript},
		format{"proxmark3-trace", "proxmark3 trace file (binary)", readTraceFile},
		format{"text", "text with one command or answer in hex a line", readFreeText},
	)
}

// Formats lists the names of the formats that can be read, with what they are.
func Formats() [][2]string {
	var names [][2]string
	for _, f := range formats() {
		names = append(names, [2]string{f.name, f.title})
	}
	return names
}

// absent says why an input is not in a format.
type absent struct{ reason string }

func (a *absent) Error() string { return a.reason }

func isAbsent(reason string, args ...any) error { return &absent{fmt.Sprintf(reason, args...)} }

// UnknownError says that no format fits, with the reason of each.
type UnknownError struct{ Tried []Attempt }

// Attempt is one format that was tried.
type Attempt struct{ Format, Reason string }

func (e *UnknownError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "not in a format that is known; tried %d:", len(e.Tried))
	for _, a := range e.Tried {
		fmt.Fprintf(&b, "\n  %-16s %s", a.Format, a.Reason)
	}
	return b.String()
}

// Import reads a session in the named format, or in the first that fits when
// name is empty. An input that fits none is an *UnknownError; one that fits but
// is damaged, or cut before its end, is an error that says where.
func Import(data []byte, name string) (Imported, error) {
	if len(data) > MaxSize {
		return Imported{}, fmt.Errorf("%d bytes; at most %d can be imported", len(data), MaxSize)
	}
	in := &input{raw: data}
	unknown := &UnknownError{}
	for _, f := range formats() {
		if name != "" && f.name != name {
			continue
		}
		s := &session{}
		err := f.read(in, s)
		if stops(err) && s.exchanges > 0 {
			s.note("the log stops: %v", err)
			err = nil
		}
		if err == nil {
			err = s.finish()
		}
		var not *absent
		switch {
		case errors.As(err, &not) && name == "":
			unknown.Tried = append(unknown.Tried, Attempt{f.name, not.reason})
			continue
		case err != nil:
			return Imported{}, fmt.Errorf("%s: %w", f.title, err)
		}
		t, err := s.transcript(f)
		return Imported{Format: f.name, Title: f.title, Transcript: t, Notes: s.notes}, err
	}
	if name != "" {
		return Imported{}, fmt.Errorf("format %q is not known; known are %s", name, strings.Join(names(), ", "))
	}
	return Imported{}, unknown
}

func names() []string {
	var list []string
	for _, f := range formats() {
		list = append(list, f.name)
	}
	return list
}

// readTranscript takes over a transcript as it is.
func readTranscript(in *input, s *session) error {
	if !bytes.ContainsAny(in.raw, "<>") {
		return isAbsent("no lines of > COMMAND and < ANSWER")
	}
	t, err := transcript.Parse("input", in.raw)
	if err != nil {
		var e *transcript.Error
		if errors.As(err, &e) {
			return isAbsent("line %d: %s", e.Line, e.Reason)
		}
		return isAbsent("%v", err)
	}
	s.whole = t
	return nil
}
