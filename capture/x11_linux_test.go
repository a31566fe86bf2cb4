package capture_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"testing"
	"time"

	"viewflip.app/capture"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/video"
)

const (
	blue  = 0x2040c0
	red   = 0xff0000
	green = 0x00c040
)

func desktop(t testing.TB, wm string) *platform.Desktop {
	t.Helper()
	d, err := virtual.Start(t.Context(), virtual.Options{WM: wm})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	desk, err := platform.Open(d.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = desk.Close() })
	return desk
}

func openStream(t testing.TB, d *platform.Desktop, w *platformtest.Window) capture.Stream {
	t.Helper()
	s, err := capture.Open(t.Context(), d, w.ID(), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func next(t testing.TB, s capture.Stream) *video.Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	f, err := s.Next(ctx)
	if err != nil {
		t.Fatal("Next:", err)
	}
	return f
}

func count(f *video.Frame, rgb uint32) (n int) {
	for i := 0; i < len(f.Pix); i += 4 {
		if uint32(f.Pix[i])|uint32(f.Pix[i+1])<<8|uint32(f.Pix[i+2])<<16 == rgb && f.Pix[i+3] == 255 {
			n++
		}
	}
	return n
}

// settled takes frames until the window is at rest: capturing may have made the
// client repaint.
func settled(t testing.TB, s capture.Stream) {
	t.Helper()
	next(t, s).Release()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		f, err := s.Next(ctx)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return
		}
		if err != nil {
			t.Fatal("Next:", err)
		}
		f.Release()
	}
}

// frameFilled is true for a picture of one colour.
func frameFilled(rgb uint32) func(*video.Frame) bool {
	return func(f *video.Frame) bool { return count(f, rgb) == f.W*f.H }
}

// until takes frames until one satisfies ok.
func until(t testing.TB, s capture.Stream, what string, ok func(*video.Frame) bool) {
	t.Helper()
	for range 200 {
		f := next(t, s)
		good := ok(f)
		f.Release()
		if good {
			return
		}
	}
	t.Fatal("no picture with", what)
}

func TestOccluderNeverShows(t *testing.T) {
	for _, wm := range []string{"", "openbox"} {
		t.Run("wm="+wm, func(t *testing.T) {
			d := desktop(t, wm)
			w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "shared", Bounds: image.Rect(100, 100, 500, 400), Color: blue})
			platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(150, 150, 420, 330), Color: red, OverrideRedirect: true})
			s := openStream(t, d, w)
			f := next(t, s)
			if f.W != 400 || f.H != 300 || count(f, red) > 0 || count(f, blue) < 400*300-270*180 {
				t.Errorf("%dx%d with %d own pixels of %d, %d of the occluder", f.W, f.H, count(f, blue), 400*300, count(f, red))
			}
			if len(f.Damage) != 1 || f.Damage[0] != f.Bounds() {
				t.Errorf("the first frame must be damaged as a whole, not %v", f.Damage)
			}
			full := count(f, blue) == 400*300
			f.Release()
			if !full { // the application may take its time
				until(t, s, "everything", frameFilled(blue))
			}
		})
	}
}

func TestDamageIsExact(t *testing.T) {
	d := desktop(t, "")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(10, 10, 310, 210), Color: blue})
	s := openStream(t, d, w)
	settled(t, s)
	r := image.Rect(40, 50, 47, 63)
	w.Fill(r, green)
	f := next(t, s)
	defer f.Release()
	if len(f.Damage) != 1 || f.Damage[0] != r {
		t.Errorf("damage %v, want %v", f.Damage, r)
	}
	if count(f, green) != 7*13 || count(f, blue) != 300*200-7*13 {
		t.Errorf("%d green and %d blue pixels", count(f, green), count(f, blue))
	}
}

