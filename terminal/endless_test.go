package terminal_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/terminal"
	"tapsim/terminal/kernel"
)

// A card that announces more data for ever, or corrects the length for ever,
// has refused: the tap ends with an outcome that says why, and it ends.
func TestEndlessAnswers(t *testing.T) {
	const nothing, dropped, refused = "card and reader have no application in common", "no other application is left: the card answers 6", "the card refused GET PROCESSING OPTIONS"
	for _, c := range []struct {
		card            func(testing.TB, map[string]string) *card
		command, reason string
	}{
		{visa, "00A404000E", nothing}, {visa, "00A4040007A0000000031010", dropped}, {visa, "80A8", refused},
		{mastercard, "00A404000E", nothing}, {mastercard, "00A4040007A0000000041010", dropped}, {mastercard, "80A8", refused},
		{mastercard, "00B2", "the card refused READ RECORD"}, {mastercard, "80AE", "the card refused GENERATE AC"},
	} {
		for _, status := range []string{"6110", "AABB 6110", "6100", "6C10", "6C00"} {
			card := c.card(t, map[string]string{c.command: status, "00C0": status})
			res, err := shop(t, &approving{}, nil).Pay(context.Background(), field(card), terminal.Request{Amount: 1250})
			require.NoError(t, err, "%s to %s", status, c.command)
			require.Equal(t, kernel.EndApplication, res.Outcome)
			require.Contains(t, res.Detail, c.reason)
			require.Less(t, len(card.sent), 400)
		}
	}
}
