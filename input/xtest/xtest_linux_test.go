package xtest_test

import (
	"context"
	"errors"
	"testing"

	"viewflip.app/input"
	"viewflip.app/input/inputtest"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	"viewflip.app/platform/virtual"
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
func opener(o xtest.SeatOptions) inputtest.Opener {
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
			inputtest.Conformance(t, start(t), opener(xtest.SeatOptions{Shared: c.shared}), inputtest.Traits{Buttons: buttons, Second: !c.shared})
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
	t.Setenv("DISPLAY", display)
	t.Setenv("WAYLAND_DISPLAY", "wayland-0")
	if _, err := open(t.Context(), d, platform.NewWindowID(0x12345)); !errors.Is(err, xtest.ErrWayland) {
		t.Errorf("the session's display under Wayland: %v", err)
	}
	t.Setenv("DISPLAY", ":9999") // the window is on another display: a nested one
	if _, err := open(t.Context(), d, platform.NewWindowID(0x12345)); !errors.Is(err, platform.ErrGone) {
		t.Errorf("a nested display under Wayland: %v", err)
	}
}
