package profile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/internal/config"
)

// file is the form of a profile. Its keys are the field names that hce uses in
// its errors.
type file struct {
	Name          string                        `yaml:"name"`
	GoodFor       string                        `yaml:"good_for"`
	Scheme        string                        `yaml:"scheme"`
	Account       account                       `yaml:"account"`
	Keys          keys                          `yaml:"keys"`
	Certificates  certificates                  `yaml:"certificates"`
	Applications  []application                 `yaml:"applications"`
	Directory     []config.TagName              `yaml:"directory"`
	FCI           []config.TagName              `yaml:"fci"`
	Discretionary []config.TagName              `yaml:"discretionary"`
	PDOL          config.Hex                    `yaml:"pdol"`
	IAD           config.Hex                    `yaml:"issuer_application_data"`
	Answers       *answers                      `yaml:"answers"`
	Records       []record                      `yaml:"records"`
	Data          map[config.TagName]config.Hex `yaml:"data"`
	GetData       []config.TagName              `yaml:"get_data"`
	QVSDC         *qvsdc                        `yaml:"qvsdc"`
	QPBOC         *qpboc                        `yaml:"qpboc"`
	MChip         *mchip                        `yaml:"mchip"`
	Lock          string                        `yaml:"lock"`
	Others        []file                        `yaml:"others"` // without name, good_for, lock, others
}

type account struct {
	PAN       config.Digits `yaml:"pan"`
	Sequence  config.Digits `yaml:"sequence"`
	Expiry    config.Digits `yaml:"expiry"`
	Track2    config.Hex    `yaml:"track2"`
	LastFour  config.Digits `yaml:"last_four"`
	Requestor config.Digits `yaml:"token_requestor"`
	PAR       string        `yaml:"par"`
}

// keys says where the card's keys come from: kind issuer-master-key (value is
// the 3DES master key, the card key is derived by option A), card-key (value is
// the card key), limited-use or single-use (no value: a token service provides
// them).
type keys struct {
	Kind  string     `yaml:"kind"`
	Value config.Hex `yaml:"value"`
}

// certificates says what shall be wrong with those of a card that signs: one of
// the defects that `tapsim ca issue` knows.
type certificates struct {
	Defect string `yaml:"defect"`
}

func (c *certificates) into(p *hce.Profile) error {
	if p.Defect = c.Defect; p.Defect != "" && p.CardKey == nil {
		return fault("certificates.defect", "a token gets its certificates from the token service, good ones")
	}
	return nil
}

type application struct {
	AID           config.Hex       `yaml:"aid"`
	Extended      config.Hex       `yaml:"extended"`
	Label         string           `yaml:"label"`
	PreferredName string           `yaml:"preferred_name"`
	Priority      uint8            `yaml:"priority"`
	Kernel        config.Hex       `yaml:"kernel"`
	Directory     []config.TagName `yaml:"directory"` // of its entry, in place of the card's
}

type answers struct {
	Online    answer  `yaml:"online"`
	OnlineODA *answer `yaml:"online_oda"`
	Offline   *answer `yaml:"offline"`
	Declined  answer  `yaml:"declined"`
	MSD       *answer `yaml:"msd"`
}

type answer struct {
	AIP  config.Hex       `yaml:"aip"`
	AFL  config.Hex       `yaml:"afl"`
	Tags []config.TagName `yaml:"tags"`
}

type record struct {
	SFI    uint8            `yaml:"sfi"`
	Record uint8            `yaml:"record"`
	Tags   []config.TagName `yaml:"tags"`
}

