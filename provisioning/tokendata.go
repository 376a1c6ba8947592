package provisioning

import "tapsim/emv"

// tokenData is a Token with its number in the clear: Token itself cannot be
// marshalled, its number prints masked.
type tokenData struct {
	PAN         string `json:"pan"`
	PSN         string `json:"psn"`
	Expiry      string `json:"expiry"`
	LastFour    string `json:"last_four"`
	Requestor   string `json:"requestor"`
	PAR         string `json:"par"`
	ServiceCode string `json:"service_code"`
}

func (d *tokenData) token() Token {
	return Token{emv.PAN(d.PAN), d.PSN, d.Expiry, d.LastFour, d.Requestor, d.PAR, d.ServiceCode}
}
