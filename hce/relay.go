package hce

import (
	"encoding/binary"
	"io"

	"tapsim/apdu"
	"tapsim/emv"
)

// maxRelayExchanges is the first exchange and two repetitions (EMV Book C-2).
const maxRelayExchanges = 3

// entropyLength is that of the numbers which terminal and card exchange.
const entropyLength = 4

// RelayState is what the last EXCHANGE RELAY RESISTANCE DATA of a transaction
// said, for the signature: terminal and device entropy, three times.
type RelayState struct {
	Exchanges byte
	Data      [14]byte
}

// exchangeRelayData answers EXCHANGE RELAY RESISTANCE DATA (EMV Book C-2): a
// number of the card's own for that of the terminal, and how fast the card is.
func (c *Card) exchangeRelayData(cmd apdu.Command) []byte {
	times, relay := c.static.mchip.Relay, &c.state.MChip.Relay
	switch {
	case cmd.P1 != 0 || cmd.P2 != 0:
		return status(apdu.StatusWrongP1P2)
	case len(cmd.Data) != entropyLength || !fits(cmd, 2+len(relay.Data)-entropyLength):
		return status(apdu.StatusWrongLength)
	case !c.open() || relay.Exchanges == maxRelayExchanges:
		return status(apdu.StatusConditions)
	}
	next := RelayState{Exchanges: relay.Exchanges + 1}
	copy(next.Data[:], cmd.Data)
	if _, err := io.ReadFull(c.env.Rand, next.Data[entropyLength:2*entropyLength]); err != nil {
		return c.fail()
	}
	binary.BigEndian.PutUint16(next.Data[8:], times.Min)
	binary.BigEndian.PutUint16(next.Data[10:], times.Max)
	binary.BigEndian.PutUint16(next.Data[12:], times.Answer)
	*relay = next
	out := make([]byte, 0, 2+10+2)
	return apdu.StatusOK.Append(emv.AppendTLV(out, emv.TagResponseFormat1, next.Data[entropyLength:]))
}
