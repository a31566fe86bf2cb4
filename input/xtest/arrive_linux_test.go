package xtest_test

import (
	"sync"
	"testing"

	"github.com/jezek/xgb/xproto"
	xgbtest "github.com/jezek/xgb/xtest"

	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
	"viewflip.app/wire"
)

// astray is an Emitter whose pointer ends up beside the point when off is not 0,
// as where something confines it.
type astray struct {
	c   *x11.Conn
	off int
}

func (a *astray) Move(x, y int) error {
	xgbtest.FakeInput(a.c.Conn, xproto.MotionNotify, 0, 0, a.c.Root, int16(x+a.off), int16(y), 0)
	return nil
}

func (a *astray) Button(n byte, down bool) error {
	kind := byte(xproto.ButtonRelease)
	if down {
		kind = xproto.ButtonPress
	}
	xgbtest.FakeInput(a.c.Conn, kind, n, 0, 0, 0, 0, 0)
	return nil
}

func (*astray) Key(byte, bool) error { return nil }

// Nothing is pressed, and no wheel turned, where the pointer did not arrive.
func TestPointerGoesAstray(t *testing.T) {
	display := start(t)
	c := onx11.Host(t, display)
	e := &astray{c: c}
	backend := func() (xtest.Backend, error) {
		return xtest.Backend{Conn: c.Conn, Emitter: e, Turn: &sync.Mutex{}}, nil
	}
	b := onx11.NewBench(t, display, opener(xtest.SeatOptions{Shared: true, Backend: backend}))
	b.Do(b.Button(wire.Press, 20, 20, wire.Left), b.Button(wire.Release, 20, 20, wire.Left))
	pt.Eventually(t, "a click that arrives", func() bool { return len(onx11.Got(b.Win, pt.Release)) == 1 })
	b.Win.Forget()
	e.off = 1
	b.Refused(b.Button(wire.Press, 30, 20, wire.Left), wire.OutOfBounds)
	b.Refused(b.Wheel(30, 20, 0, 120), wire.OutOfBounds)
	e.off = 0
	b.Do(b.Button(wire.Press, 30, 20, wire.Left), b.Button(wire.Release, 30, 20, wire.Left))
	pt.Eventually(t, "the next click", func() bool { return len(onx11.Got(b.Win, pt.Release)) > 0 })
	if got := onx11.Got(b.Win, pt.Press, pt.Release); len(got) != 2 { // in order: nothing came before it
		t.Errorf("%+v", got)
	}
}
