package capture_test

import (
	"context"
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/capture"
	"viewflip.app/platform/platformtest"
	"viewflip.app/video"
)

// never takes frames for a while and fails if any of them has a pixel of rgb.
// It returns how many pixels of own the last one had.
func never(t *testing.T, s capture.Stream, rgb, own uint32, during func()) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if during != nil {
		during()
	}
	last := 0
	for {
		f, err := s.Next(ctx)
		if ctx.Err() != nil {
			return last
		}
		if err != nil {
			t.Fatal(err)
		}
		n := count(f, rgb)
		last = count(f, own)
		f.Release()
		if n > 0 {
			t.Fatalf("%d pixels of another window", n)
		}
	}
}

// A window that hangs has no pixels of its own where it is covered. The server
// puts those of the screen there; they must not be shown.
func TestHungWindowShowsNothingForeign(t *testing.T) {
	for _, wm := range []string{"", "openbox"} {
		t.Run("wm="+wm, func(t *testing.T) {
			d := desktop(t, wm)
			w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "shared", Bounds: image.Rect(100, 100, 500, 400), Color: blue})
			over := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(150, 150, 420, 330), Color: red, OverrideRedirect: true})
			w.Freeze()
			s := openStream(t, d, w)
			visible := 400*300 - 270*180
			if n := never(t, s, red, blue, nil); n != visible {
				t.Errorf("%d own pixels at first, want %d", n, visible)
			}
			never(t, s, red, blue, func() {
				for i := range 40 {
					over.Move(image.Pt(100+5*i, 120+3*i))
				}
				over.Unmap()
				over.Map()
			})
			never(t, s, red, blue, func() { w.Resize(450, 340) })
			never(t, s, red, blue, func() { w.Resize(300, 200) })
			never(t, s, red, blue, func() { w.Unmap(); w.Map() })
			w.Thaw()
			until(t, s, "everything painted", frameFilled(blue))
		})
	}
}

func TestMappedOverAnother(t *testing.T) {
	for _, wm := range []string{"", "openbox"} {
		t.Run("wm="+wm, func(t *testing.T) {
			d := desktop(t, wm)
			platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(0, 0, 900, 800), Color: red})
			w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(100, 100, 400, 300), Color: blue, Hidden: true})
			s := openStream(t, d, w)
			if !s.State().Hidden {
				t.Error("not hidden before it is mapped")
			}
			w.Freeze()
			never(t, s, red, blue, w.Map)
			w.Thaw()
			until(t, s, "everything painted", frameFilled(blue))
		})
	}
}

// What a resize keeps is shown at once, without waiting for a repaint.
func TestResizeKeepsContent(t *testing.T) {
	d := desktop(t, "")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(10, 10, 210, 110), Color: blue, Gravity: xproto.GravityNorthWest})
	s := openStream(t, d, w)
	next(t, s).Release()
	w.Freeze()
	if n := never(t, s, red, blue, func() { w.Resize(300, 150) }); n != 200*100 {
		t.Errorf("%d of %d kept pixels shown", n, 200*100)
	}
}

func TestPartlyOffScreen(t *testing.T) {
	d := desktop(t, "")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(-150, -50, 250, 250), Color: blue})
	platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(0, 0, 90, 90), Color: red, OverrideRedirect: true})
	s := openStream(t, d, w)
	until(t, s, "everything painted", frameFilled(blue))
	w.Move(image.Pt(-500, -500))
	w.Fill(image.Rect(0, 0, 400, 300), green)
	until(t, s, "paint outside the screen", frameFilled(green))
}

// What the server paints by itself, in the window and in windows inside it,
// needs no application.
func TestBackgroundsAreOwn(t *testing.T) {
	d := desktop(t, "")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(100, 100, 300, 250), Color: blue, Background: true})
	child := func(parent xproto.Window, r image.Rectangle, rgb uint32) xproto.Window {
		c := w.Conn()
		id, err := xproto.NewWindowId(c.Conn)
		if err != nil {
			t.Fatal(err)
		}
		xproto.CreateWindow(c.Conn, c.Screen.RootDepth, id, parent, int16(r.Min.X), int16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()), 0,
			xproto.WindowClassInputOutput, c.Screen.RootVisual, xproto.CwBackPixel, []uint32{rgb})
		if err := xproto.MapWindowChecked(c.Conn, id).Check(); err != nil {
			t.Fatal(err)
		}
		return id
	}
	inner := child(w.XID(), image.Rect(20, 20, 120, 100), green)
	child(inner, image.Rect(10, 10, 30, 30), red)
	platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(0, 0, 200, 200), OverrideRedirect: true})
	w.Freeze()
	s := openStream(t, d, w)
	whole := func(f *video.Frame) bool {
		const g, r = 100*80 - 20*20, 20 * 20
		return count(f, red) == r && count(f, green) == g && count(f, blue) == f.W*f.H-g-r
	}
	until(t, s, "every background", whole)
	w.Unmap()
	w.Map()
	until(t, s, "every background after mapping", whole)
}
