package transcript

import "tapsim/emv"

type tagContext struct {
	Scheme   emv.Scheme
	Kernel   byte
	Template emv.Tag
}

// value explains the value of a tag: a part without a place yet.
func (e *Explainer) value(tag emv.Tag, value []byte, template emv.Tag) Part {
	return Part{Tag: tag.String(), Name: tag.String(), Value: hexOf(value)}
}
