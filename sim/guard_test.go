package sim

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/hce/profile"
	"tapsim/reader"
	"tapsim/reader/guard"
)

// TestEveryCardShowsThatItIsATestCard: each application of each built-in card
// passes the guard that stands before real readers.
func TestEveryCardShowsThatItIsATestCard(t *testing.T) {
	for _, name := range profile.Names() {
		t.Run(name, func(t *testing.T) {
			w, err := Open(context.Background(), Options{State: Memory, Card: name, Terminal: "attended"})
			require.NoError(t, err)
			defer w.Close()
			p := w.card.Profile()
			accounts := [][]byte{}
			for _, a := range p.Applications {
				accounts = append(accounts, a.AID)
			}
			for _, o := range p.Others {
				for _, a := range o.Applications {
					accounts = append(accounts, a.AID)
				}
			}
			for _, aid := range accounts {
				air := &reader.Field{}
				air.Insert(w.card)
				g := guard.New(air, nil)
				_, err := apdu.Exchange(context.Background(), g, apdu.Command{INS: 0xA4, P1: 0x04, Data: aid, Ne: apdu.MaxShortNe})
				require.NoError(t, err)
				_, err = g.Transceive(context.Background(), []byte{0x80, 0xA8, 0, 0, 2, 0x83, 0, 0})
				require.NoError(t, err, "%X", aid)
			}
		})
	}
}
