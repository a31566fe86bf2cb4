package onx11

import (
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

// A host who rests with a button down is not done.
func testHostRests(t *testing.T, b *Bench) {
	h := b.host()
	h.move(b.Win.Bounds().Min.Add(image.Pt(100, 100)))
	h.fake(xproto.ButtonPress, 1, 0, 0)
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if v := b.Gate.Do(b.At(wire.Move, 6, 6), Rights); v.Reason != wire.HostBusy {
			t.Fatalf("his button is down, and %v", v)
		}
	}
	h.fake(xproto.ButtonRelease, 1, 0, 0)
	b.Later(b.At(wire.Move, 6, 6))
}

// His pointer over a menu or dialog of the window is in the guest's way as if it
// were over the window.
func testHostOverSurfaces(t *testing.T, b *Bench) {
	h := b.host()
	p := newPicture(t, b)
	away := image.Pt(1000, 800)
	meets := func(what string, w *pt.Window) {
		t.Helper()
		over := w.Bounds().Max.Sub(image.Pt(10, 10)) // beside the window
		pt.Eventually(t, what, func() bool {
			h.move(over.Add(image.Pt(1, 0)))
			h.move(over)
			return p.Gate.Do(p.On(b.Win, wire.Move, 6, 6, 0), Rights).Reason == wire.HostBusy
		})
		h.move(away)
		b.Later(p.On(b.Win, wire.Move, 6, 6, 0))
	}
	at := b.Win.Bounds().Min
	menu := popup(b.Win, image.Rect(350, 50, 500, 150).Add(at))
	p.Member(menu)
	p.Show(menu)
	meets("his pointer over the menu", menu)
	menu.Unmap()
	dialog := b.Win.Sibling(pt.Options{Title: "dialog", Bounds: image.Rect(350, 50, 500, 150).Add(at), TransientFor: b.Win.XID(), Type: "DIALOG"})
	p.Member(dialog)
	dialog.Focus()
	p.Show(dialog)
	b.Later(p.On(dialog, wire.Move, 20, 20, 0))
	meets("his pointer over the dialog", dialog)
}

// What of the window is off the screen does not show through a locker.
func testLockerOffscreen(t *testing.T, b *Bench) {
	b.Win.Move(image.Pt(-100, 150))
	c := b.Win.Conn()
	locker := pt.NewWindow(t, b.Display, pt.Options{
		Bounds: image.Rect(0, 0, int(c.Screen.WidthInPixels), int(c.Screen.HeightInPixels)), OverrideRedirect: true,
	})
	grab(t, locker.Conn(), locker.XID())
	b.Win.Forget()
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Locked)
	Nothing(t, "the window", b.Win)
	ungrab(locker.Conn())
}

// A lock that is held is no second lock by the viewer's repeats.
func testLockRepeat(t *testing.T, b *Bench) {
	const codeCaps = 66
	caps := b.Key(wire.KeyDown, "CapsLock")
	b.Later(caps)
	caps.Repeat = true
	b.Do(caps, caps, b.Key(wire.KeyUp, "CapsLock"))
	b.Do(b.Key(wire.KeyDown, "KeyA"), b.Key(wire.KeyUp, "KeyA"))
	b.until("the key after it", func(es []pt.Event) bool { return count(es, pt.KeyUp, codeA) == 1 })
	if n := count(b.Win.Events(), pt.KeyDown, codeCaps); n != 1 {
		t.Errorf("the lock was pressed %d times", n)
	}
	b.Do(b.Key(wire.KeyDown, "CapsLock"), b.Key(wire.KeyUp, "CapsLock"))
}
