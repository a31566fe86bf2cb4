package xtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"viewflip.app/input"
	"viewflip.app/platform"
)

// ErrWayland means that the X server is Xwayland: what it says about windows
// and focus is not what the person sees, so nothing can be confined.
var ErrWayland = errors.New("xtest: under Wayland, input cannot be confined to one window; share from an X11 session to allow control")

// Open connects to d's display to control one window. The caller closes the
// Desk, usually by closing the Gate that it is given to. ErrWayland,
// platform.ErrGone when there is no such window, platform.ErrUnsupported on
// systems without X11. log may be nil.
func Open(ctx context.Context, d *platform.Desktop, id platform.WindowID, log *slog.Logger) (input.Desk, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	desk, err := open(d.Display(), id, log)
	if err != nil {
		return nil, fmt.Errorf("xtest: open: %w", err)
	}
	return desk, nil
}
