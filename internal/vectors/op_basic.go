package vectors

import (
	"crypto/sha1"

	"tapsim/cryptogram"
)

// basicSpecs are ciphers, hashes, MACs and padding.
var basicSpecs = map[string]spec{
	"aes-cbc-encrypt":  op("key data", "", "cipher", func(r *run) { r.out("cipher", must(r.key(cryptogram.AES, "key").EncryptCBC(r.hex("data")))) }),
	"aes-ecb-encrypt":  op("key data", "", "cipher", func(r *run) { r.ecb(cryptogram.AES) }),
	"sm4-ecb-encrypt":  op("key data", "", "cipher", func(r *run) { r.ecb(cryptogram.SM4) }),
	"tdes-ecb-encrypt": op("key data", "", "cipher", func(r *run) { r.ecb(cryptogram.TDES) }),
	"des-ecb-encrypt": op("key data", "", "cipher", func(r *run) {
		r.fixed("key", 8)
		r.ecb(cryptogram.TDES)
	}),
	"sha-1": op("data", "", "digest", func(r *run) {
		sum := sha1.Sum(r.hex("data"))
		r.out("digest", sum[:])
	}),
	"aes-cmac":  op("k data", "", "mac", func(r *run) { r.leading("mac", r.key(cryptogram.AES, "k").CMAC(r.hex("data")), 4) }),
	"tdes-cmac": op("k data", "", "mac", func(r *run) { r.leading("mac", r.key(cryptogram.TDES, "k").CMAC(r.hex("data")), 4) }),
	"mac-algorithm-1": op("k data padding:i", "", "mac", func(r *run) {
		r.leading("mac", must(r.key(cryptogram.TDES, "k").CBCMAC(r.hex("data"), r.padding())), 4)
	}),
	"mac-algorithm-3": op("data padding:i", "k1 k2 k", "mac", func(r *run) {
		r.leading("mac", must(r.retailKey().MAC(r.hex("data"), r.padding())), 4)
	}),
	"padding": op("data block:i method:i", "", "padded", func(r *run) {
		r.out("padded", must(cryptogram.Pad(r.hex("data"), r.num("block"), r.paddingMethod("method"))))
	}),
}

func (r *run) ecb(a cryptogram.Algorithm) {
	r.out("cipher", must(r.key(a, "key").EncryptECB(r.hex("data"))))
}

// retailKey is k, or k1 and k2; both ways must agree.
func (r *run) retailKey() *cryptogram.Key {
	if !r.has("k") || r.has("k1") || r.has("k2") {
		halves := append(r.fixed("k1", 8), r.fixed("k2", 8)...)
		r.agree("k", halves)
		return r.keyOf("k1", cryptogram.TDES, halves)
	}
	return r.key(cryptogram.TDES, "k")
}
