package sim

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	mathrand "math/rand/v2"
)

// stream is the random source of one party. It is a stream of its own for each
// party and name, so that one party's draws do not shift another's.
func stream(seed uint64, party string) io.Reader {
	return mathrand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "tapsim %d %s", seed, party)))
}

// secrets is a source for keys and codes: a stream when the user gave a seed,
// the system's otherwise.
func secrets(seed *uint64, party string) io.Reader {
	if seed == nil {
		return rand.Reader
	}
	return stream(*seed, party)
}

// runSeed is the user's seed, or a fresh one: unpredictable numbers come from
// it, so that every recording can be replayed.
func runSeed(seed *uint64) uint64 {
	if seed != nil {
		return *seed
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])
}
