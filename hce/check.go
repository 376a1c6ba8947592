package hce

import (
	"fmt"
	"strings"

	"tapsim/emv"
)

// Limits of a profile.
const (
	maxApplications = 8
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
		p.checkNames, p.Account.check, p.checkApplications, p.checkData, p.checkPDOL, p.checkRecords, p.checkBehaviour,
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
	case p.Scheme != emv.SchemeVisa && p.Scheme != emv.SchemeMastercard:
		return fault("scheme", "%s has no behaviour yet, only visa and mastercard", p.Scheme)
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
			if string(p.Applications[i].AID) == string(p.Applications[j].AID) {
				return fault(field+".aid", "application %d has this AID already", j+1)
			}
		}
	}
	return nil
}

func (a *Application) check(field string) error {
	switch {
	case len(a.AID) < 5 || len(a.AID) > 16:
		return fault(field+".aid", "an AID has 5 to 16 bytes, this one %d", len(a.AID))
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
	emv.TagCTQ: "qvsdc.ctq", emv.TagCryptogram: "the card", emv.TagCID: "the card", emv.TagATC: "the card",
}

func (p *Profile) checkData() error {
	for i, o := range p.Data {
		field := "data." + o.Tag.String()
		if from, ok := made[o.Tag]; ok && (o.Tag != emv.TagCTQ || p.QVSDC != nil) { // which at kernel 2 is a version number
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
		if _, ok := p.Data.Lookup(tag); !ok && (tag != emv.TagOfflineBalance || p.MChip == nil) {
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
	if err := p.checkAFL(p.Online.AFL, "answers.online.afl"); err != nil {
		return err
	}
	return p.checkAFL(p.Declined.AFL, "answers.declined.afl")
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
	switch {
	case p.MChip == nil && p.Scheme == emv.SchemeMastercard:
		return fault("mchip", "a Mastercard needs its behaviour")
	case p.QVSDC == nil && p.Scheme == emv.SchemeVisa:
		return fault("qvsdc", "a Visa card needs its behaviour")
	case p.MChip != nil && p.QVSDC != nil:
		return fault("mchip", "the card has another behaviour already")
	case p.MChip != nil:
		return p.MChip.check(p)
	}
	return p.QVSDC.check()
}

func (q *QVSDC) check() error {
	if q.CTQ.Has(emv.CTQOnlinePIN) || q.CTQ.Has(emv.CTQSignature) || q.CTQ.Has(emv.CTQConsumerDeviceDone) {
		return fault("qvsdc.ctq", "the bits for online PIN, signature and consumer device are the card's own choice")
	}
	for i, m := range q.CVM {
		if m < CVMConsumerDevice || m > CVMSignature {
			return fault("qvsdc.cvm", "entry %d is none of consumer-device, online-pin, signature", i+1)
		}
	}
	device := q.gives(CVMConsumerDevice)
	switch {
	case q.OnlinePIN < Nowhere || q.OnlinePIN > Everywhere:
		return fault("qvsdc.online_pin", "want nowhere, domestic, international or everywhere")
	case q.gives(CVMOnlinePIN) == (q.OnlinePIN == Nowhere):
		return fault("qvsdc.online_pin", "cvm lists online-pin if and only if it is allowed somewhere")
	case q.NoCommonCVM != ReactDecline && q.NoCommonCVM != ReactUseContact:
		return fault("qvsdc.no_common_cvm", "want decline or use-contact")
	case q.OfflineOnlyReader != ReactDecline && q.OfflineOnlyReader != ReactRefuse:
		return fault("qvsdc.offline_only_reader", "want decline or refuse")
	case q.Refund != ReactOnline && q.Refund != ReactDecline:
		return fault("qvsdc.refund", "want online or decline")
	case device != (q.Device != nil):
		return fault("qvsdc.device", "it is there if and only if cvm lists consumer-device")
	case device:
		return q.Device.check("qvsdc.device")
	}
	return nil
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
