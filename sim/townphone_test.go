package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/issuer"
	"tapsim/provisioning"
	"tapsim/wallet"
)

// ownCard is the owner freezing a card on the phone, or not.
func (v *town) ownCard() {
	c := v.card(ofPhone)
	if c == nil {
		return
	}
	freeze := v.rng.IntN(3) == 0
	v.said += fmt.Sprintf(": %s frozen on the phone: %t", c.name, freeze)
	verb := v.w.wallet.Unfreeze
	if freeze {
		verb = v.w.wallet.Freeze
	}
	if err := verb(context.Background(), c.name); err == nil {
		c.byUser = freeze
	} else {
		require.NotEmpty(v.t, wallet.Code(err), "%s: %v", v.said, err)
		require.Equal(v.t, freeze, c.byUser, "%s: %v", v.said, err)
	}
}

func (v *town) bankCard() {
	c := v.card(ofPhone)
	if c == nil {
		return
	}
	verb := []provisioning.Verb{"suspend", "resume", "resume", "delete"}[v.rng.IntN(4)]
	v.said += fmt.Sprintf(": the bank's %s of %s", verb, c.name)
	want := map[provisioning.Verb]string{"suspend": when(c.byBank, "already-suspended"), "delete": ""}[verb]
	if verb == "resume" && !c.byBank {
		want = "token-active"
		if c.lost {
			want = "suspended-by-lost-phone"
		}
		if c.byUser {
			want = "suspended-by-user"
		}
	}
	if v.ask(want, func(key string) (any, error) {
		return v.w.bank.ManageToken(context.Background(), issuer.TokenChange{Token: c.token, Verb: verb, Reason: "a reason", Idempotency: key})
	}) {
		c.byBank, c.gone = verb == "suspend", verb == "delete"
	}
}

func (v *town) losePhone() {
	c, lose := v.card(ofPhone), v.rng.IntN(3) == 0
	if c == nil {
		return
	}
	v.said += fmt.Sprintf(": the phone is lost: %t", lose)
	verb, want := v.w.bank.FoundPhone, when(!c.lost, "not-lost")
	if lose {
		verb, want = v.w.bank.LostPhone, when(c.lost, "already-lost")
	} else if !c.lost && !c.byUser && !c.byBank {
		want = "token-active"
	}
	if v.ask(want, func(key string) (any, error) {
		return verb(context.Background(), issuer.PhoneRequest{Token: c.token, Idempotency: key})
	}) {
		v.lost = lose
		for _, c := range v.cards {
			if ofPhone(c) {
				c.lost = lose
			}
		}
	}
}

func (v *town) control() {
	c := v.card(ofPhone)
	if c == nil {
		return
	}
	channels := [][]string{nil, nil, {issuer.ChannelContactless}, {issuer.ChannelQR, issuer.ChannelInApp}}[v.rng.IntN(4)]
	v.said += fmt.Sprintf(": %s is for %v", c.name, channels)
	if v.ask("", func(key string) (any, error) {
		return v.w.bank.ControlToken(context.Background(), issuer.DomainChange{Token: c.token, Domain: issuer.Domain{Channels: channels}, Idempotency: key})
	}) {
		c.channels = channels
	}
}

func (v *town) renew() {
	if c := v.card(ofPhone); c != nil {
		v.said += ": renew " + c.name
		_, err := v.w.wallet.Renew(context.Background(), c.name)
		if !v.closed { // then a date may be had, but no keys for it
			v.refusedOr(err, c.byUser || c.byBank || c.lost || v.frozen)
		}
	}
}

func (v *town) refill() {
	if c := v.card(ofPhone); c != nil {
		v.said += ": refill " + c.name
		_, err := v.w.wallet.Refill(context.Background(), c.name, true)
		if wallet.Code(err) == "enough-keys" {
			return
		}
		v.refusedOr(err, c.byUser || c.byBank || c.lost || v.closed)
	}
}

// refusedOr is a refusal exactly when something stands against it.
func (v *town) refusedOr(err error, against bool) {
	if err != nil {
		require.NotEmpty(v.t, wallet.Code(err), "%s: %v", v.said, err)
	}
	require.Equal(v.t, against, err != nil, "%s: %v", v.said, err)
}

// replace adds a card anew whose token is gone, or takes one out.
func (v *town) replace() {
	ctx := context.Background()
	for n, c := range v.cards {
		if c.gone && !v.closed && !v.frozen && !v.lost { // who has a lost phone gets no more cards on it
			v.said += ": add again " + c.name
			require.NoError(v.t, v.w.wallet.Remove(ctx, c.name), v.said)
			v.cards = slices.Delete(v.cards, n, n+1)
			v.add(c)
			return
		}
	}
	if c := v.card(ofPhone); c != nil && v.rng.IntN(3) == 0 {
		v.said += ": delete " + c.name
		_, err := v.w.bank.ManageToken(ctx, issuer.TokenChange{Token: c.token, Verb: "delete"})
		require.NoError(v.t, err, v.said)
		c.gone = true
	}
}

func (v *town) poll() {
	_, err := v.w.wallet.Poll(context.Background())
	if err != nil {
		require.True(v.t, v.closed && wallet.Code(err) != "", "%s: %v", v.said, err)
	}
}

func (v *town) wait() {
	v.w.Clock.Sleep(context.Background(), time.Duration(v.rng.IntN(5*24))*time.Hour)
}
