package transcript

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/reader"
)

// A tap as our own files hold it. The cryptogram's bytes are made up: nothing
// here checks them.
const tap = `# tapsim: 1
# card: visa-plastic

# SELECT 2PAY.SYS.DDF01
> 00A404000E325041592E5359532E444446303100
< 6F23840E325041592E5359532E4444463031A511BF0C0E610C4F07A00000000310108701019000
# SELECT A0000000031010
> 00A4040007A000000003101000
< 6F268407A0000000031010A51B9F38189F66049F02069F03069F1A0295055F2A029A039C019F37049000
# GET PROCESSING OPTIONS
> 80A80000238321260040000000000012500000000000000276000000000009783001010001020304 00
< 774D820200009404080101005713476173900101011 9D49122010000000000000F5F3401019F100706011203A000009F260801020304050607089F2701809F360200019F6C0200009F6E042070000090 00
# READ RECORD SFI 1 record 1
> 00B2010C00
< 700A5A0847617390010101199000
`

func parseTap(t *testing.T) *Transcript {
	t.Helper()
	return readText(t, tap)
}

// script answers the recorded commands with the recorded answers.
type script struct {
	answers map[string][]byte
	seen    int
}

func newScript(t *Transcript) *script {
	s := &script{answers: map[string][]byte{}}
	for _, x := range t.Exchanges() {
		s.answers[string(x.Command)] = x.Response
	}
	return s
}

func (s *script) Respond(command []byte) []byte {
	s.seen++
	if a, ok := s.answers[string(command)]; ok {
		return append([]byte(nil), a...)
	}
	return apdu.StatusInstruction.Append(nil)
}

func (s *script) Transceive(_ context.Context, command []byte) ([]byte, error) {
	return s.Respond(command), nil
}

// run sends the commands of x to a card and returns the first error.
func run(card apdu.Transceiver, x *Transcript) error {
	for _, e := range x.Exchanges() {
		if _, err := card.Transceive(context.Background(), e.Command); err != nil {
			return err
		}
	}
	return nil
}

func TestStrictCardPlaysItsRecording(t *testing.T) {
	x := parseTap(t)
	card := NewStrictCard(x)
	require.NoError(t, run(card, x))
	require.NoError(t, card.Finish())
	require.NoError(t, Terminal{Card: newScript(x)}.Replay(x))
}

// edit returns the tap with one byte of a command or answer changed.
func edit(t *testing.T, exchange, at int, response bool) *Transcript {
	t.Helper()
	x := parseTap(t)
	e := x.Exchanges()[exchange-1]
	b := e.Command
	if response {
		b = e.Response
	}
	b[at] ^= 0x01
	return x
}

func TestAChangedCommandByteIsNamed(t *testing.T) {
	for _, c := range []struct {
		exchange, at int
		want         string
	}{
		{3, 16, "exchange 3 GET PROCESSING OPTIONS, byte 16: 9F02 Amount authorised, numeric is 000000001251, recorded 000000001250"},
		{3, 39, "exchange 3 GET PROCESSING OPTIONS, byte 39: 9F37 Unpredictable number is 01020305, recorded 01020304"},
		{3, 28, "exchange 3 GET PROCESSING OPTIONS, byte 28: 95 Terminal verification results (TVR) is 0000000100, recorded 0000000000"},
		{3, 4, "exchange 3 GET PROCESSING OPTIONS, byte 4: Lc is 22, recorded 23"},
		{3, 6, "exchange 3 GET PROCESSING OPTIONS, byte 6: tag or length of 83 Command template is 8320, recorded 8321"},
		{3, 40, "exchange 3 GET PROCESSING OPTIONS, byte 40: Le is 01, recorded 00"},
		{4, 2, "exchange 4 READ RECORD SFI 1 record 1, byte 2: P1 is 00, recorded 01"},
		{2, 11, "exchange 2 SELECT A0000000031010, byte 11: file name is A0000000031011, recorded A0000000031010"},
	} {
		x := parseTap(t)
		card := NewStrictCard(x)
		err := run(card, edit(t, c.exchange, c.at, false))
		require.EqualError(t, err, "x:"+itoa(x.Exchanges()[c.exchange-1].Line)+": "+c.want)
		var m *Mismatch
		require.ErrorAs(t, err, &m)
		require.Equal(t, c.at, m.Offset)
		require.False(t, errors.Is(err, apdu.ErrLost), "a mismatch is no torn card")
		require.Equal(t, err, card.Finish(), "the replay stays failed")
		_, again := card.Transceive(context.Background(), x.Exchanges()[0].Command)
		require.Equal(t, err, again)
	}
}

