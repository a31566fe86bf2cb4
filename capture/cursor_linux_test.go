package capture_test

import (
	"context"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"viewflip.app/capture"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
)

// hand moves the pointer and asks the server what it looks like.
type hand struct {
	t *testing.T
	c *x11.Conn
}

func newHand(t *testing.T, d *platform.Desktop) hand {
	t.Helper()
	c, err := x11.Connect(d.Display())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Require(x11.XTest, x11.XFixes); err != nil {
		t.Fatal(err)
	}
	return hand{t, c}
}

func (h hand) move(x, y int) {
	h.t.Helper()
	if err := xtest.FakeInputChecked(h.c.Conn, xproto.MotionNotify, 0, 0, h.c.Root, int16(x), int16(y), 0).Check(); err != nil {
		h.t.Fatal(err)
	}
}

// glyph gives a window a cursor of the server's cursor font.
func (h hand) glyph(w platform.WindowID, glyph uint16) {
	h.t.Helper()
	font, _ := xproto.NewFontId(h.c.Conn)
	id, _ := xproto.NewCursorId(h.c.Conn)
	xproto.OpenFont(h.c.Conn, font, 6, "cursor")
	xproto.CreateGlyphCursor(h.c.Conn, id, font, font, glyph, glyph+1, 0xffff, 0, 0, 0, 0, 0xffff)
	err := xproto.ChangeWindowAttributesChecked(h.c.Conn, xproto.Window(w.Native()), xproto.CwCursor, []uint32{uint32(id)}).Check()
	if err != nil {
		h.t.Fatal(err)
	}
}

// awaitPointer takes news until one satisfies ok.
func awaitPointer(t *testing.T, c capture.Cursor, what string, ok func(capture.Pointer) bool) capture.Pointer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		p, err := c.Next(ctx)
		if err != nil {
			t.Fatal(what, err)
		}
		if ok(p) {
			return p
		}
	}
}

// The shape is the server's, told when it changes; the place is told after any
// rest, and mapped to the picture where the window can be seen.
func TestCursor(t *testing.T) {
	for _, wm := range []string{"", "openbox"} {
		t.Run("wm="+wm, func(t *testing.T) {
			d := desktop(t, wm)
			w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "shared", Bounds: image.Rect(100, 100, 500, 400), Color: blue})
			s := openStream(t, d, w)
			locate := func(p capture.Pointer) (image.Point, bool) {
				at, size, ok := s.(capture.Locator).Locate(p)
				if ok && size != image.Pt(400, 300) {
					t.Errorf("the picture has %v", size)
				}
				return at, ok
			}
			h := newHand(t, d)
			h.move(1000, 900)
			const beam, hand2 = 152, 60 // XC_xterm, XC_hand2
			h.glyph(w.ID(), beam)
			c, err := capture.OpenCursor(d)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			p := awaitPointer(t, c, "the place", func(p capture.Pointer) bool { return p.At == image.Pt(1000, 900) })
			if _, ok := locate(p); ok {
				t.Error("the pointer is over the root")
			}
			// A rest after which nobody looks: only the server can tell.
			woken := make(chan capture.Pointer)
			go func() {
				defer close(woken)
				for {
					p, err := c.Next(t.Context())
					if err != nil {
						return
					}
					if p.At.X == 1001 {
						woken <- p
						return
					}
				}
			}()
			time.Sleep(1500 * time.Millisecond)
			h.move(1001, 900)
			select {
			case <-woken:
			case <-time.After(20 * time.Second):
				t.Fatal("nobody noticed that the pointer moved")
			}

			origin := w.Bounds().Min
			h.move(origin.X+30, origin.Y+40)
			p = awaitPointer(t, c, "the window", func(p capture.Pointer) bool {
				at, ok := locate(p)
				return ok && at == image.Pt(30, 40) && p.Shape != nil
			})
			checkShape := func(p capture.Pointer) {
				t.Helper()
				r, err := xfixes.GetCursorImage(h.c.Conn).Reply()
				if err != nil {
					t.Fatal(err)
				}
				if p.Shape.W != int(r.Width) || p.Shape.H != int(r.Height) || p.Shape.Hot != image.Pt(int(r.Xhot), int(r.Yhot)) {
					t.Fatalf("the shape is %dx%d at %v", p.Shape.W, p.Shape.H, p.Shape.Hot)
				}
				for i, v := range r.CursorImage {
					if got := p.Shape.Pix[4*i:]; got[0] != byte(v) || got[1] != byte(v>>8) || got[2] != byte(v>>16) || got[3] != byte(v>>24) {
						t.Fatalf("pixel %d is %v, want %08x", i, got[:4], v)
					}
				}
			}
			p = awaitSame(t, c, p, h)
			checkShape(p)
			before := p.Shape
			h.glyph(w.ID(), hand2) // without any motion
			p = awaitPointer(t, c, "the hand", func(p capture.Pointer) bool { return p.Shape != before && p.Shape.W != before.W })
			checkShape(p)

			// What covers the window has the pointer.
			platformtest.NewWindow(t, d.Display(), platformtest.Options{
				Bounds: image.Rect(0, 0, 60, 60).Add(origin), OverrideRedirect: true, Color: red,
			})
			h.move(origin.X+31, origin.Y+40)
			p = awaitPointer(t, c, "the cover", func(p capture.Pointer) bool { return p.At.X == origin.X+31 })
			if _, ok := locate(p); ok {
				t.Error("a window lies in between")
			}
			h.move(origin.X+399, origin.Y+299)
			p = awaitPointer(t, c, "the corner", func(p capture.Pointer) bool { return p.At.X == origin.X+399 })
			if at, ok := locate(p); !ok || at != image.Pt(399, 299) {
				t.Error("the last pixel is", at, ok)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Next(t.Context()); err == nil {
				t.Error("a closed cursor tells news")
			}
		})
	}
}

