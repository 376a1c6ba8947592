package transcript

import "tapsim/emv"

// ExplainValue explains the value of one tag, without tag and length.
func ExplainValue(tag emv.Tag, value []byte, ctx emv.Context, reveal bool) Part {
	e := NewExplainer(reveal)
	e.context = ctx
	if len(value) < 0x80 { // longer ones hold no account number
		e.meet(emv.AppendTLV(nil, tag, value))
	}
	e.reveal = e.shows()
	return e.bare(tag, value, 0)
}
