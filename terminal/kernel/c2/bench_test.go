package c2_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
)

// recordedAnswers is a card that knows the answers of one session by heart.
type recordedAnswers struct {
	commands, answers [][]byte
	n                 int
}

func (r *recordedAnswers) Transceive(_ context.Context, command []byte) ([]byte, error) {
	n := r.n % len(r.commands)
	r.n++
	if !bytes.Equal(command, r.commands[n]) {
		return []byte{0x6F, 0x00}, nil
	}
	return r.answers[n], nil
}

// learn runs a situation once and returns its activation with a card that
// repeats the answers.
func learn(b *testing.B, k *c2.Kernel, s situation) *kernel.Activation {
	b.Helper()
	r := &recordedAnswers{}
	a := s.activation(b)
	inner := a.Card
	a.Card = apdu.TransceiverFunc(func(ctx context.Context, command []byte) ([]byte, error) {
		answer, err := inner.Transceive(ctx, command)
		r.commands, r.answers = append(r.commands, bytes.Clone(command)), append(r.answers, bytes.Clone(answer))
		return answer, err
	})
	o, err := k.Run(context.Background(), a)
	require.NoError(b, err)
	require.Equal(b, kernel.OnlineRequest, o.Kind, o.Reason.Text)
	a.Card = r
	return a
}

// BenchmarkKernel is the kernel alone, with a card that answers from memory.
// With CDA the floor is three RSA public operations: two certificates and the
// signature.
func BenchmarkKernel(b *testing.B) {
	keys := testca.CAKeys()
	for name, s := range map[string]situation{
		"online": {card: plastic().withGPO(object{"82", "1880"})}, "cda": {card: authentic(b, plastic())}, "mag-stripe": {card: magOnly()},
	} {
		b.Run(name, func(b *testing.B) {
			k := &c2.Kernel{Keys: keys}
			a := learn(b, k, s)
			b.ReportAllocs()
			for b.Loop() {
				if o, err := k.Run(context.Background(), a); err != nil || o.Kind != kernel.OnlineRequest {
					b.Fatal(o.Kind, err)
				}
			}
			if name == "cda" {
				run := least(func() { _, _ = k.Run(context.Background(), a) })
				floor := least(floorCDA(b, s.card))
				b.ReportMetric(float64(floor.Nanoseconds()), "floor-ns")
				b.ReportMetric(float64(run)/float64(floor), "x-floor")
			}
		})
	}
}

// least is the shortest of many runs: what they take when nobody disturbs them.
func least(f func()) time.Duration {
	shortest := time.Hour
	for range 2000 {
		start := time.Now()
		f()
		shortest = min(shortest, time.Since(start))
	}
	return shortest
}

// floorCDA are the RSA operations alone.
func floorCDA(b *testing.B, c *card) func() {
	b.Helper()
	values := map[string][]byte{}
	for _, o := range c.records[[2]byte{3, 1}] {
		values[o.Tag()] = unhex(b, o.Value())
	}
	var ca *oda.Key
	for _, k := range testca.Keys() {
		if k.Ours && k.Scheme == emv.SchemeMastercard {
			key, err := oda.NewKey(k.Modulus, k.Exponent)
			require.NoError(b, err)
			ca = key
		}
	}
	issuer, err := oda.RecoverIssuer(ca, values["90"], values["92"], values["9F32"])
	require.NoError(b, err)
	icc, err := oda.RecoverICC(issuer.Key, values["9F46"], values["9F48"], values["9F47"])
	require.NoError(b, err)
	signature := bytes.Repeat([]byte{0x55}, icc.Key.Len())
	return func() {
		_, err1 := ca.Recover(values["90"])
		_, err2 := issuer.Key.Recover(values["9F46"])
		_, err3 := icc.Key.Recover(signature)
		if err1 != nil || err2 != nil || err3 != nil {
			b.Fatal(err1, err2, err3)
		}
	}
}
