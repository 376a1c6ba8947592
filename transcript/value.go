package transcript

import "tapsim/emv"

// ExplainValue explains the value of one tag, without tag and length.
func ExplainValue(tag emv.Tag, value []byte, ctx emv.Context, reveal bool) Part {
	e := NewExplainer(reveal)
	e.context = ctx
	return e.bare(tag, value, 0)
}
