package hce

import (
	"fmt"
	"strconv"
	"time"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
)

// maxAnswer is what fits a short response with its status word in one frame
// of 256 bytes.
const maxAnswer = apdu.MaxShortNe

// build codes everything that does not change from tap to tap.
func (s *static) build(p *Profile) error {
	if err := p.check(); err != nil {
		return err
	}
	s.pdol = layoutOf(p.PDOL)
	behaviour := s.buildQVSDC
	if p.MChip != nil {
		behaviour = s.buildMChip
	}
	for _, step := range []func(*Profile) error{s.buildRecipe, s.buildDirectory, s.buildFCI, s.buildRecords, s.buildData, behaviour} {
		if err := step(p); err != nil {
			return err
		}
	}
	return nil
}

func (s *static) buildQVSDC(p *Profile) (err error) {
	s.qvsdc, s.commands = *p.QVSDC, append(commonCommands[:len(commonCommands):len(commonCommands)], qvsdcCommands...)
	if s.online, err = newAnswer(p, p.Online, "answers.online"); err != nil {
		return err
	}
	s.declined, err = newAnswer(p, p.Declined, "answers.declined")
	return err
}

// buildRecipe finds the recipe by the issuer application data and tries it
// once, so that no tap can find it wanting.
func (s *static) buildRecipe(p *Profile) error {
	const field = "issuer_application_data"
	iad, err := emv.ParseIAD(p.Scheme, p.IAD)
	if err != nil {
		return fault(field, "%v", err)
	}
	if s.recipe, err = cryptogram.RecipeFor(p.Scheme, p.IAD); err != nil {
		return fault(field, "%v", err)
	}
	s.layout = iad.Format
	if s.recipe.Scheme != p.Scheme {
		return fault(field, "it has the layout of %s", s.recipe.Name)
	}
	if err := s.chooseStock(p); err != nil {
		return err
	}
	trial, err := cryptogram.NewKey(cryptogram.TDES, make([]byte, 16))
	if err != nil {
		return err
	}
	if _, err := s.recipe.Generate(trial, &cryptogram.Elements{IAD: p.IAD}); err != nil {
		return fault(field, "%v", err)
	}
	return nil
}

// chooseStock says which keys the card holds, and follows the recipe as those
// want it.
func (s *static) chooseStock(p *Profile) error {
	limited := s.recipe.Session == cryptogram.SessionLimitedUse
	switch {
	case limited && s.layout != emv.IADVisa24:
		return fault("issuer_application_data", "limited-use keys need format 4, where the key index has a place")
	case limited && (p.CardKey != nil || p.SingleUse):
		return fault("keys", "%s works with limited-use keys; the card holds no key of its own", s.recipe.Name)
	case limited:
		s.stock = stockIndexed
	case p.SingleUse && p.CardKey != nil:
		return fault("keys", "a card with single-use keys holds no key of its own")
	case p.SingleUse:
		single, ok := s.recipe.SingleUse()
		if !ok {
			return fault("keys", "%s has no key that could be derived ahead, and so no single-use keys", s.recipe.Name)
		}
		s.recipe, s.stock = single, stockCounted
	case p.CardKey == nil:
		return fault("keys", "%s works with a card key", s.recipe.Name)
	default:
		s.stock = stockCardKey
	}
	return nil
}

// buildDirectory codes the answer to SELECT of the PPSE (EMV Book B).
func (s *static) buildDirectory(p *Profile) error {
	if !repeated(p.Directory, emv.TagADFName) {
		return fault("directory", "tag 4F must be there")
	}
	var entries []byte
	for i := range p.Applications {
		entry, err := p.Applications[i].template(p, p.Directory, "directory")
		if err != nil {
			return err
		}
		entries = emv.AppendTLV(entries, emv.TagApplicationTemplate, entry)
	}
	a5 := emv.AppendTLV(nil, emv.TagFCIDiscretionary, entries)
	var err error
	s.directory, err = fci(ppse, a5, "directory")
	return err
}

