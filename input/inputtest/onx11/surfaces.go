package onx11

import (
	"context"
	"image"
	"testing"
	"time"

	"viewflip.app/input"
	"viewflip.app/platform"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

// picture is a window with surfaces over it, as a guest sees it.
type picture struct {
	*Bench
	t      *testing.T
	group  *platform.Group
	layout input.Layout
}

func newPicture(t *testing.T, b *Bench) *picture {
	t.Helper()
	g, err := b.Desktop.Group(b.Win.ID())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return &picture{Bench: b, t: t, group: g, layout: input.Layout{Gen: Gen}}
}

// popup maps a menu of w's client that says whose it is.
func popup(w *pt.Window, r image.Rectangle) *pt.Window {
	return w.Sibling(pt.Options{Bounds: r, OverrideRedirect: true, TransientFor: w.XID(), Type: "POPUP_MENU"})
}

// member waits until the group knows a window.
func (p *picture) member(w *pt.Window) platform.Member {
	p.t.Helper()
	var m platform.Member
	pt.Eventually(p.t, "membership", func() (ok bool) {
		m, ok = p.group.State().Member(w.ID())
		return ok
	})
	return m
}

// show tells the gate of a picture that holds these windows, bottom first.
func (p *picture) show(ws ...*pt.Window) {
	p.t.Helper()
	main := p.Win.Bounds()
	all := main
	for _, w := range ws {
		all = all.Union(w.Bounds())
	}
	l := input.Layout{Gen: p.layout.Gen + 1, Size: all.Size(), Main: main.Sub(all.Min)}
	for _, w := range ws {
		at := w.Bounds().Sub(all.Min)
		m, _ := p.group.State().Member(w.ID())
		l.Surfaces = append(l.Surfaces, input.Surface{Window: w.ID(), Kind: m.Kind, Bounds: at, Whole: at, Masked: m.Masked})
	}
	p.layout = l
	p.Gate.SetLayout(l)
}

// on makes an event that is aimed at a pixel of a window in the picture.
func (p *picture) on(w *pt.Window, kind wire.Kind, x, y int, button wire.Button) wire.Input {
	at := w.Bounds().Min.Sub(p.Win.Bounds().Min).Add(p.layout.Main.Min).Add(image.Pt(x, y))
	return wire.Input{
		Kind: kind, Gen: p.layout.Gen, Button: button,
		X: wire.Fraction(at.X, p.layout.Size.X), Y: wire.Fraction(at.Y, p.layout.Size.Y),
	}
}

// click clicks a pixel of a window and checks that it alone hears of it.
func (p *picture) click(w *pt.Window, x, y int, others ...*pt.Window) {
	p.t.Helper()
	for _, o := range append(others, w) {
		o.Forget()
	}
	p.Do(p.on(w, wire.Move, x, y, 0), p.on(w, wire.Press, x, y, wire.Left), p.on(w, wire.Release, x, y, wire.Left))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	got, err := w.Await(ctx, func(es []pt.Event) bool {
		return count(es, pt.Press, 1) == 1 && count(es, pt.Release, 1) == 1
	})
	if err != nil {
		p.t.Fatalf("%v; got %+v", err, got)
	}
	for _, e := range Got(w, pt.Press, pt.Release) {
		if e.X != x || e.Y != y || e.Detail != 1 {
			p.t.Errorf("%+v, want a click at %d,%d", e, x, y)
		}
	}
	for _, o := range others {
		Nothing(p.t, "another window", o)
	}
}

// Menus can be clicked wherever they are seen, and the window between them at
// its own pixels.
func testSurfaces(t *testing.T, b *Bench) {
	p := newPicture(t, b)
	at := b.Win.Bounds().Min
	menu := popup(b.Win, image.Rect(-60, 250, 80, 380).Add(at)) // left of the window and below it
	sub := popup(menu, image.Rect(60, 300, 500, 340).Add(at))   // over the menu and right of it
	p.member(menu)
	p.member(sub)
	p.show(menu, sub)
	p.click(menu, 3, 5, b.Win, sub)
	p.click(menu, 139, 129, b.Win, sub)
	p.click(sub, 5, 30, b.Win, menu)
	p.click(sub, 439, 0, b.Win, menu)
	p.click(b.Win, 0, 0, menu, sub)
	p.click(b.Win, 399, 299, menu, sub)
	// Where nothing is seen nothing is done, though it is in the picture.
	p.Refused(p.on(b.Win, wire.Press, 395, 360, wire.Left), wire.OutOfBounds) // right of the menu, below the other
	p.Refused(p.on(b.Win, wire.Press, -30, 20, wire.Left), wire.OutOfBounds)
	// The picture of before is another generation.
	old := p.on(menu, wire.Press, 5, 5, wire.Left)
	p.show(menu)
	p.Refused(old, wire.Stale)
	// A drag from the window into the menu.
	sub.Unmap()
	pt.Eventually(t, "the submenu's end", func() bool { _, ok := p.group.State().Member(sub.ID()); return !ok })
	p.Do(p.on(b.Win, wire.Press, 200, 100, wire.Left), p.on(menu, wire.Move, 10, 10, 0), p.on(menu, wire.Release, 10, 10, wire.Left))
}

// Whatever is not seen there cannot be clicked there.
func testHostileSurfaces(t *testing.T, b *Bench) {
	p := newPicture(t, b)
	at := b.Win.Bounds().Min
	neighbour := b.Neighbour()
	sibling := b.Win.Sibling(pt.Options{Title: "sibling", Bounds: image.Rect(650, 500, 800, 600)})
	b.Win.Focus()
	b.Win.Raise()
	menu := popup(b.Win, image.Rect(50, 250, 250, 400).Add(at))
	p.member(menu)
	p.show(menu)
	p.click(menu, 10, 140, b.Win)

	over := image.Rect(40, 240, 120, 380).Add(at)
	refused := func(what string, w *pt.Window) {
		t.Helper()
		for _, x := range []*pt.Window{menu, b.Win, w} {
			x.Forget()
		}
		p.Refused(p.on(menu, wire.Press, 10, 20, wire.Left), wire.Covered)   // over the menu
		p.Refused(p.on(b.Win, wire.Press, 45, 245, wire.Left), wire.Covered) // over the window
		for _, x := range []*pt.Window{menu, b.Win, w} {
			Nothing(t, what, x)
		}
		w.Close()
	}
	refused("another client's popup", neighbour.Sibling(pt.Options{Bounds: over, OverrideRedirect: true}))
	refused("a sibling's menu", popup(sibling, over))
	b.Win.Focus()
	sibling.Focus()
	refused("a silent popup while the sibling was active", sibling.Sibling(pt.Options{Bounds: over, OverrideRedirect: true}))
	b.Win.Focus()

	// A layout that names a window which does not belong to the group.
	foreign := popup(sibling, image.Rect(300, 310, 420, 400).Add(at))
	p.show(menu, foreign)
	p.Refused(p.on(foreign, wire.Press, 5, 5, wire.Left), wire.Stale)
	Nothing(t, "a window that is no member", foreign)
	p.show(menu)

	// It moved, and the picture is still the old one.
	ev := p.on(menu, wire.Press, 100, 100, wire.Left)
	menu.Move(menu.Bounds().Min.Add(image.Pt(3, 0)))
	menu.Forget()
	p.Refused(ev, wire.Stale)
	Nothing(t, "the menu that moved", menu)
	p.show(menu)
	p.click(menu, 100, 100, b.Win)

	// The client uses it for another window of its own.
	ev = p.on(menu, wire.Press, 100, 100, wire.Left)
	menu.SetTransient(sibling.XID())
	pt.Eventually(t, "the menu to leave", func() bool { _, ok := p.group.State().Member(menu.ID()); return !ok })
	menu.Forget()
	p.Refused(ev, wire.Stale)
	Nothing(t, "a sibling's menu", menu)
}

// Keys reach the window's dialogs, and nobody else's.
func testDialogKeys(t *testing.T, b *Bench) {
	p := newPicture(t, b)
	b.Run()
	sibling := b.Win.Sibling(pt.Options{Title: "sibling", Bounds: image.Rect(650, 500, 800, 600)})
	dialog := b.Win.Sibling(pt.Options{Title: "dialog", Bounds: image.Rect(300, 250, 500, 350), TransientFor: b.Win.XID(), Type: "DIALOG"})
	p.member(dialog)
	dialog.Focus()
	p.show(dialog)
	p.click(dialog, 20, 20, b.Win)
	dialog.Forget()
	p.Do(b.Key(wire.KeyDown, "KeyA"), b.Key(wire.KeyUp, "KeyA"))
	heard(t, dialog, "the key", func(es []pt.Event) bool { return count(es, pt.KeyDown, codeA) == 1 && count(es, pt.KeyUp, codeA) == 1 })
	Nothing(t, "the sibling", sibling)
}

// A dialog that reaches beyond the window rests the guest's hands.
func testMaskedDialog(t *testing.T, b *Bench) {
	p := newPicture(t, b)
	b.Run()
	b.Do(b.Key(wire.KeyDown, "KeyA"))
	chooser := b.Win.Sibling(pt.Options{
		Title: "Open", Bounds: image.Rect(300, 250, 500, 350), TransientFor: b.Win.XID(), Type: "DIALOG", Role: "GtkFileChooserDialog",
	})
	if !p.member(chooser).Masked {
		t.Fatal("not masked")
	}
	pt.Eventually(t, "the held key to be let go", func() bool { return !pressed(b.Win, codeA) }) // perhaps nobody hears of it
	p.show(chooser)
	b.Win.Forget()
	chooser.Forget()
	p.Refused(p.on(chooser, wire.Move, 20, 20, 0), wire.Masked)
	p.Refused(p.on(chooser, wire.Press, 20, 20, wire.Left), wire.Masked)
	p.Refused(p.on(b.Win, wire.Press, 5, 5, wire.Left), wire.Masked)
	p.Refused(b.Key(wire.KeyDown, "KeyB"), wire.Masked)
	chooser.Focus()
	p.Refused(b.Key(wire.KeyDown, "KeyB"), wire.Masked)
	Nothing(t, "the masked dialog", chooser)
	Nothing(t, "the window", b.Win)
	p.group.Allow(chooser.ID())
	p.show(chooser)
	p.click(chooser, 20, 20, b.Win)
	chooser.Forget()
	p.Do(b.Key(wire.KeyDown, "KeyB"), b.Key(wire.KeyUp, "KeyB"))
	heard(t, chooser, "the key", func(es []pt.Event) bool { return count(es, pt.KeyDown, codeB) == 1 })
}

func heard(t *testing.T, w *pt.Window, what string, ok func([]pt.Event) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if got, err := w.Await(ctx, ok); err != nil {
		t.Fatalf("%s: %v; got %+v", what, err, got)
	}
}
