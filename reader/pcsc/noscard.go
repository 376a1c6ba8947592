//go:build !pcsc && !windows

package pcsc

// Built is true in a program that can talk to readers.
const Built = false

func establish() (service, error) { return nil, ErrNotBuilt }
