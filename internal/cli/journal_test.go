package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
	"tapsim/sim"
	"tapsim/terminal"
)

// TestJournal: an offline approval waits and is delivered with the next online
// payment. One that the bank refuses is kept, listed and not sent again, and
// business goes on.
func TestJournal(t *testing.T) {
	state := t.TempDir()
	run := func(line string) (out, said string) {
		var o, e bytes.Buffer
		require.Zero(t, Main(context.Background(), append(strings.Fields(line), "--state", state), strings.NewReader(""), &o, &e), "%s: %s", line, e.String())
		return o.String(), e.String()
	}
	const offline = "pay --card visa-plastic-offline --terminal offline-only --amount 5 --quiet --expect approved"
	const online = "pay --card visa-plastic --amount 7 --quiet --expect approved"
	run(offline)
	out, _ := run("journal")
	require.Regexp(t, `(?s)^waiting: 1\n  0220 [^\n]* 500 minor units of currency 978\nrefused: 0\n$`, out)
	require.NotContains(t, out, "47617390010")
	run(online)
	out, _ = run("journal")
	require.Equal(t, "waiting: 0\nrefused: 0\n", out)

	run(offline)
	j, err := sim.OpenJournal(sim.Options{State: state, Holder: "test"})
	require.NoError(t, err)
	waiting, err := j.Pending()
	require.NoError(t, err)
	require.NoError(t, j.Park(waiting[0].ID, "30"))
	require.NoError(t, j.Close())
	_, said := run(online)
	require.NotContains(t, said, "refuse")
	out, _ = run("journal --json")
	require.Contains(t, out, `"waiting": []`)
	require.Contains(t, out, `"response_code": "30"`)
	require.Contains(t, out, `"account": "476173******0028"`)
	out, _ = run("journal --forget-refused")
	require.Regexp(t, `(?s)^waiting: 0\nrefused: 1\n.*: refused with 30 format error\n$`, out)
	out, _ = run("journal")
	require.Equal(t, "waiting: 0\nrefused: 0\n", out)
}

// TestParkedIsTold: what a host refuses for good is told once, when it does.
func TestParkedIsTold(t *testing.T) {
	parked := terminal.Refusal{Entry: terminal.Entry{Message: iso8583.Message{MTI: iso8583.FinancialAdvice, STAN: "000007"}}, Code: "30"}
	require.Equal(t, []string{"the host refused the earlier financial advice with trace number 000007: 30 format error; it is not sent again, 'tapsim journal' lists it"},
		deliveryNotes(&terminal.Delivery{Parked: []terminal.Refusal{parked}}))
}
