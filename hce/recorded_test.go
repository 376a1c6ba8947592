package hce_test

import (
	"bufio"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/hce"
)

// TestRecordedCommands throws every command of the published exchanges at the
// cards, one file after the other.
func TestRecordedCommands(t *testing.T) {
	files, err := filepath.Glob("../testdata/transcripts/recorded/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	commands := 0
	for _, c := range []*hce.Card{
		newPlastic(t, withRecord), newPhone(t, hce.Unlimited, nil), builtIn(t, "mastercard-plastic-offline", nil), builtIn(t, "mastercard-phone", nil),
	} {
		for _, file := range files {
			for _, command := range recordedCommands(t, file) {
				checkRespond(t, c, command)
				commands++
			}
			c.Deactivated(hce.LinkLoss)
		}
	}
	require.Greater(t, commands, 400)
}

func recordedCommands(t *testing.T, file string) (commands [][]byte) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), "> ")
		if !ok || text == "?" {
			continue
		}
		command, err := hex.DecodeString(text)
		require.NoError(t, err, file)
		commands = append(commands, command)
	}
	require.NoError(t, lines.Err())
	return commands
}

// checkRespond sends a command and checks what holds for every input: there is
// a status word, data come as whole TLV, the counter does not go back, and an
// answer tells the card's own counter - a new one where it answers GET PROCESSING
// OPTIONS - but when it is recovered. The answer comes back.
func checkRespond(t *testing.T, c *hce.Card, command []byte) []byte {
	t.Helper()
	before := counters(c)
	answer := c.Respond(command)
	require.GreaterOrEqual(t, len(answer), 2)
	data := answer[:len(answer)-2]
	if len(data) > 0 {
		require.Contains(t, []string{"9000", "6283"}, hex.EncodeToString(answer[len(data):]))
		tree, err := emv.Parse(data)
		require.NoError(t, err)
		require.Len(t, tree.Nodes, 1)
		require.Empty(t, tree.Trailing)
	}
	require.GreaterOrEqual(t, counters(c), before)
	require.LessOrEqual(t, counters(c)-before, 1)
	if atc, ok := emv.Find(data, emv.TagResponseFormat2, emv.TagATC); ok {
		tap, _ := c.Last()
		if tap.Reason != hce.ReasonRecovered {
			require.Equal(t, []byte{byte(c.ATC() >> 8), byte(c.ATC())}, atc)
		}
		require.Equal(t, command[1] == 0xA8, counters(c) == before+1)
	}
	return answer
}

// counters are the counters of a card's accounts in all.
func counters(c *hce.Card) int {
	s := c.State()
	sum := int(s.ATC)
	for i := range s.Others {
		sum += int(s.Others[i].ATC)
	}
	return sum
}
