package xinput

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// ErrNoShape means that the server has no SHAPE extension: every window is a
// rectangle.
var ErrNoShape = errors.New("xinput: the X server has no SHAPE")

// Kinds of shapes (shapeconst.h): what of a window is there, and what of it has
// the pointer's events.
const (
	Bounding byte = 0
	Input    byte = 2
)

// Shapes asks for the shapes of windows (SHAPE extension). It keeps no state but
// a number: any goroutine may use it.
type Shapes struct{ x *Client }

// opShapeGetRectangles is the request's minor opcode (shapeproto.h).
const opShapeGetRectangles = 8

// NewShapes finds the extension. ErrNoShape where there is none.
func NewShapes(c *xgb.Conn) (*Shapes, error) {
	const name = "SHAPE"
	e, err := xproto.QueryExtension(c, uint16(len(name)), name).Reply()
	if err != nil {
		return nil, fmt.Errorf("xinput: shapes: %w", err)
	}
	if !e.Present {
		return nil, ErrNoShape
	}
	return &Shapes{&Client{c, e.MajorOpcode}}, nil
}

// ShapeCookie is a question for a shape, on its way.
type ShapeCookie struct{ c *xgb.Cookie }

// Of asks for a shape of w; one that has none is its rectangle with the border.
func (s *Shapes) Of(w xproto.Window, kind byte) ShapeCookie {
	return ShapeCookie{s.x.ask(append(u32(s.x.request(opShapeGetRectangles), uint32(w)), kind, 0, 0, 0))}
}

// Reply waits for the answer: rectangles that do not overlap, in pixels from the
// corner of the window inside of its border.
func (c ShapeCookie) Reply() ([]image.Rectangle, error) {
	r, err := c.c.Reply()
	if err != nil {
		return nil, fmt.Errorf("xinput: shape: %w", err)
	}
	return parseShape(r)
}

func parseShape(r []byte) ([]image.Rectangle, error) {
	const size = 8
	if len(r) < replySize {
		return nil, ErrMalformed
	}
	n, list := binary.LittleEndian.Uint32(r[8:]), r[replySize:]
	if uint64(len(list)) < uint64(n)*size {
		return nil, ErrMalformed
	}
	out := make([]image.Rectangle, n)
	for i := range out {
		v := func(at int) int { return int(binary.LittleEndian.Uint16(list[i*size+at:])) }
		x, y := int(int16(v(0))), int(int16(v(2)))
		out[i] = image.Rect(x, y, x+v(4), y+v(6))
	}
	return out, nil
}
