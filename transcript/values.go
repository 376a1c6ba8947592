package transcript

import (
	"bytes"

	"tapsim/emv"
)

// Values are the data objects of a session, the first value of each tag: sent
// holds what the terminal put into commands for the card's lists, received what
// the card answered.
func Values(t *Transcript) (sent, received emv.List) {
	walk(clone(t), func(m *message) {
		into := &received
		if m.command {
			into = &sent
		}
		m.eachElement(func(p *Part, tag emv.Tag, value []byte) bool {
			if tag == 0 || len(p.Parts) > 0 {
				return false
			}
			if _, there := into.Lookup(tag); !there && len(*into) < maxElements {
				into.Set(tag, bytes.Clone(value))
			}
			return true
		})
	})
	return sent, received
}

// maxElements bounds the different tags of a session.
const maxElements = 1_000
