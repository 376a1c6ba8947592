package interop

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/transcript"
)

const (
	foreign = "../../testdata/transcripts/foreign"
	payment = "testdata/payment.apdu"
)

// reference is the session that the samples hold: a payment, and GET DATA 9F17.
func reference(t testing.TB) []transcript.Exchange {
	data, err := os.ReadFile(payment)
	require.NoError(t, err)
	x, err := transcript.Parse(payment, data)
	require.NoError(t, err)
	return append(x.Exchanges(), transcript.Exchange{Number: 4,
		Command: []byte{0x80, 0xCA, 0x9F, 0x17, 0x00}, Response: []byte{0x6A, 0x88}})
}

// short is an exchange as text: C and A when it is that of the reference, ? for
// a command not shown, ! for no answer, else hex.
func short(got transcript.Exchange, want []transcript.Exchange) string {
	one := func(b []byte, none, same string, of func(transcript.Exchange) []byte) string {
		if b == nil {
			return none
		}
		for i, w := range want {
			if string(of(w)) == string(b) {
				return same + string(rune('1'+i))
			}
		}
		return strings.ToUpper(hexString(b))
	}
	return one(got.Command, "?", "C", func(x transcript.Exchange) []byte { return x.Command }) +
		one(got.Response, "!", "A", func(x transcript.Exchange) []byte { return x.Response })
}

func hexString(b []byte) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for _, c := range b {
		out.WriteByte(digits[c>>4])
		out.WriteByte(digits[c&15])
	}
	return out.String()
}

// summary is the exchanges of an import with | for resets.
func summary(t *testing.T, x *transcript.Transcript) string {
	want, got := reference(t), x.Exchanges()
	var parts []string
	n := 0
	for _, l := range x.Lines {
		switch l.Kind {
		case transcript.Reset:
			parts = append(parts, "|")
		case transcript.Command, transcript.AnyCommand:
			parts = append(parts, short(got[n], want))
			n++
		}
	}
	return strings.Join(parts, " ")
}

// TestForeign reads each sample. The sources are named in the folder's README.
func TestForeign(t *testing.T) {
	const all = "C1A1 C2A2 C3A3 C4A4"
	const script = "C1! C2! C3! C4!"
	const otherPPSE = "6F2F840E325041592E5359532E4444463031A51DBF0C1A61184F07A0000000041010500A4D4153544552434152448701019000"
	rows := []struct{ file, format, want string }{
		{"scriptor.script", "scriptor-script", script + " 80CA9F3601! 00A4040005A00000000300!"},
		{"scriptor-output.log", "scriptor", "C1" + otherPPSE + " C2A2 C3A3 C4A4 80CA9F36016C05 00A4040005A000000003006A82"},
		{"opensc-tool-output.log", "opensc", "C1" + otherPPSE + " C2A2 C3A3 C4A4"},
		{"opensc-debug.log", "opensc-debug", "C1" + otherPPSE + " C2A2 C3A3 C4A4"},
		{"opensc-tool.sh", "opensc-script", script},
		{"pcsc-spy.log", "pcsc-spy", "C1" + otherPPSE + " C2A2 | C4A4 C2A2 C3A3"},
		{"pcsc-spy-colours.log", "pcsc-spy", "C1" + otherPPSE + " C2!"},
		{"pcscd-apdu.log", "pcscd", "C1" + otherPPSE + " C2A2 C3A3 C4A4 80CA9F36016C05 00A4040005A000000003006A82"},
		{"pcscd-torn.log", "pcscd", "?A3 C1" + otherPPSE + " C2!"},
		{"pcscd-journal.log", "pcscd", all},
		{"globalplatformpro.log", "globalplatform", all},
		{"globalplatformpro-old.log", "globalplatform", all},
		{"apdu4j.dump", "dump", all},
		{"proxmark3-14a-apdu.log", "proxmark3", all},
		{"proxmark3-colours.log", "proxmark3", all},
		{"proxmark3-emv-exec.log", "proxmark3", all},
		{"proxmark3-status-apart.log", "proxmark3", all},
		{"proxmark3-trace-list.log", "proxmark3-list", all},
		{"proxmark3.trace", "proxmark3-trace", all},
		{"nfc-laboratory.json", "nfc-lab", all},
		{"iso14443.pcap", "pcap", all},
		{"nfcgate.pcapng", "pcap", all},
		{"cardpeek.clf", "cardpeek", all},
		{"cardpeek.log", "cardpeek-log", "80CA9F36009F3602000E9000 C4A4"},
		{"apduplay-winscard.log", "apduplay", all},
		{"apdutool.script", "apdutool-script", script},
		{"apdutool-output.log", "apdutool", all},
		{"devnied-fixture.log", "devnied", "C1A1 ?A2 C3A3 C4A4"},
		{"devnied.log", "devnied", all},
		{"android.html", "android", all},
		{"python-emv.log", "python-emv", all},
		{"transit-emv-checker.xml", "transit-xml", "C1A1 C2A2 C3! C4A4 00B2010C00!"},
		{"emvpt.yaml", "emvpt", all},
		{"javaemvreader.log", "javaemvreader", all},
		{"flipper.log", "flipper", all},
		{"terminal-card.log", "neapay", all},
		{"utf16.log", "neapay", all},
		{"pos-sdk.log", "pos-sdk", all},
		{"gpshell.log", "gpshell", all},
		{"c-apdu.log", "c-apdu", all},
		{"pn532.log", "pn532", all},
		{"iso7816-objects.log", "kormax", all},
		{"jcop-shell.log", "jcop", all},
		{"free-text.log", "text", all},
	}
	tested := map[string]bool{"README.md": true, "cardpeek-cut.log": true}
	for _, r := range rows {
		t.Run(r.file, func(t *testing.T) {
			tested[r.file] = true
			data, err := os.ReadFile(filepath.Join(foreign, r.file))
			require.NoError(t, err)
			for _, name := range []string{"", r.format} {
				got, err := Import(data, name)
				require.NoError(t, err)
				require.Equal(t, r.format, got.Format)
				require.Equal(t, r.want, summary(t, got.Transcript))
			}
		})
	}
	files, err := os.ReadDir(foreign)
	require.NoError(t, err)
	for _, f := range files {
		require.True(t, tested[f.Name()], "%s is in no row", f.Name())
	}
}

