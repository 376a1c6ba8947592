// Package kerneltest is what the tests of the kernels share: outcomes as text,
// and cards that answer wrongly.
package kerneltest

import (
	"fmt"
	"strings"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// Summary writes an outcome with the parameters that the books give it: kind,
// start, messages as identifier/status, field off, alternate interface,
// verification, receipt, authentication, online response data, balance, data
// record.
func Summary(o kernel.Outcome) string {
	words := []string{o.Kind.String()}
	add := func(there bool, format string, args ...any) {
		if there {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(o.Start != kernel.StartNone, "start=%s", o.Start)
	if o.UI != nil {
		add(true, "ui=%s", message(o.UI))
	}
	if o.UIRestart != nil {
		add(true, "restart=%s", message(o.UIRestart))
	}
	if o.FieldOff != nil {
		add(true, "off=%s", *o.FieldOff)
	}
	add(o.Alternate == kernel.InterfaceContact, "contact")
	add(o.CVM != kernel.CVMNone, "cvm=%s", o.CVM)
	add(o.Receipt, "receipt")
	add(o.ODA != kernel.ODANotPerformed, "oda=%s", o.ODA)
	add(o.OnlineResponse == kernel.OnlineResponseEMV, "wants-data")
	add(len(o.Discretionary) > 0, "balance")
	add(o.DataRecord != nil, "record")
	return strings.Join(words, " ")
}

func message(ui *kernel.UIRequest) string {
	return fmt.Sprintf("%02X/%02X", byte(ui.Message), byte(ui.Status))
}

// Check says what no outcome may be, whatever the card answered: without a
// rule or with a reason of more than a line, approved without a verified
// signature, of a type that does not go with the cryptogram, or without data
// for the host.
func Check(o kernel.Outcome) error {
	switch text := o.Reason.Text; {
	case o.Kind == 0 || o.Reason.Rule == "" || text == "":
		return fmt.Errorf("%s: an outcome without kind, rule or reason", o.Kind)
	case strings.ContainsAny(text, "\n\r"):
		return fmt.Errorf("%s: a reason of more than a line: %q", o.Kind, text)
	case o.Kind == kernel.Approved && o.ODA != kernel.ODAVerified:
		return fmt.Errorf("approved without a verified signature: %s", text)
	case o.Kind == kernel.Approved && o.Type != emv.TC:
		return fmt.Errorf("approved with a cryptogram of type %s", o.Type)
	case o.DataRecord == nil && (o.Kind == kernel.Approved || o.Kind == kernel.OnlineRequest):
		return fmt.Errorf("%s: nothing for the host", o.Kind)
	}
	return nil
}
