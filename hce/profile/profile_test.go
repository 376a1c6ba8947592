package profile_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/hce/profile"
)

func TestBuiltInCards(t *testing.T) {
	require.Equal(t, []string{"visa-phone", "visa-plastic"}, profile.Names())
	for _, name := range profile.Names() {
		p, err := profile.Load(name)
		require.NoError(t, err)
		require.Equal(t, name, p.Name)
		require.NotEmpty(t, p.GoodFor)
	}
	_, err := profile.Load("visa")
	require.ErrorContains(t, err, "visa-phone, visa-plastic")
}
