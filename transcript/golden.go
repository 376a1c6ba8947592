package transcript

import (
	"path"
	"slices"
	"strings"
)

// Golden decides what `-update` may write for a file whose replay failed: the
// text of the fresh recording, with the header and the remarks of the old one
// above its first exchange. It refuses a file that is not ours, or that does
// not lie in a folder named golden; published recordings are never rewritten.
// Call it for failures only.
func Golden(file string, old, fresh *Transcript) ([]byte, error) {
	folders := strings.Split(path.Dir(strings.ReplaceAll(file, `\`, "/")), "/")
	if !old.Ours() || !slices.Contains(folders, "golden") {
		return nil, notOurs(&Transcript{Name: file})
	}
	lines := append(remarks(old.Lines), fresh.Lines[len(remarks(fresh.Lines)):]...)
	return Format(&Transcript{Name: file, Header: old.Header, Lines: lines})
}

// remarks are the comments and blank lines above the first exchange, up to and
// with the last blank line: what follows it belongs to the exchange.
func remarks(lines []Line) []Line {
	end := 0
	for i, l := range lines {
		if l.Kind == Blank {
			end = i + 1
		} else if l.Kind != Comment {
			break
		}
	}
	return slices.Clone(lines[:end])
}
