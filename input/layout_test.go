package input_test

import (
	"image"
	"testing"

	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/wire"
)

// In a picture that is larger than the window, events are aimed at the picture
// and carried out counted from the window's own content.
func TestLayout(t *testing.T) {
	g, d := newGate(t)
	menu := image.Rect(-20, 60, 30, 120) // left of the window and below it
	d.Reach(menu)
	main := image.Rect(20, 0, 20+w, h)
	seen := menu.Add(main.Min)
	l := input.Layout{
		Gen: gen + 1, Size: image.Pt(20+w, 120), Main: main,
		Surfaces: []input.Surface{{Window: platform.NewWindowID(5), Bounds: seen, Whole: seen}},
	}
	g.SetLayout(l)
	aim := func(kind wire.Kind, x, y int) wire.Input { // x and y count from the content
		return wire.Input{Kind: kind, Gen: gen + 1, X: wire.Fraction(x+20, 20+w), Y: wire.Fraction(y, 120)}
	}
	for _, p := range []image.Point{{X: 0, Y: 0}, {X: w - 1, Y: h - 1}, {X: -20, Y: 60}, {X: 29, Y: 119}} {
		if v := g.Do(aim(wire.Move, p.X, p.Y), control); !v.OK() {
			t.Errorf("%v: %v", p, v)
		}
		if es := d.Events(); len(es) != 1 || es[0].At != p {
			t.Errorf("%v: %+v", p, es)
		}
	}
	refused := func(ev wire.Input, want wire.Reason) {
		t.Helper()
		if v := g.Do(ev, control); v.Reason != want || len(d.Events()) != 0 {
			t.Errorf("%v: %v, want %v", ev.Kind, v.Reason, want)
		}
	}
	refused(aim(wire.Move, 40, 110), wire.OutOfBounds)
	refused(aim(wire.Move, -5, 5), wire.OutOfBounds)
	refused(at(wire.Move, 5, 5), wire.Stale)
	d.Set(func(s *input.State) { s.Size.X++ }) // resized, and not announced yet
	refused(aim(wire.Move, 5, 5), wire.Stale)
	d.Set(func(s *input.State) { s.Size.X-- })
	// A masked dialog rests the hands, but motion shows nothing.
	d.Set(func(s *input.State) { s.Masked = true })
	press := aim(wire.Press, 5, 5)
	press.Button = wire.Left
	refused(press, wire.Masked)
	turn := aim(wire.Wheel, 5, 5)
	turn.DY = 120
	refused(turn, wire.Masked)
	refused(key(wire.KeyDown, keyA), wire.Masked)
	if v := g.Do(aim(wire.Move, 6, 6), control); !v.OK() {
		t.Error(v)
	}
	if s, ok := l.Surface(image.Pt(29, 119)); !ok || s.Window != platform.NewWindowID(5) {
		t.Error("no surface at its last pixel")
	}
	if _, ok := l.Surface(image.Pt(30, 119)); ok {
		t.Error("a surface beyond its last pixel")
	}
}

// What was held is let go when a masked dialog opens.
func TestMaskedReleases(t *testing.T) {
	g, d := newGate(t)
	if v := g.Do(key(wire.KeyDown, keyA), control); !v.OK() {
		t.Fatal(v)
	}
	d.Set(func(s *input.State) { s.Masked = true })
	if v := g.Do(key(wire.KeyDown, keyA), control); v.Reason != wire.Masked || d.Held() != 0 {
		t.Errorf("%v, %d held", v, d.Held())
	}
}
