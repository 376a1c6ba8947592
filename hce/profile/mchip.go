package profile

import (
	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/internal/config"
)

// mchip is the section of the behaviour at kernel 2.
type mchip struct {
	AIP         config.Hex   `yaml:"aip"`
	AFL         config.Hex   `yaml:"afl"`
	Country     config.Hex   `yaml:"country"`
	ActionCodes actionCodes  `yaml:"action_codes"`
	Counters    *counters    `yaml:"counters"`
	Device      *mchipDevice `yaml:"device"`
	Relay       *relay       `yaml:"relay"`
	MagStripe   *magStripe   `yaml:"mag_stripe"`
}

type actionCodes struct {
	Decline config.Hex `yaml:"decline"`
	Online  config.Hex `yaml:"online"`
	Default config.Hex `yaml:"default"`
}

// counters have amounts as text, with the decimals of their currency.
type counters struct {
	Currency    string `yaml:"currency"`
	LowerCount  uint8  `yaml:"lower_count"`
	UpperCount  uint8  `yaml:"upper_count"`
	LowerAmount string `yaml:"lower_amount"`
	UpperAmount string `yaml:"upper_amount"`
	MaxAmount   string `yaml:"max_amount"`
}

type mchipDevice struct {
	Required string `yaml:"required"`
	Window   string `yaml:"window"`
}

// relay is in units of 100 microseconds.
type relay struct {
	Min    uint16 `yaml:"min"`
	Max    uint16 `yaml:"max"`
	Answer uint16 `yaml:"answer"`
}

type magStripe struct {
	Key *keys `yaml:"key"`
}

func (m *mchip) into(p *hce.Profile) error {
	if m == nil {
		return nil // hce says where it is missing
	}
	out := &hce.MChip{AFL: m.AFL}
	p.MChip = out
	for _, one := range []struct {
		to    []byte
		from  config.Hex
		field string
	}{
		{out.AIP[:], m.AIP, "mchip.aip"},
		{out.Country[:], m.Country, "mchip.country"},
		{out.Actions.Decline[:], m.ActionCodes.Decline, "mchip.action_codes.decline"},
		{out.Actions.Online[:], m.ActionCodes.Online, "mchip.action_codes.online"},
		{out.Actions.Default[:], m.ActionCodes.Default, "mchip.action_codes.default"},
	} {
		if err := fixed(one.to, one.from, one.field); err != nil {
			return err
		}
	}
	if m.Device != nil {
		out.Device = (&device{Required: m.Device.Required, Window: m.Device.Window}).settings()
	}
	if m.Relay != nil {
		out.Relay = &hce.RelayTimes{Min: m.Relay.Min, Max: m.Relay.Max, Answer: m.Relay.Answer}
	}
	var err error
	if out.Counters, err = m.Counters.limits("mchip.counters"); err != nil {
		return err
	}
	return m.MagStripe.into(p)
}

func (c *counters) limits(section string) (*hce.OfflineCounters, error) {
	if c == nil {
		return nil, nil
	}
	currency, ok := emv.CurrencyByAlpha(c.Currency)
	if !ok {
		return nil, fault(section+".currency", "there is no currency %q; try EUR", c.Currency)
	}
	out := &hce.OfflineCounters{LowerCount: c.LowerCount, UpperCount: c.UpperCount}
	emv.AppendBCD(out.Currency[:0], uint64(currency.Numeric), 2)
	return out, parseAmounts(currency, section, []amount{
		{&out.LowerAmount, c.LowerAmount, "lower_amount"}, {&out.UpperAmount, c.UpperAmount, "upper_amount"}, {&out.MaxAmount, c.MaxAmount, "max_amount"},
	})
}

// amount is one amount of a file, written with the decimals of its currency.
type amount struct {
	to    *int64
	from  string
	field string
}

func parseAmounts(currency emv.Currency, section string, list []amount) error {
	for _, one := range list {
		amount, err := currency.Parse(one.from)
		if err != nil {
			return fault(section+"."+one.field, "%v", err)
		}
		*one.to = amount
	}
	return nil
}

func (s *magStripe) into(p *hce.Profile) (err error) {
	if s == nil {
		return nil
	}
	p.MChip.MagStripe = &hce.MagStripe{}
	if s.Key == nil {
		return nil
	}
	p.MChip.MagStripe.Key, err = s.Key.cardKey(p, cryptogram.TDES, "mchip.mag_stripe.key")
	return err
}
