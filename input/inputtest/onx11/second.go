package onx11

import (
	"image"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// Host and guest work at the same time in two windows: nobody's events, focus,
// pointer or modifiers mix.
func testTwoHands(t *testing.T, b *Bench) {
	other := b.Neighbour()
	other.Focus()
	h := b.host()
	mine := image.Pt(700, 300) // in the neighbour
	h.move(mine)
	b.Do(b.Button(wire.Press, 40, 41, wire.Left), b.At(wire.Move, 50, 51)) // the second pair takes its focus
	b.await(1, pt.Press)
	other.Forget()
	b.Win.Forget()
	for n := range 5 {
		h.key(codeB, true)
		b.Do(b.Key(wire.KeyDown, "KeyA"), b.At(wire.Move, 60, 61))
		h.fake(xproto.ButtonPress, 1, 0, 0)
		b.Do(b.Key(wire.KeyUp, "KeyA"), b.At(wire.Move, 70, 71))
		h.key(codeB, false)
		h.fake(xproto.ButtonRelease, 1, 0, 0)
		// Openbox freezes the pointer at a press for a moment. The server loses the
		// release and the next press if both come while it does, also where no guest
		// does anything.
		pt.Eventually(t, "a click of the host's, replayed", func() bool { return count(Got(other, pt.Release), pt.Release, 1) == n+1 })
	}
	b.Do(b.Button(wire.Release, 80, 81, wire.Left))
	b.await(6, pt.KeyUp, pt.Release)
	if got := typed(b.Win); !slices.Equal(got, []int{codeA, codeA, codeA, codeA, codeA}) {
		t.Errorf("the guest typed %v", got)
	}
	if got := typed(other); !slices.Equal(got, []int{codeB, codeB, codeB, codeB, codeB}) {
		t.Errorf("the host typed %v", got)
	}
	if got := Got(other, pt.Press, pt.Motion); count(got, pt.Press, 1) != 5 || count(got, pt.Motion, 0) != 0 {
		t.Errorf("the host clicked %+v", got)
	}
	if got := Got(b.Win, pt.Press, pt.Motion); count(got, pt.Press, 1) != 0 || count(got, pt.Motion, 0) != 11 {
		t.Errorf("the guest moved %+v", got)
	}
	if h.at() != mine || h.focus() != other.XID() {
		t.Errorf("the host's pointer is at %v, his focus %#x", h.at(), h.focus())
	}
	// The host's modifiers are his own; some toolkits mix them up, so that
	// nothing is pressed meanwhile.
	h.key(codeShift, true)
	b.Do(b.At(wire.Move, 5, 5))
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.HostBusy)
	h.key(codeShift, false)
	b.Win.Forget()
	b.Do(b.Key(wire.KeyDown, "ShiftLeft"))
	other.Forget()
	h.tap(codeB)
	if got := Got(other, pt.KeyDown); len(got) != 1 || got[0].State&xproto.ModMaskShift != 0 {
		t.Errorf("with the guest's Shift down the host typed %+v", got)
	}
}

// Where the host's keyboard goes, and what the window manager takes for his
// window, is none of the guest's doing.
func testHostFocus(t *testing.T, b *Bench) {
	other := b.Neighbour()
	h := b.host()
	other.Focus()
	b.Win.Forget()
	b.Do(b.Button(wire.Press, 40, 41, wire.Left), b.Button(wire.Release, 42, 43, wire.Left))
	b.await(2, pt.Press, pt.Release)
	b.Later(b.Key(wire.KeyDown, "KeyA"))
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	if got := typed(b.Win); !slices.Equal(got, []int{codeA}) {
		t.Errorf("the guest typed %v", got)
	}
	pt.Eventually(t, "the window manager to mean the host's window", func() bool { return h.active() == other.XID() })
	if f := h.focus(); f != other.XID() {
		t.Errorf("the host's focus is %#x", f)
	}
	// An application moves the second keyboard elsewhere: it comes back before
	// the next key.
	third := pt.NewWindow(t, b.Display, pt.Options{Title: "third", Bounds: image.Rect(650, 500, 800, 600)})
	third.Focus()
	b.Win.Forget()
	third.Forget()
	b.Do(b.Key(wire.KeyDown, "KeyB"), b.Key(wire.KeyUp, "KeyB"))
	b.await(1, pt.KeyUp)
	if got := typed(b.Win); !slices.Equal(got, []int{codeB}) || len(typed(third)) != 0 {
		t.Errorf("the guest typed %v", got)
	}
}

// Menus of the host's own windows do not hold the guest up.
func testHostGrab(t *testing.T, b *Bench) {
	other := b.Neighbour()
	other.Focus()
	grab(t, other.Conn(), other.XID())
	b.Win.Forget()
	other.Forget()
	b.Do(b.Button(wire.Press, 5, 5, wire.Left), b.Button(wire.Release, 5, 5, wire.Left))
	b.Do(b.Key(wire.KeyDown, "KeyA"), b.Key(wire.KeyUp, "KeyA"))
	b.await(4, pt.Press, pt.Release, pt.KeyDown, pt.KeyUp)
	if got := Got(b.Win, pt.Press, pt.Release, pt.KeyDown, pt.KeyUp); len(got) != 4 {
		t.Errorf("during the host's grab: %+v", got)
	}
	Nothing(t, "who has the grab", other)
	ungrab(other.Conn())
}

