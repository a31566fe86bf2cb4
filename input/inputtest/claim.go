package inputtest

import (
	"image"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/platform"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// guestFocus is where the keys of the second keyboard go.
func (h host) guestFocus(t *testing.T) xproto.Window {
	t.Helper()
	xi, err := xinput.New(h.c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	all, err := xi.Devices()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Use == xinput.MasterKeyboard && d.ID != xinput.CoreKeyboard {
			f, err := xi.GetFocus(d.ID).Reply()
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	t.Fatal("no second keyboard")
	return 0
}

// A click of one guest does not take the keyboard from another who holds a key
// in the next window.
func testClaimBusy(t *testing.T, b *Bench) {
	other := b.Neighbour()
	desk, err := b.open(t.Context(), b.Desktop, other.ID())
	if err != nil {
		t.Fatal(err)
	}
	next := input.NewGate(input.Config{Desk: desk})
	t.Cleanup(func() { _ = next.Close() })
	next.SetGeneration(Gen)
	b.host().move(image.Pt(1000, 800))
	b.later(b.Key(wire.KeyDown, "KeyA"))
	for _, kind := range []wire.Kind{wire.Press, wire.Release} {
		pt.Eventually(t, "the other guest's click", func() bool {
			return next.Do(wire.Input{Kind: kind, Gen: Gen, Button: wire.Left, X: 1 << 15, Y: 1 << 15}, Rights).OK()
		})
	}
	again := b.Key(wire.KeyDown, "KeyA")
	again.Repeat = true
	b.Do(again, b.Key(wire.KeyUp, "KeyA"))
	b.until("the key, twice", func(es []pt.Event) bool { return count(es, pt.KeyDown, codeA) == 2 && count(es, pt.KeyUp, codeA) == 2 })
	for _, e := range Got(other, pt.KeyDown, pt.KeyUp) {
		t.Errorf("the next window got %+v", e)
	}
}

// What is refused moves no focus.
func testClaimRefused(t *testing.T, b *Bench) {
	h := b.host()
	other := b.Neighbour()
	other.Focus()
	before := h.guestFocus(t)
	same := func(what string) {
		t.Helper()
		if f := h.guestFocus(t); f != before {
			t.Errorf("%s: the keyboard went from %#x to %#x", what, before, f)
		}
	}
	h.move(b.Win.Bounds().Min.Add(image.Pt(100, 100)))
	h.fake(xproto.ButtonPress, 2, 0, 0)
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.HostBusy)
	same("the host's hand")
	h.fake(xproto.ButtonRelease, 2, 0, 0)
	h.move(image.Pt(1000, 800))
	other.Focus()
	c := b.Win.Conn()
	locker := pt.NewWindow(t, b.Display, pt.Options{
		Bounds: image.Rect(0, 0, int(c.Screen.WidthInPixels), int(c.Screen.HeightInPixels)), OverrideRedirect: true,
	})
	grab(t, locker.Conn(), locker.XID())
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Locked)
	same("locked")
	ungrab(locker.Conn())
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Covered)
	same("covered")
}

// The guest's keyboard is not given to a dialog that he may not control.
func testClaimMasked(t *testing.T, b *Bench) {
	h := b.host()
	h.move(image.Pt(1000, 800))
	other := b.Neighbour()
	p := newPicture(t, b)
	dialog := b.Win.Sibling(pt.Options{
		Title: "Open", Bounds: image.Rect(300, 250, 500, 350), TransientFor: b.Win.XID(), Type: "DIALOG", Role: "GtkFileChooserDialog",
	})
	if m := p.member(dialog); !m.Masked || m.Kind != platform.SurfaceDialog {
		t.Fatalf("%+v", m)
	}
	other.Focus()
	p.show(dialog)
	pt.Eventually(t, "the gate to know of the dialog", func() bool {
		return b.Gate.Do(b.Key(wire.KeyDown, "KeyA"), Rights).Reason == wire.Masked
	})
	if f := h.guestFocus(t); f == dialog.XID() {
		t.Error("the masked dialog has the guest's keyboard")
	}
}

// A window of the client that nobody sees makes no menu of a foreign grab.
func testUnseenMenu(t *testing.T, b *Bench) {
	other := b.Neighbour()
	c := b.Win.Conn()
	w, err := xproto.NewWindowId(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	err = xproto.CreateWindowChecked(c.Conn, 0, w, c.Root, 0, 0, 50, 50, 0,
		xproto.WindowClassInputOnly, 0, xproto.CwOverrideRedirect, []uint32{1}).Check()
	if err != nil {
		t.Fatal(err)
	}
	if err := xproto.MapWindowChecked(c.Conn, w).Check(); err != nil {
		t.Fatal(err)
	}
	grab(t, other.Conn(), other.XID())
	b.Win.Forget()
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Locked)
	Nothing(t, "the window", b.Win)
	ungrab(other.Conn())
}
