package xtest_test

import (
	"image"
	"testing"
	"time"

	"viewflip.app/input/inputtest"
	"viewflip.app/input/xtest"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

// A key is held when the second keyboard is given to another window, and nobody
// notices: neither the server nor the viewer repeats it there.
func TestNoRepeatElsewhere(t *testing.T) {
	display := start(t)
	b := inputtest.NewBench(t, display, opener(xtest.SeatOptions{}))
	other := pt.NewWindow(t, display, pt.Options{Bounds: image.Rect(700, 100, 800, 200), OverrideRedirect: true})
	xi, keyboard := keyboards(t, other.Conn())
	b.Do(b.Key(wire.KeyDown, "KeyA"))
	again := b.Key(wire.KeyDown, "KeyA")
	again.Repeat = true
	b.Do(again)
	pt.Eventually(t, "the repeat", func() bool { return len(inputtest.Got(b.Win, pt.KeyDown)) == 2 })
	if err := xi.SetFocus(keyboard, other.XID()).Check(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1200 * time.Millisecond) // X.Org's servers repeat after 0.66 s
	b.Refused(again, wire.NotFocused)
	if n := len(inputtest.Got(other, pt.KeyDown)) + len(inputtest.Got(other, pt.KeyUp)); n != 0 {
		t.Errorf("%d events of the key reached another window", n)
	}
}
