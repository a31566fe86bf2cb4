package model

import (
	"context"
	"errors"
	"image"
	"slices"
	"sync/atomic"
	"time"

	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest/world"
	"viewflip.app/wire"
)

// Buttons are those that a Desk can press.
func Buttons() []wire.Button { return []wire.Button{wire.Left, wire.Middle, wire.Right} }

// Desk is an [input.Desk].
type Desk struct {
	s       *Server
	main    *Window
	changes chan struct{}
	visible atomic.Bool
	closed  bool
	// down is what it holds, the oldest first.
	down []held
}

// held is a button, or the viewer's key and the one that is down for it.
type held struct {
	button wire.Button
	key    wire.Key
	as     wire.Key
}

var errClosed = errors.New("model: the desk is closed")

// Open implements [inputtest.System].
func (s *Server) Open(_ context.Context, id platform.WindowID) (input.Desk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.find(id)
	if w == nil {
		return nil, platform.ErrGone
	}
	d := &Desk{s: s, main: w, changes: make(chan struct{}, 1)}
	d.visible.Store(w.visible)
	s.desks = append(s.desks, d)
	return d, nil
}

// Visible implements [input.Desk].
func (d *Desk) Visible() bool { return d.visible.Load() }

// Changes implements [input.Desk].
func (d *Desk) Changes() <-chan struct{} { return d.changes }

// Atomically implements [input.Desk]: nobody else has the server meanwhile, unless it
// is Loose, and what was injected is delivered before anybody has.
func (d *Desk) Atomically(aim input.Aim, f func(input.Target, input.Injector) input.Verdict) input.Verdict {
	sec := section{d, aim}
	if d.s.opt.Loose {
		return d.loosely(sec, f)
	}
	d.s.mu.Lock()
	var tried chan struct{}
	if between := d.s.between; between != nil { // it begins now, and has to wait
		tried = make(chan struct{})
		go func() { defer close(tried); between() }()
	}
	v := f(sec, sec)
	d.s.deliver()
	d.s.mu.Unlock()
	if tried != nil {
		<-tried
	}
	return v
}

// loosely is Atomically where that does not exist.
func (d *Desk) loosely(sec section, f func(input.Target, input.Injector) input.Verdict) input.Verdict {
	v := f(sec, sec)
	d.s.mu.Lock()
	between := d.s.between
	d.s.mu.Unlock()
	if between != nil {
		between()
	}
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.s.deliver()
	return v
}

// Close implements [input.Desk].
func (d *Desk) Close() error {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.closed = true
	d.releaseAll()
	d.s.deliver()
	d.s.desks = slices.DeleteFunc(d.s.desks, func(x *Desk) bool { return x == d })
	return nil
}

func (d *Desk) releaseAll() {
	for _, h := range slices.Backward(d.down) {
		e := world.Event{Kind: world.KeyUp, Key: h.as}
		if h.button != 0 {
			e = world.Event{Kind: world.Release, Button: h.button}
		}
		d.s.queue = append(d.s.queue, event{Event: e, by: d})
	}
	d.down = nil
}

// section is a Desk within Atomically.
type section struct {
	d   *Desk
	aim input.Aim
}

// ask has the server for a moment, where the section does not have it anyway.
func (c section) ask(f func(s *Server)) {
	if c.d.s.opt.Loose {
		c.d.s.mu.Lock()
		defer c.d.s.mu.Unlock()
	}
	f(c.d.s)
}

// State implements [input.Target].
func (c section) State() (st input.State) {
	c.ask(func(s *Server) { st = c.state(s) })
	return st
}

func (c section) state(s *Server) input.State {
	main := c.d.main
	st := input.State{Visible: main.visible, Size: main.bounds.Size(), Mods: s.mods(nil), HostMods: s.mods(c.d)}
	group := s.group(main)
	ours := []*Window{main}
	for _, m := range group.Members {
		st.Masked = st.Masked || m.Masked
		if !m.Masked && slices.ContainsFunc(c.aim.Layout.Surfaces, func(f input.Surface) bool { return f.Window == m.ID }) {
			ours = append(ours, s.find(m.ID))
		}
	}
	st.Focused = slices.Contains(ours, s.focus)
	others := func(by []*Desk) bool {
		return slices.ContainsFunc(by, func(d *Desk) bool { return d != nil && d != c.d })
	}
	byHost := false
	for _, by := range s.buttons {
		byHost = byHost || slices.Contains(by, nil)
		st.Busy = st.Busy || c.aim.Point && others(by)
	}
	if c.aim.Keys {
		st.Covered = !s.seen(ours...)
		st.Locked = s.grabKeyboard != nil && s.grabKeyboard.program != main.program
		for _, by := range s.keys {
			st.Busy = st.Busy || others(by)
		}
	}
	if c.aim.Point {
		st.Busy = st.Busy || s.grabPointer != nil && s.grabPointer.program != main.program
	}
	st.HostActive = byHost || time.Since(s.acted) < hostPause
	return st
}

