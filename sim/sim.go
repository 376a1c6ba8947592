// Package sim wires everybody together from a seed and a clock: a phone or
// card, a point of sale, and an issuer in process or at the other end of a
// connection. It is wiring only: it knows no tag and no protocol.
package sim
