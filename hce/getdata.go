package hce

import (
	"tapsim/apdu"
	"tapsim/emv"
)

// getData answers GET DATA (EMV Book 3, 6.5.7): the transaction counter, and
// what the profile lists, among it what an M/Chip card may still approve
// offline (EMV Book C-2); anything else is 6A88.
func (c *Card) getData(cmd apdu.Command) []byte {
	switch {
	case len(cmd.Data) != 0:
		return status(apdu.StatusWrongLength)
	case c.state.Selected == 0:
		return status(apdu.StatusConditions)
	}
	tag := emv.Tag(cmd.P1)<<8 | emv.Tag(cmd.P2)
	if tag == emv.TagATC {
		return reply(cmd, []byte{0x9F, 0x36, 2, byte(c.state.ATC >> 8), byte(c.state.ATC)}, apdu.StatusOK)
	}
	if tag == emv.TagOfflineBalance && c.static.balance {
		value := emv.AppendBCD([]byte{0x9F, 0x50, 6}, uint64(c.static.mchip.balance(&c.state.MChip)), 6)
		return reply(cmd, value, apdu.StatusOK)
	}
	for i := range c.static.data {
		if c.static.data[i].Tag == tag {
			return reply(cmd, c.static.data[i].Value, apdu.StatusOK)
		}
	}
	return status(apdu.StatusReferencedDataNotFound)
}
