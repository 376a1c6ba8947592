package hce

import (
	"crypto/subtle"

	"tapsim/apdu"
	"tapsim/emv"
)

// Lengths of the MAC of a script command (EMV Book 2, 9.2).
const (
	minScriptMAC = 4
	maxScriptMAC = 8
)

// blockApplication answers the script commands APPLICATION BLOCK and APPLICATION
// UNBLOCK (EMV Book 3, 6.5.1 and 6.5.2): the account no longer pays, or pays
// again.
func (c *Card) blockApplication(cmd apdu.Command) []byte {
	if cmd.P1 != 0 || cmd.P2 != 0 {
		return status(apdu.StatusWrongP1P2)
	}
	if sw := c.checkScript(cmd, 0); !sw.OK() {
		return status(sw)
	}
	if c.state.Lock = LockNone; cmd.INS == insBlock {
		c.state.Lock = LockBlocked
	}
	return status(apdu.StatusOK)
}

// Instructions of script commands.
const (
	insBlock   = 0x1E
	insUnblock = 0x18
	insPutData = 0xDA
)

// putData answers the script command PUT DATA, which sets the balance of a purse
// (9F79).
func (c *Card) putData(cmd apdu.Command) []byte {
	purse := c.static.ecash
	if tag := emv.Tag(cmd.P1)<<8 | emv.Tag(cmd.P2); purse == nil || tag != emv.TagECashBalance {
		return status(apdu.StatusReferencedDataNotFound)
	}
	const length = 6
	if sw := c.checkScript(cmd, length); !sw.OK() {
		return status(sw)
	}
	balance, err := emv.BCD(cmd.Data[:length])
	if err != nil || int64(balance) > purse.Limit {
		c.state.Request.ScriptFailed = true
		return status(apdu.StatusWrongData)
	}
	c.state.Offline.Amount = purse.Balance - int64(balance)
	return status(apdu.StatusOK)
}

// checkScript verifies the MAC behind data of that length: over the command, and
// with most schemes over counter and cryptogram of the last online request, so
// that it belongs to that. A command is taken once, and none after another
// transaction: what an eavesdropper has recorded fills no purse again.
func (c *Card) checkScript(cmd apdu.Command, length int) apdu.Status {
	r, mac := &c.state.Request, len(cmd.Data)-length
	switch {
	case mac < minScriptMAC || mac > maxScriptMAC:
		return apdu.StatusWrongLength
	case c.selected == 0 || r.ATC == 0 || r.Commands == maxScripts:
		return apdu.StatusConditions
	}
	rules, _ := c.static.recipe.Script.Rules() // New has seen that there are some
	session, err := rules.SessionKey(c.static.qvsdc.Update.ScriptKey, r.ATC, r.Cryptogram, r.Commands)
	if err != nil {
		return apdu.StatusUnknown
	}
	header := [5]byte{cmd.CLA, cmd.INS, cmd.P1, cmd.P2, byte(len(cmd.Data))}
	want, err := rules.MAC(session, header, r.ATC, r.Cryptogram, cmd.Data[:length])
	if err != nil {
		return apdu.StatusUnknown
	}
	head := [minScriptMAC]byte(want)
	c.commits++
	if subtle.ConstantTimeCompare(want[:mac], cmd.Data[length:]) != 1 || r.taken(head) {
		r.ScriptFailed = true
		return apdu.StatusSecurity
	}
	r.MACs[r.Commands] = head
	r.Commands++
	r.Scripts = min(r.Scripts+1, maxScripts)
	return apdu.StatusOK
}
