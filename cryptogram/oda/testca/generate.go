//go:build ignore

package main

// This program made the keys in keys/. A key that is there stays, so that
// certificates keep their bytes from one version to the next: to replace one,
// delete its file first. The keys come from the system's randomness and can
// not be made again.

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"os"
	"path/filepath"
)

const header = `TEST KEY - PUBLISHED, WORTHLESS. Everybody has the private half of this key.
It belongs to the test certification authority of tapsim. Never load it, or
anything that it signed, where real cards are paid with.

`

func main() {
	for _, scheme := range []struct {
		name      string
		issuer, e int
	}{{"visa", 1152, 3}, {"mastercard", 1408, 65537}, {"unionpay", 1280, 3}} {
		write("ca-"+scheme.name, 1408, 3)
		write("issuer-"+scheme.name, scheme.issuer, scheme.e)
	}
	for i := range 16 {
		e := 3
		if i%4 == 3 {
			e = 65537
		}
		write(fmt.Sprintf("icc-%02d", i), 1024, e)
	}
}

func write(name string, bits, exponent int) {
	file := filepath.Join("keys", name+".pem")
	if _, err := os.Stat(file); err == nil {
		return
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(generate(bits, exponent))}
	text := fmt.Appendf(nil, "%sKey %s, RSA %d bits, exponent %d.\n\n%s", header, name, bits, exponent, pem.EncodeToMemory(block))
	if err := os.WriteFile(file, text, 0o644); err != nil {
		log.Fatal(err)
	}
}

// generate makes a key pair with an exponent of the user's choice, which
// crypto/rsa does not offer.
func generate(bits, exponent int) *rsa.PrivateKey {
	e := big.NewInt(int64(exponent))
	for {
		p, q := prime(bits/2), prime(bits/2)
		order := new(big.Int).Mul(minusOne(p), minusOne(q))
		d := new(big.Int).ModInverse(e, order)
		if d == nil || p.Cmp(q) == 0 {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: exponent}, D: d, Primes: []*big.Int{p, q}}
		if err := key.Validate(); err != nil {
			log.Fatal(err)
		}
		return key
	}
}

func prime(bits int) *big.Int {
	p, err := rand.Prime(rand.Reader, bits)
	if err != nil {
		log.Fatal(err)
	}
	return p
}

func minusOne(n *big.Int) *big.Int { return new(big.Int).Sub(n, big.NewInt(1)) }
