package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/reader"
	"tapsim/reader/pcsc"
	"tapsim/transcript"
)

// probeJSON is what `tapsim probe --json` prints.
type probeJSON struct {
	Reader       string                   `json:"reader"`
	ATR          string                   `json:"atr"`
	Contactless  bool                     `json:"contactless"`
	UID          *string                  `json:"uid"`       // null when the reader tells none
	Directory    bool                     `json:"directory"` // the card has a PPSE
	TestCard     *bool                    `json:"test_card"` // null when the card does not show it
	Applications []probedJSON             `json:"applications"`
	Exchanges    []transcript.Explanation `json:"exchanges"`
}

// probedJSON is one application.
type probedJSON struct {
	AID       string     `json:"aid"`
	Label     string     `json:"label,omitempty"`
	Scheme    string     `json:"scheme"`
	Priority  int        `json:"priority,omitempty"`
	Kernel    string     `json:"kernel"` // that it asks for
	Status    string     `json:"status"` // of its SELECT
	Issuer    string     `json:"issuer,omitempty"`
	PDOL      []string   `json:"pdol"` // what it wants to know of a payment
	CanDo     []string   `json:"can_do"`
	Data      []emv.Item `json:"data"` // GET DATA, and data objects of records that it gives before a payment
	Records   int        `json:"records"`
	directory emv.List   // its entry
	aid       []byte
}

func (a *app) probeCommand() *cobra.Command {
	f := &readerFlags{}
	quiet := false
	c := &cobra.Command{
		Use:   "probe --reader NAME",
		Short: "Read the card at a reader: its applications and what it can do",
		Long: `Read a card without paying: the PPSE, each application's control information, what
GET DATA and READ RECORD give. It stops before GET PROCESSING OPTIONS, so nothing in
the card changes; what comes with that command - AIP, AFL, and on many cards the
records - is not seen. Account numbers, names and tracks are masked.`,
		Example: "  tapsim probe --reader ACR122\n  tapsim probe --reader \"Virtual PCD 00 00\" --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := f.needed()
			if err != nil {
				return err
			}
			p, err := a.probe(c.Context(), r)
			err = interrupted(c.Context(), err)
			if err = errors.Join(err, r.Close()); err != nil {
				return err
			}
			return a.printProbe(p, quiet)
		},
	}
	f.register(c, "; required")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "print what was found, not the exchanges")
	return c
}

func (a *app) probe(ctx context.Context, r *pcsc.Reader) (*probeJSON, error) {
	fmt.Fprintf(a.errw, "tapsim: present the card at %s\n", r.Name())
	card, err := r.Card(ctx)
	if errors.Is(err, reader.ErrNoCard) {
		return nil, fmt.Errorf("%w within %s", err, r.Wait)
	}
	if err != nil {
		return nil, readerError(err)
	}
	p := &probeJSON{Reader: r.Name(), ATR: fmt.Sprintf("%X", card.ATR()), Contactless: pcsc.Contactless(card.ATR()), Applications: []probedJSON{}}
	if uid, err := card.UID(ctx); err == nil {
		p.UID = hexOf(uid)
	}
	x := &examiner{card: card, explain: transcript.NewExplainer(false), probe: p}
	return p, x.examine(ctx)
}

// examiner reads a card.
type examiner struct {
	card    apdu.Transceiver
	explain *transcript.Explainer
	probe   *probeJSON
	pans    []emv.PAN
	iins    []string
}

// Transceive keeps each exchange, explained.
func (x *examiner) Transceive(ctx context.Context, command []byte) ([]byte, error) {
	answer, err := x.card.Transceive(ctx, command)
	if err == nil {
		x.probe.Exchanges = append(x.probe.Exchanges, x.explain.Explain(command, answer))
	}
	return answer, err
}

// directory names of the payment system environments, contactless and contact.
const ppseName = "2PAY.SYS.DDF01"

// knownAIDs are tried on a card without a directory.
var knownAIDs = [][]byte{
	{0xA0, 0, 0, 0, 3, 0x10, 0x10}, {0xA0, 0, 0, 0, 3, 0x20, 0x10}, {0xA0, 0, 0, 0, 4, 0x10, 0x10}, {0xA0, 0, 0, 0, 4, 0x30, 0x60},
	{0xA0, 0, 0, 3, 0x33, 1, 1}, {0xA0, 0, 0, 0, 0x25, 1}, {0xA0, 0, 0, 1, 0x52, 0x30, 0x10}, {0xA0, 0, 0, 0, 0x65, 0x10, 0x10},
}

