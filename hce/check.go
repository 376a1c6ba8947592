package hce

import (
	"bytes"
	"fmt"
	"strings"

	"tapsim/emv"
)

// Limits of a profile.
const (
	maxApplications = 8
	maxAccounts     = 4
	maxRecords      = 64
	maxName         = 40
	maxGoodFor      = 200
)

// fault is a *ProfileError as an error.
func fault(field, format string, args ...any) error {
	return &ProfileError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// check refuses what does not fit together, field by field in the order of the
// file.
func (p *Profile) check() error {
	for _, step := range []func() error{
		p.checkScheme, p.Account.check, p.checkApplications, p.checkData, p.checkPDOL, p.checkMagStripe, p.checkRecords, p.checkBehaviour,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (p *Profile) checkNames() error {
	switch {
	case p.Name == "" || len(p.Name) > maxName || strings.Trim(p.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return fault("name", "want 1 to %d lower-case letters, digits and hyphens", maxName)
	case p.GoodFor == "" || len(p.GoodFor) > maxGoodFor || strings.ContainsAny(p.GoodFor, "\r\n"):
		return fault("good_for", "want one line of at most %d characters", maxGoodFor)
	case len(p.Others) > maxAccounts-1:
		return fault("others", "%d of them, at most %d", len(p.Others), maxAccounts-1)
	case p.Lock != LockNone && p.Lock != LockBlocked:
		return fault("lock", "want none or blocked")
	}
	return nil
}

func (p *Profile) checkScheme() error {
	switch p.Scheme {
	case emv.SchemeVisa, emv.SchemeMastercard, emv.SchemeUnionPay:
		return nil
	}
	return fault("scheme", "%s has no behaviour, only visa, mastercard and unionpay have", p.Scheme)
}

// checkOther refuses what only the first account of a card can have.
func (p *Profile) checkOther() error {
	switch {
	case len(p.Others) > 0:
		return fault("others", "an account beside others has none of its own")
	case p.CardKey == nil:
		return fault("keys", "an account beside others holds a card key of its own")
	}
	return nil
}

func (a *Account) check() error {
	switch {
	case !a.PAN.Valid():
		return fault("account.pan", "want 8 to 19 digits with a correct check digit (Luhn)")
	case len(a.PSN) != 2 || !isDigits(a.PSN):
		return fault("account.sequence", "want two digits")
	case len(a.Expiry) != 4 || !isDigits(a.Expiry) || a.Expiry[2:] < "01" || a.Expiry[2:] > "12":
		return fault("account.expiry", "want YYMM")
	case a.Track2.PAN != a.PAN:
		return fault("account.track2", "its account number is not account.pan")
	case a.Track2.Expiry != a.Expiry:
		return fault("account.track2", "it expires %s, account.expiry says %s", a.Track2.Expiry, a.Expiry)
	case len(a.Track2.ServiceCode) != 3:
		return fault("account.track2", "want a three-digit service code")
	case a.LastFour != "" && (len(a.LastFour) != 4 || !isDigits(a.LastFour)):
		return fault("account.last_four", "want four digits")
	case a.Requestor != "" && (len(a.Requestor) != 11 || !isDigits(a.Requestor)):
		return fault("account.token_requestor", "want 11 digits")
	case a.PAR != "" && (len(a.PAR) != 29 || strings.Trim(a.PAR, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != ""):
		return fault("account.par", "want 29 upper-case letters and digits")
	}
	if track, err := a.Track2.Append(nil); err != nil || len(track) > 19 {
		return fault("account.track2", "want decimal digits, at most 19 bytes in all")
	}
	return nil
}

func (p *Profile) checkApplications() error {
	if n := len(p.Applications); n == 0 || n > maxApplications {
		return fault("applications", "%d of them, want 1 to %d", n, maxApplications)
	}
	for i := range p.Applications {
		field := fmt.Sprintf("applications[%d]", i)
		if err := p.Applications[i].check(field); err != nil {
			return err
		}
		for j := range p.Applications[:i] {
			if a, b := &p.Applications[i], &p.Applications[j]; bytes.Equal(a.name(), b.name()) && bytes.Equal(a.Kernel, b.Kernel) {
				return fault(field+".aid", "application %d has this AID already, for the same kernel", j+1)
			}
		}
	}
	return nil
}

func (a *Application) check(field string) error {
	switch {
	case len(a.AID) < 5 || len(a.AID) > 16:
		return fault(field+".aid", "an AID has 5 to 16 bytes, this one %d", len(a.AID))
	case len(a.name()) > 16:
		return fault(field+".extended", "with it the name has %d bytes, at most 16 fit", len(a.name()))
	case len(a.Label) > 16 || !isPrintable(a.Label):
		return fault(field+".label", "want at most 16 letters, digits and spaces")
	case len(a.PreferredName) > 16 || !isPrintable(a.PreferredName):
		return fault(field+".preferred_name", "want at most 16 printable characters")
	case a.Priority > 15:
		return fault(field+".priority", "want 1 to 15")
	case len(a.Kernel) > 8:
		return fault(field+".kernel", "a kernel identifier has 1 to 8 bytes, this one %d", len(a.Kernel))
	}
	return nil
}

// made are the tags whose values come from the account, an application, the
// transaction or the templates, and therefore not from data.
var made = map[emv.Tag]string{
	emv.TagTrack2: "account", emv.TagPAN: "account", emv.TagExpirationDate: "account", emv.TagPANSequence: "account",
	emv.TagLastFour: "account", emv.TagTokenRequestor: "account", emv.TagPAR: "account",
	emv.TagADFName: "applications", emv.TagDFName: "applications", emv.TagApplicationLabel: "applications",
	emv.TagPreferredName: "applications", emv.TagPriority: "applications", emv.TagKernelIdentifier: "applications",
	emv.TagAIP: "answers", emv.TagAFL: "answers", emv.TagTrack1: "account", emv.TagTrack2MagStripe: "account", emv.TagPDOL: "pdol", emv.TagIAD: "issuer_application_data",
	emv.TagCryptogram: "the card", emv.TagCID: "the card", emv.TagATC: "the card", emv.TagExtendedSelection: "applications",
}

// madeInGPO are the same of cards that decide in GET PROCESSING OPTIONS. At
// kernel 2 these tags mean other things.
var madeInGPO = map[emv.Tag]string{
	emv.TagCTQ: "ctq of the behaviour", emv.TagAOSA: "counters or ecash of the behaviour", emv.TagCardAuthData: "the card",
}

func (p *Profile) checkData() error {
	for i, o := range p.Data {
		field := "data." + o.Tag.String()
		from, ok := made[o.Tag]
		if !ok && p.settings() != nil {
			from, ok = madeInGPO[o.Tag]
		}
		if !ok && p.QPBOC != nil && p.QPBOC.ECash != nil {
			from, ok = madeByECash[o.Tag]
		}
		if ok {
			return fault(field, "its value comes from %s", from)
		}
		if certificates[o.Tag] {
			return fault(field, "its value comes with the card's key")
		}
		if o.Tag.Constructed() {
			return fault(field, "a template is built from its parts")
		}
		if len(o.Value) > 252 {
			return fault(field, "%d bytes, at most 252 fit", len(o.Value))
		}
		for j := range p.Data[:i] {
			if p.Data[j].Tag == o.Tag {
				return fault(field, "stands twice")
			}
		}
	}
	if repeated(p.BF0C, emv.TagFCIDiscretionary) {
		return fault("discretionary", "tag BF0C cannot hold itself")
	}
	for _, tag := range p.GetData {
		if _, ok := p.Data.Lookup(tag); ok || p.isBalance(tag) {
			continue
		}
		if tag == emv.TagOfflineBalance && p.MChip != nil {
			return fault("get_data", "tag 9F50 is the balance, which a card without counters does not have")
		}
		if p.QPBOC == nil || madeByECash[tag] == "" || p.QPBOC.ECash == nil {
			return fault("get_data", "tag %s is not in data", tag)
		}
	}
	return nil
}

func (p *Profile) checkRecords() error {
	if len(p.Records) > maxRecords {
		return fault("records", "%d of them, at most %d", len(p.Records), maxRecords)
	}
	for i := range p.Records {
		r := &p.Records[i]
		field := fmt.Sprintf("records[%d]", i)
		switch {
		case r.SFI < 1 || r.SFI > 30:
			return fault(field+".sfi", "want 1 to 30")
		case r.Number < 1 || r.Number > maxRecords:
			return fault(field+".record", "want 1 to %d", maxRecords)
		case p.record(p.Records[:i], r.SFI, r.Number):
			return fault(field, "file %d has a record %d already", r.SFI, r.Number)
		}
	}
	for _, one := range []struct {
		afl   []byte
		field string
	}{
		{p.Online.AFL, "answers.online.afl"}, {p.OnlineODA.AFL, "answers.online_oda.afl"},
		{p.Offline.AFL, "answers.offline.afl"}, {p.Declined.AFL, "answers.declined.afl"}, {p.MSD.AFL, "answers.msd.afl"},
	} {
		if err := p.checkAFL(one.afl, one.field); err != nil {
			return err
		}
	}
	return nil
}

func (p *Profile) checkAFL(raw []byte, field string) error {
	afl, err := emv.ParseAFL(raw)
	if err != nil {
		return fault(field, "%v", err)
	}
	for _, e := range afl {
		for n := int(e.First); n <= int(e.Last); n++ {
			if !p.record(p.Records, e.SFI, byte(n)) {
				return fault(field, "it names record %d of file %d, which is not in records", n, e.SFI)
			}
		}
	}
	return nil
}

// record is true when one of records has that place.
func (p *Profile) record(records []Record, sfi, number byte) bool {
	for i := range records {
		if records[i].SFI == sfi && records[i].Number == number {
			return true
		}
	}
	return false
}

func (p *Profile) checkBehaviour() error {
	given := 0
	for _, there := range []bool{p.QVSDC != nil, p.QPBOC != nil, p.MChip != nil} {
		if there {
			given++
		}
	}
	switch {
	case p.MChip == nil && p.Scheme == emv.SchemeMastercard:
		return fault("mchip", "a Mastercard needs its behaviour")
	case p.QVSDC == nil && p.Scheme == emv.SchemeVisa:
		return fault("qvsdc", "a Visa card needs its behaviour")
	case p.QPBOC == nil && p.Scheme == emv.SchemeUnionPay:
		return fault("qpboc", "a UnionPay card needs its behaviour")
	case given > 1:
		return fault("mchip", "the card has another behaviour already")
	case p.MChip != nil:
		return p.MChip.check(p)
	case p.QPBOC != nil:
		return p.QPBOC.check(p)
	}
	return p.QVSDC.check("qvsdc")
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func isPrintable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7E {
			return false
		}
	}
	return true
}
