// Package inputtest tests gates: with what every injector must do, on any system
// that has a [System] (package onx11 adds what only X11 has), and with a Desk
// without a desktop, which records
// what was done and answers as it is told. Only tests use it.
package inputtest

import (
	"image"
	"slices"
	"sync"
	"time"

	"viewflip.app/input"
	"viewflip.app/wire"
)

// Event is one thing that was injected.
type Event struct {
	Kind   wire.Kind
	At     image.Point // where the pointer was, in pixels of the window
	Button wire.Button
	Key    wire.Key
	DX, DY int
	// State and Owned are what was true at that moment.
	State input.State
	Owned bool
	// Stroke is what a KeyDown pressed or a Text typed.
	Stroke input.Stroke
}

// Desk is an [input.Desk]. The zero Desk is no window at all: make one with
// [New].
type Desk struct {
	changes chan struct{}

	mu      sync.Mutex
	state   input.State
	cover   []image.Rectangle
	reach   []image.Rectangle
	owned   []wire.Key
	types   map[wire.Key]rune
	rest    time.Duration
	tapped  time.Time
	fail    error
	pointer image.Point
	events  []Event
	down    []Event
	closed  bool
}

// New returns a visible, focused and uncovered window of the given size.
func New(w, h int) *Desk {
	return &Desk{
		changes: make(chan struct{}, 1),
		state:   input.State{Visible: true, Focused: true, Size: image.Pt(w, h)},
	}
}

// Set changes what is true of the window, and reports the change.
func (d *Desk) Set(change func(s *input.State)) {
	d.mu.Lock()
	change(&d.state)
	d.mu.Unlock()
	select {
	case d.changes <- struct{}{}:
	default:
	}
}

// Cover says which parts of the window, in its pixels, others lie over.
func (d *Desk) Cover(parts ...image.Rectangle) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cover = parts
}

// Reach says where surfaces of the window are, counted from its content.
func (d *Desk) Reach(parts ...image.Rectangle) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reach = parts
}

// Own says which keys are somebody's shortcuts.
func (d *Desk) Own(keys ...wire.Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.owned = keys
}

// Type says what the keys type; until then each types whatever it should.
func (d *Desk) Type(keys map[wire.Key]rune) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.types = keys
}

// Rest makes what no key types wait for so long after the one before: there is
// one spare keycode for all of it.
func (d *Desk) Rest(rest time.Duration) {
	d.mu.Lock()
	d.rest = rest
	d.mu.Unlock()
}

// Fail makes every injection return err; nil ends that.
func (d *Desk) Fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

// Events returns what was injected since the last call.
func (d *Desk) Events() []Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.events
	d.events = nil
	return e
}

// Held returns the number of keys and buttons that are down.
func (d *Desk) Held() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.down)
}

// Closed reports whether Close was called.
func (d *Desk) Closed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

// Visible implements [input.Desk].
func (d *Desk) Visible() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state.Visible
}

// Changes implements [input.Desk].
func (d *Desk) Changes() <-chan struct{} { return d.changes }

// Atomically implements [input.Desk]: Set and Cover wait for f.
func (d *Desk) Atomically(_ input.Aim, f func(input.Target, input.Injector) input.Verdict) input.Verdict {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return input.Verdict{Reason: wire.Failed}
	}
	return f(section{d}, section{d})
}

// Close implements [input.Desk].
func (d *Desk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	return section{d}.ReleaseAll()
}

// section is the desk while it is locked.
type section struct{ d *Desk }

func (s section) State() input.State { return s.d.state }

func (s section) At(p image.Point) input.Verdict {
	in := p.In(image.Rectangle{Max: s.d.state.Size})
	for _, r := range s.d.reach {
		in = in || p.In(r)
	}
	if !in {
		return input.Verdict{Reason: wire.OutOfBounds}
	}
	for _, r := range s.d.cover {
		if p.In(r) {
			return input.Verdict{Reason: wire.Covered}
		}
	}
	return input.Verdict{}
}

func (s section) Owned(st input.Stroke) bool { return slices.Contains(s.d.owned, st.Key) }

func (s section) Stroke(k wire.Key, r rune) (input.Stroke, input.Verdict) {
	if k != 0 && (r == 0 || s.d.types == nil || s.d.types[k] == r) {
		return input.Stroke{Key: k, Rune: r}, input.Verdict{}
	}
	for other, types := range s.d.types {
		if types == r {
			return input.Stroke{Key: other, Rune: r, Tap: k == 0}, input.Verdict{}
		}
	}
	if time.Since(s.d.tapped) < s.d.rest {
		return input.Stroke{}, input.Verdict{Reason: wire.RateLimited}
	}
	return input.Stroke{Tap: true, Rune: r}, input.Verdict{}
}

func (s section) Inject(batch []input.Action) error {
	if s.d.fail != nil {
		return s.d.fail
	}
	for _, a := range batch {
		e := Event{Kind: a.Kind(), Button: a.Button(), Key: a.Key(), Stroke: a.Stroke()}
		e.DX, e.DY = a.Wheel()
		if e.Stroke.Tap {
			s.d.tapped = time.Now()
		}
		if a.Kind() == wire.Move {
			s.d.pointer = a.At()
		}
		s.record(e)
	}
	return nil
}

func (s section) record(e Event) {
	e.At, e.State, e.Owned = s.d.pointer, s.d.state, s.At(s.d.pointer).OK()
	s.d.events = append(s.d.events, e)
	switch e.Kind {
	case wire.Press, wire.KeyDown:
		repeat := func(h Event) bool { return h.Key == e.Key && h.Button == e.Button }
		if !slices.ContainsFunc(s.d.down, repeat) {
			s.d.down = append(s.d.down, e)
		}
	case wire.Release, wire.KeyUp:
		for i, h := range s.d.down {
			if h.Button == e.Button && h.Key == e.Key {
				s.d.down = append(s.d.down[:i:i], s.d.down[i+1:]...)
				break
			}
		}
	default: // holds nothing
	}
}

func (s section) ReleaseAll() error {
	if s.d.fail != nil {
		return s.d.fail
	}
	for len(s.d.down) > 0 {
		h := s.d.down[len(s.d.down)-1]
		kind := wire.KeyUp
		if h.Button != 0 {
			kind = wire.Release
		}
		s.record(Event{Kind: kind, Button: h.Button, Key: h.Key})
	}
	return nil
}
