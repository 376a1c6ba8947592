package terminal

import (
	"bytes"
	"context"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// selectPPSE is SELECT of 2PAY.SYS.DDF01 (EMV Book B, 3.3.2).
var selectPPSE = []byte{0x00, 0xA4, 0x04, 0x00, 0x0E, '2', 'P', 'A', 'Y', '.', 'S', 'Y', 'S', '.', 'D', 'D', 'F', '0', '1', 0x00}

// Limits of a payment system environment.
const (
	maxEntries    = 64
	maxCandidates = 64
)

const (
	rulePPSE   = "EMV Book B, 3.3.2"
	ruleSelect = "EMV Book B, 3.3.3"
)

// candidate is an application of the card with a combination of the reader.
type candidate struct {
	adf       []byte // as the card listed it: the AID or longer
	extended  []byte // 9F29
	priority  byte   // 1 best, 15 worst; 16 for none
	combo     *combo
	discarded bool
}

// entry is one directory entry, tag 61.
type entry struct {
	adf, kernel, extended []byte
	priority              byte
}

// buildCandidates selects the PPSE and lists what card and reader have in
// common. A card without one, or with a malformed one, leaves the list empty.
func (s *session) buildCandidates(ctx context.Context, card apdu.Transceiver) error {
	s.candidates, s.barred, s.unknownKernel, s.dropped = s.candidates[:0], false, 0, ""
	answer, err := apdu.ExchangeBytes(ctx, card, selectPPSE)
	if err != nil {
		return err
	}
	if answer.Status != apdu.StatusOK {
		if s.trace != nil {
			s.trace.stepf(rulePPSE, "the card answers %s to SELECT 2PAY.SYS.DDF01: no candidates", answer.Status)
		}
		return nil
	}
	directory, ok := emv.Find(answer.Data, emv.TagFCI, emv.TagFCIProprietary, emv.TagFCIDiscretionary)
	if !ok {
		s.note(rulePPSE, "the PPSE has no directory: no candidates")
		return nil
	}
	scan := emv.Scan(directory)
	for n := 0; scan.Next() && n < maxEntries; {
		if scan.Tag() != emv.TagApplicationTemplate {
			continue
		}
		n++
		s.addEntry(n, scan.Value())
	}
	if scan.Err() != nil {
		s.candidates = s.candidates[:0]
		s.note(rulePPSE, "the PPSE's directory is malformed: no candidates")
	}
	return nil
}

// addEntry adds the candidates of one directory entry (EMV Book B, 3.3.2.4 and
// 3.3.2.5). Malformed entries are skipped.
func (s *session) addEntry(n int, template []byte) {
	e, ok := parseEntry(template)
	if !ok {
		if s.trace != nil {
			s.trace.stepf(rulePPSE, "entry %d is malformed: skipped", n)
		}
		return
	}
	matched, added := false, len(s.candidates)
	requested, named := e.requestedKernel()
	for i := range s.t.combos {
		combo := &s.t.combos[i]
		if !bytes.HasPrefix(e.adf, combo.AID) {
			continue
		}
		if !combo.usable {
			s.barred = true
			continue
		}
		matched = true
		if !named {
			if s.trace != nil {
				s.trace.stepf(rulePPSE, "entry %d names its kernel in too few bytes (%X): skipped", n, e.kernel)
			}
			return
		}
		if requested != emv.AnyKernel && requested != uint32(combo.Kernel) {
			continue
		}
		if len(s.candidates) == maxCandidates {
			if s.trace != nil {
				s.trace.stepf(rulePPSE, "more than %d candidates: the rest is ignored", maxCandidates)
			}
			return
		}
		s.candidates = append(s.candidates, candidate{adf: e.adf, extended: e.extended, priority: e.priority, combo: combo})
	}
	switch {
	case matched && added == len(s.candidates):
		s.unknownKernel = requested
		if s.trace != nil {
			s.trace.stepf(rulePPSE, "entry %d, %X, asks for kernel %d, which this terminal does not have for it: skipped, another entry may name another", n, e.adf, requested)
		}
	case !matched && s.trace != nil:
		s.trace.stepf(rulePPSE, "entry %d, %X: this terminal does not take it", n, e.adf)
	}
}

// noPriority sorts after 15, the lowest priority there is.
const noPriority = 16

func parseEntry(template []byte) (e entry, ok bool) {
	e.priority = noPriority
	scan := emv.Scan(template)
	for scan.Next() {
		v := scan.Value()
		switch scan.Tag() {
		case emv.TagADFName:
			e.adf = v
		case emv.TagKernelIdentifier:
			e.kernel = v
		case emv.TagExtendedSelection:
			e.extended = v
		case emv.TagPriority:
			if len(v) == 1 && v[0]&0x0F != 0 {
				e.priority = v[0] & 0x0F
			}
		}
	}
	return e, scan.Err() == nil && len(e.adf) >= 5 && len(e.adf) <= 16
}

// requestedKernel is the kernel that the entry asks for; false says that it
// names one in too few bytes.
func (e *entry) requestedKernel() (uint32, bool) { return emv.RequestedKernel(e.kernel, e.adf) }

// best is the candidate of the highest priority; of equals the one that the
// card listed first. Nil when none is left.
func (s *session) best() *candidate {
	var best *candidate
	for i := range s.candidates {
		c := &s.candidates[i]
		if !c.discarded && (best == nil || c.priority < best.priority) {
			best = c
		}
	}
	return best
}

// selectCommand is SELECT by name; 9F29 is appended when both sides know
// extended selection.
func (c *candidate) selectCommand(dst []byte) []byte {
	name := len(c.adf)
	extended := c.extended
	if !c.combo.Settings.ExtendedSelection || name+len(extended) > 16 {
		extended = nil
	}
	dst = append(dst, 0x00, 0xA4, 0x04, 0x00, byte(name+len(extended)))
	dst = append(append(dst, c.adf...), extended...)
	return append(dst, 0x00)
}

// visaNeedsAnother applies the rule for old Visa applications: without a PDOL
// that asks for 9F66 they are not for kernel 3 (EMV Book B, 3.3.3).
func (c *candidate) visaNeedsAnother(fci *kernel.FCI) bool {
	if c.combo.Kernel != 3 || emv.SchemeOf(c.adf) != emv.SchemeVisa {
		return false
	}
	for pdol := fci.PDOL; len(pdol) > 0; {
		e, rest, ok := emv.NextDOLEntry(pdol)
		if !ok || e.Tag == emv.TagTTQ {
			return !ok
		}
		pdol = rest
	}
	return true
}

// note traces a text that is ready. What must be formatted first goes to
// trace.stepf, after a look whether anybody wants it.
func (s *session) note(rule, text string) {
	if s.trace != nil {
		s.trace.step(rule, text)
	}
}
