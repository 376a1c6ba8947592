package issuer

// Reissuer replaces a token whose payment its owner denies. It runs inside the
// update of the dispute; the token is suspended already.
type Reissuer interface {
	Reissue(tx *Tx, token Instrument, reason string) error
}
