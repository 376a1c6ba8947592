// Command tapsim simulates contactless payments: a phone, a point of sale and
// an issuer that handle the same cryptogram.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"tapsim/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	os.Exit(cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
