package inputtest

import (
	"image"
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
	b.later(b.Button(wire.Press, 40, 41, wire.Left))
	capture()
	rest()
	h.move(image.Pt(701, 301))
	b.until("the button to be let go", func(es []pt.Event) bool { return count(es, pt.Release, 1) == 1 })
	ungrab(toolkit.c)

	b.later(b.Button(wire.Press, 40, 41, wire.Right))
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
	b.later(b.At(wire.Move, 50, 51))
}

// While a window manager holds back a guest's press on a dialog, nothing more is
// done: it would be held back as well, and reach whatever is there by then.
func testHeldBack(t *testing.T, b *Bench) {
	p := newPicture(t, b)
	dialog := b.Win.Sibling(pt.Options{Title: "dialog", Bounds: image.Rect(300, 250, 500, 350), TransientFor: b.Win.XID(), Type: "DIALOG"})
	p.member(dialog)
	p.show(dialog)
	manager := b.host()
	b.host().move(image.Pt(1000, 800))
	const sync = xproto.GrabModeSync
	err := xproto.GrabButtonChecked(manager.c.Conn, false, manager.c.Root, xproto.EventMaskButtonPress, sync, xproto.GrabModeAsync, 0, 0, 2, 0).Check()
	if err != nil {
		t.Fatal(err)
	}
	press := p.on(dialog, wire.Press, 20, 20, wire.Middle)
	pt.Eventually(t, "the press", func() bool { return p.Gate.Do(press, Rights).OK() })
	press.Kind = wire.Release
	p.Do(press)
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if v := p.Gate.Do(p.on(dialog, wire.Move, 30, 30, 0), Rights); v.Reason != wire.HostBusy {
			t.Fatalf("held back: %q", v.Reason)
		}
	}
	xproto.AllowEvents(manager.c.Conn, xproto.AllowReplayPointer, xproto.TimeCurrentTime)
	pt.Eventually(t, "the guest to go on", func() bool { return p.Gate.Do(p.on(dialog, wire.Move, 30, 30, 0), Rights).OK() })
}