// Whatever byte differs, its exchange and its place are told.
func TestEveryChangedByteIsNamed(t *testing.T) {
	exchanges := parseTap(t).Exchanges()
	for n, x := range exchanges {
		for _, side := range []struct {
			bytes    []byte
			response bool
		}{{x.Command, false}, {x.Response, true}} {
			for at := range side.bytes {
				changed := edit(t, n+1, at, side.response)
				err := run(NewStrictCard(parseTap(t)), changed)
				if side.response {
					err = Terminal{Card: newScript(changed)}.Replay(parseTap(t))
				}
				var m *Mismatch
				require.ErrorAs(t, err, &m)
				require.Equal(t, []int{n + 1, at}, []int{m.Exchange, m.Offset})
				require.ErrorContains(t, err, fmt.Sprintf("exchange %d %s, byte %d: ", n+1, nameOf(x.Command), at))
			}
		}
	}
}

// A recorded command that is none has no elements.
func TestAMalformedCommandDiffers(t *testing.T) {
	x := readText(t, "> 00A4040001020304\n< 6700\n> 00A40400030405\n< 6700\n")
	card := NewStrictCard(x)
	_, err := card.Transceive(context.Background(), fromHex(t, "00A4040001020305"))
	require.EqualError(t, err, "x:1: exchange 1 malformed command, byte 7: content is 00A4040001020305, recorded 00A4040001020304")
}

// Of what both sides of a replay found, the first is told.
func TestFirstDifference(t *testing.T) {
	second, third, other := &Mismatch{Exchange: 2}, &Mismatch{Exchange: 3}, errors.New("another outcome")
	require.NoError(t, First(nil, nil))
	require.Equal(t, error(second), First(third, second))
	require.Equal(t, error(second), First(second, nil, third))
	require.Equal(t, error(third), First(other, third))
	require.Equal(t, other, First(nil, other))
}

func TestAChangedAnswerByteIsNamed(t *testing.T) {
	for _, c := range []struct {
		exchange, at int
		path, want   string
	}{
		{3, 57, "77/9F26", "byte 57: 9F26 Application cryptogram is 0102030405060709, recorded 0102030405060708"},
		{3, 75, "77/9F6E", "byte 75: 9F6E Form factor indicator (FFI) is 21700000, recorded 20700000"},
		{3, 2, "77/82", "byte 2: tag or length of 82 Application interchange profile (AIP) is 8302, recorded 8202"},
		{3, 19, "77/57", "byte 19: 57 Track 2 equivalent data differs; its value is masked"},
		{2, 20, "6F/A5/9F38", "byte 20: 9F38 Processing options DOL (PDOL) is 9F66049F03069F03069F1A0295055F2A029A039C019F3704, recorded 9F66049F0206"},
		{1, 38, "", "byte 38: SW1-SW2 is 9001, recorded 9000"},
		{4, 5, "70/5A", "byte 5: 5A Primary account number (PAN) differs; its value is masked"},
	} {
		x := parseTap(t)
		err := Terminal{Card: newScript(edit(t, c.exchange, c.at, true))}.Replay(x)
		require.Error(t, err)
		var m *Mismatch
		require.ErrorAs(t, err, &m)
		require.Contains(t, err.Error(), c.want)
		require.Equal(t, c.path, m.Path)
		require.NotContains(t, err.Error(), "4761739001010119")
	}
}

