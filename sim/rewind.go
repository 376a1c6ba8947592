package sim

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/issuer"
	issuerconfig "tapsim/issuer/config"
	"tapsim/provisioning"
	"tapsim/transcript"
)

// recordedCard makes the card of a recording as it was before the first tap:
// the header gives its counter and, for a phone, which limited-use key it had.
// The second result says why that is not possible.
func (w *World) recordedCard(ctx context.Context, t *transcript.Transcript) (*hce.Card, string) {
	atc, err := strconv.ParseUint(t.Value("atc"), 16, 16)
	if err != nil {
		why := "the header has no atc, so the card cannot be made again"
		if atc, _ := answered(t, emv.TagATC); len(atc) == 2 {
			why += "; with --substitute it is taken from the recorded answers"
		}
		return nil, why
	}
	keys := hce.CardKey(w.Profile.CardKey)
	switch {
	case w.Profile.SingleUse:
		keys, err = w.counterKeys(ctx, uint16(atc))
	case w.Profile.CardKey == nil:
		keys, err = w.recordedKey(ctx, t.Value("key-index"))
	}
	if err != nil {
		return nil, err.Error()
	}
	card, err := hce.New(w.card.Profile(), hce.Env{Now: w.Clock.Now, Rand: stream(w.seed, "phone"), Keys: keys})
	if err != nil {
		return nil, err.Error()
	}
	state := card.State()
	state.ATC = uint16(atc)
	if err := card.Restore(state); err != nil {
		return nil, err.Error()
	}
	return card, ""
}

// counterKeys gets the single-use keys behind a transaction counter, which are
// the same whenever they are asked for.
func (w *World) counterKeys(ctx context.Context, atc uint16) ([]hce.Key, error) {
	set, err := w.tokens.Replenish(ctx, provisioning.Request{Token: w.Profile.Account.PAN, Held: atc}, w.device)
	if err != nil {
		return nil, err
	}
	keys := make([]hce.Key, len(set.Keys))
	for i, k := range set.Keys {
		key, err := w.device.UnwrapKey(cryptogram.TDES, k.Wrapped)
		if err != nil {
			return nil, err
		}
		keys[i] = hce.Key{Key: key, ATC: k.ATC, Uses: k.Uses}
	}
	return keys, nil
}

// maxSets bounds how many key sets of one hour are asked for to find a key.
const maxSets = 100

// recordedKey gets the limited-use key with that index once more: from a bank
// whose clock stands in the hour that the index names. A recording in which the
// phone used no key has no index; any key will do.
func (w *World) recordedKey(ctx context.Context, text string) ([]hce.Key, error) {
	if text == "" {
		return w.findKey(ctx, w.tokens, func(cryptogram.KeyIndex) bool { return true })
	}
	index, err := cryptogram.ParseKeyIndexDigits(text)
	if err != nil {
		return nil, fmt.Errorf("the header's key-index: %w", err)
	}
	bank, err := w.bankAt(ctx, hourOf(index, w.Clock.Now().UTC().Year()))
	if err != nil {
		return nil, err
	}
	keys, err := w.findKey(ctx, bank, func(i cryptogram.KeyIndex) bool { return i == index })
	if err == nil && keys == nil {
		err = fmt.Errorf("the demo bank has no key %s for %s", index, w.Profile.Name)
	}
	return keys, err
}

// findKey asks for key sets until one holds a key with the right index.
func (w *World) findKey(ctx context.Context, from tokenService, right func(cryptogram.KeyIndex) bool) ([]hce.Key, error) {
	for range maxSets {
		set, err := from.Replenish(ctx, provisioning.Request{Token: w.Profile.Account.PAN}, w.device)
		if err != nil {
			return nil, err
		}
		for _, k := range set.Keys {
			index, err := cryptogram.ParseKeyIndex(k.Index[:])
			if err != nil {
				return nil, err
			}
			if !right(index) {
				continue
			}
			key, err := w.device.UnwrapKey(cryptogram.TDES, k.Wrapped)
			return []hce.Key{{Key: key, Index: index, Uses: k.Uses}}, err
		}
	}
	return nil, nil
}

// hourOf is the hour that a key index names, in the last year up to the given
// one that ends in the index's digit.
func hourOf(index cryptogram.KeyIndex, year int) time.Time {
	for year%10 != index.Year {
		year--
	}
	return time.Date(year, 1, 1, index.Hour-1, 0, 0, 0, time.UTC)
}

// bankAt is a fresh demo bank at some time.
func (w *World) bankAt(ctx context.Context, now time.Time) (*issuer.Issuer, error) {
	demo, err := issuerconfig.Demo()
	if err != nil {
		return nil, err
	}
	b, err := issuer.New(demo.Config, issuer.NewMemory(), issuer.Env{
		Now: func() time.Time { return now }, Rand: secrets(w.options.Seed, "rewind"),
	})
	if err != nil {
		return nil, err
	}
	_, err = b.Install(ctx, demo.Setup)
	return b, err
}

// answered is the value that the recorded card gave for a tag.
func answered(t *transcript.Transcript, tag emv.Tag) ([]byte, bool) {
	_, received := transcript.Values(t)
	return received.Lookup(tag)
}
