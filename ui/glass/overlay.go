package glass

import (
	"viewflip.app/platform"
	"viewflip.app/session"
)

// Overlay shows marks over one window of this desktop, and only over it:
// whatever covers the window covers them, clicks go through them, and they are
// in no picture of the window. Its methods may be called from any goroutine.
type Overlay struct{ impl overlay }

// overlay is what an operating system implements.
type overlay interface {
	show(m session.Marks) error
	close() error
}

// NewOverlay makes an overlay with no marks, which costs nothing. display ""
// is the session's own. It returns platform.ErrUnsupported where the system has
// no such thing, and platform.ErrGone if there is no such window.
func NewOverlay(display string, id platform.WindowID) (*Overlay, error) {
	o, err := newOverlay(display, id)
	if err != nil {
		return nil, err
	}
	return &Overlay{o}, nil
}

// Show replaces the marks. They follow the window from then on, and are hidden
// while it is.
func (o *Overlay) Show(m session.Marks) error { return o.impl.show(m) }

// Close takes the marks away.
func (o *Overlay) Close() error { return o.impl.close() }