func TestShorterAndLongerMessages(t *testing.T) {
	x := parseTap(t)
	whole := x.Exchanges()[3].Response
	for _, c := range []struct {
		answer []byte
		want   string
	}{
		{whole[:4], "byte 4: 5A Primary account number (PAN) is missing: only 4 bytes, recorded 14 bytes"},
		{append(append([]byte{}, whole...), 0x00), "byte 14: its end is 1 byte later, recorded after 14 bytes"},
		{nil, "byte 0: 70 READ RECORD response template is missing: only 0 bytes, recorded 14 bytes"},
	} {
		s := newScript(x)
		s.answers[string(x.Exchanges()[3].Command)] = c.answer
		require.ErrorContains(t, Terminal{Card: s}.Replay(x), c.want)
	}
}

func TestALongValueShowsWhatIsAroundTheByte(t *testing.T) {
	value := make([]byte, 100)
	for i := range value {
		value[i] = byte(i)
	}
	for at, want := range map[int]string{
		2:  "000102030405060708 09...",
		50: "...2A2B2C2D2E2F30313233343536373839...",
		99: "...5B5C5D5E5F60616263",
	} {
		require.Equal(t, strings.ReplaceAll(want, " ", ""), (&Part{}).shown(value, at))
	}
	require.Equal(t, masked, (&Part{Masked: true}).shown(value, 2))
}

func TestOrderAndCount(t *testing.T) {
	x := parseTap(t)
	send := func(numbers ...int) (*StrictCard, error) {
		card := NewStrictCard(x)
		for _, n := range numbers {
			if _, err := card.Transceive(context.Background(), x.Exchanges()[n-1].Command); err != nil {
				return card, err
			}
		}
		return card, nil
	}
	_, err := send(1, 2, 4)
	require.ErrorContains(t, err, "exchange 3 GET PROCESSING OPTIONS, byte 0: READ RECORD SFI 1 record 1 came, which is recorded later, as exchange 4")
	_, err = send(1, 2, 3, 1)
	require.ErrorContains(t, err, "exchange 4 READ RECORD SFI 1 record 1, byte 1: another command came: SELECT 2PAY.SYS.DDF01")
	_, err = send(1, 2, 3, 4, 4)
	require.ErrorContains(t, err, "exchange 5 READ RECORD SFI 1 record 1: not recorded: the recording ends after 4 exchanges")
	card, err := send(1, 2)
	require.NoError(t, err)
	require.ErrorContains(t, card.Finish(), "exchange 3 GET PROCESSING OPTIONS: left over: the terminal stopped before it; 2 exchanges of the recording not played")
	require.Error(t, card.Finish())

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	card = NewStrictCard(x)
	_, err = card.Transceive(ctx, x.Exchanges()[0].Command)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, run(card, x), "nothing was used up")
}

const torn = `# tapsim: 1

> 80A8000002830000
< 6986
! wait 1.3s
! verify
! reset
> 80A8000002830000
< !
! reset
> 00B2010C00
< 9000
! tear
> 00B2020C00
< !
! wait 2s
`

