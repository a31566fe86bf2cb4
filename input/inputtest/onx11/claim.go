package onx11

import (
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

// guestFocus is where the keys of the second keyboard go.
func (h host) guestFocus(t *testing.T) xproto.Window {
	t.Helper()
	xi, _, kbd := Guests(t, h.c)
	f, err := xi.GetFocus(kbd).Reply()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A click of one guest does not take the keyboard from another who holds a key
// in the next window.
func testClaimBusy(t *testing.T, b *Bench) {
	other := b.Neighbour()
	next := b.GateOf(other.ID())
	b.host().move(image.Pt(1000, 800))
	b.Later(b.Key(wire.KeyDown, "KeyA"))
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
	locker.Close()
	xi, _, kbd := Guests(t, other.Conn())
	if _, err := xi.Grabbed(kbd, other.XID()).Reply(); err != nil { // it asks by a grab, and this window is mapped
		t.Fatal(err)
	}
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Locked)
	same("their keyboard is somebody else's")
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
	if m := p.Member(dialog); !m.Masked || m.Kind != platform.SurfaceDialog {
		t.Fatalf("%+v", m)
	}
	other.Focus()
	p.Show(dialog)
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
	b.Later(b.Key(wire.KeyDown, "KeyA")) // the gate knows of that window
	b.Do(b.Key(wire.KeyUp, "KeyA"))
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

// stepOfMenus is how often a backend looks by itself what has opened, or more.
const stepOfMenus = 25 * time.Millisecond

// With one pair for both, a grab of another program is not taken for that of a
// popup of the shared one, whichever of the two was there first.
func testGrabBesidePopup(t *testing.T, b *Bench) { //nolint:funlen // a test: its windows, its table of grabs, and what each must do
	other := b.Neighbour()
	h := b.host()
	r := b.Win.Bounds()
	small := image.Rect(r.Min.X+50, r.Min.Y+50, r.Min.X+130, r.Min.Y+70)
	popup := func(kind string) *pt.Window {
		return b.Win.Sibling(pt.Options{Bounds: small, OverrideRedirect: true, Type: kind, Hidden: true})
	}
	plain, tip := popup(""), popup("TOOLTIP")
	locker := pt.NewWindow(t, b.Display, pt.Options{Bounds: small.Inset(-5), OverrideRedirect: true, Hidden: true})
	time.Sleep(1100 * time.Millisecond) // these are no new windows, so that nothing else says no
	for _, c := range []struct {
		name  string
		popup *pt.Window
		// before is what the guest sees by then, grab comes unseen.
		before func()
		grab   func()
	}{
		{"the grab first", plain, func() { grab(t, other.Conn(), other.XID()) }, nil},
		{"the grab long before", plain, nil, func() { time.Sleep(2100 * time.Millisecond); grab(t, other.Conn(), other.XID()); time.Sleep(longer) }},
		{"the popup first", plain, func() { plain.Map(); time.Sleep(longer) }, func() { grab(t, other.Conn(), other.XID()) }},
		{"a tooltip", tip, nil, func() { grab(t, other.Conn(), other.XID()) }},
		{"the host's hand", plain, nil, func() { pause(); h.tap(codeB); grab(t, other.Conn(), other.XID()) }},
		{"the host's hand before", plain, nil, func() { pause(); h.tap(codeB); time.Sleep(4 * stepOfMenus); grab(t, other.Conn(), other.XID()) }},
		{"a locker that waited", plain, nil, func() {
			plain.Map()
			locker.Map()
			grab(t, locker.Conn(), locker.XID())
		}},
		{"a new program", plain, nil, func() {
			w := pt.NewWindow(t, b.Display, pt.Options{Bounds: image.Rect(700, 500, 800, 550), OverrideRedirect: true})
			grab(t, w.Conn(), w.XID())
			t.Cleanup(func() { ungrab(w.Conn()) })
		}},
	} {
		pt.Eventually(t, "a key", func() bool { return b.Gate.Do(b.Key(wire.KeyDown, "KeyA"), Rights).OK() })
		b.Do(b.Key(wire.KeyUp, "KeyA"))
		if c.before != nil {
			c.before()
			_ = b.Gate.Do(b.Key(wire.KeyDown, "KeyA"), Rights) // it sees how things are
			_ = b.Gate.Do(wire.Input{Kind: wire.ReleaseAll}, Rights)
			time.Sleep(longer)
		}
		if c.grab != nil {
			c.grab()
		}
		c.popup.Map()
		pause()
		time.Sleep(350 * time.Millisecond) // the host's hand rests, so that nothing else says no
		other.Forget()
		b.Win.Forget()
		if v := b.Gate.Do(b.Key(wire.KeyDown, "KeyA"), Rights); v.Reason != wire.Locked {
			t.Errorf("%s: a key: %v", c.name, v)
		}
		if v := b.Gate.Do(b.Button(wire.Press, 5, 5, wire.Left), Rights); v.Reason != wire.HostBusy {
			t.Errorf("%s: a press: %v", c.name, v)
		}
		b.Do(wire.Input{Kind: wire.ReleaseAll})
		Nothing(t, c.name+": who has the grab", other)
		Nothing(t, c.name+": the window", b.Win)
		ungrab(other.Conn())
		ungrab(locker.Conn())
		locker.Unmap()
		c.popup.Unmap()
	}
}
