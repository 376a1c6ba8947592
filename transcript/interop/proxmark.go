package interop

import (
	"bytes"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"

	"tapsim/emv"
)

var (
	pm3Command = regexp.MustCompile(`^\s*(?:\[[^\]]{1,2}\]\s*)?>{2,4}\s*(?:\[[^\]]*\])?\s*(.*)$`)
	pm3Answer  = regexp.MustCompile(`^\s*(?:\[[^\]]{1,2}\]\s*)?<{2,4}\s*(?:\[[^\]]*\])?\s*(.*)$`)
	pm3Status  = regexp.MustCompile(`^(?i:status):?\s*([0-9A-Fa-f]{2})\s?([0-9A-Fa-f]{2})\b`)
	pm3Error   = regexp.MustCompile(`APDU\([0-9A-Fa-f]{4}\) ERROR: \[([0-9A-Fa-f]{4})\]`)
)

// pm3Reply is an answer with the status word that stands in a line of its own.
type pm3Reply struct{ data, sw []byte }

// readProxmark reads what the proxmark3 client shows of APDUs: >>> and the
// command, <<< and the answer, perhaps with characters behind a bar, perhaps a
// status line. Commands of the emv group write four arrows and no status line.
func readProxmark(in *input, s *session) error {
	var commands [][]byte
	var replies []pm3Reply
	err := in.each(func(n int, line string) error {
		last := len(commands) - 1
		if m := pm3Command.FindStringSubmatch(line); m != nil {
			b, err := hexOf(n, m[1])
			if err == nil && b != nil && len(commands) < maxExchanges {
				commands, replies = append(commands, b), append(replies, pm3Reply{})
			}
			return err
		}
		if last < 0 {
			return nil
		}
		reply := &replies[last]
		if m := pm3Answer.FindStringSubmatch(line); m != nil {
			if st := pm3Status.FindStringSubmatch(m[1]); st != nil {
				reply.sw, _ = hex.DecodeString(st[1] + st[2])
				return nil
			}
			b, err := hexOf(n, m[1])
			if err != nil {
				reply.data = nil
				return err
			}
			reply.data = append(reply.data, b...)
			return err
		}
		if m := pm3Error.FindStringSubmatch(line); m != nil && reply.data == nil && reply.sw == nil {
			reply.sw, _ = hex.DecodeString(m[1])
		}
		return nil
	})
	if err != nil && !stops(err) {
		return err
	}
	if len(commands) == 0 {
		return isAbsent("no line `>>> ..` with a command")
	}
	apart := statusApart(replies)
	for i, c := range commands {
		s.command(c)
		r := replies[i]
		if r.sw != nil && (apart || !bytes.HasSuffix(r.data, r.sw)) {
			r.data = append(r.data, r.sw...)
		}
		s.answer(r.data)
	}
	return err
}

// statusApart is true when the status words are not in the data as well. One
// answer tells for all: data that do not end in it, or that are whole TLV with
// their last two bytes only.
func statusApart(replies []pm3Reply) bool {
	for _, r := range replies {
		switch {
		case r.sw == nil || len(r.data) < 2:
		case !bytes.HasSuffix(r.data, r.sw):
			return true
		default:
			_, with := emv.Parse(r.data)
			_, without := emv.Parse(r.data[:len(r.data)-2])
			if with == nil && without != nil {
				return true
			}
			if without == nil && with != nil {
				return false
			}
		}
	}
	return false
}

var (
	traceRow  = regexp.MustCompile(`^[^|]*\|[^|]*\|\s*(Rdr|Tag)?\s*\|([^|]*)\|`)
	traceByte = regexp.MustCompile(`^([0-9a-fA-F]{2})!?(?:\((\d)\))?!?$`)
)

// readTraceList reads the table that `trace list` and `hf 14a list` write: a
// frame a row, which goes on in rows without times.
func readTraceList(in *input, s *session) error {
	d := newFrames(s)
	var current *frame
	found, plain := false, false
	flush := func() {
		if current == nil {
			return
		}
		if plain {
			d.apdu(current.fromCard, current.data)
		} else {
			d.frame(*current)
		}
		current = nil
	}
	err := in.each(func(n int, line string) error {
		if strings.Contains(line, "ISO7816") {
			plain = true
		}
		m := traceRow.FindStringSubmatch(line)
		if m == nil {
			return nil
		}
		data, short, ok := traceData(m[2])
		if !ok {
			return nil
		}
		if m[1] != "" {
			flush()
			found = true
			current = &frame{fromCard: m[1] == "Tag", crc: crcThere, short: short}
		}
		if current != nil {
			current.data = append(current.data, data...)
		}
		return nil
	})
	flush()
	if err == nil && !found {
		err = isAbsent("no table with `| Rdr |` and `| Tag |`")
	}
	if err == nil {
		err = d.end()
	}
	return err
}

// traceData reads the bytes of a row; a short frame has its number of bits in
// brackets, a byte with a parity error an exclamation mark.
func traceData(cell string) (b []byte, short, ok bool) {
	for _, word := range strings.Fields(strings.NewReplacer("[", " ", "]", " ", "!", " ").Replace(cell)) {
		m := traceByte.FindStringSubmatch(word)
		if m == nil {
			return nil, false, false
		}
		v, _ := hex.DecodeString(m[1])
		b, short = append(b, v...), short || m[2] != ""
	}
	return b, short, len(b) > 0
}

// readTraceFile reads the binary file of `trace save`: records of a time stamp
// (4 bytes, little endian), a duration (2), the length (2, the highest bit says
// that the card sent it), the frame and a bit of parity for each byte.
func readTraceFile(in *input, s *session) error {
	d := newFrames(s)
	rest, n := in.raw, 0
	for ; len(rest) > 0; n++ {
		if len(rest) < 8 {
			return isAbsent("it is no sequence of records")
		}
		length := int(rest[6]) | int(rest[7]&0x7F)<<8
		whole := 8 + length + (length+7)/8
		if whole > len(rest) && s.exchanges > 0 {
			_ = d.end() // there are exchanges
			return &cutError{reason: "record " + strconv.Itoa(n+1) + ": the file ends inside of it", end: true}
		}
		if length == 0 || length > 4096 || whole > len(rest) || n > 10*maxExchanges {
			return isAbsent("record %d says %d bytes", n+1, length)
		}
		data := rest[8 : 8+length]
		d.frame(frame{fromCard: rest[7]&0x80 != 0, data: data, crc: crcThere, short: length == 1})
		rest = rest[whole:]
	}
	if n == 0 {
		return isAbsent("it is empty")
	}
	return d.end()
}
