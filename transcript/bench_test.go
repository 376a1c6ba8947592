package transcript

import "testing"

// BenchmarkExplainTap is what showing a whole tap costs; a tap that nobody
// looks at does not pay it.
func BenchmarkExplainTap(b *testing.B) {
	x, err := Parse("tap", []byte(tap))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		ExplainSession(x, false)
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("tap", []byte(tap)); err != nil {
			b.Fatal(err)
		}
	}
}
