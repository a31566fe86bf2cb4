package capture_test

import (
	"context"
	"errors"
	"image"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/capture"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
	"viewflip.app/video"
)

// noise is a picture in which every pixel is different.
func noise(w, h int) []byte {
	p := make([]byte, w*h*4)
	for i := range w * h {
		p[4*i], p[4*i+1], p[4*i+2], p[4*i+3] = byte(i), byte(i>>8), byte(i>>16)^byte(i*7), byte(i*13)
	}
	return p
}

// same reports whether a frame is what the client painted, and opaque.
func same(f *video.Frame, w *platformtest.Window) bool {
	pix, width, height := w.Picture()
	if f.W != width || f.H != height {
		return false
	}
	for i := 3; i < len(pix); i += 4 {
		pix[i] = 255
	}
	return slices.Equal(f.Pix, pix)
}

func TestPixelsAreTheWindows(t *testing.T) {
	for name, o := range map[string]platformtest.Options{
		"plain":       {Bounds: image.Rect(40, 30, 253, 171)},
		"border":      {Bounds: image.Rect(40, 30, 253, 171), Border: 7},
		"depth 32":    {Bounds: image.Rect(40, 30, 253, 171), Depth: 32},
		"popup":       {Bounds: image.Rect(40, 30, 253, 171), OverrideRedirect: true},
		"border + 32": {Bounds: image.Rect(40, 30, 253, 171), Depth: 32, Border: 3},
		"one pixel":   {Bounds: image.Rect(40, 30, 41, 31)},
	} {
		for _, shm := range []bool{true, false} {
			t.Run(name+"/shm="+strconv.FormatBool(shm), func(t *testing.T) {
				d := desktop(t, "")
				w := platformtest.NewWindow(t, d.Display(), o)
				w.Paint(noise(o.Bounds.Dx(), o.Bounds.Dy()))
				s := openStream(t, d, w)
				if !shm {
					capture.WithoutSHM(s)
				}
				until(t, s, "what was painted", func(f *video.Frame) bool { return same(f, w) })
				w.Fill(image.Rect(0, 0, 1, 1), green)
				settled(t, s)
				r := image.Rect(3, 5, 20, 9).Intersect(image.Rect(0, 0, o.Bounds.Dx(), o.Bounds.Dy()))
				if r.Empty() {
					r = image.Rect(0, 0, 1, 1)
				}
				w.Fill(r, red)
				f := next(t, s)
				if !same(f, w) || len(f.Damage) != 1 || f.Damage[0] != r {
					t.Errorf("after painting %v: damage %v", r, f.Damage)
				}
				f.Release()
			})
		}
	}
}

func TestScroll(t *testing.T) {
	d := desktop(t, "openbox")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(100, 100, 400, 300)})
	w.Paint(noise(300, 200))
	s := openStream(t, d, w)
	until(t, s, "the noise", func(f *video.Frame) bool { return same(f, w) })
	for i := range 10 {
		w.Scroll(7+i, uint32(i))
		until(t, s, "the scrolled picture", func(f *video.Frame) bool { return same(f, w) })
	}
}

// Client-side shadows are cropped, and the generation tells.
func TestFrameExtents(t *testing.T) {
	d := desktop(t, "")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(10, 10, 210, 160), Color: red})
	inner := image.Rect(10, 30, 180, 110)
	w.Fill(inner, blue)
	s := openStream(t, d, w)
	f := next(t, s)
	gen := f.Gen
	f.Release()
	w.SetCardinals("_GTK_FRAME_EXTENTS", 10, 20, 30, 40)
	until(t, s, "the crop", func(f *video.Frame) bool {
		return f.Gen > gen && f.W == inner.Dx() && f.H == inner.Dy() && count(f, blue) == f.W*f.H
	})
	w.Fill(image.Rect(0, 0, 1, 1), green)
	w.Fill(image.Rect(10, 30, 11, 31), green)
	settled(t, s)
	w.Fill(image.Rect(0, 0, 15, 35), green)
	f = next(t, s)
	if len(f.Damage) != 1 || f.Damage[0] != image.Rect(0, 0, 5, 5) || count(f, green) != 25 {
		t.Errorf("damage %v", f.Damage)
	}
	f.Release()
	w.Fill(image.Rect(0, 0, 200, 10), green) // in the shadow
	w.Fill(image.Rect(20, 40, 21, 41), green)
	f = next(t, s)
	if len(f.Damage) != 1 || f.Damage[0] != image.Rect(10, 10, 11, 11) {
		t.Errorf("damage %v of the shadow", f.Damage)
	}
	f.Release()
}

