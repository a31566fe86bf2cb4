package main

import (
	"context"
	"image"
	"slices"
	"testing"
	"time"

	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// The network is gone from one moment to the next while a guest holds a key and
// a button: both are let go though nobody says goodbye.
func TestGuestVanishes(t *testing.T) {
	for _, cursor := range []string{"second", "shared"} {
		t.Run(cursor, func(t *testing.T) { testVanish(t, cursor == "shared") })
	}
}

func testVanish(t *testing.T, shared bool) {
	t.Helper()
	d := display(t)
	size := image.Pt(400, 300)
	w := platformtest.NewWindow(t, d.Name(), platformtest.Options{
		Title: "Notes", Bounds: image.Rectangle{Max: size}.Add(image.Pt(100, 100)), Color: 0x090807,
	})
	w.Focus()
	c, err := x11.Connect(d.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	desk, err := platform.Open(d.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = desk.Close() })
	seat := xtest.NewSeat(desk, xtest.SeatOptions{Shared: shared})
	n := newShaped(t, 10*time.Millisecond)
	n.gate = func(ctx context.Context, _ platform.WindowID) (session.Gate, error) {
		desk, err := seat.Open(ctx, w.ID())
		if err != nil {
			return nil, err
		}
		return app.NewGate(desk), nil
	}
	here, _ := n.host(0)
	there, _ := n.host(0)
	n.start()
	win := newScenery(size, 50*time.Millisecond)
	anna, _ := n.member("Anna", here, win)
	ben, _ := n.member("Ben", there)
	invited(t, anna, ben)
	rights := wire.RightSee | wire.RightPoint | wire.RightControl
	if _, err := anna.Share(t.Context(), platform.Window{ID: platform.NewWindowID(0), Title: "Notes"}, rights); err != nil {
		t.Fatal(err)
	}
	platformtest.Eventually(t, "the share to be offered", func() bool { return len(ben.State().Remote) > 0 })
	r := ben.State().Remote[0]
	v, err := ben.View(r.Member, r.Share)
	if err != nil {
		t.Fatal(err)
	}
	platformtest.Eventually(t, "control", func() bool { return v.Info().Rights&wire.RightControl != 0 && v.Info().Gen != 0 })
	got := func(kind platformtest.Kind, detail int) (n int) {
		for _, e := range w.Events() {
			if e.Kind == kind && e.Detail == detail {
				n++
			}
		}
		return n
	}
	send := func(in wire.Input) {
		t.Helper()
		in.Gen, in.X, in.Y = v.Info().Gen, 1<<15, 1<<15
		if err := v.Send(in); err != nil {
			t.Fatal(err)
		}
	}
	held := func(code byte) (n int) {
		xi, all := devices(t, c)
		for _, dev := range all {
			if h, err := xi.Held(dev.ID); err == nil && slices.Contains(h.Keys, code) {
				n++
			}
		}
		return n
	}
	const keyZ, codeZ, button = 0x1d, 52, 9
	platformtest.Eventually(t, "the key", func() bool {
		send(wire.Input{Kind: wire.KeyDown, Key: keyZ})
		return got(platformtest.KeyDown, codeZ) > 0
	})
	var pressed time.Time
	platformtest.Eventually(t, "the button", func() bool {
		pressed = time.Now()
		send(wire.Input{Kind: wire.Press, Button: wire.Forward})
		return got(platformtest.Press, button) > 0
	})
	if got(platformtest.Release, button) > 0 || held(codeZ) == 0 {
		t.Fatal("nothing is held")
	}
	n.losing(1)
	platformtest.Eventually(t, "the key to be let go", func() bool { return held(codeZ) == 0 })
	key := time.Since(pressed)
	platformtest.Eventually(t, "the button to be let go", func() bool { return got(platformtest.Release, button) > 0 })
	took := time.Since(pressed)
	t.Logf("without a network the key is let go after %v, the button after %v", key.Round(time.Millisecond), took.Round(time.Millisecond))
}
