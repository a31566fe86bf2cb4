// Command viewflipd runs the viewflip service: the mailbox through which
// devices find each other. It knows nothing of desktops.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	os.Exit(run(ctx, env{os.Stdout, os.Stderr, os.Getenv}, os.Args[1:]))
}
