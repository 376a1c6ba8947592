package hce

import "tapsim/apdu"

// readRecord answers READ RECORD (EMV Book 3, 6.5.11): record P1 of the short
// file in the high five bits of P2. A card that has selected no application has
// no files: 6985. Records may be read before GET PROCESSING OPTIONS and more
// than once, as readers do; but one that holds values of a transaction is not
// there without one: 6985.
func (c *Card) readRecord(cmd apdu.Command) []byte {
	sfi := int(cmd.P2 >> 3)
	switch {
	case cmd.P2&7 != 4:
		return status(apdu.StatusWrongP1P2)
	case len(cmd.Data) != 0:
		return status(apdu.StatusWrongLength)
	case c.selected == 0:
		return status(apdu.StatusConditions)
	case sfi >= len(c.static.files) || len(c.static.files[sfi]) == 0:
		return status(apdu.StatusFileNotFound)
	}
	data, ok := c.record(byte(sfi), cmd.P1)
	if !ok {
		return status(apdu.StatusRecordNotFound)
	}
	t := &c.static.files[sfi][cmd.P1-1]
	if len(t.holes) > 0 {
		if data = c.filled(byte(sfi), cmd.P1); data == nil {
			return status(apdu.StatusConditions)
		}
	}
	if fits(cmd, len(data)) {
		c.payAt(place{byte(sfi), cmd.P1})
	}
	if len(t.holes) == 0 {
		return ready(cmd, t.answer)
	}
	return reply(cmd, data, apdu.StatusOK)
}

// filled is a record with the values of the transaction; nil where there is
// none that names it.
func (c *Card) filled(sfi, number byte) []byte {
	for i := range c.state.Tap.Records {
		if r := &c.state.Tap.Records[i]; r.SFI == sfi && r.Number == number {
			return r.Data
		}
	}
	return nil
}
