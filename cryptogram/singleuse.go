package cryptogram

import (
	"fmt"

	"tapsim/emv"
)

// A single-use key is the session key of one transaction counter, which a token
// service derives ahead and hands to a phone in place of the card key: the
// issuer checks the cryptogram as that of any card with the same recipe. The
// key is that of the published recipe; to hand it out in this way is this
// project's stand-in for the schemes' own cloud keys, whose definitions are not
// public.

// singleUse says where a session key depends on the card key and the transaction
// counter alone, so that it can be derived ahead.
func singleUse(m SessionMethod) bool { return m == SessionCSK || m == SessionPBOC }

// SingleUse is the recipe as a phone follows it that holds single-use keys: the
// key given is the session key. False is a recipe whose session key needs the
// terminal's unpredictable number (Mastercard CVN 10 and 11), or that has none.
func (r Recipe) SingleUse() (Recipe, bool) {
	if !singleUse(r.Session) {
		return Recipe{}, false
	}
	r.Session = SessionLimitedUse
	return r, true
}

// SingleUseKey derives a token's single-use key for a transaction counter: the
// session key of those of the scheme's recipes for which it can be derived ahead
// (Mastercard CVN 14 and 15, UnionPay CVN 01).
func SingleUseKey(card *Key, scheme emv.Scheme, atc uint16) (*Key, error) {
	for i := range recipes {
		if r := &recipes[i]; r.Scheme == scheme && singleUse(r.Session) {
			return SessionKey(card, r.Session, atc, [4]byte{})
		}
	}
	return nil, fmt.Errorf("%s has no single-use keys", scheme)
}
