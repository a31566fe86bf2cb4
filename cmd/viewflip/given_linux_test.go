package main

import (
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/ui/glass"
)

// barOfViewer is the height of what a viewer shows over its picture.
const barOfViewer = 36

// tiler is a window manager that gives every window the size it likes, as
// tiling ones do, and gives another one at every step of a window's opening.
type tiler struct {
	c    *x11.Conn
	done chan struct{}

	mu sync.Mutex
	// sizes are given one after the other, given counts them; the last one stays.
	sizes  []image.Point
	given  int
	window xproto.Window
	// asked are the sizes that the window asked for after it was mapped.
	asked []string
	// grants says that a window gets what it asks for, as from a stacking one.
	grants bool
}

func newTiler(t *testing.T, d *virtual.Display, grants bool, sizes []image.Point) *tiler {
	t.Helper()
	c, err := x11.Connect(d.Name())
	if err != nil {
		t.Fatal(err)
	}
	w := &tiler{c: c, done: make(chan struct{}), sizes: sizes, grants: grants}
	err = xproto.ChangeWindowAttributesChecked(c.Conn, c.Root, xproto.CwEventMask,
		[]uint32{xproto.EventMaskSubstructureRedirect | xproto.EventMaskSubstructureNotify}).Check()
	if err != nil {
		t.Fatal(err)
	}
	go w.run()
	t.Cleanup(func() {
		c.Close()
		<-w.done
	})
	return w
}

func (w *tiler) run() {
	defer close(w.done)
	for {
		ev, err := w.c.WaitForEvent()
		if ev == nil && err == nil {
			return
		}
		w.mu.Lock()
		switch ev := ev.(type) {
		case xproto.MapRequestEvent:
			if w.window == 0 && w.c.Title(ev.Window) != "viewflip" { // that is the lobby
				w.window = ev.Window
				xproto.ChangeWindowAttributes(w.c.Conn, ev.Window, xproto.CwEventMask,
					[]uint32{xproto.EventMaskPropertyChange | xproto.EventMaskSubstructureNotify})
				w.next()
			}
			xproto.MapWindow(w.c.Conn, ev.Window)
		case xproto.ConfigureRequestEvent:
			w.request(ev)
		case xproto.PropertyNotifyEvent:
			w.next()
		case xproto.CreateNotifyEvent:
			if ev.Parent == w.window {
				w.next()
			}
		case xproto.MapNotifyEvent:
			w.next()
		case xproto.ConfigureNotifyEvent:
			if ev.Window != w.window {
				w.next()
			}
		}
		w.mu.Unlock()
	}
}

// next gives the window the next size.
func (w *tiler) next() {
	if w.window == 0 || w.given == len(w.sizes) {
		return
	}
	s := w.sizes[w.given]
	w.given++
	xproto.ConfigureWindow(w.c.Conn, w.window, xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
		[]uint32{10, 10, uint32(s.X), uint32(s.Y)})
}

func (w *tiler) request(ev xproto.ConfigureRequestEvent) {
	const size = xproto.ConfigWindowWidth | xproto.ConfigWindowHeight
	if ev.Window == w.window && ev.ValueMask&size != 0 {
		w.asked = append(w.asked, fmt.Sprintf("%dx%d after %d sizes", ev.Width, ev.Height, w.given))
	}
	if ev.Window != w.window || w.grants {
		xproto.ConfigureWindow(w.c.Conn, ev.Window, ev.ValueMask&size, []uint32{uint32(ev.Width), uint32(ev.Height)})
	}
}

// all gives the sizes that are left.
func (w *tiler) all() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.given < len(w.sizes) {
		w.next()
	}
}

func (w *tiler) state() (window xproto.Window, given int, asked []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.window, w.given, append([]string(nil), w.asked...)
}

// pictureIn is the size of the shared window's picture in a viewer of a size.
func (s *scene) pictureIn(viewer image.Point) image.Point {
	_, w, h := s.shared.Picture()
	return glass.FitIn(image.Rect(0, barOfViewer, viewer.X, viewer.Y), w, h).Rect.Size()
}

// painted reports whether the viewer's bar has words on it up to its end.
func (s *scene) painted(width int) bool {
	for _, x := range []int{0, width / 2} {
		pix, err := s.ben.Pixels(s.viewer, image.Rect(x, 0, x+width/2, barOfViewer-2))
		s.must(err)
		shades := map[byte]bool{}
		for i := 0; i < len(pix); i += 4 {
			shades[pix[i]] = true
		}
		if len(shades) < 10 {
			return false
		}
	}
	return true
}

