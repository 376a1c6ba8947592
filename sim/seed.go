package sim

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	mathrand "math/rand/v2"
)

// stream is the random source of one party. With a seed it is a stream of its
// own for each party and name, so that one party's draws do not shift
// another's; without one it is the system's.
func stream(seed *uint64, party string) io.Reader {
	if seed == nil {
		return rand.Reader
	}
	return mathrand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "tapsim %d %s", *seed, party)))
}