func TestUnknownInputSaysWhatWasTried(t *testing.T) {
	for _, text := range []string{"", "shopping list\nbread\n", "\x00\x01\x02", "0123", "<html><body>hello</body></html>", "{}"} {
		_, err := Import([]byte(text), "")
		var unknown *UnknownError
		require.True(t, errors.As(err, &unknown), "%q: %v", text, err)
		require.Len(t, unknown.Tried, len(formats()))
		for _, a := range unknown.Tried {
			require.NotEmpty(t, a.Reason)
			require.Contains(t, err.Error(), a.Format)
		}
	}
	_, err := Import(nil, "punched-cards")
	require.ErrorContains(t, err, `format "punched-cards" is not known; known are transcript, pcap`)
}

// TestDamagedInputIsAnError: a cut log says so with its line, and is not taken
// for something else.
func TestDamagedInputIsAnError(t *testing.T) {
	cut, err := os.ReadFile(filepath.Join(foreign, "cardpeek-cut.log"))
	require.NoError(t, err)
	for _, c := range []struct{ in, want string }{
		{string(cut), "line 1: the data are cut"},
		{"A>> T=1 (4+0007) 00A40400 07 A0000000", "line 1: 11 bytes announced, 9 there: the log is cut"},
		{"Outgoing APDU (20 bytes):\n00 A4 04 00 ....\n\n", "line 1: 20 bytes announced, 4 there"},
		{"SCardTransmit\n i bSendLength 0x00000005 (5)\n i bSendBuffer\n i  0000 00 A4    ..\n => Command successful. (SCARD_S_SUCCESS [0x00000000])\n", "line 1: 5 bytes announced, 2 there"},
		{"C:00A4040000:9000:6F00\nC:00A4\n", "line 2: want R:ATR or C:COMMAND:SW:DATA"},
		{"select command length 5 data: 00a404\nselect response length: 2 data: 9000", "line 1: 5 bytes announced, 3 there"},
		{"CLA: 00, INS: a4, P1: 04, P2: 00, Lc: 02, a0, Le: 00, SW1: 90, SW2: 00", "line 1: 2 bytes announced, 1 there"},
		{"send: 00A40400 ...\nresp: 9000", "line 1: the data are cut"},
	} {
		_, err := Import([]byte(c.in), "")
		require.ErrorContains(t, err, c.want, c.in)
		var unknown *UnknownError
		require.False(t, errors.As(err, &unknown), c.in)
	}
}

