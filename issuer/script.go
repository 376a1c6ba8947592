package issuer

import (
	"fmt"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/iso8583"
)

// ScriptCommand is a command that the bank sends to a card (EMV Book 3, 10.10):
// the bank adds length and MAC. Data go out as they stand: none is enciphered.
type ScriptCommand struct {
	Header [4]byte // CLA INS P1 P2
	Data   []byte
}

// Limits of a script, and what each command grows by: tag and length of the
// command, Lc, MAC.
const (
	maxScript   = 200 // bytes in all
	scriptMAC   = 8
	scriptExtra = 2 + 1 + scriptMAC
)

// Tags of an issuer script (EMV Book 3, Annex A).
const tagScriptCommand emv.Tag = 0x86

const stepScript = "script"

func scriptLength(commands []ScriptCommand) int {
	n := 0
	for i := range commands {
		n += len(commands[i].Header) + len(commands[i].Data) + scriptExtra
	}
	return n
}

// addScript puts the rule's script into an answer, behind the issuer
// authentication data: template 72, to be carried out last.
func (p *payment) addScript(m *iso8583.Message, report *Report) {
	if p.rule == nil || len(p.rule.Script) == 0 {
		return
	}
	if p.proof == nil || p.advice {
		report.step(stepScript, Skipped, "a script goes with the answer to a cryptogram that was right")
		return
	}
	script, err := p.proof.script(p)
	if err != nil {
		report.step(stepScript, Failed, err.Error())
		return
	}
	m.ICCData = emv.AppendTLV(m.ICCData, emv.TagIssuerScript2, script)
	if report != nil {
		report.step(stepScript, OK, fmt.Sprintf("%d commands go to the card, each with a MAC under its key for script integrity", len(p.rule.Script)))
	}
}

// script codes the commands. Their session keys follow from the counter or the
// cryptogram of this payment, as the recipe's scheme has it.
func (pr *proof) script(p *payment) ([]byte, error) {
	rules, ok := pr.recipe.Script.Rules()
	switch {
	case !ok:
		return nil, fmt.Errorf("how %s protects scripts is not known", pr.recipe.Name)
	case pr.set.SMI == nil:
		return nil, fmt.Errorf("key set %s has no key for script integrity (smi)", pr.set.Name)
	}
	card, err := cryptogram.DeriveCardKey(pr.set.SMI, pr.set.Method, string(p.pan), p.sequence())
	if err != nil {
		return nil, err
	}
	var out []byte
	for n, c := range p.rule.Script {
		session, err := rules.SessionKey(card, p.chip.elements.ATC, p.chip.cryptogram, n)
		if err != nil {
			return nil, err
		}
		header := [5]byte{c.Header[0], c.Header[1], c.Header[2], c.Header[3], byte(len(c.Data) + scriptMAC)}
		mac, err := rules.MAC(session, header, p.chip.elements.ATC, p.chip.cryptogram, c.Data)
		if err != nil {
			return nil, err
		}
		out = emv.AppendTLV(out, tagScriptCommand, append(append(header[:], c.Data...), mac...))
	}
	return out, nil
}
