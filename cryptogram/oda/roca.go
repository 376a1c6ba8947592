package oda

import "math/big"

// rocaPrimes are the primes that the fingerprint of CVE-2017-15361 looks at.
var rocaPrimes = [...]int{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157}

// HasROCAFingerprint is true for a modulus from the generator of CVE-2017-15361
// (ROCA), whose keys can be factored: modulo each of the primes it is a power
// of 65537. Without primes it looks at the published ones, which other moduli
// hardly ever pass by chance.
func HasROCAFingerprint(modulus []byte, primes ...int) bool {
	if len(primes) == 0 {
		primes = rocaPrimes[:]
	}
	n := new(big.Int).SetBytes(modulus)
	for _, p := range primes {
		rest := int(new(big.Int).Mod(n, big.NewInt(int64(p))).Int64())
		if !isPower(rest, 65537%p, p) {
			return false
		}
	}
	return true
}

// isPower is true when v is a power of g modulo p.
func isPower(v, g, p int) bool {
	for x, i := 1, 0; i < p; i++ {
		if x == v {
			return true
		}
		x = x * g % p
	}
	return false
}