func TestStates(t *testing.T) {
	d := desktop(t, "openbox")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "one", Bounds: image.Rect(100, 100, 300, 250), Color: blue})
	s := openStream(t, d, w)
	st := s.State()
	if st.Title != "one" || st.W != 200 || st.H != 150 || st.Gen == 0 || st.Hidden || st.Closed {
		t.Errorf("%+v", st)
	}
	await := func(what string, ok func(capture.State) bool) {
		t.Helper()
		end := time.After(10 * time.Second)
		for {
			select {
			case st, open := <-s.States():
				if !open {
					t.Fatal("closed before", what)
				}
				if ok(st) {
					return
				}
			case <-end:
				t.Fatal("never told of", what)
			}
		}
	}
	w.SetTitle("two")
	await("the title", func(st capture.State) bool { return st.Title == "two" && st.Gen == 1 })
	w.Resize(220, 150)
	await("the size", func(st capture.State) bool { return st.W == 220 && st.H == 150 && st.Gen == 2 })
	w.Minimise()
	await("hiding", func(st capture.State) bool { return st.Hidden && st.W == 220 && st.Gen == 2 })
	w.Map()
	await("showing", func(st capture.State) bool { return !st.Hidden && st.Gen == 2 })
	w.Move(image.Pt(300, 200))
	if s.State().Gen != 2 {
		t.Error("a move is no change of the picture")
	}
	w.Close()
	await("closing", func(st capture.State) bool { return st.Closed })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, open := <-s.States(); open {
		t.Error("not closed with the stream")
	}
	if _, err := s.Next(t.Context()); !errors.Is(err, capture.ErrGone) {
		t.Error("Next after Close:", err)
	}
	if err := s.Close(); err != nil {
		t.Error("second Close:", err)
	}
}

// Nothing happens while nothing changes, and Next waits for a buffer instead
// of overwriting one.
func TestNextWaits(t *testing.T) {
	d := desktop(t, "")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(10, 10, 110, 110), Color: blue})
	s := openStream(t, d, w)
	settled(t, s)
	var lent []*video.Frame
	idle := func(what string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if f, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: a frame %v, %v", what, f != nil, err)
		}
	}
	for i := range 3 {
		w.Fill(image.Rect(i, 0, i+1, 1), red)
		lent = append(lent, next(t, s))
		if i == 0 {
			idle("idle")
		}
	}
	w.Fill(image.Rect(50, 50, 60, 60), green)
	idle("every buffer lent")
	lent[1].Release()
	f := next(t, s)
	if count(f, green) != 100 || count(f, red) != 3 {
		t.Error("the picture that waited is not the newest")
	}
	if len(f.Damage) != 1 || f.Damage[0] != image.Rect(50, 50, 60, 60) {
		t.Error("damage", f.Damage)
	}
	f.Release()
	lent[0].Release()
	lent[2].Release()
}

// Sharing a window must not take the keyboard from it, nor closing the share.
func TestFocusStays(t *testing.T) {
	for _, wm := range []string{"", "openbox"} {
		t.Run("wm="+wm, func(t *testing.T) {
			d := desktop(t, wm)
			w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "w", Bounds: image.Rect(100, 100, 300, 250), Color: blue})
			w.Focus()
			w.Forget()
			s := openStream(t, d, w)
			next(t, s).Release()
			_ = s.Close()
			if f, err := xproto.GetInputFocus(w.Conn().Conn).Reply(); err != nil || f.Focus != w.XID() {
				t.Error("the focus moved")
			}
			for _, e := range w.Events() {
				if e.Kind == platformtest.Blur {
					t.Error("the window lost the focus for a moment")
				}
			}
		})
	}
}