func TestTornAndSecondTaps(t *testing.T) {
	x := readText(t, torn)
	var waited time.Duration
	card := NewStrictCard(x)
	card.Wait = func(d time.Duration) { waited += d }
	gpo, read1, read2 := fromHex(t, "80A8000002830000"), fromHex(t, "00B2010C00"), fromHex(t, "00B2020C00")
	transceive := func(c []byte) ([]byte, error) { return card.Transceive(context.Background(), c) }

	b, err := transceive(gpo)
	require.NoError(t, err)
	require.Equal(t, []byte{0x69, 0x86}, b)
	require.NoError(t, card.Off(context.Background(), time.Second))
	require.Equal(t, 1300*time.Millisecond, waited)
	_, err = transceive(gpo)
	require.ErrorIs(t, err, apdu.ErrLost)
	card.Reset()
	_, err = transceive(read1)
	require.NoError(t, err)
	_, err = transceive(read2)
	require.ErrorIs(t, err, apdu.ErrLost)
	require.NoError(t, card.Finish())
	require.Equal(t, 3300*time.Millisecond, waited)
	_, err = transceive(read1)
	require.ErrorIs(t, err, apdu.ErrLost, "the card is gone, whatever is asked")

	// The terminal's side: the torn command never reaches the card.
	s := newScript(x)
	s.answers[string(gpo)] = []byte{0x69, 0x86}
	deactivated := 0
	waited = 0
	verified := 0
	require.NoError(t, Terminal{Card: s, Verified: func() { verified++ }, Deactivated: func() { deactivated++ }, Wait: func(d time.Duration) { waited += d }}.Replay(x))
	require.Equal(t, 3, s.seen)
	require.Equal(t, 3, deactivated)
	require.Equal(t, 1, verified)
	require.Equal(t, 3300*time.Millisecond, waited)
}

func TestResetsAreStrictToo(t *testing.T) {
	x := readText(t, torn)
	card := NewStrictCard(x)
	gpo := fromHex(t, "80A8000002830000")
	card.Reset() // before the first command
	require.NoError(t, run(NewStrictCard(readText(t, "# tapsim: 1\n! reset\n> 00B2010C00\n< 9000\n")), readText(t, "> 00B2010C00\n< 9000\n")))
	_, err := card.Transceive(context.Background(), gpo)
	require.NoError(t, err)
	card.Reset()
	_, err = card.Transceive(context.Background(), gpo)
	require.ErrorIs(t, err, apdu.ErrLost)
	card.Reset()
	read := fromHex(t, "00B2010C00")
	_, err = card.Transceive(context.Background(), read)
	require.NoError(t, err)
	card.Reset()
	_, err = card.Transceive(context.Background(), fromHex(t, "00B2020C00"))
	require.ErrorContains(t, err, "exchange 4: the terminal switched the field off and on; the recording has no `! reset` here")

	card = NewStrictCard(x)
	_, err = card.Transceive(context.Background(), gpo)
	require.NoError(t, err)
	require.ErrorContains(t, card.Finish(), "left over: the terminal stopped, and the recording goes on with `! reset`")

	card = NewStrictCard(x)
	_, err = card.Transceive(context.Background(), gpo)
	require.NoError(t, err)
	_, err = card.Transceive(context.Background(), gpo)
	require.ErrorContains(t, err, "the recording has `! reset` here, the terminal sent a command")
}

func TestARecordingThatAnswersAfterATearIsWrong(t *testing.T) {
	x := readText(t, "# tapsim: 1\n! tear\n> 00B2010C00\n< 9000\n")
	err := run(NewStrictCard(x), x)
	require.ErrorContains(t, err, "an answer after `! tear`; write `< !`")
	err = Terminal{Card: newScript(x)}.Replay(x)
	require.ErrorContains(t, err, "an answer after `! tear`; write `< !`")
}

func TestHiddenCommands(t *testing.T) {
	x := readText(t, "> ?\n< 9000\n")
	card := NewStrictCard(x)
	b, err := card.Transceive(context.Background(), []byte{1, 2, 3, 4})
	require.NoError(t, err)
	require.Equal(t, []byte{0x90, 0x00}, b)
	require.NoError(t, card.Finish())
	require.ErrorContains(t, Terminal{Card: newScript(x)}.Replay(x), "exchange 1: the recording does not show this command")
}

