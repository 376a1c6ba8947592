package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tapsim/cryptogram"
	"tapsim/hce"
	"tapsim/provisioning"
)

// format is the version of a card's file. A file of a newer version is refused,
// never rewritten.
const format = 1

// record is one card on disk.
type record struct {
	Card          string       `json:"card"`
	ATC           uint16       `json:"atc"`
	Lock          string       `json:"lock,omitempty"`
	VerifiedUntil time.Time    `json:"verified_until,omitzero"`
	Token         *sealedToken `json:"token,omitempty"`
	Keys          []storedKey  `json:"keys,omitempty"`
	LastKey       hexes        `json:"last_key,omitempty"` // index of the key that came last, used up or not
	MChip         *mchip       `json:"mchip,omitempty"`
	History       []Entry      `json:"history,omitempty"`
}

func (r *record) lock() string {
	if r.Lock == "" {
		return hce.LockNone.String()
	}
	return r.Lock
}

// mchip is what an M/Chip card remembers over its taps: what it approved
// offline, and its last answer, for a terminal that did not get it.
type mchip struct {
	OfflineCount  byte  `json:"offline_count,omitempty"`
	OfflineAmount int64 `json:"offline_amount,omitempty"`
	AskedWith     hexes `json:"asked_with,omitempty"`
	Answer        hexes `json:"answer,omitempty"`
}

func (m *mchip) state() (s hce.MChipState) {
	if m != nil {
		s.OfflineCount, s.OfflineAmount = m.OfflineCount, m.OfflineAmount
		s.Answer = hce.StoredAnswer{Values: m.AskedWith, Answer: m.Answer}
	}
	return s
}

// mchipOf is nil where there is nothing to remember.
func mchipOf(s *hce.MChipState) *mchip {
	if s.OfflineCount == 0 && s.OfflineAmount == 0 && s.Answer.Values == nil {
		return nil
	}
	return &mchip{s.OfflineCount, s.OfflineAmount, s.Answer.Values, s.Answer.Answer}
}

// storedKey is a limited-use or single-use key on disk, wrapped as it came.
type storedKey struct {
	Index      hexes     `json:"index,omitempty"`
	ATC        uint16    `json:"atc,omitempty"`
	Wrapped    hexes     `json:"wrapped"`
	CheckValue hexes     `json:"check_value"`
	Left       int       `json:"left"`
	NotAfter   time.Time `json:"not_after"`
}

func storedKeys(keys []provisioning.LimitedUseKey) ([]storedKey, error) {
	if len(keys) > hce.MaxKeys {
		return nil, fmt.Errorf("%d keys in one set, at most %d", len(keys), hce.MaxKeys)
	}
	out := make([]storedKey, len(keys))
	for i, k := range keys {
		if k.Uses < 1 {
			return nil, fmt.Errorf("limited-use key %d allows %d uses", i+1, k.Uses)
		}
		out[i] = storedKey{
			ATC: k.ATC, Wrapped: append(hexes(nil), k.Wrapped...), CheckValue: append(hexes(nil), k.CheckValue[:]...), Left: k.Uses, NotAfter: k.NotAfter,
		}
		if k.ATC == 0 {
			out[i].Index = append(hexes(nil), k.Index[:]...)
		}
	}
	return out, nil
}

func (k *storedKey) name() (keyName, error) {
	if k.ATC != 0 {
		return keyName{atc: k.ATC}, nil
	}
	index, err := cryptogram.ParseKeyIndex(k.Index)
	return keyName{index: index}, err
}

// hexes are bytes that stand as hex in JSON.
type hexes []byte

// MarshalText codes the bytes as hex.
func (h hexes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

// UnmarshalText is the inverse of MarshalText.
func (h *hexes) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*h = b
	return err
}

// header is the first line of a file: what it is, its version, and a check sum
// of the rest.
const header = "tapsim card, format %d, sha256 %x\n"

// encode is the file of a record.
func (r record) encode() ([]byte, error) {
	body, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return nil, err
	}
	body = append(body, '\n')
	return append(fmt.Appendf(nil, header, format, sha256.Sum256(body)), body...), nil
}

// errDamaged says that a file is not as it was written. To go on with an older
// state could repeat a counter, so there is no repair.
var errDamaged = errors.New("the file is damaged; going back to an older state could repeat a transaction counter: remove the file and enrol the card again")

// decode reads a file back. Whatever is cut, changed or appended is an error.
func decode(data []byte) (record, error) {
	line, body, ok := bytes.Cut(data, []byte("\n"))
	var version int
	var sum string
	if n, err := fmt.Sscanf(string(line), strings.TrimSuffix(strings.ReplaceAll(header, "%x", "%s"), "\n"), &version, &sum); err != nil && n < 1 {
		return record{}, errDamaged
	}
	if version > format {
		return record{}, fmt.Errorf("the file has format %d, this version of tapsim reads up to %d: use a newer one", version, format)
	}
	if want := sha256.Sum256(body); !ok || version != format || sum != hex.EncodeToString(want[:]) {
		return record{}, errDamaged
	}
	var r record
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return record{}, fmt.Errorf("the file holds what this version does not know: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return record{}, errDamaged
	}
	return r, nil
}