// TestLogsThatStop: what is complete is there, the last command has no answer,
// and a note says why.
func TestLogsThatStop(t *testing.T) {
	const one = "00A4040000/6A82 "
	for _, c := range []struct{ in, want, note string }{
		{"> 00 A4 04 00 00 \n< 6A 82 : File not found.\n> 00 B2 01 0C 00 \n< 70 03 5A 01 \n", one + "00B2010C00/!", "line 4: the answer ends without"},
		{"> 00 A4 04 00 00 \n< 6A 82 : File not found.\n> 00 B2 01 0C 00 \nCan't transmit\n", one + "00B2010C00/!", "exchange 2: the log ends before"},
		{"> 00 A4 04 00 00 \n< 6A 82 : File not found.\n> 00 B2 01 0C 00 \n< 70 03 5A\nerror: gone\n> 00 A4 04 00 00\n< 6A 82 : File not found.\n",
			one + "00B2010C00/! 00A4040000/6A82", "line 4: the answer ends without"},
		{"APDU: 00 A4 04 00 00\nSW: 6A 82\nAPDU: 00 A4 04 00 00\nSW: 6F 2F 84 0E 32 50 41 59 2E 53 59 53 2E", one + "00A4040000/!", "exchange 2: the answer is cut"},
		{"APDU: 00 A4 04 00 00\nSW: 6A 82\nAPDU: 80 CA 9F 36 00\nSW: 9F 36 02 00 01 90 0", one + "80CA9F3600/!", "exchange 2: the answer is cut"},
		{"APDU: 00 A4 04 00 00\nSW: 6F 2F 84 0E 32 50 41 59 2E 53 59 61 18\nAPDU: 80 CA 9F 36 00\nSW: 6A 82\n", "00A4040000/! 80CA9F3600/6A82", "exchange 1: the answer is cut"},
		{"APDU: 00 B2 01 0C 00\nSW: 70 05 5A 01 61 03\nAPDU: 00 C0 00 00 03\nSW: 47 50 01 90 00\n", "00B2010C00/70055A016103 00C0000003/4750019000", ""},
		{"APDU: 00 B2 01 0C 00\nSW: 70 05 5A 01 90 00\n", "00B2010C00/70055A019000", ""}, // damaged by the card
		{"APDU: 00 A4 04 00 00\nSW: 6A 82\nAPDU: 00 A4 04 00 07 A0 00\n", one, "exchange 2: the command is cut: left out"},
		{"A>> T=1 (4+0000) 00A40400\nA<< (0010+2) (1ms) 6F 9000", "00A40400/!", "line 2: 12 bytes announced, 3 there"},
		{"# ATR: 3B00\n00A4040000\n6A82\n00B2010C00\n", one + "00B2010C00/!", "line 4: a command without its answer"},
		{"Outgoing APDU (5 bytes):\n00 A4 04 00 00 .....\nIncoming APDU (2 bytes):\n6A 82 j.\nOutgoing APDU (5 bytes):\n80 CA 9F 36 00 .....\nIncoming APDU (7 bytes):\n9F 36 \n",
			one + "80CA9F3600/!", "line 7: 7 bytes announced, 2 there"},
		{">>> 00A4040000\n<<< 6A82\n>>> 80CA9F3600\n<<< 9F36 ...\n", one + "80CA9F3600/!", "line 4: the data are cut"},
		{"transmitted: 00 A4 04 00 00\nreceived: 6A 82\ntransmitted: 80 CA 9F 36 00\nreceived: 9F ...", one + "80CA9F3600/!", "line 4: the data are cut"},
	} {
		got, err := Import([]byte(c.in), "")
		require.NoError(t, err, c.in)
		var text []string
		for _, x := range got.Transcript.Exchanges() {
			answer := strings.ToUpper(hexString(x.Response))
			if x.Response == nil {
				answer = "!"
			}
			text = append(text, strings.ToUpper(hexString(x.Command))+"/"+answer)
		}
		require.Equal(t, strings.TrimSpace(c.want), strings.Join(text, " "), c.in)
		if c.note == "" {
			require.Empty(t, got.Notes, c.in)
		} else {
			require.Contains(t, strings.Join(got.Notes, "\n"), c.note, c.in)
		}
	}
}

func TestLimits(t *testing.T) {
	_, err := Import(make([]byte, MaxSize+1), "")
	require.ErrorContains(t, err, "can be imported")
	_, err = Import([]byte(strings.Repeat("A>> 00A40400\nA<< 9000\n", maxExchanges+1)), "")
	require.ErrorContains(t, err, "more than 8333 exchanges")
	_, err = Import([]byte(strings.Repeat("\n", maxLines+1)), "scriptor")
	require.ErrorContains(t, err, "more than 1000000 lines")
}

// TestFramesRepeatedBlocks: a block that a negative acknowledgement fetched
// again counts once, a damaged one not at all, two equal commands twice.
func TestFramesRepeatedBlocks(t *testing.T) {
	with := func(b ...byte) frame {
		sum := crcA(b)
		return frame{data: append(b, sum[:]...), crc: crcThere}
	}
	card := func(f frame) frame { f.fromCard = true; return f }
	s := &session{}
	d := newFrames(s)
	for _, f := range []frame{
		with(0x02, 0x00, 0xB2, 0x01, 0x0C, 0x00), card(with(0x02, 0x90, 0x00)), with(0xB2), card(with(0x02, 0x90, 0x00)),
		with(0x03, 0x00, 0xB2, 0x01, 0x0C, 0x00), card(frame{data: []byte{0x03, 0x90, 0, 1, 2}, crc: crcThere}), with(0xB3), card(with(0x03, 0x90, 0x00)),
		with(0x0A, 0x00, 0x00, 0xB2, 0x01, 0x0C, 0x00), card(with(0xF2, 0x01)), with(0xF2, 0x01), card(with(0x0A, 0x00, 0x90, 0x00)),
	} {
		d.frame(f)
	}
	require.NoError(t, d.end())
	require.NoError(t, s.finish())
	require.Equal(t, 3, s.exchanges)
	require.Equal(t, []string{"1 frames with a wrong checksum left out"}, s.notes)
}

func TestChecksum(t *testing.T) {
	for _, f := range []string{"\xA2\xE6\xD7", "\xE0\x80\x31\x73", "\xC2\xE0\xB4", "\x50\x00\x57\xCD"} { // as every reader sends them
		require.True(t, hasCRC([]byte(f)), "%X", f)
	}
}