func TestRecorder(t *testing.T) {
	x := parseTap(t)
	header, err := NewHeader(map[string]string{"card": "visa-plastic"})
	require.NoError(t, err)
	r := NewRecorder(newScript(x), header)
	require.NoError(t, run(r, x))
	got := r.Transcript()
	require.Equal(t, x.Header, got.Header)
	require.Equal(t, x.Lines, got.Lines)

	require.NoError(t, r.Set("expect", "approved"))
	require.ErrorContains(t, r.Set("expect", "All good"), "one lower-case word")
	require.ErrorContains(t, r.Set("shoe-size", "x"), "unknown key")
	require.Equal(t, "approved", r.Transcript().Value("expect"))
	text, err := Format(r.Transcript())
	require.NoError(t, err)
	require.Equal(t, text, formatted(t, readText(t, string(text))))
}

func formatted(t *testing.T, x *Transcript) []byte {
	t.Helper()
	b, err := Format(x)
	require.NoError(t, err)
	return b
}

type lost struct{ saw bool }

func (l lost) Error() string { return "gone" }
func (l lost) Unwrap() error { return apdu.ErrLost }
func (l lost) CardSaw() bool { return l.saw }

func TestRecorderWritesDownTears(t *testing.T) {
	var fail error
	r := NewRecorder(apdu.TransceiverFunc(func(context.Context, []byte) ([]byte, error) {
		return []byte{0x90, 0x00}, fail
	}), []Field{{"tapsim", "1"}})
	send := func(err error) {
		fail = err
		_, got := r.Transceive(context.Background(), []byte{0, 0xB2, 1, 0x0C, 0})
		require.Equal(t, err, got)
	}
	send(nil)
	send(lost{saw: true})
	r.Wait(time.Second)
	r.Wait(0)
	r.Verify()
	r.Reset()
	r.Reset()
	send(nil)
	send(lost{saw: false})
	send(lost{saw: false})
	r.Reset()
	send(apdu.ErrLost)
	r.Reset()

	const read = "# READ RECORD SFI 1 record 1\n> 00B2010C00\n"
	want := "# tapsim: 1\n\n" + read + "< 9000\n" + read + "< !\n! wait 1s\n! verify\n\n! reset\n" + read + "< 9000\n! tear\n" +
		read + "< !\n" + read + "< !\n\n! reset\n" + read + "< !\n"
	require.Equal(t, want, string(formatted(t, r.Transcript())))
	require.Equal(t, r.Transcript().Lines, readText(t, want).Lines)

	// It replays: what did not reach the card is not sent.
	s := newScript(readText(t, "> 00B2010C00\n< 9000\n"))
	require.NoError(t, Terminal{Card: s}.Replay(r.Transcript()))
	require.Equal(t, 4, s.seen)
}

// field is a reader with a card in it that counts what happens to it.
type field struct {
	apdu.Transceiver
	on, off int
	err     error
}

func (f *field) Activate(context.Context) (apdu.Transceiver, error) {
	f.on++
	return f.Transceiver, f.err
}

func (f *field) Off(context.Context, time.Duration) error { f.off++; return nil }

func TestARecordedReaderReplays(t *testing.T) {
	x := parseTap(t)
	f := &field{Transceiver: newScript(x)}
	r := NewRecorder(nil, x.Header)
	twice := func(reader Reader) {
		for range 2 {
			card, err := reader.Activate(context.Background())
			require.NoError(t, err)
			require.NoError(t, run(card, x))
			require.NoError(t, reader.Off(context.Background(), 1300*time.Millisecond))
		}
	}
	twice(r.Over(f))
	require.Equal(t, 2, f.on)
	require.Equal(t, 2, f.off)
	recording := readText(t, string(formatted(t, r.Transcript())))

	card := NewStrictCard(recording)
	var waited time.Duration
	card.Wait = func(d time.Duration) { waited += d }
	twice(card)
	require.NoError(t, card.Finish())
	require.Equal(t, 2600*time.Millisecond, waited)

	f.err = errors.New("no card")
	_, err := r.Over(f).Activate(context.Background())
	require.ErrorIs(t, err, f.err)
}

