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
	var named []string
	for _, cause := range issuer.Causes() {
		named = append(named, string(cause))
	}
	for _, cause := range wallet.Causes() {
		named = append(named, string(cause))
	}
	for _, cause := range codes {
		named = append(named, cause)
	}
	for _, cause := range append(named, Causes()...) {
		require.NotEmpty(t, meanings[cause].advice, cause)
		require.Contains(t, Causes(), meanings[cause].cause)
	}
}

// TestVerdicts: who decided, and why, where the first step that failed is not the
// reason, or no step is.
func TestVerdicts(t *testing.T) {
	failed := func(cause issuer.Cause, text string) issuer.Step {
		return issuer.Step{Result: issuer.Failed, Cause: cause, Text: text}
	}
	rule := issuer.Step{Result: issuer.OK, Cause: issuer.CauseRule, Text: "rule x answers 51"}
	bank := func(code string, steps ...issuer.Step) *issuer.PaymentStory {
		return &issuer.PaymentStory{PaymentState: issuer.PaymentState{ResponseCode: code}, Checks: steps}
	}
	verify := failed("verification", "120.00 EUR is above the limit")
	for name, c := range map[string]struct {
		story Story
		want  []string // where, cause
	}{
		"a PIN is asked for":            {Story{Bank: bank("70", verify)}, []string{"bank", "verification"}},
		"something harder":              {Story{Bank: bank("51", verify, failed("balance", "too little"))}, []string{"bank", "balance"}},
		"it cannot be true":             {Story{Bank: bank("63", verify)}, []string{"bank", "verification"}},
		"a rule":                        {Story{Bank: bank("51", rule)}, []string{"bank", "rule"}},
		"a rule that answers otherwise": {Story{Bank: bank("61", issuer.Step{Result: issuer.OK, Text: "rule x answers 00"}, failed("limit", "too much"))}, []string{"bank", "limit"}},
		"the card was stolen":           {Story{Bank: bank("43", failed("stolen", "the card is stolen"))}, []string{"bank", "stolen"}},
		"the PIN":                       {Story{Bank: bank("55", failed("pin", "wrong"))}, []string{"bank", "pin"}},
		"the account is frozen":         {Story{Bank: bank("62", failed("account-frozen", "the account is suspended"))}, []string{"bank", "frozen"}},
		"the token's limit":             {Story{Bank: bank("61", failed("token-limit", "up to 2.00 EUR"))}, []string{"bank", "limit"}},
		"the phone's clock":             {Story{Bank: bank("63", failed("clock", "whatever it says"))}, []string{"bank", "clock"}},
		"kept before there were causes": {Story{Bank: bank("61", failed("", "too much"))}, []string{"bank", "limit"}},
		"nothing was kept":              {Story{Bank: bank("05")}, []string{"bank", "declined"}},
		"another bank":                  {Story{Slip: &slip.Slip{Code: "05"}}, []string{"bank", "declined"}},
		"no line":                       {Story{Slip: &slip.Slip{KernelSaid: "online-request"}}, []string{"point of sale", "terminal"}},
		"a reader without a line":       {Story{Look: &wallet.Look{Cause: "terminal", Refused: "the reader is offline-only"}}, []string{"phone", "terminal"}},
		"a reader that tells nothing":   {Story{Look: &wallet.Look{Cause: "terminal", Refused: "the reader told no amount, country or date"}}, []string{"phone", "terminal"}},
		"the card has expired":          {Story{Look: &wallet.Look{Cause: "expired", Stopped: "the card has expired", Remedy: "renew it"}}, []string{"phone", "expired"}},
		"the phone was lost":            {Story{Look: &wallet.Look{Cause: "lost", Stopped: "the phone was reported lost", Remedy: "tell the bank"}}, []string{"phone", "lost"}},
	} {
		v := c.story.Verdict()
		require.Equal(t, c.want, []string{v.Where, v.Cause}, "%s: %+v", name, v)
		require.NotEmpty(t, v.Advice, name)
	}
}
