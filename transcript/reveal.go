package transcript

import "tapsim/emv"

// shows is true when sensitive values may be shown: the user asked for it, the
// session has an account number of this project's test ranges, and none other.
func (e *Explainer) shows() bool { return e.reveal && e.testCard && !e.otherCard }

// meet notes whose account numbers an answer holds, before it is explained.
func (e *Explainer) meet(data []byte) {
	for _, pan := range emv.AccountNumbers(data) {
		if emv.TestRange(pan) {
			e.testCard = true
		} else {
			e.otherCard = true
		}
	}
}