func TestRecorderRefusesWhatItCannotWrite(t *testing.T) {
	r := NewRecorder(newScript(parseTap(t)), nil)
	_, err := r.Transceive(context.Background(), nil)
	require.ErrorContains(t, err, "a command has 1 to 65544 bytes, not 0")
	_, err = r.Transceive(context.Background(), make([]byte, MaxBytes+1))
	require.Error(t, err)
	for range maxRecorded {
		_, err = r.Transceive(context.Background(), []byte{0, 0, 0, 0})
		require.NoError(t, err)
	}
	_, err = r.Transceive(context.Background(), []byte{0, 0, 0, 0})
	require.ErrorContains(t, err, "more than 6250 exchanges")
}

func TestRewriteAndGolden(t *testing.T) {
	x := parseTap(t)
	changed := edit(t, 3, 57, true)
	p := Terminal{Card: newScript(changed)}
	require.Error(t, p.Replay(x))
	fresh, err := p.Rewrite(x)
	require.NoError(t, err)
	require.NoError(t, p.Replay(fresh))
	require.Equal(t, x.Header, fresh.Header)
	require.Equal(t, parseTap(t), x, "the old one is untouched")

	text, err := Golden("testdata/transcripts/golden/tap.txt", x, fresh)
	require.NoError(t, err)
	require.Equal(t, formatted(t, changed), text)
	_, err = Golden("testdata/transcripts/recorded/tap.txt", x, fresh)
	require.ErrorContains(t, err, "never rewritten")

	others := readText(t, "> 00B2010C00\n< 9000\n")
	_, err = Golden("golden/others.txt", others, fresh)
	require.ErrorContains(t, err, "never rewritten")
	_, err = p.Rewrite(others)
	require.ErrorContains(t, err, "never rewritten")

	// Remarks above the first exchange are the writer's own and stay.
	old := readText(t, "# tapsim: 1\n# title: kept\n\n# Kept as well.\n\n# READ\n> 00B2010C00\n< 6A83\n")
	next := readText(t, "# tapsim: 1\n\n# READ RECORD\n> 00B2010C00\n< 9000\n")
	text, err = Golden("a/golden/b.txt", old, next)
	require.NoError(t, err)
	require.Equal(t, "# tapsim: 1\n# title: kept\n\n# Kept as well.\n\n# READ RECORD\n> 00B2010C00\n< 9000\n", string(text))
}

func TestLenientCard(t *testing.T) {
	x := parseTap(t)
	card := NewLenientCard(x)
	send := func(hex string) string {
		b, err := card.Transceive(context.Background(), fromHex(t, hex))
		require.NoError(t, err)
		return hexOf(b)
	}
	require.Equal(t, "6A82", send("00A404000E315041592E5359532E444446303100"))
	require.Contains(t, send("00A404000E325041592E5359532E444446303100"), "6F23")
	require.Contains(t, send("00A4040007A0000000031010"), "6F26", "the same without Le")
	require.Contains(t, send("80A80000238321360040000000000099990000000000000276000000000009783001010001020304"+"00"), "774D")
	require.Equal(t, "6A83", send("00B2020C00"))
	require.Equal(t, "6A88", send("80CA9F3600"))
	require.Equal(t, "6D00", send("80AE8000"))
	require.Equal(t, "6700", send("80"))
	require.Contains(t, send("00A404000E325041592E5359532E444446303100"), "6F23")

	r := card.Report()
	require.Equal(t, []int{4}, r.Unused)
	require.Equal(t, `command 1: SELECT 1PAY.SYS.DDF01 is not recorded: answered 6A82 file or application not found
command 3: exchange 2 SELECT A0000000031010, byte 12: Le is missing: only 12 bytes, recorded 13 bytes
command 4: exchange 3 GET PROCESSING OPTIONS, byte 7: 9F66 Terminal transaction qualifiers (TTQ) is 36004000, recorded 26004000
command 5: READ RECORD SFI 1 record 2 is not recorded: answered 6A83 record not found
command 6: GET DATA 9F36 is not recorded: answered 6A88 referenced data not found
command 7: GENERATE AC ARQC is not recorded: answered 6D00 instruction not supported or invalid
command 8: malformed command is not recorded: answered 6700 wrong length
command 9: SELECT 2PAY.SYS.DDF01 comes again: answered as in exchange 1
not played: exchanges 4
`, r.String())
}

