package iso8583

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// contents are a message's fields by number, on their way to or from the wire.
type contents struct {
	value   [129]string
	present bitset
	raw     bitset // the value is bytes, not text
}

// bitset is a set of field numbers.
type bitset [3]uint64

func (s *bitset) add(number int)      { s[number>>6] |= 1 << (number & 63) }
func (s *bitset) has(number int) bool { return s[number>>6]&(1<<(number&63)) != 0 }

// beyond64 is true if a field needs the second bitmap. Field 128 does not
// count: a MAC stands there only because of others.
func (s *bitset) beyond64() bool { return s[1]&^1 != 0 }

func (c *contents) put(number int, value string, raw bool) {
	c.value[number] = value
	c.present.add(number)
	if raw {
		c.raw.add(number)
	}
}

// fill takes the fields out of m, amounts without leading zeros. It checks no
// values, only that each can be said in digits and that no field is there twice.
func (c *contents) fill(m *Message) error {
	for number := range members {
		switch mem := &members[number]; {
		case mem.text != nil:
			if s := *mem.text(m); s != "" {
				c.put(number, s, false)
			}
		case mem.data != nil:
			if d := *mem.data(m); d != nil {
				c.put(number, string(d), true)
			}
		case mem.amount != nil:
			if err := c.fillAmount(number, *mem.amount(m)); err != nil {
				return err
			}
		}
	}
	for _, number := range slices.Sorted(maps.Keys(m.Other)) {
		switch {
		case number < 2 || number >= len(fields) || number == 65:
			return wrong(number, "is not a field that a message can carry by number")
		case c.present.has(number):
			return wrong(number, "is there twice, by name and by number")
		}
		c.put(number, m.Other[number], false)
	}
	if m.MAC != nil {
		number := c.macField()
		if c.present.has(number) {
			return wrong(number, "is there twice, by name and by number")
		}
		c.put(number, string(m.MAC), true)
	}
	return nil
}

func (c *contents) fillAmount(number int, amount *int64) error {
	switch {
	case amount == nil:
		return nil
	case *amount < 0:
		return wrong(number, "is negative; the sign of a payment is its processing code")
	}
	c.put(number, strconv.FormatInt(*amount, 10), false)
	return nil
}

// macField is where the MAC stands: in the last field of the last bitmap (ISO
// 8583:1987, 4.2).
func (c *contents) macField() int {
	if c.present.beyond64() {
		return 128
	}
	return 64
}

// spread puts the fields into m. An amount of zero digits, a value without a
// named place, and an empty one go to Other, so that nothing is lost.
func (c *contents) spread(m *Message) {
	mac := c.macField()
	for number := 2; number < len(fields); number++ {
		if !c.present.has(number) {
			continue
		}
		value := c.value[number]
		mem := members[number]
		switch raw := c.raw.has(number); {
		case number == mac && raw:
			m.MAC = []byte(value)
		case mem.data != nil && raw:
			*mem.data(m) = []byte(value)
		case mem.text != nil && !raw && value != "":
			*mem.text(m) = value
		case mem.amount != nil && !raw && value != "":
			minor, _ := strconv.ParseInt(value, 10, 64)
			*mem.amount(m) = &minor
		default:
			if raw {
				value = fmt.Sprintf("%X", value)
			}
			if m.Other == nil {
				m.Other = map[int]string{}
			}
			m.Other[number] = value
		}
	}
}

// unhex turns hex digits into bytes.
func unhex(digits string) (string, bool) {
	raw, err := hex.DecodeString(digits)
	return string(raw), err == nil
}
