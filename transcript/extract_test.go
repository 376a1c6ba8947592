package transcript

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// The values are those that a person reads in the files.
func TestExtract(t *testing.T) {
	apps := Extract(readRecorded(t, "010-visa-prepaid-au-exp2402-a.txt"))
	require.Len(t, apps, 1)
	a := apps[0]
	require.Equal(t, fromHex(t, "A0000000031010"), a.AID)
	require.Equal(t, 2, a.Select)
	require.Equal(t, 3, a.GPO)
	require.Empty(t, a.Problem)
	require.Len(t, a.PDOL, 9)
	d := a.Terminal()
	require.Equal(t, emv.TTQ{0x21, 0x80, 0x40, 0x00}, *d.TTQ)
	require.Equal(t, int64(0), *d.Amount)
	require.Equal(t, int64(0), *d.AmountOther)
	require.Equal(t, uint16(36), *d.Country)
	require.Equal(t, uint16(36), *d.Currency)
	require.Equal(t, time.Date(2024, 6, 8, 0, 0, 0, 0, time.UTC), *d.Date)
	require.Equal(t, byte(0), *d.Type)
	require.Equal(t, [4]byte{0xE3, 0x7F, 0xC6, 0x2A}, *d.UnpredictableNumber)

	d = Extract(readRecorded(t, "702-applepay-visa-gpo-6986-locked-phone.txt"))[0].Terminal()
	require.Equal(t, int64(100), *d.Amount)
	require.Equal(t, uint16(826), *d.Country)
	require.Equal(t, time.Date(2021, 10, 14, 0, 0, 0, 0, time.UTC), *d.Date)
	require.Equal(t, emv.TTQ{0x32, 0x80, 0x40, 0x00}, *d.TTQ)
}

func TestExtractSaysWhatIsMissing(t *testing.T) {
	// A short PDOL: only what the card asked for is there.
	a := Extract(readRecorded(t, "013-visa-prepaid-auspost-exp1708.txt"))[0]
	d := a.Terminal()
	require.Equal(t, [4]byte{0x6E, 0x29, 0xFB, 0xA7}, *d.UnpredictableNumber)
	require.Equal(t, uint16(36), *d.Currency)
	require.Nil(t, d.Date)
	require.Nil(t, d.Country)
	_, ok := a.Lookup(emv.TagTransactionDate)
	require.False(t, ok)

	// Hidden commands.
	a = Extract(readRecorded(t, "040-visa-testcard-expired-cvn22-9f5d-9f7c.txt"))[0]
	require.Nil(t, a.Data)
	require.Contains(t, a.Problem, "does not show")
	require.Len(t, a.PDOL, 9)

	// Two applications; the commands that fit the list are hidden.
	apps := Extract(readRecorded(t, "020-visa-cb-fr-2aids.txt"))
	require.Len(t, apps, 2)
	require.Equal(t, fromHex(t, "A0000000421010"), apps[0].AID)
	require.Equal(t, "GET PROCESSING OPTIONS: data object list asks for 33 bytes, 0 came", apps[0].Problem)
	require.Equal(t, fromHex(t, "A0000000031010"), apps[1].AID)

	// A selection that the source hides, of a list that names 9A twice.
	apps = Extract(readRecorded(t, "032-visa-electron-pdol-9a-twice.txt"))
	require.Len(t, apps, 1)
	require.Nil(t, apps[0].AID)
	require.Len(t, apps[0].PDOL, 10)
	require.Equal(t, 36, apps[0].PDOL.Length())

	// T=0: the answers come in parts.
	apps = Extract(readRecorded(t, "920-emvpt-simulated-contact-dda.txt"))
	require.Len(t, apps, 1)
	require.Equal(t, fromHex(t, "AFFFFFFFFF1234"), apps[0].AID)
	require.NotZero(t, apps[0].GPO)
	require.Empty(t, apps[0].Problem)
}