func fault(field, format string, args ...any) error {
	return &hce.ProfileError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// profile turns the file into a card. Whether the parts fit together, hce
// checks.
func (f *file) profile(lines map[string]int) (hce.Profile, error) {
	p := hce.Profile{
		Name: f.Name, GoodFor: f.GoodFor,
		Directory: tags(f.Directory), FCI: tags(f.FCI), BF0C: tags(f.Discretionary),
		PDOL: f.PDOL, IAD: f.IAD, GetData: tags(f.GetData),
	}
	var ok bool
	if p.Scheme, ok = emv.ParseScheme(f.Scheme); !ok {
		return p, fault("scheme", "%q is no scheme; try visa, mastercard or unionpay", f.Scheme)
	}
	for _, a := range f.Applications {
		p.Applications = append(p.Applications, hce.Application{
			AID: a.AID, Extended: a.Extended, Label: a.Label, PreferredName: a.PreferredName, Priority: a.Priority, Kernel: a.Kernel,
			Directory: tags(a.Directory),
		})
	}
	for _, r := range f.Records {
		p.Records = append(p.Records, hce.Record{SFI: r.SFI, Number: r.Record, Tags: tags(r.Tags)})
	}
	if f.Lock != "" {
		if p.Lock, ok = hce.ParseLock(f.Lock); !ok {
			return p, fault("lock", "%q is neither none nor blocked", f.Lock)
		}
	}
	for _, step := range []func(*hce.Profile) error{f.Account.into, f.Keys.into, f.Certificates.into, f.Answers.into, f.QVSDC.into, f.QPBOC.into, f.MChip.into, f.others} {
		if err := step(&p); err != nil {
			return p, err
		}
	}
	return p, f.values(&p, lines)
}

// others reads the further accounts of a card.
func (f *file) others(p *hce.Profile) error {
	for i := range f.Others {
		field := fmt.Sprintf("others[%d]", i)
		one := &f.Others[i]
		switch {
		case one.Name != "" || one.GoodFor != "":
			return fault(field, "name and good_for are those of the whole card")
		case one.Lock != "":
			return fault(field+".lock", "the lock is that of the whole card")
		}
		other, err := one.profile(nil)
		var e *hce.ProfileError
		if errors.As(err, &e) {
			return fault(field+"."+e.Field, "%s", e.Reason)
		}
		if err != nil {
			return err
		}
		p.Others = append(p.Others, other)
	}
	return nil
}

// values collects the data in the order of their tags. Tags are written in
// upper case, so that the same one cannot stand twice.
func (f *file) values(p *hce.Profile, lines map[string]int) error {
	for _, field := range slices.Sorted(maps.Keys(lines)) {
		at := strings.LastIndex("."+field, ".data.") // also of further accounts
		if at >= 0 && field[at:] != "data"+strings.ToUpper(field[at+len("data"):]) {
			return fault(field, "write tags in upper case")
		}
	}
	for tag, value := range f.Data {
		p.Data = append(p.Data, emv.TLV{Tag: emv.Tag(tag), Value: value})
	}
	slices.SortFunc(p.Data, func(a, b emv.TLV) int { return strings.Compare(a.Tag.String(), b.Tag.String()) })
	return nil
}

func (a *account) into(p *hce.Profile) error {
	track2, err := emv.ParseTrack2(a.Track2)
	if err != nil {
		return fault("account.track2", "%v", err)
	}
	p.Account = hce.Account{
		PAN: emv.PAN(a.PAN), PSN: string(a.Sequence), Expiry: string(a.Expiry), Track2: track2,
		LastFour: string(a.LastFour), Requestor: string(a.Requestor), PAR: a.PAR,
	}
	return nil
}

func (k *keys) into(p *hce.Profile) (err error) {
	switch k.Kind {
	case "limited-use", "single-use":
		if len(k.Value) != 0 {
			return fault("keys.value", "%s keys come from a token service, not from a file", k.Kind)
		}
		p.SingleUse = k.Kind == "single-use"
		return nil
	case "card-key", "issuer-master-key":
		p.CardKey, err = k.cardKey(p, cryptogram.TDES, "keys")
		return err
	}
	return fault("keys.kind", "%q is none of issuer-master-key, card-key, limited-use, single-use", k.Kind)
}

// cardKey is the card key that the file gives, itself or by its master key.
func (k *keys) cardKey(p *hce.Profile, algorithm cryptogram.Algorithm, field string) (*cryptogram.Key, error) {
	if k.Kind != "card-key" && k.Kind != "issuer-master-key" {
		return nil, fault(field+".kind", "%q is neither issuer-master-key nor card-key", k.Kind)
	}
	if len(k.Value) != 16 {
		return nil, fault(field+".value", "want a %s key of 16 bytes, not %d", algorithm, len(k.Value))
	}
	key, err := cryptogram.NewKey(algorithm, k.Value)
	if err == nil && k.Kind == "issuer-master-key" {
		if !p.Account.PAN.Valid() || len(p.Account.PSN) != 2 {
			return nil, nil // the key cannot be derived; the check of the account says why
		}
		method := cryptogram.OptionA
		if algorithm == cryptogram.SM4 {
			method = cryptogram.OptionSM4
		}
		key, err = cryptogram.DeriveCardKey(key, method, string(p.Account.PAN), p.Account.PSN)
	}
	if err != nil {
		return nil, fault(field+".value", "%v", err)
	}
	return key, nil
}

func (a *answers) into(p *hce.Profile) error {
	if a == nil {
		return nil // hce says where they are missing
	}
	for _, one := range []struct {
		from  *answer
		to    *hce.Answer
		field string
	}{
		{&a.Online, &p.Online, "answers.online"}, {a.OnlineODA, &p.OnlineODA, "answers.online_oda"},
		{a.Offline, &p.Offline, "answers.offline"}, {&a.Declined, &p.Declined, "answers.declined"}, {a.MSD, &p.MSD, "answers.msd"},
	} {
		if one.from == nil {
			continue
		}
		if err := fixed(one.to.AIP[:], one.from.AIP, one.field+".aip"); err != nil {
			return err
		}
		one.to.AFL, one.to.Tags = one.from.AFL, tags(one.from.Tags)
	}
	return nil
}

// fixed copies a value that must have the length of dst.
func fixed(dst []byte, value config.Hex, field string) error {
	if len(value) != len(dst) {
		return fault(field, "want %d bytes, not %d", len(dst), len(value))
	}
	copy(dst, value)
	return nil
}

func tags(names []config.TagName) []emv.Tag {
	if names == nil {
		return nil
	}
	out := make([]emv.Tag, len(names))
	for i, n := range names {
		out[i] = emv.Tag(n)
	}
	return out
}
