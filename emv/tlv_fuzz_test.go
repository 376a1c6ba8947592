package emv

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzTLV(f *testing.F) {
	for _, s := range []string{ppse, "9F270180FF", "00", "70039F3602", "8283000001AA", "BF81FF7F00", "FF008100", "FFFF00810101"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := Parse(data)
		if err != nil {
			var damage *TLVError
			require.ErrorAs(t, err, &damage)
			require.GreaterOrEqual(t, damage.Offset, 0)
			require.LessOrEqual(t, damage.Offset, len(data))
			require.False(t, wellFormed(data, 1))
			return
		}
		require.True(t, wellFormed(data, 1))
		require.True(t, bytes.Equal(data, tree.Append(nil)))
		i := 0
		s := Scan(data)
		for ; s.Next(); i++ {
			require.Equal(t, tree.Nodes[i].Object, s.Object())
		}
		require.NoError(t, s.Err())
		require.Len(t, tree.Nodes, i)
		l, err := ParseList(data)
		require.NoError(t, err)
		again, err := ParseList(l.Append(nil))
		require.NoError(t, err)
		require.Len(t, again, len(l))
		for i := range l {
			require.Equal(t, l[i].Tag, again[i].Tag)
			require.True(t, bytes.Equal(l[i].Value, again[i].Value))
		}
	})
}

func FuzzDOL(f *testing.F) {
	f.Add(unhex(f, visaPDOL), []byte{1, 2, 3})
	f.Add(unhex(f, "9F"), []byte{})
	f.Fuzz(func(t *testing.T, list, value []byte) {
		d, err := ParseDOL(list)
		if err != nil {
			return
		}
		require.Equal(t, upperHex(list), upperHex(d.Append(nil)))
		var source List
		for _, e := range d {
			source.Set(e.Tag, value)
		}
		data := d.AppendData(nil, source)
		require.Len(t, data, d.Length())
		objects, err := d.Split(data)
		require.NoError(t, err)
		require.Equal(t, upperHex(data), upperHex(d.AppendData(nil, firstOf(objects))))
		for _, e := range d {
			v, found := d.Value(data, e.Tag)
			require.True(t, found)
			w, _ := objects.Lookup(e.Tag)
			require.Equal(t, w, v)
		}
	})
}

// firstOf is a list as a source; a tag that stands twice with two lengths has
// the same value cut twice, so the longest serves.
func firstOf(l List) List {
	var out List
	for _, o := range l {
		if have, found := out.Lookup(o.Tag); !found || len(have) < len(o.Value) {
			out.Set(o.Tag, o.Value)
		}
	}
	return out
}
