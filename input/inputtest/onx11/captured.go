package onx11

import (
	"image"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

// Some toolkits answer a guest's press by grabbing every pointer, the host's too,
// until the button is up or a menu is closed. That may be for as long as the host
// does nothing: then the button is let go, or the menu gets Escape.
func testCaptured(t *testing.T, b *Bench) {
	b.Run()
	other := b.Neighbour()
	other.Focus()
	h, toolkit := b.host(), b.host()
	h.move(image.Pt(700, 300)) // in the neighbour
	capture := func() {
		t.Helper()
		pt.Eventually(t, "the grab of the host's pointer", func() bool {
			p, err := xproto.GrabPointer(toolkit.c.Conn, false, b.Win.XID(), 0, xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime).Reply()
			return err == nil && p.Status == xproto.GrabStatusSuccess
		})
	}
	rest := func() { // they do nothing for longer than it takes to see the grab
		t.Helper()
		for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if n := count(b.Win.Events(), pt.KeyDown, codeEscape) + count(b.Win.Events(), pt.Release, 1); n != 0 {
				t.Fatal("the guest is hindered, although the host does nothing")
			}
		}
	}
	b.Win.Forget()
	b.Later(b.Button(wire.Press, 40, 41, wire.Left))
	capture()
	rest()
	h.move(image.Pt(701, 301))
	b.until("the button to be let go", func(es []pt.Event) bool { return count(es, pt.Release, 1) == 1 })
	ungrab(toolkit.c)

	b.Later(b.Button(wire.Press, 40, 41, wire.Right))
	b.Do(b.Button(wire.Release, 40, 41, wire.Right))
	b.Win.Forget()
	capture()
	rest()
	h.move(image.Pt(702, 302))
	b.until("Escape", func(es []pt.Event) bool { return count(es, pt.KeyUp, codeEscape) > 0 })
	ungrab(toolkit.c)
	other.Forget()
	h.tap(codeB)
	h.move(image.Pt(703, 303))
	pt.Eventually(t, "what the host does", func() bool {
		return count(other.Events(), pt.KeyUp, codeB) == 1 && count(other.Events(), pt.Motion, 0) > 0
	})
	b.Later(b.At(wire.Move, 50, 51))
}

// While a window manager holds back a guest's press on a dialog, nothing more is
// done: it would be held back as well, and reach whatever is there by then.
func testHeldBack(t *testing.T, b *Bench) {
	p := newPicture(t, b)
	dialog := b.Win.Sibling(pt.Options{Title: "dialog", Bounds: image.Rect(300, 250, 500, 350), TransientFor: b.Win.XID(), Type: "DIALOG"})
	p.Member(dialog)
	p.Show(dialog)
	manager := b.host()
	b.host().move(image.Pt(1000, 800))
	const sync = xproto.GrabModeSync
	err := xproto.GrabButtonChecked(manager.c.Conn, false, manager.c.Root, xproto.EventMaskButtonPress, sync, sync, 0, 0, 2, 0).Check()
	if err != nil {
		t.Fatal(err)
	}
	press := p.On(dialog, wire.Press, 20, 20, wire.Middle)
	pt.Eventually(t, "the press", func() bool { return p.Gate.Do(press, Rights).OK() })
	press.Kind = wire.Release
	p.Do(press)
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if v := p.Gate.Do(p.On(dialog, wire.Move, 30, 30, 0), Rights); v.Reason != wire.HostBusy {
			t.Fatalf("held back: %q", v.Reason)
		}
		if v := p.Gate.Do(p.Key(wire.KeyDown, "KeyA"), Rights); v.Reason != wire.HostBusy { // it would wait, too
			t.Fatalf("a key, while a press is held back: %q", v.Reason)
		}
	}
	xproto.AllowEvents(manager.c.Conn, xproto.AllowReplayPointer, xproto.TimeCurrentTime)
	xproto.AllowEvents(manager.c.Conn, xproto.AllowAsyncKeyboard, xproto.TimeCurrentTime)
	pt.Eventually(t, "the guest to go on", func() bool { return p.Gate.Do(p.On(dialog, wire.Move, 30, 30, 0), Rights).OK() })
	p.Later(p.Key(wire.KeyDown, "KeyA"))
}