// buildFCI codes the answer to SELECT of each application (EMV Book 1, 11.3.4).
func (s *static) buildFCI(p *Profile) error {
	if len(p.PDOL) > 0 && !repeated(p.FCI, emv.TagPDOL) {
		return fault("fci", "tag 9F38 must be there, or no terminal sees the pdol")
	}
	for i := range p.Applications {
		if _, err := p.Applications[i].template(p, p.BF0C, "discretionary"); err != nil {
			return err
		}
		a5, err := p.Applications[i].template(p, p.FCI, "fci")
		if err != nil {
			return err
		}
		coded, err := fci(p.Applications[i].AID, a5, "fci")
		if err != nil {
			return err
		}
		s.apps = append(s.apps, application{aid: p.Applications[i].AID, fci: coded})
	}
	return nil
}

func fci(name, a5 []byte, field string) ([]byte, error) {
	body := emv.AppendTLV(nil, emv.TagDFName, name)
	coded := emv.AppendTLV(nil, emv.TagFCI, emv.AppendTLV(body, emv.TagFCIProprietary, a5))
	if len(coded) > maxAnswer {
		return nil, fault(field, "the template has %d bytes, at most %d fit", len(coded), maxAnswer)
	}
	return coded, nil
}

// template codes the tags of a list with the values of one application.
func (a *Application) template(p *Profile, tags []emv.Tag, field string) ([]byte, error) {
	var out []byte
	for i, tag := range tags {
		value, ok := a.value(p, tag)
		if !ok {
			return nil, fault(field, "tag %s has no value in application %X", tag, a.AID)
		}
		if repeated(tags[:i], tag) {
			return nil, fault(field, "tag %s stands twice", tag)
		}
		out = emv.AppendTLV(out, tag, value)
	}
	return out, nil
}

// value is the value of a tag for one application.
func (a *Application) value(p *Profile, tag emv.Tag) ([]byte, bool) {
	switch tag {
	case emv.TagADFName:
		return a.AID, true
	case emv.TagApplicationLabel:
		return []byte(a.Label), a.Label != ""
	case emv.TagPreferredName:
		return []byte(a.PreferredName), a.PreferredName != ""
	case emv.TagPriority:
		return []byte{a.Priority}, a.Priority != 0
	case emv.TagKernelIdentifier:
		return a.Kernel, len(a.Kernel) > 0
	case emv.TagPDOL:
		return p.PDOL, len(p.PDOL) > 0
	case emv.TagFCIDiscretionary:
		inner, err := a.template(p, p.BF0C, "discretionary")
		return inner, err == nil && len(inner) > 0
	}
	return p.value(tag)
}

// value is the value of a tag for the whole card.
func (p *Profile) value(tag emv.Tag) ([]byte, bool) {
	a := &p.Account
	switch tag {
	case emv.TagTrack2:
		v, err := a.Track2.Append(nil)
		return v, err == nil
	case emv.TagPAN:
		v, err := emv.AppendDigits(nil, string(a.PAN), 0)
		return v, err == nil
	case emv.TagExpirationDate:
		return a.expirationDate(), true
	case emv.TagPANSequence:
		return digits(a.PSN, 1)
	case emv.TagLastFour:
		return digits(a.LastFour, 2)
	case emv.TagTokenRequestor:
		return digits(a.Requestor, 6)
	case emv.TagPAR:
		return []byte(a.PAR), a.PAR != ""
	case emv.TagTrack1:
		return a.staticTrack1(), true
	case emv.TagTrack2MagStripe:
		v, err := a.staticTrack2()
		return v, err == nil
	}
	if certificates[tag] && p.Authentication != nil {
		return p.Authentication.Data.Lookup(tag)
	}
	return p.Data.Lookup(tag)
}

// expirationDate is tag 5F24: the last day of the month, YYMMDD.
func (a *Account) expirationDate() []byte {
	year, _ := strconv.Atoi(a.Expiry[:2])
	month, _ := strconv.Atoi(a.Expiry[2:])
	last := time.Date(2000+year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return emv.AppendBCD(nil, uint64(year*10000+month*100+last), 3)
}

// digits codes a number of format n; false when there is none.
func digits(s string, n int) ([]byte, bool) {
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return nil, false
	}
	return emv.AppendBCD(nil, v, n), true
}

