package xtest_test

import (
	"context"
	"image"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/wire"
)

// pressed is a display without a window manager where a guest has just pressed in
// the shared window, and the host has the focus in one of their own.
func pressed(t *testing.T) (display string, b *onx11.Bench, desk input.Desk, h *hand) {
	t.Helper()
	v, err := virtual.Start(t.Context(), virtual.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	seat := opener(xtest.SeatOptions{})
	b = onx11.NewBench(t, v.Name(), func(ctx context.Context, d *platform.Desktop, id platform.WindowID) (input.Desk, error) {
		var err error
		desk, err = seat(ctx, d, id)
		return desk, err
	})
	h = newHand(t, v.Name(), image.Rect(800, 500, 1000, 700))
	h.focus(h.win)
	press := b.Button(wire.Press, 5, 5, wire.Left)
	pt.Eventually(t, "the press", func() bool { return b.Gate.Do(press, onx11.Rights).OK() })
	return v.Name(), b, desk, h
}

// The host's focus is taken for a guest's press, and the guest goes on before the
// Desk hears of it: the shared window does not become the host's by that.
func TestFocusTakenBetweenActs(t *testing.T) {
	_, b, desk, h := pressed(t)
	take := func(w xproto.Window) {
		xproto.SetInputFocus(h.c.Conn, xproto.InputFocusPointerRoot, w, xproto.TimeCurrentTime)
		_, _ = xproto.GetInputFocus(h.c.Conn).Reply()
	}
	xtest.Behind(desk, func() { take(b.Win.XID()) }, func() {})
	h.works()
	pt.Eventually(t, "a release", func() bool { return b.Gate.Do(b.Button(wire.Release, 5, 5, wire.Left), onx11.Rights).OK() })
	xtest.Behind(desk, func() { take(xproto.InputFocusNone) }, func() { take(b.Win.XID()) }) // on its way
	h.works()
}

// A window manager takes the host's keyboard for a guest's press, and the guest goes
// on before the Desk hears of the request: it is the guest's all the same, and no
// menu that the host had open.
func TestKeyboardTakenBetweenActs(t *testing.T) {
	display, b, desk, h := pressed(t)
	manager, err := x11.Connect(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(manager.Close)
	xtest.Behind(desk, func() {
		r, err := xproto.GrabKeyboard(manager.Conn, false, manager.Root, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
		if err != nil || r.Status != xproto.GrabStatusSuccess {
			t.Fatal("the keyboard was not grabbed:", err)
		}
	}, func() {
		xtest.Asked(desk, xproto.ClientMessageEvent{
			Format: 32, Window: b.Win.XID(), Type: manager.Atom("_GTK_SHOW_WINDOW_MENU"),
			Data: xproto.ClientMessageDataUnionData32New([]uint32{2, 300, 200, 0, 0}),
		})
		pt.Eventually(t, "Escape", func() bool {
			ev, _ := manager.PollForEvent()
			e, ok := ev.(xproto.KeyPressEvent)
			return ok && e.Detail == 9
		})
		xproto.UngrabKeyboard(manager.Conn, xproto.TimeCurrentTime)
	})
	pt.Eventually(t, "the host's hand to be free", h.free)
	h.works()
}
