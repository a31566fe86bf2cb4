package share

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// errAnswer says what "viewflip share" understands.
var errAnswer = errors.New("not understood: \"show N\" shows a hidden dialog until it closes, \"hide N\" keeps it hidden, with N as it was printed")

// dialogs is what decides about hidden dialogs.
type dialogs interface {
	Reveal(share wire.ShareID, dialog wire.SurfaceID) error
	KeepMasked(share wire.ShareID, dialog wire.SurfaceID) error
}

// answer does what a line from the person says; an empty one says nothing.
func answer(call dialogs, line string) error {
	f := strings.Fields(line)
	if len(f) == 0 {
		return nil
	}
	if len(f) != 2 {
		return errAnswer
	}
	a, b, _ := strings.Cut(f[1], ".")
	share, err1 := strconv.ParseUint(a, 10, 32)
	dialog, err2 := strconv.ParseUint(b, 10, 16)
	if err1 != nil || err2 != nil {
		return errAnswer
	}
	decide := call.Reveal
	switch f[0] {
	case "show":
	case "hide":
		decide = call.KeepMasked
	default:
		return errAnswer
	}
	err := decide(wire.ShareID(share), wire.SurfaceID(dialog))
	if errors.Is(err, session.ErrUnknown) {
		return fmt.Errorf("there is no hidden dialog %s", f[1])
	}
	return err
}

// linesOf reads lines until the end of r or of ctx; then the channel is closed.
// A read from a terminal cannot be stopped: its goroutine waits for the next
// line, or for the end of the process.
func linesOf(ctx context.Context, r io.Reader) <-chan string {
	out := make(chan string)
	go func() {
		defer close(out)
		for in := bufio.NewScanner(r); in.Scan(); {
			select {
			case out <- in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}