// buildRecords codes the records: template 70 each (EMV Book 3, 6.5.11.4).
func (s *static) buildRecords(p *Profile) error {
	for i := range p.Records {
		r := &p.Records[i]
		field := fmt.Sprintf("records[%d].tags", i)
		var body []byte
		for j, tag := range r.Tags {
			value, ok := p.value(tag)
			if !ok && p.mayMiss(tag) {
				continue
			}
			if !ok {
				return fault(field, "tag %s has no value", tag)
			}
			if repeated(r.Tags[:j], tag) {
				return fault(field, "tag %s stands twice", tag)
			}
			body = emv.AppendTLV(body, tag, value)
		}
		coded := emv.AppendTLV(nil, emv.TagRecord, body)
		if len(coded) > maxAnswer {
			return fault(field, "the record has %d bytes, at most %d fit", len(coded), maxAnswer)
		}
		for len(s.files[r.SFI]) < int(r.Number) {
			s.files[r.SFI] = append(s.files[r.SFI], nil)
		}
		s.files[r.SFI][r.Number-1] = coded
	}
	return nil
}

func (s *static) buildData(p *Profile) error {
	for _, tag := range p.GetData {
		if value, ok := p.Data.Lookup(tag); ok {
			s.data = append(s.data, emv.TLV{Tag: tag, Value: emv.AppendTLV(nil, tag, value)})
		}
	}
	s.balance = p.MChip != nil && repeated(p.GetData, emv.TagOfflineBalance)
	return nil
}

// elementLengths are the lengths of the elements that a card takes from the
// PDOL data.
var elementLengths = map[emv.Tag]int{
	emv.TagTTQ: 4, emv.TagAmount: 6, emv.TagAmountOther: 6, emv.TagTerminalCountry: 2, emv.TagTVR: 5,
	emv.TagTransactionCurrency: 2, emv.TagTransactionDate: 3, emv.TagTransactionType: 1, emv.TagUnpredictableNumber: 4,
}

// checkPDOL refuses a list that asks for too much, for an element in another
// length than it has, or, at kernel 3, not for the terminal's qualifiers,
// without which the card could decide nothing (EMV Book B drops such a card).
func (p *Profile) checkPDOL() error {
	list, err := emv.ParseDOL(p.PDOL)
	if err != nil {
		return fault("pdol", "%v", err)
	}
	if n := list.Length(); n > emv.MaxDOLData {
		return fault("pdol", "it asks for %d bytes, a command carries at most %d", n, emv.MaxDOLData)
	}
	if p.QVSDC != nil && !list.Has(emv.TagTTQ) {
		return fault("pdol", "a Visa card must ask for 9F66")
	}
	for _, e := range list {
		if want, ok := elementLengths[e.Tag]; ok && e.Length != want {
			return fault("pdol", "it asks for %d bytes of %s, which has %d", e.Length, e.Tag, want)
		}
	}
	return nil
}

// layoutOf finds the elements in a list that checkPDOL has seen; the first one
// counts where a card asks twice.
func layoutOf(pdol []byte) pdolLayout {
	list, _ := emv.ParseDOL(pdol)
	at := func(tag emv.Tag) int {
		pos := 0
		for _, e := range list {
			if e.Tag == tag {
				return pos
			}
			pos += e.Length
		}
		return -1
	}
	return pdolLayout{
		length: list.Length(), ttq: at(emv.TagTTQ), amount: at(emv.TagAmount), other: at(emv.TagAmountOther),
		country: at(emv.TagTerminalCountry), tvr: at(emv.TagTVR), currency: at(emv.TagTransactionCurrency),
		date: at(emv.TagTransactionDate), txType: at(emv.TagTransactionType), unpredictable: at(emv.TagUnpredictableNumber),
	}
}
