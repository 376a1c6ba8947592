//go:build pcsc

package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/hce"
	"tapsim/reader"
	"tapsim/reader/pcsc"
	"tapsim/reader/readertest"
	"tapsim/reader/vpcd"
	"tapsim/sim"
	"tapsim/terminal/kernel"
)

// service is a PC/SC service for all tests of this package. The library reads
// where it is once, before the first call.
var service = sync.OnceValues(func() (*readertest.PCSCD, error) {
	p, err := readertest.StartPCSCD()
	if err == nil {
		afterTests = append(afterTests, p.Stop)
		err = os.Setenv("PCSCLITE_CSOCK_NAME", p.Socket)
	}
	return p, err
})

func pcscd(t testing.TB) *readertest.PCSCD {
	t.Helper()
	p, err := service()
	require.NoError(t, err)
	return p
}

// insertCard puts a card of ours, in memory, into a slot for the time of a test.
func insertCard(t testing.TB, name string, slot int, around func(apdu.Responder) apdu.Responder) *vpcd.Slot {
	t.Helper()
	card, err := sim.OpenCard(context.Background(), sim.Options{State: sim.Memory, Card: name})
	require.NoError(t, err)
	card.Trouble = func(err error) { t.Error(err) }
	var answers apdu.Responder = card
	if around != nil {
		answers = around(card)
	}
	return insertResponder(t, slot, vpcd.Config{Card: answers, Deactivated: func(why reader.Reason) { card.Deactivated(hce.Deactivation(why)) }})
}

func insertResponder(t testing.TB, slot int, c vpcd.Config) *vpcd.Slot {
	t.Helper()
	s, err := vpcd.Insert(context.Background(), pcscd(t).Slots[slot], c)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(context.Background()) }()
	t.Cleanup(func() {
		s.Remove()
		require.NoError(t, <-done)
	})
	return s
}

