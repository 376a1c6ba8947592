package interop

import "strings"

// readAPDUPlay reads the log of APDUPlay's winscard.dll: transmitted: and
// received:, with lines that end in # between.
func readAPDUPlay(in *input, s *session) error {
	found := false
	err := in.each(func(n int, line string) error {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[begin]") || strings.HasPrefix(line, "SCardConnect") || strings.HasPrefix(line, "SCardReconnect") {
			s.reset()
			return nil
		}
		if text, ok := strings.CutPrefix(line, "transmitted:"); ok {
			b, err := hexOf(n, text)
			if err == nil {
				s.command(b)
			}
			return err
		}
		text, ok := strings.CutPrefix(line, "received:")
		if !ok {
			return nil
		}
		found = true
		b, err := hexOf(n, text)
		s.answer(b)
		return err
	})
	if err == nil && !found {
		err = isAbsent("no lines transmitted: and received:")
	}
	return err
}
