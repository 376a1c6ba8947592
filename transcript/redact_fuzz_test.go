package transcript

import "testing"

// FuzzRedact: whatever a transcript holds, redaction leaves no account number
// that it could see, keeps lengths, and is done after one time.
func FuzzRedact(f *testing.F) {
	f.Add([]byte(tap))
	f.Add([]byte("> 00B2010C00\n< 5A0849291234567890129000\n# 4929 1234 5678 9012\n"))
	f.Add([]byte("> ?\n< 3449291234567890123412345678909000\n> 00C000000A\n< !\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if x, err := Parse("x", data); err == nil && len(data) < 4000 {
			checkRedaction(t, x)
		}
	})
}
