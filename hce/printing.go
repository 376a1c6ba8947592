package hce

import (
	"fmt"
	"io"
)

// Format prints the card's name, whatever the verb: a card holds keys.
func (c *Card) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "card "+c.name) }