// A grab of the host's keyboard with a window over everything is a locker.
func testHostLocker(t *testing.T, b *Bench) {
	menu := pt.NewWindow(t, b.Display, pt.Options{Bounds: image.Rect(250, 200, 350, 300), OverrideRedirect: true})
	grab(t, menu.Conn(), menu.XID())
	b.Later(b.Key(wire.KeyDown, "KeyA"))
	b.Do(b.Key(wire.KeyUp, "KeyA"), b.Button(wire.Press, 5, 5, wire.Left), b.Button(wire.Release, 5, 5, wire.Left))
	b.await(2, pt.Press, pt.Release)
	b.Refused(b.Button(wire.Press, 60, 60, wire.Left), wire.Covered)
	ungrab(menu.Conn())
	c := b.Win.Conn()
	screen := image.Rect(0, 0, int(c.Screen.WidthInPixels), int(c.Screen.HeightInPixels))
	locker := pt.NewWindow(t, b.Display, pt.Options{Bounds: screen, OverrideRedirect: true})
	grab(t, locker.Conn(), locker.XID())
	b.Win.Forget()
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Locked)
	b.Refused(b.Button(wire.Press, 5, 5, wire.Left), wire.Locked)
	Nothing(t, "the window", b.Win)
	for _, e := range Got(locker, pt.Press, pt.KeyDown) {
		t.Errorf("the locker received %+v", e)
	}
	ungrab(locker.Conn())
}

// In the same window the host's hand goes first.
func testSameWindow(t *testing.T, b *Bench) {
	h := b.host()
	b.Later(b.Button(wire.Press, 5, 5, wire.Middle))
	h.move(b.Win.Bounds().Min.Add(image.Pt(100, 100)))
	b.Refused(b.At(wire.Move, 6, 6), wire.HostBusy)
	b.await(1, pt.Release)
	b.Later(b.At(wire.Move, 7, 7))
	h.tap(codeB) // his focus is there, too
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.HostBusy)
	h.move(image.Pt(1000, 800))
	b.Later(b.Key(wire.KeyDown, "KeyA"))
}

// A window manager takes the guest's click for the host's and moves his focus
// into the shared window: he gets it back, unless he wanted it there.
func testStolenFocus(t *testing.T, b *Bench) {
	other := b.Neighbour()
	other.Focus()
	h := b.host()
	h.move(image.Pt(1000, 800))
	steal := func() {
		xproto.SetInputFocus(h.c.Conn, xproto.InputFocusPointerRoot, b.Win.XID(), xproto.TimeCurrentTime)
		_, _ = xproto.GetInputFocus(h.c.Conn).Reply()
	}
	pt.Eventually(t, "the host's focus", func() bool {
		other.Focus()
		b.Later(b.Button(wire.Press, 5, 5, wire.Middle))
		b.Do(b.Button(wire.Release, 5, 5, wire.Middle))
		steal()
		for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if h.focus() == other.XID() {
				return true
			}
		}
		return false // too late on a busy machine: it is given back for a short time only
	})

	h.move(b.Win.Bounds().Min.Add(image.Pt(100, 100))) // he goes there himself
	b.Later(b.Button(wire.Press, 5, 5, wire.Middle))
	b.Do(b.Button(wire.Release, 5, 5, wire.Middle))
	steal()
	for range 20 { // every section is behind the one that might have given it back
		b.Do(b.At(wire.Move, 6, 6))
	}
	if f := h.focus(); f != b.Win.XID() {
		t.Errorf("his focus was taken from where he is: %#x", f)
	}
}

// Toolkits answer a click by core requests, which mean the host's pair unless
// somebody says otherwise: they must mean the guest's while he acts, and the
// host's again soon after, but not while a menu of the guest is open.
func testClientPointer(t *testing.T, b *Bench) {
	other := b.Neighbour()
	other.Focus()
	h := b.host()
	h.move(image.Pt(1000, 800))
	c := b.Win.Conn()
	b.Do(b.Button(wire.Press, 5, 5, wire.Left), b.Button(wire.Release, 5, 5, wire.Left))
	b.await(2, pt.Press, pt.Release)
	xproto.SetInputFocus(c.Conn, xproto.InputFocusParent, b.Win.XID(), xproto.TimeCurrentTime) // as for WM_TAKE_FOCUS
	grab(t, c, b.Win.XID())
	if f := h.focus(); f != other.XID() {
		t.Errorf("the client took the host's focus: %#x", f)
	}
	p, err := xproto.GrabPointer(h.c.Conn, false, h.c.Root, 0, xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime).Reply()
	if err != nil || p.Status != xproto.GrabStatusSuccess {
		t.Errorf("the client took the host's pointer: %v", err)
	}
	ungrab(h.c)
	xi, err := xinput.New(h.c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	own := func() bool { // not by a request of the client: with a grab that means what it has grabbed
		id, _, err := xi.ClientPointer(b.Win.XID())
		return err == nil && id == xinput.CorePointer
	}
	end := time.Now().Add(time.Second) // twice as long as it would take without the grab
	for time.Now().Before(end) {
		if own() {
			t.Fatal("the client cannot let go of its grab any more")
		}
		time.Sleep(20 * time.Millisecond)
	}
	ungrab(c)
	pt.Eventually(t, "the client to mean the host's pointer again", own)
}
