package glass

import (
	"image"

	"viewflip.app/session"
	"viewflip.app/video"
)

// Picturer lends the newest picture for the length of a call; nil when there
// is none yet. session.View is one.
type Picturer interface {
	Picture(func(f *video.Frame))
}

// Child is a native window inside a toolkit's window that shows one picture.
// Pointer and keyboard events pass through it to the toolkit's window. Its
// methods may be called from any goroutine.
type Child struct{ impl child }

// child is what an operating system implements.
type child interface {
	place(area image.Rectangle, visible bool)
	paint(p Picturer, dirty []image.Rectangle) error
	mark(p Picturer, m session.Marks) error
	cursor(s *video.Cursor) error
	close() error
}

// NewChild makes an invisible child of the window that the display server
// knows as parent. exposed is called, on another goroutine, when the picture
// was lost or moved and must be painted again in full. It returns
// platform.ErrUnsupported where there is nothing better than the toolkit.
func NewChild(display string, parent uintptr, exposed func()) (*Child, error) {
	c, err := newChild(display, parent, exposed)
	if err != nil {
		return nil, err
	}
	return &Child{c}, nil
}

// Place tells which area of the parent, in physical pixels, the picture may
// use, and whether it is shown at all.
func (c *Child) Place(area image.Rectangle, visible bool) { c.impl.place(area, visible) }

// Paint shows what changed in the picture; nil means all of it. When it
// returns without an error the pixels are on the screen.
func (c *Child) Paint(p Picturer, dirty []image.Rectangle) error { return c.impl.paint(p, dirty) }

// Mark replaces what is drawn over the picture, which is p's.
func (c *Child) Mark(p Picturer, m session.Marks) error { return c.impl.mark(p, m) }

// Cursor makes the pointer of this screen look so over the picture; nil leaves
// it to the toolkit's window. The display server draws it: it is never later
// than the hand.
func (c *Child) Cursor(s *video.Cursor) error { return c.impl.cursor(s) }

// Close destroys the window.
func (c *Child) Close() error { return c.impl.close() }