// Whatever size a window manager gives the viewer, at whatever step of its
// opening, is the size that it keeps: it asks for none itself, so nothing that is
// under way can be undone.
func TestViewerTakesTheSizeItIsGiven(t *testing.T) {
	sizes := []image.Point{
		{1088, 767}, {301, 211}, {700, 500}, {640, 466}, {120, 90}, {1200, 300}, {481, 900}, {999, 640}, {333, 444}, {1010, 750},
		{640, 466}, {500, 401}, {1279, 1023}, {77, 500}, {800, 60}, {1000, 1000}, {641, 467}, {820, 611},
	}
	for name, grants := range map[string]bool{"tiling": false, "stacking": true} {
		t.Run(name, func(t *testing.T) {
			s, db := newSharer(t, "")
			wm := newTiler(t, db, grants, sizes)
			s.join(db)
			s.wait("the viewer's window", func() bool { s.viewer, _, _ = wm.state(); return s.viewer != 0 })
			s.wait("the viewer's picture", func() bool { return s.ben.PictureOf(s.viewer) != 0 })
			wm.all()
			s.awaitPicture(s.pictureIn(sizes[len(sizes)-1]))
			s.wait("the bar over it", func() bool { return s.painted(sizes[len(sizes)-1].X) })
			// The bar has said several things by now: that is no reason either.
			if _, n, asked := wm.state(); n != len(sizes) || len(asked) != 0 {
				t.Errorf("after %d sizes the viewer asked for %v", n, asked)
			}
		})
	}
}

// fills waits until the viewer shows the window as large as the viewer is, and
// the viewer is as large as ok says.
func (s *scene) fills(what string, ok func(image.Point) bool) {
	s.t.Helper()
	s.wait(what, func() bool {
		b, err := s.ben.Bounds(s.viewer)
		return err == nil && ok(b.Size())
	})
	b, err := s.ben.Bounds(s.viewer)
	s.must(err)
	s.awaitPicture(s.pictureIn(b.Size()))
	if now, err := s.ben.Bounds(s.viewer); err != nil || now != b {
		s.t.Errorf("%s: it did not stay: %v became %v, %v", what, b, now, err)
	}
}

// A viewer that is maximised while it opens stays so, whatever becomes of the
// shared window, and takes its old size when it is told to.
func TestViewerIsMaximisedAsItOpens(t *testing.T) {
	s, db := newSharer(t, "openbox")
	s.join(db)
	s.wait("the viewer's window", func() bool { s.viewer = s.ben.Titled("Editor"); return s.viewer != 0 })
	const remove, add, fromPager = 0, 1, 2
	state := func(action uint32) {
		s.must(s.ben.Ask(s.viewer, "_NET_WM_STATE", action, uint32(s.ben.Atom("_NET_WM_STATE_MAXIMIZED_HORZ")),
			uint32(s.ben.Atom("_NET_WM_STATE_MAXIMIZED_VERT")), fromPager))
	}
	state(add)
	large := func(p image.Point) bool { return p.X == 1280 && p.Y > 950 }
	s.wait("the viewer's picture", func() bool { return s.ben.PictureOf(s.viewer) != 0 })
	s.fills("a maximised viewer", large)
	s.shared.Resize(501, 303)
	s.shared.Paint(pattern(501, 303))
	s.fills("a maximised viewer of a smaller window", large)
	if !s.ben.HasAtom(s.viewer, "_NET_WM_STATE", "_NET_WM_STATE_MAXIMIZED_HORZ") {
		t.Error("it is not maximised any more")
	}
	state(remove)
	s.fills("a viewer of its own size", func(p image.Point) bool { return p.X < 1000 && p.Y < 900 })
}

// In a tile of i3 the picture takes what there is, also when the tile changes.
func TestViewerInATile(t *testing.T) {
	if _, err := exec.LookPath("i3"); err != nil {
		t.Skip("i3 is missing (package i3-wm)")
	}
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("font pango:monospace 8\nworkspace_layout default\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, db := newSharer(t, "i3 -c "+config)
	s.join(db)
	s.wait("the viewer's window", func() bool { s.viewer = s.ben.Titled("Editor"); return s.viewer != 0 })
	s.wait("the viewer's picture", func() bool { return s.ben.PictureOf(s.viewer) != 0 })
	whole := func(p image.Point) bool { return p.X > 1200 && p.Y > 900 }
	s.fills("a viewer alone", whole)
	s.shared.Resize(501, 303)
	s.shared.Paint(pattern(501, 303))
	s.fills("a viewer of a smaller window", whole)
	w := platformtest.NewWindow(t, db.Name(), platformtest.Options{Title: "Beside", Bounds: image.Rect(0, 0, 300, 300)})
	s.fills("a viewer beside another window", func(p image.Point) bool { return p.X < 700 && p.Y > 900 })
	s.shared.Resize(640, 430)
	s.shared.Paint(pattern(640, 430))
	s.fills("a viewer of a larger window", func(p image.Point) bool { return p.X < 700 && p.Y > 900 })
	w.Close()
	s.fills("a viewer alone again", whole)
}
