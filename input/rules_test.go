package input_test

import (
	"errors"
	"slices"
	"testing"

	"viewflip.app/input"
	"viewflip.app/input/inputtest"
	"viewflip.app/wire"
)

// A hand has so many fingers: more is refused, whether keys or buttons.
func TestNotTooMuchHeld(t *testing.T) {
	g, d := newGate(t)
	for k := range wire.Key(24) {
		if v := g.Do(key(wire.KeyDown, keyA+k), control); !v.OK() {
			t.Fatal(k, v)
		}
	}
	for _, ev := range []wire.Input{key(wire.KeyDown, keyA+24), button(wire.Press, 5, 5, wire.Left)} {
		if v := g.Do(ev, control); v.Reason != wire.RateLimited || d.Held() != 24 {
			t.Errorf("%v: %v, %d held", ev.Kind, v, d.Held())
		}
	}
}

// What is asked inside the section counts, whatever was told before it.
func TestTheSectionDecides(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(s *input.State)
		ev   wire.Input
		want wire.Reason
	}{
		{"hidden, pointer", func(s *input.State) { s.Visible = false }, at(wire.Move, 5, 5), wire.Hidden},
		{"hidden, keys", func(s *input.State) { s.Visible = false }, key(wire.KeyDown, keyA), wire.Hidden},
		{"locked, pointer", func(s *input.State) { s.Locked = true }, at(wire.Move, 5, 5), wire.Locked},
		{"another guest types", func(s *input.State) { s.Busy = true }, key(wire.KeyDown, keyA), wire.HostBusy},
		{"covered, keys", func(s *input.State) { s.Covered = true }, key(wire.KeyDown, keyA), wire.Covered},
		{"no width", func(s *input.State) { s.Size.X = 0 }, at(wire.Move, 0, 5), wire.OutOfBounds},
	} {
		d := inputtest.New(w, h)
		g := input.NewGate(input.Config{Desk: told{d}})
		g.SetGeneration(gen)
		d.Set(c.set)
		if v := g.Do(c.ev, control); v.Reason != c.want || len(d.Events()) != 0 {
			t.Errorf("%s: %v", c.name, v)
		}
	}
}

// What is held is let go when a key meets a window of which nothing is seen.
func TestCoveredReleases(t *testing.T) {
	g, d := newGate(t)
	if v := g.Do(key(wire.KeyDown, keyA), control); !v.OK() {
		t.Fatal(v)
	}
	d.Set(func(s *input.State) { s.Covered = true })
	again := key(wire.KeyDown, keyA)
	again.Repeat = true
	if v := g.Do(again, control); v.Reason != wire.Covered || d.Held() != 0 {
		t.Errorf("%v, %d held", v, d.Held())
	}
}

// told is a desk that was told long ago that its window is visible.
type told struct{ *inputtest.Desk }

func (told) Visible() bool { return true }

// One event turns the wheel by 20 notches at most.
func TestWheelIsBounded(t *testing.T) {
	g, d := newGate(t)
	if v := g.Do(wheel(5, 5, 32767, -32768), control); !v.OK() {
		t.Fatal(v)
	}
	if e := d.Events(); len(e) != 2 || e[1].DX != 2400 || e[1].DY != -2400 {
		t.Errorf("%+v", e)
	}
}

// picky is a desk whose injector is watched.
type picky struct {
	*inputtest.Desk
	inject func(inj input.Injector, batch []input.Action) error
}

func (p picky) Atomically(aim input.Aim, f func(input.Target, input.Injector) input.Verdict) input.Verdict {
	return p.Desk.Atomically(aim, func(t input.Target, inj input.Injector) input.Verdict {
		return f(t, watched{inj, p.inject})
	})
}

type watched struct {
	input.Injector
	inject func(inj input.Injector, batch []input.Action) error
}

func (w watched) Inject(batch []input.Action) error { return w.inject(w.Injector, batch) }

// A press that happened although it failed is let go at once.
func TestHalfAPress(t *testing.T) {
	d := inputtest.New(w, h)
	g := input.NewGate(input.Config{Desk: picky{d, func(inj input.Injector, batch []input.Action) error {
		return errors.Join(inj.Inject(batch), errors.New("no answer"))
	}}})
	g.SetGeneration(gen)
	if v := g.Do(button(wire.Press, 5, 5, wire.Left), control); v.Reason != wire.Failed || d.Held() != 0 {
		t.Errorf("%v, %d held", v, d.Held())
	}
}

// A button is let go, even where the pointer cannot be moved.
func TestReleaseWithoutMove(t *testing.T) {
	d := inputtest.New(w, h)
	stuck := false
	g := input.NewGate(input.Config{Desk: picky{d, func(inj input.Injector, batch []input.Action) error {
		if stuck && slices.ContainsFunc(batch, func(a input.Action) bool { return a.Kind() == wire.Move }) {
			return input.ErrUnreachable
		}
		return inj.Inject(batch)
	}}})
	g.SetGeneration(gen)
	if v := g.Do(button(wire.Press, 5, 5, wire.Left), control); !v.OK() {
		t.Fatal(v)
	}
	stuck = true
	if v := g.Do(button(wire.Release, 5, 5, wire.Left), control); !v.OK() || d.Held() != 0 {
		t.Errorf("%v, %d held", v, d.Held())
	}
}
