package inputtest

import (
	"image"
	"slices"
	"testing"

	"viewflip.app/platform/platformtest/world"
	"viewflip.app/wire"
)

func testClick(t *testing.T, b *Bench) {
	size := b.Win.Bounds().Size()
	for _, p := range []image.Point{{0, 0}, {17, 23}, size.Sub(image.Pt(1, 1))} {
		b.Win.Forget()
		b.Do(b.Button(wire.Press, p.X, p.Y, wire.Left), b.Button(wire.Release, p.X, p.Y, wire.Left))
		got := b.await(2, world.Press, world.Release)
		if len(got) != 2 || got[0].At != p || got[0].Button != wire.Left || got[1].Kind != world.Release {
			t.Errorf("click at %v: %+v", p, got)
		}
	}
	stale := b.Button(wire.Press, 5, 5, wire.Left)
	stale.Gen--
	b.Win.Forget()
	b.Refused(stale, wire.Stale)
	nothing(t, "the window", b.Win)
}

func testButtons(t *testing.T, b *Bench, has []wire.Button) {
	for _, button := range []wire.Button{wire.Left, wire.Middle, wire.Right, wire.Back, wire.Forward} {
		b.Win.Forget()
		if !slices.Contains(has, button) {
			b.Refused(b.Button(wire.Press, 9, 9, button), wire.KeyDenied)
			if got := received(b.Win, world.Press); len(got) != 0 {
				t.Errorf("button %d that does not exist: %+v", button, got)
			}
			continue
		}
		b.Later(b.Button(wire.Press, 9, 9, button)) // the window manager may still hold the one before
		b.Do(b.Button(wire.Release, 9, 9, button))
		if got := b.await(2, world.Press, world.Release); len(got) != 2 || got[0].Button != button || got[1].Button != button {
			t.Errorf("button %d: %+v", button, got)
		}
	}
}

// A guest may hold two buttons.
func testTwoButtons(t *testing.T, b *Bench) {
	b.Later(b.Button(wire.Press, 9, 9, wire.Left))
	b.Later(b.Button(wire.Press, 9, 9, wire.Right))
	b.Do(b.Button(wire.Release, 9, 9, wire.Left), b.Button(wire.Release, 9, 9, wire.Right))
	b.until("both to be let go", func(es []world.Event) bool { return len(only(es, world.Release)) == 2 })
	var kinds []world.Kind
	for _, e := range received(b.Win, world.Press, world.Release) {
		kinds = append(kinds, e.Kind)
	}
	if want := []world.Kind{world.Press, world.Press, world.Release, world.Release}; !slices.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
	es := b.Win.Events()
	for _, button := range []wire.Button{wire.Left, wire.Right} {
		if buttons(es, world.Press, button) != 1 || buttons(es, world.Release, button) != 1 {
			t.Errorf("button %d: %+v", button, es)
		}
	}
}

func testDrag(t *testing.T, b *Bench) {
	b.Do(b.Button(wire.Press, 10, 10, wire.Left), b.At(wire.Move, 50, 60), b.At(wire.Move, 70, 80))
	over := b.Window(world.Options{Bounds: image.Rect(400, 150, 600, 450), Color: 0xff0000, Popup: true})
	b.Refused(b.At(wire.Move, 300, 80), wire.Covered)
	b.Do(b.Button(wire.Release, 300, 80, wire.Left))
	b.await(1, world.Release)
	got := received(b.Win, world.Press, world.Move, world.Release)
	last := got[len(got)-1]
	if last.Kind != world.Release || last.At != image.Pt(70, 80) {
		t.Errorf("let go at %+v", last)
	}
	if m := got[len(got)-2]; m.Kind != world.Move || m.At != image.Pt(70, 80) || !m.Held.Has(wire.Left) {
		t.Errorf("the last motion is %+v", m)
	}
	nothing(t, "what covers the window", over)
}

// turn is what a window receives of one turn of the wheel.
type turn struct{ dx, dy int }

func testWheel(t *testing.T, b *Bench, notches bool) {
	for _, c := range []struct {
		dx, dy int16
		want   []turn // by whole notches
	}{
		{0, 120, []turn{{0, 120}}},
		{0, -120, []turn{{0, -120}}},
		{120, 0, []turn{{120, 0}}},
		{-240, 0, []turn{{-120, 0}, {-120, 0}}},
		{0, 60, nil},
		{0, 60, []turn{{0, 120}}}, // two halves
		{0, 60, nil},
		{0, -120, []turn{{0, -120}}}, // what was left over of the other direction is forgotten
	} {
		want := c.want
		if !notches {
			want = []turn{{int(c.dx), int(c.dy)}}
		}
		b.Win.Forget()
		b.Do(b.Wheel(33, 44, c.dx, c.dy))
		got := b.await(len(want), world.Wheel, world.Press, world.Release)
		if len(got) != len(want) {
			t.Fatalf("wheel %d,%d: %+v", c.dx, c.dy, got)
		}
		for i, e := range got {
			if e.Kind != world.Wheel || (turn{e.DX, e.DY}) != want[i] || e.At != image.Pt(33, 44) {
				t.Errorf("wheel %d,%d: %+v", c.dx, c.dy, e)
			}
		}
	}
}

