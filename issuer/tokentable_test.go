package issuer

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/provisioning"
)

// tokenStates are the states of a token, and how it got there. Suspended is a
// state for each who can suspend it.
var tokenStates = []struct {
	name   string
	status string
	reach  func(l *life) error
}{
	{"inactive", "inactive", nil},
	{"active", "active", func(l *life) error { return nil }},
	{"by-user", "suspended", func(l *life) error { return l.ask("suspend", "user") }},
	{"by-bank", "suspended", func(l *life) error { return l.ask("suspend", "bank") }},
	{"by-service", "suspended", func(l *life) error { return l.ask("suspend", "service") }},
	{"lost", "suspended", func(l *life) error { return l.ask("lost-phone", "bank") }},
	{"expired", "active", func(l *life) error {
		l.b.now = time.Date(2031, 1, 30, 0, 0, 0, 0, time.UTC)
		defer func() { l.b.now = time.Date(2031, 2, 1, 0, 0, 0, 0, time.UTC) }()
		return l.p.keys(l.token)
	}},
	{"deleted", "deactivated", func(l *life) error { return l.ask("delete", "user") }},
}

// tokenTable is a token's life: what each party's verb does in each state. A word
// is the new state; a code in brackets refuses, and then nothing has changed.
// Verbs that a party has no way to ask for are in noWay. Whose phone it is, is
// looked at before the state.
const tokenTable = `
verb         party     inactive           active             by-user              by-bank              by-service              lost                       expired            deleted
request      user      deactivated        [already-added]    [already-added]      [already-added]      [already-added]         [phone-lost]               [already-added]    deactivated
request      stranger  inactive           active             suspended            suspended            suspended               suspended                  active             deactivated
activate     user      active             [token-active]     [token-suspended]    [token-suspended]    [token-suspended]       [token-suspended]          [token-active]     [token-deleted]
activate     stranger  [wrong-device]     [wrong-device]     [wrong-device]       [wrong-device]       [wrong-device]          [wrong-device]             [wrong-device]     [wrong-device]
activate     bank      active             [token-active]     [token-suspended]    [token-suspended]    [token-suspended]       [token-suspended]          [token-active]     [token-deleted]
activate     service   [not-for-service]  [not-for-service]  [not-for-service]    [not-for-service]    [not-for-service]       [not-for-service]          [not-for-service]  [not-for-service]
resend       user      inactive           [token-active]     [token-suspended]    [token-suspended]    [token-suspended]       [token-suspended]          [token-active]     [token-deleted]
resend       stranger  [wrong-device]     [wrong-device]     [wrong-device]       [wrong-device]       [wrong-device]          [wrong-device]             [wrong-device]     [wrong-device]
resend       bank      inactive           [token-active]     [token-suspended]    [token-suspended]    [token-suspended]       [token-suspended]          [token-active]     [token-deleted]
resend       service   [not-for-service]  [not-for-service]  [not-for-service]    [not-for-service]    [not-for-service]       [not-for-service]          [not-for-service]  [not-for-service]
suspend      user      [token-inactive]   suspended          [already-suspended]  suspended            suspended               suspended                  suspended          [token-deleted]
suspend      stranger  [wrong-device]     [wrong-device]     [wrong-device]       [wrong-device]       [wrong-device]          [wrong-device]             [wrong-device]     [wrong-device]
suspend      bank      [token-inactive]   suspended          suspended            [already-suspended]  suspended               suspended                  suspended          [token-deleted]
suspend      service   [token-inactive]   suspended          suspended            suspended            [already-suspended]     suspended                  suspended          [token-deleted]
resume       user      [token-inactive]   [token-active]     active               [suspended-by-bank]  [suspended-by-service]  [suspended-by-lost-phone]  [token-active]     [token-deleted]
resume       stranger  [wrong-device]     [wrong-device]     [wrong-device]       [wrong-device]       [wrong-device]          [wrong-device]             [wrong-device]     [wrong-device]
resume       bank      [token-inactive]   [token-active]     [suspended-by-user]  active               [suspended-by-service]  [suspended-by-lost-phone]  [token-active]     [token-deleted]
resume       service   [token-inactive]   [token-active]     [suspended-by-user]  [suspended-by-bank]  active                  [suspended-by-lost-phone]  [token-active]     [token-deleted]
delete       user      deactivated        deactivated        deactivated          deactivated          deactivated             deactivated                deactivated        [token-deleted]
delete       stranger  [wrong-device]     [wrong-device]     [wrong-device]       [wrong-device]       [wrong-device]          [wrong-device]             [wrong-device]     [wrong-device]
delete       bank      deactivated        deactivated        deactivated          deactivated          deactivated             deactivated                deactivated        [token-deleted]
delete       service   deactivated        deactivated        deactivated          deactivated          deactivated             deactivated                deactivated        [token-deleted]
renew        user      [token-inactive]   active             [token-suspended]    [token-suspended]    [token-suspended]       [token-suspended]          active             [token-deleted]
renew        stranger  [wrong-device]     [wrong-device]     [wrong-device]       [wrong-device]       [wrong-device]          [wrong-device]             [wrong-device]     [wrong-device]
renew        bank      [token-inactive]   active             [token-suspended]    [token-suspended]    [token-suspended]       [token-suspended]          active             [token-deleted]
renew        service   [token-inactive]   active             [token-suspended]    [token-suspended]    [token-suspended]       [token-suspended]          active             [token-deleted]
relink       bank      [token-inactive]   active             suspended            suspended            suspended               suspended                  active             [token-deleted]
control      bank      inactive           active             suspended            suspended            suspended               suspended                  active             [token-deleted]
lost-phone   bank      deactivated        suspended          suspended            suspended            suspended               [already-lost]             suspended          [token-deleted]
found-phone  bank      [token-inactive]   [token-active]     [not-lost]           [not-lost]           [not-lost]              active                     [token-active]     [token-deleted]
replenish    user      [token-inactive]   active             [token-suspended]    [token-suspended]    [token-suspended]       [token-suspended]          [token-expired]    [token-deleted]
replenish    stranger  [wrong-device]     [wrong-device]     [wrong-device]       [wrong-device]       [wrong-device]          [wrong-device]             [wrong-device]     [wrong-device]
certify      user      [token-inactive]   active             [token-suspended]    [token-suspended]    [token-suspended]       [token-suspended]          active             [token-deleted]
certify      stranger  [wrong-device]     [wrong-device]     [wrong-device]       [wrong-device]       [wrong-device]          [wrong-device]             [wrong-device]     [wrong-device]
poll         user      inactive           active             suspended            suspended            suspended               suspended                  active             deactivated
poll         stranger  [wrong-device]     [wrong-device]     [wrong-device]       [wrong-device]       [wrong-device]          [wrong-device]             [wrong-device]     [wrong-device]
`

