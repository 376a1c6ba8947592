package transcript

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"tapsim/apdu"
	"tapsim/emv"
)

// LenientCard plays the card of a session that another terminal recorded, for
// a terminal that asks fewer or other things. It looks each command up: first
// the same bytes, then what may differ between terminals (the data of GET
// PROCESSING OPTIONS and the like, a missing Le), then "> ?". Each answer is
// used once, in order; the last one of a command is repeated when the command
// comes again. A command that the recording does not have gets 6A82 (SELECT),
// 6A83 (READ RECORD), 6A88 (GET DATA) or 6D00. Report tells all of that.
type LenientCard struct {
	// Substitute, when not nil, takes the differences that it may let pass out of
	// the report and lists them itself.
	Substitute *Substitutes
	// Directory, when true, answers for a recording without a payment system
	// environment with one made of the applications that it selects.
	Directory bool

	t         *Transcript
	exchanges []Exchange
	used      []bool
	sent      int
	report    Report
}

// Report is what a LenientCard had to bend.
type Report struct {
	Differences []string // commands that were not the recorded ones, and what differs
	Unused      []int    // numbers of the exchanges that were not played
}

// NewLenientCard makes a card of a session.
func NewLenientCard(t *Transcript) *LenientCard {
	x := t.Exchanges()
	return &LenientCard{t: t, exchanges: x, used: make([]bool, len(x))}
}

// Transceive answers one command.
func (c *LenientCard) Transceive(ctx context.Context, command []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.sent++
	n := c.find(command)
	if n < 0 && c.Directory && isPPSE(command) {
		if answer := c.environment(); answer != nil {
			return answer, nil
		}
	}
	if n < 0 {
		sw := absent(command)
		c.differs("%s is not recorded: answered %s", nameOf(command), sw)
		return sw.Append(nil), nil
	}
	x := c.exchanges[n]
	if c.used[n] {
		c.differs("%s comes again: answered as in exchange %d", nameOf(command), x.Number)
	} else if x.Command != nil && !bytes.Equal(x.Command, command) && !c.Substitute.command(c.t, n, command) {
		m := commandMismatch(c.t, c.exchanges, n, command)
		m.File = ""
		c.differs("%s", m)
	}
	c.used[n] = true
	if x.Response == nil {
		return nil, apdu.ErrLost
	}
	return bytes.Clone(x.Response), nil
}

// Activate and Off make the card a reader's field with the card in it. What the
// card kept for the session is not known, so Off changes nothing.
func (c *LenientCard) Activate(ctx context.Context) (apdu.Transceiver, error) { return c, ctx.Err() }

// Off switches the field off.
func (c *LenientCard) Off(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func (c *LenientCard) differs(format string, args ...any) {
	if len(c.report.Differences) < MaxLines {
		c.report.Differences = append(c.report.Differences, fmt.Sprintf("command %d: ", c.sent)+fmt.Sprintf(format, args...))
	}
}

// find is the index of the exchange that answers a command, -1 for none.
func (c *LenientCard) find(command []byte) int {
	for _, match := range []func(x Exchange) bool{
		func(x Exchange) bool { return bytes.Equal(x.Command, command) },
		func(x Exchange) bool { return x.Command != nil && similar(x.Command, command) },
		func(x Exchange) bool { return c.Directory && selects(x, command) },
		func(x Exchange) bool { return x.Command == nil },
	} {
		last := -1
		for i, x := range c.exchanges {
			if !match(x) {
				continue
			}
			if !c.used[i] {
				return i
			}
			if x.Command != nil {
				last = i
			}
		}
		if last >= 0 {
			return last
		}
	}
	return -1
}

// similar is true for two commands that ask the card for the same, with the
// data of their terminals.
func similar(a, b []byte) bool {
	x, errX := apdu.ParseCommand(a)
	y, errY := apdu.ParseCommand(b)
	if errX != nil || errY != nil || x.CLA != y.CLA || x.INS != y.INS || x.P1 != y.P1 || x.P2 != y.P2 {
		return false
	}
	if bytes.Equal(x.Data, y.Data) {
		return true
	}
	switch k, _ := kind(x); k {
	case [2]byte{0x80, insGPO}, [2]byte{0x80, insGenerateAC}, [2]byte{0x80, insChecksum}, [2]byte{0x80, insRelayResistance},
		[2]byte{0x00, insInternalAuthenticate}:
		return len(x.Data) == len(y.Data)
	}
	return false
}

// absent is what a card answers for what it does not have.
func absent(command []byte) apdu.Status {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return apdu.StatusWrongLength
	}
	switch k, _ := kind(c); k {
	case [2]byte{0x00, insSelect}:
		return apdu.StatusFileNotFound
	case [2]byte{0x00, insReadRecord}:
		return apdu.StatusRecordNotFound
	case [2]byte{0x80, insGetData}, [2]byte{0x00, insGetData}:
		return apdu.StatusReferencedDataNotFound
	}
	return apdu.StatusInstruction
}

