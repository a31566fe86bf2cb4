package input_test

import (
	"context"
	"errors"
	"image"
	"testing"
	"testing/synctest"
	"time"

	"viewflip.app/input"
	"viewflip.app/input/inputtest"
	"viewflip.app/wire"
)

// asked is a desk whose answers depend on what the section is about.
type asked struct {
	*inputtest.Desk
	state  func(aim input.Aim, s *input.State)
	stroke func() input.Verdict
}

func (a asked) Atomically(aim input.Aim, f func(input.Target, input.Injector) input.Verdict) input.Verdict {
	return a.Desk.Atomically(aim, func(t input.Target, inj input.Injector) input.Verdict {
		return f(answers{t, aim, a}, inj)
	})
}

type answers struct {
	input.Target
	aim input.Aim
	asked
}

func (a answers) State() input.State {
	s := a.Target.State()
	if a.state != nil {
		a.state(a.aim, &s)
	}
	return s
}

func (a answers) Stroke(k wire.Key, r rune) (input.Stroke, input.Verdict) {
	if a.stroke != nil {
		if v := a.stroke(); !v.OK() {
			return input.Stroke{Key: k}, v
		}
	}
	return a.Target.Stroke(k, r)
}

// A pressed button grabs the pointer. A grab is ours only while we hold a
// button; a key that is held is no reason for one.
func TestWhoseGrab(t *testing.T) {
	d := inputtest.New(w, h)
	grabbed := false
	g := input.NewGate(input.Config{Desk: asked{Desk: d, state: func(aim input.Aim, s *input.State) {
		s.Busy = grabbed && !aim.Held
	}}})
	g.SetGeneration(gen)
	do := func(ev wire.Input, want wire.Reason) {
		t.Helper()
		if v := g.Do(ev, control); v.Reason != want {
			t.Errorf("%v: %v", ev.Kind, v)
		}
	}
	do(key(wire.KeyDown, keyShift), 0)
	grabbed = true // by another
	do(at(wire.Move, 5, 5), wire.HostBusy)
	do(button(wire.Press, 5, 5, wire.Left), wire.HostBusy)
	do(key(wire.KeyDown, keyA), wire.HostBusy)
	grabbed = false
	do(button(wire.Press, 5, 5, wire.Left), 0)
	grabbed = true // by the button
	do(at(wire.Move, 6, 6), 0)
	do(key(wire.KeyDown, keyA), 0)
	d.Events()
	do(button(wire.Release, 7, 7, wire.Left), 0)
	if e := d.Events(); len(e) != 2 || e[1].At != image.Pt(7, 7) {
		t.Errorf("the end of a drag: %+v", e)
	}
}

// What the desk cannot press is not pressed as something else; for what it
// cannot press yet the gate waits.
func TestRefusedStroke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := inputtest.New(w, h)
		var refused []wire.Reason
		g := input.NewGate(input.Config{Desk: asked{Desk: d, stroke: func() input.Verdict {
			if len(refused) == 0 {
				return input.Verdict{}
			}
			r := refused[0]
			refused = refused[1:]
			return input.Verdict{Reason: r}
		}}})
		g.SetGeneration(gen)
		for _, ev := range []wire.Input{key(wire.KeyDown, keyA), {Kind: wire.Text, Text: "a"}} {
			refused = []wire.Reason{wire.KeyDenied}
			if v := g.Do(ev, control); v.Reason != wire.KeyDenied || len(d.Events()) != 0 {
				t.Errorf("%v: %v", ev.Kind, v)
			}
			refused = []wire.Reason{wire.RateLimited, wire.RateLimited}
			if v := g.Do(ev, control); !v.OK() || len(d.Events()) != 1 {
				t.Errorf("%v, later: %v", ev.Kind, v)
			}
		}
	})
}

// What could not be let go when the window was hidden is tried again soon, not
// only when its time is up.
func TestHiddenAndStillDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, d := newGate(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx) }()
		if v := g.Do(button(wire.Press, 5, 5, wire.Left), control); !v.OK() {
			t.Fatal(v)
		}
		synctest.Wait()
		d.Fail(errors.New("the server is busy"))
		d.Set(func(s *input.State) { s.Visible = false })
		synctest.Wait()
		d.Fail(nil)
		time.Sleep(time.Second) // of ten that a button has
		synctest.Wait()
		if d.Held() != 0 {
			t.Error("the button is still down")
		}
		cancel()
		<-done
	})
}

// The watchdog lets go of a button at the last allowed point, in a picture of
// any generation.
func TestWatchdogMovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := inputtest.New(w, h)
		g := input.NewGate(input.Config{Desk: d}) // its generation is 0
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx) }()
		ev := button(wire.Press, 5, 5, wire.Left)
		ev.Gen = 0
		if v := g.Do(ev, control); !v.OK() {
			t.Fatal(v)
		}
		d.Events()
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if e := d.Events(); len(e) != 2 || e[1].Kind != wire.Release || e[1].At != image.Pt(5, 5) {
			t.Errorf("%+v", e)
		}
		cancel()
		<-done
	})
}