// Hidden commands of a published capture are used once each, in order.
func TestLenientCardOnACapture(t *testing.T) {
	card := NewLenientCard(readRecorded(t, "040-visa-testcard-expired-cvn22-9f5d-9f7c.txt"))
	var last []byte
	for _, c := range []string{"00A404000E325041592E5359532E444446303100", "00A4040007A000000003101000", "80A8000002830000", "00B2050C00"} {
		b, err := card.Transceive(context.Background(), fromHex(t, c))
		require.NoError(t, err)
		last = b
	}
	_, ok := emv.Find(last[:len(last)-2], emv.TagRecord, emv.TagAUC)
	require.True(t, ok)
	require.Empty(t, card.Report().Unused)
	require.Empty(t, card.Report().Differences)

	card = NewLenientCard(readRecorded(t, "801-tear-before-ppse-response.txt"))
	_, err := card.Transceive(context.Background(), fromHex(t, "00A404000E325041592E5359532E444446303100"))
	require.ErrorIs(t, err, apdu.ErrLost)
}

// A torn tap over the reader in memory replays exactly: the card's counter
// shows which commands it saw.
func TestATornTapOverTheReaderReplays(t *testing.T) {
	for _, action := range []reader.Action{reader.TearBefore, reader.TearAfter} {
		count := byte(0)
		card := apdu.ResponderFunc(func([]byte) []byte { count++; return []byte{count, 0x90, 0x00} })
		inField := &reader.Field{}
		inField.Insert(card)
		faulty, err := reader.WithFaults(inField, nil, reader.Fault{Exchange: 2, Action: action})
		require.NoError(t, err)
		r := NewRecorder(faulty, []Field{{"tapsim", "1"}})
		read := []byte{0x00, 0xB2, 0x01, 0x0C, 0x00}
		for range 3 {
			_, _ = r.Transceive(context.Background(), read)
		}
		inField.Insert(card)
		r.Reset()
		_, err = r.Transceive(context.Background(), read)
		require.NoError(t, err)

		saw := count
		require.Equal(t, map[reader.Action]byte{reader.TearBefore: 2, reader.TearAfter: 3}[action], saw)
		count = 0
		require.NoError(t, Terminal{Card: card}.Replay(r.Transcript()))
		require.Equal(t, saw, count)
	}
}

// TestMismatchOfStatus: data against a status word alone are told as that, not
// as bytes that happen to stand in one place.
func TestMismatchOfStatus(t *testing.T) {
	const select1 = "> 00A4040005A00000000300\n< "
	full, none := []byte{0x6F, 0x02, 0x84, 0x00, 0x90, 0x00}, []byte{0x6A, 0x82}
	for _, c := range []struct {
		recorded string
		got      []byte
		want     string
	}{
		{"6F0284009000\n", none, "x.apdu:1: exchange 1 SELECT A000000003, byte 0: SW1-SW2 is 6A82 (file or application not found), recorded 9000 with 6F FCI template (4 bytes)"},
		{"6A82\n", full, "x.apdu:1: exchange 1 SELECT A000000003, byte 0: SW1-SW2 is 9000 with 6F FCI template (4 bytes), recorded 6A82 (file or application not found)"},
	} {
		x := readText(t, select1+c.recorded)
		x.Name = "x.apdu"
		err := Terminal{Card: apdu.ResponderFunc(func([]byte) []byte { return c.got })}.Replay(x)
		require.EqualError(t, err, c.want)
	}
}
