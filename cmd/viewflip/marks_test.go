package main

import (
	"image"
	"image/color"
	"testing"

	"viewflip.app/platform/platformtest"
	"viewflip.app/ui/glass"
	"viewflip.app/wire"
)

// What a viewer points at and draws shows over the shared window, at the right
// pixel and not in its picture, and goes with him.
func TestMarksShowOverTheWindow(t *testing.T) {
	s := newStage(t)
	w, v := s.w, s.v
	display := s.a.System.Desktop().Display()

	colour := func(x, y int) color.NRGBA {
		p := w.Bounds().Min.Add(image.Pt(x, y))
		return color.NRGBA(platformtest.RootSnapshot(t, display).RGBAAt(p.X, p.Y))
	}
	ink, ground := glass.Colour(0), color.NRGBA{uint8(s.rgb >> 16), uint8(s.rgb >> 8), uint8(s.rgb), 255}
	b, gen := w.Bounds(), v.Info().Gen
	spot := func(x, y int) wire.Spot {
		return wire.Spot{X: wire.Fraction(x, b.Dx()), Y: wire.Fraction(y, b.Dy())}
	}
	if err := v.Point(wire.Point{Gen: gen, At: spot(60, 70), On: true}); err != nil {
		t.Fatal(err)
	}
	platformtest.Eventually(t, "the arrow", func() bool { return colour(65, 75) == ink && colour(55, 65) == ground })
	if err := v.Draw(wire.Stroke{Gen: gen, ID: 1, Step: wire.StrokeBegin, Spots: []wire.Spot{spot(200, 200), spot(300, 200)}}); err != nil {
		t.Fatal(err)
	}
	platformtest.Eventually(t, "the stroke", func() bool { return colour(250, 200) == ink && colour(250, 210) == ground })
	if m := v.Marks(); len(m.Strokes) != 1 || len(m.Pointers) != 0 {
		t.Errorf("Ben sees %+v", m)
	}
	s.unharmed(t) // the picture has one colour, below the marks too
	if colour(65, 75) != ink {
		t.Error("the arrow has gone")
	}
	s.anna.Remove(s.anna.State().Members[0].ID)
	platformtest.Eventually(t, "the marks to go", func() bool { return colour(65, 75) != ink && colour(250, 200) != ink })
}
