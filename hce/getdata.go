package hce

import (
	"tapsim/apdu"
	"tapsim/emv"
)

// getData answers GET DATA (EMV Book 3, 6.5.7): the transaction counter, and
// what the profile lists, among it what the card may still approve offline;
// anything else is 6A88.
func (c *Card) getData(cmd apdu.Command) []byte {
	switch {
	case len(cmd.Data) != 0:
		return status(apdu.StatusWrongLength)
	case c.selected == 0:
		return status(apdu.StatusConditions)
	}
	tag := emv.Tag(cmd.P1)<<8 | emv.Tag(cmd.P2)
	if tag == emv.TagATC {
		return reply(cmd, []byte{0x9F, 0x36, 2, byte(c.state.ATC >> 8), byte(c.state.ATC)}, apdu.StatusOK)
	}
	if repeated(c.static.balances, tag) {
		value := emv.AppendBCD(nil, uint64(c.balance()), 6)
		return reply(cmd, emv.AppendTLV(nil, tag, value), apdu.StatusOK)
	}
	for i := range c.static.data {
		if c.static.data[i].Tag == tag {
			return reply(cmd, c.static.data[i].Value, apdu.StatusOK)
		}
	}
	return status(apdu.StatusReferencedDataNotFound)
}

// isBalance is true for the tags that tell what may still be spent offline: 9F50
// of M/Chip (EMV Book C-2), 9F5D of qVSDC and qPBOC, 9F79 of a purse.
func (p *Profile) isBalance(tag emv.Tag) bool {
	switch tag {
	case emv.TagOfflineBalance:
		return p.MChip != nil && p.MChip.Counters != nil
	case emv.TagAOSA:
		return p.settings() != nil && p.spends()
	case emv.TagECashBalance:
		return p.QPBOC != nil && p.QPBOC.ECash != nil
	}
	return false
}

// balance is what may still be spent offline, in minor units.
func (a *applet) balance() int64 { return a.balanceOf(&a.state.Offline) }

func (s *static) balanceOf(o *OfflineState) int64 {
	switch {
	case s.ecash != nil:
		return s.ecash.Balance - o.Amount
	case s.mchip != nil:
		return max(0, s.mchip.Counters.UpperAmount-o.Amount)
	case s.qvsdc.Counters != nil:
		return max(0, s.qvsdc.Counters.UpperAmount-o.Amount)
	}
	return 0
}
