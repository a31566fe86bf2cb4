package onx11

import (
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

// The client ends the grab that its press began, and another window comes to be
// under the pointer: the release is not for that one.
func testReleaseNoGrab(t *testing.T, b *Bench) {
	b.Later(b.Button(wire.Press, 50, 50, wire.Left))
	b.await(1, pt.Press)
	r := b.Win.Bounds()
	over := pt.NewWindow(t, b.Display, pt.Options{
		Bounds: image.Rect(r.Min.X, r.Min.Y, r.Min.X+100, r.Min.Y+100), Color: 0xff0000, OverrideRedirect: true,
	})
	c := b.Win.Conn()
	xproto.UngrabPointer(c.Conn, xproto.TimeCurrentTime)
	_, _ = xproto.GetInputFocus(c.Conn).Reply()
	if err := b.Gate.Release(); err != nil {
		t.Fatal(err)
	}
	_, _ = xproto.GetInputFocus(over.Conn().Conn).Reply() // what there is has come
	for _, e := range Got(over, pt.Press, pt.Release) {
		t.Errorf("what covers the window got %+v", e)
	}
}

// A masked dialog hears no key go up.
func testReleaseMasked(t *testing.T, b *Bench) {
	p := newPicture(t, b)
	b.Later(b.Key(wire.KeyDown, "KeyA"))
	dialog := b.Win.Sibling(pt.Options{
		Title: "Open", Bounds: image.Rect(300, 250, 500, 350), TransientFor: b.Win.XID(), Type: "DIALOG", Role: "GtkFileChooserDialog",
	})
	if !p.Member(dialog).Masked {
		t.Fatal("not masked")
	}
	dialog.Focus()
	dialog.Forget()
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	if pressed(b.Win, codeA) {
		t.Error("the key is still down")
	}
	_, _ = xproto.GetInputFocus(dialog.Conn().Conn).Reply()
	Nothing(t, "the masked dialog", dialog)
}

// Where the host's focus goes by his own doing, or to somebody else, it stays.
func testOwnFocus(t *testing.T, b *Bench) {
	other := b.Neighbour()
	third := pt.NewWindow(t, b.Display, pt.Options{Title: "third", Bounds: image.Rect(650, 500, 800, 600)})
	h := b.host()
	click := func() {
		b.Later(b.Button(wire.Press, 5, 5, wire.Middle))
		b.Do(b.Button(wire.Release, 5, 5, wire.Middle))
	}
	for _, c := range []struct {
		name   string
		to     *pt.Window
		before func()
		after  func()
	}{
		{"to another client", third, click, func() {}},
		{"while he holds Shift", b.Win, func() { click(); h.key(codeShift, true) }, func() { h.key(codeShift, false) }},
		{"after he moved", b.Win, func() {
			b.Later(b.At(wire.Move, 9, 9))
			pause()
			h.move(image.Pt(1001, 801))
		}, func() {}},
	} {
		h.move(image.Pt(1000, 800))
		time.Sleep(guardPause) // nothing of ours is recent
		other.Focus()
		c.before()
		xproto.SetInputFocus(h.c.Conn, xproto.InputFocusPointerRoot, c.to.XID(), xproto.TimeCurrentTime)
		for end := time.Now().Add(guardPause); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if f := h.focus(); f != c.to.XID() {
				t.Errorf("%s: his focus was taken to %#x", c.name, f)
				break
			}
		}
		c.after()
	}
}

// guardPause is longer than a press of a guest puts the host's focus in doubt.
const guardPause = 500 * time.Millisecond
