package issuer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/provisioning"
)

// adopt takes a token over for a phone.
func (p *phone) adopt(number emv.PAN) (provisioning.TokenState, error) {
	r := &provisioning.Adoption{DeviceName: "a phone", Token: provisioning.TokenNumber(number)}
	p.sign(r)
	return p.b.AdoptToken(bg, r)
}

// TestATokenThatCameWithThePhone gets keys like any other; another phone can take it
// over, and the first then gets none.
func TestATokenThatCameWithThePhone(t *testing.T) {
	b := newBank(t, nil)
	p, q := newPhone(t, b, 1), newPhone(t, b, 2)
	state, err := p.adopt(testToken)
	require.NoError(t, err)
	require.Equal(t, "active 476173******0010", state.Status+" "+state.Masked)
	require.NoError(t, p.keys(state.Token))
	require.Equal(t, testToken, p.set.Token.PAN)
	answer, _ := b.handle(phoneTap(t, p.set, 0, 1, 12_50).message(t, "0100", 1))
	require.Equal(t, "00", answer.ResponseCode)
	_, err = p.adopt(testToken)
	require.NoError(t, err, "as often as it wants")
	require.Equal(t, "rolled-back", codeOf(t, p.keys(state.Token)), "a phone that forgot the tap")
	p.atc = 1
	require.NoError(t, p.keys(state.Token))

	_, err = q.adopt(testToken)
	require.NoError(t, err)
	require.NoError(t, q.keys(state.Token))
	require.Equal(t, uint16(1), q.set.LastATC, "it goes on above the counters of the first")
	require.Equal(t, "wrong-device", codeOf(t, p.keys(state.Token)))
	trail, err := b.TokenHistory(bg, state.Token, 0, 99)
	require.NoError(t, err)
	require.Len(t, trail, 5, "each time a phone took it or asked for keys")
	require.Equal(t, "on a phone, which came with it", trail[3].Text)

	// The phone's wallet may have a token of its own for the same card.
	_, err = q.request(nil)
	require.NoError(t, err)
	// A phone that is lost is lost with the cards that came with it.
	_, err = b.LostPhone(bg, PhoneRequest{Token: state.Token})
	require.NoError(t, err)
	require.Equal(t, "token-suspended", codeOf(t, q.keys(state.Token)))
	_, err = q.adopt(testToken)
	require.Equal(t, "phone-lost", codeOf(t, err))
}

func TestAdoptionsAreRefused(t *testing.T) {
	b := newBank(t, nil)
	p := newPhone(t, b, 1)
	_, err := p.adopt(testToken)
	require.NoError(t, err)
	p.number--
	_, err = p.adopt(testToken)
	require.Equal(t, "stale-request", codeOf(t, err), "a copy of a request")
	for _, number := range []emv.PAN{"", "4761739002000011", testCard, "4761739002999999", "4111111111111111"} {
		_, err = p.adopt(number)
		require.Equal(t, "unknown-token", codeOf(t, err), "%q", string(number))
		require.NotContains(t, err.Error(), string(testCard))
	}
	grant, err := p.request(nil)
	require.NoError(t, err)
	index, _ := parseReference(grant.Token)
	binding, _, err := b.store.Binding(index)
	require.NoError(t, err)
	number, err := b.store.OpenPAN(binding.Sealed)
	require.NoError(t, err)
	_, err = newPhone(t, b, 2).adopt(number)
	require.Equal(t, "unknown-token", codeOf(t, err), "a token of a wallet is its phone's")

	r := &provisioning.Adoption{Token: provisioning.TokenNumber(testToken)}
	p.sign(r)
	r.DeviceName = "another"
	_, err = b.AdoptToken(bg, r)
	require.Equal(t, "bad-proof", codeOf(t, err))
	r.DeviceName = strings.Repeat("x", maxDeviceName+1)
	p.sign(r)
	_, err = b.AdoptToken(bg, r)
	require.Equal(t, "bad-device-name", codeOf(t, err))
	require.NotContains(t, r.Token.GoString()+r.Token.String(), string(testToken))
}
