package store

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"tapsim/cryptogram"
	"tapsim/hce"
	"tapsim/provisioning"
)

// Versions of a card's file. A file of a newer version is refused, never
// rewritten.
const (
	plainFormat  = 1 // of a card with a key of its own: a check sum finds damage
	sealedFormat = 2 // of a card with a token: authenticated under the device key
)

// record is one card on disk.
type record struct {
	Card          string       `json:"card"`
	account                    // the first one
	Others        []account    `json:"others,omitempty"`
	VerifiedUntil time.Time    `json:"verified_until,omitzero"`
	Allowance     *allowance   `json:"allowance,omitempty"`
	Token         *sealedToken `json:"token,omitempty"`
	Keys          []storedKey  `json:"keys,omitempty"`
	LastKey       hexes        `json:"last_key,omitempty"` // index of the key that came last, used up or not
	History       []Entry      `json:"history,omitempty"`
}

// newRecord is a card as it comes from its issuer.
func newRecord(p *hce.Profile) record {
	r := record{Card: p.Name, account: account{Lock: lockName(p.Lock)}}
	for range p.Others {
		r.Others = append(r.Others, account{Lock: lockName(p.Lock)})
	}
	return r
}

// state is what a card's state is made of, with the keys of its first account.
func (r *record) state(p *hce.Profile, keys []hce.Key) (hce.State, error) {
	s := hce.State{VerifiedUntil: r.VerifiedUntil, Allowance: (*hce.Allowance)(r.Allowance)}
	var err error
	if s.AccountState, err = r.account.state(keys); err != nil {
		return s, err
	}
	if len(r.Others) != len(p.Others) {
		return s, fmt.Errorf("the file is of a card with %d accounts, this one has %d: remove it from the phone first", 1+len(r.Others), 1+len(p.Others))
	}
	for i := range r.Others {
		other, err := r.Others[i].state(hce.CardKey(p.Others[i].CardKey))
		if err != nil {
			return s, err
		}
		s.Others = append(s.Others, other)
	}
	return s, nil
}

// allowance is what may be paid before the owner is verified again.
type allowance struct {
	PerTap int64 `json:"per_tap"`
	Left   int64 `json:"left"`
	Taps   int   `json:"taps"`
}

// account is what one account of a card remembers over its taps.
type account struct {
	ATC     uint16   `json:"atc"`
	Lock    string   `json:"lock,omitempty"`
	Offline *offline `json:"offline,omitempty"`
	Request *request `json:"request,omitempty"`
	MChip   *mchip   `json:"mchip,omitempty"`
}

func (a *account) state(keys []hce.Key) (hce.AccountState, error) {
	s := hce.AccountState{ATC: a.ATC, Keys: keys, Offline: a.Offline.state(), Request: a.Request.state(), MChip: a.MChip.state()}
	if m := a.MChip; m != nil && a.Offline == nil {
		s.Offline.Count, s.Offline.Amount = m.OfflineCount, m.OfflineAmount
	}
	if a.Lock == "" {
		return s, nil
	}
	lock, ok := hce.ParseLock(a.Lock)
	if !ok {
		return s, fmt.Errorf("there is no lock %q", a.Lock)
	}
	s.Lock = lock
	return s, nil
}

func accountOf(s *hce.AccountState) account {
	return account{ATC: s.ATC, Lock: lockName(s.Lock), Offline: offlineOf(&s.Offline), Request: requestOf(&s.Request), MChip: mchipOf(&s.MChip)}
}

// lockName is empty for a card that is not locked.
func lockName(l hce.Lock) string {
	if l == hce.LockNone {
		return ""
	}
	return l.String()
}

// offline is what a card remembers of what it approved without its issuer; of a
// purse, what was paid out of it.
type offline struct {
	Count      byte  `json:"count,omitempty"`
	Abroad     byte  `json:"abroad,omitempty"`
	Amount     int64 `json:"amount,omitempty"`
	OnlineNext bool  `json:"online_next,omitempty"`
}

func (o *offline) state() (s hce.OfflineState) {
	if o != nil {
		s = hce.OfflineState(*o)
	}
	return s
}

func offlineOf(s *hce.OfflineState) *offline {
	if *s == (hce.OfflineState{}) {
		return nil
	}
	o := offline(*s)
	return &o
}

// request is the last online request of a card that takes issuer updates.
type request struct {
	Open         bool   `json:"open,omitempty"`
	ATC          uint16 `json:"atc,omitempty"`
	Cryptogram   hexes  `json:"cryptogram,omitempty"`
	Commands     int    `json:"commands,omitempty"`
	MACs         hexes  `json:"macs,omitempty"` // of these commands, the first four bytes of each
	Failed       bool   `json:"failed,omitempty"`
	Scripts      byte   `json:"scripts,omitempty"`
	ScriptFailed bool   `json:"script_failed,omitempty"`
}

func (r *request) state() (s hce.OnlineRequest) {
	if r != nil {
		s = hce.OnlineRequest{Open: r.Open, ATC: r.ATC, Commands: r.Commands, Failed: r.Failed, Scripts: r.Scripts, ScriptFailed: r.ScriptFailed}
		copy(s.Cryptogram[:], r.Cryptogram)
		for i := range s.MACs {
			copy(s.MACs[i][:], r.MACs[min(len(r.MACs), i*len(s.MACs[i])):])
		}
	}
	return s
}

