package terminal

import "tapsim/iso8583"

// maxSTAN is the largest systems trace audit number, field 11.
const maxSTAN = 999_999

// Entry is a message that the host has still to hear: a reversal or an advice.
type Entry struct {
	ID uint64
	// Host is the name of the host that it is for, Env.HostName.
	Host string
	// Sent says that a delivery began: the next one is a repeat.
	Sent    bool
	Message iso8583.Message
}

// Journal is the terminal's durable memory. What Add, Sending and Remove
// return nil for survives a crash of the machine.
type Journal interface {
	// NextSTAN is the number that the next message should carry, 1 to 999999.
	// It moves on when a message with it is added.
	NextSTAN() int
	// Add writes a message that the named host must hear unless Remove comes.
	Add(host string, m *iso8583.Message) (id uint64, err error)
	// Sending notes, before the first byte goes out, that a delivery begins.
	Sending(id uint64) error
	// Remove forgets a message: its host has taken it.
	Remove(id uint64) error
	// Park takes a message out of the queue that its host refused with that
	// response code, and keeps it for somebody to look into.
	Park(id uint64, code string) error
	// Pending are the messages that wait, oldest first.
	Pending() ([]Entry, error)
	// Parked are the messages that hosts refused, oldest first. Remove forgets
	// one.
	Parked() ([]Refusal, error)
}

// nextSTAN is the STAN that a request will use.
func (t *Terminal) nextSTAN(r *Request) int {
	switch {
	case r.STAN != 0:
		return r.STAN
	case t.env.Journal != nil:
		return t.env.Journal.NextSTAN()
	}
	return 1
}
