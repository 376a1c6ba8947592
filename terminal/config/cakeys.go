package config

import (
	"bytes"
	"fmt"
	"path/filepath"
	"time"

	"tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/internal/config"
)

// caKey is a public key of a certification authority, in the form that `tapsim
// ca export` writes: JSON is YAML.
type caKey struct {
	RID      config.Hex `yaml:"rid"`
	Index    config.Hex `yaml:"index"`
	Modulus  config.Hex `yaml:"modulus"`
	Exponent config.Hex `yaml:"exponent"`
	Expiry   string     `yaml:"expiry"`   // last day, YYYY-MM-DD; absent is none
	Checksum config.Hex `yaml:"checksum"` // SHA-1 over RID, index, modulus, exponent; absent is not checked

	// What the export tells besides. It decides nothing.
	Scheme string `yaml:"scheme"`
	Bits   int    `yaml:"bits"`
	Ours   bool   `yaml:"ours"`
	Source string `yaml:"source"`
}

// revocation names an issuer certificate that is not valid any more.
type revocation struct {
	RID    config.Hex `yaml:"rid"`
	Index  config.Hex `yaml:"index"`
	Serial config.Hex `yaml:"serial"`
}

// authorities reads what the terminal trusts. A list that is empty trusts
// nobody, or takes nothing back; one that is absent leaves it to the program.
// name is the terminal's file, beside which the file of keys is looked for.
func (f *file) authorities(name string, t *Terminal) error {
	list, key := f.CAKeys, "ca_keys"
	if f.CAKeysFile != "" {
		if f.CAKeys != nil {
			return wrong("ca_keys_file", "the keys stand here, in ca_keys, or there")
		}
		path := f.CAKeysFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(name), path)
		}
		data, err := config.ReadFile(path)
		if err == nil {
			err = config.Decode(path, data, &list)
		}
		if err != nil {
			return wrong("ca_keys_file", "%v", err)
		}
		key = "ca_keys_file"
	}
	if list != nil {
		t.CAKeys = []oda.CAKey{}
	}
	var set oda.CAKeys // finds out what cannot be a key, or stands there twice
	for i := range list {
		k, err := list[i].key()
		if err == nil {
			err = set.Add(k)
		}
		if err != nil {
			return wrong(fmt.Sprintf("%s[%d]", key, i), "%v", err)
		}
		t.CAKeys = append(t.CAKeys, k)
	}
	if f.Revoked != nil {
		t.Revoked = []oda.Revocation{}
	}
	for i, r := range f.Revoked {
		if len(r.RID) != 5 || len(r.Index) != 1 || len(r.Serial) != 3 {
			return wrong(fmt.Sprintf("revoked[%d]", i), "want rid of 5 bytes, index of 1 and serial of 3")
		}
		one := oda.Revocation{RID: [5]byte(r.RID), Index: r.Index[0], Serial: [3]byte(r.Serial)}
		if err := set.Revoke(one); err != nil {
			return wrong("revoked", "%v", err)
		}
		t.Revoked = append(t.Revoked, one)
	}
	return nil
}

func (k *caKey) key() (oda.CAKey, error) {
	if len(k.RID) != 5 || len(k.Index) != 1 {
		return oda.CAKey{}, fmt.Errorf("want rid of 5 bytes and index of 1")
	}
	out := oda.CAKey{RID: [5]byte(k.RID), Index: k.Index[0], Modulus: k.Modulus, Exponent: k.Exponent}
	if k.Expiry != "" {
		day, err := time.Parse(time.DateOnly, k.Expiry)
		if err != nil {
			return out, fmt.Errorf("expiry %q: want a day such as \"2049-12-31\"", k.Expiry)
		}
		out.Expiry = emv.DateOf(day)
	}
	if sum := out.CheckSum(); k.Checksum != nil && !bytes.Equal(k.Checksum, sum[:]) {
		return out, fmt.Errorf("the check sum is %X, not %X", sum, []byte(k.Checksum))
	}
	return out, nil
}
