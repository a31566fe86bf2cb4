package glass

import (
	"context"
	"image"
	"image/color"
	"testing"
	"time"

	"viewflip.app/capture"
	"viewflip.app/input"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/session"
	"viewflip.app/wire"
)

const ground = 0x203040

// underMarks makes a desktop with openbox and a window, and an overlay over it.
func underMarks(t *testing.T) (string, *platformtest.Window, *Overlay) {
	t.Helper()
	d, err := virtual.Start(t.Context(), virtual.Options{Size: image.Pt(1000, 800), WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	w := platformtest.NewWindow(t, d.Name(), platformtest.Options{
		Title: "shared", Class: "Shared", Color: ground, Background: true, Bounds: image.Rect(100, 100, 500, 400),
	})
	// openbox, just started on a busy machine, has been seen to place a window
	// of 8 by 8 pixels instead.
	w.Resize(400, 300)
	w.Move(image.Pt(100, 100))
	o, err := NewOverlay(d.Name(), w.ID())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return d.Name(), w, o
}

// inked counts the pixels of a guest's colour in and outside r of the screen.
func inked(t *testing.T, display string, g wire.Guest, r image.Rectangle) (in, out int) {
	t.Helper()
	img, c := platformtest.RootSnapshot(t, display), Colour(g)
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			switch p := img.RGBAAt(x, y); {
			case color.NRGBA(p) != c:
			case image.Pt(x, y).In(r):
				in++
			default:
				out++
			}
		}
	}
	return in, out
}

// at is where a spot of a window is on the screen.
func at(w *platformtest.Window, s wire.Spot) image.Point {
	b := w.Bounds()
	return b.Min.Add(image.Pt(wire.Pixel(s.X, b.Dx()), wire.Pixel(s.Y, b.Dy())))
}

func pointing(s wire.Spot) session.Marks {
	return session.Marks{Pointers: []session.Pointer{{Guest: 2, Name: "Ben", At: s}}}
}

func show(t *testing.T, o *Overlay, m session.Marks) {
	t.Helper()
	if err := o.Show(m); err != nil {
		t.Fatal(err)
	}
}

// seen waits until the pointer, of which 5,5 is inside the arrow, is where it
// belongs and nowhere else.
func seen(t *testing.T, display string, w *platformtest.Window, s wire.Spot) {
	t.Helper()
	platformtest.Eventually(t, "the pointer at its place", func() bool {
		p := at(w, s).Add(image.Pt(5, 5))
		in, out := inked(t, display, 2, image.Rect(-7, -7, 60, 50).Add(p))
		return color.NRGBA(platformtest.RootSnapshot(t, display).RGBAAt(p.X, p.Y)) == Colour(2) && in > 100 && out == 0
	})
}

func unseen(t *testing.T, display, when string) {
	t.Helper()
	platformtest.Eventually(t, "no pointer: "+when, func() bool {
		in, out := inked(t, display, 2, image.Rectangle{})
		return in+out == 0
	})
}

func TestOverlayFollowsItsWindow(t *testing.T) {
	display, w, o := underMarks(t)
	spot := wire.Spot{X: 1 << 15, Y: 1 << 14}
	show(t, o, pointing(spot))
	seen(t, display, w, spot)

	w.Move(image.Pt(320, 250))
	seen(t, display, w, spot)
	w.Resize(600, 360)
	seen(t, display, w, spot)
	spot = wire.Spot{X: 3 << 13, Y: 1 << 15}
	show(t, o, pointing(spot))
	seen(t, display, w, spot)

	// What covers the window covers its marks; raising it brings them back.
	over := platformtest.NewWindow(t, display, platformtest.Options{Title: "over", Class: "Over", Color: 0x777777, Background: true, Bounds: image.Rect(300, 200, 980, 780)})
	unseen(t, display, "covered")
	show(t, o, session.Marks{Strokes: []session.Stroke{{Guest: 2, Spots: []wire.Spot{spot, {X: 1 << 15, Y: 1 << 15}}, Ink: 1}}})
	unseen(t, display, "a new mark under a cover")
	show(t, o, pointing(spot))
	w.Raise()
	seen(t, display, w, spot)
	over.Raise()
	unseen(t, display, "covered again")
	over.Close()
	seen(t, display, w, spot)

	w.Minimise()
	unseen(t, display, "minimised")
	show(t, o, pointing(wire.Spot{}))
	unseen(t, display, "minimised and moved")
	w.Map()
	seen(t, display, w, wire.Spot{})
	show(t, o, session.Marks{})
	unseen(t, display, "none left")
	show(t, o, pointing(spot))
	seen(t, display, w, spot)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	unseen(t, display, "closed")
	if err := o.Show(pointing(spot)); err == nil {
		t.Error("a closed overlay shows")
	}
}

