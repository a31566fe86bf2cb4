package xtest_test

import (
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	fake "github.com/jezek/xgb/xtest"

	"viewflip.app/input"
	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/wire"
)

// seatOf is a seat of a desktop that is closed with the test.
func seatOf(t *testing.T, display string) *xtest.Seat {
	t.Helper()
	d, err := platform.Open(display, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return xtest.NewSeat(d, xtest.SeatOptions{})
}

// A guest holds a key, somebody takes the guests' keyboard to another window, and
// the shared program has grabbed the guests' pointer when the host comes to it.
// The pair that is made anew then lets go of the key, and the other window hears
// nothing of that.
func TestRenewedPairTellsNobody(t *testing.T) {
	display := start(t)
	seat := seatOf(t, display)
	win := pt.NewWindow(t, display, pt.Options{Bounds: image.Rect(100, 100, 300, 300)})
	other := pt.NewWindow(t, display, pt.Options{Bounds: image.Rect(500, 100, 700, 300)})
	desk, err := seat.Open(t.Context(), win.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer desk.Close()
	g := input.NewGate(input.Config{Desk: desk}) // it does not run: nobody else lets go of the key
	key, _ := wire.KeyFromDOM("KeyA")
	pt.Eventually(t, "a key", func() bool { return g.Do(wire.Input{Kind: wire.KeyDown, Key: key}, onx11.Rights).OK() })

	c := onx11.Host(t, display)
	xi, ptr, kbd := onx11.Guests(t, win.Conn())
	if _, err := xi.Grabbed(ptr, win.XID()).Reply(); err != nil { // it asks by a grab, and this window is mapped
		t.Fatal(err)
	}
	if err := xi.SetFocus(kbd, other.XID()).Check(); err != nil {
		t.Fatal(err)
	}
	at := win.Bounds().Min.Add(image.Pt(50, 50))
	fake.FakeInput(c.Conn, xproto.MotionNotify, 0, 0, c.Root, int16(at.X), int16(at.Y), 0)
	_, _ = xproto.GetInputFocus(c.Conn).Reply()
	xtest.Guard(desk)
	hidden := pt.NewWindow(t, display, pt.Options{Bounds: image.Rect(800, 100, 900, 200), Hidden: true})
	xi, ptr, _ = onx11.Guests(t, hidden.Conn())
	if grabbed, err := xi.Grabbed(ptr, hidden.XID()).Reply(); err != nil || grabbed {
		t.Fatal("the pair was not made anew", err)
	}
	_, _ = xproto.GetInputFocus(other.Conn().Conn).Reply() // what there is has come
	for _, e := range onx11.Got(other, pt.KeyDown, pt.KeyUp) {
		t.Errorf("another window got %+v", e)
	}
}

// A window manager puts the host's focus down on its way into a dialog that a
// guest opened: it is given back all the same.
func TestFocusOnItsWay(t *testing.T) {
	v, err := virtual.Start(t.Context(), virtual.Options{}) // no other
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	b := onx11.NewBench(t, v.Name(), opener(xtest.SeatOptions{}))
	h := newHand(t, v.Name(), image.Rect(800, 500, 1000, 700))
	for _, kind := range []wire.Kind{wire.Press, wire.Release} {
		ev := b.Button(kind, 5, 5, wire.Left)
		pt.Eventually(t, "a click", func() bool { return b.Gate.Do(ev, onx11.Rights).OK() })
	}
	dialog := b.Win.Sibling(pt.Options{Title: "Open", Bounds: image.Rect(300, 250, 500, 350), TransientFor: b.Win.XID(), Type: "DIALOG"})
	for _, f := range []xproto.Window{xproto.InputFocusNone, dialog.XID()} {
		time.Sleep(50 * time.Millisecond)
		xproto.SetInputFocus(h.c.Conn, xproto.InputFocusPointerRoot, f, xproto.TimeCurrentTime)
		_, _ = xproto.GetInputFocus(h.c.Conn).Reply()
	}
	pt.Eventually(t, "the host's focus", func() bool {
		f, err := xproto.GetInputFocus(h.c.Conn).Reply()
		return err == nil && f.Focus == h.win.XID()
	})
	h.works()
}

// One of two shared windows is given up while a guest drags in the other: the drag
// goes on.
func TestGivingUpEndsNoDrag(t *testing.T) {
	display := start(t)
	seat := seatOf(t, display)
	open := func(r image.Rectangle) (*pt.Window, *input.Gate) {
		w := pt.NewWindow(t, display, pt.Options{Bounds: r})
		desk, err := seat.Open(t.Context(), w.ID())
		if err != nil {
			t.Fatal(err)
		}
		return w, input.NewGate(input.Config{Desk: desk})
	}
	_, one := open(image.Rect(100, 100, 300, 300))
	win, other := open(image.Rect(500, 100, 700, 300))
	defer other.Close()
	do := func(kind wire.Kind, button wire.Button) {
		t.Helper()
		ev := wire.Input{Kind: kind, Button: button, X: 1 << 15, Y: 1 << 15}
		pt.Eventually(t, string(pt.Press), func() bool { return other.Do(ev, onx11.Rights).OK() })
	}
	do(wire.Press, wire.Left)
	pt.Eventually(t, "the press", func() bool { return len(onx11.Got(win, pt.Press)) == 1 })
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	_, _ = xproto.GetInputFocus(win.Conn().Conn).Reply() // what there is has come
	if got := onx11.Got(win, pt.Release); len(got) > 0 {
		t.Errorf("the drag ended: %+v", got)
	}
	do(wire.Release, wire.Left)
	pt.Eventually(t, "the release", func() bool { return len(onx11.Got(win, pt.Release)) == 1 })
}
