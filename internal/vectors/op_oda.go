package vectors

import (
	"errors"
	"slices"
	"strconv"

	"tapsim/cryptogram/oda"
	"tapsim/emv"
)

// odaSpecs are certificates and signatures of offline data authentication.
var odaSpecs = map[string]spec{
	"rsa-public": op("signed modulus exponent", "", "recovered", func(r *run) {
		key := must(oda.NewUnusualKey(r.hex("modulus"), r.hex("exponent")))
		r.out("recovered", must(key.Recover(r.hex("signed"))))
	}),
	"ca-key-checksum":    op("rid index modulus_bits:i modulus exponent", "", "sha1_checksum", (*run).checkSumOp),
	"issuer-certificate": op("ca_rid ca_index ca_modulus ca_exponent tag_90 tag_92 tag_9F32", "", "recovered issuer_identifier expiry_mmyy serial issuer_key_length:i issuer_modulus hash", (*run).issuerCertificateOp),
	"icc-certificate": op("issuer_modulus issuer_exponent tag_9F46 tag_9F48 tag_9F47", "afl records_marked_for_oda aip_if_9F4A pan:d",
		"recovered pan_field expiry_mmyy serial icc_key_length:i icc_modulus hash", (*run).iccCertificateOp),
	"static-signature":  op("issuer_modulus issuer_exponent tag_93", "records_marked_for_oda aip_if_9F4A", "recovered dac hash", (*run).staticSignatureOp),
	"dynamic-signature": op("icc_modulus icc_exponent tag_9F4B terminal_dynamic_data", "", "recovered icc_dynamic_data_length:i icc_dynamic_number hash", (*run).dynamicSignatureOp),
	"cda-signature": op("icc_modulus icc_exponent tag_9F4B tag_9F37 pdol_values cdol1 cdol1_values response_tlvs_without_9F4B", "",
		"recovered icc_dynamic_data_length:i icc_dynamic_number cid ac transaction_data_hash hash", (*run).cdaSignatureOp),
	"fdda-signature":   op("icc_modulus icc_exponent tag_9F4B tag_9F37 tag_9F02 tag_5F2A tag_9F69", "", "recovered icc_dynamic_data hash", (*run).fddaSignatureOp),
	"roca-fingerprint": op("modulus primes:l", "", "fingerprint_found:b", (*run).rocaOp),
}

// odaKey is a public key of the case, which recovers the signed input: the
// first step of every operation here.
func (r *run) odaKey(owner, signed string) *oda.Key {
	key, err := oda.NewKey(r.hex(owner+"_modulus"), r.hex(owner+"_exponent"))
	if err != nil {
		refuse(owner+"_modulus", "%v", err)
	}
	r.out("recovered", verified(key.Recover(r.hex(signed))))
	return key
}

// verified ends the case as a difference at the fault that an object has.
func verified[T any](v T, err error) T {
	if err != nil {
		step := "signature"
		if e := (*oda.Error)(nil); errors.As(err, &e) {
			step = e.Fault.String()
		}
		panic(&difference{step: step, reason: err.Error()})
	}
	return v
}

func check(err error) { verified(struct{}{}, err) }

func (r *run) checkSumOp() {
	modulus := r.hex("modulus")
	if bits := strconv.Itoa(8 * len(modulus)); bits != r.text("modulus_bits") {
		panic(&difference{step: "modulus_bits", got: bits, want: r.text("modulus_bits")})
	}
	k := oda.CAKey{RID: [5]byte(r.fixed("rid", 5)), Index: r.fixed("index", 1)[0], Modulus: modulus, Exponent: r.hex("exponent")}
	sum := k.CheckSum()
	r.out("sha1_checksum", sum[:])
}

func (r *run) issuerCertificateOp() {
	r.fixed("ca_rid", 5)
	r.fixed("ca_index", 1)
	c := verified(oda.RecoverIssuer(r.odaKey("ca", "tag_90"), r.hex("tag_90"), r.hex("tag_92"), r.hex("tag_9F32")))
	r.out("issuer_identifier", c.Identifier[:])
	r.out("expiry_mmyy", c.Expiry[:])
	r.out("serial", c.Serial[:])
	r.outInt("issuer_key_length", c.Key.Len())
	r.out("issuer_modulus", c.Key.Modulus())
	r.out("hash", c.Hash[:])
}

