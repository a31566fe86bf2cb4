package xtest_test

import (
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// A key is held when the keyboard is given to another window, and nobody
// notices: neither the server nor the viewer repeats it there. The host's keys
// repeat as before when it is let go.
func TestNoRepeatElsewhere(t *testing.T) {
	for name, shared := range map[string]bool{"second": false, "shared": true} {
		t.Run(name, func(t *testing.T) {
			display := start(t)
			b := onx11.NewBench(t, display, opener(xtest.SeatOptions{Shared: shared}))
			other := pt.NewWindow(t, display, pt.Options{Bounds: image.Rect(700, 100, 800, 200), OverrideRedirect: true})
			xi, keyboard := keyboards(t, other.Conn())
			if shared {
				keyboard = xinput.CoreKeyboard
			}
			before := repeatOf(t, other)
			b.Do(b.Key(wire.KeyDown, "KeyA"))
			again := b.Key(wire.KeyDown, "KeyA")
			again.Repeat = true
			b.Do(again)
			pt.Eventually(t, "the repeat", func() bool { return len(onx11.Got(b.Win, pt.KeyDown)) == 2 })
			if err := xi.SetFocus(keyboard, other.XID()).Check(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(1200 * time.Millisecond) // X.Org's servers repeat after 0.66 s
			b.Refused(again, wire.NotFocused)
			if n := len(onx11.Got(other, pt.KeyDown)) + len(onx11.Got(other, pt.KeyUp)); n != 0 {
				t.Errorf("%d events of the key reached another window", n)
			}
			if after := repeatOf(t, other); after != before {
				t.Error("the host's keys repeat in another way than before")
			}
		})
	}
}

// repeatOf is which keys of the host's keyboard repeat.
func repeatOf(t *testing.T, w *pt.Window) (keys [32]byte) {
	t.Helper()
	r, err := xproto.GetKeyboardControl(w.Conn().Conn).Reply()
	if err != nil || r.GlobalAutoRepeat != xproto.AutoRepeatModeOn {
		t.Fatal("the host's keyboard does not repeat:", err)
	}
	copy(keys[:], r.AutoRepeats)
	return keys
}
