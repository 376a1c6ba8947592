package config

import (
	"fmt"
	"time"

	"tapsim/cryptogram"
	"tapsim/internal/config"
	"tapsim/issuer"
)

type tokenService struct {
	Decision        string           `yaml:"decision"`
	Exceptions      []tokenException `yaml:"exceptions"`
	CodeTries       int              `yaml:"code_tries"`
	CodeResends     int              `yaml:"code_resends"`
	CodeLife        time.Duration    `yaml:"code_life"`
	ResendAfter     time.Duration    `yaml:"resend_after"`
	Years           int              `yaml:"years"`
	MaxPerCard      int              `yaml:"max_per_card"`
	RequestsPerDay  int              `yaml:"requests_per_day"`
	SecurityCodeKey config.Hex       `yaml:"security_code_key"`
}

type tokenException struct {
	PANSuffix config.Digits `yaml:"pan_suffix"`
	Decision  string        `yaml:"decision"`
}

// rules turns names and texts into values.
func (t *tokenService) rules() (r issuer.TokenRules, err error) {
	r = issuer.TokenRules{
		CodeTries: t.CodeTries, CodeResends: t.CodeResends, CodeLife: t.CodeLife, ResendAfter: t.ResendAfter, Years: t.Years, MaxPerCard: t.MaxPerCard,
		RequestsPerDay: t.RequestsPerDay,
	}
	if t.Decision != "" {
		if r.Decision, err = decision("token_service.decision", t.Decision); err != nil {
			return r, err
		}
	}
	for n, e := range t.Exceptions {
		d, err := decision(fmt.Sprintf("token_service.exceptions[%d].decision", n), e.Decision)
		if err != nil {
			return r, err
		}
		r.Exceptions = append(r.Exceptions, issuer.TokenException{PANSuffix: string(e.PANSuffix), Decision: d})
	}
	if t.SecurityCodeKey != nil {
		if r.SecurityCode, err = cryptogram.NewKey(cryptogram.TDES, t.SecurityCodeKey); err != nil {
			return r, fault("token_service.security_code_key", "%v", err)
		}
	}
	return r, nil
}

func decision(field, name string) (issuer.Decision, error) {
	d, ok := issuer.ParseDecision(name)
	if !ok {
		return d, fault(field, "%q, want code, approve or refuse", name)
	}
	return d, nil
}
