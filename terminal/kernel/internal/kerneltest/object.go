package kerneltest

import "slices"

// Object is a data object of a card as tables write it: its tag and its value,
// both in hex. An array, so that tables elsewhere may leave out field names.
type Object [2]string

// Tag is the object's tag.
func (o Object) Tag() string { return o[0] }

// Value is its value.
func (o Object) Value() string { return o[1] }

// With is base with values replaced, added, or removed where the value is "-".
func With(base []Object, changes ...Object) []Object {
	out := slices.Clone(base)
	for _, c := range changes {
		at := slices.IndexFunc(out, func(o Object) bool { return o.Tag() == c.Tag() })
		switch {
		case c.Value() == "-" && at >= 0:
			out = slices.Delete(out, at, at+1)
		case c.Value() == "-":
		case at >= 0:
			out[at] = c
		default:
			out = append(out, c)
		}
	}
	return out
}
