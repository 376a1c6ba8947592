package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// What cannot be printed was not done: help, version and results alike.
func TestNothingIsPrintedInSilence(t *testing.T) {
	for _, line := range []string{
		"", "--help", "help pay", "pay --help", "--version", "version", "cards", "terminals", "issuer --print-config",
		"decode 9F270180", "pay --state :memory:", "pay --state :memory: --quiet", "pay --state :memory: --json",
	} {
		var said bytes.Buffer
		status := Main(context.Background(), strings.Fields(line), strings.NewReader(""), fullDisk{}, &said)
		require.Equal(t, exitUsage, status, line)
		require.Equal(t, "tapsim: no space left on device\n", said.String(), line)
	}
}

// A command that waits for input that does not come ends when it is interrupted.
func TestInterruptedWhileReading(t *testing.T) {
	for _, line := range []string{"decode -", "pay --state :memory: --pin-file -", "pay --state :memory: --bank -"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(context.Background())
			in, typing := io.Pipe()
			var said lines
			done := make(chan int)
			go func() { done <- Main(ctx, strings.Fields(line), in, io.Discard, &said) }()
			synctest.Wait()
			interrupt()
			require.Equal(t, exitUsage, <-done, line)
			require.Equal(t, "tapsim: interrupted\n", said.String(), line)
			typing.Close()
			synctest.Wait()
		})
	}
}

// An empty value is wrong usage for every text flag of every command.
func TestEmptyFlags(t *testing.T) {
	for command, flags := range map[string]string{
		"pay":    "seed now state card terminal bank issuer iso-spec tls-ca amount cashback currency type pin-file expect record",
		"issuer": "listen bank state iso-spec tls-cert tls-key now set-counter unblock-pin",
	} {
		for _, flag := range strings.Fields(flags) {
			var said bytes.Buffer
			status := Main(context.Background(), []string{command, "--" + flag, ""}, strings.NewReader(""), io.Discard, &said)
			require.Equal(t, exitUsage, status, flag)
			require.Equal(t, "tapsim: --"+flag+": its value is empty; leave the flag out for the default\n", said.String())
		}
	}
}