// A real program, with windows inside its window, whose background the server
// paints: what is captured under a cover equals what the screen shows without.
func TestXterm(t *testing.T) {
	v, d := realDesktop(t)
	if err := v.Run("xterm", "-T", "lines", "-geometry", "60x20+100+100", "-e", "sh", "-c", "seq 1 18; sleep 1000"); err != nil {
		t.Fatal(err)
	}
	var id platform.WindowID
	platformtest.Eventually(t, "xterm", func() bool {
		l, err := d.Windows(t.Context())
		if err != nil || len(l) != 1 || l[0].Hidden {
			return false
		}
		id = l[0].ID
		return true
	})
	white := func(img *image.RGBA) (n int) {
		for i := 0; i < len(img.Pix); i += 4 {
			if img.Pix[i] > 200 {
				n++
			}
		}
		return n
	}
	// All lines, and the screen at rest.
	last := -1
	platformtest.Eventually(t, "the text", func() bool {
		time.Sleep(300 * time.Millisecond)
		n := white(platformtest.Snapshot(t, v.Name(), id))
		rest := n == last && n > 0
		last = n
		return rest
	})
	want := platformtest.Snapshot(t, v.Name(), id)
	platformtest.NewWindow(t, v.Name(), platformtest.Options{Bounds: image.Rect(50, 50, 350, 300), Color: red, OverrideRedirect: true})
	s, err := capture.Open(t.Context(), d, id, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	until(t, s, "what the screen showed before", func(f *video.Frame) bool {
		if count(f, red) > 0 {
			t.Fatal("pixels of the cover")
		}
		if f.W != want.Bounds().Dx() || f.H != want.Bounds().Dy() {
			return false
		}
		diff := 0
		for i := 0; i < len(f.Pix); i += 4 {
			if f.Pix[i] != want.Pix[i+2] || f.Pix[i+1] != want.Pix[i+1] || f.Pix[i+2] != want.Pix[i] {
				diff++
			}
		}
		return diff == 0
	})
}

// Many streams come and go: descriptors and shared memory with them.
func TestNoLeakOfTheSystem(t *testing.T) {
	d := desktop(t, "")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(0, 0, 64, 64), Color: blue})
	mine := func() (files, segments int) {
		l, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile("/proc/sysvipc/shm")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 4 && f[4] == strconv.Itoa(os.Getpid()) {
				segments++
			}
		}
		return len(l), segments
	}
	cycle := func(i int) {
		s, err := capture.Open(t.Context(), d, w.ID(), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		f := next(t, s)
		w.Fill(image.Rect(0, 0, 64, 64), uint32(i))
		g := next(t, s)
		f.Release()
		_ = s.Close()
		g.Release()
	}
	cycle(0)
	files, segments := mine()
	for i := range 30 {
		cycle(i + 1)
	}
	platformtest.Eventually(t, "descriptors and shared memory to be returned", func() bool {
		f, s := mine()
		return f <= files && s <= segments
	})
}

func TestNotCapturable(t *testing.T) {
	d := desktop(t, "")
	c, err := x11.Connect(d.Display())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	id, err := xproto.NewWindowId(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := xproto.CreateWindowChecked(c.Conn, 0, id, c.Root, 0, 0, 10, 10, 0, xproto.WindowClassInputOnly, 0, 0, nil).Check(); err != nil {
		t.Fatal(err)
	}
	if _, err := capture.Open(t.Context(), d, platform.NewWindowID(uint32(id)), capture.Options{}); err == nil {
		t.Error("a window without pixels")
	}
}
