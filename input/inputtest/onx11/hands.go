package onx11

import (
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"viewflip.app/input"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// More X keycodes.
const (
	codeB, codeD, codeF4, codeAlt, codeSuper = 56, 40, 70, 64, 133
)

// host is the person at the machine: XTEST on the core pair.
type host struct{ c *x11.Conn }

func (b *Bench) host() host {
	b.t.Helper()
	return host{Host(b.t, b.Display)}
}

// Host is a connection for the person at the machine, who acts by XTEST. It is
// closed with the test.
func Host(t testing.TB, display string) *x11.Conn {
	t.Helper()
	c, err := x11.Connect(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Require(x11.XTest); err != nil {
		t.Fatal(err)
	}
	return c
}

func (h host) fake(kind, detail byte, x, y int) {
	xtest.FakeInput(h.c.Conn, kind, detail, 0, h.c.Root, int16(x), int16(y), 0)
	_, _ = xproto.GetInputFocus(h.c.Conn).Reply()
}

func (h host) key(code byte, down bool) {
	if down {
		h.fake(xproto.KeyPress, code, 0, 0)
	} else {
		h.fake(xproto.KeyRelease, code, 0, 0)
	}
}

func (h host) tap(codes ...byte) {
	for _, c := range codes {
		h.key(c, true)
	}
	for i := range codes {
		h.key(codes[len(codes)-1-i], false)
	}
}

func (h host) move(p image.Point) { h.fake(xproto.MotionNotify, 0, p.X, p.Y) }

// at is where the host's pointer is.
func (h host) at() image.Point {
	p, err := xproto.QueryPointer(h.c.Conn, h.c.Root).Reply()
	if err != nil {
		return image.Point{}
	}
	return image.Pt(int(p.RootX), int(p.RootY))
}

// focus is where the host's keys go.
func (h host) focus() xproto.Window {
	f, err := xproto.GetInputFocus(h.c.Conn).Reply()
	if err != nil {
		return 0
	}
	return f.Focus
}

// active is what the window manager takes for the host's window.
func (h host) active() xproto.Window {
	if v := h.c.Cardinals(h.c.Root, "_NET_ACTIVE_WINDOW"); len(v) > 0 {
		return xproto.Window(v[0])
	}
	return 0
}

// grab takes the host's pointer and keyboard for a window, as menus and lockers
// do.
func grab(t *testing.T, c *x11.Conn, w xproto.Window) {
	t.Helper()
	pt.Eventually(t, "the grabs", func() bool {
		p, err := xproto.GrabPointer(c.Conn, true, w, xproto.EventMaskButtonPress|xproto.EventMaskPointerMotion,
			xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime).Reply()
		if err != nil || p.Status != xproto.GrabStatusSuccess {
			return false
		}
		k, err := xproto.GrabKeyboard(c.Conn, true, w, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
		return err == nil && k.Status == xproto.GrabStatusSuccess
	})
}

func ungrab(c *x11.Conn) {
	xproto.UngrabPointer(c.Conn, xproto.TimeCurrentTime)
	xproto.UngrabKeyboard(c.Conn, xproto.TimeCurrentTime)
	_, _ = xproto.GetInputFocus(c.Conn).Reply()
}

// later does an event as soon as it is allowed.
func (b *Bench) later(ev wire.Input) {
	b.t.Helper()
	var v input.Verdict
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if v = b.Gate.Do(ev, Rights); v.OK() {
			return
		}
	}
	b.t.Fatalf("%v, at last: %v", ev.Kind, v)
}

// owned waits until a key is refused as somebody's. A window manager takes its keys
// anew when the keyboard's map is new, and has none for a moment.
func (b *Bench) owned(key string) {
	b.t.Helper()
	pt.Eventually(b.t, key+" to be refused", func() bool {
		v := b.Gate.Do(b.Key(wire.KeyDown, key), Rights)
		if v.OK() {
			b.Do(b.Key(wire.KeyUp, key))
		}
		return v.Reason == wire.KeyOwned
	})
}

// typed is what a window got of keys, as keycodes.
func typed(w *pt.Window) []int {
	var out []int
	for _, e := range Got(w, pt.KeyDown) {
		out = append(out, e.Detail)
	}
	return out
}

// Shortcuts of the window manager and of others are refused, however they are
// pressed; what belongs to nobody passes.
func testShortcuts(t *testing.T, b *Bench) {
	b.Win.Forget()
	b.Do(b.Key(wire.KeyDown, "ControlLeft"), b.Key(wire.KeyDown, "KeyS"), b.Key(wire.KeyUp, "KeyS"), b.Key(wire.KeyUp, "ControlLeft"))
	b.Do(b.Key(wire.KeyDown, "AltLeft"))
	b.owned("F4") // openbox closes the window with it
	b.Do(b.Key(wire.KeyUp, "AltLeft"), b.Key(wire.KeyDown, "F4"))
	b.owned("AltLeft") // F4 would be repeated with it
	b.Do(b.Key(wire.KeyUp, "F4"))
	b.await(3, pt.KeyUp)
	if got := count(b.Win.Events(), pt.KeyDown, 39); got != 1 {
		t.Errorf("Ctrl+S arrived %d times", got)
	}
	// Another program takes a key, in each of the ways there are, and gives it
	// back.
	c := b.host().c.Conn
	xi, err := xinput.New(c)
	if err != nil {
		t.Fatal(err)
	}
	root := b.Win.Conn().Root
	tree, err := xproto.QueryTree(c, b.Win.XID()).Reply()
	if err != nil || tree.Parent == root {
		t.Fatal("no frame:", err)
	}
	for name, grab := range map[string]func() error{
		"on the root":  func() error { return xproto.GrabKeyChecked(c, false, root, xproto.ModMaskAny, codeB, 1, 1).Check() },
		"on the frame": func() error { return xproto.GrabKeyChecked(c, false, tree.Parent, 0, codeB, 1, 1).Check() },
		"by XInput 2": func() error {
			_, err := xi.GrabKeycode(root, codeB, 0).Owned()
			return err
		},
	} {
		b.Do(b.Key(wire.KeyDown, "KeyB"), b.Key(wire.KeyUp, "KeyB"))
		if err := grab(); err != nil {
			t.Fatal(name, err)
		}
		if v := b.Gate.Do(b.Key(wire.KeyDown, "KeyB"), Rights); v.Reason != wire.KeyOwned {
			t.Fatalf("%s: %v", name, v) // xgb may be lost in the events of XInput 2
		}
		for _, w := range []xproto.Window{root, tree.Parent} {
			xproto.UngrabKey(c, codeB, w, xproto.ModMaskAny)
		}
		if err := xi.UngrabKeycode(root, codeB, 0).Check(); err != nil {
			t.Fatal(err)
		}
	}
	b.Do(b.Key(wire.KeyDown, "KeyB"))
}

// With one pair for both, the host's hand goes first for a moment, and what the
// guest holds is let go.
func testHostHand(t *testing.T, b *Bench) {
	h := b.host()
	b.later(b.Button(wire.Press, 5, 5, wire.Middle))
	b.Do(b.At(wire.Move, 9, 9), b.At(wire.Move, 10, 10)) // our own moves are not his
	pause()
	b.Win.Forget()
	h.move(image.Pt(20, 20))
	b.Refused(b.At(wire.Move, 11, 11), wire.HostBusy)
	if h.at() != image.Pt(20, 20) {
		t.Error("the pointer was taken from the host's hand")
	}
	b.await(1, pt.Release)
	b.later(b.At(wire.Move, 12, 12))
	pause()
	h.tap(codeB)
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.HostBusy)
	b.later(b.Key(wire.KeyDown, "KeyA"))
	pause()
	b.Do(b.Key(wire.KeyDown, "KeyA"), b.At(wire.Move, 13, 13)) // while it is held
	pause()
	h.move(image.Pt(30, 30))
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.HostBusy)
	b.later(b.Button(wire.Press, 14, 14, wire.Middle))
	pause()
	if err := b.Gate.Release(); err != nil {
		t.Error(err)
	}
	b.Do(b.At(wire.Move, 15, 15)) // our own release is not his
}

// pause lets the server's clock, which counts milliseconds, tell two events
// apart.
func pause() { time.Sleep(10 * time.Millisecond) }