// awaitSame takes news until the shape is the one that the server shows.
func awaitSame(t *testing.T, c capture.Cursor, p capture.Pointer, h hand) capture.Pointer {
	t.Helper()
	r, err := xfixes.GetCursorImage(h.c.Conn).Reply()
	if err != nil {
		t.Fatal(err)
	}
	if p.Shape.W == int(r.Width) && p.Shape.H == int(r.Height) {
		return p
	}
	return awaitPointer(t, c, "the shape", func(p capture.Pointer) bool { return p.Shape.W == int(r.Width) })
}

// Where there are two pointers each has a shape of its own, and the second one
// can go.
func TestHand(t *testing.T) {
	d := desktop(t, "")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(100, 100, 500, 400), Color: blue})
	other := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(600, 100, 800, 400), Color: red})
	s := openStream(t, d, w)
	h := newHand(t, d)
	h.move(700, 200)
	const beam, hand2, cross = 152, 60, 34
	h.glyph(w.ID(), beam)
	h.glyph(other.ID(), cross)
	xi, err := xinput.New(h.c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := xi.AddMaster("second"); err != nil {
		t.Fatal(err)
	}
	all, err := xi.Devices()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(d xinput.Device) bool { return d.Use == xinput.MasterPointer && d.Name == "second pointer" })
	if i < 0 {
		t.Fatalf("%+v", all)
	}
	second := all[i].ID
	if err := xi.WarpPointer(second, h.c.Root, 50, 50).Check(); err != nil {
		t.Fatal(err)
	}
	own, err := capture.OpenCursor(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = own.Close() })
	hand, err := capture.OpenHand(d, uint16(second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hand.Close() })
	over := func(p capture.Pointer) bool {
		_, _, ok := s.(capture.Locator).Locate(p)
		return ok
	}
	crossed := awaitPointer(t, own, "the host's pointer", func(p capture.Pointer) bool { return p.At == image.Pt(700, 200) && p.Shape != nil }).Shape

	if err := xi.WarpPointer(second, h.c.Root, 150, 150).Check(); err != nil {
		t.Fatal(err)
	}
	beamed := awaitPointer(t, hand, "the second pointer", func(p capture.Pointer) bool { return p.At == image.Pt(150, 150) && over(p) && p.Shape != nil }).Shape
	if beamed.Equal(crossed) {
		t.Error("both look alike")
	}
	h.glyph(w.ID(), hand2)
	awaitPointer(t, hand, "another shape", func(p capture.Pointer) bool { return over(p) && !p.Shape.Equal(beamed) })
	h.move(701, 200)
	if p := awaitPointer(t, own, "the host's motion", func(p capture.Pointer) bool { return p.At == image.Pt(701, 200) }); !p.Shape.Equal(crossed) {
		t.Error("the host's pointer took the second one's shape")
	}

	if err := xi.RemoveMaster(second); err != nil {
		t.Fatal(err)
	}
	h.glyph(other.ID(), beam) // something happens
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		if _, err = hand.Next(ctx); err != nil {
			break
		}
	}
	if ctx.Err() != nil {
		t.Error("the second pointer is gone, and nobody says so")
	}
	if _, err := capture.OpenHand(d, uint16(second)); err == nil {
		t.Error("a pointer that is gone was opened")
	}
}

// The pointer over a menu that sticks out of the window is found in the larger
// picture, and beside it nowhere.
func TestPointerOverMenu(t *testing.T) {
	d := desktop(t, "")
	main := mainWindow(t, d) // at 500,400
	s := openStream(t, d, main)
	next(t, s).Release()
	popup(main, image.Rect(440, 420, 510, 460), green)
	pictured(t, s, "the menu", surfaces(1))
	h := newHand(t, d)
	c, err := capture.OpenCursor(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	for _, at := range []struct {
		screen, picture image.Point
		over            bool
	}{
		{image.Pt(445, 425), image.Pt(5, 25), true},
		{image.Pt(505, 459), image.Pt(65, 59), true},
		{image.Pt(520, 459), image.Pt(80, 59), true},
		{image.Pt(445, 461), image.Point{}, false},
		{image.Pt(799, 599), image.Pt(359, 199), true},
	} {
		h.move(at.screen.X, at.screen.Y)
		p := awaitPointer(t, c, "the pointer", func(p capture.Pointer) bool { return p.At == at.screen })
		got, size, ok := s.(capture.Locator).Locate(p)
		if ok != at.over || ok && (got != at.picture || size != image.Pt(360, 200)) {
			t.Errorf("%v is found at %v of %v, %v", at.screen, got, size, ok)
		}
	}
}
