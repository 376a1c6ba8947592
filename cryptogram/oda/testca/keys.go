package testca

import (
	"embed"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"sync"

	"tapsim/cryptogram/oda"
	"tapsim/emv"
)

//go:generate go run generate.go

//go:embed keys/*.pem
var keyFiles embed.FS

//go:embed published.json
var publishedFile []byte

// loaded holds the keys that were asked for, by the name of their file.
var loaded sync.Map

// key is a private key of a file. Each file is read once. The files are part of
// the program: one that cannot be read is a mistake that tests find.
func key(name string) *oda.PrivateKey {
	if k, ok := loaded.Load(name); ok {
		return k.(*oda.PrivateKey)
	}
	k, err := readKey(name)
	if err != nil {
		panic(fmt.Sprintf("embedded key %s: %v", name, err))
	}
	loaded.Store(name, k)
	return k
}

func readKey(name string) (*oda.PrivateKey, error) {
	k, err := readFile(name)
	if err != nil {
		return nil, err
	}
	return oda.NewPrivateKey(k.P.Bytes(), k.Q.Bytes(), k.E.Bytes())
}

// rsaPrivateKey is a key of PKCS #1 (RFC 8017, A.1.2).
type rsaPrivateKey struct {
	Version                        int
	N, E, D, P, Q, DP, DQ, QInvert *big.Int
}

func readFile(name string) (k rsaPrivateKey, err error) {
	text, err := keyFiles.ReadFile("keys/" + name + ".pem")
	if err != nil {
		return k, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return k, fmt.Errorf("no PEM block")
	}
	_, err = asn1.Unmarshal(block.Bytes, &k)
	return k, err
}

// CAKey is a public key that terminals of this project load.
type CAKey struct {
	oda.CAKey
	Scheme emv.Scheme
	Ours   bool
	Source string // where a key that is not ours is published
}

// ours are the keys of this authority, by RID.
func ours() []CAKey {
	var keys []CAKey
	for scheme, rid := range rids {
		file, err := readFile("ca-" + scheme.String())
		if err != nil {
			panic(fmt.Sprintf("embedded CA key of %s: %v", scheme, err))
		}
		keys = append(keys, CAKey{
			CAKey: oda.CAKey{
				RID: rid, Index: Index, Modulus: file.N.Bytes(), Exponent: file.E.Bytes(),
				Expiry: emv.Date{Year: 2049, Month: 12, Day: 31},
			},
			Scheme: scheme, Ours: true, Source: "tapsim, cryptogram/oda/testca/keys",
		})
	}
	slices.SortFunc(keys, func(a, b CAKey) int { return slices.Compare(a.RID[:], b.RID[:]) })
	return keys
}

// published are the embedded test keys of others. Their private halves are not
// known to us.
var published = sync.OnceValue(func() []CAKey {
	keys, err := parsePublished(publishedFile)
	if err != nil {
		panic("embedded published.json: " + err.Error())
	}
	return keys
})

func parsePublished(file []byte) ([]CAKey, error) {
	var entries []struct{ RID, Index, Modulus, Exponent, Checksum, Source string }
	if err := json.Unmarshal(file, &entries); err != nil {
		return nil, err
	}
	var keys []CAKey
	for i, e := range entries {
		var fields [5][]byte
		for j, text := range []string{e.RID, e.Index, e.Modulus, e.Exponent, e.Checksum} {
			b, err := hex.DecodeString(text)
			if err != nil {
				return nil, fmt.Errorf("key %d: %w", i, err)
			}
			fields[j] = b
		}
		if len(fields[0]) != 5 || len(fields[1]) != 1 {
			return nil, fmt.Errorf("key %d: RID %s, index %s", i, e.RID, e.Index)
		}
		k := CAKey{
			CAKey:  oda.CAKey{RID: [5]byte(fields[0]), Index: fields[1][0], Modulus: fields[2], Exponent: fields[3]},
			Scheme: emv.SchemeOf(fields[0]), Source: e.Source,
		}
		if sum := k.CheckSum(); !slices.Equal(sum[:], fields[4]) {
			return nil, fmt.Errorf("key %d, %s index %s: the check sum is %X, not %s", i, e.RID, e.Index, sum, e.Checksum)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// Keys are the CA keys that terminals load: ours, then the published test keys
// of the schemes.
func Keys() []CAKey { return append(ours(), published()...) }

// Revoked is our revocation list: the certificates with DefectRevoked.
func Revoked() []oda.Revocation {
	var list []oda.Revocation
	for _, k := range ours() {
		list = append(list, oda.Revocation{RID: k.RID, Index: k.Index, Serial: revokedSerial})
	}
	return list
}

// CAKeys are Keys with our revocation list, as terminals use them. The set is
// the caller's own, to add to.
func CAKeys() *oda.CAKeys {
	set, err := oda.NewCAKeys(PublicKeys(), Revoked())
	if err != nil {
		panic("embedded CA keys or revocation list: " + err.Error())
	}
	return set
}

// PublicKeys are Keys without what is said about them.
func PublicKeys() []oda.CAKey {
	published := Keys()
	keys := make([]oda.CAKey, len(published))
	for i, k := range published {
		keys[i] = k.CAKey
	}
	return keys
}
