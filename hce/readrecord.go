package hce

import "tapsim/apdu"

// readRecord answers READ RECORD (EMV Book 3, 6.5.11): record P1 of the short
// file in the high five bits of P2. A card that has selected no application has
// no files: 6985. Records may be read before GET PROCESSING OPTIONS and more
// than once, as readers do.
func (c *Card) readRecord(cmd apdu.Command) []byte {
	sfi := int(cmd.P2 >> 3)
	switch {
	case cmd.P2&7 != 4:
		return status(apdu.StatusWrongP1P2)
	case len(cmd.Data) != 0:
		return status(apdu.StatusWrongLength)
	case c.state.Selected == 0:
		return status(apdu.StatusConditions)
	case sfi >= len(c.static.files) || len(c.static.files[sfi]) == 0:
		return status(apdu.StatusFileNotFound)
	}
	file, n := c.static.files[sfi], int(cmd.P1)
	if n == 0 || n > len(file) || file[n-1] == nil {
		return status(apdu.StatusRecordNotFound)
	}
	return reply(cmd, file[n-1], apdu.StatusOK)
}
