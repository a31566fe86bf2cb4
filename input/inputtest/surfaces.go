package inputtest

import (
	"context"
	"image"
	"testing"
	"time"

	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest/world"
	"viewflip.app/wire"
)

// Picture is a window with surfaces over it, as a guest sees it.
type Picture struct {
	*Bench
	// Group is what belongs to the window.
	Group  Group
	layout input.Layout
}

// NewPicture follows what belongs to the shared window until the test ends.
func NewPicture(t *testing.T, b *Bench) *Picture {
	t.Helper()
	g, err := b.Group(b.Win.ID())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return &Picture{Bench: b, Group: g, layout: input.Layout{Gen: Gen}}
}

// popup opens a menu that says whose it is, in that one's program.
func (b *Bench) popup(w world.Window, r image.Rectangle) world.Window {
	b.t.Helper()
	return b.Window(world.Options{Bounds: r, Of: w, Popup: true, Owner: w, Kind: platform.SurfaceMenu})
}

// Placed is a window somewhere on the desktop.
type Placed interface {
	ID() platform.WindowID
	Bounds() image.Rectangle
}

// Member waits until the group knows a window.
func (p *Picture) Member(w Placed) platform.Member {
	p.t.Helper()
	var m platform.Member
	world.Eventually(p.t, "membership", func() (ok bool) {
		m, ok = p.Group.State().Member(w.ID())
		return ok
	})
	return m
}

// Show tells the gate of a picture that holds these windows, bottom first.
func (p *Picture) Show(ws ...Placed) {
	p.t.Helper()
	main := p.Win.Bounds()
	all := main
	for _, w := range ws {
		all = all.Union(w.Bounds())
	}
	l := input.Layout{Gen: p.layout.Gen + 1, Size: all.Size(), Main: main.Sub(all.Min)}
	for _, w := range ws {
		at := w.Bounds().Sub(all.Min)
		m, _ := p.Group.State().Member(w.ID())
		l.Surfaces = append(l.Surfaces, input.Surface{Window: w.ID(), Kind: m.Kind, Bounds: at, Whole: at, Masked: m.Masked})
	}
	p.layout = l
	p.Gate.SetLayout(l)
}

// On makes an event that is aimed at a pixel of a window in the picture.
func (p *Picture) On(w Placed, kind wire.Kind, x, y int, button wire.Button) wire.Input {
	at := w.Bounds().Min.Sub(p.Win.Bounds().Min).Add(p.layout.Main.Min).Add(image.Pt(x, y))
	return wire.Input{
		Kind: kind, Gen: p.layout.Gen, Button: button,
		X: wire.Fraction(at.X, p.layout.Size.X), Y: wire.Fraction(at.Y, p.layout.Size.Y),
	}
}

// Click clicks a pixel of a window and checks that it alone hears of it.
func (p *Picture) Click(w world.Window, x, y int, others ...world.Window) {
	p.t.Helper()
	for _, o := range append(others, w) {
		o.Forget()
	}
	p.Do(p.On(w, wire.Move, x, y, 0), p.On(w, wire.Press, x, y, wire.Left), p.On(w, wire.Release, x, y, wire.Left))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	got, err := w.Await(ctx, func(es []world.Event) bool {
		return buttons(es, world.Press, wire.Left) == 1 && buttons(es, world.Release, wire.Left) == 1
	})
	if err != nil {
		p.t.Fatalf("%v; got %+v", err, got)
	}
	for _, e := range received(w, world.Press, world.Release) {
		if e.At != image.Pt(x, y) || e.Button != wire.Left {
			p.t.Errorf("%+v, want a click at %d,%d", e, x, y)
		}
	}
	for _, o := range others {
		nothing(p.t, "another window", o)
	}
}

// Menus can be clicked wherever they are seen, and the window between them at
// its own pixels.
func testSurfaces(t *testing.T, b *Bench) {
	p := NewPicture(t, b)
	at := b.Win.Bounds().Min
	menu := b.popup(b.Win, image.Rect(-60, 250, 80, 380).Add(at)) // left of the window and below it
	sub := b.popup(menu, image.Rect(60, 300, 500, 340).Add(at))   // over the menu and right of it
	p.Member(menu)
	p.Member(sub)
	p.Show(menu, sub)
	p.Click(menu, 3, 5, b.Win, sub)
	p.Click(menu, 139, 129, b.Win, sub)
	p.Click(sub, 5, 30, b.Win, menu)
	p.Click(sub, 439, 0, b.Win, menu)
	p.Click(b.Win, 0, 0, menu, sub)
	p.Click(b.Win, 399, 299, menu, sub)
	// Where nothing is seen nothing is done, though it is in the picture.
	p.Refused(p.On(b.Win, wire.Press, 395, 360, wire.Left), wire.OutOfBounds) // right of the menu, below the other
	p.Refused(p.On(b.Win, wire.Press, -30, 20, wire.Left), wire.OutOfBounds)
	// The picture of before is another generation.
	old := p.On(menu, wire.Press, 5, 5, wire.Left)
	p.Show(menu)
	p.Refused(old, wire.Stale)
	// A drag from the window into the menu.
	sub.Hide()
	world.Eventually(t, "the submenu's end", func() bool { _, ok := p.Group.State().Member(sub.ID()); return !ok })
	p.Do(p.On(b.Win, wire.Press, 200, 100, wire.Left), p.On(menu, wire.Move, 10, 10, 0), p.On(menu, wire.Release, 10, 10, wire.Left))
}

