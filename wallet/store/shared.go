package store

import "os"

// Stale is true when somebody else has written the card's file since this card
// read or wrote it: make a new one with another Store, or a counter repeats. Ask
// under the folder's lock, before the card answers; whoever holds the lock from
// Open to the end need not.
func (c *Card) Stale() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.store.disk == nil {
		return false
	}
	now := c.store.disk.stat(c.card.Name())
	if now == nil || c.file == nil {
		return now != c.file
	}
	// A file is replaced as a whole, so another one has another time or number.
	return !os.SameFile(now, c.file) || !now.ModTime().Equal(c.file.ModTime()) || now.Size() != c.file.Size()
}
