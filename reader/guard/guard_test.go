package guard

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
)

// script is a card that answers by the beginning of the command and writes down
// what it was sent.
type script struct {
	answers [][2]string
	sent    []string
}

func (s *script) Transceive(_ context.Context, command []byte) ([]byte, error) {
	text := strings.ToUpper(hex.EncodeToString(command))
	s.sent = append(s.sent, text)
	for _, a := range s.answers {
		if strings.HasPrefix(text, a[0]) {
			if a[1] == "" {
				return nil, apdu.ErrLost
			}
			return hex.DecodeString(a[1])
		}
	}
	return []byte{0x6A, 0x82}, nil
}

const (
	aid        = "00A4040007A000000003101000"
	selectPPSE = "00A404000E325041592E5359532E444446303100"
	gpo        = "80A8000002830000"
	generate   = "80AE800000"
)

// An FCI without issuer number, with 42 of Visa's test numbers, with that of
// somebody's, with 9F0C.
const (
	bare    = "6F098407A00000000310109000"
	testIIN = "6F138407A0000000031010A508BF0C0542034761739000"
	realIIN = "6F138407A0000000031010A508BF0C0542034000009000"
	longIIN = "6F158407A0000000031010A50ABF0C079F0C04476173019000"
	// A PPSE whose entry names the issuer.
	ppse = "6F25840E325041592E5359532E4444463031A513BF0C10610E4F07A000000003101042034761739000"
	// Records with track 2 data of a test card, and of none.
	testRecord = "701257104761739001010119D49122010000000F9000"
	realRecord = "701257104000000000000040D49122010000000F9000"
)

func TestGuard(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers [][2]string
		allow   bool
		reason  string // of the refusal; "" passes
		asked   string // of the user; "" not asked
	}{
		{"an issuer number of test cards in the FCI", [][2]string{{aid, testIIN}}, false, "", ""},
		{"the same in 9F0C", [][2]string{{aid, longIIN}}, false, "", ""},
		{"the same in the PPSE", [][2]string{{selectPPSE, ppse}, {aid, bare}}, false, "", ""},
		{"an account number of test cards in a record", [][2]string{{aid, bare}, {"00B2011C", testRecord}}, false, "", ""},
		{"no evidence", [][2]string{{aid, bare}}, false, "it tells no issuer number", ""},
		{"malformed answers", [][2]string{{aid, "6F099000"}}, false, "it tells no issuer number", ""},
		{"another issuer", [][2]string{{aid, realIIN}}, false, "issuer number 400000 is not", ""},
		{"another account", [][2]string{{aid, bare}, {"00B2010C", realRecord}}, false, "account number 400000******0040 is outside", ""},
		{"another account under a test issuer", [][2]string{{aid, testIIN}, {"00B2010C", realRecord}}, false, "account number 400000******0040 is outside", ""},
		{"no evidence, and allowed", [][2]string{{aid, bare}}, true, "", "it tells no issuer number"},
		{"another account, and allowed", [][2]string{{aid, bare}, {"00B2010C", realRecord}}, true, "", "account number 400000******0040"},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := &script{answers: append(c.answers, [2]string{gpo, "9000"}, [2]string{generate, "9000"})}
			var asked []string
			g := New(card, func(reason string) bool { asked = append(asked, reason); return c.allow })
			for _, read := range []string{selectPPSE, aid, "80CA9F3600", "00B2010C00"} {
				_, err := g.Transceive(context.Background(), unhex(t, read))
				require.NoError(t, err, "reading passes")
			}
			_, err := g.Transceive(context.Background(), unhex(t, gpo))
			if c.reason == "" {
				require.NoError(t, err)
				_, err = g.Transceive(context.Background(), unhex(t, generate))
				require.NoError(t, err)
				if c.asked == "" {
					require.Empty(t, asked)
				} else {
					require.Len(t, asked, 1)
					require.Contains(t, asked[0], c.asked)
				}
				return
			}
			var live *LiveError
			require.ErrorAs(t, err, &live)
			require.Contains(t, live.Error(), c.reason)
			for _, sent := range card.sent {
				require.False(t, strings.HasPrefix(sent, "80A8"), "GET PROCESSING OPTIONS must not reach the card")
			}
		})
	}
}

func TestTheFirstLiveNumberStopsTheRest(t *testing.T) {
	card := &script{answers: [][2]string{{aid, testIIN}, {gpo, "77" + realRecord[2:]}, {generate, "9000"}}}
	g := New(card, nil)
	for _, pass := range []string{aid, gpo} {
		_, err := g.Transceive(context.Background(), unhex(t, pass))
		require.NoError(t, err)
	}
	_, err := g.Transceive(context.Background(), unhex(t, generate))
	require.ErrorContains(t, err, "400000******0040")
}

func TestALostCardIsLostAndNotRefused(t *testing.T) {
	g := New(&script{answers: [][2]string{{aid, bare}, {"00B2", ""}}}, nil)
	_, err := g.Transceive(context.Background(), unhex(t, aid))
	require.NoError(t, err)
	_, err = g.Transceive(context.Background(), unhex(t, gpo))
	require.ErrorIs(t, err, apdu.ErrLost)
	var live *LiveError
	require.False(t, errors.As(err, &live))
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}
