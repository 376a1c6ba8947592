package testca

// Defect is what is wrong on purpose with certificates, to see that terminals
// notice. The zero value is nothing.
type Defect byte

// Defects.
const (
	DefectNone          Defect = iota
	DefectIssuerExpired        // the issuer certificate expired
	DefectCardExpired          // the ICC certificate expired, whatever the card's expiry
	DefectRevoked              // the issuer certificate is on the revocation list
	DefectUnknownCA            // the CA key's index is one that terminals do not have
	DefectWrongHash            // the ICC certificate was made over other static data
	DefectTooLong              // the ICC certificate is a byte longer than the issuer's key
)

var defectNames = [...]string{"none", "issuer-expired", "card-expired", "revoked", "unknown-ca", "wrong-hash", "too-long"}

// String is the name used in data files and on the command line, empty for what
// is none.
func (d Defect) String() string {
	if int(d) < len(defectNames) {
		return defectNames[d]
	}
	return ""
}

// DefectNames are the names that ParseDefect knows.
func DefectNames() []string { return append([]string(nil), defectNames[:]...) }

// ParseDefect is the inverse of String.
func ParseDefect(name string) (Defect, bool) {
	for i, n := range defectNames {
		if n == name {
			return Defect(i), true
		}
	}
	return DefectNone, false
}
