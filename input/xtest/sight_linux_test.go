package xtest_test

import (
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

// What is left of rectangles is what their pixels say.
func TestArea(t *testing.T) {
	rnd := random(7, 7)
	anyRect := func() image.Rectangle {
		x, y := rnd.IntN(20), rnd.IntN(20)
		return image.Rect(x, y, x+rnd.IntN(12), y+rnd.IntN(12))
	}
	for range 500 {
		a, b := []image.Rectangle{anyRect()}, []image.Rectangle{anyRect()}
		sum := xtest.Subtract(a, b)
		sum, b2 := xtest.Subtract(sum, []image.Rectangle{anyRect()}), sum
		both := xtest.Intersect(b2, []image.Rectangle{image.Rect(5, 5, 15, 15)})
		for y := range 32 {
			for x := range 32 {
				p := image.Pt(x, y)
				n := func(rs []image.Rectangle) (n int) {
					for _, r := range rs {
						if p.In(r) {
							n++
						}
					}
					return n
				}
				if n(sum) > 1 || n(b2) != max(0, n(a)-n(b)) || n(both) != min(n(b2), n([]image.Rectangle{image.Rect(5, 5, 15, 15)})) {
					t.Fatalf("%v at %v: %v without %v is %v", p, a, b, b2, both)
				}
			}
		}
	}
}

// A thousand windows over the shared one: whoever types is told at once, and the
// server is not held up for long.
func TestCoverOfMany(t *testing.T) {
	display := start(t)
	b := onx11.NewBench(t, display, opener(xtest.SeatOptions{}))
	c := pt.NewWindow(t, display, pt.Options{Bounds: image.Rect(0, 0, 10, 10), OverrideRedirect: true}).Conn()
	r := b.Win.Bounds()
	strip := func(x int) { // a line of one pixel
		id, err := xproto.NewWindowId(c.Conn)
		if err != nil {
			t.Fatal(err)
		}
		xproto.CreateWindow(c.Conn, 0, id, c.Root, int16(r.Min.X+x), int16(r.Min.Y), 1, uint16(r.Dy()), 0, xproto.WindowClassInputOnly, 0, xproto.CwOverrideRedirect, []uint32{1})
		xproto.MapWindow(c.Conn, id)
	}
	const left = 37 // the line that is left
	for i := range 1000 {
		if x := i % r.Dx(); x != left {
			strip(x)
		}
	}
	_, _ = xproto.GetInputFocus(c.Conn).Reply()
	var grabs []time.Duration
	d, err := platform.Open(display, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	desk, err := opener(xtest.SeatOptions{})(t.Context(), d, b.Win.ID())
	if err != nil {
		t.Fatal(err)
	}
	xtest.Timing(desk, func(d time.Duration) { grabs = append(grabs, d) })
	g := input.NewGate(input.Config{Desk: desk})
	t.Cleanup(func() { _ = g.Close() })
	g.SetGeneration(onx11.Gen)
	press := func() wire.Reason {
		defer g.Do(wire.Input{Kind: wire.ReleaseAll}, onx11.Rights)
		return g.Do(b.Key(wire.KeyDown, "KeyA"), onx11.Rights).Reason
	}
	pt.Eventually(t, "a key through the gap", func() bool { return press() == 0 })
	strip(left)
	_, _ = xproto.GetInputFocus(c.Conn).Reply()
	grabs = nil
	for range 100 {
		if why := press(); why != wire.Covered {
			t.Fatalf("covered by many: %v", why)
		}
	}
	longest, long := time.Duration(0), 0
	for _, d := range grabs {
		longest = max(longest, d)
		if d > 20*time.Millisecond {
			long++
		}
	}
	t.Logf("the longest of %d sections: %v", len(grabs), longest)
	if long > len(grabs)/10 {
		t.Errorf("%d of %d sections took longer than 20 ms", long, len(grabs))
	}
}