// Report says what the replay had to bend so far.
func (c *LenientCard) Report() Report {
	r := Report{Differences: append([]string(nil), c.report.Differences...)}
	for i, used := range c.used {
		if !used {
			r.Unused = append(r.Unused, c.exchanges[i].Number)
		}
	}
	return r
}

// String is the report for people.
func (r Report) String() string {
	var b strings.Builder
	for _, d := range r.Differences {
		b.WriteString(d + "\n")
	}
	if len(r.Unused) > 0 {
		fmt.Fprintf(&b, "not played: exchanges %s\n", strings.Trim(fmt.Sprint(r.Unused), "[]"))
	}
	return b.String()
}

// selects is true for a SELECT by a part of the name that selected what command
// asks for by its whole name.
func selects(x Exchange, command []byte) bool {
	c, err := apdu.ParseCommand(command)
	recorded, err2 := apdu.ParseCommand(x.Command)
	if err != nil || err2 != nil || !isSelect(c) || !isSelect(recorded) || !bytes.HasPrefix(c.Data, recorded.Data) {
		return false
	}
	data, _ := cutStatus(x.Response)
	name, _ := emv.Find(data, emv.TagFCI, emv.TagDFName)
	return bytes.Equal(name, c.Data)
}

func isPPSE(command []byte) bool {
	c, err := apdu.ParseCommand(command)
	return err == nil && isSelect(c) && string(c.Data) == ppse
}

const ppse = "2PAY.SYS.DDF01"

// environment makes the directory of a contactless card (EMV Book B, 3.2) of
// the applications that the recording selected, in their order; nil for none.
func (c *LenientCard) environment() []byte {
	var entries []byte
	for i, a := range Extract(c.t) {
		name, _ := emv.Find(a.FCI, emv.TagFCI, emv.TagDFName)
		if len(name) < 5 || len(name) > 16 || i >= 15 || bytes.Contains(entries, name) {
			continue
		}
		entry := emv.List{{Tag: emv.TagADFName, Value: name}, {Tag: emv.TagPriority, Value: []byte{byte(i + 1)}}}
		entries = emv.AppendTLV(entries, emv.TagApplicationTemplate, entry.Append(nil))
	}
	if entries == nil {
		return nil
	}
	const how = "made of the applications that the recording selects"
	if c.Substitute != nil {
		c.Substitute.Add(Substitution{Side: "session", Element: "SELECT " + ppse, Recorded: "no such exchange", Used: "a directory", How: how})
	} else {
		c.differs("SELECT %s is not recorded: answered with a directory %s", ppse, how)
	}
	fci := emv.AppendTLV(nil, emv.TagFCIProprietary, emv.AppendTLV(nil, emv.TagFCIDiscretionary, entries))
	fci = append(emv.AppendTLV(nil, emv.TagDFName, []byte(ppse)), fci...)
	return apdu.StatusOK.Append(emv.AppendTLV(nil, emv.TagFCI, fci))
}