// A frame that is lent out must not change under its owner.
func TestLentFrameStays(t *testing.T) {
	d := desktop(t, "")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(10, 10, 110, 110), Color: blue})
	s := openStream(t, d, w)
	settled(t, s)
	w.Fill(image.Rect(0, 0, 100, 100), blue)
	first := next(t, s)
	w.Fill(image.Rect(0, 0, 50, 50), green)
	second := next(t, s)
	w.Fill(image.Rect(50, 50, 100, 100), red)
	third := next(t, s)
	if count(first, blue) != 10000 || count(second, green) != 2500 || count(third, red) != 2500 || count(third, green) != 2500 {
		t.Error("a lent frame changed, or a buffer kept stale pixels")
	}
	first.Release()
	second.Release()
	third.Release()
	// Every buffer in turn is brought up to date.
	for i := range 6 {
		w.Fill(image.Rect(i, 90, i+1, 91), 0x010101)
		f := next(t, s)
		if count(f, 0x010101) != i+1 || count(f, green) != 2500 {
			t.Errorf("turn %d: stale pixels", i)
		}
		f.Release()
	}
}

func TestResizeHideClose(t *testing.T) {
	d := desktop(t, "openbox")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "x", Bounds: image.Rect(50, 50, 250, 150), Color: blue})
	s := openStream(t, d, w)
	f := next(t, s)
	gen := f.Gen
	f.Release()
	w.Resize(333, 222)
	until(t, s, "the new size", func(f *video.Frame) bool {
		return f.W == 333 && f.H == 222 && f.Gen > gen && count(f, blue) == 333*222
	})
	w.Unmap()
	platformtest.Eventually(t, "hidden", func() bool { return s.State().Hidden })
	w.Map()
	platformtest.Eventually(t, "shown", func() bool { return !s.State().Hidden })
	w.Fill(image.Rect(0, 0, 333, 222), green)
	until(t, s, "the picture after hiding", func(f *video.Frame) bool { return count(f, green) == 333*222 })
	w.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		f, err := s.Next(ctx)
		if err == nil {
			f.Release()
			continue
		}
		if !errors.Is(err, capture.ErrGone) || !s.State().Closed {
			t.Fatalf("after closing: %v, state %+v", err, s.State())
		}
		break
	}
}

func TestUnknownWindow(t *testing.T) {
	d := desktop(t, "")
	if _, err := capture.Open(t.Context(), d, platform.NewWindowID(0x7fffff), capture.Options{}); !errors.Is(err, capture.ErrGone) {
		t.Fatal(err)
	}
}

func TestNoLeak(t *testing.T) {
	d := desktop(t, "")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Bounds: image.Rect(0, 0, 64, 64), Color: blue})
	cycle := func() {
		s, err := capture.Open(t.Context(), d, w.ID(), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		f := next(t, s)
		_ = s.Close()
		f.Release() // a frame may outlive its stream
	}
	cycle()
	before := runtime.NumGoroutine()
	for range 20 {
		cycle()
	}
	platformtest.Eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}

func BenchmarkNext(b *testing.B) {
	for _, size := range []image.Point{{X: 1280, Y: 800}, {X: 1920, Y: 1080}} {
		for _, part := range []image.Rectangle{image.Rect(0, 0, 8, 16), {Max: size}} {
			b.Run(fmt.Sprintf("%dx%d/damage=%dx%d", size.X, size.Y, part.Dx(), part.Dy()), func(b *testing.B) {
				v, err := virtual.Start(b.Context(), virtual.Options{Size: image.Pt(1920, 1080)})
				if err != nil {
					b.Fatal(err)
				}
				defer v.Close()
				d, err := platform.Open(v.Name(), nil)
				if err != nil {
					b.Fatal(err)
				}
				defer d.Close()
				w := platformtest.NewWindow(b, v.Name(), platformtest.Options{Bounds: image.Rectangle{Max: size}, Color: blue, OverrideRedirect: true})
				s := openStream(b, d, w)
				next(b, s).Release()
				i := uint32(0)
				for b.Loop() {
					i++
					b.StopTimer()
					w.Fill(part, i)
					b.StartTimer()
					next(b, s).Release()
				}
			})
		}
	}
}