const maxApplications = 32

func (x *examiner) examine(ctx context.Context) error {
	answer, err := x.selectName(ctx, []byte(ppseName))
	if err != nil {
		return err
	}
	x.readDirectory(answer.Data)
	x.probe.Directory = answer.Status == apdu.StatusOK
	if len(x.probe.Applications) == 0 {
		for _, aid := range knownAIDs {
			x.probe.Applications = append(x.probe.Applications, newProbed(aid, nil))
		}
	}
	var there []probedJSON
	for i := range x.probe.Applications {
		app := &x.probe.Applications[i]
		if err := x.application(ctx, app); err != nil {
			return err
		}
		if app.Status == "9000" || app.Status == "6283" || x.probe.Directory {
			there = append(there, *app)
		}
	}
	x.probe.Applications = append([]probedJSON{}, there...)
	x.judge()
	return nil
}

func (x *examiner) selectName(ctx context.Context, name []byte) (apdu.Response, error) {
	return apdu.Exchange(ctx, x, apdu.Command{INS: 0xA4, P1: 0x04, Data: name, Ne: apdu.MaxShortNe})
}

// readDirectory lists the applications of a PPSE.
func (x *examiner) readDirectory(data []byte) {
	list, _ := emv.Find(data, emv.TagFCI, emv.TagFCIProprietary, emv.TagFCIDiscretionary)
	for s := emv.Scan(list); s.Next() && len(x.probe.Applications) < maxApplications; {
		entry, err := emv.ParseList(s.Value())
		if aid, ok := entry.Lookup(emv.TagADFName); s.Tag() == emv.TagApplicationTemplate && err == nil && ok && len(aid) <= 16 {
			x.probe.Applications = append(x.probe.Applications, newProbed(aid, entry))
		}
	}
}

func newProbed(aid []byte, entry emv.List) probedJSON {
	p := probedJSON{
		AID: fmt.Sprintf("%X", aid), aid: aid, directory: entry, Scheme: emv.SchemeOf(aid).String(),
		PDOL: []string{}, CanDo: []string{}, Data: []emv.Item{},
	}
	identifier, _ := entry.Lookup(emv.TagKernelIdentifier)
	switch kernel, ok := emv.RequestedKernel(identifier, aid); {
	case !ok:
		p.Kernel = "malformed"
	case kernel == emv.AnyKernel:
		p.Kernel = "any"
	default:
		p.Kernel = fmt.Sprintf("%d", kernel)
	}
	if v, ok := entry.Lookup(emv.TagPriority); ok && len(v) == 1 {
		p.Priority = int(v[0] & 0x0F)
	}
	return p
}

// application selects one and reads what it gives.
func (x *examiner) application(ctx context.Context, p *probedJSON) error {
	answer, err := x.selectName(ctx, p.aid)
	if err != nil {
		return err
	}
	p.Status = answer.Status.String()
	if answer.Status.SW1() != 0x90 && answer.Status.SW1() != 0x62 {
		return nil
	}
	x.control(p, answer.Data)
	if err := x.getData(ctx, p); err != nil {
		return err
	}
	return x.readRecords(ctx, p)
}

