package terminal

import (
	"fmt"
	"strings"

	"tapsim/iso8583"
)

// answers is nil when m is the answer to request: of its type, with a response
// code, and with the request's own values in the fields that an answer repeats.
// What a host leaves out is not compared. An answer that is wrong in this way is
// none: an approval of another amount or card is no promise.
func answers(m, request *iso8583.Message) error {
	switch {
	case m == nil:
		return fmt.Errorf("the host sent nothing")
	case m.MTI != request.MTI.Response():
		return fmt.Errorf("the host answered %s with %s", request.MTI, m.MTI)
	case m.STAN != request.STAN:
		return fmt.Errorf("the host's answer has STAN %q, the request %q", m.STAN, request.STAN)
	case len(m.ResponseCode) != 2:
		return fmt.Errorf("the host's answer has no response code")
	case m.PAN != "" && m.PAN != request.PAN:
		return fmt.Errorf("the host's answer is for another card")
	case !sameAmount(m, request):
		return fmt.Errorf("the host's answer is for another amount: %d instead of %d minor units", *m.Amount, *request.Amount)
	}
	for _, f := range []struct {
		name      string
		got, want string
	}{
		{"processing code", service(m), service(request)}, // hosts fill in the kind of account
		{"time", m.TransmissionTime, request.TransmissionTime},
		{"reference", m.RRN, request.RRN},
		{"terminal", m.TerminalID, request.TerminalID},
		{"currency", m.Currency, request.Currency},
	} {
		if got, want := strings.TrimRight(f.got, " "), strings.TrimRight(f.want, " "); got != "" && got != want {
			return fmt.Errorf("the host's answer has %s %q, the request %q", f.name, got, want)
		}
	}
	return nil
}

// sameAmount is true when field 4 is the request's. Only a partial approval may
// name another.
func sameAmount(m, request *iso8583.Message) bool {
	return m.Amount == nil || request.Amount == nil || *m.Amount == *request.Amount || m.ResponseCode == partialApproval
}

// service are the first two digits of field 3: purchase, refund and so on.
func service(m *iso8583.Message) string { return m.ProcessingCode[:min(2, len(m.ProcessingCode))] }
