package video

import (
	"bytes"
	"image"
)

// MaxCursor is the largest width or height of a cursor in pixels.
const MaxCursor = 256

// Cursor is what a pointer looks like. It is immutable.
type Cursor struct {
	// W and H are the size in physical pixels, 1 to MaxCursor.
	W, H int
	// Hot is the pixel that points.
	Hot image.Point
	// Pix is 4*W*H bytes of BGRA, premultiplied, rows top-down.
	Pix []byte
}

// Equal reports whether two cursors look the same; nil looks like nil alone.
func (c *Cursor) Equal(d *Cursor) bool {
	return c == d || c != nil && d != nil && c.W == d.W && c.H == d.H && c.Hot == d.Hot && bytes.Equal(c.Pix, d.Pix)
}
