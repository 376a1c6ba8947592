package interop

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	gpCommand = regexp.MustCompile(`\b[AB](?:#\d+)?>> (?:T=\S+ )?(?:\((\d+)\+(\d+)\) ?)?(.*)$`)
	gpAnswer  = regexp.MustCompile(`\b[AB](?:#\d+)?<< (?:\((\d+)\+(\d+)\) ?)?(?:\([^)]*\) ?)*(.*)$`)
	gpConnect = regexp.MustCompile(`SCardConnect\(.*->|SCardReconnect\(`)
)

// readGlobalPlatform reads the log of GlobalPlatformPro and apdu4j, old and
// new: A>> (header+Lc) and the command, A<< (data+2) (time) and the answer, its
// status word after a blank.
func readGlobalPlatform(in *input, s *session) error {
	found := false
	err := in.each(func(n int, line string) error {
		if gpConnect.MatchString(line) {
			s.reset()
			return nil
		}
		m, answer := gpCommand.FindStringSubmatch(line), false
		if m == nil {
			m, answer = gpAnswer.FindStringSubmatch(line), true
		}
		if m == nil {
			return nil
		}
		b, err := hexOf(n, m[3])
		if err != nil {
			return err
		}
		found = true
		if m[1] != "" && !strings.Contains(m[3], "[malformed]") {
			first, _ := strconv.Atoi(m[1])
			second, _ := strconv.Atoi(m[2])
			if want := first + second; len(b) < want || answer && len(b) > want {
				return wrongLength(n, want, len(b))
			}
		}
		if answer {
			s.answer(b)
		} else {
			s.command(b)
		}
		return nil
	})
	if err == nil && !found {
		err = isAbsent("no line `A>> (4+nnnn) ..`")
	}
	return err
}
