package profile

import (
	"fmt"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/internal/config"
)

// qvsdc is the section of the behaviour at kernel 3. Amounts are text, with the
// decimals of the card's currency.
type qvsdc struct {
	Currency          config.Hex `yaml:"currency"`
	CTQ               config.Hex `yaml:"ctq"`
	CVM               []string   `yaml:"cvm"`
	OnlinePIN         string     `yaml:"online_pin"`
	NoCommonCVM       string     `yaml:"no_common_cvm"`
	OfflineOnlyReader string     `yaml:"offline_only_reader"`
	Refund            string     `yaml:"refund"`
	CVMLimit          string     `yaml:"cvm_limit"`
	Device            *device    `yaml:"device"`
	Counters          *counters  `yaml:"counters"`
	Abroad            *abroad    `yaml:"abroad"`
	Update            *update    `yaml:"issuer_update"`
}

type device struct {
	Verifier config.Hex `yaml:"verifier"`
	Required string     `yaml:"required"`
	Window   string     `yaml:"window"`
}

type abroad struct {
	LowerCount uint8 `yaml:"lower_count"`
	UpperCount uint8 `yaml:"upper_count"`
}

type update struct {
	ScriptKey *keys `yaml:"script_key"`
}

// qpboc is the section of the behaviour at kernel 7.
type qpboc struct {
	qvsdc `yaml:",inline"`
	ECash *ecash `yaml:"ecash"`
	SM4   *sm4   `yaml:"sm4"`
	MAC   *keys  `yaml:"mac_key"`
}

type ecash struct {
	Balance   string `yaml:"balance"`
	Limit     string `yaml:"limit"`
	MaxAmount string `yaml:"max_amount"`
	Threshold string `yaml:"threshold"`
}

type sm4 struct {
	Key      keys       `yaml:"key"`
	KeyIndex config.Hex `yaml:"key_index"`
}

func (q *qvsdc) into(p *hce.Profile) (err error) {
	if q == nil {
		return nil // hce says that it is missing
	}
	p.QVSDC = &hce.QVSDC{}
	return q.settings(p, p.QVSDC, "qvsdc")
}

// settings reads the choices that the behaviours at kernels 3 and 7 share.
func (q *qvsdc) settings(p *hce.Profile, out *hce.QVSDC, section string) (err error) {
	if err := fixed(out.Currency[:], q.Currency, section+".currency"); err != nil {
		return err
	}
	if err := fixed(out.CTQ[:], q.CTQ, section+".ctq"); err != nil {
		return err
	}
	for i, name := range q.CVM {
		m, ok := hce.ParseCVM(name)
		if !ok {
			return fault(fmt.Sprintf("%s.cvm[%d]", section, i), "%q is none of consumer-device, online-pin, signature", name)
		}
		out.CVM = append(out.CVM, m)
	}
	// A name that is not known becomes the zero value, which hce refuses with
	// the list of those that are.
	out.OnlinePIN, _ = hce.ParseRegion(q.OnlinePIN)
	out.NoCommonCVM, _ = hce.ParseReaction(q.NoCommonCVM)
	out.OfflineOnlyReader, _ = hce.ParseReaction(q.OfflineOnlyReader)
	out.Refund, _ = hce.ParseReaction(q.Refund)
	if out.Counters, err = q.Counters.limits(section + ".counters"); err != nil {
		return err
	}
	if q.Abroad != nil {
		out.Abroad = &hce.AbroadCounters{LowerCount: q.Abroad.LowerCount, UpperCount: q.Abroad.UpperCount}
	}
	if q.CVMLimit != "" {
		if err := q.amounts(section, []amount{{&out.CVMLimit, q.CVMLimit, "cvm_limit"}}); err != nil {
			return err
		}
	}
	if out.Update, err = q.Update.settings(p, section+".issuer_update"); err != nil || q.Device == nil {
		return err
	}
	var verifier [1]byte
	if err := fixed(verifier[:], q.Device.Verifier, section+".device.verifier"); err != nil {
		return err
	}
	out.Device = q.Device.settings()
	out.Device.Verifier = verifier[0]
	return nil
}

// amounts reads amounts in the card's currency.
func (q *qvsdc) amounts(section string, list []amount) error {
	numeric, err := emv.BCD(q.Currency)
	currency, ok := emv.CurrencyByNumeric(uint16(numeric))
	if err != nil || !ok {
		return fault(section+".currency", "there is no currency %X; try 0978", []byte(q.Currency))
	}
	return parseAmounts(currency, section, list)
}

func (d *device) settings() *hce.Device {
	out := &hce.Device{}
	out.Required, _ = hce.ParseNeed(d.Required)
	out.Window, _ = hce.ParseWindow(d.Window)
	return out
}

func (u *update) settings(p *hce.Profile, section string) (out *hce.Update, err error) {
	if u == nil {
		return nil, nil
	}
	out = &hce.Update{}
	if u.ScriptKey != nil {
		out.ScriptKey, err = u.ScriptKey.cardKey(p, cryptogram.TDES, section+".script_key")
	}
	return out, err
}

func (q *qpboc) into(p *hce.Profile) (err error) {
	if q == nil {
		return nil // hce says that it is missing
	}
	out := &hce.QPBOC{}
	p.QPBOC = out
	if err := q.settings(p, &out.QVSDC, "qpboc"); err != nil {
		return err
	}
	if q.MAC != nil {
		if out.MACKey, err = q.MAC.cardKey(p, cryptogram.TDES, "qpboc.mac_key"); err != nil {
			return err
		}
	}
	if e := q.ECash; e != nil {
		out.ECash = &hce.ECash{}
		if err := q.amounts("qpboc.ecash", []amount{
			{&out.ECash.Balance, e.Balance, "balance"}, {&out.ECash.Limit, e.Limit, "limit"},
			{&out.ECash.MaxAmount, e.MaxAmount, "max_amount"}, {&out.ECash.Threshold, e.Threshold, "threshold"},
		}); err != nil {
			return err
		}
	}
	if q.SM4 == nil {
		return nil
	}
	out.SM4 = &hce.SM4{}
	var index [1]byte
	if err := fixed(index[:], q.SM4.KeyIndex, "qpboc.sm4.key_index"); err != nil {
		return err
	}
	out.SM4.KeyIndex = index[0]
	out.SM4.Key, err = q.SM4.Key.cardKey(p, cryptogram.SM4, "qpboc.sm4.key")
	return err
}
