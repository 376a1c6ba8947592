package issuer

func (i *Issuer) notify(tx *Tx, account, kind, text string) error { return nil }
