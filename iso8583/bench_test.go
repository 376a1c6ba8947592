package iso8583

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// typical is a 0100 with 130 bytes of chip data, as a terminal sends it.
func typical() *Message {
	m := authorisation()
	m.ICCData = append(m.ICCData, make([]byte, 130-len(m.ICCData))...)
	return m
}

func BenchmarkPack(b *testing.B) {
	c, m := Standard(), typical()
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Append(buf, m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	c := Standard()
	packed := mustPack(b, c, typical())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Unpack(packed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	m := typical()
	b.ReportAllocs()
	for b.Loop() {
		if err := Validate(m); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRoundTrip is request, answer and all four codings over loopback TCP.
func BenchmarkRoundTrip(b *testing.B) {
	for _, inFlight := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d in flight", inFlight), func(b *testing.B) {
			l := loopback(b)
			serveOn(b, l, ServerConfig{Handler: approve})
			client := connect(b, ClientConfig{Dial: Dialer(l.Addr().String(), nil)})
			_, err := client.Exchange(b.Context(), typical())
			require.NoError(b, err)
			b.ReportAllocs()
			if inFlight == 1 {
				m := typical()
				for b.Loop() {
					if _, err := client.Exchange(b.Context(), m); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
			var stan atomic.Int64
			b.SetParallelism(inFlight / 2)
			b.RunParallel(func(pb *testing.PB) {
				m := typical()
				for pb.Next() {
					m.STAN = fmt.Sprintf("%06d", stan.Add(1)%1000000)
					if _, err := client.Exchange(b.Context(), m); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
