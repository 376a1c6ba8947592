package profile

import (
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
	MChip         *mchip                        `yaml:"mchip"`
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

type application struct {
	AID           config.Hex `yaml:"aid"`
	Label         string     `yaml:"label"`
	PreferredName string     `yaml:"preferred_name"`
	Priority      uint8      `yaml:"priority"`
	Kernel        config.Hex `yaml:"kernel"`
}

type answers struct {
	Online   answer `yaml:"online"`
	Declined answer `yaml:"declined"`
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

type qvsdc struct {
	Currency          config.Hex `yaml:"currency"`
	CTQ               config.Hex `yaml:"ctq"`
	CVM               []string   `yaml:"cvm"`
	OnlinePIN         string     `yaml:"online_pin"`
	NoCommonCVM       string     `yaml:"no_common_cvm"`
	OfflineOnlyReader string     `yaml:"offline_only_reader"`
	Refund            string     `yaml:"refund"`
	Device            *device    `yaml:"device"`
}

type device struct {
	Verifier config.Hex `yaml:"verifier"`
	Required string     `yaml:"required"`
	Window   string     `yaml:"window"`
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
		return p, fault("scheme", "%q is no scheme; try visa or mastercard", f.Scheme)
	}
	for _, a := range f.Applications {
		p.Applications = append(p.Applications, hce.Application{
			AID: a.AID, Label: a.Label, PreferredName: a.PreferredName, Priority: a.Priority, Kernel: a.Kernel,
		})
	}
	for _, r := range f.Records {
		p.Records = append(p.Records, hce.Record{SFI: r.SFI, Number: r.Record, Tags: tags(r.Tags)})
	}
	for _, step := range []func(*hce.Profile) error{f.Account.into, f.Keys.into, f.Answers.into, f.QVSDC.into, f.MChip.into} {
		if err := step(&p); err != nil {
			return p, err
		}
	}
	return p, f.values(&p, lines)
}

// values collects the data in the order of their tags. Tags are written in
// upper case, so that the same one cannot stand twice.
func (f *file) values(p *hce.Profile, lines map[string]int) error {
	for _, field := range slices.Sorted(maps.Keys(lines)) {
		if tag, ok := strings.CutPrefix(field, "data."); ok && tag != strings.ToUpper(tag) {
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
		p.CardKey, err = k.cardKey(p, "keys")
		return err
	}
	return fault("keys.kind", "%q is none of issuer-master-key, card-key, limited-use, single-use", k.Kind)
}

// cardKey is the card key that the file gives, itself or by its master key.
func (k *keys) cardKey(p *hce.Profile, field string) (*cryptogram.Key, error) {
	if len(k.Value) != 16 {
		return nil, fault(field+".value", "want a double-length 3DES key of 16 bytes, not %d", len(k.Value))
	}
	key, err := cryptogram.NewKey(cryptogram.TDES, k.Value)
	if err == nil && k.Kind == "issuer-master-key" {
		if !p.Account.PAN.Valid() || len(p.Account.PSN) != 2 {
			return nil, nil // the key cannot be derived; the check of the account says why
		}
		key, err = cryptogram.DeriveCardKey(key, cryptogram.OptionA, string(p.Account.PAN), p.Account.PSN)
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
	}{{&a.Online, &p.Online, "answers.online"}, {&a.Declined, &p.Declined, "answers.declined"}} {
		if err := fixed(one.to.AIP[:], one.from.AIP, one.field+".aip"); err != nil {
			return err
		}
		one.to.AFL, one.to.Tags = one.from.AFL, tags(one.from.Tags)
	}
	return nil
}

func (q *qvsdc) into(p *hce.Profile) error {
	if q == nil {
		return nil // hce says that it is missing
	}
	out := &hce.QVSDC{}
	p.QVSDC = out
	if err := fixed(out.Currency[:], q.Currency, "qvsdc.currency"); err != nil {
		return err
	}
	if err := fixed(out.CTQ[:], q.CTQ, "qvsdc.ctq"); err != nil {
		return err
	}
	for i, name := range q.CVM {
		m, ok := hce.ParseCVM(name)
		if !ok {
			return fault(fmt.Sprintf("qvsdc.cvm[%d]", i), "%q is none of consumer-device, online-pin, signature", name)
		}
		out.CVM = append(out.CVM, m)
	}
	// A name that is not known becomes the zero value, which hce refuses with
	// the list of those that are.
	out.OnlinePIN, _ = hce.ParseRegion(q.OnlinePIN)
	out.NoCommonCVM, _ = hce.ParseReaction(q.NoCommonCVM)
	out.OfflineOnlyReader, _ = hce.ParseReaction(q.OfflineOnlyReader)
	out.Refund, _ = hce.ParseReaction(q.Refund)
	if q.Device == nil {
		return nil
	}
	var verifier [1]byte
	if err := fixed(verifier[:], q.Device.Verifier, "qvsdc.device.verifier"); err != nil {
		return err
	}
	out.Device = q.Device.settings()
	out.Device.Verifier = verifier[0]
	return nil
}

func (d *device) settings() *hce.Device {
	out := &hce.Device{}
	out.Required, _ = hce.ParseNeed(d.Required)
	out.Window, _ = hce.ParseWindow(d.Window)
	return out
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
	out := make([]emv.Tag, len(names))
	for i, n := range names {
		out[i] = emv.Tag(n)
	}
	return out
}
