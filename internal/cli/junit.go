package cli

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// junitSuite is a JUnit report, as CI systems read it.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Error   *junitMessage `xml:"error,omitempty"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes one case a file: failed when it differs, an error when it
// could not be replayed. A report is made anew each time and takes the place of
// the last one.
func (a *app) writeJUnit(name string, results []replayJSON) error {
	suite := junitSuite{Name: "tapsim replay", Tests: len(results)}
	for _, r := range results {
		c := junitCase{Class: "replay." + strings.Join(r.Played, "+"), Name: r.File}
		if len(r.Played) == 0 {
			c.Class = "replay"
		}
		text := strings.Join(r.lines(), "\n")
		m := &junitMessage{Text: text}
		if len(r.Reasons) > 0 {
			m.Message = r.Reasons[0]
		}
		switch {
		case r.unreadable != nil:
			suite.Errors++
			c.Error = m
		case !r.Passed:
			suite.Failures++
			c.Failure = m
		default:
			c.Out = strings.TrimSpace(r.Outcome + "\n" + text)
		}
		suite.Cases = append(suite.Cases, c)
	}
	data, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	to := output{name: name, force: true}
	return a.write(to, append([]byte(xml.Header), append(data, '\n')...))
}
