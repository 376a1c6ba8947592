package interop

import (
	"regexp"
)

var jcopRow = regexp.MustCompile(`^( ?(=>|<=) )(.*)$`)

// readJCOP reads the log of the JCOP shell and of its descendants: => and <=
// with dumps that go on in indented rows.
func readJCOP(in *input, s *session) error {
	var data []byte
	mark, found := "", false
	indent := 0
	flush := func() {
		switch mark {
		case "=>":
			s.command(data)
		case "<=":
			found = true
			s.answer(data)
		}
		mark, data = "", nil
	}
	err := in.each(func(n int, line string) error {
		text := line
		if m := jcopRow.FindStringSubmatch(line); m != nil {
			flush()
			mark, text, indent = m[2], m[3], len(m[1])
		} else if mark == "" || len(line) <= indent || line[:indent] != "    "[:indent] {
			flush()
			return nil
		} else {
			text = line[indent:]
		}
		row, ok := dumpRow(text, -1)
		if !ok {
			if len(data) == 0 {
				mark = ""
			}
			flush()
			return nil
		}
		data = append(data, row...)
		if isCut(text[min(len(text), 3*len(row)):]) && len(row) < 16 && len(text) < 48 {
			return cutAt(n)
		}
		return nil
	})
	flush()
	if err == nil && !found {
		err = isAbsent("no lines with => and <=")
	}
	return err
}
