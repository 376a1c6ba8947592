package iso8583

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLengthHeaders(t *testing.T) {
	m := &Message{MTI: "0800", STAN: "000001"} // 26 bytes
	for header, want := range map[Header]string{Binary2Bytes: "\x00\x1A", ASCII4Bytes: "0026", BCD2Bytes: "\x00\x26"} {
		c := Standard()
		c.header = header
		frame, err := c.frame(m, defaultMaxFrame)
		require.NoError(t, err)
		require.Equal(t, want+"08000020000000000000000001", string(frame))

		r := bytes.NewReader(append(frame, frame...))
		for range 2 {
			packed, err := c.readFrame(r, 26, func() {})
			require.NoError(t, err)
			require.Equal(t, string(frame[len(want):]), string(packed))
		}
		_, err = c.readFrame(r, 26, func() {})
		require.Equal(t, io.EOF, err, "an end between two messages is no fault")
		_, err = c.readFrame(bytes.NewReader(frame), 25, func() {})
		require.ErrorIs(t, err, errFrame)
		for end := 1; end < len(frame); end++ {
			_, err := c.readFrame(bytes.NewReader(frame[:end]), 26, func() {})
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, "cut at %d", end)
		}
	}
}

func TestLengthsOfDigits(t *testing.T) {
	for length := range 10000 {
		for _, header := range []Header{ASCII4Bytes, BCD2Bytes} {
			size, most := header.size()
			require.Equal(t, 9999, most)
			frame := make([]byte, size)
			header.put(frame, length)
			got, ok := header.length(frame)
			require.True(t, ok)
			require.Equal(t, length, got)
		}
	}
	for header, bad := range map[Header]string{ASCII4Bytes: "00 6", BCD2Bytes: "\x00\x0A"} {
		c := &Codec{header: header}
		_, err := c.readFrame(strings.NewReader(bad+"0800"), 100, func() {})
		require.EqualError(t, err, "bad length header: not decimal digits")
	}
}

func TestHeaderThatIsTooSmall(t *testing.T) {
	c := Standard()
	c.header = BCD2Bytes
	_, err := c.frame(everyField(), 1<<20)
	require.ErrorContains(t, err, "at most 9999 fit")
}