// shopAt opens a point of sale at a reader of the service, with the demo bank.
func shopAt(t testing.TB, slot int) *sim.World {
	t.Helper()
	r, err := pcsc.Open(pcscd(t).Names[slot])
	require.NoError(t, err)
	r.Wait = 10 * time.Second
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	a := &app{out: &bytes.Buffer{}, errw: &bytes.Buffer{}}
	w, err := sim.Open(context.Background(), sim.Options{
		State: sim.Memory, Terminal: "attended", Field: &guardedField{app: a, reader: r, flags: &readerFlags{}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func payAt(t testing.TB, w *sim.World, amount int64) sim.Payment {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	p, err := w.Pay(ctx, sim.Request{Amount: amount, Currency: w.Terminal.Currency, Explain: true})
	require.NoError(t, err)
	return p
}

// TestFullLoop is the whole way without hardware: card, virtual reader, PC/SC
// service, library, terminal, bank; a hundred taps on one insertion for each
// kernel. The bank has another token service than the phone, and the same keys.
func TestFullLoop(t *testing.T) {
	for _, c := range []struct {
		card   string
		kernel byte
		taps   int
	}{
		{"visa-plastic", 3, 100}, {"mastercard-plastic", 2, 100}, {"unionpay-plastic", 7, 100},
		{"visa-phone", 3, 20}, {"mastercard-phone", 2, 20}, {"unionpay-phone", 7, 20},
	} {
		t.Run(c.card, func(t *testing.T) {
			insertCard(t, c.card, 0, nil)
			w := shopAt(t, 0)
			for n := range c.taps {
				p := payAt(t, w, int64(100+n))
				require.Equal(t, kernel.Approved, p.Outcome, "tap %d: %s", n+1, p.Detail)
				require.Equal(t, c.kernel, p.Tap.KernelID)
				require.EqualValues(t, "ok", p.Report.Cryptogram, "the bank has checked the cryptogram")
			}
		})
	}
}

// TestTornAndBroughtBack cuts the card away in each exchange of a tap and brings
// it back: the terminal asks for it again, and the payment is made.
func TestTornAndBroughtBack(t *testing.T) {
	for at := 1; at <= 3; at++ {
		t.Run(fmt.Sprintf("exchange %d", at), func(t *testing.T) {
			card, err := sim.OpenCard(context.Background(), sim.Options{State: sim.Memory, Card: "visa-plastic"})
			require.NoError(t, err)
			var slot atomic.Pointer[vpcd.Slot]
			var n atomic.Int32
			config := vpcd.Config{Deactivated: func(why reader.Reason) { card.Deactivated(hce.Deactivation(why)) }}
			config.Card = apdu.ResponderFunc(func(command []byte) []byte {
				answer := card.Respond(command)
				if int(n.Add(1)) == at {
					slot.Load().Remove() // the answer is lost
					go func() { slot.Store(insertResponder(t, 0, config)) }()
				}
				return answer
			})
			slot.Store(insertResponder(t, 0, config))
			p := payAt(t, shopAt(t, 0), 500)
			require.Equal(t, kernel.Approved, p.Outcome, p.Detail)
			require.Equal(t, 2, p.Tap.Taps)
			require.EqualValues(t, "ok", p.Report.Cryptogram)
		})
	}
}

// TestStrangersCardsAreNotPaidWith has a card that does not tell what it is.
func TestStrangersCardsAreNotPaidWith(t *testing.T) {
	var sent atomic.Int32
	insertCard(t, "visa-plastic", 0, func(card apdu.Responder) apdu.Responder {
		return apdu.ResponderFunc(func(command []byte) []byte {
			if command[1] == 0xA8 {
				sent.Add(1)
			}
			return bytes.ReplaceAll(card.Respond(command), []byte{0x42, 3, 0x47, 0x61, 0x73}, []byte{0x42, 3, 0x40, 0, 0})
		})
	})
	name, state := pcscd(t).Names[0], t.TempDir()
	record := filepath.Join(state, "t.apdu")
	status, out, errw := command(t, "", "pay", "--reader", name, "--amount", "5", "--state", state, "--wait", "5s", "--record", record)
	require.Equal(t, exitUsage, status)
	require.Empty(t, out)
	require.Contains(t, errw, "not known to be a test card: issuer number 400000")
	require.Contains(t, errw, "--allow-live goes on")
	require.Zero(t, sent.Load())
	require.Contains(t, errw, "nothing was recorded")
	require.NoFileExists(t, record)
	status, out, errw = command(t, "", "pay", "--reader", name, "--amount", "5", "--state", state, "--wait", "5s", "--json")
	require.Equal(t, exitUsage, status)
	var stopped map[string]string
	require.NoError(t, json.Unmarshal([]byte(out), &stopped))
	require.Contains(t, stopped["error"], "not known to be a test card: issuer number 400000")
	require.NotContains(t, errw, "nothing was recorded", "nobody asked for a recording")
	require.Zero(t, sent.Load())
	status, out, errw = command(t, "", "probe", "--reader", name, "-q")
	require.Equal(t, exitOK, status, errw)
	require.Contains(t, out, "not known: issuer 400000 is none whose account numbers are all test numbers")
	require.NoDirExists(t, filepath.Join(state, "phone"), "the phone has nothing to do with it")

	status, _, errw = command(t, "", "pay", "--reader", name, "--amount", "5", "--state", state, "--allow-live", "--record", record)
	require.Equal(t, exitOK, status, errw)
	require.Contains(t, errw, "transaction\ntapsim: counter rises")
	require.Contains(t, errw, "the recording is redacted")
	require.EqualValues(t, 1, sent.Load())
	text, err := os.ReadFile(record)
	require.NoError(t, err)
	require.NotContains(t, string(text), "4761739001010119")
	require.NotContains(t, string(text), name)
}

// command runs a command line.
func command(t testing.TB, in string, args ...string) (status int, out, errw string) {
	t.Helper()
	var o, e bytes.Buffer
	status = Main(context.Background(), args, strings.NewReader(in), &o, &e)
	return status, o.String(), e.String()
}

func TestPayAtAReader(t *testing.T) {
	insertCard(t, "mastercard-plastic", 0, nil)
	state := t.TempDir()
	record := filepath.Join(state, "t.apdu")
	status, out, errw := command(t, "", "pay", "--reader", "pcd 00 00", "--amount", "5", "--state", state, "--json", "--record", record, "--expect", "approved")
	require.Equal(t, exitOK, status, errw)
	var p paymentJSON
	require.NoError(t, json.Unmarshal([]byte(out), &p))
	require.Equal(t, "Virtual PCD 00 00", *p.Reader)
	require.Nil(t, p.Card)
	require.Equal(t, 2, *p.Kernel)
	require.True(t, *p.CryptogramVerified)
	require.NoDirExists(t, filepath.Join(state, "phone"))
	status, out, errw = command(t, "", "replay", record)
	require.Equal(t, exitOK, status, out+errw)

	status, _, errw = command(t, "", "pay", "--reader", "Virtual PCD 00 01", "--state", state, "--wait", "20ms")
	require.Equal(t, exitUsage, status)
	require.Contains(t, errw, "no card was presented within 20ms")
}

func TestTerminalTakesTapAfterTap(t *testing.T) {
	insertCard(t, "visa-plastic", 0, nil)
	status, out, errw := command(t, "5.00\n\nfive\n6.50\n", "terminal", "--reader", "Virtual PCD 00 00", "--state", sim.Memory, "--json")
	require.Equal(t, exitUsage, status, "one amount was none")
	require.Contains(t, errw, "1 of the amounts could not be read")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 3, "one value a line")
	for i, want := range []string{"5.00", "", "6.50"} {
		var p struct{ Outcome, Amount, Error string }
		require.NoError(t, json.Unmarshal([]byte(lines[i]), &p))
		require.Equal(t, want, p.Amount)
		if want == "" {
			require.Contains(t, p.Error, `standard input, line 3: amount "five"`)
			continue
		}
		require.Equal(t, "approved", p.Outcome)
	}
}

// TestTerminalEndsWhenInterrupted waits for a card that never comes.
func TestTerminalEndsWhenInterrupted(t *testing.T) {
	pcscd(t)
	ctx, cancel := context.WithCancel(context.Background())
	shown := &watched{want: "present the card", seen: cancel}
	status := Main(ctx, []string{"terminal", "--reader", "Virtual PCD 00 01", "--state", sim.Memory, "--amount", "1"}, strings.NewReader(""), &bytes.Buffer{}, shown)
	require.Equal(t, exitOK, status, shown.String())
}

// TestPayAndProbeSayThatTheyWereInterrupted wait for a card that never comes.
func TestPayAndProbeSayThatTheyWereInterrupted(t *testing.T) {
	pcscd(t)
	for _, args := range [][]string{{"pay", "--state", sim.Memory}, {"probe"}} {
		ctx, cancel := context.WithCancel(context.Background())
		shown := &watched{want: "present the card", seen: cancel}
		status := Main(ctx, append(args, "--reader", "Virtual PCD 00 01"), strings.NewReader(""), &bytes.Buffer{}, shown)
		require.Equal(t, exitUsage, status)
		require.Contains(t, shown.String(), "tapsim: interrupted\n")
		require.NotContains(t, shown.String(), "context")
	}
}

// watched tells when a text was written.
type watched struct {
	bytes.Buffer
	want string
	seen func()
}

func (w *watched) Write(p []byte) (int, error) {
	defer func() {
		if strings.Contains(w.String(), w.want) {
			w.seen()
		}
	}()
	return w.Buffer.Write(p)
}

func TestProbe(t *testing.T) {
	var live atomic.Int32
	insertCard(t, "mastercard-phone", 0, func(card apdu.Responder) apdu.Responder {
		return apdu.ResponderFunc(func(command []byte) []byte {
			if command[1] == 0xA8 || command[1] == 0xAE {
				live.Add(1)
			}
			return card.Respond(command)
		})
	})
	status, out, errw := command(t, "", "probe", "--reader", "Virtual PCD 00 00", "--json")
	require.Equal(t, exitOK, status, errw)
	var p probeJSON
	require.NoError(t, json.Unmarshal([]byte(out), &p))
	require.True(t, *p.TestCard)
	require.True(t, p.Contactless)
	require.NotNil(t, p.UID)
	require.Len(t, p.Applications, 1)
	require.Equal(t, "2", p.Applications[0].Kernel)
	require.Positive(t, p.Applications[0].Records)
	require.Equal(t, "MASTERCARD", strings.ToUpper(p.Applications[0].Label), "without quotes")
	require.Zero(t, live.Load())
	require.NotContains(t, out, "541333900200001", "account numbers are masked")
	status, out, _ = command(t, "", "probe", "--reader", "Virtual PCD 00 00", "-q")
	require.Equal(t, exitOK, status)
	require.Contains(t, out, "Stopped before GET PROCESSING OPTIONS")
}

func TestReadersAndDoctor(t *testing.T) {
	pcscd(t)
	status, out, errw := command(t, "", "readers")
	require.Equal(t, exitOK, status, errw)
	require.Contains(t, out, "Virtual PCD 00 01  none")
	status, out, errw = command(t, "", "doctor", "--json")
	require.Equal(t, exitOK, status, out+errw)
	var findings []finding
	require.NoError(t, json.Unmarshal([]byte(out), &findings))
	for _, f := range findings {
		require.True(t, f.OK, "%s: %s: %s", f.Name, f.Found, f.Fix)
	}
}

// tool runs somebody else's program; one that is missing names its package.
func tool(t *testing.T, pkg, name string, args ...string) string {
	t.Helper()
	_, err := exec.LookPath(name)
	require.NoError(t, err, "install the package %s", pkg)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	out, _ := exec.CommandContext(ctx, name, args...).CombinedOutput()
	return string(out)
}

// session is what programs ask a card that they do not know, and what ours says.
var session = []struct{ command, answer string }{
	{"00A404000E325041592E5359532E444446303100", ""}, // "" is what the card says when asked directly
	{"00A404000E315041592E5359532E444446303100", "6A82"},
	{"00A4040007A0000000031010", ""},
	{"00A4040207A000000003101000", "6A82"},
	{"00A4040008A000000003101099", "6A82"},
	{"80CA9F3600", "9F360200009000"},
	{"80CA9F7F00", "6A88"},
	{"00B2010C00", "6A82"},
	{"0084000008", "6D00"},
	{"0CA4040007A0000000031010", "6882"},
	{"00A40000023F0000", "6A86"},
	{"00200080082411111111111111", "6D00"},
	{"FFCA000000", "010203049000"},
	{"FFCA010000", "05788070029000"},
	{"FFB0000010", "6D00"},
}

// answers are what the session must give.
func answers(t *testing.T) (want []string) {
	t.Helper()
	card, err := sim.OpenCard(context.Background(), sim.Options{State: sim.Memory, Card: "visa-plastic"})
	require.NoError(t, err)
	for _, s := range session {
		command, err := hex.DecodeString(s.command)
		require.NoError(t, err)
		direct := strings.ToUpper(hex.EncodeToString(card.Respond(command)))
		if s.answer != "" {
			if !strings.HasPrefix(s.command, "FF") {
				require.Equal(t, s.answer, direct, s.command)
			}
			direct = s.answer
		}
		want = append(want, direct)
	}
	return want
}

// TestOtherPrograms lets stock PC/SC programs read our card and compares what
// they print.
func TestOtherPrograms(t *testing.T) {
	card, err := sim.OpenCard(context.Background(), sim.Options{State: sim.Memory, Card: "visa-plastic"})
	require.NoError(t, err)
	insertResponder(t, 0, vpcd.Config{Card: card, UID: []byte{1, 2, 3, 4}, Deactivated: func(why reader.Reason) { card.Deactivated(hce.Deactivation(why)) }})
	r, err := pcsc.Open("Virtual PCD 00 00")
	require.NoError(t, err)
	_, err = r.Activate(context.Background()) // the service has seen it
	require.NoError(t, err)
	require.NoError(t, r.Close())
	want := answers(t)
	t.Run("scriptor", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "session")
		var text strings.Builder
		for _, s := range session {
			text.WriteString(s.command + "\n")
		}
		require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o600))
		out := tool(t, "pcsc-tools", "scriptor", "-r", "Virtual PCD 00 00", file)
		require.Contains(t, out, "Using T=1 protocol")
		require.Equal(t, want, scriptorAnswers(out), out)
	})
	t.Run("opensc-tool", func(t *testing.T) {
		args := []string{"-r", "0", "-c", "default"}
		for _, s := range session {
			args = append(args, "-s", s.command)
		}
		require.Equal(t, want, openscAnswers(tool(t, "opensc", "opensc-tool", args...)))
		require.Contains(t, tool(t, "opensc", "opensc-tool", "-r", "0", "-a"), "3b:80:80:01:01")
	})
	t.Run("pyscard", func(t *testing.T) {
		script := "import sys\nfrom smartcard.System import readers\nc = readers()[0].createConnection()\nc.connect()\n" +
			"for line in sys.argv[1:]:\n d, a, b = c.transmit(list(bytes.fromhex(line)))\n print(bytes(d + [a, b]).hex().upper())\n"
		args := []string{"-c", script}
		for _, s := range session {
			args = append(args, s.command)
		}
		require.Equal(t, want, strings.Fields(tool(t, "python3-pyscard", "/usr/bin/python3", args...)))
	})
	t.Run("pcsc_scan", func(t *testing.T) {
		require.Contains(t, tool(t, "pcsc-tools", "pcsc_scan", "-r"), "0: Virtual PCD 00 00")
		out := tool(t, "coreutils", "timeout", "2", "pcsc_scan", "-c", "-n")
		require.Contains(t, out, "Card inserted")
		require.Contains(t, out, "3B 80 80 01 01")
	})
}

