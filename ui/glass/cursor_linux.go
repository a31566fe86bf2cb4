package glass

import (
	"fmt"

	"github.com/jezek/xgb/render"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	"viewflip.app/platform/x11"
	"viewflip.app/video"
)

func (x *xchild) cursor(s *video.Cursor) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return errClosed
	}
	if x.shape == s {
		return nil
	}
	id := xproto.Cursor(xproto.CursorNone)
	if s != nil {
		var err error
		if id, err = newCursor(x.c, s); err != nil {
			return fmt.Errorf("glass: cursor: %w", err)
		}
	}
	xproto.ChangeWindowAttributes(x.c.Conn, x.win, xproto.CwCursor, []uint32{uint32(id)})
	if id != xproto.CursorNone {
		xproto.FreeCursor(x.c.Conn, id) // the window keeps what it uses
	}
	x.shape = s
	return nil
}

// newCursor makes a cursor of the server with soft edges, by RENDER.
func newCursor(c *x11.Conn, s *video.Cursor) (xproto.Cursor, error) {
	const depth = 32
	format, err := argb(c)
	if err != nil {
		return 0, err
	}
	pixmap, err := xproto.NewPixmapId(c.Conn)
	if err != nil {
		return 0, err
	}
	gc, err := xproto.NewGcontextId(c.Conn)
	if err != nil {
		return 0, err
	}
	picture, err := render.NewPictureId(c.Conn)
	if err != nil {
		return 0, err
	}
	id, err := xproto.NewCursorId(c.Conn)
	if err != nil {
		return 0, err
	}
	d := xproto.Drawable(pixmap)
	xproto.CreatePixmap(c.Conn, depth, pixmap, xproto.Drawable(c.Root), uint16(s.W), uint16(s.H))
	xproto.CreateGC(c.Conn, gc, d, 0, nil)
	const rows = 64 // a core request holds 256 KiB
	for y := 0; y < s.H; y += rows {
		n := min(rows, s.H-y)
		xproto.PutImage(c.Conn, xproto.ImageFormatZPixmap, d, gc, uint16(s.W), uint16(n), 0, int16(y), 0, depth,
			s.Pix[y*s.W*video.BytesPerPixel:(y+n)*s.W*video.BytesPerPixel])
	}
	render.CreatePicture(c.Conn, picture, d, format, 0, nil)
	err = render.CreateCursorChecked(c.Conn, id, picture, uint16(s.Hot.X), uint16(s.Hot.Y)).Check()
	render.FreePicture(c.Conn, picture)
	xproto.FreeGC(c.Conn, gc)
	xproto.FreePixmap(c.Conn, pixmap)
	return id, err
}

// argb finds the format of premultiplied ARGB.
func argb(c *x11.Conn) (render.Pictformat, error) {
	if err := c.Require(x11.Render); err != nil {
		return 0, fmt.Errorf("%w (%w)", platform.ErrUnsupported, err)
	}
	r, err := render.QueryPictFormats(c.Conn).Reply()
	if err != nil {
		return 0, err
	}
	want := render.Directformat{RedShift: 16, RedMask: 255, GreenShift: 8, GreenMask: 255, BlueMask: 255, AlphaShift: 24, AlphaMask: 255}
	for _, f := range r.Formats {
		if f.Depth == 32 && f.Type == render.PictTypeDirect && f.Direct == want {
			return f.Id, nil
		}
	}
	return 0, platform.ErrUnsupported
}
