package pin

import (
	"fmt"

	"tapsim/cryptogram"
)

// ScriptVIS is the clear PIN block that changes a PIN by issuer script on Visa
// cards: length and PIN over bytes 5 to 8 of the card's cryptogram key, over
// the current PIN too when that is not empty (P2 of the command is 01 then,
// otherwise 02). card is parity-adjusted: its bytes enter the block.
func ScriptVIS(pin, current string, card *cryptogram.Key) ([]byte, error) {
	if err := checkPIN(pin); err != nil {
		return nil, err
	}
	if card.Algorithm() != cryptogram.TDES || card.Len() < 8 {
		return nil, fmt.Errorf("a VIS PIN block needs the card's 3DES key, not %s", card)
	}
	block := make([]byte, 8)
	block[0] = byte(len(pin))
	setDigits(block, 2, pin)
	for i := 2 + len(pin); i < 16; i++ {
		setNibble(block, i, 0xF)
	}
	copy(block[4:], xor(block[4:], card.Reveal()[4:8]))
	if current == "" {
		return block, nil
	}
	if err := checkPIN(current); err != nil {
		return nil, err
	}
	old := make([]byte, 8)
	setDigits(old, 0, current)
	return xor(block, old), nil
}