// No mark leaves the window's content, wherever somebody points.
func TestOverlayIsClipped(t *testing.T) {
	display, w, o := underMarks(t)
	w.SetCardinals("_GTK_FRAME_EXTENTS", 20, 30, 10, 40)
	b := w.Bounds()
	content := image.Rect(b.Min.X+20, b.Min.Y+10, b.Max.X-30, b.Max.Y-40)
	for _, s := range []wire.Spot{{}, {X: 65535}, {Y: 65535}, {X: 65535, Y: 65535}, {X: 65000, Y: 30000}, {X: 65535, Y: 30000}} {
		m := pointing(s)
		m.Strokes = []session.Stroke{{Guest: 2, Ink: 1, Spots: []wire.Spot{s, {X: 1 << 15, Y: 1 << 15}}}}
		show(t, o, m)
		platformtest.Eventually(t, "marks within the content", func() bool {
			in, out := inked(t, display, 2, content)
			return in > 300 && out == 0
		})
	}
}

// Marks are in no picture of the window, and a click at their place reaches it:
// the host's, and through the gate a guest's.
func TestOverlayIsNotThere(t *testing.T) {
	display, w, o := underMarks(t)
	spot := wire.Spot{X: 1 << 15, Y: 1 << 15}
	m := pointing(spot)
	m.Strokes = []session.Stroke{{Guest: 2, Ink: 1, Spots: []wire.Spot{{X: 1000, Y: 1000}, {X: 60000, Y: 60000}}}}
	show(t, o, m)
	platformtest.Eventually(t, "the marks", func() bool {
		in, _ := inked(t, display, 2, w.Bounds())
		return in > 1000
	})
	desk, err := platform.Open(display, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = desk.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	stream, err := capture.Open(ctx, desk, w.ID(), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	f, err := stream.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(f.Pix); i += 4 {
		if f.Pix[i] != 0x40 || f.Pix[i+1] != 0x30 || f.Pix[i+2] != 0x20 {
			t.Fatalf("pixel %d of the picture is %x", i/4, f.Pix[i:i+3])
		}
	}
	f.Release()

	pressed := func(who string, button int) {
		t.Helper()
		b := w.Bounds()
		p := at(w, spot).Add(image.Pt(5, 5)).Sub(b.Min)
		_, err := w.Await(ctx, func(events []platformtest.Event) bool {
			for _, e := range events {
				if e.Kind == platformtest.Press && e.Detail == button && e.X == p.X && e.Y == p.Y {
					return true
				}
			}
			return false
		})
		if err != nil {
			t.Fatal(who, "clicks and the window hears nothing:", err)
		}
	}
	click(t, display, at(w, spot).Add(image.Pt(5, 5)), 9)
	pressed("the host", 9)

	d, err := xtest.NewSeat(desk, xtest.SeatOptions{}).Open(ctx, w.ID())
	if err != nil {
		t.Fatal(err)
	}
	g := input.NewGate(input.Config{Desk: d})
	t.Cleanup(func() { _ = g.Close() })
	g.SetGeneration(1)
	b := w.Bounds()
	press := wire.Input{
		Kind: wire.Press, Button: wire.Back, Gen: 1,
		X: wire.Fraction(at(w, spot).X+5-b.Min.X, b.Dx()), Y: wire.Fraction(at(w, spot).Y+5-b.Min.Y, b.Dy()),
	}
	// The host's hand, which was here just now, goes first for a moment.
	platformtest.Eventually(t, "the gate to allow it", func() bool {
		return g.Do(press, wire.RightSee|wire.RightPoint|wire.RightControl).OK()
	})
	pressed("the guest", 8)
}

func TestOverlayOfNoWindow(t *testing.T) {
	display, w, _ := underMarks(t)
	w.Close()
	if _, err := NewOverlay(display, w.ID()); err == nil {
		t.Error("an overlay over a window that is gone")
	}
}
