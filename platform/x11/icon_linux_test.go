package x11_test

import (
	"encoding/binary"
	"image/color"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11"
)

// TestIconOfHints reads the icon that only WM_HINTS names, as xterm's does.
func TestIconOfHints(t *testing.T) {
	c := connect(t, display(t))
	win, err := xproto.NewWindowId(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	xproto.CreateWindow(c.Conn, c.Screen.RootDepth, win, c.Root, 0, 0, 8, 8, 0, xproto.WindowClassInputOutput, c.Screen.RootVisual, 0, nil)
	if img := c.Icon(win, 48); img != nil {
		t.Fatalf("an icon of a window that has none: %v", img.Bounds())
	}
	pixmap := func(depth byte, paint func(xproto.Drawable, xproto.Gcontext)) uint32 {
		p, err := xproto.NewPixmapId(c.Conn)
		if err != nil {
			t.Fatal(err)
		}
		gc, err := xproto.NewGcontextId(c.Conn)
		if err != nil {
			t.Fatal(err)
		}
		xproto.CreatePixmap(c.Conn, depth, p, xproto.Drawable(c.Root), 5, 3)
		xproto.CreateGC(c.Conn, gc, xproto.Drawable(p), xproto.GcForeground, []uint32{0})
		xproto.PolyFillRectangle(c.Conn, xproto.Drawable(p), gc, []xproto.Rectangle{{Width: 5, Height: 3}})
		paint(xproto.Drawable(p), gc)
		return uint32(p)
	}
	dot := func(c *x11.Conn, v uint32) func(xproto.Drawable, xproto.Gcontext) {
		return func(d xproto.Drawable, gc xproto.Gcontext) {
			xproto.ChangeGC(c.Conn, gc, xproto.GcForeground, []uint32{v})
			xproto.PolyFillRectangle(c.Conn, d, gc, []xproto.Rectangle{{X: 3, Y: 1, Width: 1, Height: 1}})
		}
	}
	hints := make([]byte, 9*4)
	set := func(word int, v uint32) { binary.LittleEndian.PutUint32(hints[4*word:], v) }
	set(0, 1<<2|1<<5)
	set(3, pixmap(c.Screen.RootDepth, dot(c, 0x123456)))
	set(7, pixmap(1, dot(c, 1)))
	xproto.ChangeProperty(c.Conn, xproto.PropModeReplace, win, c.Atom("WM_HINTS"), c.Atom("WM_HINTS"), 32, 9, hints)

	img := c.Icon(win, 48)
	if img == nil || img.Bounds().Dx() != 5 || img.Bounds().Dy() != 3 {
		t.Fatalf("icon %v", img)
	}
	if got, want := img.At(3, 1), (color.NRGBA{0x12, 0x34, 0x56, 255}); got != want {
		t.Errorf("the pixel is %v, want %v", got, want)
	}
	if got, want := img.At(2, 1), (color.NRGBA{}); got != want {
		t.Errorf("the masked pixel is %v, want %v", got, want)
	}
	set(3, 0x7fffffff) // a pixmap that is gone
	xproto.ChangeProperty(c.Conn, xproto.PropModeReplace, win, c.Atom("WM_HINTS"), c.Atom("WM_HINTS"), 32, 9, hints)
	if img := c.Icon(win, 48); img != nil {
		t.Errorf("an icon from nowhere: %v", img)
	}
}
