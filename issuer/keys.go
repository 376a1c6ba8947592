package issuer

import (
	"fmt"
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

// keyIndexOf reads the index of the limited-use key from issuer application
// data of Visa format 4: bytes 6 to 9 of the discretionary data. Where it
// stands is this project's choice.
func keyIndexOf(iad []byte) (cryptogram.KeyIndex, error) {
	parsed, err := emv.ParseIAD(emv.SchemeVisa, iad)
	if err != nil {
		return cryptogram.KeyIndex{}, err
	}
	if parsed.Format != emv.IADVisa24 || len(parsed.IDD) < 9 {
		return cryptogram.KeyIndex{}, fmt.Errorf("issuer application data of layout %s hold no key index", parsed.Format)
	}
	return cryptogram.ParseKeyIndex(parsed.IDD[5:9])
}
