package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/transcript"
)

// maxHex bounds hex that is decoded, in characters.
const maxHex = 4 << 20

// decodeFlags are the flags of `tapsim decode`.
type decodeFlags struct {
	as, scheme, spec string
	reveal           bool
}

// decoded is what `tapsim decode` found in one input, and its JSON.
type decoded struct {
	Kind     string              `json:"kind"` // tlv, command, response, iso8583, transcript, qr-..., or a tag whose value it is
	Size     int                 `json:"size"` // bytes
	Unknown  int                 `json:"unknown_tags"`
	Parts    []transcript.Part   `json:"parts,omitempty"`
	Fields   []iso8583.Field     `json:"fields,omitempty"`
	Session  *transcript.Session `json:"session,omitempty"`
	Opened   []certificateJSON   `json:"certificates,omitempty"`
	Signed   []signatureJSON     `json:"signatures,omitempty"`
	original *transcript.Transcript
	title    string
	hidden   bool // a field of the message is not shown
}

func (a *app) decodeCommand() *cobra.Command {
	f := &decodeFlags{}
	c := &cobra.Command{
		Use:   "decode HEX|FILE|-",
		Short: "Explain TLV, APDUs, transcripts, ISO 8583 messages, QR codes and single values",
		Long: `Explain EMV data byte by byte: TLV data, a command or a response, a transcript, an
ISO 8583 message (in hex or as text, with or without its length in front), an EMV
QR code (its text, or a PNG file), or with --as the value of a tag. What it is, is
recognised; --as says it. Every byte is accounted for. Certificates and signatures that
lead to a test CA's key (see 'tapsim ca') are checked over the bytes that travelled,
and what does not verify is named, as are keys that can be factored (ROCA).

Damaged data are explained up to the damage and refused with its offset and the
reason (exit status 2). A transcript tells what happened, and that may be damage:
places that cannot be taken apart are shown and counted, and the exit status is 0.

Account numbers are masked; --reveal shows them where they are of this project's
test ranges.`,
		Example: `  tapsim decode 6F1A840E325041592E5359532E4444463031A5088801015F2D02656E
  tapsim decode --as 9F10 --scheme visa 06011203A00000
  tapsim decode --as 95 8000048000
  tapsim decode hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8=
  tapsim decode --json testdata/transcripts/recorded/706-visa-cloud-hce-phone-testprofile.txt`,
		Args: arguments(1, maxArgs, "hex, a file, or -"),
		RunE: func(_ *cobra.Command, args []string) error { return a.decode(f, args) },
	}
	c.Flags().StringVar(&f.as, "as", "", "tlv, command, response, transcript, iso8583, qr, png, or a tag whose value it is, such as 9F10")
	c.Flags().StringVar(&f.scheme, "scheme", "", "visa, mastercard, unionpay, amex, jcb, discover or interac: settles tags that mean different things")
	c.Flags().StringVar(&f.spec, "iso-spec", "", "field table of an ISO 8583 message, as JSON (default our own)")
	c.Flags().BoolVar(&f.reveal, "reveal", false, "show account numbers and other sensitive values of test cards")
	return c
}

func (a *app) decode(f *decodeFlags, args []string) error {
	ctx, err := f.context()
	if err != nil {
		return err
	}
	name, text, err := a.decodeInput(args)
	if err != nil {
		return err
	}
	return a.explained(&decoder{app: a, flags: f, context: ctx, name: name}, text)
}

// explained decodes and prints a text.
func (a *app) explained(d *decoder, text string) error {
	found, err := d.decode(text)
	if len(found) > 0 {
		if perr := a.printDecoded(found, d.flags.reveal); perr != nil {
			return perr
		}
	}
	if d.flags.reveal && masked(found) {
		fmt.Fprintln(a.errw, "tapsim: note: not all is shown: --reveal needs an account number of this project's test ranges in "+
			"well-formed data, and none of another card")
	}
	return err
}

func (f *decodeFlags) context() (emv.Context, error) {
	if f.scheme == "" {
		return emv.Context{}, nil
	}
	s, ok := emv.ParseScheme(f.scheme)
	if !ok {
		return emv.Context{}, fmt.Errorf("--scheme %q: want visa, mastercard, unionpay, amex, jcb, discover or interac", f.scheme)
	}
	return emv.Context{Scheme: s}, nil
}

// decodeInput is the text to decode: of a file, of standard input, or the
// arguments themselves.
func (a *app) decodeInput(args []string) (name, text string, err error) {
	joined := strings.Join(args, " ")
	if len(args) == 1 && args[0] != "-" {
		if info, err := os.Stat(args[0]); err != nil || info.IsDir() {
			if _, bad := cleanHex(joined); bad != nil && strings.ContainsAny(joined, "./\\") && !isMessage([]byte(joined)) && !looksLikeQR(joined) {
				return "", "", fileError(args[0], orIsFolder(err))
			}
			return "", joined, nil
		}
	}
	if len(args) > 1 {
		return "", joined, nil
	}
	data, err := a.readFile(args[0], transcript.MaxSize)
	return args[0], string(data), err
}

func orIsFolder(err error) error {
	if err == nil {
		return fmt.Errorf("is a folder; name a file")
	}
	return err
}

// decoder decodes one input.
type decoder struct {
	app     *app
	flags   *decodeFlags
	context emv.Context
	name    string // of the file, or ""
}

func (d *decoder) decode(text string) ([]decoded, error) {
	switch {
	case d.flags.as == "qr" || d.flags.as == "png" || d.flags.as == "" && looksLikeQR(text):
		return d.qrCode(text)
	case d.flags.as == "transcript" || d.flags.as == "" && looksLikeTranscript(text):
		return d.transcript(text)
	case d.flags.as == "" && looksLikeBlob(text):
		return d.blob(text)
	}
	data, err := d.bytes(text)
	if err != nil {
		return nil, err
	}
	one, err := d.data(data, d.flags.as)
	return one, err
}

