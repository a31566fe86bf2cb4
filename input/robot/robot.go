package robot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"viewflip.app/input"
	"viewflip.app/platform"
)

var (
	// ErrNotAtomic means that robotgo's connection cannot be reached, so that
	// checking and acting would be two steps and events could get out.
	ErrNotAtomic = errors.New("robot: this version of robotgo cannot check and act in one step, so input could leave the window; use the native injector")
	// ErrDisplay means that the window is not on $DISPLAY, the only display
	// that robotgo can act on.
	ErrDisplay = errors.New("robot: robotgo can only act on $DISPLAY")
)

// Open makes a Desk for one window, as xtest.Open does. ErrNotAtomic,
// ErrDisplay; platform.ErrUnsupported in a build without the tag x11 or for
// another system than Linux. log may be nil.
func Open(ctx context.Context, d *platform.Desktop, id platform.WindowID, log *slog.Logger) (input.Desk, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	desk, err := open(d.Display(), id, log)
	if err != nil {
		return nil, fmt.Errorf("robot: open: %w", err)
	}
	return desk, nil
}
