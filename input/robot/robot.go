package robot

import (
	"errors"

	"viewflip.app/input/xtest"
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

// NewSeat makes a seat as xtest.NewSeat does, at which robotgo acts. Its Open
// returns ErrNotAtomic and ErrDisplay besides; platform.ErrUnsupported in a
// build without the tag x11 or for another system than Linux.
func NewSeat(d *platform.Desktop, o xtest.SeatOptions) *xtest.Seat {
	display := d.Display()
	o.Backend = func() (xtest.Backend, error) { return backend(display) }
	return xtest.NewSeat(d, o)
}
