package sim

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/issuer"
	"tapsim/terminal"
	"tapsim/transcript"
)

// Replay is how a recording of ours went, once for each side that it tests.
type Replay struct {
	// Card is nil when our terminal, against the recorded card, sent the
	// recorded commands and came to the recorded outcome. Terminal is nil when
	// our card gave the recorded answers to the recorded terminal, or when the
	// recording does not say how to make that card again: then CardOnly says
	// why.
	Card, Terminal error
	CardOnly       string
	Outcome        string
	Detail         string
	Report         *issuer.Report // of the bank that checked the recorded cryptogram
	// Substitutions are the values that were let differ.
	Substitutions []transcript.Substitution
	// Notes are differences that were to be expected.
	Notes []string
	// Played names the sides that were played: card, terminal.
	Played []string
}

// Differences are what both sides found: the one that comes first in the
// recording, unless only the other names a byte.
func (r *Replay) Differences() []error {
	var list []error
	if r.Card != nil {
		list = append(list, fmt.Errorf("our terminal against the recorded card: %w", r.Card))
	}
	if r.Terminal != nil {
		list = append(list, fmt.Errorf("our card against the recorded terminal: %w", r.Terminal))
	}
	if len(list) == 2 && namesByte(r.Terminal) && (!namesByte(r.Card) || transcript.First(r.Card, r.Terminal) == r.Terminal) {
		list[0], list[1] = list[1], list[0]
	}
	return list
}

func namesByte(err error) bool {
	var m *transcript.Mismatch
	return errors.As(err, &m) && m.Offset >= 0
}

// ReplayOwn replays a recording that tapsim made: our terminal and bank against
// the recorded card, and our card against the recorded terminal. The error says
// why it could not be replayed at all.
func ReplayOwn(ctx context.Context, t *transcript.Transcript) (Replay, error) {
	return ReplayOwnWith(ctx, t, ReplayOptions{})
}

