package onx11

import (
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

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

// pause lets the server's clock, which counts milliseconds, tell two events
// apart.
func pause() { time.Sleep(10 * time.Millisecond) }
