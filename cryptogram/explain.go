package cryptogram

import (
	"encoding/hex"
	"fmt"
	"strings"

	"tapsim/emv"
)

// Step is one step of making a cryptogram, for people and for JSON.
type Step struct {
	Name  string `json:"name"`
	Tag   string `json:"tag,omitempty"` // of a data element, in hex
	Value string `json:"value"`         // upper-case hex, or words
	Note  string `json:"note,omitempty"`
}

// Explain tells step by step how the recipe makes the cryptogram of e with the
// card key (or limited-use key) card: keys, each element, the MAC input with
// and without padding, the result. Keys appear as check values unless reveal is
// true.
func (r Recipe) Explain(card *Key, e *Elements, reveal bool) ([]Step, error) {
	session, err := r.SessionKey(card, e)
	if err != nil {
		return nil, err
	}
	input, err := r.AppendInput(nil, e)
	if err != nil {
		return nil, err
	}
	steps := []Step{{Name: "recipe", Value: r.Name, Note: "evidence: " + r.Evidence}}
	steps = append(steps, r.explainKeys(card, session, e, reveal)...)
	steps = append(steps, r.explainElements(input)...)
	steps = append(steps, Step{Name: "MAC input", Value: hexOf(input), Note: r.Layout.String()})
	steps = append(steps, r.explainMAC(session, input)...)
	return steps, nil
}

func (r Recipe) explainKeys(card, session *Key, e *Elements, reveal bool) []Step {
	name := "card key"
	if r.Session == SessionLimitedUse {
		name = "limited-use key"
	}
	steps := []Step{keyStep(name, card, reveal)}
	s := keyStep("session key", session, reveal)
	switch r.Session {
	case SessionNone:
		s.Note += "; this version uses the card key itself"
	case SessionLimitedUse:
		s.Note += "; this version uses the limited-use key itself"
	case SessionMastercardSKD:
		s.Note += fmt.Sprintf("; method %s from ATC %04X and unpredictable number %X", r.Session, e.ATC, e.UnpredictableNumber)
	default:
		s.Note += fmt.Sprintf("; method %s from ATC %04X", r.Session, e.ATC)
	}
	return append(steps, s)
}

// explainElements cuts the MAC input into its elements, so that what is shown
// is what went into the MAC.
func (r Recipe) explainElements(input []byte) []Step {
	var steps []Step
	take := func(n int, name string, tag emv.Tag) {
		steps = append(steps, Step{Name: name, Tag: tag.String(), Value: hexOf(input[:n])})
		input = input[n:]
	}
	if r.Layout == LayoutShort {
		take(6, elementNames[0], emv.TagAmount)
		take(4, elementNames[7], emv.TagUnpredictableNumber)
		take(2, elementNames[9], emv.TagATC)
		take(1, "card verification results, byte 2", emv.TagIAD)
		return steps
	}
	for i, entry := range tenElements {
		take(entry.Length, elementNames[i], entry.Tag)
	}
	switch r.Layout {
	case LayoutCVRCounters:
		take(len(input)-counterLength, "card verification results", emv.TagIAD)
		take(counterLength, "counters", emv.TagIAD)
	case LayoutCVR:
		take(len(input), "card verification results", emv.TagIAD)
	default:
		take(len(input), "issuer application data", emv.TagIAD)
	}
	return steps
}

func (r Recipe) explainMAC(session *Key, input []byte) []Step {
	if session.algorithm == AES {
		mac := hexOf(session.CMAC(input))
		return []Step{{Name: "MAC", Value: mac, Note: "AES-CMAC"}, {Name: "cryptogram", Tag: emv.TagCryptogram.String(), Value: mac[:16], Note: "leftmost 8 bytes"}}
	}
	padded := appendPadding(input, session.algorithm.BlockSize(), r.Padding)
	steps := []Step{{Name: "padded", Value: hexOf(padded), Note: fmt.Sprintf("ISO/IEC 9797-1 padding method %d", r.Padding)}}
	kind := "CBC-MAC"
	if session.algorithm == TDES {
		kind = "retail MAC, ISO/IEC 9797-1 algorithm 3"
	}
	mac := hexOf(session.macPadded(padded))
	return append(steps,
		Step{Name: "MAC", Value: mac, Note: session.algorithm.String() + " " + kind},
		Step{Name: "cryptogram", Tag: emv.TagCryptogram.String(), Value: mac[:16], Note: "leftmost 8 bytes"})
}

// ExplainCardKey tells how the card key comes from the issuer master key. The
// diversifier holds digits of the PAN: it and the keys are hidden unless reveal
// is true.
func ExplainCardKey(imk *Key, method CardKeyMethod, pan, psn string, reveal bool) ([]Step, error) {
	card, err := DeriveCardKey(imk, method, pan, psn)
	if err != nil {
		return nil, err
	}
	steps := []Step{keyStep("issuer master key", imk, reveal), {Name: "card key method", Value: method.String()}}
	if method == OptionA || method == OptionSM4 || method == OptionB && len(pan) <= 16 {
		y := DiversifierA(pan, psn)
		steps = append(steps, diversifierStep(y, "rightmost 16 digits of PAN and sequence number", reveal))
	} else if method != OptionC {
		steps = append(steps, diversifierStep(DiversifierB(pan, psn), "SHA-1 over PAN and sequence number, decimalised", reveal))
	}
	return append(steps, keyStep("card key", card, reveal)), nil
}

func diversifierStep(y [8]byte, note string, reveal bool) Step {
	s := Step{Name: "diversifier", Value: strings.Repeat("*", 16), Note: note}
	if reveal {
		s.Value = hexOf(y[:])
	}
	return s
}

// keyStep shows a key by its check value, or as it is.
func keyStep(name string, k *Key, reveal bool) Step {
	check := k.CheckValue()
	if reveal {
		return Step{Name: name, Value: hexOf(k.raw()), Note: "check value " + hexOf(check[:])}
	}
	return Step{Name: name, Value: hexOf(check[:]), Note: "check value"}
}

func hexOf(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
