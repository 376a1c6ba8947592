package apdu

import "fmt"

// Response is a response APDU (ISO/IEC 7816-4, 5.3): the data field and the
// status word.
type Response struct {
	Data   []byte
	Status Status
}

// ParseResponse splits the last two bytes off as the status word. Data aliases
// b. Fewer than two bytes are not a response.
func ParseResponse(b []byte) (Response, error) {
	if len(b) < 2 {
		return Response{}, fmt.Errorf("response APDU: the status word needs 2 bytes, %d are there", len(b))
	}
	n := len(b) - 2
	return Response{Data: b[:n:n], Status: Status(b[n])<<8 | Status(b[n+1])}, nil
}

// Append appends the coded response to dst.
func (r Response) Append(dst []byte) []byte {
	return r.Status.Append(append(dst, r.Data...))
}

// Bytes is the coded response.
func (r Response) Bytes() []byte { return r.Append(make([]byte, 0, len(r.Data)+2)) }
