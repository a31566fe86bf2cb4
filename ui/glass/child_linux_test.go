package glass

import (
	"context"
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

type lent struct{ f *video.Frame }

func (l lent) Picture(f func(*video.Frame)) { f(l.f) }

// stageWindow makes a display with a window on it that plays the toolkit's.
func stageWindow(tb testing.TB, w, h int) (string, *platformtest.Window) {
	tb.Helper()
	d, err := virtual.Start(context.Background(), virtual.Options{Size: image.Pt(2300, 1500)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = d.Close() })
	return d.Name(), platformtest.NewWindow(tb, d.Name(), platformtest.Options{
		Title: "parent", Class: "Parent", Bounds: image.Rect(10, 10, 10+w, 10+h),
	})
}

// onGlass checks that area rect of the screen shows f scaled into it.
func onGlass(t *testing.T, display string, at image.Rectangle, f *video.Frame) {
	t.Helper()
	var s Scaler
	s.Resize(f.W, f.H, at.Dx(), at.Dy())
	want := make([]byte, 4*at.Dx()*at.Dy())
	s.Draw(want, f, image.Rect(0, 0, at.Dx(), at.Dy()))
	root := platformtest.RootSnapshot(t, display)
	for y := range at.Dy() {
		for x := range at.Dx() {
			o := 4 * (y*at.Dx() + x)
			c := root.RGBAAt(at.Min.X+x, at.Min.Y+y)
			if c.B != want[o] || c.G != want[o+1] || c.R != want[o+2] {
				t.Fatalf("pixel %d,%d is %v, want BGR %v", x, y, c, want[o:o+3])
			}
		}
	}
}

func TestChild(t *testing.T) {
	display, parent := stageWindow(t, 500, 400)
	exposed := make(chan struct{}, 16)
	c, err := NewChild(display, uintptr(parent.XID()), func() {
		select {
		case exposed <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	f := noise(300, 200, 5)
	c.Place(image.Rect(0, 36, 500, 400), false)
	paint := func(dirty []image.Rectangle) {
		t.Helper()
		if err := c.Paint(lent{f}, dirty); err != nil {
			t.Fatal(err)
		}
	}
	paint(nil)
	before := platformtest.RootSnapshot(t, display)
	if got := before.RGBAAt(260, 228); got.R|got.G|got.B != 0 {
		t.Fatal("an invisible picture is on the screen")
	}

	at := func(area image.Rectangle) image.Rectangle { return FitIn(area, f.W, f.H).Rect.Add(image.Pt(10, 10)) }
	exact := image.Rect(100, 100, 400, 300)
	c.Place(exact, true)
	paint(nil)
	onGlass(t, display, at(exact), f)

	for _, area := range []image.Rectangle{exact, image.Rect(0, 36, 500, 400), image.Rect(20, 50, 170, 150)} {
		c.Place(area, true)
		paint([]image.Rectangle{{}})
		for i := range f.Pix {
			if i%4 != 3 && i/4%300 >= 40 && i/4%300 < 90 && i/1200 >= 10 && i/1200 < 33 {
				f.Pix[i] ^= 0x5a
			}
		}
		paint([]image.Rectangle{image.Rect(40, 10, 90, 33)})
		onGlass(t, display, at(area), f)
	}

	// A picture of another size takes its place in the same area.
	f = noise(120, 240, 6)
	paint(f.Damage)
	onGlass(t, display, at(image.Rect(20, 50, 170, 150)), f)

	// What another window covered is asked for again.
	over := platformtest.NewWindow(t, display, platformtest.Options{Title: "over", Bounds: image.Rect(0, 0, 300, 300), OverrideRedirect: true})
	for len(exposed) > 0 {
		<-exposed
	}
	over.Close()
	select {
	case <-exposed:
	case <-time.After(5 * time.Second):
		t.Fatal("an exposed child says nothing")
	}
	paint(nil)
	onGlass(t, display, at(image.Rect(20, 50, 170, 150)), f)

	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Paint(lent{f}, nil); err == nil {
		t.Fatal("a closed child paints")
	}
}

// TestChildMarks: marks lie over the picture through updates and new places,
// and leave it exactly as it was.
func TestChildMarks(t *testing.T) {
	display, parent := stageWindow(t, 500, 400)
	c, err := NewChild(display, uintptr(parent.XID()), func() {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	f := noise(300, 200, 8)
	m := session.Marks{
		Pointers: []session.Pointer{{Guest: 1, Name: "Ben", At: wire.Spot{X: 20000, Y: 20000}}},
		Strokes:  []session.Stroke{{Guest: 2, ID: 1, Spots: []wire.Spot{{X: 100, Y: 60000}, {X: 60000, Y: 40000}}, Ink: 1}},
	}
	if err := c.Mark(lent{f}, m); err != nil { // before there is a picture
		t.Fatal(err)
	}
	for _, area := range []image.Rectangle{image.Rect(100, 100, 400, 300), image.Rect(0, 36, 500, 400)} {
		c.Place(area, true)
		if err := c.Paint(lent{f}, nil); err != nil {
			t.Fatal(err)
		}
		marked := func() {
			t.Helper()
			at := FitIn(area, f.W, f.H).Rect
			pix := make([]byte, 4*at.Dx()*at.Dy())
			var s Scaler
			s.Resize(f.W, f.H, at.Dx(), at.Dy())
			s.Draw(pix, f, image.Rect(0, 0, at.Dx(), at.Dy()))
			k := NewSketch(1)
			k.Set(m, at.Dx(), at.Dy())
			k.BlendBGRA(pix, image.Rect(0, 0, at.Dx(), at.Dy()))
			onGlass(t, display, at.Add(image.Pt(10, 10)), &video.Frame{W: at.Dx(), H: at.Dy(), Pix: pix})
		}
		marked()
		f = noise(300, 200, uint64(area.Dx()))
		if err := c.Paint(lent{f}, []image.Rectangle{f.Bounds()}); err != nil {
			t.Fatal(err)
		}
		marked()
		m.Pointers[0].At.X += 9000
		if err := c.Mark(lent{f}, m); err != nil {
			t.Fatal(err)
		}
		marked()
	}
	if err := c.Mark(lent{f}, session.Marks{}); err != nil {
		t.Fatal(err)
	}
	onGlass(t, display, FitIn(image.Rect(0, 36, 500, 400), 300, 200).Rect.Add(image.Pt(10, 10)), f)
}

// click presses and releases a button as a hand would.
func click(t *testing.T, display string, p image.Point, button byte) {
	t.Helper()
	c, err := x11.Connect(display)
	if err == nil {
		defer c.Close()
		err = c.Require(x11.XTest)
	}
	if err != nil {
		t.Fatal(err)
	}
	xtest.FakeInput(c.Conn, xproto.MotionNotify, 0, 0, c.Root, int16(p.X), int16(p.Y), 0)
	xtest.FakeInput(c.Conn, xproto.ButtonPress, button, 0, c.Root, 0, 0, 0)
	if err := xtest.FakeInputChecked(c.Conn, xproto.ButtonRelease, button, 0, c.Root, 0, 0, 0).Check(); err != nil {
		t.Fatal(err)
	}
}

// TestChildPassesInput: the toolkit's window hears of the pointer over the
// child, in its own coordinates.
func TestChildPassesInput(t *testing.T) {
	display, parent := stageWindow(t, 300, 200)
	c, err := NewChild(display, uintptr(parent.XID()), func() {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	c.Place(image.Rect(0, 0, 300, 200), true)
	if err := c.Paint(lent{noise(300, 200, 7)}, nil); err != nil {
		t.Fatal(err)
	}
	click(t, display, image.Pt(10+123, 10+45), 9)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = parent.Await(ctx, func(events []platformtest.Event) bool {
		for _, e := range events {
			if e.Detail == 9 && e.X == 123 && e.Y == 45 {
				return true
			}
		}
		return false
	})
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkPaint(b *testing.B) {
	for _, size := range []image.Point{{X: 1280, Y: 800}, {X: 806, Y: 504}} {
		b.Run(size.String(), func(b *testing.B) {
			display, parent := stageWindow(b, size.X, size.Y)
			c, err := NewChild(display, uintptr(parent.XID()), func() {})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			f := noise(1280, 800, 1)
			c.Place(image.Rect(0, 0, size.X, size.Y), true)
			for b.Loop() {
				if err := c.Paint(lent{f}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