// Whatever is not seen there cannot be clicked there.
func testHostileSurfaces(t *testing.T, b *Bench) {
	p := NewPicture(t, b)
	at := b.Win.Bounds().Min
	neighbour := b.Neighbour()
	sibling := b.Window(world.Options{Title: "sibling", Bounds: image.Rect(650, 500, 800, 600), Of: b.Win})
	b.Win.Focus()
	b.Win.Raise()
	menu := b.popup(b.Win, image.Rect(50, 250, 250, 400).Add(at))
	p.Member(menu)
	p.Show(menu)
	p.Click(menu, 10, 140, b.Win)

	over := image.Rect(40, 240, 120, 380).Add(at)
	refused := func(what string, w world.Window) {
		t.Helper()
		for _, x := range []world.Window{menu, b.Win, w} {
			x.Forget()
		}
		p.Refused(p.On(menu, wire.Press, 10, 20, wire.Left), wire.Covered)   // over the menu
		p.Refused(p.On(b.Win, wire.Press, 45, 245, wire.Left), wire.Covered) // over the window
		for _, x := range []world.Window{menu, b.Win, w} {
			nothing(t, what, x)
		}
		w.Close()
	}
	refused("another client's popup", b.Window(world.Options{Bounds: over, Of: neighbour, Popup: true}))
	refused("a sibling's menu", b.popup(sibling, over))
	b.Win.Focus()
	sibling.Focus()
	refused("a silent popup while the sibling was active", b.Window(world.Options{Bounds: over, Of: sibling, Popup: true}))
	b.Win.Focus()

	// A layout that names a window which does not belong to the group.
	foreign := b.popup(sibling, image.Rect(300, 310, 420, 400).Add(at))
	p.Show(menu, foreign)
	p.Refused(p.On(foreign, wire.Press, 5, 5, wire.Left), wire.Stale)
	nothing(t, "a window that is no member", foreign)
	p.Show(menu)

	// It moved, and the picture is still the old one.
	ev := p.On(menu, wire.Press, 100, 100, wire.Left)
	menu.Move(menu.Bounds().Min.Add(image.Pt(3, 0)))
	menu.Forget()
	p.Refused(ev, wire.Stale)
	nothing(t, "the menu that moved", menu)
	p.Show(menu)
	p.Click(menu, 100, 100, b.Win)

	// The client uses it for another window of its own.
	ev = p.On(menu, wire.Press, 100, 100, wire.Left)
	menu.SetOwner(sibling)
	world.Eventually(t, "the menu to leave", func() bool { _, ok := p.Group.State().Member(menu.ID()); return !ok })
	menu.Forget()
	p.Refused(ev, wire.Stale)
	nothing(t, "a sibling's menu", menu)
}

// Keys reach the window's dialogs, and nobody else's.
func testDialogKeys(t *testing.T, b *Bench) {
	p := NewPicture(t, b)
	b.Run()
	sibling := b.Window(world.Options{Title: "sibling", Bounds: image.Rect(650, 500, 800, 600), Of: b.Win})
	dialog := b.Window(world.Options{
		Title: "dialog", Bounds: image.Rect(300, 250, 500, 350), Of: b.Win, Owner: b.Win, Kind: platform.SurfaceDialog,
	})
	p.Member(dialog)
	dialog.Focus()
	p.Show(dialog)
	p.Click(dialog, 20, 20, b.Win)
	dialog.Forget()
	p.Do(b.Key(wire.KeyDown, "KeyA"), b.Key(wire.KeyUp, "KeyA"))
	heard(t, dialog, "the key", func(es []world.Event) bool {
		return keys(es, world.KeyDown, named(t, "KeyA")) == 1 && keys(es, world.KeyUp, named(t, "KeyA")) == 1
	})
	nothing(t, "the sibling", sibling)
}

// A dialog that reaches beyond the window rests the guest's hands.
func testMaskedDialog(t *testing.T, b *Bench) {
	p := NewPicture(t, b)
	b.Run()
	b.Do(b.Key(wire.KeyDown, "KeyA"))
	chooser := b.Window(world.Options{
		Title: "Open", Bounds: image.Rect(300, 250, 500, 350), Of: b.Win, Owner: b.Win, Kind: platform.SurfaceDialog, Chooser: true,
	})
	if !p.Member(chooser).Masked {
		t.Fatal("not masked")
	}
	world.Eventually(t, "the held key to be let go", func() bool { return !b.Win.Down(named(t, "KeyA")) }) // perhaps nobody hears of it
	p.Show(chooser)
	b.Win.Forget()
	chooser.Forget()
	p.Refused(p.On(chooser, wire.Move, 20, 20, 0), wire.Masked)
	p.Refused(p.On(chooser, wire.Press, 20, 20, wire.Left), wire.Masked)
	p.Refused(p.On(b.Win, wire.Press, 5, 5, wire.Left), wire.Masked)
	p.Refused(b.Key(wire.KeyDown, "KeyB"), wire.Masked)
	chooser.Focus()
	p.Refused(b.Key(wire.KeyDown, "KeyB"), wire.Masked)
	nothing(t, "the masked dialog", chooser)
	nothing(t, "the window", b.Win)
	p.Group.Allow(chooser.ID())
	p.Show(chooser)
	p.Click(chooser, 20, 20, b.Win)
	chooser.Forget()
	p.Do(b.Key(wire.KeyDown, "KeyB"), b.Key(wire.KeyUp, "KeyB"))
	heard(t, chooser, "the key", func(es []world.Event) bool { return keys(es, world.KeyDown, named(t, "KeyB")) == 1 })
}
