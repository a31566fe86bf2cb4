package system

import (
	"context"

	"viewflip.app/capture"
	"viewflip.app/input/robot"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	"viewflip.app/ui/glass"
)

// makersFor are X11's. On a Wayland desktop, Xwayland shows some of its windows, but
// input cannot be confined to one of them, nor is Xwayland's clipboard the desktop's.
func makersFor(d *platform.Desktop) makers {
	m := makers{
		capture: capture.Open, cursor: capture.OpenCursor, seat: newSeat, guardian: GuardianOn,
		hotKeys:   func(d *platform.Desktop) HotKeys { return d },
		clipboard: func(d *platform.Desktop) (Clipboard, error) { return d.OpenClipboard() },
		overlay: func(d *platform.Desktop, id platform.WindowID) (Overlay, error) {
			return glass.NewOverlay(d.Display(), id)
		},
	}
	if d.Session().Type == platform.SessionWayland {
		m.seat, m.guardian, m.clipboard = nil, nil, nil
	}
	return m
}

// seat is a Seat of X11.
type seat struct {
	*xtest.Seat
	desk *platform.Desktop
}

func newSeat(d *platform.Desktop, o seatOptions) (Seat, error) {
	xo := xtest.SeatOptions{Log: o.log, Shared: o.shared}
	if o.guardian != nil {
		xo.Guard = o.guardian.Start
	}
	if o.robotgo {
		return seat{robot.NewSeat(d, xo), d}, nil
	}
	return seat{xtest.NewSeat(d, xo), d}, nil
}

// Cursor implements [Seat].
func (s seat) Cursor() (capture.Cursor, error) {
	device, ok := s.Pointer()
	if !ok {
		return nil, platform.ErrUnsupported
	}
	return capture.OpenHand(s.desk, device)
}

// Watch implements [Guardian].
func (g guardian) Watch(ctx context.Context, slot int, ready func()) error {
	return xtest.Guardian(ctx, g.display, slot, ready)
}
