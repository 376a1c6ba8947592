package cryptogram

import "fmt"

// Tree is the shape of the session key tree of EMV2000. The usual shapes are
// branch 4 with height 8, and branch 2 with height 16.
type Tree struct {
	Branch int
	Height int
	IV     [16]byte // zero unless the issuer says otherwise
}

// DefaultTree is branch 4, height 8, initial value zero.
var DefaultTree = Tree{Branch: 4, Height: 8}

// SessionKey derives the session key of a transaction by walking the tree from
// the card key down to the leaf of the ATC (EMV2000 Book 2, A1.3). It comes
// parity-adjusted. A shape that has fewer leaves than there are ATCs is an
// error.
func (t Tree) SessionKey(card *Key, atc uint16) (*Key, error) {
	if card.algorithm != TDES || card.length != 16 {
		return nil, fmt.Errorf("the session key tree grows from a double-length 3DES key, not %s", card)
	}
	path, err := t.path(int(atc))
	if err != nil {
		return nil, err
	}
	grandparent, parent := t.IV, card
	for _, j := range path[:t.Height-1] {
		node, err := NewKey(TDES, treeNode(parent, grandparent, j%t.Branch))
		if err != nil {
			return nil, err
		}
		grandparent, parent = [16]byte(parent.raw()), node
	}
	leaf := treeNode(parent, grandparent, path[t.Height-1]%t.Branch)
	xor(leaf, grandparent[:])
	AdjustParity(leaf)
	return NewKey(TDES, leaf)
}

// treeNode is the node below parent: both halves of the grandparent, marked
// with the number of the branch and told apart by F0, under the parent.
func treeNode(parent *Key, grandparent [16]byte, branch int) []byte {
	out := grandparent[:]
	out[7] ^= byte(branch)
	out[15] ^= byte(branch) ^ 0xF0
	parent.EncryptBlock(out[:8], out[:8])
	parent.EncryptBlock(out[8:], out[8:])
	return out
}

// path is the node's number on each level from the first to the leaf.
func (t Tree) path(atc int) ([]int, error) {
	if t.Branch < 2 || t.Branch > 256 || t.Height < 2 || t.Height > 16 {
		return nil, fmt.Errorf("session key tree of branch %d and height %d, want 2 to 256 and 2 to 16", t.Branch, t.Height)
	}
	path := make([]int, t.Height)
	for level := t.Height - 1; level >= 0; level-- {
		path[level] = atc
		atc /= t.Branch
	}
	if path[0] >= t.Branch {
		return nil, fmt.Errorf("session key tree of branch %d and height %d has no leaf for this ATC", t.Branch, t.Height)
	}
	return path, nil
}
