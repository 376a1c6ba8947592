package vectors

import (
	"bytes"
	"io"

	"tapsim/cryptogram"
	"tapsim/cryptogram/pin"
)

// pinSpecs are PIN blocks and PIN verification.
var pinSpecs = map[string]spec{
	"pin-block":          op("format:w", "pin:d pan:d filler:x pin_block key pin_field", "pin_block pin:d pan_field", (*run).pinBlockOp),
	"pin-block-decipher": op("zpk pan:d cipher format:w", "", "pin:d", (*run).pinDecipherOp),
	"pvv": op("pvk pvki:d pin:d pan:d", "", "pvv:d", func(r *run) {
		r.outText("pvv", must(pin.PVV(r.key(cryptogram.TDES, "pvk"), r.digit("pvki"), r.text("pin"), r.text("pan"))))
	}),
	"ibm-3624": op("pvk decimalisation_table:d pan:d", "offset:d verify_offset:i verify_length:i pad:x pin:d validation_data:x", "pin:d offset:d natural_pin:d", (*run).ibm3624Op),
}

// format is the PIN block format of the case.
func (r *run) format() pin.Format {
	f, err := pin.ParseFormat(r.text("format"))
	if err != nil {
		refuse("format", "%v", err)
	}
	return f
}

// optional is an input's text, empty where the case has none.
func (r *run) optional(name string) string {
	if !r.has(name) {
		return ""
	}
	return r.text(name)
}

// pinBlockOp computes what the case publishes: the block from a PIN, the PIN
// from a block, the PAN field.
func (r *run) pinBlockOp() {
	f := r.format()
	if r.wants("pan_field") {
		r.out("pan_field", r.panField(f))
	}
	if r.wants("pin_block") {
		r.out("pin_block", r.makePINBlock(f))
	}
	if r.wants("pin") {
		r.outText("pin", r.readPINBlock(f))
	}
}

// panField is the PAN as a block holds it.
func (r *run) panField(f pin.Format) []byte {
	if f == pin.Format4 {
		return must(pin.PANField4(r.text("pan")))
	}
	// The block of formats 0 and 3 is the PIN field with the PAN field over it.
	if f != pin.Format0 && f != pin.Format3 {
		refuse("format", "%s has no PAN field", f)
	}
	with := must(pin.Encode(pin.Format0, "0000", r.text("pan"), nil))
	return xor(with, []byte{0x04, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
}

func (r *run) makePINBlock(f pin.Format) []byte {
	if f == pin.Format4 {
		return must(pin.Encipher4(r.key(cryptogram.AES, "key"), r.pinField(), r.text("pan")))
	}
	return must(pin.Encode(f, r.text("pin"), r.optional("pan"), r.filler()))
}

// pinField is the clear PIN field of format 4: given, in which case a PIN beside
// it must agree, or made with the filler as its random bytes.
func (r *run) pinField() []byte {
	if !r.has("pin_field") {
		return must(pin.Encode(pin.Format4, r.text("pin"), "", bytes.NewReader(r.hex("filler"))))
	}
	field := r.fixed("pin_field", 16)
	if r.has("pin") {
		r.compare("pin_field", must(pin.Encode(pin.Format4, r.text("pin"), "", bytes.NewReader(field[8:]))), field)
	}
	return field
}

// filler gives the case's fill digits over and over.
func (r *run) filler() io.Reader {
	if !r.has("filler") {
		return nil
	}
	return &repeat{digits: r.text("filler")}
}

type repeat struct {
	digits string
	at     int
}

func (f *repeat) Read(p []byte) (int, error) {
	for i := range p {
		c := f.digits[f.at%len(f.digits)]
		f.at++
		switch {
		case c <= '9':
			p[i] = c - '0'
		default:
			p[i] = c&0xDF - 'A' + 10
		}
	}
	return len(p), nil
}

func (r *run) readPINBlock(f pin.Format) string {
	block := r.hex("pin_block")
	if f == pin.Format4 {
		return r.decoded(pin.Decipher(f, r.key(cryptogram.AES, "key"), block, r.text("pan")))
	}
	return r.decoded(pin.Decode(f, block, r.optional("pan")))
}

// decoded ends the case as a difference when a block does not decode: the
// published PIN would come out if all were right.
func (r *run) decoded(digits string, err error) string {
	if err != nil {
		panic(&difference{step: "pin", reason: err.Error()})
	}
	return digits
}

func (r *run) pinDecipherOp() {
	f := r.format()
	a := cryptogram.TDES
	if f == pin.Format4 {
		a = cryptogram.AES
	}
	r.outText("pin", r.decoded(pin.Decipher(f, r.key(a, "zpk"), r.hex("cipher"), r.text("pan"))))
}

func (r *run) ibm3624Op() {
	key := r.key(cryptogram.TDES, "pvk")
	natural := must(pin.NaturalPIN(key, r.validation(), r.text("decimalisation_table"), 12))
	given := r.optional("pin") + r.optional("offset")
	if r.wants("natural_pin") {
		n := len(r.c.outputs["natural_pin"].text)
		if n < 4 || n > 12 {
			refuse("natural_pin", "%d digits, want 4 to 12", n)
		}
		r.outText("natural_pin", natural[:n])
	}
	switch {
	case r.wants("offset"):
		r.outText("offset", must(pin.Offset(r.text("pin"), natural)))
	case r.wants("pin"):
		r.outText("pin", must(pin.FromOffset(r.text("offset"), natural)))
	case r.has("pin") && r.has("offset"):
		r.compare("offset", []byte(must(pin.Offset(r.text("pin"), natural))), []byte(given[len(r.text("pin")):]))
	}
}

// validation is the validation data: given, or cut from the PAN; both ways must
// agree.
func (r *run) validation() string {
	if r.has("validation_data") && !r.has("verify_offset") && !r.has("verify_length") {
		return r.text("validation_data")
	}
	pad := r.text("pad")
	if len(pad) != 1 {
		refuse("pad", "want one hex digit")
	}
	built := must(pin.ValidationData(r.text("pan"), r.num("verify_offset"), r.num("verify_length"), pad[0]))
	if r.has("validation_data") && r.text("validation_data") != built {
		panic(&difference{step: "validation_data", got: built, want: r.text("validation_data")})
	}
	return built
}

func xor(a, b []byte) []byte {
	out := make([]byte, len(a))
	for i := range out {
		out[i] = a[i] ^ b[i]
	}
	return out
}
