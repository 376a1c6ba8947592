//go:build pcsc

package iso8583

import (
	"bytes"
	"context"
	bin "encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// tapped is a connection whose bytes are kept, by direction.
type tapped struct {
	net.Conn
	mu             sync.Mutex
	sent, received bytes.Buffer
}

func (c *tapped) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.sent.Write(b)
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	c.received.Write(b[:n])
	c.mu.Unlock()
	return n, err
}

// port is the TCP port in the capture.
const port = 5000

// capture is a pcap file of raw IP with one TCP segment for each message.
func capture(toServer, fromServer []byte) []byte {
	le := bin.LittleEndian
	out := le.AppendUint32(nil, 0xA1B2C3D4)
	out = append(out, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 101, 0, 0, 0) // link type 101: IP
	for i, data := range [][]byte{toServer, fromServer} {
		from, to := uint16(40000), uint16(port)
		seq, ack := uint32(1), uint32(1)
		if i == 1 {
			from, to, ack = to, from, uint32(1+len(toServer))
		}
		be := bin.BigEndian
		tcp := be.AppendUint16(be.AppendUint16(nil, from), to)
		tcp = be.AppendUint32(be.AppendUint32(tcp, seq), ack)
		tcp = append(tcp, 0x50, 0x18, 0xFF, 0xFF, 0, 0, 0, 0) // no options; PSH, ACK
		ip := be.AppendUint16([]byte{0x45, 0}, uint16(40+len(data)))
		ip = append(ip, 0, byte(i), 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1)
		packet := append(append(ip, tcp...), data...)
		out = le.AppendUint32(le.AppendUint32(out, 0), uint32(i))
		out = le.AppendUint32(le.AppendUint32(out, uint32(len(packet))), uint32(len(packet)))
		out = append(out, packet...)
	}
	return out
}

// TestTsharkReadsOurPort: what our client and our server say to each other over
// TCP is dissected by Wireshark, and every field is what was sent. Wireshark
// takes the length of field 55 for that of its hex digits; the standard table
// counts bytes, so there it sees the first half of it.
func TestTsharkReadsOurPort(t *testing.T) {
	table, err := os.ReadFile("../testdata/iso8583/wireshark.json")
	require.NoError(t, err)
	wireshark, err := NewCodec("wireshark.json", table)
	require.NoError(t, err)
	for _, codec := range []*Codec{wireshark, Standard()} {
		sent := request(7)
		answer, file := talk(t, codec, sent)
		rows := dissect(t, file)
		require.Len(t, rows, 2)
		checkFields(t, rows[0], sent, codec == wireshark)
		checkFields(t, rows[1], answer, codec == wireshark)
	}
}

// talk sends a request over TCP and writes what was said into a capture.
func talk(t *testing.T, codec *Codec, sent *Message) (answer *Message, file string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	serveOn(t, listener, ServerConfig{Codec: codec, Handler: approve})
	var wire *tapped
	client := connect(t, ClientConfig{Codec: codec, Dial: func(ctx context.Context) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", listener.Addr().String())
		wire = &tapped{Conn: conn}
		return wire, err
	}})
	answer, err = client.Exchange(t.Context(), sent)
	require.NoError(t, err)
	wire.mu.Lock()
	defer wire.mu.Unlock()
	file = filepath.Join(t.TempDir(), "iso.pcap")
	require.NoError(t, os.WriteFile(file, capture(wire.sent.Bytes(), wire.received.Bytes()), 0o600))
	return answer, file
}

// dissect prints message type and fields of each record of a capture.
func dissect(t *testing.T, file string) [][]string {
	t.Helper()
	program, err := exec.LookPath("tshark")
	require.NoError(t, err, "install tshark")
	args := []string{"-r", file, "-d", fmt.Sprintf("tcp.port==%d,iso8583", port), "-o", "iso8583.len_endian:Big endian", "-T", "fields",
		"-e", "iso8583.mti", "-e", "_ws.malformed"}
	for n := 2; n <= 128; n++ {
		args = append(args, "-e", fmt.Sprintf("iso8583.bit%d", n))
	}
	var errs bytes.Buffer
	c := exec.Command(program, args...)
	c.Stderr = &errs
	out, err := c.Output()
	require.NoError(t, err, errs.String())
	var rows [][]string
	for _, line := range strings.Split(strings.TrimRight(string(out), "\n"), "\n") {
		rows = append(rows, strings.Split(line, "\t"))
	}
	return rows
}

// checkFields compares what tshark printed with a message: all fields, or those
// before field 55.
func checkFields(t *testing.T, row []string, m *Message, all bool) {
	t.Helper()
	require.Equal(t, string(m.MTI), row[0])
	want := map[int]string{}
	for _, f := range Describe(m, true) {
		want[f.Number] = f.Value
	}
	if all || m.ICCData == nil {
		require.Empty(t, row[1], "malformed")
	}
	for n := 2; n < len(row); n++ {
		got := row[n]
		if fields[n].class == binary {
			got = strings.ToUpper(strings.ReplaceAll(got, ":", ""))
		}
		if n == 55 && !all && m.ICCData != nil {
			require.Equal(t, want[n][:len(want[n])/2], got, "field %d", n)
			return
		}
		require.Equal(t, strings.TrimRight(want[n], " "), strings.TrimRight(got, " "), "field %d", n)
	}
}
