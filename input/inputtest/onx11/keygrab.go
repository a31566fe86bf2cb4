package onx11

import (
	"image"
	"testing"

	"github.com/jezek/xgb/xproto"

	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// child puts a window of the shared client into another. Its keys are recorded as
// those of the shared window.
func (b *Bench) child(parent xproto.Window, r image.Rectangle) xproto.Window {
	b.t.Helper()
	c := b.Win.Conn().Conn
	id, err := xproto.NewWindowId(c)
	if err != nil {
		b.t.Fatal(err)
	}
	err = xproto.CreateWindowChecked(c, 0, id, parent, int16(r.Min.X), int16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()), 0,
		xproto.WindowClassInputOutput, 0, xproto.CwEventMask, []uint32{xproto.EventMaskKeyPress | xproto.EventMaskKeyRelease}).Check()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := xproto.MapWindowChecked(c, id).Check(); err != nil {
		b.t.Fatal(err)
	}
	return id
}

// keyGrabber is another program, which takes keys for itself on windows that are
// not its own.
type keyGrabber struct {
	t  *testing.T
	c  *x11.Conn
	xi *xinput.Client
}

func (b *Bench) keyGrabber(t *testing.T) *keyGrabber {
	t.Helper()
	c := b.host().c
	xi, err := xinput.New(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	return &keyGrabber{t: t, c: c, xi: xi}
}

// grab takes KeyB, in one of the ways that there are.
func (g *keyGrabber) grab(way string, w xproto.Window) {
	g.t.Helper()
	var err error
	switch way {
	case "core":
		err = xproto.GrabKeyChecked(g.c.Conn, false, w, xproto.ModMaskAny, codeB, xproto.GrabModeAsync, xproto.GrabModeAsync).Check()
	case "sync":
		err = xproto.GrabKeyChecked(g.c.Conn, true, w, 0, codeB, xproto.GrabModeSync, xproto.GrabModeSync).Check()
	case "any key":
		err = xproto.GrabKeyChecked(g.c.Conn, false, w, 0, xproto.GrabAny, xproto.GrabModeAsync, xproto.GrabModeAsync).Check()
	case "XInput 2":
		_, err = g.xi.GrabKeycode(w, codeB, 0).Owned()
	}
	if err != nil {
		g.t.Fatal(way, err)
	}
}

func (g *keyGrabber) ungrab(w xproto.Window) {
	g.t.Helper()
	for _, key := range []xproto.Keycode{codeB, xproto.GrabAny} {
		xproto.UngrabKey(g.c.Conn, key, w, xproto.ModMaskAny)
	}
	if err := g.xi.UngrabKeycode(w, codeB, 0).Check(); err != nil {
		g.t.Fatal(err)
	}
}

// got is how many keys reached the program.
func (g *keyGrabber) got() int {
	n := 0
	_, _ = xproto.GetInputFocus(g.c.Conn).Reply() // what was sent is here
	for ev, err := g.c.PollForEvent(); ev != nil || err != nil; ev, err = g.c.PollForEvent() {
		switch ev.(type) {
		case xproto.KeyPressEvent, xproto.KeyReleaseEvent:
			n++
		}
	}
	return n
}

// A key goes to the shared window even where another program has taken it for
// itself there: on the window, on what has the focus in it, and on what is under
// the pointer, whatever lies in between (X protocol, GrabKey).
func testKeyGrabs(t *testing.T, b *Bench) {
	g := b.keyGrabber(t)
	outer := b.child(b.Win.XID(), image.Rect(50, 50, 350, 250))
	inner := b.child(outer, image.Rect(50, 50, 250, 150))
	leaf := b.child(inner, image.Rect(20, 20, 100, 100))
	places := map[string]xproto.Window{"window": b.Win.XID(), "outer": outer, "inner": inner, "leaf": leaf}
	pointer := map[string]image.Point{"window": {5, 5}, "inner": {110, 240}, "leaf": {130, 130}}
	for focusName, focus := range map[string]xproto.Window{"window": b.Win.XID(), "inner": inner} {
		for at, p := range pointer {
			for place, w := range places {
				for _, way := range []string{"core", "sync", "any key", "XInput 2"} {
					b.Later(b.At(wire.Move, p.X, p.Y))
					b.focusOn(focus)
					g.grab(way, w)
					b.Win.Forget()
					b.Later(b.Key(wire.KeyDown, "KeyB"))
					again := b.Key(wire.KeyDown, "KeyB")
					again.Repeat = true
					b.Do(again, b.Key(wire.KeyUp, "KeyB"))
					got := Got(b.Win, pt.KeyDown, pt.KeyUp)
					if count(got, pt.KeyDown, codeB) != 2 || count(got, pt.KeyUp, codeB) != 2 || g.got() != 0 {
						t.Errorf("focus in %s, pointer in %s, a grab (%s) on %s: %+v", focusName, at, way, place, got)
					}
					g.ungrab(w)
				}
			}
		}
	}
}

// focusOn gives a window the focus of the keyboard that guests use, and waits.
func (b *Bench) focusOn(w xproto.Window) {
	b.t.Helper()
	c := b.host().c
	xi, err := xinput.New(c.Conn)
	if err != nil {
		b.t.Fatal(err)
	}
	all, err := xi.Devices()
	if err != nil {
		b.t.Fatal(err)
	}
	id := xinput.CoreKeyboard
	for _, d := range all {
		if d.Use == xinput.MasterKeyboard && d.ID != xinput.CoreKeyboard {
			id = d.ID
		}
	}
	if err := xi.SetFocus(id, w).Check(); err != nil {
		b.t.Fatal(err)
	}
}

// In a dialog that has the keyboard, a shortcut on its frame is refused, and one
// on the dialog is passed by.
func testDialogKeyGrabs(t *testing.T, b *Bench) {
	p, g := newPicture(t, b), b.keyGrabber(t)
	dialog := b.Win.Sibling(pt.Options{Title: "dialog", Bounds: image.Rect(300, 250, 500, 350), TransientFor: b.Win.XID(), Type: "DIALOG"})
	p.Member(dialog)
	dialog.Focus()
	p.Show(dialog)
	p.Click(as(dialog), 20, 20, as(b.Win))
	tree, err := xproto.QueryTree(g.c.Conn, dialog.XID()).Reply()
	if err != nil || tree.Parent == g.c.Root {
		t.Fatal("no frame:", err)
	}
	g.grab("core", tree.Parent)
	b.Refused(b.Key(wire.KeyDown, "KeyB"), wire.KeyOwned)
	g.ungrab(tree.Parent)
	g.grab("core", dialog.XID())
	dialog.Forget()
	b.Do(b.Key(wire.KeyDown, "KeyB"), b.Key(wire.KeyUp, "KeyB"))
	heard(t, dialog, "the key", func(es []pt.Event) bool { return count(es, pt.KeyDown, codeB) == 1 && count(es, pt.KeyUp, codeB) == 1 })
	if n := g.got(); n != 0 {
		t.Errorf("another program got %d keys", n)
	}
}

// What the shared program has grabbed itself inside of its window is its own:
// the key goes there, but past whoever has it further out.
func testOwnKeyGrabs(t *testing.T, b *Bench) {
	g := b.keyGrabber(t)
	inner := b.child(b.Win.XID(), image.Rect(50, 50, 350, 250))
	b.child(inner, image.Rect(20, 20, 100, 100)) // under the pointer: without the grab it would get the key
	c := b.Win.Conn().Conn
	if err := xproto.GrabKeyChecked(c, false, inner, 0, codeB, xproto.GrabModeAsync, xproto.GrabModeAsync).Check(); err != nil {
		t.Fatal(err)
	}
	for _, foreign := range []bool{false, true} {
		if foreign {
			g.grab("core", b.Win.XID())
		}
		b.Later(b.At(wire.Move, 100, 110))
		b.Win.Forget()
		b.Later(b.Key(wire.KeyDown, "KeyB"))
		b.Do(b.Key(wire.KeyUp, "KeyB"))
		got := Got(b.Win, pt.KeyDown)
		if len(got) != 1 || got[0].X != 50 || got[0].Y != 60 { // counted from the window that has the grab
			t.Errorf("with a foreign grab: %v; got %+v", foreign, got)
		}
		if n := g.got(); n != 0 {
			t.Errorf("another program got %d keys", n)
		}
	}
}
