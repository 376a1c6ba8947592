package hce

import (
	"slices"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// Profile is a card as data: values by tag, lists that say where each value
// stands, and one named behaviour with its settings. The profile package reads
// it from YAML; the field names in a ProfileError are those of the file.
//
// A card with several accounts is several profiles behind one directory: this
// one and its Others, each with account, keys, counter and behaviour of its own.
type Profile struct {
	Name    string // lower-case words with hyphens; of a whole card
	GoodFor string // one line for people; of a whole card
	Scheme  emv.Scheme
	Account Account

	Applications []Application
	Data         emv.List  // values that neither the account, an application nor a transaction determines
	Directory    []emv.Tag // of an entry 61 in the PPSE
	FCI          []emv.Tag // of the proprietary template A5
	BF0C         []emv.Tag // of the issuer discretionary data in A5
	PDOL         []byte    // value of 9F38
	IAD          []byte    // value of 9F10; the card fills in CVR, key index, balance
	Records      []Record
	GetData      []emv.Tag // what GET DATA gives besides the ATC

	// Answers to GET PROCESSING OPTIONS, of qVSDC and qPBOC.
	Online    Answer // with an ARQC
	OnlineODA Answer // with an ARQC, when the reader authenticates online requests too; none is Online
	Offline   Answer // with a TC
	Declined  Answer // with an AAC
	MSD       Answer // in mag-stripe mode of kernel 3; none is a card without

	// One behaviour and its settings; the others are nil.
	QVSDC *QVSDC // at kernel 3
	QPBOC *QPBOC // at kernel 7
	MChip *MChip // at kernel 2

	Lock   Lock      // as the card comes
	Others []Profile // further accounts of the card, which hold keys of their own

	CardKey   *cryptogram.Key // of a card that holds its own key; nil when keys come from a token service
	SingleUse bool            // those keys are session keys, one per transaction counter

	Authentication *Authentication // of a card that signs; nil until it is personalised with one
	Defect         string          // what is wrong with its certificates on purpose, by name, for who makes them; empty is nothing
}

// Account is the number of the card or token and what belongs to it.
type Account struct {
	PAN       emv.PAN
	PSN       string // PAN sequence number, two digits
	Expiry    string // YYMM
	Track2    emv.Track2
	LastFour  string // of the funding card behind a token (9F25), or empty
	Requestor string // token requestor id, 11 digits (9F19), or empty
	PAR       string // payment account reference, 29 characters (9F24), or empty
}

// Application is one entry of the directory. All applications of a profile share
// account, keys and transaction counter; entries that differ in their kernel
// only lead to the same one.
type Application struct {
	AID           []byte
	Extended      []byte    // tag 9F29, or empty: the application's name goes on with it
	Label         string    // tag 50
	PreferredName string    // tag 9F12, or empty
	Priority      byte      // tag 87; 0 is none
	Kernel        []byte    // tag 9F2A, or empty
	Directory     []emv.Tag // of its entry; nil is the profile's
}

// name is the application's own name: what SELECT finds it by.
func (a *Application) name() []byte { return slices.Concat(a.AID, a.Extended) }

// Answer is an answer to GET PROCESSING OPTIONS: template 77 with these tags in
// this order. Without tags it is template 80 with AIP and AFL alone, and the
// rest stands in records.
type Answer struct {
	AIP  emv.AIP
	AFL  []byte // value of 94, or empty
	Tags []emv.Tag
}

// Record is one record: template 70 with these tags.
type Record struct {
	SFI, Number byte
	Tags        []emv.Tag
}

// QVSDC are the settings of the behaviour at kernel 3: which of its choices
// this card makes. What it approves offline it answers with Offline.
type QVSDC struct {
	Currency          [2]byte          // BCD; a transaction in it is domestic
	CTQ               emv.CTQ          // bits that do not depend on the transaction
	CVM               []CVM            // that the card can give, the preferred one first
	OnlinePIN         Region           // where online PIN may be asked
	NoCommonCVM       Reaction         // decline or use-contact
	OfflineOnlyReader Reaction         // decline or refuse
	Refund            Reaction         // online or decline
	CVMLimit          int64            // amounts above it want a verification, whatever the reader says (9F6B); 0 is none
	Device            *Device          // nil for a card that cannot verify
	Counters          *OfflineCounters // nil for a card that approves nothing offline in its currency
	Abroad            *AbroadCounters  // nil for a card that approves nothing offline in others
	Update            *Update          // nil for a card that takes no issuer update
}

// AbroadCounters are the limits of what a card approves offline in other
// currencies than its own: transactions in a row.
type AbroadCounters struct {
	LowerCount byte // above it, online where that is possible (9F53)
	UpperCount byte // above it, not at all (9F5E)
}

// Update is what a card needs for the issuer's answer on a second tap.
type Update struct {
	ScriptKey *cryptogram.Key // of the card, for the MAC of script commands; nil for one that takes none
}

// settings are those of a card that decides in GET PROCESSING OPTIONS; nil for
// others.
func (p *Profile) settings() *QVSDC {
	if p.QPBOC != nil {
		return &p.QPBOC.QVSDC
	}
	return p.QVSDC
}

// Device are the settings of a device that verifies its owner.
type Device struct {
	Verifier byte // verifying entity and type, first byte of the CVR in IAD formats 2 and 4
	Required Need
	Window   Window
}

// Reaction is what a card does with a transaction it does not want as it is.
type Reaction byte

// Reactions.
const (
	ReactOnline     Reaction = iota + 1 // ask online all the same
	ReactDecline                        // AAC
	ReactRefuse                         // 6985: the terminal tries another application
	ReactUseContact                     // 6984: the terminal tries the contact interface
)

var reactionNames = [...]string{"", "online", "decline", "refuse", "use-contact"}

// String is the name used in profiles.
func (r Reaction) String() string { return nameIn(reactionNames[:], int(r)) }

// ParseReaction is the inverse of String.
func ParseReaction(name string) (Reaction, bool) {
	i, ok := indexIn(reactionNames[:], name)
	return Reaction(i), ok
}

// Region is where something is allowed, judged by the transaction currency:
// every PDOL in use asks for it, not all for the country.
type Region byte

// Regions.
const (
	Nowhere Region = iota + 1
	Domestic
	International
	Everywhere
)

var regionNames = [...]string{"", "nowhere", "domestic", "international", "everywhere"}

// String is the name used in profiles.
func (r Region) String() string { return nameIn(regionNames[:], int(r)) }

// ParseRegion is the inverse of String.
func ParseRegion(name string) (Region, bool) {
	i, ok := indexIn(regionNames[:], name)
	return Region(i), ok
}

// Need is when a device wants its owner verified.
type Need byte

// Needs.
const (
	WhenAsked Need = iota + 1 // when the reader requires a verification
	Always                    // at each tap
)

var needNames = [...]string{"", "when-asked", "always"}

// String is the name used in profiles.
func (n Need) String() string { return nameIn(needNames[:], int(n)) }

// ParseNeed is the inverse of String.
func ParseNeed(name string) (Need, bool) {
	i, ok := indexIn(needNames[:], name)
	return Need(i), ok
}

// Window is how long a verification counts.
type Window byte

// Windows.
const (
	SingleUse Window = iota + 1 // for one payment, if that comes in time
	Timed                       // until its time is over
)

var windowNames = [...]string{"", "single-use", "timed"}

// String is the name used in profiles.
func (w Window) String() string { return nameIn(windowNames[:], int(w)) }

// ParseWindow is the inverse of String.
func ParseWindow(name string) (Window, bool) {
	i, ok := indexIn(windowNames[:], name)
	return Window(i), ok
}

// Verifies is true for a card on a device that verifies its owner.
func (p *Profile) Verifies() bool {
	q := p.settings()
	return q != nil && q.Device != nil || p.MChip != nil && p.MChip.Device != nil
}

// TakesUpdates is true for a card that takes the issuer's answer on a second
// tap.
func (p *Profile) TakesUpdates() bool {
	q := p.settings()
	return q != nil && q.Update != nil
}

// Check refuses a profile that does not fit together, with a *ProfileError.
func (p *Profile) Check() error {
	_, err := build(p)
	return err
}

// ProfileError says which field of a profile is wrong. Field is its place in
// the file: "account.pan", "records[1].tags".
type ProfileError struct {
	Field  string
	Reason string
}

func (e *ProfileError) Error() string { return e.Field + ": " + e.Reason }