// noWay are verbs that a party cannot ask for at all: where it can name a verb, an
// unknown one.
var noWay = map[string]string{
	"bank":     "request replenish certify poll",
	"service":  "request relink control lost-phone found-phone replenish certify poll",
	"stranger": "relink control lost-phone found-phone",
	"user":     "relink control lost-phone found-phone",
}

// paymentTable is what the bank answers to a payment with the token in each state,
// by each channel: response codes of ISO 8583. Money moves where it is 00. An
// advice tells what was decided elsewhere, by a key that the phone had; a refund
// names its payment; a reversal finds the payment within its year.
const paymentTable = `
channel   inactive   active  by-user  by-bank  by-service  lost  expired     deleted
tap       [no-keys]  00      62       62       62          62    54          14
qr        [no-keys]  00      62       62       62          62    54          14
in-app    [no-keys]  00      62       62       62          62    54          14
other     [no-keys]  00      62       62       62          62    54          14
advice    [no-keys]  00      00       00       00          00    00          00
refund    [no-keys]  00      00       00       00          00    54          00
reversal  [no-keys]  00      00       00       00          00    00-unmoved  00
`

// life is a token in some state.
type life struct {
	t     *testing.T
	b     *bank
	p     *phone
	token string
	paid  *iso8583.Message // by tap, while it was active
}

func newLife(t *testing.T, state int) *life {
	b := newBank(t, func(c *Config) { c.TokenService.Years = 1 })
	b.ca = func(scheme emv.Scheme, pan emv.PAN, expiry string, static []byte) (*oda.PrivateKey, emv.List, error) {
		c, err := testca.Issue(testca.Request{Scheme: scheme, PAN: pan, Expiry: expiry, Static: static})
		return c.Key, c.Data, err
	}
	l := &life{t: t, b: b, p: newPhone(t, b, 1)}
	grant, err := l.p.request(nil)
	require.NoError(t, err)
	l.token = grant.Token
	b.now = b.now.Add(time.Minute)
	s := tokenStates[state]
	if s.reach == nil {
		return l
	}
	require.NoError(t, second(l.p.enter(l.token, inbox(t, b))))
	require.NoError(t, l.p.keys(l.token))
	answer, report := l.p.pay(5_00, func(m *iso8583.Message) { l.paid = m })
	require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
	require.NoError(t, s.reach(l))
	got, err := b.TokenState(l.token)
	require.NoError(t, err)
	require.Equal(t, s.status, got.Status)
	return l
}

