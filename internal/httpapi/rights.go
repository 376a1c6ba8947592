package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
)

// Right is what an API key opens.
type Right string

// Rights. Each opens the OpenAPI document, too.
const (
	RightAll     Right = "all"
	RightBank    Right = "bank"    // /v1/bank/: accounts, money, and the one-time codes in inboxes
	RightMetrics Right = "metrics" // /metrics
	RightPhone   Right = "phone"   // /v1/phone/: the token service
)

// paths are what the rights open: all below a path that ends in a slash.
var paths = map[Right]string{RightAll: "/", RightBank: "/v1/bank/", RightMetrics: "/metrics", RightPhone: "/v1/phone/"}

// documentPath is open to each key.
const documentPath = "/openapi.json"

// opens is true for a path that the right reaches.
func (r Right) opens(path string) bool {
	mine := paths[r]
	return path == documentPath || path == mine || strings.HasSuffix(mine, "/") && strings.HasPrefix(path, mine)
}

// Key is an API key of a service. It shows its right only.
type Key struct {
	Right Right
	Text  string
}

// String implements fmt.Stringer.
func (k Key) String() string { return "a key with the right " + string(k.Right) }

// GoString implements fmt.GoStringer.
func (k Key) GoString() string { return k.String() }

// maxKeys bounds the keys of a service.
const maxKeys = 1000

// ParseKeys reads keys, one a line: its right and the key, or a key alone, which
// opens everything. Errors name the line, and nothing that stands in it.
func ParseKeys(text string) ([]Key, error) {
	var keys []Key
	for n, line := range strings.Split(text, "\n") {
		k := Key{Right: RightAll}
		switch words := strings.Fields(line); len(words) {
		case 0:
			continue
		case 1:
			k.Text = words[0]
		case 2:
			k.Right, k.Text = Right(words[0]), words[1]
		default:
			return nil, fmt.Errorf("line %d: want a right and a key, or a key alone", n+1)
		}
		if err := k.check(); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		if slices.ContainsFunc(keys, func(had Key) bool { return had.Text == k.Text }) {
			return nil, fmt.Errorf("line %d: this key came before", n+1)
		}
		keys = append(keys, k)
	}
	switch {
	case len(keys) == 0:
		return nil, fmt.Errorf("there is no key in it")
	case len(keys) > maxKeys:
		return nil, fmt.Errorf("%d keys, at most %d", len(keys), maxKeys)
	}
	return keys, nil
}

func (k *Key) check() error {
	if _, ok := paths[k.Right]; !ok {
		return fmt.Errorf("a key's right is all, bank, metrics or phone")
	}
	return CheckKey(k.Text)
}

// keyring finds the right of a key that was sent, in a time that tells nothing of
// the keys.
type keyring []struct {
	digest [sha256.Size]byte
	right  Right
}

func newKeyring(keys []Key) (ring keyring, err error) {
	for n := range keys {
		if err := keys[n].check(); err != nil {
			return nil, err
		}
		ring = append(ring, struct {
			digest [sha256.Size]byte
			right  Right
		}{sha256.Sum256([]byte(keys[n].Text)), keys[n].Right})
	}
	return ring, nil
}

// rightOf is the right of a key, "" of one that is not in the ring.
func (ring keyring) rightOf(sent string) Right {
	digest, found := sha256.Sum256([]byte(sent)), 0
	for n := range ring {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(digest[:], ring[n].digest[:]), n+1, found)
	}
	if found == 0 {
		return ""
	}
	return ring[found-1].right
}