// While the shared program itself holds back a click, the server would drop the
// release and a press behind it. So such a press is refused, and the guest knows.
func testSwallowed(t *testing.T, b *Bench) {
	b.Neighbour().Focus()
	b.host().move(image.Pt(1000, 800))
	c, inner := b.Win.Conn(), b.child(b.Win.XID(), image.Rect(0, 0, 100, 100))
	err := xproto.GrabButtonChecked(c.Conn, false, inner, xproto.EventMaskButtonPress,
		xproto.GrabModeSync, xproto.GrabModeAsync, 0, 0, xproto.ButtonIndex1, xproto.ModMaskAny).Check()
	if err != nil {
		t.Fatal(err)
	}
	b.Win.Forget()
	goOn := func() { xproto.AllowEvents(c.Conn, xproto.AllowReplayPointer, xproto.TimeCurrentTime) }
	press, release := b.Button(wire.Press, 20, 20, wire.Left), b.Button(wire.Release, 20, 20, wire.Left)
	b.Later(press)
	b.Do(release)
	for end := time.Now().Add(longer); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		b.Refused(press, wire.HostBusy) // also when the grab is known as the program's own
	}
	goOn()
	b.until("the first click", func(es []pt.Event) bool { return count(es, pt.Release, 1) == 1 })
	b.Later(press)
	goOn()
	b.Do(release)
	b.until("the second click", func(es []pt.Event) bool { return count(es, pt.Release, 1) == 2 })
	// The program hears of each press by its grab, and again when that has let it go on.
	b.clicks(pt.Press, pt.Press, pt.Release, pt.Press, pt.Press, pt.Release)
}

// A program may take its time to open the menu that a press asks for, while the
// button is held, and grab the pointer alone.
func testSlowMenu(t *testing.T, b *Bench) {
	c := b.Win.Conn()
	b.Later(b.Button(wire.Press, 5, 5, wire.Left))
	time.Sleep(longer)
	popup(b.Win, image.Rect(0, 0, 80, 120).Add(b.Win.Bounds().Min.Add(image.Pt(50, 50))))
	p, err := xproto.GrabPointer(c.Conn, true, b.Win.XID(), xproto.EventMaskButtonPress|xproto.EventMaskButtonRelease,
		xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime).Reply()
	if err != nil || p.Status != xproto.GrabStatusSuccess {
		t.Fatal(err, p)
	}
	time.Sleep(longer)
	b.Do(b.Button(wire.Release, 5, 5, wire.Left))
	b.Do(b.Button(wire.Press, 9, 9, wire.Left), b.Button(wire.Release, 9, 9, wire.Left))
	b.clicks(pt.Press, pt.Release, pt.Press, pt.Release)
}

// With one pair for both it is the same while a menu of the shared program, as
// those of Motif do, stops the pointer at each press and release.
func testStoppingMenu(t *testing.T, b *Bench) {
	c := b.Win.Conn()
	b.Later(b.Key(wire.KeyDown, "KeyA"))
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	popup(b.Win, image.Rect(0, 0, 80, 120).Add(b.Win.Bounds().Min.Add(image.Pt(50, 50))))
	next := func() { xproto.AllowEvents(c.Conn, xproto.AllowSyncPointer, xproto.TimeCurrentTime) }
	p, err := xproto.GrabPointer(c.Conn, true, b.Win.XID(), xproto.EventMaskButtonPress|xproto.EventMaskButtonRelease,
		xproto.GrabModeSync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime).Reply()
	if err != nil || p.Status != xproto.GrabStatusSuccess {
		t.Fatal(err, p)
	}
	next()
	b.Win.Forget()
	press, release := b.Button(wire.Press, 5, 5, wire.Left), b.Button(wire.Release, 5, 5, wire.Left)
	b.Do(press, release)
	b.Refused(press, wire.HostBusy)
	next()
	b.until("the first click", func(es []pt.Event) bool { return count(es, pt.Release, 1) == 1 })
	next()
	b.Later(press)
	next()
	b.Do(release)
	b.until("the second click", func(es []pt.Event) bool { return count(es, pt.Release, 1) == 2 })
	b.clicks(pt.Press, pt.Release, pt.Press, pt.Release)
}

// A guest may hold two buttons, however the host has numbered their own.
func testTwoButtons(t *testing.T, b *Bench) {
	c := b.host().c
	was, err := xproto.GetPointerMapping(c.Conn).Reply()
	if err != nil || len(was.Map) < 3 {
		t.Fatal(err, was)
	}
	number := func(m []byte) {
		t.Helper()
		pt.Eventually(t, "the numbers", func() bool { // not while a button is down
			r, err := xproto.SetPointerMapping(c.Conn, byte(len(m)), m).Reply()
			return err == nil && r.Status == xproto.MappingStatusSuccess
		})
	}
	left := slices.Clone(was.Map)
	left[0], left[2] = left[2], left[0]
	for _, m := range [][]byte{left, was.Map} {
		number(m)
		b.Win.Forget()
		b.Later(b.Button(wire.Press, 9, 9, wire.Left))
		b.Later(b.Button(wire.Press, 9, 9, wire.Right))
		b.Do(b.Button(wire.Release, 9, 9, wire.Left), b.Button(wire.Release, 9, 9, wire.Right))
		b.until("both to be let go", func(es []pt.Event) bool { return count(es, pt.Release, 1)+count(es, pt.Release, 3) == 2 })
		b.clicks(pt.Press, pt.Press, pt.Release, pt.Release)
	}
}

// clicks checks which presses and releases the window got.
func (b *Bench) clicks(want ...pt.Kind) {
	b.t.Helper()
	var got []pt.Kind
	for _, e := range Got(b.Win, pt.Press, pt.Release) {
		got = append(got, e.Kind)
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("%v, want %v", got, want)
	}
}
