package wallet

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/hce"
)

// A payment without a reader: the wallet asks its own applet for a cryptogram,
// with the commands that a reader would send. So counter, keys, history and what
// is durable are those of a tap.

// aloneFor is how long a wallet without a passcode counts as verified for one
// payment.
const aloneFor = time.Minute

// Order is what the applet is told about a payment. The zero order is that of a
// code, which is shown before anybody knows the amount (EMV QR,
// consumer-presented mode).
type Order struct {
	Amount   int64  // minor units
	Country  uint16 // of the merchant, ISO 3166-1
	Currency uint16 // ISO 4217
	Date     time.Time
	// Number is the merchant's unpredictable number (9F37).
	Number [4]byte
}

// Credential is what a card gives for a payment without a reader.
type Credential struct {
	Card  string // name
	AID   []byte
	Label string   // tag 50
	Look  int64    // number of the wallet's note of how it stood
	Data  emv.List // the cryptogram with all that it covers, 57, 5F34, 9F19, 9F24, 9F25
}

// get is a value of the data, nil when it is not there.
func (c *Credential) get(tag emv.Tag) []byte {
	v, _ := c.Data.Lookup(tag)
	return v
}

// ATC is the transaction counter of the payment.
func (c *Credential) ATC() uint16 {
	v := c.get(emv.TagATC)
	if len(v) != 2 {
		return 0
	}
	return binary.BigEndian.Uint16(v)
}

// values are what a reader would send. Everything beyond the order asks for
// verification on the device and for a cryptogram to be checked online.
func (o *Order) values() emv.List {
	var ttq emv.TTQ
	for _, bit := range []emv.TTQBit{emv.TTQEMVMode, emv.TTQOnlineCryptogram, emv.TTQCVMRequired, emv.TTQConsumerDevice} {
		ttq.Set(bit, true)
	}
	date := make([]byte, 3)
	if !o.Date.IsZero() {
		date = emv.AppendBCD(nil, uint64(o.Date.Year()%100*10000+int(o.Date.Month())*100+o.Date.Day()), 3)
	}
	return emv.List{
		{Tag: emv.TagTTQ, Value: ttq[:]},
		{Tag: emv.TagAmount, Value: emv.AppendBCD(nil, uint64(o.Amount), 6)},
		{Tag: emv.TagAmountOther, Value: make([]byte, 6)},
		{Tag: emv.TagTerminalCountry, Value: emv.AppendBCD(nil, uint64(o.Country), 2)},
		{Tag: emv.TagTVR, Value: make([]byte, 5)},
		{Tag: emv.TagTransactionCurrency, Value: emv.AppendBCD(nil, uint64(o.Currency), 2)},
		{Tag: emv.TagTransactionDate, Value: date},
		{Tag: emv.TagTransactionType, Value: []byte{0}},
		{Tag: emv.TagUnpredictableNumber, Value: o.Number[:]},
		{Tag: emv.TagCVMResults, Value: []byte{0x01, 0x00, 0x02}}, // verified on the device, successful (EMV Book C-2)
	}
}

// ready finds a card that may pay by itself: with keys, not stopped, its owner
// verified.
func (w *Wallet) ready(ctx context.Context, name string) (*Card, Applet, error) {
	found, err := w.Find(name)
	if err != nil {
		return nil, nil, err
	}
	c, err := w.card(found.Name)
	if err != nil {
		return nil, nil, err
	}
	if err := w.AskAgain(ctx, c.Name); err != nil {
		return nil, nil, err
	}
	if err := w.refuseStopped(c); err != nil {
		return nil, nil, err
	}
	if w.env.Service != nil {
		if _, err := w.Refill(ctx, c.Name, false); err != nil && Code(err) == "" {
			return nil, nil, err
		}
	}
	if _, open := w.Unlocked(); w.state.Passcode.Set() && !open {
		return nil, nil, refuse("wallet-locked", "unlock it first: tapsim wallet unlock", "a payment without a reader needs its owner's passcode")
	}
	if err := w.wake(c); err != nil {
		return nil, nil, err
	}
	a, err := w.applet(c)
	if err != nil {
		return nil, nil, err
	}
	if !w.state.Passcode.Set() {
		err = a.Verified(w.now().Add(aloneFor)) // whoever holds the phone is its owner
	}
	return c, a, err
}

// prove has a card make the cryptogram of an order.
func (w *Wallet) prove(c *Card, a Applet, o *Order, channel string) (Credential, error) {
	p, err := w.env.Profile(c.Scheme, c.Name)
	if err != nil {
		return Credential{}, err
	}
	look, err := w.Look(c.Name, channel)
	if err != nil {
		return Credential{}, err
	}
	out := Credential{Card: c.Name, Look: look, AID: p.Applications[0].AID, Label: p.Applications[0].Label}
	s := &selfReader{applet: a, sent: o.values()}
	s.before, _ = a.Last()
	if *o == (Order{Number: o.Number}) {
		a.ShowsCode()
	}
	err = s.run(out.AID)
	a.Deactivated(hce.LinkLoss)
	if err != nil {
		return out, err
	}
	why := s.refused()
	if err := w.Settled(look, a.ATC(), why); err != nil {
		return out, err
	}
	if why != (Refused{}) {
		return out, refuse("phone-refused", Advice(why.Text, a.Stock().Sealed), "the phone refused: %s", why.Text)
	}
	out.Data = s.data()
	return out, nil
}

