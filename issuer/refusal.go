package issuer

import (
	"fmt"

	"tapsim/provisioning"
)

// Refusal is a request that was understood and refused: nothing has changed.
// It is an error, told apart by its code.
type Refusal = provisioning.Refusal

// refused makes a refusal. hint may be empty.
func refused(code, hint, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, args...), Hint: hint}
}
