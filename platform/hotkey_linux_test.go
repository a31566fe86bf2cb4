package platform_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
)

func combo(t *testing.T, s string) platform.Combo {
	t.Helper()
	c, err := platform.ParseCombo(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParseCombo(t *testing.T) {
	for in, want := range map[string]string{
		"ctrl+alt+shift+ESCAPE": "Ctrl+Alt+Shift+Escape", "Super+f12": "Super+F12", "shift + control + q": "Ctrl+Shift+Q", "Meta+Pause": "Super+Pause",
	} {
		if c, err := platform.ParseCombo(in); err != nil || c.String() != want {
			t.Errorf("%q is %v, %v", in, c, err)
		}
	}
	for _, in := range []string{"", "Escape", "Shift+A", "Ctrl+", "Ctrl+F13", "Ctrl+Foo", "Hyper+A", "Ctrl++"} {
		if c, err := platform.ParseCombo(in); err == nil {
			t.Errorf("%q is %v", in, c)
		}
	}
}

// Keycodes of the virtual server's keyboard.
const (
	escape, ctrl, shift, alt = 9, 37, 50, 64
	capsLock, numLock, f9    = 66, 77, 75
	keyA                     = 38
)

// keyboard works the keyboard as a hand does.
type keyboard struct {
	t *testing.T
	c *x11.Conn
}

func newKeyboard(t *testing.T, display string) keyboard {
	t.Helper()
	c, err := x11.Connect(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Require(x11.XTest); err != nil {
		t.Fatal(err)
	}
	return keyboard{t, c}
}

func (k keyboard) fake(kind byte, codes ...byte) {
	k.t.Helper()
	for _, code := range codes {
		if err := xtest.FakeInputChecked(k.c.Conn, kind, code, 0, k.c.Root, 0, 0, 0).Check(); err != nil {
			k.t.Fatal(err)
		}
	}
}

func (k keyboard) down(codes ...byte) { k.t.Helper(); k.fake(xproto.KeyPress, codes...) }
func (k keyboard) up(codes ...byte)   { k.t.Helper(); k.fake(xproto.KeyRelease, codes...) }

// hit presses keys in turn and lets go of them.
func (k keyboard) hit(codes ...byte) {
	k.t.Helper()
	k.down(codes...)
	slices.Reverse(codes)
	k.up(codes...)
}

func await(t *testing.T, what string, ch <-chan struct{}) {
	t.Helper()
	select {
	case _, ok := <-ch:
		if !ok {
			t.Fatal("closed, instead of", what)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("waited in vain:", what)
	}
}

func TestHotkey(t *testing.T) {
	d := desktop(t, "openbox")
	w := platformtest.NewWindow(t, d.Display(), platformtest.Options{Title: "w", Bounds: image.Rect(100, 100, 300, 300)})
	w.Focus()
	ctx, cancel := context.WithCancel(t.Context())
	c := combo(t, "Ctrl+Alt+Shift+Escape")
	tick, err := d.Hotkey(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Hotkey(ctx, c); !errors.Is(err, platform.ErrTaken) {
		t.Error("a second program took it:", err)
	}
	k := newKeyboard(t, d.Display())
	for _, locks := range [][]byte{nil, {numLock}, {capsLock}, {numLock}} {
		k.hit(locks...)
		w.Forget()
		k.hit(ctrl, alt, shift, escape)
		await(t, fmt.Sprintf("the combination with %v", locks), tick)
		for _, e := range w.Events() {
			if e.Kind == platformtest.KeyDown && e.Detail == escape {
				t.Error("Escape reached the window")
			}
		}
	}
	// Parts of it are nobody's business.
	w.Forget()
	k.hit(ctrl, shift, escape)
	platformtest.Eventually(t, "the key in the window", func() bool {
		for _, e := range w.Events() {
			if e.Kind == platformtest.KeyUp && e.Detail == escape {
				return true
			}
		}
		return false
	})
	if len(tick) != 0 {
		t.Error("a tick for less than the combination")
	}
	cancel()
	platformtest.Eventually(t, "the end", func() bool {
		select {
		case _, ok := <-tick:
			return !ok
		default:
			return false
		}
	})
	platformtest.Eventually(t, "the combination to be free", func() bool {
		_, err := d.Hotkey(t.Context(), c)
		return err == nil
	})
}

// A new keyboard mapping moves the key; the grab follows.
func TestHotkeyFollowsTheLayout(t *testing.T) {
	d := desktop(t, "")
	tick, err := d.Hotkey(t.Context(), combo(t, "Ctrl+Alt+F9"))
	if err != nil {
		t.Fatal(err)
	}
	k := newKeyboard(t, d.Display())
	const symF9, symA = 0xffc6, 0x61
	for code, sym := range map[xproto.Keycode]xproto.Keysym{keyA: symF9, f9: symA} {
		if err := xproto.ChangeKeyboardMappingChecked(k.c.Conn, 1, code, 1, []xproto.Keysym{sym}).Check(); err != nil {
			t.Fatal(err)
		}
	}
	platformtest.Eventually(t, "the moved key", func() bool {
		k.hit(ctrl, alt, keyA)
		return len(tick) > 0
	})
}
