package main

import (
	"image"
	"image/color"
	"testing"

	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/session"
	"viewflip.app/ui/glass"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// What a viewer points at and draws shows over the shared window, at the right
// pixel and not in its picture, and goes with him.
func TestMarksShowOverTheWindow(t *testing.T) {
	const dark = 0x101820
	d := display(t)
	w := platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Board", Bounds: image.Rect(100, 100, 500, 400), Color: dark})
	desk, err := platform.Open(d.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer desk.Close() //nolint:errcheck // read only
	a, err := newApp(t.Context(), testWorld(t, nil), "Anna", desk)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	call, err := a.newCall(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { call.Leave(); <-call.Done() }()
	list, err := choose(t.Context(), desk, []string{"Board"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call.Share(t.Context(), list[0], wire.RightSee|wire.RightPoint); err != nil {
		t.Fatal(err)
	}
	link, err := call.Invite(t.Context(), session.InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, ben, v := view(t, link)
	waitPicture(t, v, func(f *video.Frame) bool { return all(f, dark) })

	colour := func(x, y int) color.NRGBA {
		p := w.Bounds().Min.Add(image.Pt(x, y))
		return color.NRGBA(platformtest.RootSnapshot(t, d.Name()).RGBAAt(p.X, p.Y))
	}
	ink, ground := glass.Colour(0), color.NRGBA{0x10, 0x18, 0x20, 255}
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
	// The window paints anew under the marks: the picture has none of them.
	w.Fill(image.Rect(0, 0, 10, 10), 0xffffff)
	waitPicture(t, v, func(f *video.Frame) bool { return f.Pix[0] == 255 })
	w.Fill(image.Rect(0, 0, 10, 10), dark)
	waitPicture(t, v, func(f *video.Frame) bool { return all(f, dark) })
	if colour(65, 75) != ink {
		t.Error("the arrow has gone")
	}
	ben.Leave()
	platformtest.Eventually(t, "the marks to go", func() bool { return colour(65, 75) == ground && colour(250, 200) == ground })
}
