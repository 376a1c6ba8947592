package provisioning

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"tapsim/emv"
)

// wireKey is a LimitedUseKey as JSON: short values in hex, as they are shown
// elsewhere, the wrapped key in base64.
type wireKey struct {
	Index      string    `json:"index"`
	ATC        uint16    `json:"atc"`
	Wrapped    []byte    `json:"wrapped"`
	CheckValue string    `json:"check_value"`
	Agreement  []byte    `json:"agreement,omitempty"`
	Uses       int       `json:"uses"`
	Amount     int64     `json:"amount"`
	NotAfter   time.Time `json:"not_after"`
}

// MarshalJSON writes the key for the way to the phone. It is wrapped.
func (k LimitedUseKey) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireKey{
		hex.EncodeToString(k.Index[:]), k.ATC, k.Wrapped, hex.EncodeToString(k.CheckValue[:]), k.Agreement, k.Uses, k.Amount, k.NotAfter,
	})
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (k *LimitedUseKey) UnmarshalJSON(text []byte) error {
	var w wireKey
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	*k = LimitedUseKey{ATC: w.ATC, Wrapped: w.Wrapped, Agreement: w.Agreement, Uses: w.Uses, Amount: w.Amount, NotAfter: w.NotAfter}
	if err := fixedHex(k.Index[:], w.Index); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if err := fixedHex(k.CheckValue[:], w.CheckValue); err != nil {
		return fmt.Errorf("check_value: %w", err)
	}
	return nil
}

// fixedHex reads hex that fills dst.
func fixedHex(dst []byte, text string) error {
	if len(text) != hex.EncodedLen(len(dst)) {
		return fmt.Errorf("want %d hex digits", hex.EncodedLen(len(dst)))
	}
	_, err := hex.Decode(dst, []byte(text))
	return err
}

// wireCredentials are Credentials as JSON: the data objects as BER-TLV.
type wireCredentials struct {
	Data    []byte `json:"data"`
	Wrapped []byte `json:"wrapped"`
}

// MarshalJSON writes the credentials for the way to the phone. The private key
// is wrapped.
func (c Credentials) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireCredentials{c.Data.Append(nil), c.Wrapped})
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (c *Credentials) UnmarshalJSON(text []byte) error {
	var w wireCredentials
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	data, err := emv.ParseList(w.Data)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	c.Data, c.Wrapped = data, w.Wrapped
	return nil
}
