package c2

import (
	"tapsim/terminal/kernel"
)

// DefaultPhoneMessages is the phone message table DF8131 of a terminal without
// one (EMV Book C-2, Table 4.4): whatever the phone wants, the customer looks
// at it; the last entry fits all.
var DefaultPhoneMessages = []byte{
	0x00, 0x00, 0x01, 0x00, 0x00, 0x01, byte(kernel.MessageSeePhone), 0x00,
	0x00, 0x08, 0x00, 0x00, 0x08, 0x00, byte(kernel.MessageSeePhone), 0x00,
	0x00, 0x04, 0x00, 0x00, 0x04, 0x00, byte(kernel.MessageSeePhone), 0x00,
	0x00, 0x01, 0x00, 0x00, 0x01, 0x00, byte(kernel.MessageSeePhone), 0x00,
	0x00, 0x02, 0x00, 0x00, 0x02, 0x00, byte(kernel.MessageSeePhone), 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, byte(kernel.MessageNotAuthorised), 0x00,
}

// phoneEntry is the length of an entry: mask 3, value 3, message, status.
const phoneEntry = 8

// uiEntry is what an entry shows.
type uiEntry struct {
	message kernel.MessageID
	status  kernel.Status
}

// validPhoneMessages is true for whole entries of which the last fits all.
func validPhoneMessages(table []byte) bool {
	if len(table) == 0 || len(table)%phoneEntry != 0 {
		return false
	}
	last := table[len(table)-phoneEntry:]
	return [6]byte(last) == [6]byte{}
}

// Bits of the POS cardholder interaction information (DF4B).
const (
	onDeviceVerified = 0x10 // byte 2: on-device verification successful
	tapAgain2        = 0x03 // byte 2: the phone asks for an acknowledgement or a verification
	tapAgain3        = 0x0F // byte 3: the wallet asks for a second tap
)

// wantsSecondTap is true when the phone wants its user, and looks up what the
// terminal shows (EMV Book C-2, S910.71 and S910.73).
func (r *run) wantsSecondTap() bool {
	info := r.card[slotInteraction]
	if len(info) != 3 || info[1]&tapAgain2 == 0 && info[2]&tapAgain3 == 0 {
		return false
	}
	for table := r.set.phone; len(table) >= phoneEntry; table = table[phoneEntry:] {
		if table[0]&info[0] == table[3] && table[1]&info[1] == table[4] && table[2]&info[2] == table[5] {
			r.phone = uiEntry{kernel.MessageID(table[6]), kernel.Status(table[7])}
			break
		}
	}
	return true
}
