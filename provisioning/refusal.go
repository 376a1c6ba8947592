package provisioning

// Refusal is a request that was understood and refused, for people and for
// programs: nothing has changed. Code tells the reasons apart, in lower case
// with dashes, such as "wrong-code"; Hint says what to do. None of them holds an
// account number, a code or a key.
type Refusal struct {
	Code string `json:"code"`
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

func (r *Refusal) Error() string {
	if r.Hint == "" {
		return r.Text
	}
	return r.Text + " (" + r.Hint + ")"
}
