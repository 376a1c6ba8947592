package transcript

import "tapsim/emv"

// shows is true when sensitive values may be shown: the user asked for it, the
// session has an account number of this project's test ranges, and none other.
func (e *Explainer) shows() bool { return e.reveal && e.testCard && !e.otherCard }

// meet notes whose account numbers an answer holds, before it is explained.
func (e *Explainer) meet(data []byte) {
	for _, pan := range accountNumbers(data, 1) {
		if emv.TestRange(pan) {
			e.testCard = true
		} else {
			e.otherCard = true
		}
	}
}

// accountNumbers are the account numbers in TLV data.
func accountNumbers(data []byte, depth int) []emv.PAN {
	var out []emv.PAN
	s := emv.Scan(data)
	for s.Next() {
		switch tag := s.Tag(); {
		case tag.Constructed() && depth < emv.MaxDepth:
			out = append(out, accountNumbers(s.Value(), depth+1)...)
		case tag == emv.TagPAN:
			if digits, err := emv.Digits(s.Value()); err == nil && digits != "" {
				out = append(out, emv.PAN(digits))
			}
		case tag == emv.TagTrack2 || tag == tagTrack2MagStripe:
			if track, err := emv.ParseTrack2(s.Value()); err == nil {
				out = append(out, track.PAN)
			}
		}
	}
	return out
}
