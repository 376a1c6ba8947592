package transcript

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

func TestSessionAsText(t *testing.T) {
	x := parseTap(t)
	x.Lines = append(x.Lines, Line{Kind: Wait, Wait: 1300000000}, Line{Kind: Reset},
		Line{Kind: Comment, Text: " once more"}, Line{Kind: Command, Bytes: []byte{0x80, 0xCA, 0x9F, 0x36, 0x00}}, Line{Kind: Lost},
		Line{Kind: AnyCommand}, Line{Kind: Response, Bytes: []byte{0x70, 0x05, 0x9F, 0x01, 0x01, 0x6A, 0x82}})
	got := string(AppendSession(nil, x, false, Style{}))
	_, got, _ = strings.Cut(got, "\n 3  ")
	require.Equal(t, strings.TrimPrefix(sessionText, "\n"), " 3  "+got)
}

const sessionText = `
 3  GET PROCESSING OPTIONS                                                              9000 success
    > 80A8000023832126004000000000001250000000000000027600000000000978300101000102030400
      83 Command template
        9F66 Terminal transaction qualifiers (TTQ)  26004000
            - byte 1 bit 6: EMV mode (qVSDC) supported
            - byte 1 bit 3: online PIN supported
            - byte 1 bit 2: signature supported
            - byte 3 bit 7: consumer device CVM supported
        9F02 Amount authorised, numeric             000000001250  12.50 EUR
        9F03 Amount other, numeric                  000000000000  0.00 EUR
        9F1A Terminal country code                  0276  DE, Germany
        95   Terminal verification results (TVR)    0000000000  no bit set
        5F2A Transaction currency code              0978  EUR, Euro
        9A   Transaction date                       300101  2030-01-01
        9C   Transaction type                       00  purchase
        9F37 Unpredictable number                   01020304
    < 774D820200009404080101005713476173******0119D*********************5F3401019F100706011203A00000
      9F260801020304050607089F2701809F360200019F6C0200009F6E04207000009000
      77 Response template format 2
        82   Application interchange profile (AIP)  0000  no bit set
        94   Application file locator (AFL)         08010100  1 record to read
            - SFI 1, record 1, not signed
        57   Track 2 equivalent data                476173******0119=****
            476173******0119D*********************
        5F34 PAN sequence number                    01
        9F10 Issuer application data (IAD)          06011203A00000
            Visa format 1, cryptogram version 12 hex (CVN 18), key index 01
            - card verification results 03A00000
            - CVR byte 2 bits 8-7 = 10: second cryptogram not requested
            - CVR byte 2 bits 6-5 = 10: first cryptogram ARQC
        9F26 Application cryptogram                 0102030405060708
        9F27 Cryptogram information data (CID)      80  ARQC, an online authorisation is asked for
        9F36 Application transaction counter (ATC)  0001  1
        9F6C Card transaction qualifiers (CTQ)      0000  no bit set
        9F6E Form factor indicator (FFI)            20700000
            - byte 1 bits 8-6 = 001: version 1
            - byte 1 bits 5-1 = 00000: form factor card
            - byte 2 bit 7: signature panel
            - byte 2 bit 6: hologram
            - byte 2 bit 5: CVV2
            - byte 4 bits 4-1 = 0000: technology contactless ISO 14443

 4  READ RECORD SFI 1 record 1                                                          9000 success
    > 00B2010C00
    < 700A5A08476173******01199000
      70 READ RECORD response template
        5A Primary account number (PAN)  476173******0119

! wait 1.3s

! reset

# once more
 5  GET DATA 9F36
    > 80CA9F3600
    < no answer: the card was gone or the source is cut

 6  command not shown                                             6A82 file or application not found
    > not shown by the source
    < 70059F01016A82
      70 READ RECORD response template
          ! byte 1: tag 70 says 5 bytes, 3 left
        rest, not taken apart  9F0101
            ! byte 4: tag 9F01 says 1 byte, 0 left

6 exchanges, 0 unknown tags, 2 places not taken apart
`

func TestWidthIsKept(t *testing.T) {
	for _, path := range recordedFiles(t) {
		for _, width := range []int{60, 80, 100, 140} {
			for _, e := range ExplainSession(readRecorded(t, path[len(recorded)+1:]), false).Exchanges {
				for _, line := range strings.Split(string(AppendText(nil, e, Style{Width: width})), "\n") {
					require.LessOrEqual(t, utf8.RuneCountInString(line), width, "%s, %d columns: %q", path, width, line)
					require.Equal(t, strings.TrimRight(line, " "), line)
				}
			}
		}
	}
}

func TestPaint(t *testing.T) {
	x := NewExplainer(false).Explain(fromHex(t, "80CA9F3600"), fromHex(t, "9F3602000A9000"))
	plain := string(AppendText(nil, x, Style{}))
	painted := string(AppendText(nil, x, Style{Paint: func(r Role, s string) string {
		return "\x1b[3" + string(rune('0'+r%8)) + "m" + s + "\x1b[0m"
	}}))
	require.NotEqual(t, plain, painted)
	for r := '0'; r < '8'; r++ {
		painted = strings.ReplaceAll(painted, "\x1b[3"+string(r)+"m", "")
	}
	require.Equal(t, plain, strings.ReplaceAll(painted, "\x1b[0m", ""), "colours change no layout")
}

func TestPartsAsText(t *testing.T) {
	m := ExplainData(fromHex(t, "9F0206000000001250"+"5F2A020978"), emv.Context{}, false)
	require.Equal(t, `  9F02 Amount authorised, numeric  000000001250  12.50 EUR
  5F2A Transaction currency code   0978  EUR, Euro
`, string(AppendParts(nil, m.Parts, 2, Style{})))
}

func TestSummary(t *testing.T) {
	require.Equal(t, "1 exchange, 0 unknown tags", Session{Exchanges: make([]Explanation, 1)}.Summary())
	require.Equal(t, "2 exchanges, 1 unknown tag, 3 places not taken apart", Session{Exchanges: make([]Explanation, 2), Unknown: 1, Problems: 3}.Summary())
}
