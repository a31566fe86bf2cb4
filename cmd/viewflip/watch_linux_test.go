package main

import (
	"bytes"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11"
)

// watched is a window of another process as the X server shows it: the outside
// view of what a person sees.
type watched struct {
	tb      testing.TB
	c       *x11.Conn
	win     xproto.Window
	painted chan image.Rectangle
	done    chan struct{}
}

// watch opens the display; find chooses the window.
func watch(tb testing.TB, display string) *watched {
	tb.Helper()
	c, err := x11.Connect(display)
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.Require(x11.Damage, x11.XTest); err != nil {
		tb.Fatal(err)
	}
	return &watched{tb: tb, c: c, painted: make(chan image.Rectangle, 4096), done: make(chan struct{})}
}

// find looks for a visible window of exactly this size and follows it.
func (x *watched) find(w, h int) bool {
	if x.win = x.search(x.c.Root, w, h); x.win == 0 {
		return false
	}
	d, err := damage.NewDamageId(x.c.Conn)
	if err != nil {
		x.tb.Fatal(err)
	}
	// Raw rectangles: an event for every time that something was painted.
	if err := damage.CreateChecked(x.c.Conn, d, xproto.Drawable(x.win), damage.ReportLevelRawRectangles).Check(); err != nil {
		return false
	}
	go x.run()
	return true
}

// search looks for the innermost, topmost window of a size: around and behind
// it there may be a window manager's of the same size.
func (x *watched) search(parent xproto.Window, w, h int) (win xproto.Window) {
	t, err := xproto.QueryTree(x.c.Conn, parent).Reply()
	if err != nil {
		return 0
	}
	for _, child := range slices.Backward(t.Children) { // the topmost first
		g, gerr := xproto.GetGeometry(x.c.Conn, xproto.Drawable(child)).Reply()
		a, aerr := xproto.GetWindowAttributes(x.c.Conn, child).Reply()
		if gerr != nil || aerr != nil || a.MapState != xproto.MapStateViewable {
			continue
		}
		if win = x.search(child, w, h); win != 0 {
			return win
		}
		if int(g.Width) == w && int(g.Height) == h && a.Class == xproto.WindowClassInputOutput {
			return child
		}
	}
	return 0
}

func (x *watched) run() {
	defer close(x.done)
	for {
		ev, err := x.c.WaitForEvent()
		if ev == nil && err == nil {
			return
		}
		n, ok := x.c.DamageNotify(ev)
		if !ok {
			continue
		}
		r := image.Rect(0, 0, int(n.Area.Width), int(n.Area.Height)).Add(image.Pt(int(n.Area.X), int(n.Area.Y)))
		select {
		case x.painted <- r:
		default: // nobody measures now
		}
	}
}

// close ends the watch; the window stays.
func (x *watched) close() {
	x.c.Close()
	<-x.done
}

// drain forgets what was painted so far.
func (x *watched) drain() {
	for {
		select {
		case <-x.painted:
		default:
			return
		}
	}
}

// read is what the server shows in r: BGRX, tightly packed.
func (x *watched) read(r image.Rectangle) []byte {
	x.tb.Helper()
	g, err := xproto.GetImage(x.c.Conn, xproto.ImageFormatZPixmap, xproto.Drawable(x.win),
		int16(r.Min.X), int16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()), 0xffffffff).Reply()
	if err != nil {
		x.tb.Fatal("the window cannot be read:", err)
	}
	return g.Data
}

// shadow is the window's picture as it was read last.
type shadow struct {
	pix  []byte
	w, h int
}

func (x *watched) shadow(w, h int) *shadow {
	return &shadow{x.read(image.Rect(0, 0, w, h)), w, h}
}

// renew brings r up to date and reports whether it has changed.
func (s *shadow) renew(x *watched, r image.Rectangle) bool {
	r = r.Intersect(image.Rect(0, 0, s.w, s.h))
	if r.Empty() {
		return false
	}
	pix, changed := x.read(r), false
	for y := range r.Dy() {
		row := pix[y*r.Dx()*4 : (y+1)*r.Dx()*4]
		old := s.pix[((r.Min.Y+y)*s.w+r.Min.X)*4:][:len(row)]
		if !bytes.Equal(row, old) {
			changed = true
			copy(old, row)
		}
	}
	return changed
}

// awaitChange waits until a pixel is different from what s knows.
func (x *watched) awaitChange(s *shadow, limit time.Duration) bool {
	end := time.After(limit)
	for {
		select {
		case r := <-x.painted:
			if s.renew(x, r) {
				return true
			}
		case <-end:
			return false
		}
	}
}
