package xtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/jezek/xgb"

	"viewflip.app/input"
	"viewflip.app/platform"
)

// ErrWayland means that the X server is Xwayland: what it says about windows
// and focus is not what the person sees, so nothing can be confined.
var ErrWayland = errors.New("xtest: under Wayland, input cannot be confined to one window; share from an X11 session to allow control")

// ErrGuardian means that the guardian process did not start: after a crash
// nobody would let go of what is held, so nothing is ever held.
var ErrGuardian = errors.New("xtest: the process that lets go of keys after a crash did not start")

// Emitter makes the events of one X connection, in the order of the calls, and
// does not wait. It works while that connection holds the server grab.
type Emitter interface {
	// Move puts the pointer to a place in root pixels.
	Move(x, y int) error
	// Button presses or releases an X button, 1 to 9; 4 to 7 are the wheel.
	Button(n byte, down bool) error
	// Key presses or releases an X keycode. input.ErrNoKey if it cannot.
	Key(code byte, down bool) error
}

// Backend is how another injector uses this package's atomic section.
type Backend struct {
	// Conn is the connection that Emitter acts on: the section grabs and asks
	// through it. It stays the caller's; only this package reads its events.
	Conn *xgb.Conn
	// Emitter acts. It must not change the keyboard map.
	Emitter Emitter
	// Turn is held for the length of a section.
	Turn sync.Locker
}

// SeatOptions says how a Seat is made up.
type SeatOptions struct {
	// Shared lets remote people use the host's own pointer and keyboard. It is
	// also what happens where the X server has no XInput 2.
	Shared bool
	// Guard starts the process that calls [Guardian] with that slot, and
	// returns when its ready function was called. stop, called when the seat
	// was given up in good order, waits for its end. Nil: there is no guardian,
	// and what is held when this process is killed stays held.
	Guard func(ctx context.Context, slot int) (stop func(), err error)
	// Backend makes the events; it is called when the seat is taken. Nil: XTEST
	// on a connection of the seat's own.
	Backend func() (Backend, error)
	// Log may be nil.
	Log *slog.Logger
}

// Seat is the pointer and the keyboard of all remote people of this process on
// one display: by default a master pair of their own, with a cursor, a focus
// and modifiers beside the host's. It exists while a window that was opened
// through it is not closed.
type Seat struct {
	desktop *platform.Desktop
	display string
	opt     SeatOptions

	mu    sync.Mutex
	users int
	hands *hands
	// past is what the last hands knew of the host.
	past activity
}

// NewSeat makes a seat on d's display. Nothing happens before the first Open.
func NewSeat(d *platform.Desktop, o SeatOptions) *Seat {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Seat{desktop: d, display: d.Display(), opt: o}
}

// Open opens one window for control by the seat. The caller closes the Desk,
// usually by closing the Gate that it is given to. ErrWayland, ErrGuardian,
// platform.ErrGone when there is no such window, platform.ErrUnsupported on
// systems without X11.
func (s *Seat) Open(ctx context.Context, id platform.WindowID) (input.Desk, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	desk, err := s.open(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("xtest: open: %w", err)
	}
	return desk, nil
}

// Pointer is XInput's number of the pointer that remote people have for
// themselves; false while the seat is not in use or they share the host's.
func (s *Seat) Pointer() (device uint16, ok bool) { return s.pointer() }

// Guardian is the life of the guardian process: it waits until the process that
// has the seat of that slot is gone, however it ended, then removes its master
// pair, which releases what it held, and lets go of every key and button that
// XTEST holds on the host's own pair where that was shared. ready is called
// once it watches. display "" means $DISPLAY. It returns when that is done, or
// the X server is gone, or ctx ends.
func Guardian(ctx context.Context, display string, slot int, ready func()) error {
	if err := guardian(ctx, display, slot, ready); err != nil {
		return fmt.Errorf("xtest: guardian: %w", err)
	}
	return nil
}
