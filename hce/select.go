package hce

import (
	"bytes"

	"tapsim/apdu"
)

// ppse is the name of the directory that contactless readers select first (EMV
// Book B).
var ppse = []byte("2PAY.SYS.DDF01")

// selectFile answers SELECT by name (EMV Book 1, 11.3): the PPSE by its whole
// name, applications by their AID or its first five bytes and more, P2 02 for
// the next one with that beginning. A name that is not found leaves the
// selection as it is.
func (c *Card) selectFile(cmd apdu.Command) []byte {
	if cmd.P1 != 0x04 || cmd.P2&^0x02 != 0 {
		return status(apdu.StatusWrongP1P2)
	}
	name, next := cmd.Data, cmd.P2 == 0x02
	if len(name) < 5 || len(name) > 16 {
		return status(apdu.StatusWrongLength)
	}
	if c.state.Lock == LockHidden {
		return status(apdu.StatusFileNotFound)
	}
	if bytes.Equal(name, ppse) && !next {
		return c.enter(cmd, 0, c.directory)
	}
	first := 0
	if next {
		if first = c.selected; first == 0 || !bytes.HasPrefix(c.apps[first-1].name, name) {
			return status(apdu.StatusFileNotFound)
		}
	}
	for i := first; i < len(c.apps); i++ {
		if app := &c.apps[i]; bytes.HasPrefix(app.name, name) {
			if c.applets[app.account].state.Lock == LockBlocked {
				return c.enter(cmd, i+1, app.blocked)
			}
			return c.enter(cmd, i+1, app.fci)
		}
	}
	return status(apdu.StatusFileNotFound)
}

// enter makes application n (0 is the PPSE) the current one and returns its
// file control information.
func (c *Card) enter(cmd apdu.Command, n int, answer []byte) []byte {
	if fits(cmd, len(answer)-2) {
		c.leave()
		if c.selected = n; n > 0 {
			c.applet = &c.applets[c.apps[n-1].account]
		}
	}
	return ready(cmd, answer)
}
