package issuer

// stubInbox stands in for the inbox until it is merged.
var stubInbox []string

func (i *Issuer) notify(tx *Tx, account, kind, text string) error {
	stubInbox = append(stubInbox, account+" "+kind+" "+text)
	return nil
}
