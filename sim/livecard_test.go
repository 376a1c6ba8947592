package sim

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/internal/statedir"
	issuerconfig "tapsim/issuer/config"
	"tapsim/provisioning"
	"tapsim/reader"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
)

// counterField is a shop's field with one card in it.
type counterField struct{ air *reader.Field }

func (f counterField) Activate(context.Context) (apdu.Transceiver, error) {
	if !f.air.Present() {
		return nil, terminal.ErrNoCard
	}
	return f.air, nil
}

func (f counterField) Off(context.Context, time.Duration) error {
	f.air.Reset()
	return nil
}

// liveCard is a card in a state folder, and a field with it.
func liveCard(t *testing.T, state, name string) (*LiveCard, terminal.Field) {
	t.Helper()
	card, err := OpenCard(context.Background(), Options{State: state, Card: name})
	require.NoError(t, err)
	card.Trouble = func(err error) { t.Error(err) }
	air := &reader.Field{Deactivated: func(why reader.Reason) { card.Deactivated(hce.Deactivation(why)) }}
	air.Insert(card)
	return card, counterField{air}
}

func shop(t *testing.T, state string, f terminal.Field) *World {
	t.Helper()
	w, err := Open(context.Background(), Options{State: state, Terminal: "attended", Field: f})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func sale(t *testing.T, w *World) Payment {
	t.Helper()
	p, err := w.Pay(context.Background(), Request{Amount: 1000, Currency: w.Terminal.Currency, Explain: true})
	require.NoError(t, err)
	return p
}

// TestALiveCardPaysBesideOthers: the card's program and the shop's share a state
// folder; the shop holds the bank all the time, and the phone still gets keys.
func TestALiveCardPaysBesideOthers(t *testing.T) {
	for _, name := range []string{"visa-phone", "mastercard-phone", "visa-plastic"} {
		t.Run(name, func(t *testing.T) {
			state := t.TempDir()
			_, f := liveCard(t, state, name)
			w := shop(t, state, f)
			for range 12 {
				p := sale(t, w)
				require.Equal(t, kernel.Approved, p.Outcome, p.Detail)
				require.EqualValues(t, "ok", p.Report.Cryptogram)
			}
			require.Equal(t, "", w.Profile.Name, "no card of ours")
		})
	}
}

// TestALiveCardFollowsOthers: another command pays with the card meanwhile, and
// no counter repeats, whenever that is.
func TestALiveCardFollowsOthers(t *testing.T) {
	state := t.TempDir()
	card, f := liveCard(t, state, "visa-plastic")
	payElsewhere := func() {
		w, err := Open(context.Background(), Options{State: state, Card: "visa-plastic", Terminal: "attended"})
		require.NoError(t, err)
		p := sale(t, w)
		require.Equal(t, kernel.Approved, p.Outcome, p.Detail)
		require.NoError(t, w.Close())
	}
	atc := func() string {
		t.Helper()
		r, err := apdu.Exchange(context.Background(), apdu.TransceiverFunc(func(_ context.Context, c []byte) ([]byte, error) { return card.Respond(c), nil }),
			apdu.Command{CLA: 0x80, INS: 0xCA, P1: 0x9F, P2: 0x36, Ne: 256})
		require.NoError(t, err)
		return emv.MaskedHex(r.Data, nil)
	}
	selectVisa := []byte{0, 0xA4, 4, 0, 7, 0xA0, 0, 0, 0, 3, 0x10, 0x10, 0}
	card.Respond(selectVisa)
	require.Equal(t, "9F36020000", atc())
	payElsewhere()
	require.Equal(t, "", atc(), "the session is over: what was selected is gone")
	card.Respond(selectVisa)
	require.Equal(t, "9F36020001", atc())
	require.NoError(t, f.Off(context.Background(), 0))
	payElsewhere()
	w := shop(t, Memory, f)
	p := sale(t, w)
	require.EqualValues(t, 3, *p.ATC)
}

// TestALiveCardOfAService gets its keys from a token service elsewhere, again and
// again, and stays what it is while that cannot be asked.
func TestALiveCardOfAService(t *testing.T) {
	demo, err := issuerconfig.Demo()
	require.NoError(t, err)
	demo.Config.KeySets[0].AC = demo.Config.KeySets[1].AC // not what a token service in the process has
	demo.Config.LimitedUse.Keys, demo.Config.LimitedUse.Uses = 1, 2
	bank, err := OpenBank(context.Background(), BankOptions{State: Memory, Bank: &demo, Now: time.Now})
	require.NoError(t, err)
	service := &breakable{Service: bank.Issuer}
	card, err := OpenCard(context.Background(), Options{State: t.TempDir(), Card: "visa-phone", Service: service})
	require.NoError(t, err)
	var trouble error
	card.Trouble = func(err error) { trouble = err }
	air := &reader.Field{Deactivated: func(why reader.Reason) { card.Deactivated(hce.Deactivation(why)) }}
	air.Insert(card)
	clock := NewRunningClock(time.Now())
	w, err := Open(context.Background(), Options{State: Memory, Terminal: "attended", Field: counterField{air}, Host: newBankHost(bank.Issuer, clock)})
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	for range 7 {
		p := sale(t, w)
		require.Equal(t, kernel.Approved, p.Outcome, "%s: %v", p.Detail, trouble)
	}
	service.broken = true
	for range 8 {
		sale(t, w)
	}
	require.ErrorContains(t, trouble, "gives no new keys for visa-phone")
	service.broken = false
	require.Equal(t, kernel.Approved, sale(t, w).Outcome)
}

// breakable is a service that cannot be reached while it is broken.
type breakable struct {
	provisioning.Service
	broken bool
}

func (b *breakable) AdoptToken(ctx context.Context, r *provisioning.Adoption) (provisioning.TokenState, error) {
	if b.broken {
		return provisioning.TokenState{}, errors.New("no connection")
	}
	return b.Service.AdoptToken(ctx, r)
}

func TestALiveCardWaitsForThePhone(t *testing.T) {
	state := t.TempDir()
	card, _ := liveCard(t, state, "visa-plastic")
	lock, err := statedir.Open(state, "phone", "somebody")
	require.NoError(t, err)
	var trouble error
	card.Trouble = func(err error) { trouble = err }
	require.Equal(t, []byte{0x65, 0x81}, card.Respond([]byte{0, 0xA4, 4, 0}))
	require.ErrorIs(t, trouble, statedir.ErrLocked)
	require.ErrorContains(t, trouble, "somebody")
	require.NoError(t, lock.Close())
	require.Equal(t, []byte{0x67, 0x00}, card.Respond([]byte{0, 0xA4, 4, 0}))

	require.NoError(t, os.WriteFile(filepath.Join(state, "phone", "visa-plastic.card"), []byte("{"), 0o600))
	require.Equal(t, []byte{0x65, 0x81}, card.Respond([]byte{0, 0xA4, 4, 0}), "a damaged memory")
	require.Error(t, trouble)
}

func TestALockedLivePhoneAsksToBeUnlocked(t *testing.T) {
	card, f := liveCard(t, Memory, "visa-phone")
	card.Locked = true
	w := shop(t, Memory, f)
	p, err := w.Pay(context.Background(), Request{Amount: 12000, Currency: w.Terminal.Currency})
	require.NoError(t, err)
	require.Equal(t, kernel.TryAgain, p.Outcome)
	card.Locked = false
	require.NoError(t, f.Off(context.Background(), 0))
	require.Equal(t, kernel.Approved, sale(t, w).Outcome)
}

func TestALiveCardThatCannotBeOpened(t *testing.T) {
	_, err := OpenCard(context.Background(), Options{State: Memory, Card: "nope"})
	require.Error(t, err)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = OpenCard(context.Background(), Options{State: file, Card: "visa-plastic"})
	require.Error(t, err)
}

// TestAShopAtAReaderLeavesThePhoneAlone: its recording says nothing of the
// reader and replays against our terminal.
func TestAShopAtAReaderLeavesThePhoneAlone(t *testing.T) {
	_, f := liveCard(t, Memory, "mastercard-plastic")
	state := t.TempDir()
	w := shop(t, state, f)
	p := sale(t, w)
	require.Equal(t, kernel.Approved, p.Outcome, p.Detail)
	require.NoDirExists(t, filepath.Join(state, "phone"))
	require.Equal(t, fromReader, p.Transcript.Value("source"))
	require.Empty(t, p.Transcript.Value("card"))
	require.Empty(t, p.Transcript.Value("atc"))
	p.Transcript.Name = "t.apdu"
	r, err := ReplayOwn(context.Background(), p.Transcript)
	require.NoError(t, err)
	require.NoError(t, errors.Join(r.Differences()...))
	require.NotEmpty(t, r.CardOnly)
	require.Equal(t, "approved", r.Outcome)
}

func TestARunningClockRuns(t *testing.T) {
	start := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	c := NewRunningClock(start)
	first := c.Now()
	require.NoError(t, c.Sleep(context.Background(), time.Millisecond))
	require.GreaterOrEqual(t, c.Now().Sub(first), time.Millisecond)
	require.Less(t, c.Now().Sub(start), time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(time.Millisecond, cancel)
	require.ErrorIs(t, c.Sleep(ctx, time.Hour), context.Canceled)
}

// TestALiveCardOutlivesItsRemoval: its owner takes the card off the phone while
// it lies at a reader, and adds it again.
func TestALiveCardOutlivesItsRemoval(t *testing.T) {
	o := newOwner(t)
	const number = "4761739001010119"
	name := o.add(number)
	options := o.options()
	options.Card = name
	card, err := OpenCard(o.ctx, options)
	require.NoError(t, err)
	var troubles []error
	card.Trouble = func(err error) { troubles = append(troubles, err) }
	directory := append([]byte{0, 0xA4, 4, 0, 14}, "2PAY.SYS.DDF01\x00"...)
	answer := card.Respond(directory)
	require.Equal(t, []byte{0x90, 0}, answer[len(answer)-2:])

	o.must(func(p *Phone) error { return p.Remove(o.ctx, name) })
	for range 3 {
		require.Equal(t, []byte{0x6A, 0x82}, card.Respond(directory))
		require.Equal(t, []byte{0x69, 0x85}, card.Respond([]byte{0x80, 0xCA, 0x9F, 0x36, 0}))
		require.Equal(t, []byte{0x67, 0}, card.Respond([]byte{0}))
		card.Deactivated(hce.LinkLoss)
	}
	require.Len(t, troubles, 1, "told once")
	require.ErrorContains(t, troubles[0], name+" was removed from the phone")
	require.Equal(t, name, card.Profile().Name)

	require.Equal(t, name, o.add(number))
	answer = card.Respond(directory)
	require.Equal(t, []byte{0x90, 0}, answer[len(answer)-2:], "it works again")
	require.Len(t, troubles, 1)
}
