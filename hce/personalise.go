package hce

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
)

// maxAnswer is what fits a short response with its status word in one frame
// of 256 bytes.
const maxAnswer = apdu.MaxShortNe

// build codes everything that does not change from tap to tap: each account,
// and the directory before them (EMV Book B).
func build(p *Profile) (built, error) {
	var b built
	if err := p.checkNames(); err != nil {
		return b, err
	}
	accounts := p.accounts()
	b.accounts = make([]static, len(accounts))
	var entries []byte
	for i, one := range accounts {
		if err := b.accounts[i].build(one); err != nil {
			return b, within(i, err)
		}
		if err := b.addNames(i); err != nil {
			return b, within(i, err)
		}
		entries = append(entries, b.accounts[i].entries...)
	}
	for i := range p.Others {
		if err := p.Others[i].checkOther(); err != nil {
			return b, within(i+1, err)
		}
	}
	var err error
	b.directory, err = fci(ppse, emv.AppendTLV(nil, emv.TagFCIDiscretionary, entries), "directory")
	b.directory = apdu.StatusOK.Append(b.directory)
	return b, err
}

// within puts the place of an account in front of the field of an error.
func within(account int, err error) error {
	var e *ProfileError
	if account > 0 && errors.As(err, &e) {
		return &ProfileError{fmt.Sprintf("others[%d].%s", account-1, e.Field), e.Reason}
	}
	return err
}

// addNames adds the names of an account's applications. Entries with the same
// name lead to the first.
func (b *built) addNames(account int) error {
	for _, app := range b.accounts[account].apps {
		app.account = account
		known := slices.ContainsFunc(b.apps, func(o application) bool { return bytes.Equal(o.name, app.name) && o.account != account })
		if known {
			return fault("applications", "another account of the card has an application %X already", app.name)
		}
		b.apps = append(b.apps, app)
	}
	return nil
}

// build codes one account.
func (s *static) build(p *Profile) error {
	if err := p.check(); err != nil {
		return err
	}
	s.pdol, s.iad, s.track2 = layoutOf(p.PDOL), slices.Clone(p.IAD), p.Account.Track2
	behaviour := s.buildQVSDC
	if p.MChip != nil {
		behaviour = s.buildMChip
	}
	for _, step := range []func(*Profile) error{s.buildRecipe, s.buildEntries, s.buildFCI, s.buildSigner, s.buildRecords, s.buildData, behaviour} {
		if err := step(p); err != nil {
			return err
		}
	}
	return nil
}

