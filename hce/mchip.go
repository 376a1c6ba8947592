package hce

import (
	"time"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
)

// MChip are the settings of the behaviour at kernel 2: which of its choices an
// M/Chip card makes. The lists that the terminal fills (8C, 9F69, 9F51) and the
// bitmaps of mag-stripe mode stand in the profile's Data.
type MChip struct {
	AIP       emv.AIP
	AFL       []byte
	Country   [2]byte // BCD; a terminal in it is domestic
	Actions   ActionCodes
	Counters  *OfflineCounters // nil for a card that counts nothing
	Device    *Device          // nil for a card that cannot verify; Verifier is not used
	Relay     *RelayTimes      // nil for a card without relay resistance
	MagStripe *MagStripe       // nil for a card without mag-stripe mode
}

// ActionCodes are the card issuer action codes of the contactless interface:
// bits of bytes 4 to 6 of the card verification results that decide.
type ActionCodes struct {
	Decline [3]byte // decline, whatever the terminal asks for
	Online  [3]byte // go online where the terminal would approve
	Default [3]byte // decline where the terminal would approve and cannot go online
}

// OfflineCounters are the limits of what a card approves offline. Amounts are
// minor units and count in Currency only.
type OfflineCounters struct {
	Currency    [2]byte // BCD
	LowerCount  byte    // transactions in a row
	UpperCount  byte
	LowerAmount int64 // in all
	UpperAmount int64
	MaxAmount   int64 // of one transaction
}

// RelayTimes are what a card says about its own speed in the relay resistance
// protocol, in units of 100 microseconds (EMV Book C-2).
type RelayTimes struct {
	Min, Max uint16 // of processing
	Answer   uint16 // of the answer's transmission
}

// MagStripe are the settings of mag-stripe mode.
type MagStripe struct {
	Key *cryptogram.Key // card key for CVC3; nil for a card with single-use keys, which serve here too
}

// mchip is what New prepares of the behaviour.
type mchip struct {
	MChip
	options  []byte // answer to GET PROCESSING OPTIONS, with status word
	iad      []byte // as personalised
	cdol     cdolLayout
	drdol    []span // where the values of the DRDOL stand in those of CDOL1; nil without recovery
	udol     udolLayout
	tracks   staticTracks
	longest  int  // answer to GENERATE AC, without status word
	signsAAC bool // CDA over an AAC too
}

// instructions are the commands of the behaviour; what the card was not made
// for it does not know.
func (m *mchip) instructions() []instruction {
	out := []instruction{{0x80, 0xA8, (*Card).initiate}}
	if m.AIP.Has(emv.AIPEMVMode) {
		out = append(out, instruction{0x80, 0xAE, (*Card).generateAC})
	}
	if m.drdol != nil {
		out = append(out, instruction{0x80, 0xD0, (*Card).recoverAC})
	}
	if m.Relay != nil {
		out = append(out, instruction{0x80, 0xEA, (*Card).exchangeRelayData})
	}
	if m.MagStripe != nil {
		out = append(out, instruction{0x80, 0x2A, (*Card).computeChecksum})
	}
	return out
}

// MChipState is what an M/Chip card remembers besides. Slices in it are never
// changed in place.
type MChipState struct {
	PDOL  []byte // values as sent with the last GET PROCESSING OPTIONS
	Done  bool   // the cryptogram since then was made
	Relay RelayState

	Answer StoredAnswer
}

// initiate answers GET PROCESSING OPTIONS (EMV Book 3, 6.5.8) with AIP and AFL
// alone: the counter rises, and the decision comes with GENERATE AC. Data that
// the PDOL does not ask for are a wrong length, as the CDOL's are.
func (c *Card) initiate(cmd apdu.Command) []byte {
	m := c.static.mchip
	if cmd.P1 != 0 || cmd.P2 != 0 {
		return status(apdu.StatusWrongP1P2)
	}
	data, sw := pdolData(cmd.Data, c.static.pdol.length)
	switch {
	case sw == apdu.StatusWrongLength || sw == apdu.StatusDataInvalidated || !fits(cmd, len(m.options)-2):
		return status(apdu.StatusWrongLength)
	case c.selected == 0 || c.state.Initiated:
		return status(apdu.StatusConditions)
	case !sw.OK():
		return status(sw)
	}
	if reason := c.begin(); reason != ReasonOpen {
		return status(apdu.StatusConditions)
	}
	c.state.MChip.PDOL = append([]byte(nil), data...)
	return append([]byte(nil), m.options...)
}

// begin starts a transaction: it takes the next value of the counter, which for
// single-use keys is that of the next key, or says why there is none.
func (c *Card) begin() Reason {
	now := c.env.Now()
	key, reason := c.nextKey(now, [6]byte{})
	switch {
	case c.state.Lock != LockNone:
		reason = ReasonBlocked
	case c.state.ATC == lastATC:
		reason = ReasonATC
	case reason == ReasonNone:
		reason = ReasonOpen
		c.state.ATC = max(c.state.ATC+1, c.state.Keys[key].ATC)
		if c.state.ATC == lastATC {
			reason = ReasonATC
		}
	}
	c.tapped, c.last = true, Tap{Time: now, ATC: c.state.ATC, Status: apdu.StatusConditions, Reason: reason}
	if reason == ReasonOpen {
		c.last.Status = apdu.StatusOK
		c.state.Initiated, c.state.MChip.Done, c.state.MChip.Relay = true, false, RelayState{}
	}
	return reason
}

// open is true between GET PROCESSING OPTIONS and the cryptogram.
func (c *Card) open() bool {
	return c.state.Initiated && !c.state.MChip.Done && c.state.Lock == LockNone
}

// transactionKey is the key for the cryptogram of the open transaction; nil
// when the owner took it away meanwhile.
func (c *Card) transactionKey() *Key {
	for i := range c.state.Keys {
		if k := &c.state.Keys[i]; k.Uses > 0 && (k.ATC == 0 || k.ATC == c.state.ATC) {
			return k
		}
	}
	return nil
}

// conclude ends the transaction: one cryptogram, one key, and where the device
// showed a verification for this payment only, that is used up.
func (c *Card) conclude(key *Key, cvm CVM, amount [6]byte, kind emv.CryptogramType) {
	c.state.MChip.Done = true
	key.use(amount, kind)
	if kind != emv.AAC {
		c.spend(amount, cvm == CVMConsumerDevice)
	}
	if d := c.static.mchip.Device; d != nil && d.Window == SingleUse && cvm == CVMConsumerDevice {
		c.verifiedUntil = time.Time{}
	}
	c.commits++
}

// fail answers what no terminal can cause: keys or randomness that do not work.
func (c *Card) fail() []byte {
	c.last.Status, c.last.Reason = apdu.StatusUnknown, ReasonFault
	return status(apdu.StatusUnknown)
}
