package xtest_test

import (
	"context"
	"errors"
	"image"
	"slices"
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

func start(t testing.TB) string {
	t.Helper()
	d, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d.Name()
}

// opener opens windows at one seat for each desktop.
func opener(o xtest.SeatOptions) onx11.Opener {
	var seat *xtest.Seat
	var of *platform.Desktop
	return func(ctx context.Context, d *platform.Desktop, id platform.WindowID) (input.Desk, error) {
		if of != d {
			seat, of = xtest.NewSeat(d, o), d
		}
		return seat.Open(ctx, id)
	}
}

func TestConformance(t *testing.T) {
	buttons := []wire.Button{wire.Left, wire.Middle, wire.Right, wire.Back, wire.Forward}
	for _, c := range []struct {
		name   string
		shared bool
	}{{"second", false}, {"shared", true}} {
		t.Run(c.name, func(t *testing.T) {
			onx11.Conformance(t, start(t), opener(xtest.SeatOptions{Shared: c.shared}), onx11.Traits{Buttons: buttons, Second: !c.shared})
		})
	}
}

func TestRefusals(t *testing.T) {
	display := start(t)
	d, err := platform.Open(display, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	open := func(ctx context.Context, d *platform.Desktop, id platform.WindowID) (input.Desk, error) {
		return xtest.NewSeat(d, xtest.SeatOptions{}).Open(ctx, id)
	}
	if _, err := open(t.Context(), d, platform.NewWindowID(0x12345)); !errors.Is(err, platform.ErrGone) {
		t.Errorf("no such window: %v", err)
	}
	pt.Use(t, display)
	t.Setenv("WAYLAND_DISPLAY", "wayland-0")
	if _, err := open(t.Context(), d, platform.NewWindowID(0x12345)); !errors.Is(err, xtest.ErrWayland) {
		t.Errorf("the session's display under Wayland: %v", err)
	}
	t.Setenv("DISPLAY", ":9999") // the window is on another display: a nested one
	if _, err := open(t.Context(), d, platform.NewWindowID(0x12345)); !errors.Is(err, platform.ErrGone) {
		t.Errorf("a nested display under Wayland: %v", err)
	}
}

// A layout may put what acts on the machine on any key.
func TestKeysByMeaning(t *testing.T) {
	b := onx11.NewBench(t, start(t), opener(xtest.SeatOptions{}))
	host, err := x11.Connect(b.Display) // the window's client may mean the guest's keyboard
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	c := host.Conn
	const code, powerOff = 56, 0x1008ff2a // KeyB, XF86PowerOff
	was, err := xproto.GetKeyboardMapping(c, code, 1).Reply()
	if err != nil {
		t.Fatal(err)
	}
	press := func() wire.Reason {
		v := b.Gate.Do(b.Key(wire.KeyDown, "KeyB"), onx11.Rights)
		b.Do(b.Key(wire.KeyUp, "KeyB"))
		return v.Reason
	}
	for _, want := range []wire.Reason{wire.KeyDenied, 0} {
		syms := slices.Clone(was.Keysyms)
		if want != 0 {
			syms[0] = powerOff
		}
		if err := xproto.ChangeKeyboardMappingChecked(c, 1, code, was.KeysymsPerKeycode, syms).Check(); err != nil {
			t.Fatal(err)
		}
		pt.Eventually(t, "the new layout", func() bool { return press() == want })
	}
}

// An Xwayland of before 23.1 does not say that it is one, and neither does the
// environment after ssh and sudo.
func TestXwaylandRefused(t *testing.T) {
	for _, compositor := range pt.Compositors() {
		t.Run(compositor, func(t *testing.T) {
			display := pt.Xwayland(t, compositor)
			pt.Bare(t)
			w := pt.NewWindow(t, display, pt.Options{Title: "shared", Bounds: image.Rect(0, 0, 200, 200)})
			d, err := platform.Open(display, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			for _, shared := range []bool{false, true} {
				desk, err := xtest.NewSeat(d, xtest.SeatOptions{Shared: shared}).Open(t.Context(), platform.NewWindowID(uint32(w.XID())))
				if !errors.Is(err, xtest.ErrWayland) {
					t.Errorf("shared %v: %v", shared, err)
				}
				if err == nil {
					_ = desk.Close()
				}
			}
		})
	}
}
