package cli

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/issuer"
	"tapsim/sim"
	"tapsim/terminal/slip"
	"tapsim/wallet"
)

// REFERENCE.md has each key that these commands print.
func TestReferenceHasTheKeys(t *testing.T) {
	text, err := os.ReadFile("../../REFERENCE.md")
	require.NoError(t, err)
	sections := map[string]string{}
	for _, s := range strings.Split(string(text), "\n## ")[1:] {
		title, rest, _ := strings.Cut(s, "\n")
		sections[title] = rest
	}
	for title, values := range map[string][]any{
		"`pay`, `wallet pay-qr`, `wallet pay-app`": {paymentJSON{}, whyJSON{}, messagesJSON{}, exchangeJSON{}},
		"`explain payment`": {
			storyJSON{}, sim.Verdict{}, candidatesJSON{}, candidateJSON{}, wallet.Look{}, slip.Slip{}, slip.Exchange{}, slip.Step{}, issuer.LedgerLine{},
		},
		"`wallet`": {walletCardJSON{}, wallet.Stock{}, verification{}, wallet.Entry{}, couponJSON{}, wallet.Notice{}, wallet.Bundle{}, codeJSON{}, frozenJSON{}, pollJSON{}, unlockedJSON{}},
	} {
		require.NotEmpty(t, sections[title], title)
		for _, v := range values {
			for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
				key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				if key != "" && !strings.Contains(sections[title], "`"+key+"`") {
					t.Errorf("%s of %T is not in the section %s", key, v, title)
				}
			}
		}
	}
}