// ask asks for a verb as a party does. A stranger is another phone that knows all
// that this one does, but for its key.
func (l *life) ask(verb provisioning.Verb, party string) error {
	ctx, b := context.Background(), l.b
	switch party {
	case "user":
		return l.p.askFor(l.token, verb)
	case "stranger":
		q := newPhone(l.t, b, 2)
		q.number, q.atc = l.p.number, l.p.atc
		return q.askFor(l.token, verb)
	case "service":
		return second(b.ManageToken(ctx, TokenChange{Token: l.token, Verb: verb, Party: PartyService, Reason: "a reason"}))
	}
	switch verb {
	case provisioning.VerbRelink:
		return second(b.RelinkToken(ctx, Relink{Token: l.token, Card: CardName(freshCard.LastFour())}))
	case provisioning.VerbControl:
		return second(b.ControlToken(ctx, DomainChange{Token: l.token, Domain: Domain{Channels: []string{ChannelQR}}}))
	case provisioning.VerbLostPhone:
		return second(b.LostPhone(ctx, PhoneRequest{Token: l.token}))
	case provisioning.VerbFoundPhone:
		return second(b.FoundPhone(ctx, PhoneRequest{Token: l.token}))
	}
	return second(b.ManageToken(ctx, TokenChange{Token: l.token, Verb: verb, Reason: "a reason"}))
}

// askFor asks for a verb with what a phone can send.
func (p *phone) askFor(token string, verb provisioning.Verb) error {
	ctx := context.Background()
	switch verb {
	case "request":
		return second(p.request(nil))
	case provisioning.VerbActivate:
		return second(p.enter(token, inbox(p.t, p.b)))
	case provisioning.VerbReplenish:
		return p.keys(token)
	case "certify":
		r := &provisioning.CertificateRequest{Token: token, Agreement: p.device.Agreement(), Static: []byte{1}}
		p.sign(r)
		return second(p.b.DeliverCertificates(ctx, r))
	case "poll":
		r := &provisioning.Poll{Tokens: []provisioning.Cursor{{Token: token}}}
		p.sign(r)
		return second(p.b.PollTokens(ctx, r))
	}
	return second(p.call(token, verb))
}

// freshCard takes the place of one that was lost.
var freshCard = emv.WithCheckDigit("476173900101777")

// rowsOf are the rows of a table above: names, and a result for each state.
func rowsOf(t *testing.T, table string, names int) (rows [][]string) {
	for _, line := range strings.Split(strings.TrimSpace(table), "\n")[1:] {
		rows = append(rows, strings.Fields(line))
		require.Len(t, rows[len(rows)-1], names+len(tokenStates), line)
	}
	return rows
}

// TestEveryStateVerbAndParty holds each move against the table.
func TestEveryStateVerbAndParty(t *testing.T) {
	rows := rowsOf(t, tokenTable, 2)
	for party, verbs := range noWay {
		for _, verb := range strings.Fields(verbs) {
			rows = append(rows, append([]string{verb, party}, slices.Repeat([]string{"[unknown-verb]"}, len(tokenStates))...))
		}
	}
	there := map[string]bool{}
	for _, row := range rows {
		there[row[0]+" "+row[1]] = true
		for n := range tokenStates {
			require.Equal(t, row[2+n], tryInState(t, n, provisioning.Verb(row[0]), row[1]), "%s by %s, %s", row[0], row[1], tokenStates[n].name)
		}
	}
	verbs := []provisioning.Verb{"request", "certify", "poll"}
	for _, r := range lifeRules {
		verbs = append(verbs, r.verb)
	}
	for _, verb := range verbs {
		for _, party := range []string{"user", "stranger", "bank", "service"} {
			require.True(t, there[string(verb)+" "+party], "%s by %s is in no table", verb, party)
		}
	}
	require.Len(t, rows, 4*len(verbs))
}

// tryInState is what comes of a verb. One that is refused changes nothing.
func tryInState(t *testing.T, state int, verb provisioning.Verb, party string) string {
	t.Helper()
	l := newLife(t, state)
	require.NoError(t, l.b.IssueCard(bg, NewCard{PAN: freshCard, PSN: "01", Expiry: "4912", ServiceCode: "201", Account: "A"}))
	l.b.now = l.b.now.Add(time.Minute)
	before := l.b.dump()
	if code := refusalOf(t, l.ask(verb, party)); code != "" {
		require.Equal(t, before, l.b.dump(), "%s by %s was refused and changed something", verb, party)
		return "[" + code + "]"
	}
	got, err := l.b.TokenState(l.token)
	require.NoError(t, err)
	return got.Status
}

