package emv

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDates(t *testing.T) {
	for hex, want := range map[string]string{
		"221215": "2022-12-15", "491231": "2049-12-31", "500101": "1950-01-01", "000229": "2000-02-29", "240229": "2024-02-29",
	} {
		d, err := ParseDate(unhex(t, hex))
		require.NoError(t, err)
		require.Equal(t, want, d.String())
		require.Equal(t, hex, upperHex(d.Append(nil)))
	}
	for _, bad := range []string{"", "2212", "221300", "221232", "230229", "22AB15", "220015", "000000", "22121500"} {
		_, err := ParseDate(unhex(t, bad))
		require.Error(t, err, bad)
	}
	expiry, err := ParseExpiry("4912")
	require.NoError(t, err)
	require.Equal(t, Date{2049, 12, 31}, expiry)
	february, err := ParseExpiry("2802")
	require.NoError(t, err)
	require.Equal(t, Date{2028, 2, 29}, february)
	for _, bad := range []string{"", "4913", "4900", "49", "4x12"} {
		_, err := ParseExpiry(bad)
		require.Error(t, err, bad)
	}
}

// A card is good to the end of the day that it names.
func TestExpiryIsTheEndOfTheDay(t *testing.T) {
	expiry := Date{2030, 6, 30}
	require.False(t, expiry.Before(Date{2030, 6, 30}))
	require.False(t, expiry.Before(Date{2030, 6, 29}))
	require.True(t, expiry.Before(Date{2030, 7, 1}))
	require.True(t, Date{2029, 12, 31}.Before(Date{2030, 1, 1}))
	require.Equal(t, time.Date(2030, 7, 1, 0, 0, 0, 0, time.UTC), expiry.End(time.UTC))
	require.Equal(t, expiry, DateOf(time.Date(2030, 6, 30, 23, 59, 59, 0, time.UTC)))
	east := time.FixedZone("east", 3*3600)
	require.Equal(t, Date{2030, 7, 1}, DateOf(time.Date(2030, 6, 30, 22, 0, 0, 0, time.UTC).In(east)))
}
