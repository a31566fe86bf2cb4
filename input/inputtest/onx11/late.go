package onx11

import (
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

// A program takes its time to answer what a guest did, and takes the host's focus
// then: it is given back, whatever the host did elsewhere meanwhile if the window
// is a new one. A host who did something may have gone to an old one themselves.
func testLateDialog(t *testing.T, b *Bench) {
	other, third := b.Neighbour(), pt.NewWindow(t, b.Display, pt.Options{Title: "third", Bounds: image.Rect(650, 500, 800, 600)})
	old := b.Win.Sibling(pt.Options{Title: "old", Bounds: image.Rect(700, 50, 800, 150)})
	h := b.host()
	var from *pt.Window
	dialog := func() *pt.Window {
		return b.Win.Sibling(pt.Options{Title: "Open", Bounds: image.Rect(300, 250, 500, 350), TransientFor: b.Win.XID(), Type: "DIALOG"})
	}
	existing := func() *pt.Window { return old }
	for _, c := range []struct {
		name     string
		meantime func()
		window   func() *pt.Window
		back     bool
	}{
		{"a dialog, while they type", func() { h.tap(codeB) }, dialog, true},
		{"a dialog, after they went elsewhere", func() { third.Focus(); from = third }, dialog, true},
		{"an old window, while they rest", func() {}, existing, true},
		{"an old window, after they typed", func() { h.tap(codeB) }, existing, false},
	} {
		h.move(image.Pt(1000, 800))
		from = other
		from.Focus()
		time.Sleep(guardPause)
		b.Later(b.Button(wire.Press, 5, 5, wire.Middle))
		b.Do(b.Button(wire.Release, 5, 5, wire.Middle))
		time.Sleep(guardPause + 100*time.Millisecond) // nothing is the press's at once any more
		c.meantime()
		w := c.window()
		xproto.SetInputFocus(h.c.Conn, xproto.InputFocusPointerRoot, w.XID(), xproto.TimeCurrentTime) // as the window manager does
		if c.back {
			pt.Eventually(t, c.name+": the host's focus", func() bool { return h.focus() == from.XID() })
			h.tap(codeD)
			pt.Eventually(t, c.name+": what the host types", func() bool { return count(from.Events(), pt.KeyUp, codeD) > 0 })
		}
		for end := time.Now().Add(guardPause); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if f := h.focus(); (f == from.XID()) != c.back {
				t.Errorf("%s: the host's focus is in %#x", c.name, f)
				break
			}
		}
		if n := count(w.Events(), pt.KeyDown, codeD); n > 0 {
			t.Errorf("%s: it got what the host types", c.name)
		}
		if w != old {
			w.Close()
		}
		from.Forget()
	}
}