func requestOf(s *hce.OnlineRequest) *request {
	if *s == (hce.OnlineRequest{}) {
		return nil
	}
	r := &request{
		Open: s.Open, ATC: s.ATC, Cryptogram: append(hexes(nil), s.Cryptogram[:]...), Commands: s.Commands,
		Failed: s.Failed, Scripts: s.Scripts, ScriptFailed: s.ScriptFailed,
	}
	for _, mac := range s.MACs[:s.Commands] {
		r.MACs = append(r.MACs, mac[:]...)
	}
	return r
}

// mchip is what an M/Chip card remembers besides: its last answer, for a
// terminal that did not get it.
type mchip struct {
	AskedWith hexes `json:"asked_with,omitempty"`
	Answer    hexes `json:"answer,omitempty"`

	// Where earlier files have what is in offline now. They are read only.
	OfflineCount  byte  `json:"offline_count,omitempty"`
	OfflineAmount int64 `json:"offline_amount,omitempty"`
}

func (m *mchip) state() (s hce.MChipState) {
	if m != nil {
		s.Answer = hce.StoredAnswer{Values: m.AskedWith, Answer: m.Answer}
	}
	return s
}

// mchipOf is nil where there is nothing to remember.
func mchipOf(s *hce.MChipState) *mchip {
	if s.Answer.Values == nil {
		return nil
	}
	return &mchip{AskedWith: s.Answer.Values, Answer: s.Answer.Answer}
}

// storedKey is a limited-use or single-use key on disk, wrapped as it came.
type storedKey struct {
	Index      hexes  `json:"index,omitempty"`
	ATC        uint16 `json:"atc,omitempty"`
	Wrapped    hexes  `json:"wrapped"`
	CheckValue hexes  `json:"check_value"`
	Left       int    `json:"left"`
	Amount     int64  `json:"amount,omitempty"` // minor units that are left; 0 is no limit
	// Agreement says that the key is of the stock under the passcode: the public
	// key that its wrapping was agreed with. Without one the device key wraps it.
	Agreement hexes     `json:"agreement,omitempty"`
	NotAfter  time.Time `json:"not_after"`
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
			Amount: k.Amount, Agreement: append(hexes(nil), k.Agreement...),
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

// The first line of a file: what it is, its version, and what the rest is checked
// by. Of a card with a token nobody changes a limit, or the uses that are left of
// a key, without the device key: nonce and tag are those of AES-GCM over no
// plaintext, with the rest as additional data (NIST SP 800-38D).
const (
	plainHeader  = "tapsim card, format %d, sha256 %x\n"
	sealedHeader = "tapsim card, format %d, tag %x\n"
)

// encode is the file of a record.
func (s *sealer) encode(r record) ([]byte, error) {
	body, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return nil, err
	}
	body = append(body, '\n')
	if r.Token == nil {
		return append(fmt.Appendf(nil, plainHeader, plainFormat, sha256.Sum256(body)), body...), nil
	}
	nonce, err := s.nonce()
	if err != nil {
		return nil, err
	}
	return append(fmt.Appendf(nil, sealedHeader, sealedFormat, s.gcm.Seal(nonce, nonce, nil, body)), body...), nil
}

// errDamaged says that a file is not as it was written. To go on with an older
// state could repeat a counter, so there is no repair.
var errDamaged = errors.New("the file is damaged; going back to an older state could repeat a transaction counter: remove the file and enrol the card again")

// errForeign says that a file was not written under this device key.
var errForeign = errors.New("the file was written under another device key, or was changed: restore keys/device.key, or remove the file and enrol the card again")

// errEarlier says that a file of a token is not authenticated.
var errEarlier = errors.New("the file is of an earlier version of tapsim, or was changed: remove it and enrol the card again")

// decode reads a file back. Whatever is cut, changed or appended is an error.
func (s *sealer) decode(data []byte) (record, error) {
	line, body, ok := bytes.Cut(data, []byte("\n"))
	var version int
	var kind, sum string
	if n, err := fmt.Sscanf(string(line), "tapsim card, format %d, %s %s", &version, &kind, &sum); err != nil && n < 1 {
		return record{}, errDamaged
	}
	if version > sealedFormat {
		return record{}, fmt.Errorf("the file has format %d, this version of tapsim reads up to %d: use a newer one", version, sealedFormat)
	}
	if err := s.check(version, string(line)+"\n", sum, body); err != nil || !ok {
		return record{}, cmp.Or(err, errDamaged)
	}
	r, err := parseRecord(body)
	if err == nil && version == plainFormat && r.Token != nil {
		err = errEarlier
	}
	return r, err
}

// check holds the rest of a file against its first line.
func (s *sealer) check(version int, line, sum string, body []byte) error {
	check, err := hex.DecodeString(sum)
	if err != nil {
		return errDamaged
	}
	switch want := sha256.Sum256(body); version {
	case plainFormat:
		if line != fmt.Sprintf(plainHeader, version, want) {
			return errDamaged
		}
	case sealedFormat:
		n := s.gcm.NonceSize()
		if line != fmt.Sprintf(sealedHeader, version, check) || len(check) != n+s.gcm.Overhead() {
			return errDamaged
		}
		if _, err := s.gcm.Open(nil, check[:n], check[n:], body); err != nil {
			return errForeign
		}
	default:
		return errDamaged
	}
	return nil
}

func parseRecord(body []byte) (record, error) {
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
