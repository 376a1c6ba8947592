package vpcd

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/reader"
)

// driver is the reader's side of the wire, as vsmartcard's driver plays it.
type driver struct {
	t    *testing.T
	l    net.Listener
	conn net.Conn
}

func newDriver(t *testing.T) *driver {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d := &driver{t: t, l: l}
	t.Cleanup(func() { _ = l.Close() })
	return d
}

func (d *driver) accept() {
	conn, err := d.l.Accept()
	require.NoError(d.t, err)
	d.conn = conn
	d.t.Cleanup(func() { _ = conn.Close() })
}

// send sends length and body apart, as the driver does.
func (d *driver) send(body ...byte) {
	d.t.Helper()
	_, err := d.conn.Write(binary.BigEndian.AppendUint16(nil, uint16(len(body))))
	require.NoError(d.t, err)
	_, err = d.conn.Write(body)
	require.NoError(d.t, err)
}

func (d *driver) receive() []byte {
	d.t.Helper()
	require.NoError(d.t, d.conn.SetReadDeadline(time.Now().Add(5*time.Second)))
	var n [2]byte
	_, err := io.ReadFull(d.conn, n[:])
	require.NoError(d.t, err)
	body := make([]byte, binary.BigEndian.Uint16(n[:]))
	_, err = io.ReadFull(d.conn, body)
	require.NoError(d.t, err)
	return body
}

func (d *driver) ask(command string) string {
	d.t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(command, " ", ""))
	require.NoError(d.t, err)
	d.send(b...)
	return strings.ToUpper(hex.EncodeToString(d.receive()))
}

// ended waits for the card to leave.
func (d *driver) ended() {
	d.t.Helper()
	require.NoError(d.t, d.conn.SetReadDeadline(time.Now().Add(5*time.Second)))
	_, err := d.conn.Read(make([]byte, 1))
	require.ErrorIs(d.t, err, io.EOF)
}

// echo answers with the command and 9000; FF FF takes the card away.
var echo = apdu.ResponderFunc(func(c []byte) []byte {
	if c[1] == 0xFF {
		return nil
	}
	return append(append([]byte(nil), c...), 0x90, 0)
})

// start puts a card into the driver's slot.
func start(t *testing.T, c Config) (*driver, *Slot, <-chan error) {
	t.Helper()
	d := newDriver(t)
	slot, err := Insert(context.Background(), d.l.Addr().String(), c)
	require.NoError(t, err)
	d.accept()
	done := make(chan error, 1)
	go func() { done <- slot.Serve(context.Background()) }()
	d.ask("04")
	return d, slot, done
}

func TestTheReadersOwnCommands(t *testing.T) {
	d, slot, done := start(t, Config{Card: echo, UID: []byte{1, 2, 3, 4}, Historical: []byte{0xC1, 0x02}})
	for _, c := range []struct{ name, command, want string }{
		{"ATR", "04", "3B828001C102C0"},
		{"UID", "FFCA000000", "010203049000"},
		{"UID of four bytes", "FFCA000004", "010203049000"},
		{"UID, too little room", "FFCA000003", "6C04"},
		{"UID, more than there is", "FFCA000008", "010203046282"},
		{"ATS", "FFCA010000", "0778807002C1029000"},
		{"something else of the card", "FFCA020000", "6A81"},
		{"loading a key", "FF82000006FFFFFFFFFFFF", "6700"},
		{"a memory card's block", "FFB0000010", "6D00"},
		{"damaged", "FFCA0000050102", "6700"},
		{"the card's own", "00A4040000", "00A40400009000"},
		{"one byte, which is no control message", "FF", "6700"},
		{"another such", "05", "6700"},
		{"and one below the last control message", "03", "6700"},
		{"a class that only looks alike", "FE CA 00 00 00", "FECA0000009000"},
	} {
		require.Equal(t, c.want, d.ask(c.command), c.name)
	}
	slot.Remove()
	require.NoError(t, <-done)
}

func TestAnATRWithoutHistoricalBytes(t *testing.T) {
	p, err := newPseudo(nil, nil)
	require.NoError(t, err)
	require.Equal(t, "3b80800101", hex.EncodeToString(p.atr), "as readers make it for such a card")
	p, err = newPseudo(make([]byte, 10), []byte("Jeton 3D-Pass-1"))
	require.NoError(t, err)
	require.Len(t, p.atr, 20)
	for _, uid := range [][]byte{make([]byte, 1), make([]byte, 5), make([]byte, 11)} {
		_, err = newPseudo(uid, nil)
		require.ErrorContains(t, err, "a UID has")
	}
	_, err = newPseudo(nil, make([]byte, 16))
	require.ErrorContains(t, err, "at most 15")
}

func TestPowerIsTheField(t *testing.T) {
	var off int
	var seen []string
	d, slot, done := start(t, Config{Card: echo, Deactivated: func(why reader.Reason) {
		require.Equal(t, reader.LinkLoss, why)
		off++
	}, Seen: func(c, a []byte) { seen = append(seen, hex.EncodeToString(c)+" "+hex.EncodeToString(a)) }})
	// Each question waits until the messages before it were heard.
	d.send(controlOff)
	d.ask("04")
	require.Zero(t, off, "it had no power")
	d.send(controlOn)
	d.ask("00010203")
	require.Zero(t, off)
	d.send(controlReset)
	d.ask("04")
	require.Equal(t, 1, off, "a reset is off and on")
	d.send(controlOff)
	d.ask("04")
	require.Equal(t, 2, off)
	d.send(controlOff)
	d.send(controlOn)
	d.ask("04")
	require.Equal(t, 2, off)
	slot.Remove()
	require.NoError(t, <-done)
	require.Equal(t, 3, off, "the card left with power")
	require.Equal(t, []string{"00010203 000102039000"}, seen, "control messages are no exchanges")
}