// looksLikeTranscript is true when a line begins with > or <.
func looksLikeTranscript(text string) bool {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "> ") || strings.HasPrefix(line, "< ") || strings.HasPrefix(line, "# tapsim:") {
			return true
		}
	}
	return false
}

func (d *decoder) transcript(text string) ([]decoded, error) {
	t, err := transcript.Parse(d.name, []byte(text))
	if err != nil {
		return nil, err
	}
	s := transcript.ExplainSession(t, d.flags.reveal)
	size := 0
	for _, x := range t.Exchanges() {
		size += len(x.Command) + len(x.Response)
	}
	auth := authenticated(t)
	return []decoded{{
		Kind: "transcript", Size: size, Unknown: s.Unknown, Session: &s, Opened: auth.Certificates, Signed: auth.Signatures, original: t,
	}}, nil
}

// bytes reads hex, or an ISO 8583 message that stands as text.
func (d *decoder) bytes(text string) ([]byte, error) {
	if len(text) > maxHex {
		return nil, d.located(fmt.Errorf("more than %d characters", maxHex))
	}
	clean := withoutComments(text)
	b, err := cleanHex(clean)
	if d.flags.as == "" || d.flags.as == "iso8583" {
		if message, ok := d.messageText(clean, err == nil); ok {
			return message, nil
		}
	}
	return b, d.located(err)
}

// located says where an error is: in which file, and where in it.
func (d *decoder) located(err error) error {
	var h *hexError
	notHex := errors.As(err, &h)
	switch {
	case err == nil:
		return nil
	case notHex && d.name == "":
		return fmt.Errorf("%w; give hex, or the name of a file that exists", err)
	case notHex:
		line, column := h.place()
		return fmt.Errorf("%s:%d:%d: %q is not a hex digit: this is neither hex nor a transcript", d.source(), line, column, h.char)
	case d.name == "":
		return err
	}
	return fmt.Errorf("%s: %w", d.source(), err)
}

// source names what was read.
func (d *decoder) source() string {
	if d.name == "-" {
		return "standard input"
	}
	return d.name
}

// data decodes bytes as what they are said, or seem, to be.
func (d *decoder) data(b []byte, as string) ([]decoded, error) {
	if as == "" {
		as = guess(b)
	}
	switch as {
	case "qr":
		return d.qrData(b)
	case "tlv":
		return d.tlv(b)
	case "command", "response":
		return d.apdu(b, as)
	case "iso8583":
		return d.message(b)
	}
	tag, err := emv.ParseTag(as)
	if err != nil {
		return nil, fmt.Errorf("--as %q: want tlv, command, response, transcript, iso8583, qr, png or a tag", as)
	}
	return d.value(tag, b)
}

// instructions that an EMV card gets, for telling a command from TLV data.
var instructions = []byte{0x20, 0x24, 0x2A, 0x82, 0x84, 0x88, 0xA4, 0xA8, 0xAE, 0xB2, 0xC0, 0xCA, 0xD0, 0xDA, 0xEA}

// guess says what bytes look like.
func guess(b []byte) string {
	if isConsumerData(b) {
		return "qr"
	}
	if c, err := apdu.ParseCommand(b); err == nil && c.CLA&0x60 == 0 && c.CLA&0x0B == 0 && slices.Contains(instructions, c.INS) {
		return "command"
	}
	if isMessage(b) {
		return "iso8583"
	}
	if r, err := apdu.ParseResponse(b); err == nil && len(r.Data) > 0 && r.Status.OK() {
		if _, err := emv.Parse(r.Data); err == nil {
			return "response"
		}
	}
	if len(b) == 2 && apdu.Status(uint16(b[0])<<8|uint16(b[1])).Known() {
		return "response"
	}
	return "tlv"
}

func (d *decoder) tlv(b []byte) ([]decoded, error) {
	_, err := emv.Parse(b)
	m := transcript.ExplainData(b, d.context, d.flags.reveal)
	auth := certificates(b)
	found := decoded{Kind: "tlv", Size: len(b), Parts: m.Parts, Opened: auth.Certificates, Signed: auth.Signatures}
	found.Unknown = countUnknown(found.Parts)
	if err != nil {
		return []decoded{found}, d.located(err)
	}
	return []decoded{found}, nil
}

func (d *decoder) apdu(b []byte, as string) ([]decoded, error) {
	e := transcript.NewExplainer(d.flags.reveal)
	var command, response []byte
	if as == "command" {
		if _, err := apdu.ParseCommand(b); err != nil {
			return nil, d.located(err)
		}
		command = b
	} else {
		if _, err := apdu.ParseResponse(b); err != nil {
			return nil, d.located(err)
		}
		response = b
	}
	x := e.Explain(command, response)
	found := decoded{Kind: as, Size: len(b), Unknown: x.Unknown, title: x.Name}
	if x.Command != nil {
		found.Parts = x.Command.Parts
	} else {
		found.Parts, found.title = x.Response.Parts, strings.TrimSpace(x.Status+" "+x.StatusText)
	}
	return []decoded{found}, nil
}

func (d *decoder) value(tag emv.Tag, b []byte) ([]decoded, error) {
	m := transcript.ExplainValue(tag, b, d.context, d.flags.reveal)
	return []decoded{{Kind: tag.String(), Size: len(b), Parts: []transcript.Part{m}, Unknown: countUnknown([]transcript.Part{m})}}, nil
}

func countUnknown(parts []transcript.Part) int {
	n := 0
	for _, p := range parts {
		if p.Unknown {
			n++
		}
		n += countUnknown(p.Parts)
	}
	return n
}