// ReplayOwnWith is ReplayOwn with options.
func ReplayOwnWith(ctx context.Context, t *transcript.Transcript, how ReplayOptions) (Replay, error) {
	request, o, err := ownRun(t)
	if err != nil {
		return Replay{}, fmt.Errorf("%s: %w", t.Name, err)
	}
	var r Replay
	if how.Side != TerminalSide {
		if err := r.asTerminal(ctx, t, o, request, how); err != nil {
			return r, fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	if how.Side != CardSide {
		if err := r.asCard(ctx, t, o, how); err != nil {
			return r, fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return r, nil
}

// ownRun reads from the header how to run the recording again.
func ownRun(t *transcript.Transcript) (r Request, o Options, err error) {
	o = Options{State: Memory, Card: beside(t, t.Value("card")), Terminal: beside(t, t.Value("terminal"))}
	if t.Value("card") == "" { // recorded at a reader: ours is not asked
		o.Card = "visa-plastic"
	}
	for _, key := range []string{"terminal", "seed", "now", "amount", "currency", "expect"} {
		if t.Value(key) == "" {
			return r, o, fmt.Errorf("the header has no %s, which a replay needs", key)
		}
	}
	if o.Now, err = time.Parse(time.RFC3339, t.Value("now")); err != nil {
		return r, o, err
	}
	seed, err := strconv.ParseUint(t.Value("seed"), 10, 64)
	if err != nil {
		return r, o, err
	}
	o.Seed = &seed
	var ok bool
	if r.Currency, ok = emv.CurrencyByAlpha(t.Value("currency")); !ok {
		return r, o, fmt.Errorf("currency %q is not one of ISO 4217", t.Value("currency"))
	}
	if r.Amount, err = r.Currency.Parse(t.Value("amount")); err != nil {
		return r, o, err
	}
	if v := t.Value("amount-other"); v != "" {
		if r.AmountOther, err = r.Currency.Parse(v); err != nil {
			return r, o, err
		}
	}
	if v := t.Value("type"); v != "" {
		r.Type, err = ParseType(v)
	}
	r.Locked = t.Value("verified") == "false"
	return r, o, err
}

// beside is a name in a header: of something built in, or of a file that lies
// beside the recording.
func beside(t *transcript.Transcript, name string) string {
	if isPath(name) && !filepath.IsAbs(name) {
		return filepath.Join(filepath.Dir(t.Name), name)
	}
	return name
}

// asTerminal runs our terminal against the recorded card.
func (r *Replay) asTerminal(ctx context.Context, t *transcript.Transcript, o Options, request Request, how ReplayOptions) error {
	w, err := Open(ctx, o)
	if err != nil {
		return err
	}
	defer w.Close()
	w.host.wanted = true
	r.Played = append(r.Played, "card")
	f := &playback{card: transcript.NewStrictCard(t), clock: w.Clock, resets: resets(t)}
	if f.card.Substitute = how.substitutes().Substitutes; how.Substitute && t.Value("card") != "" {
		if p, why, err := player(ctx, t, o); err == nil && why == "" {
			f.card.Substitute.Recompute = p.Card
		}
	}
	defer func() { r.Substitutions = append(r.Substitutions, f.card.Substitute.List()...) }()
	result, err := w.term.Pay(ctx, f, terminal.Request{
		Amount: request.Amount, AmountOther: request.AmountOther, Type: request.Type, Currency: request.Currency,
	})
	if err != nil {
		if r.Card = f.card.Finish(); r.Card == nil {
			r.Card = err
		}
		return nil
	}
	r.Outcome, r.Detail, r.Report = result.Outcome.String(), result.Detail, w.host.report
	r.Card = f.card.Finish()
	if r.Card == nil {
		r.Card = r.judge(t, result)
	}
	return nil
}

// judge compares what came with what the header expects.
func (r *Replay) judge(t *transcript.Transcript, result terminal.Result) error {
	if t.Redacted() {
		return nil // its signatures and cryptograms are no longer what the card made
	}
	kernelOutcome := ""
	if result.KernelOutcome != 0 {
		kernelOutcome = result.KernelOutcome.String()
	}
	if want := t.Value("expect-kernel"); want != "" && want != kernelOutcome {
		return fmt.Errorf("%s: the kernel's outcome is %s, recorded %s (%s)", t.Name, kernelOutcome, want, result.Tap.Outcome.Reason.Text)
	}
	if t.Value("host") == otherHost {
		return nil // its answer is not ours to judge
	}
	if want := t.Value("expect"); want != r.Outcome {
		return fmt.Errorf("%s: the outcome is %s, recorded %s: %s%s", t.Name, r.Outcome, want, r.Detail, firstFailure(r.Report))
	}
	return nil
}

// firstFailure is what the bank objected to.
func firstFailure(report *issuer.Report) string {
	if report == nil {
		return ""
	}
	for _, s := range report.Steps {
		if s.Result == issuer.Failed {
			return "; issuer: " + s.Text
		}
	}
	return ""
}

// asCard runs our card against the recorded terminal.
func (r *Replay) asCard(ctx context.Context, t *transcript.Transcript, o Options, how ReplayOptions) error {
	if t.Redacted() {
		r.CardOnly = "the recording is redacted, so the card cannot be made again"
		return nil
	}
	if t.Value("card") == "" && how.Card == "" {
		r.CardOnly = "it names no card of ours: name one"
		return nil
	}
	if t.Value("card") == "" {
		o.Card = how.Card
	}
	substitutes := how.substitutes()
	player, why, err := player(ctx, substitutes.completed(t), o)
	if err != nil {
		return err
	}
	if r.CardOnly = why; why != "" {
		return nil
	}
	r.Played = append(r.Played, "terminal")
	player.Substitute = substitutes.Substitutes
	r.Terminal = player.Replay(t)
	r.Substitutions = append(r.Substitutions, substitutes.List()...)
	return nil
}

// RewriteOwn is a recording of ours as our terminal and our card would make it
// now. That of a card that had paid before can only get the answers that the
// card gives now.
func RewriteOwn(ctx context.Context, t *transcript.Transcript) (*transcript.Transcript, error) {
	request, o, err := ownRun(t)
	if err != nil {
		return nil, err
	}
	if atc, err := strconv.ParseUint(t.Value("atc"), 16, 16); err == nil && atc == 0 {
		return payAgain(ctx, t, o, request)
	}
	player, why, err := player(ctx, t, o)
	if err != nil {
		return nil, err
	}
	if why != "" {
		return nil, errors.New(why)
	}
	return player.Rewrite(t)
}

// payAgain makes the payment of a recording again, with a customer who does
// what they did then.
func payAgain(ctx context.Context, t *transcript.Transcript, o Options, r Request) (*transcript.Transcript, error) {
	for _, x := range t.Exchanges() {
		if x.Response == nil && r.TearAt == 0 {
			r.TearAt = x.Number
		}
	}
	r.UnlockAfterFirst = r.Locked && slices.ContainsFunc(t.Lines, func(l transcript.Line) bool { return l.Kind == transcript.Verify })
	w, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	p, err := w.Pay(ctx, r)
	return p.Transcript, err
}

// player plays the recorded terminal against our card, as it was then, or says
// why it cannot be made again.
func player(ctx context.Context, t *transcript.Transcript, o Options) (p transcript.Terminal, why string, err error) {
	w, err := Open(ctx, o)
	if err != nil {
		return p, "", err
	}
	defer w.Close() // in memory: what the card needs stays
	card, why := w.recordedCard(ctx, t)
	if why != "" {
		return p, why, nil
	}
	unlock := func() { card.Verified(w.Clock.Now().Add(verifiedFor)) }
	if w.Profile.Verifies() && t.Value("verified") != "false" {
		unlock()
	}
	return transcript.Terminal{
		Card:        card,
		Deactivated: func() { card.Deactivated(hce.LinkLoss) },
		Verified:    unlock,
		Wait:        func(d time.Duration) { _ = w.Clock.Sleep(context.Background(), d) },
	}, "", nil
}

func resets(t *transcript.Transcript) int {
	n := 0
	for _, l := range t.Lines {
		if l.Kind == transcript.Reset {
			n++
		}
	}
	return n
}

// playback is a field with a recorded card in it.
type playback struct {
	card   *transcript.StrictCard
	clock  *Clock
	resets int
	taps   int
}

// Activate implements terminal.Field: the card comes back as often as it did
// when it was recorded.
func (p *playback) Activate(context.Context) (apdu.Transceiver, error) {
	if p.taps++; p.taps == 1 {
		return p.card, nil
	}
	if p.taps > p.resets+1 {
		return nil, terminal.ErrNoCard
	}
	p.card.Reset()
	return p.card, nil
}

// Off implements terminal.Field.
func (p *playback) Off(ctx context.Context, d time.Duration) error {
	return errors.Join(p.card.Off(ctx, d), p.clock.Sleep(ctx, d))
}
