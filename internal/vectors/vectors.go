// Package vectors runs files of known answers: each case names an operation,
// its inputs and the outputs that somebody published, and the project must come
// to the same. The format is described in testdata/vectors/README.md. What the
// package does not understand it refuses: passing in silence is the one thing a
// runner of vectors must never do. It reads no files; the caller does.
package vectors

import "fmt"

// MaxSize bounds a file, in bytes.
const MaxSize = 64 << 20

// File is one file of cases.
type File struct {
	Name        string
	Topic       string
	Description string
	Cases       []Case
}

// Case is one known answer. The words are as in the file.
type Case struct {
	File      string // name of the file
	Line      int    // where the case starts, from 1
	ID        string
	Name      string
	Op        string
	Algorithm string
	Source    string
	Evidence  string
	Notes     string

	inputs, outputs map[string]value
	published       []string // output names in the file's order
}

// Result says how a case went.
type Result struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Op      string `json:"op"`
	Passed  bool   `json:"passed"`
	Refused bool   `json:"refused,omitempty"` // the case itself is wrong: nothing was compared to the end
	Step    string `json:"step,omitempty"`    // the first step that differs, or the part that is refused
	Got     string `json:"got,omitempty"`     // what the project computes at that step
	Want    string `json:"want,omitempty"`    // what the file says
	Reason  string `json:"reason,omitempty"`  // in words
}

// Load reads a file of cases. name stands for it in errors. It refuses what is
// not exactly the format, with line: unknown, repeated or missing keys, values
// of another type, an id that two cases share, a file without cases. What is
// wrong with one case alone, such as an operation that does not exist, is for
// Run to refuse, so that the other cases still run.
func Load(name string, data []byte) (File, error) {
	if len(data) > MaxSize {
		return File{}, fmt.Errorf("%s: %d bytes, at most %d are read", name, len(data), MaxSize)
	}
	root, err := parseJSON(data)
	if err != nil {
		return File{}, fmt.Errorf("%s:%w", name, err)
	}
	f, err := readFile(name, root)
	if err != nil {
		return File{}, fmt.Errorf("%s:%w", name, err)
	}
	return f, nil
}

func readFile(name string, root value) (File, error) {
	f := File{Name: name}
	var cases value
	if err := root.object(map[string]any{"topic": &f.Topic, "description": &f.Description, "cases": &cases}, "cases"); err != nil {
		return f, err
	}
	if cases.kind != jsonList || len(cases.items) == 0 {
		return f, cases.fault("cases is not a list with at least one case")
	}
	lines := map[string]int{}
	for _, item := range cases.items {
		c, err := readCase(name, item)
		if err != nil {
			return f, err
		}
		if line, seen := lines[c.ID]; seen {
			return f, item.fault("case id %q stands at line %d already", c.ID, line)
		}
		lines[c.ID] = c.Line
		f.Cases = append(f.Cases, c)
	}
	return f, nil
}

func readCase(file string, v value) (Case, error) {
	c := Case{File: file, Line: v.line}
	var in, out value
	err := v.object(map[string]any{
		"id": &c.ID, "name": &c.Name, "op": &c.Op, "algorithm": &c.Algorithm, "inputs": &in, "outputs": &out,
		"source": &c.Source, "evidence": &c.Evidence, "notes": &c.Notes,
	}, "id", "name", "op", "inputs", "outputs")
	if err != nil {
		return c, err
	}
	if in.kind != jsonObject || out.kind != jsonObject {
		return c, v.fault("case %s: inputs and outputs are objects", c.ID)
	}
	c.inputs, c.outputs = map[string]value{}, map[string]value{}
	for _, m := range in.members {
		c.inputs[m.name] = m.value
	}
	for _, m := range out.members {
		c.outputs[m.name] = m.value
		c.published = append(c.published, m.name)
	}
	return c, nil
}

// Run computes a case and compares every published output, in the order in
// which the operation comes to them. The first that differs ends it.
func Run(c Case) (result Result) {
	r := &run{c: &c, done: map[string]bool{}}
	result = Result{ID: c.ID, Name: c.Name, Op: c.Op}
	defer func() {
		switch stop := recover().(type) {
		case nil:
			result.Passed = true
		case *difference:
			result.Step, result.Got, result.Want = stop.step, stop.got, stop.want
			result.Reason = stop.reason
		case *refusal:
			result.Refused, result.Step, result.Reason = true, stop.part, stop.reason
		default:
			panic(stop)
		}
	}()
	op := r.check()
	op.run(r)
	r.finish()
	return result
}

// String is the result in one line.
func (r Result) String() string {
	switch {
	case r.Passed:
		return fmt.Sprintf("%s passed", r.ID)
	case r.Refused:
		return fmt.Sprintf("%s refused: %s: %s", r.ID, r.Step, r.Reason)
	case r.Reason != "":
		return fmt.Sprintf("%s failed at %s: %s", r.ID, r.Step, r.Reason)
	}
	return fmt.Sprintf("%s failed at %s: got %s, want %s", r.ID, r.Step, r.Got, r.Want)
}