// control reads the file control information.
func (x *examiner) control(p *probedJSON, data []byte) {
	template, _ := emv.Find(data, emv.TagFCI, emv.TagFCIProprietary)
	more, _ := emv.Find(template, emv.TagFCIDiscretionary)
	sources := []emv.Source{emv.Coded(template), emv.Coded(more), p.directory}
	lookup := func(tag emv.Tag) []byte {
		for _, s := range sources {
			if v, ok := s.Lookup(tag); ok {
				return v
			}
		}
		return nil
	}
	ctx := emv.Context{Scheme: emv.SchemeOf(p.aid)}
	p.Label = emv.ExplainValue(emv.TagApplicationLabel, lookup(emv.TagApplicationLabel), ctx, false).Text
	if plain, err := strconv.Unquote(p.Label); err == nil {
		p.Label = plain
	}
	for _, tag := range []emv.Tag{tagIIN, tagIINE} {
		if digits, err := emv.Digits(lookup(tag)); err == nil && digits != "" {
			p.Issuer = digits
			x.iins = append(x.iins, digits)
		}
	}
	pdol, _ := emv.ParseDOL(lookup(emv.TagPDOL))
	for _, e := range pdol {
		name := "unknown"
		if entry, ok := emv.Lookup(e.Tag, ctx); ok {
			name = entry.Name
		}
		p.PDOL = append(p.PDOL, fmt.Sprintf("%s %s (%d)", e.Tag, name, e.Length))
	}
	p.CanDo = append(p.CanDo, abilities(ctx.Scheme, pdol, lookup)...)
}

// Issuer identification numbers (EMV Book 1), and what else tells of a card.
const (
	tagIIN        emv.Tag = 0x42
	tagIINE       emv.Tag = 0x9F0C
	tagLogEntry   emv.Tag = 0x9F4D
	tagProgramme  emv.Tag = 0x9F5A
	tagRiskData   emv.Tag = 0x9F1D
	tagFormFactor emv.Tag = 0x9F6E
	tagSelection  emv.Tag = 0x9F0A
)

// abilities are what an application can do, in words, as far as its control
// information tells.
func abilities(scheme emv.Scheme, pdol emv.DOL, lookup func(emv.Tag) []byte) (list []string) {
	asks := func(tag emv.Tag) bool {
		for _, e := range pdol {
			if e.Tag == tag {
				return true
			}
		}
		return false
	}
	for _, a := range []struct {
		true bool
		text string
	}{
		{asks(emv.TagTTQ) && scheme == emv.SchemeVisa, "pays in one command at kernel 3 (it asks for 9F66)"},
		{asks(emv.TagTTQ) && scheme == emv.SchemeUnionPay, "pays in one command at kernel 7 (it asks for 9F66)"},
		{asks(tagRiskData), "looks at what the terminal can verify (it asks for 9F1D): a phone, mostly"},
		{asks(emv.TagAmount), "decides by the amount"},
		{asks(0x9F15), "decides by the kind of merchant"},
		{len(pdol) == 0, "wants to know nothing before the payment (no PDOL)"},
		{lookup(emv.TagExtendedSelection) != nil, "takes extended selection"},
		{len(lookup(tagLogEntry)) == 2, "keeps a transaction log"},
		{lookup(tagProgramme) != nil, "names its programme (9F5A)"},
		{lookup(tagFormFactor) != nil, "tells what device it is (9F6E)"},
		{lookup(tagSelection) != nil, "carries registered data for the selection (9F0A)"},
	} {
		if a.true {
			list = append(list, a.text)
		}
	}
	return list
}

// readable are the data that GET DATA may give (EMV Book 3, 6.5.7, and the
// schemes' own): counters, PIN tries, log format, offline balances.
var readable = []emv.Tag{emv.TagATC, 0x9F13, 0x9F17, 0x9F4F, emv.TagOfflineBalance, 0x9F5D, 0x9F79}

func (x *examiner) getData(ctx context.Context, p *probedJSON) error {
	for _, tag := range readable {
		r, err := apdu.Exchange(ctx, x, apdu.Command{CLA: 0x80, INS: 0xCA, P1: byte(tag >> 8), P2: byte(tag), Ne: apdu.MaxShortNe})
		if err != nil {
			return err
		}
		if r.Status == apdu.StatusOK {
			x.keep(p, r.Data)
		}
	}
	return nil
}

// Records that are tried: those of payment applications are in files 1 to 10
// (EMV Book 3, 5.3.2.2).
const (
	lastFile   = 10
	lastRecord = 16
)

func (x *examiner) readRecords(ctx context.Context, p *probedJSON) error {
	for file := byte(1); file <= lastFile; file++ {
		for record := byte(1); record <= lastRecord; record++ {
			r, err := apdu.Exchange(ctx, x, apdu.Command{INS: 0xB2, P1: record, P2: file<<3 | 4, Ne: apdu.MaxShortNe})
			if err != nil {
				return err
			}
			if r.Status != apdu.StatusOK {
				break
			}
			p.Records++
			content, _ := emv.Find(r.Data, emv.TagRecord)
			x.keep(p, content)
		}
	}
	return nil
}

