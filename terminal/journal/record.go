package journal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"

	"tapsim/iso8583"
	"tapsim/terminal"
)

// The file begins with a line of text that names format and version. Records
// follow, each
//
//	length 4   of the body, big endian
//	check  4   CRC-32C of the body
//	body       kind 1, identifier 8, message number 4, rest
//
// The rest is a sealed message in a record of kind added: its JSON, with the name
// of its host, under AES-256-GCM with the first 13 bytes of the body as associated
// data. In one of kind parked it is the response code; others have none.
const (
	magic      = "tapsim terminal journal, format 1\n"
	headerSize = 8
	fixedSize  = 1 + 8 + 4
	// maxBody bounds a record; a message with every field full is far smaller.
	maxBody = 64 << 10
)

// Kinds of records.
const (
	kindAdded   byte = 1 // a message that the host must hear
	kindSending byte = 2 // its delivery begins
	kindRemoved byte = 3 // the host has answered
	kindCounter byte = 4 // the latest identifier and message number, after compaction
	kindParked  byte = 5 // the host has refused it for good
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is one entry of the file.
type record struct {
	kind   byte
	id     uint64
	stan   uint32
	sealed []byte // or the response code
}

// append appends the coded record to dst.
func (r record) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, headerSize)...)
	dst = append(r.fixed(dst), r.sealed...)
	body := dst[start+headerSize:]
	binary.BigEndian.PutUint32(dst[start:], uint32(len(body)))
	binary.BigEndian.PutUint32(dst[start+4:], crc32.Checksum(body, castagnoli))
	return dst
}

// fixed appends what every body begins with.
func (r record) fixed(dst []byte) []byte {
	dst = append(dst, r.kind)
	dst = binary.BigEndian.AppendUint64(dst, r.id)
	return binary.BigEndian.AppendUint32(dst, r.stan)
}

// parseRecord reads the record at the start of b and how long it is. A
// non-empty reason says why there is none.
func parseRecord(b []byte) (r record, n int, reason string) {
	if len(b) < headerSize {
		return r, 0, "the header of a record is cut off"
	}
	size := int(binary.BigEndian.Uint32(b))
	if size < fixedSize || size > maxBody {
		return r, 0, fmt.Sprintf("a record claims %d bytes", size)
	}
	n = headerSize + size
	if len(b) < n {
		return r, 0, "a record is cut off"
	}
	body := b[headerSize:n]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[4:]) {
		return r, n, "the check sum of a record is wrong"
	}
	r = record{kind: body[0], id: binary.BigEndian.Uint64(body[1:]), stan: binary.BigEndian.Uint32(body[9:]), sealed: body[fixedSize:]}
	if r.kind < kindAdded || r.kind > kindParked {
		return r, n, fmt.Sprintf("a record is of unknown kind %d", r.kind)
	}
	return r, n, ""
}

// KeySize is the length of a journal key, in bytes.
const KeySize = 32

// sealer seals messages. The nonce is a keyed hash of what is sealed, so equal
// inputs give equal bytes and no nonce ever serves two messages, with no
// source of randomness to trust.
type sealer struct {
	aead  cipher.AEAD
	nonce []byte // key of the hash
}

func newSealer(key []byte) (*sealer, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("the journal key has %d bytes, want %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(keyed(key, "tapsim journal seal"))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead: aead, nonce: keyed(key, "tapsim journal nonce")}, nil
}

func keyed(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// plainMessage has the fields of a message and none of its methods, so that
// nothing masks what must come back whole.
type plainMessage iso8583.Message

// plainEntry is what is sealed of an entry; identifier and mark stand outside.
type plainEntry struct {
	Host string `json:",omitempty"`
	plainMessage
}

// seal fills in the record's sealed message: nonce, then ciphertext.
func (s *sealer) seal(r *record, e *terminal.Entry) error {
	text, err := json.Marshal(plainEntry{e.Host, plainMessage(e.Message)})
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	fixed := r.fixed(nil)
	nonce := keyed(s.nonce, string(fixed), string(text))[:s.aead.NonceSize()]
	r.sealed = s.aead.Seal(nonce, nonce, text, fixed)
	if len(r.sealed)+fixedSize > maxBody {
		return fmt.Errorf("journal: a message of %d bytes, at most %d fit", len(text), maxBody)
	}
	return nil
}

// open is the inverse of seal.
func (s *sealer) open(r *record) (e terminal.Entry, err error) {
	if len(r.sealed) < s.aead.NonceSize() {
		return e, fmt.Errorf("message %d is cut off", r.id)
	}
	nonce, sealed := r.sealed[:s.aead.NonceSize()], r.sealed[s.aead.NonceSize():]
	text, err := s.aead.Open(nil, nonce, sealed, r.fixed(nil))
	if err != nil {
		return e, fmt.Errorf("message %d does not open: is it another terminal's key?", r.id)
	}
	var plain plainEntry
	err = json.Unmarshal(text, &plain)
	return terminal.Entry{ID: r.id, Host: plain.Host, Message: iso8583.Message(plain.plainMessage)}, err
}