func (r *run) iccCertificateOp() {
	c := verified(oda.RecoverICC(r.odaKey("issuer", "tag_9F46"), r.hex("tag_9F46"), r.hex("tag_9F48"), r.hex("tag_9F47")))
	if r.has("pan") {
		check(c.CheckPAN(r.text("pan")))
	}
	if r.has("afl") {
		must(emv.ParseAFL(r.hex("afl")))
	}
	if static, ok := r.static(); ok {
		check(c.Verify(static))
	}
	r.out("pan_field", c.PAN[:])
	r.out("expiry_mmyy", c.Expiry[:])
	r.out("serial", c.Serial[:])
	r.outInt("icc_key_length", c.Key.Len())
	r.out("icc_modulus", c.Key.Modulus())
	r.out("hash", c.Hash[:])
}

// static is the static data of the case: records and, where the card asks for
// it, the AIP. Some sources do not publish them; the hash then stands
// unverified.
func (r *run) static() ([]byte, bool) {
	if !r.has("records_marked_for_oda") {
		if r.has("afl") || r.has("aip_if_9F4A") {
			r.in("records_marked_for_oda")
		}
		return nil, false
	}
	static := r.hex("records_marked_for_oda")
	if r.has("aip_if_9F4A") {
		static = append(static, r.hex("aip_if_9F4A")...)
	}
	return static, true
}

func (r *run) staticSignatureOp() {
	s := verified(oda.RecoverStatic(r.odaKey("issuer", "tag_93"), r.hex("tag_93")))
	r.out("dac", s.DataAuthenticationCode[:])
	if static, ok := r.static(); ok {
		check(s.Verify(static))
	}
	r.out("hash", s.Hash[:])
}

func (r *run) dynamicSignatureOp() {
	s := verified(oda.RecoverDynamic(r.odaKey("icc", "tag_9F4B"), r.hex("tag_9F4B"), oda.FormatDDA))
	check(s.Verify(r.hex("terminal_dynamic_data")))
	r.outInt("icc_dynamic_data_length", len(s.DynamicData))
	r.out("icc_dynamic_number", verified(s.DynamicNumber()))
	r.out("hash", s.Hash[:])
}

func (r *run) cdaSignatureOp() {
	un := r.fixed("tag_9F37", 4)
	if cdol := must(emv.ParseDOL(r.hex("cdol1"))); cdol.Has(emv.TagUnpredictableNumber) {
		sent, _ := must(cdol.Split(r.hex("cdol1_values"))).Lookup(emv.TagUnpredictableNumber)
		r.compare("tag_9F37", sent, un)
	}
	c := verified(oda.VerifyCDA(r.odaKey("icc", "tag_9F4B"), r.hex("tag_9F4B"), oda.CDAData{
		UnpredictableNumber: un, PDOL: r.hex("pdol_values"), CDOL1: r.hex("cdol1_values"), Response: r.hex("response_tlvs_without_9F4B"),
	}))
	r.outInt("icc_dynamic_data_length", len(c.DynamicData))
	r.out("icc_dynamic_number", c.DynamicNumber)
	r.out("cid", []byte{c.CID})
	r.out("ac", c.Cryptogram[:])
	r.out("transaction_data_hash", c.TransactionHash[:])
	r.out("hash", c.Hash[:])
}

func (r *run) fddaSignatureOp() {
	s := verified(oda.VerifyFDDA(r.odaKey("icc", "tag_9F4B"), r.hex("tag_9F4B"),
		r.fixed("tag_9F37", 4), r.fixed("tag_9F02", 6), r.fixed("tag_5F2A", 2), r.hex("tag_9F69")))
	r.out("icc_dynamic_data", s.DynamicData)
	r.out("hash", s.Hash[:])
}

func (r *run) rocaOp() {
	var primes []int
	for _, p := range r.in("primes").items {
		n, err := strconv.Atoi(p.text)
		if err != nil || n < 2 || n > 1<<15 {
			refuse("primes", "%s is no prime from 2 to 32768", p.text)
		}
		primes = append(primes, n)
	}
	if len(primes) == 0 || slices.Contains(primes, 65537) {
		refuse("primes", "want a list of primes")
	}
	r.outBool("fingerprint_found", oda.HasROCAFingerprint(r.hex("modulus"), primes...))
}