// keep adds data objects to what is known of an application.
func (x *examiner) keep(p *probedJSON, data []byte) {
	x.pans = append(x.pans, emv.AccountNumbers(data)...)
	items, _ := emv.Explain(data, emv.Context{Scheme: emv.SchemeOf(p.aid)}, false)
	p.Data = append(p.Data, items...)
}

// judge says whether the card showed that it is a test card.
func (x *examiner) judge() {
	for _, pan := range x.pans {
		test := emv.TestRange(pan)
		if x.probe.TestCard == nil || !test {
			x.probe.TestCard = some(test)
		}
	}
	if len(x.pans) > 0 {
		return
	}
	for _, iin := range x.iins {
		if emv.TestIssuer(iin) {
			x.probe.TestCard = some(true)
		}
	}
}

func (a *app) printProbe(p *probeJSON, quiet bool) error {
	if a.json {
		return a.printJSON(p)
	}
	s := a.style()
	var out []byte
	if !quiet {
		for _, x := range p.Exchanges {
			out = append(transcript.AppendText(out, x, s), '\n')
		}
	}
	out = fmt.Appendf(out, "%s\n", painted(s, transcript.RoleTitle, "CARD AT "+p.Reader))
	out = fmt.Appendf(out, "  %-14s %s\n", "ATR", p.ATR)
	if p.UID != nil {
		out = fmt.Appendf(out, "  %-14s %s\n", "UID", *p.UID)
	}
	out = fmt.Appendf(out, "  %-14s %s\n", "test card", p.testCard())
	for i := range p.Applications {
		out = appendProbed(out, &p.Applications[i], s)
	}
	if len(p.Applications) == 0 {
		out = append(out, "  no payment application was found\n"...)
	}
	out = append(out, "\nStopped before GET PROCESSING OPTIONS: AIP and AFL come with it, and nothing in the card has changed.\n"...)
	_, err := a.out.Write(out)
	return err
}

func (p *probeJSON) testCard() string {
	switch {
	case p.TestCard == nil && len(p.issuers()) > 0:
		return fmt.Sprintf("not known: issuer %s is none whose account numbers are all test numbers, and it tells no account number before a payment",
			strings.Join(p.issuers(), ", "))
	case p.TestCard == nil:
		return "not known: it tells neither issuer nor account number before a payment"
	case *p.TestCard:
		return "yes"
	}
	return "no: its account number is outside the test ranges"
}

// issuers are the issuer numbers that the card tells.
func (p *probeJSON) issuers() (list []string) {
	for i := range p.Applications {
		if iin := p.Applications[i].Issuer; iin != "" && !slices.Contains(list, iin) {
			list = append(list, iin)
		}
	}
	return list
}

func appendProbed(out []byte, p *probedJSON, s transcript.Style) []byte {
	label := p.Label
	if label != "" {
		label = strconv.Quote(label) // it is the card's, and may hold anything
	}
	out = fmt.Appendf(out, "\n%s\n", painted(s, transcript.RoleTitle, strings.TrimSpace(p.AID+"  "+label)))
	line := func(name, value string) {
		if value != "" {
			out = fmt.Appendf(out, "  %-14s %s\n", name, value)
		}
	}
	line("scheme", p.Scheme)
	line("kernel", p.Kernel)
	if p.Priority > 0 {
		line("priority", fmt.Sprint(p.Priority))
	}
	if p.Status != "9000" {
		line("selected", "no: "+p.Status)
	}
	line("issuer", p.Issuer)
	for i, text := range p.CanDo {
		line(map[bool]string{true: "what it does"}[i == 0], text)
	}
	for i, text := range p.PDOL {
		line(map[bool]string{true: "it asks for"}[i == 0], text)
	}
	for i, item := range p.Data {
		line(map[bool]string{true: "it tells"}[i == 0], strings.TrimSpace(fmt.Sprintf("%s %s  %s  %s", item.Tag, item.Name, item.Value, item.Text)))
	}
	line("records", fmt.Sprintf("%d can be read before a payment", p.Records))
	return out
}