func testOffscreen(t *testing.T, b *Bench) {
	size := b.Win.Bounds().Size()
	b.Win.Move(image.Pt(-100, 150))
	b.Win.Focus()
	b.Win.Forget()
	b.Refused(b.Button(wire.Press, 50, 50, wire.Left), wire.OutOfBounds)
	nothing(t, "the window", b.Win)
	b.Do(b.Button(wire.Press, 100, 50, wire.Left))
	b.Do(b.Button(wire.Release, 20, 50, wire.Left)) // off the screen: at the last allowed point
	got := b.await(2, world.Press, world.Release)
	if len(got) != 2 || got[0].At.X != 100 || got[1].At.X != 100 {
		t.Errorf("at the edge: %+v", got)
	}
	if b.Win.Bounds().Size() != size {
		t.Error("the window manager resized the window")
	}
}

func testMoved(t *testing.T, b *Bench) {
	b.Do(b.At(wire.Move, 5, 5))
	b.Win.Move(image.Pt(300, 300))
	b.Win.Forget()
	b.Do(b.Button(wire.Press, 12, 13, wire.Left), b.Button(wire.Release, 12, 13, wire.Left))
	if got := b.await(1, world.Press); len(got) != 1 || got[0].At != image.Pt(12, 13) {
		t.Errorf("after a move: %+v", got)
	}
	b.Win.Resize(500, 350)
	b.Win.Forget()
	b.Refused(b.Button(wire.Press, 12, 13, wire.Left), wire.Stale)
	nothing(t, "the window", b.Win)
	b.Gate.SetGeneration(Gen + 1)
	ev := b.Button(wire.Press, 499, 349, wire.Left)
	ev.Gen++
	b.Do(ev)
	if got := b.await(1, world.Press); len(got) != 1 || got[0].At != image.Pt(499, 349) {
		t.Errorf("after a resize: %+v", got)
	}
}

func testUnfocusedClick(t *testing.T, b *Bench) {
	other := b.Neighbour()
	other.Focus()
	other.Forget()
	b.Win.Forget()
	b.Do(b.Button(wire.Press, 40, 41, wire.Left), b.Button(wire.Release, 42, 43, wire.Left))
	b.until("the click, replayed", func(es []world.Event) bool { return buttons(es, world.Release, wire.Left) == 1 })
	got := b.await(2, world.Press, world.Release)
	if len(got) != 2 || got[0].At != image.Pt(40, 41) || got[1].At != image.Pt(42, 43) {
		t.Errorf("got %+v", got)
	}
	b.until("the focus", func(es []world.Event) bool { return len(only(es, world.Focus)) > 0 })
	b.Do(b.Key(wire.KeyDown, "KeyA"), b.Key(wire.KeyUp, "KeyA"))
	nothing(t, "the window that had the focus", other)
}

// One pointer and keyboard for all guests: nobody goes on with what another
// holds, and nobody lets go of it.
func testTwoGates(t *testing.T, b *Bench) {
	b.Do(b.Button(wire.Press, 5, 5, wire.Left))
	second := b.NewGate()
	if v := second.Do(b.At(wire.Move, 90, 90), Rights); v.Reason != wire.HostBusy {
		t.Errorf("somebody else's drag: %v", v)
	}
	if v := second.Do(b.Button(wire.Release, 90, 90, wire.Left), Rights); !v.OK() {
		t.Errorf("a release of nothing: %v", v)
	}
	if got := received(b.Win, world.Release); len(got) != 0 {
		t.Errorf("let go by somebody else: %+v", got)
	}
	b.Do(b.Button(wire.Release, 5, 5, wire.Left))
	b.await(1, world.Release)
	if v := second.Do(b.At(wire.Move, 90, 90), Rights); !v.OK() {
		t.Error(v)
	}
	// One keyboard: what one guest holds must not become another's chord.
	b.Later(b.Key(wire.KeyDown, "KeyA"))
	b.Win.Forget()
	if v := second.Do(b.Key(wire.KeyDown, "ControlLeft"), Rights); v.Reason != wire.HostBusy {
		t.Errorf("a modifier for somebody else's key: %v", v)
	}
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	if v := second.Do(b.Key(wire.KeyDown, "ControlLeft"), Rights); !v.OK() {
		t.Error(v)
	}
	if n := keys(b.Win.Events(), world.KeyDown, named(t, "ControlLeft")); n != 1 {
		t.Errorf("%d presses of Ctrl", n)
	}
	b.Refused(b.Button(wire.Press, 5, 5, wire.Left), wire.HostBusy) // it would be Ctrl+click
}
