package provisioning

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadable(t *testing.T) {
	for _, good := range []string{"", "Anna's phone", "Jürgen", "手机", "📱 👨‍👩‍👧"} {
		require.True(t, Readable(good, 64), good)
	}
	for _, bad := range []string{"a\nb", "a\tb", "\x1b[31m", "a\x00", "a\u0085b", "\xff", "abc\u202Etxt", "a\u2028b", "12345678"} {
		require.False(t, Readable(bad, 7), "%q", bad)
	}
}
