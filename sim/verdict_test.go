package sim

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/issuer"
	"tapsim/terminal/slip"
	"tapsim/wallet"
)

// TestEachCauseHasAdvice: no failure is told without what to do.
func TestEachCauseHasAdvice(t *testing.T) {
	for _, list := range []map[string]string{causes, codes} {
		for what, cause := range list {
			require.NotEmpty(t, advices[cause], "%s: %s", what, cause)
		}
	}
	require.Len(t, Causes(), len(advices))
}

// TestVerdicts: who decided, and why, where the first step that failed is not the
// reason, or no step is.
func TestVerdicts(t *testing.T) {
	failed := func(name, text string) issuer.Step { return issuer.Step{Name: name, Result: issuer.Failed, Text: text} }
	bank := func(code string, steps ...issuer.Step) *issuer.PaymentStory {
		return &issuer.PaymentStory{PaymentState: issuer.PaymentState{ResponseCode: code}, Checks: steps}
	}
	verify := failed("verification", "120.00 EUR is above the limit")
	for name, c := range map[string]struct {
		story Story
		want  []string // where, cause
	}{
		"a PIN is asked for":            {Story{Bank: bank("70", verify)}, []string{"bank", "verification"}},
		"something harder":              {Story{Bank: bank("51", verify, failed("funds", "too little"))}, []string{"bank", "balance"}},
		"it cannot be true":             {Story{Bank: bank("63", verify)}, []string{"bank", "verification"}},
		"a rule":                        {Story{Bank: bank("51", issuer.Step{Name: "rules", Result: issuer.OK, Text: "rule x answers 51"})}, []string{"bank", "rule"}},
		"a rule that answers otherwise": {Story{Bank: bank("61", issuer.Step{Name: "rules", Result: issuer.OK, Text: "rule x answers 00"}, failed("limits", "too much"))}, []string{"bank", "limit"}},
		"the card was stolen":           {Story{Bank: bank("43", failed("status", "the card is stolen"))}, []string{"bank", "stolen"}},
		"the PIN":                       {Story{Bank: bank("55", failed("pin", "wrong"))}, []string{"bank", "pin"}},
		"nothing was kept":              {Story{Bank: bank("05")}, []string{"bank", "declined"}},
		"another bank":                  {Story{Slip: &slip.Slip{Code: "05"}}, []string{"bank", "declined"}},
		"no line":                       {Story{Slip: &slip.Slip{KernelSaid: "online-request"}}, []string{"point of sale", "terminal"}},
		"a reader without a line":       {Story{Look: &wallet.Look{Refused: "the reader is offline-only"}}, []string{"phone", "terminal"}},
		"a reader that tells nothing":   {Story{Look: &wallet.Look{Refused: "the reader told no amount, country or date"}}, []string{"phone", "terminal"}},
		"the card has expired":          {Story{Look: &wallet.Look{Stopped: "the card has expired"}}, []string{"phone", "expired"}},
		"the phone was lost":            {Story{Look: &wallet.Look{Stopped: "the phone was reported lost"}}, []string{"phone", "lost"}},
	} {
		v := c.story.Verdict()
		require.Equal(t, c.want, []string{v.Where, v.Cause}, "%s: %+v", name, v)
		require.NotEmpty(t, v.Advice, name)
	}
}
