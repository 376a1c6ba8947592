package cli

import (
	"context"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/issuer"
	"tapsim/provisioning"
	"tapsim/sim"
	"tapsim/wallet"
)

// holder is somebody with a phone that talks to the bank's token service.
type holder struct {
	t     *testing.T
	rng   *rand.Rand
	phone *sim.Phone
	steps int
}

func newHolder(k *killing, b *bankProcess) *holder {
	phone, err := sim.OpenPhone(context.Background(), sim.PhoneOptions{Options: sim.Options{Seed: killSeed, State: sim.Memory, Service: b.service}})
	require.NoError(k.t, err)
	k.t.Cleanup(func() { require.NoError(k.t, phone.Close()) })
	return &holder{t: k.t, rng: rand.New(rand.NewPCG(*killSeed, 99)), phone: phone}
}

func (h *holder) work(b *bankProcess) {
	for {
		err := h.step(b)
		if wallet.Code(err) == "" && err != nil {
			if !b.killed.Load() {
				h.t.Errorf("the phone: %v", err)
				b.killLater()
			}
			return
		}
		if code := wallet.Code(err); code != "" && !slices.Contains([]string{"already-frozen", "not-frozen", "enough-keys", "card-stopped"}, code) {
			h.t.Errorf("the phone: %v", err)
			b.killLater()
			return
		}
		h.steps++
		b.answered()
	}
}

// step is the next thing that the owner does: a card is added, activated, used and
// removed, again and again.
func (h *holder) step(b *bankProcess) error {
	ctx, cards := context.Background(), h.phone.State().Cards
	if len(cards) == 0 {
		_, err := h.phone.Add(ctx, wallet.NewCard{Data: provisioning.CardData{Number: "4761739001010119", Expiry: "4912"}, DeviceName: "killed phone"})
		return err
	}
	name := cards[0].Name
	if cards[0].Status == "deactivated" { // the bank was killed when it had done that, and could not say so
		return h.phone.Remove(ctx, name)
	}
	if cards[0].Status == "inactive" {
		notices, err := b.service.Inbox(ctx, "DEMO-0001", issuer.NoticeCode)
		if err != nil {
			return err
		}
		code := regexp.MustCompile(`[0-9]{6}`).FindString(notices[len(notices)-1].Text)
		_, err = h.phone.Enter(ctx, name, code)
		return err
	}
	var err error
	switch h.rng.IntN(10) {
	case 0, 1:
		return h.phone.Freeze(ctx, name)
	case 2, 3:
		return h.phone.Unfreeze(ctx, name)
	case 4:
		_, err = h.phone.Refill(ctx, name, true)
	case 5:
		_, err = h.phone.Renew(ctx, name)
	case 6:
		return h.phone.Remove(ctx, name)
	default:
		_, err = h.phone.Poll(ctx)
	}
	if code := wallet.Code(err); code == "token-suspended" {
		return nil
	}
	return err
}

// recover polls, and then phone and bank say the same of each token. One that the
// phone never heard of is not in use.
func (h *holder) recover(b *bankProcess) {
	h.phone.Connect(b.service)
	_, err := h.phone.Poll(context.Background())
	require.NoError(h.t, err)
	h.agree(b)
}

func (h *holder) agree(b *bankProcess) (live int) {
	tokens, err := b.service.Tokens(context.Background(), "DEMO-0001")
	require.NoError(h.t, err)
	known := map[string]string{}
	for _, c := range h.phone.State().Cards {
		known[c.Token] = c.Status
	}
	for _, token := range tokens {
		if token.DeviceName != "killed phone" || token.Status == "deactivated" {
			continue
		}
		live++
		status, there := known[token.Token]
		if !there {
			require.Equal(h.t, "inactive", token.Status, "a token that the phone does not know")
			continue
		}
		require.Equal(h.t, token.Status, status, "token %s", token.Token)
		delete(known, token.Token)
	}
	for token, status := range known {
		require.Equal(h.t, "deactivated", status, "token %s, which the bank has ended", token)
	}
	require.LessOrEqual(h.t, live, 2, "one that is used, and one whose beginning was cut off")
	return live
}

func (h *holder) settle(b *bankProcess) {
	h.agree(b)
	require.Positive(h.t, h.steps)
}
