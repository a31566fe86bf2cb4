package command

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// ErrUnread ends a command that goes on telling what happens when nobody reads
// that any more: who started "viewflip share" in a pipe would not know that it
// still shares.
var ErrUnread = errors.New("nobody reads the output any more: the call has ended")

// Streaming gives a command that prints until it is ended a context which ends
// when nobody can read its output any more. The cause is ErrUnread then.
func Streaming(ctx context.Context, out io.Writer) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	f, ok := out.(*os.File)
	if !ok {
		return ctx, func() { cancel(nil) }
	}
	go func() {
		defer close(done)
		unread(ctx, f, func() { cancel(ErrUnread) })
	}()
	return ctx, func() { cancel(nil); <-done }
}

// Ended says why a command that prints until it is ended is over: err, or that
// nobody reads what it prints.
func Ended(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrUnread) || errors.Is(err, syscall.EPIPE) {
		return ErrUnread
	}
	return err
}

// KeepBrokenPipes makes a write to a pipe that nobody reads fail: the system
// would end the process at once, in the middle of a call.
func KeepBrokenPipes() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }
