package apdu

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStatusText(t *testing.T) {
	for status, want := range map[Status]string{
		0x9000: "success",
		0x6101: "success, 1 more byte: GET RESPONSE",
		0x6100: "success, 256 more bytes: GET RESPONSE",
		0x6C1F: "wrong Le, the answer has 31 bytes: repeat with Le 1F",
		0x63C1: "verification failed, tries left: 1",
		0x62FF: "warning",
		0x9F02: "unknown status word",
	} {
		require.Equal(t, want, status.Text(), status.String())
	}
}

func TestStatusKnown(t *testing.T) {
	for _, s := range []Status{0x9000, 0x6985, 0x6A82, 0x6101, 0x6C00, 0x63C0, 0x6F00} {
		require.True(t, s.Known(), s.String())
	}
	for _, s := range []Status{0, 0x9F02, 0x9001, 0x6F10, 0x63D0, 0x7000, 0x8200} {
		require.False(t, s.Known(), s.String())
	}
}

func TestCommandErrorsCount(t *testing.T) {
	for command, want := range map[string]string{
		"\x00\xA4\x04\x00\x02\x01":                     "command APDU, byte 4: Lc says 2 data bytes, 1 follow",
		"\x00\xA4\x04\x00\x01\x01\x00\x00":             "command APDU, byte 7: 1 byte after Le",
		"\x00\xA4\x04\x00\x00\x00\x01\x01\x00":         "command APDU, byte 8: 1 byte after the data; an extended Le has 2",
		"\x00\xA4\x04\x00\x00\x00\x02\x01":             "command APDU, byte 5: extended Lc says 2 data bytes, 1 follow",
		"\x00\xA4\x04\x00\x00\x00\x01\x01\x00\x00\x00": "command APDU, byte 8: 3 bytes after the data; an extended Le has 2",
	} {
		_, err := ParseCommand([]byte(command))
		require.EqualError(t, err, want, "%X", command)
	}
}
