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

func open(ctx context.Context, d *platform.Desktop, id platform.WindowID) (input.Desk, error) {
	return xtest.Open(ctx, d, id, nil)
}

func TestConformance(t *testing.T) {
	inputtest.Conformance(t, start(t), open, []wire.Button{wire.Left, wire.Middle, wire.Right, wire.Back, wire.Forward})
}

func TestRefusals(t *testing.T) {
	display := start(t)
	d, err := platform.Open(display, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
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
