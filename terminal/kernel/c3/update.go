package c3

import (
	"context"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/terminal/kernel/internal/rules"
)

// Tags inside an issuer script template (EMV Book 3, Annex A).
const (
	tagScriptCommand emv.Tag = 0x86
	tagScriptID      emv.Tag = 0x9F18
)

// maxScripts bounds how many scripts, and how many commands of one, the kernel
// delivers.
const maxScripts = 16

const ruleUpdate = "EMV Book C-3, issuer update processing"

// issuerUpdate delivers the issuer's answer on a second tap: EXTERNAL
// AUTHENTICATE with tag 91, then the commands of the scripts 71 and 72. The
// host has decided already, and the point of sale has read its answer: that
// stays the outcome, with the verification of the first tap.
func (r *run) issuerUpdate(ctx context.Context) (rules.Verdict, error) {
	if reason := r.ReadFCI(); reason != "" {
		return r.Because(rules.EndHere, ruleUpdate, reason), nil
	}
	if auth, ok := emv.Find(r.A.IssuerData, emv.TagIssuerAuthData); ok {
		if err := r.externalAuthenticate(ctx, auth); err != nil {
			return rules.GoOn, err
		}
	}
	s := emv.Scan(r.A.IssuerData)
	for n := 0; s.Next(); {
		if s.Tag() != emv.TagIssuerScript1 && s.Tag() != emv.TagIssuerScript2 {
			continue
		}
		if n++; n > maxScripts {
			return r.Because(rules.EndHere, ruleUpdate, "the issuer sent too many scripts"), nil
		}
		if err := r.script(ctx, s.Value()); err != nil {
			return rules.GoOn, err
		}
	}
	if r.CVM = r.A.CVM; r.A.Authorised {
		return r.Because(rules.Approve, ruleUpdate, "the issuer approved and its data went to the card"), nil
	}
	return r.Because(rules.Decline, ruleUpdate, "the issuer declined and its data went to the card"), nil
}

// externalAuthenticate is EMV Book 3, 6.5.4.
func (r *run) externalAuthenticate(ctx context.Context, data []byte) error {
	answer, err := apdu.Exchange(ctx, r.A.Card, apdu.Command{INS: 0x82, Data: data})
	if err != nil {
		return err
	}
	if answer.Status == apdu.StatusOK {
		r.Note(ruleUpdate, "the card accepted the issuer's authentication data")
	} else {
		r.Note(ruleUpdate, "the card refused the issuer's authentication data")
	}
	return nil
}

// script sends the commands of one script until one fails and keeps the result
// for tag 9F5B: result and number of the command, script identifier (EMV Book
// 4, A5).
func (r *run) script(ctx context.Context, template []byte) error {
	const failed, success = 0x10, 0x20
	result, n := byte(success), byte(0)
	s := emv.Scan(template)
	for result == success && s.Next() {
		if s.Tag() != tagScriptCommand {
			continue
		}
		if n++; n > maxScripts {
			result = failed
			break
		}
		answer, err := apdu.ExchangeBytes(ctx, r.A.Card, s.Value())
		if err != nil {
			return err
		}
		if answer.Status != apdu.StatusOK && !answer.Status.Warning() {
			result = failed | min(n, 0xF)
		}
	}
	if s.Err() != nil {
		result = 0 // not performed: the template is malformed
	}
	var id [4]byte
	if v, ok := emv.Find(template, tagScriptID); ok {
		copy(id[:], v)
	}
	r.scripts = append(append(r.scripts, result), id[:]...)
	return nil
}
