package provisioning

import "tapsim/emv"

// TokenData is a Token with its number in the clear, to be sealed or wrapped: Token
// itself cannot be marshalled, its number prints masked.
type TokenData struct {
	PAN         string `json:"pan"`
	PSN         string `json:"psn"`
	Expiry      string `json:"expiry"`
	LastFour    string `json:"last_four"`
	Requestor   string `json:"requestor"`
	PAR         string `json:"par"`
	ServiceCode string `json:"service_code"`
}

// Data is the token with its number in the clear.
func (t Token) Data() TokenData {
	return TokenData{string(t.PAN), t.PSN, t.Expiry, t.LastFour, t.Requestor, t.PAR, t.ServiceCode}
}

// Token is the inverse of Token.Data.
func (d *TokenData) Token() Token {
	return Token{emv.PAN(d.PAN), d.PSN, d.Expiry, d.LastFour, d.Requestor, d.PAR, d.ServiceCode}
}
