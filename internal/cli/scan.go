package cli

import (
	"errors"
	"strings"

	"tapsim/emv/qr"
	"tapsim/internal/qrimage"
)

// scanned is the text of a code: the argument itself, or what a PNG file holds.
func (a *app) scanned(arg string) (string, error) {
	if arg == "-" || strings.HasSuffix(strings.ToLower(arg), ".png") {
		data, err := a.readFile(arg, qrimage.MaxFile)
		if err != nil {
			return "", err
		}
		if !qrimage.IsPNG(data) && arg == "-" {
			return trimmed(string(data)), nil
		}
		return qrimage.Read(data)
	}
	return trimmed(arg), nil
}

// readCode reads the code that a customer's phone shows.
func (a *app) readCode(f *payFlags) (err error) {
	if f.scan == "" {
		return nil
	}
	if f.code, err = a.scanned(f.scan); err != nil {
		return err
	}
	switch qr.KindOf(f.code) {
	case qr.KindConsumer:
		return nil
	case qr.KindMerchant:
		return errors.New("this is a merchant's code, which a phone pays: tapsim wallet pay-qr")
	case qr.KindNumeric:
		return errors.New("a payment code of 19 digits: only its network knows whose it is")
	}
	return errors.New("this is no code that a phone shows (EMV QR, consumer-presented mode); a picture's name ends in .png")
}