func TestACardThatGivesNoAnswerLeaves(t *testing.T) {
	d, _, done := start(t, Config{Card: echo})
	d.send(0, 0xFF, 0, 0)
	d.ended()
	require.NoError(t, <-done)
}

func TestLargestMessages(t *testing.T) {
	d, slot, done := start(t, Config{Card: apdu.ResponderFunc(func(c []byte) []byte { return c })})
	large := make([]byte, maxMessage)
	large[0], large[1] = 0x80, 1
	d.send(large...)
	require.Equal(t, large, d.receive())
	slot.Remove()
	require.NoError(t, <-done)
}

func TestWhatIsNoReader(t *testing.T) {
	d, _, done := start(t, Config{Card: echo})
	d.send()
	require.ErrorContains(t, <-done, "a message without content")
	d.ended()

	d, _, done = start(t, Config{Card: echo})
	_, err := d.conn.Write([]byte{0, 5, 1})
	require.NoError(t, err)
	require.NoError(t, d.conn.Close())
	require.NoError(t, <-done, "cut in the middle: the reader is gone")
}

func TestNobodyListens(t *testing.T) {
	d := newDriver(t)
	addr := d.l.Addr().String()
	require.NoError(t, d.l.Close())
	_, err := Insert(context.Background(), addr, Config{Card: echo})
	require.Error(t, err)
	_, err = Insert(context.Background(), addr, Config{})
	require.ErrorContains(t, err, "needs a card")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Insert(ctx, addr, Config{Card: echo})
	require.ErrorIs(t, err, context.Canceled)
}

func TestRunComesBack(t *testing.T) {
	d := newDriver(t)
	ctx, cancel := context.WithCancel(context.Background())
	states := make(chan error)
	done := make(chan error)
	go func() { done <- Run(ctx, d.l.Addr().String(), Config{Card: echo}, func(err error) { states <- err }) }()
	for range 2 {
		d.accept()
		d.send(controlATR)
		require.NoError(t, <-states)
		require.Equal(t, "3B80800101", strings.ToUpper(hex.EncodeToString(d.receive())))
		require.NoError(t, d.conn.Close())
		require.ErrorIs(t, <-states, errLeft)
	}
	d.accept()
	d.send(controlATR)
	require.NoError(t, <-states)
	d.receive()
	cancel()
	require.NoError(t, <-done)
	d.ended()
}

// keep runs a keeper that is in a hurry.
func keep(t *testing.T, d *driver) (k *keeper, states chan error, stay func() (ended chan struct{})) {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	states = make(chan error, 4)
	k = &keeper{addr: d.l.Addr().String(), config: Config{Card: echo}, changed: func(err error) { states <- err },
		told: map[string]bool{}, greet: 20 * time.Millisecond, again: Again}
	return k, states, func() chan struct{} {
		ended := make(chan struct{})
		go func() {
			k.stay(ctx)
			close(ended)
		}()
		d.accept()
		return ended
	}
}

// TestAnOccupiedSlot takes the connection and does not speak, as the system does
// for a reader that has a card already.
func TestAnOccupiedSlot(t *testing.T) {
	d := newDriver(t)
	k, states, stay := keep(t, d)
	ended := stay()
	err := <-states
	require.ErrorIs(t, err, ErrOccupied)
	require.ErrorContains(t, err, "another card is in it")
	require.Equal(t, "3B80800101", d.ask("04"), "its turn has come")
	require.NoError(t, <-states)
	require.NoError(t, d.conn.Close())
	require.ErrorIs(t, <-states, errLeft)
	<-ended
	require.Equal(t, Again, k.again)
}

// TestAnotherServiceAtThePort is told once, and asked less and less often.
func TestAnotherServiceAtThePort(t *testing.T) {
	for _, c := range []struct {
		name, banner, want string
	}{
		{"one that speaks first", "SSH-2.0-OpenSSH_9.2\r\n", "does not speak as one does"},
		{"one that waits, and hangs up", "", "what listens there is no virtual reader"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDriver(t)
			k, states, stay := keep(t, d)
			for range 8 {
				ended := stay()
				_, err := d.conn.Write([]byte(c.banner))
				require.NoError(t, err)
				if c.banner == "" {
					require.NoError(t, d.conn.Close())
				}
				<-ended
			}
			require.ErrorContains(t, <-states, c.want)
			require.Empty(t, states)
			require.Equal(t, maxAgain, k.again)
		})
	}
}

func TestRunRefusesWhatNeverWorks(t *testing.T) {
	require.Error(t, Run(context.Background(), "127.0.0.1:1", Config{Card: echo, UID: []byte{1}}, nil))
}

func TestQuickAckOnAnyConnection(t *testing.T) {
	a, b := net.Pipe()
	require.NoError(t, errors.Join(a.Close(), b.Close()))
	quickAck(a)() // no TCP: nothing to set
}
