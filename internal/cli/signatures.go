package cli

import (
	"bytes"
	"errors"

	offlineauth "tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/transcript"
)

// Instructions whose answers carry a signature (EMV Book 3, 6.5; EMV Book C-2).
const (
	insInternalAuthenticate = 0x88
	insGenerateAC           = 0xAE
	insRecoverAC            = 0xD0
)

// isExpired is true for what a certificate says of its time. A recording is of
// its time: the key stays the card's.
func isExpired(err error) bool {
	var e *offlineauth.Error
	return errors.As(err, &e) && e.Fault == offlineauth.FaultExpired
}

// signatures checks what the card signed in a session.
func (c *chain) signatures(s *transcript.SignedData) {
	for i := range s.Signatures {
		a := &s.Signatures[i]
		if a.Signature == nil {
			continue
		}
		out := signatureJSON{Object: "fDDA", Exchange: a.Exchange}
		var err error
		switch a.Command {
		case insInternalAuthenticate:
			out.Object, err = "DDA", c.dda(a)
		case insGenerateAC:
			out.Object, err = "CDA", c.cda(s, a)
		case insRecoverAC:
			out.Object, err = "CDA", errors.New(unchecked+"it is of an earlier tap, whose data the session may not have")
		default:
			err = c.fdda(s, a)
		}
		out.judge(err)
		c.out.Signatures = append(c.out.Signatures, out)
	}
}

func (g *signatureJSON) judge(err error) {
	if g.Verified = err == nil; err != nil {
		g.Problem = err.Error()
	}
}

var errNoCardKey = errors.New(unchecked + "there is no certified key of the card")

func (c *chain) dda(a *transcript.DynamicAnswer) error {
	if c.icc == nil {
		return errNoCardKey
	}
	_, err := offlineauth.VerifyDDA(c.icc, a.Signature, a.Sent)
	return err
}

// fdda is the signature of kernels 3 and 7. Its number is the ATC.
func (c *chain) fdda(s *transcript.SignedData, a *transcript.DynamicAnswer) error {
	if c.icc == nil {
		return errNoCardKey
	}
	sent := func(tag emv.Tag) []byte { v, _ := s.Sent.Lookup(tag); return v }
	if sent(emv.TagUnpredictableNumber) == nil {
		return errors.New(unchecked + "the session does not show the terminal's unpredictable number")
	}
	related := c.value(emv.TagCardAuthData)
	found, err := offlineauth.VerifyFDDA(c.icc, a.Signature, sent(emv.TagUnpredictableNumber), sent(emv.TagAmount), sent(emv.TagTransactionCurrency), related)
	switch _, other := offlineauth.RecoverDynamic(c.icc, a.Signature, offlineauth.FormatFDDA); {
	case err != nil && related == nil && other == nil:
		return errors.New(unchecked + "the session does not have 9F69, which a signature of version 01 covers")
	case err != nil:
		return err
	}
	number, err := found.DynamicNumber()
	if atc := c.value(emv.TagATC); err == nil && atc != nil && !bytes.Equal(number, atc) {
		err = errors.New("the transaction counter in the signature is not the one that the card gave (9F36)")
	}
	return err
}

// cda is the signature of an answer to GENERATE AC, over all that travelled.
func (c *chain) cda(s *transcript.SignedData, a *transcript.DynamicAnswer) error {
	if c.icc == nil {
		return errNoCardKey
	}
	un, ok := s.Sent.Lookup(emv.TagUnpredictableNumber)
	if !ok {
		return errors.New(unchecked + "the session does not show the terminal's unpredictable number")
	}
	response, err := offlineauth.WithoutSignature(a.Content)
	if err != nil {
		return err
	}
	signed, err := offlineauth.VerifyCDA(c.icc, a.Signature, offlineauth.CDAData{
		UnpredictableNumber: un, PDOL: s.PDOL, CDOL1: a.CDOL1, CDOL2: a.CDOL2, Response: response,
	})
	if err != nil {
		return err
	}
	if ac, ok := emv.Find(response, emv.TagCryptogram); ok && !bytes.Equal(ac, signed.Cryptogram[:]) {
		return errors.New("the cryptogram outside is not the one in the signature")
	}
	return nil
}
