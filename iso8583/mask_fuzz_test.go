package iso8583

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzMask puts an account number between two texts: wherever that is, and
// whatever field it is, its middle does not show.
func FuzzMask(f *testing.F) {
	f.Add(48, "token ", " of 2030")
	f.Add(54, "0040978D", "0000")
	f.Add(60, "1 2-3", "=4912")
	f.Add(90, "0000", "0000000000")
	f.Fuzz(func(t *testing.T, number int, before, after string) {
		if number < 2 || number >= len(fields) || number == 55 || len(before)+len(after) > 2000 {
			return
		}
		const account = "4761739001010119"
		value := before + account + after
		for _, own := range []string{account, ""} {
			if own == "" && fields[number].class != special {
				continue // what is left shows only where the value is not what the field says
			}
			shown := mask(number, value, own)
			require.NotContains(t, shown, account[6:12], "%d %q", number, value)
		}
	})
}
