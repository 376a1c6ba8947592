package issuer

import (
	"sync"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// maxCachedKeys bounds each of the key ring's maps; a full map starts again.
const maxCachedKeys = 1 << 16

// keyring keeps derived keys with their schedules: deriving a card key costs
// more than the cryptogram made with it.
type keyring struct {
	mu      sync.RWMutex
	cards   map[cardKeyID]*cryptogram.Key
	limited map[limitedKeyID]*cryptogram.Key
}

type cardKeyID struct {
	set string
	pan emv.PAN
	psn string
}

type limitedKeyID struct {
	card  cardKeyID
	index cryptogram.KeyIndex
}

// card gives the card key for application cryptograms.
func (r *keyring) card(set *KeySet, pan emv.PAN, psn string) (*cryptogram.Key, error) {
	id := cardKeyID{set.Name, pan, psn}
	r.mu.RLock()
	k := r.cards[id]
	r.mu.RUnlock()
	if k != nil {
		return k, nil
	}
	k, err := cryptogram.DeriveCardKey(set.AC, set.Method, string(pan), psn)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	remember(&r.cards, id, k)
	return k, nil
}

// limitedUse gives a limited-use key of a token.
func (r *keyring) limitedUse(set *KeySet, pan emv.PAN, psn string, index cryptogram.KeyIndex) (*cryptogram.Key, error) {
	id := limitedKeyID{cardKeyID{set.Name, pan, psn}, index}
	r.mu.RLock()
	k := r.limited[id]
	r.mu.RUnlock()
	if k != nil {
		return k, nil
	}
	card, err := r.card(set, pan, psn)
	if err != nil {
		return nil, err
	}
	if k, err = cryptogram.LimitedUseKey(card, index); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	remember(&r.limited, id, k)
	return k, nil
}

func remember[K comparable](m *map[K]*cryptogram.Key, id K, k *cryptogram.Key) {
	if *m == nil || len(*m) >= maxCachedKeys {
		*m = make(map[K]*cryptogram.Key)
	}
	(*m)[id] = k
}
