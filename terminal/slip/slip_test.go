package slip

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
)

// result is a payment with everything in it that must not be kept.
func result() terminal.Result {
	track := []byte{0x47, 0x61, 0x73, 0x90, 0x02, 0x00, 0x00, 0x10, 0xD4, 0x91, 0x22, 0x01, 0x0F}
	amount, atc := int64(1250), uint16(7)
	return terminal.Result{
		Outcome: kernel.Declined, Detail: "the host declined", KernelOutcome: kernel.OnlineRequest, PAN: "4761739002000010", ATC: &atc, Cryptogram: []byte{1, 2, 3, 4, 5, 6, 7, 8},
		Tap: terminal.Tap{Steps: []kernel.Step{{Rule: "EMV Book C-3", Text: "online"}}, UI: []kernel.UIRequest{
			{Message: kernel.MessageAuthorising}, {Message: kernel.MessageAuthorising, Status: kernel.StatusProcessing}, {Message: kernel.MessageNotAuthorised},
		}},
		Request: &iso8583.Message{
			MTI: "0100", PAN: "4761739002000010", Amount: &amount, STAN: "000012", Track2: "4761739002000010=49122010000000000000",
			PINBlock: []byte{0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0}, ICCData: emv.AppendTLV(nil, emv.TagTrack2, track),
		},
		Receipt: terminal.Receipt{Time: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), TerminalID: "T", Amount: "12.50", Currency: "EUR", STAN: "000012"},
	}
}

func TestNothingSensitiveIsKept(t *testing.T) {
	r := result()
	s := Make(&r, nil)
	text, err := json.Marshal(s)
	require.NoError(t, err)
	for _, secret := range []string{"4761739002000010", "3900200001", "123456789ABCDEF0", "49122010"} {
		require.NotContains(t, string(text), secret)
	}
	require.Equal(t, "476173******0010", s.Number)
	require.Equal(t, []string{"authorising, please wait", "not authorised"}, s.Display)
	require.True(t, s.Unanswered)
	require.Equal(t, "0102030405060708", s.Cryptogram)
}

func TestBookIsBounded(t *testing.T) {
	b, err := Open(t.TempDir())
	require.NoError(t, err)
	for n := range Kept + 5 {
		r := result()
		s := Make(&r, nil)
		require.NoError(t, b.Keep(&s))
		require.EqualValues(t, n+1, s.ID)
	}
	all, err := b.All()
	require.NoError(t, err)
	require.Len(t, all, Kept)
	require.EqualValues(t, 6, all[0].ID)
	require.Equal(t, Make(ptr(result()), nil).Request, all[Kept-1].Request)
}

func ptr[T any](v T) *T { return &v }

func TestDamagedSlipsAreNamed(t *testing.T) {
	dir := t.TempDir()
	b, err := Open(dir)
	require.NoError(t, err)
	s := Slip{}
	require.NoError(t, b.Keep(&s))
	file := filepath.Join(dir, "slips", "000000001.json")
	for _, text := range []string{"", "{", `{"id":2}`} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err = b.All()
		require.ErrorContains(t, err, file+": not a slip")
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "slips", "note.txt"), nil, 0o600))
	require.NoError(t, os.Remove(file))
	all, err := b.All()
	require.NoError(t, err)
	require.Empty(t, all)
}
