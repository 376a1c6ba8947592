package sim

import (
	"io"

	"tapsim/terminal"
)

// Journal is the terminal's journal, to look into while no payment runs.
type Journal struct {
	terminal.Journal
	closers []io.Closer
}

// OpenJournal opens the terminal's part of a state folder. Of the options it
// wants State, Holder and Seed.
func OpenJournal(o Options) (*Journal, error) {
	w := &World{options: o}
	j, err := w.openJournal()
	if err != nil {
		_ = closeAll(&w.closers)
		return nil, err
	}
	return &Journal{j, w.closers}, nil
}

// Close releases the state.
func (j *Journal) Close() error { return closeAll(&j.closers) }
