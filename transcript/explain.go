package transcript

import (
	"fmt"

	"tapsim/apdu"
	"tapsim/emv"
)

// Explanation is one exchange for people and for machines.
type Explanation struct {
	Number     int      `json:"number"`
	Line       int      `json:"line,omitempty"` // in the file, when it comes from one
	Name       string   `json:"name"`
	Command    *Message `json:"command"`  // null when the source does not show it
	Response   *Message `json:"response"` // null when no answer is recorded
	Status     string   `json:"status,omitempty"`
	StatusText string   `json:"status_text,omitempty"`
	Unknown    int      `json:"unknown_tags"`
	Problems   []string `json:"problems,omitempty"` // what could not be taken apart, and why
}

// Explainer explains the exchanges of one session in their order. It learns
// from the card's answers what the next commands mean: the application
// selected gives the scheme, its lists give the elements of command data.
type Explainer struct {
	reveal bool
	number int

	testCard, otherCard bool // whose account numbers the session has shown

	context emv.Context
	kernels map[string]byte     // by AID, from the payment system environment
	lists   map[emv.Tag]emv.DOL // as the card gave them
	acs     int                 // GENERATE AC commands since the selection

	command  apdu.Command // the last that was not a continuation of one before
	known    bool         // whether it was shown
	raw      []byte       // the last command as sent
	handover bool         // T=0: the card asked for the data of raw
	partial  bool         // the answer before ended with 61xx after data
	pieces   []byte       // of the answer that comes in parts, so far
}

// NewExplainer makes an explainer for a session. reveal shows sensitive values
// instead of masking them, but only once the session has shown an account
// number of this project's test ranges and as long as it shows none other.
func NewExplainer(reveal bool) *Explainer {
	e := &Explainer{reveal: reveal}
	e.Reset()
	return e
}

// Reset forgets what the session told: the card lost power.
func (e *Explainer) Reset() {
	*e = Explainer{reveal: e.reveal, number: e.number, kernels: map[string]byte{}, lists: map[emv.Tag]emv.DOL{}}
}

// Explain explains the next exchange. A nil command is one that the source
// does not show, a nil response one that never came.
func (e *Explainer) Explain(command, response []byte) Explanation {
	e.number++
	x := Explanation{Number: e.number, Name: "command not shown"}
	if command != nil {
		var parts []Part
		x.Name, parts = e.explainCommand(command)
		if len(response) == 1 && len(command) == 5 {
			last := &parts[len(parts)-1]
			last.Name, last.Text = "P3", fmt.Sprintf("T=0: %s to follow when the card asks", plural(int(command[4]), "data byte"))
		}
		x.Command = newMessage(command, parts)
	} else {
		e.known, e.raw, e.handover = false, nil, false
	}
	if response != nil {
		x.Response = newMessage(response, e.explainResponse(response))
		if len(response) >= 2 {
			_, sw := cutStatus(response)
			x.Status, x.StatusText = sw.String(), sw.Text()
		}
	}
	e.count(&x)
	return x
}

// count sums up unknown tags and problems.
func (e *Explainer) count(x *Explanation) {
	sum := func(what string, m *Message) {
		if m == nil {
			return
		}
		eachPart(m.Parts, func(p *Part) {
			if p.Unknown {
				x.Unknown++
			}
			if p.Problem != "" {
				x.Problems = append(x.Problems, what+": "+p.Problem)
			}
		})
	}
	sum("command", x.Command)
	sum("answer", x.Response)
}

// Session is a whole transcript explained.
type Session struct {
	File      string        `json:"file,omitempty"`
	Exchanges []Explanation `json:"exchanges"`
	Unknown   int           `json:"unknown_tags"`
	Problems  int           `json:"problems"`
}

// ExplainSession explains all exchanges of a transcript.
func ExplainSession(t *Transcript, reveal bool) Session {
	e := NewExplainer(reveal)
	exchanges := t.Exchanges()
	s := Session{File: t.Name, Exchanges: make([]Explanation, 0, len(exchanges))}
	for _, l := range t.Lines {
		switch l.Kind {
		case Reset, Tear:
			e.Reset()
		case Command, AnyCommand:
			x := exchanges[len(s.Exchanges)]
			explained := e.Explain(x.Command, x.Response)
			explained.Line = x.Line
			s.Exchanges = append(s.Exchanges, explained)
			s.Unknown += explained.Unknown
			s.Problems += len(explained.Problems)
		}
	}
	return s
}

// ExplainData explains TLV data that are no answer of a card, such as field 55
// of a message, in the same form.
func ExplainData(data []byte, ctx emv.Context, reveal bool) *Message {
	e := NewExplainer(reveal)
	e.context = ctx
	e.meet(data)
	return newMessage(data, e.objects(data, 0))
}