// scriptorAnswers are the answers that scriptor prints: "< 6F ... 90 00 : text",
// over several lines.
func scriptorAnswers(out string) (list []string) {
	for _, part := range regexp.MustCompile(`(?s)\n< ([0-9A-F\s]+?) :`).FindAllStringSubmatch(out, -1) {
		list = append(list, strings.Join(strings.Fields(part[1]), ""))
	}
	return list
}

// openscAnswers are those of opensc-tool: "Received (SW1=0x90, SW2=0x00)", then
// lines of hex and text.
func openscAnswers(out string) (list []string) {
	row := regexp.MustCompile(`^((?:[0-9A-F]{2} ){1,16})`)
	status := ""
	data := ""
	flush := func() {
		if status != "" {
			list = append(list, data+status)
		}
		status, data = "", ""
	}
	for line := range strings.Lines(out) {
		var sw1, sw2 byte
		if n, _ := fmt.Sscanf(line, "Received (SW1=0x%02X, SW2=0x%02X)", &sw1, &sw2); n == 2 {
			flush()
			status = fmt.Sprintf("%02X%02X", sw1, sw2)
		} else if strings.HasPrefix(line, "Sending:") {
			flush()
		} else if m := row.FindString(line); m != "" && status != "" {
			data += strings.Join(strings.Fields(m), "")
		}
	}
	flush()
	return list
}