// selfReader is a reader inside the phone.
type selfReader struct {
	applet Applet
	before hce.Tap  // what the applet did last
	sent   emv.List // what the applet is told
	got    emv.List // what it answered and holds in records
	ended  bool     // with a status word that is an answer
	// generated says that the cryptogram came from GENERATE AC: the card was told
	// the result of the verification, and tells none in 9F6C.
	generated bool
}

// send sends a command and notes the objects of its answer. false is a refusal.
func (s *selfReader) send(c apdu.Command) (bool, error) {
	b, err := c.Bytes()
	if err != nil {
		return false, err
	}
	r, err := apdu.ParseResponse(s.applet.Respond(b))
	if err != nil {
		return false, err
	}
	if !r.Status.OK() {
		s.ended = true
		return false, nil
	}
	return true, s.note(r.Data)
}

// note keeps what stands in templates 77 and 70, or in the proprietary template
// of a SELECT answer.
func (s *selfReader) note(data []byte) error {
	scan := emv.Scan(data)
	for scan.Next() {
		inner := scan.Value()
		if scan.Tag() == emv.TagFCI {
			inner, _ = emv.Find(scan.Value(), emv.TagFCIProprietary)
		}
		list, err := emv.ParseList(inner)
		if err != nil {
			return fmt.Errorf("wallet: the applet's answer: %w", err)
		}
		for _, o := range list {
			s.got.Set(o.Tag, o.Value)
		}
	}
	return scan.Err()
}

// asked are the values that a list in the applet's data asks for; objects that
// nobody sends are zeros.
func (s *selfReader) asked(list emv.Tag) ([]byte, error) {
	v, _ := s.got.Lookup(list)
	dol, err := emv.ParseDOL(v)
	if err != nil {
		return nil, err
	}
	return dol.AppendData(nil, s.sent), nil
}

// run selects the application and goes on to the cryptogram: in GET PROCESSING
// OPTIONS, or in GENERATE AC (EMV Book 3, 6.5).
func (s *selfReader) run(aid []byte) error {
	if ok, err := s.send(apdu.Command{INS: 0xA4, P1: 0x04, Data: aid, Ne: 256}); err != nil || !ok {
		return err
	}
	values, err := s.asked(emv.TagPDOL)
	if err != nil {
		return err
	}
	template := emv.AppendTLV(nil, emv.TagCommandTemplate, values)
	if ok, err := s.send(apdu.Command{CLA: 0x80, INS: 0xA8, Data: template, Ne: 256}); err != nil || !ok {
		return err
	}
	if err := s.records(); err != nil || s.ended {
		return err
	}
	if _, made := s.got.Lookup(emv.TagCryptogram); made {
		return nil
	}
	if values, err = s.asked(emv.TagCDOL1); err != nil {
		return err
	}
	s.generated = true
	_, err = s.send(apdu.Command{CLA: 0x80, INS: 0xAE, P1: byte(emv.ARQC), Data: values, Ne: 256})
	return err
}

// records reads what the file locator names.
func (s *selfReader) records() error {
	v, _ := s.got.Lookup(emv.TagAFL)
	afl, err := emv.ParseAFL(v)
	if err != nil {
		return err
	}
	for _, e := range afl {
		for n := int(e.First); n <= int(e.Last); n++ {
			if ok, err := s.send(apdu.Command{INS: 0xB2, P1: byte(n), P2: e.SFI<<3 | 4, Ne: 256}); err != nil || !ok {
				return err
			}
		}
	}
	return nil
}

// refused says why there is no cryptogram that may be sent, nothing when there is.
func (s *selfReader) refused() Refused {
	switch tap, ok := s.applet.Last(); {
	case !ok || tap == s.before:
		return Refused{CausePhone, "the applet was not asked for a cryptogram"}
	case tap.Reason != hce.ReasonNone:
		return RefusedFor(tap.Reason)
	case s.ended || tap.Cryptogram != emv.ARQC:
		return Refused{CausePhone, "the applet made no cryptogram"}
	}
	return Refused{}
}

// given are the objects that leave the phone, in the order of a request.
var given = [...]emv.Tag{
	emv.TagTrack2, emv.TagPANSequence, emv.TagCryptogram, emv.TagCID, emv.TagIAD, emv.TagUnpredictableNumber, emv.TagATC, emv.TagTVR, emv.TagTransactionDate,
	emv.TagTransactionType, emv.TagAmount, emv.TagTransactionCurrency, emv.TagAIP, emv.TagTerminalCountry, emv.TagAmountOther, emv.TagCVMResults,
	emv.TagCTQ, emv.TagFormFactor, emv.TagTokenRequestor, emv.TagPAR, emv.TagLastFour,
}

// data is what the card gave and was told.
func (s *selfReader) data() (list emv.List) {
	for _, tag := range given {
		if tag == emv.TagCVMResults && !s.generated || tag == emv.TagCTQ && s.generated {
			continue
		}
		v, ok := s.got.Lookup(tag)
		if !ok {
			v, ok = s.sent.Lookup(tag)
		}
		if ok {
			list = append(list, emv.TLV{Tag: tag, Value: v})
		}
	}
	return list
}
