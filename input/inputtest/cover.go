package inputtest

import (
	"image"
	"testing"

	"viewflip.app/platform"
	"viewflip.app/platform/platformtest/world"
	"viewflip.app/wire"
)

func testCovered(t *testing.T, b *Bench) {
	r := b.Win.Bounds()
	over := b.Window(world.Options{Bounds: image.Rect(r.Min.X, r.Min.Y, r.Min.X+100, r.Min.Y+100), Color: 0xff0000, Popup: true})
	beside := b.Neighbour()
	for _, w := range []world.Window{b.Win, over, beside} {
		w.Forget()
	}
	b.Refused(b.At(wire.Move, 50, 50), wire.Covered)
	b.Refused(b.Button(wire.Press, 50, 50, wire.Left), wire.Covered)
	b.Refused(b.Wheel(99, 99, 0, 120), wire.Covered)
	nothing(t, "the window", b.Win)
	b.Do(b.Button(wire.Press, 100, 99, wire.Left), b.Button(wire.Release, 100, 99, wire.Left))
	b.Do(b.Key(wire.KeyDown, "KeyA"), b.Key(wire.KeyUp, "KeyA"))
	if got := b.await(2, world.Press, world.KeyDown); len(got) != 2 {
		t.Errorf("beside it: %+v", got)
	}
	over.Hide()
	b.Do(b.At(wire.Move, 50, 50))
	nothing(t, "what covered the window", over)
	nothing(t, "the neighbour", beside)
}

// A window over the shared one that lets clicks through covers nothing; one
// that takes them in one place covers that.
func testOverlay(t *testing.T, b *Bench) {
	over := b.Window(world.Options{Bounds: b.Win.Bounds(), Color: 0xff0000, Popup: true})
	b.Refused(b.At(wire.Move, 5, 5), wire.Covered)
	clicks := func(parts ...image.Rectangle) {
		t.Helper()
		over.Clicks(parts...)
		b.Win.Forget()
		over.Forget()
	}
	clicks()
	b.Do(b.Button(wire.Press, 5, 5, wire.Left), b.Button(wire.Release, 5, 5, wire.Left))
	if got := b.await(1, world.Press); len(got) != 1 {
		t.Errorf("through the overlay: %+v", got)
	}
	clicks(image.Rect(0, 0, 50, 50))
	b.Refused(b.At(wire.Move, 49, 49), wire.Covered)
	b.Do(b.At(wire.Move, 50, 49))
	nothing(t, "the overlay", over)
}

// Nobody types into a window of which nothing can be seen, whatever lies over
// it. A pixel that is left is enough.
func testTypingUnderCover(t *testing.T, b *Bench) {
	r := b.Win.Bounds()
	typing := func(what string, ok bool) {
		t.Helper()
		b.Win.Forget()
		if !ok {
			b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Covered)
			if got := received(b.Win, world.KeyDown); len(got) != 0 {
				t.Errorf("%s: %+v", what, got)
			}
			return
		}
		b.Later(b.Key(wire.KeyDown, "KeyA")) // what is covered may be taken for it a moment longer
		b.Do(b.Key(wire.KeyUp, "KeyA"))
		if got := b.await(1, world.KeyDown); len(got) != 1 {
			t.Errorf("%s: %+v", what, got)
		}
	}
	cover := func(r image.Rectangle) world.Window {
		return b.Window(world.Options{Bounds: r, Color: 0xff0000, Popup: true})
	}
	typing("nothing over it", true)

	whole := cover(r)
	typing("all covered", false)
	b.Refused(wire.Input{Kind: wire.Text, Text: "ж"}, wire.Covered)
	whole.Hide()
	typing("uncovered", true)

	most := cover(image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Max.Y-1))
	typing("a line is left", true)
	line := cover(image.Rect(r.Min.X, r.Max.Y-1, r.Max.X, r.Max.Y))
	typing("two together cover it", false)
	most.Hide()
	line.Hide()

	holed := cover(r.Inset(-20))
	const unseen = 37 // where nobody happens to look
	typing("all covered by more than its size", false)
	for name, reshape := range map[string]func(...image.Rectangle){"a hole": holed.Cut, "a hole for clicks": holed.Clicks} {
		reshape(around(holed, image.Rect(unseen, unseen, unseen+1, unseen+1))...)
		typing(name, true)
		reshape(around(holed, image.Rect(5, 5, 15, 15))...) // beside the window
		typing(name+" elsewhere", false)
	}
	holed.Hide()

	b.Win.Move(image.Pt(-100, r.Min.Y)) // what is off the screen is not seen either
	typing("partly off the screen", true)
	cover(image.Rect(0, r.Min.Y, r.Dx()-100, r.Max.Y))
	typing("the rest covered", false)
}

// around is a window but for a hole, in its own pixels.
func around(w world.Window, hole image.Rectangle) []image.Rectangle {
	size := w.Bounds().Size()
	return []image.Rectangle{
		image.Rect(0, 0, size.X, hole.Min.Y), image.Rect(0, hole.Max.Y, size.X, size.Y),
		image.Rect(0, hole.Min.Y, hole.Min.X, hole.Max.Y), image.Rect(hole.Max.X, hole.Min.Y, size.X, hole.Max.Y),
	}
}

// A dialog of a covered window that can be seen takes keys.
func testCoveredWithDialog(t *testing.T, b *Bench) {
	p := NewPicture(t, b)
	dialog := b.Window(world.Options{
		Title: "dialog", Bounds: image.Rect(300, 250, 500, 350), Of: b.Win, Owner: b.Win, Kind: platform.SurfaceDialog,
	})
	p.Member(dialog)
	dialog.Focus()
	p.Show(dialog)
	p.Click(dialog, 20, 20, b.Win)
	over := b.Window(world.Options{Bounds: b.Win.Bounds(), Popup: true})
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Covered)
	over.Cut(around(over, image.Rect(120, 120, 280, 180))...) // which shows of the dialog alone
	dialog.Forget()
	b.Later(b.Key(wire.KeyDown, "KeyA"))
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	heard(t, dialog, "the key", func(es []world.Event) bool { return keys(es, world.KeyDown, named(t, "KeyA")) == 1 })
}
