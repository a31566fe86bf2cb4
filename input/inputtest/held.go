package inputtest

import (
	"context"
	"image"
	"testing"

	"viewflip.app/input"
	"viewflip.app/platform/platformtest/world"
	"viewflip.app/wire"
)

func testRelease(t *testing.T, b *Bench) {
	hold := func(g *input.Gate) {
		t.Helper()
		b.Win.Forget()
		for _, ev := range []wire.Input{b.Key(wire.KeyDown, "ShiftLeft"), b.Key(wire.KeyDown, "KeyA"), b.Button(wire.Press, 5, 5, wire.Left)} {
			if v := g.Do(ev, Rights); !v.OK() {
				t.Fatal(v)
			}
		}
	}
	released := func(how string) {
		t.Helper()
		b.await(3, world.Release, world.KeyUp)
		es := b.Win.Events()
		if keys(es, world.KeyUp, named(t, "KeyA")) != 1 || keys(es, world.KeyUp, named(t, "ShiftLeft")) != 1 || buttons(es, world.Release, wire.Left) != 1 {
			t.Errorf("%s: %+v", how, es)
		}
	}
	hold(b.Gate)
	if err := b.Gate.Release(); err != nil {
		t.Error(err)
	}
	released("Release")
	hold(b.Gate)
	if b.Gate.Do(b.At(wire.Move, 5, 5), wire.RightSee).OK() {
		t.Error("moved without the right")
	}
	released("the right is gone")
	g := b.NewGate()
	hold(g)
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	released("Close")
	if v := g.Do(b.At(wire.Move, 5, 5), Rights); v.OK() {
		t.Error("closed, and still allowed")
	}
	hold(b.Gate)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Gate.Run(ctx); err != nil {
		t.Error(err)
	}
	released("Run's end")
}

func testHidden(t *testing.T, b *Bench) {
	b.Run()
	b.Do(b.Key(wire.KeyDown, "KeyA"), b.Button(wire.Press, 5, 5, wire.Left))
	b.Win.Minimise()
	world.Eventually(t, "the key to be let go", func() bool { return !b.Win.Down(named(t, "KeyA")) })
	world.Eventually(t, "the refusal", func() bool { return b.Gate.Do(b.At(wire.Move, 5, 5), Rights).Reason == wire.Hidden })
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Hidden)
	if b.Win.Pressed(wire.Left) {
		t.Error("the button is still down")
	}
}

func testWatchdog(t *testing.T, b *Bench) {
	b.Run()
	b.Do(b.Key(wire.KeyDown, "ShiftLeft"))
	b.until("Shift to be let go", func(es []world.Event) bool { return keys(es, world.KeyUp, named(t, "ShiftLeft")) == 1 })
}

func testGone(t *testing.T, b *Bench) {
	w := b.Window(world.Options{Bounds: image.Rect(0, 0, 50, 50)})
	desk, err := b.Open(t.Context(), w.ID())
	if err != nil {
		t.Fatal(err)
	}
	g := input.NewGate(input.Config{Desk: desk})
	g.SetGeneration(Gen)
	w.Close()
	world.Eventually(t, "the refusal", func() bool { return g.Do(b.At(wire.Move, 5, 5), Rights).Reason == wire.Hidden })
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := b.Open(t.Context(), w.ID()); err == nil {
		t.Error("opened a window that is gone")
	}
}
