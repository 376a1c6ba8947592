// Package cryptogram is the only place that touches payment keys: card keys
// from issuer master keys, session keys, limited-use keys, MACs, the recipes
// that build an application cryptogram by scheme and cryptogram version
// number, issuer answers (ARPC), issuer scripts, card verification values and
// key check values. All inputs are arguments; nothing is read from a clock or a
// random source.
//
// Card and issuer share this package, so their agreement proves nothing by
// itself: testdata/vectors pins every primitive and recipe with numbers that
// others published.
package cryptogram