// buildQVSDC prepares the behaviours at kernels 3 and 7.
func (s *static) buildQVSDC(p *Profile) error {
	section := "qvsdc"
	if s.qvsdc = *p.settings(); p.QPBOC != nil {
		section, s.ecash, s.sm4, s.macKey = "qpboc", p.QPBOC.ECash, p.QPBOC.SM4, p.QPBOC.MACKey
	}
	s.relatedLength, s.fddaAlways = p.relatedLength(), p.QPBOC == nil
	s.commands = append(slices.Clone(commonCommands), s.qvsdc.instructions()...)
	for _, step := range []func() error{
		func() error { return s.buildAnswers(p) }, func() error { return s.checkLast(p) }, func() error { return s.buildUpdate(section) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
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

// buildEntries codes the entries of the directory (EMV Book B).
func (s *static) buildEntries(p *Profile) error {
	for i := range p.Applications {
		list, field := p.Directory, "directory"
		if p.Applications[i].Directory != nil {
			list, field = p.Applications[i].Directory, fmt.Sprintf("applications[%d].directory", i)
		}
		if !repeated(list, emv.TagADFName) {
			return fault(field, "tag 4F must be there")
		}
		entry, err := p.Applications[i].template(p, list, field)
		if err != nil {
			return err
		}
		s.entries = emv.AppendTLV(s.entries, emv.TagApplicationTemplate, entry)
	}
	return nil
}

// buildFCI codes the answer to SELECT of each application (EMV Book 1, 11.3.4).
func (s *static) buildFCI(p *Profile) error {
	if len(p.PDOL) > 0 && !repeated(p.FCI, emv.TagPDOL) {
		return fault("fci", "tag 9F38 must be there, or no terminal sees the pdol")
	}
	for i := range p.Applications {
		a := &p.Applications[i]
		name := a.name()
		if slices.ContainsFunc(s.apps, func(o application) bool { return bytes.Equal(o.name, name) }) {
			continue // one more entry that leads to it
		}
		if _, err := a.template(p, p.BF0C, "discretionary"); err != nil {
			return err
		}
		a5, err := a.template(p, p.FCI, "fci")
		if err != nil {
			return err
		}
		coded, err := fci(name, a5, "fci")
		if err != nil {
			return err
		}
		s.apps = append(s.apps, application{name: name, fci: apdu.StatusOK.Append(slices.Clone(coded)), blocked: apdu.StatusInvalidated.Append(coded)})
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
	case emv.TagExtendedSelection:
		return a.Extended, len(a.Extended) > 0
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
	if p.QPBOC != nil && p.QPBOC.ECash != nil {
		if v, ok := p.QPBOC.ECash.value(tag); ok {
			return v, true
		}
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
		var body template
		for j, tag := range r.Tags {
			if repeated(r.Tags[:j], tag) {
				return fault(field, "tag %s stands twice", tag)
			}
			length, changes := s.changing(p, tag)
			value, ok := p.value(tag)
			switch {
			case changes:
				body.addChanging(tag, length)
			case tag == emv.TagTrack2 && p.MSD.names(place{r.SFI, r.Number}):
				body.addChanging(tag, len(value))
			case ok:
				body.coded = emv.AppendTLV(body.coded, tag, value)
			case !p.mayMiss(tag):
				return fault(field, "tag %s has no value", tag)
			}
		}
		body.enclose(emv.TagRecord)
		if len(body.coded) > maxAnswer {
			return fault(field, "the record has %d bytes, at most %d fit", len(body.coded), maxAnswer)
		}
		for len(s.files[r.SFI]) < int(r.Number) {
			s.files[r.SFI] = append(s.files[r.SFI], template{})
		}
		body.answer = apdu.StatusOK.Append(slices.Clone(body.coded))
		s.files[r.SFI][r.Number-1] = body
	}
	return nil
}

func (s *static) buildData(p *Profile) error {
	for _, tag := range p.GetData {
		if p.isBalance(tag) {
			s.balances = append(s.balances, tag)
		} else if value, ok := p.value(tag); ok {
			s.data = append(s.data, emv.TLV{Tag: tag, Value: emv.AppendTLV(nil, tag, value)})
		}
	}
	return nil
}

// elementLengths are the lengths of the elements that a card takes from the
// PDOL data.
var elementLengths = map[emv.Tag]int{
	emv.TagTTQ: 4, emv.TagAmount: 6, emv.TagAmountOther: 6, emv.TagTerminalCountry: 2, emv.TagTVR: 5,
	emv.TagTransactionCurrency: 2, emv.TagTransactionDate: 3, emv.TagTransactionType: 1, emv.TagUnpredictableNumber: 4,
	emv.TagECashIndicator: 1, emv.TagECashTerminalLimit: 6, emv.TagSMSupport: 1,
}

// checkPDOL refuses a list that asks for too much, for an element in another
// length than it has, or, at kernels 3 and 7, not for the terminal's qualifiers,
// without which the card could decide nothing (EMV Book B drops such a card).
func (p *Profile) checkPDOL() error {
	list, err := emv.ParseDOL(p.PDOL)
	if err != nil {
		return fault("pdol", "%v", err)
	}
	if n := list.Length(); n > emv.MaxDOLData {
		return fault("pdol", "it asks for %d bytes, a command carries at most %d", n, emv.MaxDOLData)
	}
	if p.settings() != nil && !list.Has(emv.TagTTQ) {
		return fault("pdol", "a %s card must ask for 9F66", p.Scheme)
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
		ecash: at(emv.TagECashIndicator), sm: at(emv.TagSMSupport),
	}
}
