package issuer

import "tapsim/cryptogram"

// Result is how a step of the check ended.
type Result string

// Results of a step.
const (
	OK      Result = "ok"
	Failed  Result = "failed"
	Skipped Result = "skipped"
)

// Report is the bank's check of one message, step by step, for people and as
// JSON. Account numbers in it are masked; keys appear by name and check value.
// A nil *Report takes nothing and costs nothing.
type Report struct {
	Steps    []Step `json:"steps"`
	Code     Code   `json:"response_code"` // "" when nothing is answered
	Meaning  string `json:"meaning"`
	Repeated bool   `json:"repeated"` // the first answer was given again
	// Payment is the bank's number of the payment, 0 of what it keeps no record of
	// and of what is repeated.
	Payment int64 `json:"payment,omitempty"`
	// Cryptogram is what became of the application cryptogram: "ok", "failed",
	// or "skipped" when the message had none or was not the place for one.
	Cryptogram Result `json:"cryptogram"`
}

// Step is one step of the check.
type Step struct {
	Name    string   `json:"name"`
	Result  Result   `json:"result"`
	Cause   Cause    `json:"cause,omitempty"` // of one that failed, or that answered no
	Text    string   `json:"text"`
	Details []Detail `json:"details,omitempty"`
}

// Detail is one value that a step looked at.
type Detail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Text  string `json:"text,omitempty"`
}

// step adds a step; one that failed did so for what its name stands for. Callers
// that would format text or details test the report for nil first.
func (r *Report) step(name string, result Result, text string, details ...Detail) {
	var cause Cause
	if result == Failed {
		cause = causes[name]
	}
	r.because(name, result, cause, text, details...)
}

// because adds a step with a cause of its own.
func (r *Report) because(name string, result Result, cause Cause, text string, details ...Detail) {
	if r == nil {
		return
	}
	r.Steps = append(r.Steps, Step{name, result, cause, text, details})
	if name == stepCryptogram {
		r.Cryptogram = result
	}
}

// mark and rewind let an update that runs twice write its steps once.
func (r *Report) mark() int {
	if r == nil {
		return 0
	}
	return len(r.Steps)
}

func (r *Report) rewind(mark int) {
	if r == nil {
		return
	}
	r.Steps, r.Repeated = r.Steps[:mark], false
}

func (r *Report) repeated() {
	if r != nil {
		r.Repeated = true
	}
}

func (r *Report) finish(a Answer) {
	if r == nil {
		return
	}
	if r.Cryptogram == "" {
		r.Cryptogram = Skipped
	}
	if a.Message != nil {
		r.Code = Code(a.Message.ResponseCode)
		r.Meaning = r.Code.Meaning()
	}
}

// checkValue writes a key's check value.
func checkValue(k *cryptogram.Key) string {
	v := k.CheckValue()
	return upperHex(v[:])
}