// At implements [input.Target].
func (c section) At(p image.Point) (v input.Verdict) {
	c.ask(func(s *Server) { v = c.at(s, p) })
	return v
}

func (c section) at(s *Server, p image.Point) input.Verdict {
	main, l := c.d.main, c.aim.Layout
	q, want := p.Add(main.bounds.Min), main
	surface, is := l.Surface(p)
	if is {
		m, ok := s.group(main).Member(surface.Window)
		switch {
		case !ok, m.Bounds.Sub(main.bounds.Min) != surface.Whole.Sub(l.Main.Min):
			return input.Verdict{Reason: wire.Stale}
		case m.Masked:
			return input.Verdict{Reason: wire.Masked}
		}
		want = s.find(surface.Window)
	}
	switch {
	case !is && !q.In(main.bounds), !q.In(s.Screen()):
		return input.Verdict{Reason: wire.OutOfBounds}
	case s.hit(q) != want:
		return input.Verdict{Reason: wire.Covered}
	}
	return input.Verdict{}
}

// Stroke implements [input.Target]: every key types what it should, and locks are the
// host's.
func (c section) Stroke(k wire.Key, r rune) (input.Stroke, input.Verdict) {
	if k == capsLock || k == numLock {
		return input.Stroke{}, input.Verdict{Reason: wire.KeyDenied}
	}
	return input.Stroke{Key: k, Rune: r, Tap: k == 0}, input.Verdict{}
}

// Owned implements [input.Target].
func (c section) Owned(st input.Stroke) (owned bool) {
	c.ask(func(s *Server) {
		now := s.mods(nil)
		for h, n := range s.hotkeys {
			by := h.key == st.Key && h.mods == now
			repeated := len(s.keys[h.key]) > 0 && modOf(st.Key) != 0 && h.mods == now|modOf(st.Key)
			owned = owned || n > 0 && (by || repeated)
		}
	})
	return owned
}

// Inject implements [input.Injector].
func (c section) Inject(batch []input.Action) (err error) {
	c.ask(func(s *Server) { err = c.inject(s, batch) })
	return err
}

func (c section) inject(s *Server, batch []input.Action) error {
	d := c.d
	if d.closed {
		return errClosed
	}
	for _, a := range batch { // nothing is done by halves
		switch {
		case a.Kind() == wire.Move && !a.At().Add(d.main.bounds.Min).In(s.Screen()):
			return input.ErrUnreachable
		case a.Kind() == wire.Press && !slices.Contains(Buttons(), a.Button()):
			return input.ErrNoKey
		}
	}
	to := s.hit(s.pointer)
	for _, a := range batch {
		send := func(e world.Event) { s.queue = append(s.queue, event{Event: e, by: d, to: to}) }
		switch a.Kind() {
		case wire.Move:
			p := a.At().Add(d.main.bounds.Min)
			to = s.hit(p)
			send(world.Event{Kind: world.Move, At: p})
		case wire.Wheel:
			dx, dy := a.Wheel()
			send(world.Event{Kind: world.Wheel, DX: dx, DY: dy})
		case wire.Press:
			d.down = append(d.down, held{button: a.Button()})
			send(world.Event{Kind: world.Press, Button: a.Button()})
		case wire.KeyDown:
			h := held{key: a.Key(), as: a.Stroke().Key}
			if !slices.Contains(d.down, h) {
				d.down = append(d.down, h)
			}
			send(world.Event{Kind: world.KeyDown, Key: h.as})
		case wire.Text:
			send(world.Event{Kind: world.KeyDown, Key: a.Stroke().Key})
			send(world.Event{Kind: world.KeyUp, Key: a.Stroke().Key})
		case wire.Release, wire.KeyUp:
			c.lift(a, send)
		default: // a gate makes no other
		}
	}
	return nil
}

// lift lets go of what the Desk holds.
func (c section) lift(a input.Action, send func(world.Event)) {
	i := slices.IndexFunc(c.d.down, func(h held) bool { return h.button == a.Button() && h.key == a.Key() })
	if i < 0 {
		return
	}
	h := c.d.down[i]
	c.d.down = slices.Delete(c.d.down, i, i+1)
	if h.button != 0 {
		send(world.Event{Kind: world.Release, Button: h.button})
	} else {
		send(world.Event{Kind: world.KeyUp, Key: h.as})
	}
}

// ReleaseAll implements [input.Injector].
func (c section) ReleaseAll() error {
	c.ask(func(*Server) { c.d.releaseAll() })
	return nil
}