// TestEveryStateAndChannel holds each payment against the table.
func TestEveryStateAndChannel(t *testing.T) {
	for _, row := range rowsOf(t, paymentTable, 1) {
		for n := range tokenStates {
			require.Equal(t, row[1+n], payInState(t, n, row[0]), "%s, %s", row[0], tokenStates[n].name)
		}
	}
}

// payInState is the answer to a payment, or to what is about one.
func payInState(t *testing.T, state int, how string) string {
	t.Helper()
	l := newLife(t, state)
	if l.p.set.Keys == nil {
		return "[no-keys]"
	}
	l.b.now = l.b.now.Add(time.Minute)
	before, want := l.b.account(), int64(1_00)
	entered := func(mode string) func(*iso8583.Message) { return func(m *iso8583.Message) { m.EntryMode = mode } }
	var answer *iso8583.Message
	switch how {
	case "tap":
		answer, _ = l.p.pay(1_00, nil)
	case "in-app":
		answer = l.payInApp()
	case "other":
		answer, _ = l.p.pay(1_00, entered("051"))
	case "qr":
		answer = l.payByCode()
	case "advice":
		answer = l.adviseOffline()
	case "refund":
		want = -1_00
		answer, _ = l.p.pay(1_00, func(m *iso8583.Message) { m.ProcessingCode, m.ICCData, m.RRN = "200000", nil, l.paid.RRN })
	case "reversal":
		want = -5_00
		answer, _ = l.b.handle(reversalOf(l.paid, "0400", 99))
	}
	l.b.audit()
	switch moved := before.Available() - l.b.account().Available(); {
	case answer.ResponseCode != "00":
		require.Zero(t, moved, "%s was refused and moved money", how)
	case moved == 0:
		return answer.ResponseCode + "-unmoved"
	default:
		require.Equal(t, want, moved, how)
	}
	return answer.ResponseCode
}

// payInApp pays as verified owner, without a reader.
func (l *life) payInApp() *iso8583.Message {
	l.p.atc++
	tap := phoneTap(l.t, l.p.set, 0, l.p.atc, 1_00)
	tap.iad[4] |= cvrDevice2 // CVR byte 2: the phone has verified its owner
	m := tap.message(l.t, "0200", 99)
	m.EntryMode, m.Track2, m.Expiry = "810", "", l.p.set.Token.Expiry
	answer, _ := l.b.handle(m)
	return answer
}

// payByCode pays with what a code holds (EMV QR, consumer-presented mode): a
// cryptogram over no amount, made now.
func (l *life) payByCode() *iso8583.Message {
	l.p.atc++
	tap := phoneTap(l.t, l.p.set, 0, l.p.atc, 0)
	tap.iad[4] |= cvrDevice2 // CVR byte 2: the phone has verified its owner
	e := cryptogram.Elements{ATC: tap.atc, IAD: tap.iad}
	binary.BigEndian.PutUint32(e.UnpredictableNumber[:], uint32(l.b.now.Unix()))
	amount := int64(1_00)
	m := tap.message(l.t, "0200", 98)
	m.Amount, m.EntryMode, m.Track2, m.ICCData, m.Expiry = &amount, "031", "", onlyCode(l.t, signed(l.t, tap, &e)), l.p.set.Token.Expiry
	answer, _ := l.b.handle(m)
	return answer
}

// onlyCode keeps what a code holds.
func onlyCode(t *testing.T, icc []byte) []byte {
	all, err := emv.ParseList(icc)
	require.NoError(t, err)
	return slices.DeleteFunc(all, func(o emv.TLV) bool {
		return !slices.Contains([]emv.Tag{emv.TagCryptogram, emv.TagCID, emv.TagIAD, emv.TagUnpredictableNumber, emv.TagATC, emv.TagAIP}, o.Tag)
	}).Append(nil)
}

// adviseOffline tells the bank of a payment that the card approved by itself.
func (l *life) adviseOffline() *iso8583.Message {
	l.p.atc++
	tap := phoneTap(l.t, l.p.set, 0, l.p.atc, 1_00)
	tap.decide(emv.TC)
	m := tap.message(l.t, "0220", 97)
	m.Track2, m.Expiry = "", l.p.set.Token.Expiry
	answer, _ := l.b.handle(m)
	return answer
}

// dump is all that the bank's store holds.
func (b *bank) dump() string {
	m := b.store.(*Memory)
	rows := m.rows
	var records []Record
	for _, r := range rows.records {
		records = append(records, *r)
	}
	slices.SortFunc(records, func(a, b Record) int { return int(a.Seq - b.Seq) })
	rows.records, rows.sequences, rows.references = nil, nil, nil
	return fmt.Sprintf("%+v %+v", rows, records)
}
