package emv

import "fmt"

// Node is a data object with its place in a tree.
type Node struct {
	Object
	Padding  []byte // before the object
	Children []Node // of a constructed object
	Trailing []byte // padding after the last child
}

// Tree is TLV data parsed through all levels. Append gives back exactly the
// bytes that were parsed.
type Tree struct {
	Nodes    []Node
	Trailing []byte // padding after the last object
}

// Parse reads all levels of b. Values alias b. Every byte is accounted for:
// what is neither an object nor padding is a *TLVError with its offset.
func Parse(b []byte) (Tree, error) {
	nodes, trailing, err := parseLevel(b, 0, 1)
	return Tree{nodes, trailing}, err
}

func parseLevel(b []byte, base, depth int) (nodes []Node, trailing []byte, err error) {
	if depth > MaxDepth {
		return nil, nil, &TLVError{base, fmt.Sprintf("objects nest deeper than %d levels", MaxDepth)}
	}
	s := scanAt(b, base)
	for s.Next() {
		n := Node{Object: s.Object(), Padding: s.Padding()}
		if n.Tag.Constructed() {
			n.Children, n.Trailing, err = parseLevel(n.Value, n.Offset+len(n.Header), depth+1)
			if err != nil {
				return nodes, nil, err
			}
		}
		nodes = append(nodes, n)
	}
	return nodes, s.Padding(), s.Err()
}

// Append appends the tree to dst, byte for byte as it was read: headers in the
// form they had, padding where it was.
func (t Tree) Append(dst []byte) []byte {
	return append(appendNodes(dst, t.Nodes), t.Trailing...)
}

func appendNodes(dst []byte, nodes []Node) []byte {
	for i := range nodes {
		n := &nodes[i]
		dst = append(dst, n.Padding...)
		dst = append(dst, n.Header...)
		if !n.Tag.Constructed() {
			dst = append(dst, n.Value...)
			continue
		}
		dst = append(appendNodes(dst, n.Children), n.Trailing...)
	}
	return dst
}

func appendZeros(dst []byte, n int) []byte {
	for ; n > 0; n-- {
		dst = append(dst, 0)
	}
	return dst
}
