package model

import (
	"context"
	"fmt"
	"image"
	"slices"

	"viewflip.app/platform"
	"viewflip.app/platform/platformtest/world"
	"viewflip.app/wire"
)

// Window is a window of a program. Everything in it is guarded by the server's
// lock.
type Window struct {
	s  *Server
	id uint32
	o  world.Options
	// program is its program's first window, and owner is whose it says it is.
	program, owner *Window
	// silentOf is whose it is taken for, where it says nothing.
	silentOf *Window
	bounds   image.Rectangle
	visible  bool
	gone     bool
	// serial is another one each time it is shown; allowed ends with that.
	serial  uint32
	allowed bool
	// cut and clicks are what is left of it, in its own pixels; nil is all.
	cut, clicks []image.Rectangle
	events      []world.Event
	changed     chan struct{} // closed and replaced with each event
}

var _ world.Window = (*Window)(nil)

// under reports whether the window says that it belongs to w, or to what does.
func (w *Window) under(of *Window) bool {
	for n := w.owner; n != nil; n = n.owner {
		if n == of {
			return true
		}
	}
	return false
}

// takes reports whether a click at a pixel of the desktop is for it, if nothing
// lies over it.
func (w *Window) takes(p image.Point) bool {
	in := func(parts []image.Rectangle) bool {
		return parts == nil || slices.ContainsFunc(parts, func(r image.Rectangle) bool { return p.Sub(w.bounds.Min).In(r) })
	}
	return p.In(w.bounds) && in(w.cut) && in(w.clicks)
}

// edges are the rectangles that it is made of.
func (w *Window) edges() []image.Rectangle {
	out := []image.Rectangle{w.bounds}
	for _, r := range slices.Concat(w.cut, w.clicks) {
		out = append(out, r.Add(w.bounds.Min))
	}
	return out
}

func (w *Window) record(e world.Event) {
	if w.gone {
		return
	}
	w.events = append(w.events, e)
	close(w.changed)
	w.changed = make(chan struct{})
}

// ask calls f while nothing else happens on the desktop.
func (w *Window) ask(f func()) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	f()
}

// ID implements [world.Window].
func (w *Window) ID() platform.WindowID { return platform.NewWindowID(w.id) }

// Bounds implements [world.Window].
func (w *Window) Bounds() (r image.Rectangle) {
	w.ask(func() {
		if !w.gone {
			r = w.bounds
		}
	})
	return r
}

// Focus implements [world.Window].
func (w *Window) Focus() { w.ask(func() { w.s.setFocus(w) }) }

// Raise implements [world.Window].
func (w *Window) Raise() { w.ask(func() { w.s.raise(w) }) }

// Move implements [world.Window].
func (w *Window) Move(p image.Point) {
	w.ask(func() { w.bounds = w.bounds.Add(p.Sub(w.bounds.Min)) })
}

// Resize implements [world.Window].
func (w *Window) Resize(width, height int) {
	w.ask(func() { w.bounds.Max = w.bounds.Min.Add(image.Pt(width, height)) })
}

// Show implements [world.Window].
func (w *Window) Show() { w.ask(func() { w.s.show(w) }) }

// Hide implements [world.Window].
func (w *Window) Hide() { w.ask(func() { w.s.hide(w) }) }

// Minimise implements [world.Window].
func (w *Window) Minimise() { w.Hide() }

// Close implements [world.Window].
func (w *Window) Close() {
	w.ask(func() {
		for _, x := range slices.Clone(w.s.windows) {
			if x == w || x.program == w {
				w.s.hide(x)
				x.gone = true
				w.s.windows = slices.DeleteFunc(w.s.windows, func(y *Window) bool { return y == x })
			}
		}
	})
}

// SetOwner implements [world.Window].
func (w *Window) SetOwner(of world.Window) {
	w.ask(func() { w.owner, _ = of.(*Window) })
}

// Cut implements [world.Window].
func (w *Window) Cut(parts ...image.Rectangle) {
	w.ask(func() { w.cut = slices.Concat([]image.Rectangle{{}}, parts) })
}

// Clicks implements [world.Window].
func (w *Window) Clicks(parts ...image.Rectangle) {
	w.ask(func() { w.clicks = slices.Concat([]image.Rectangle{{}}, parts) })
}

// GrabPointer implements [world.Window].
func (w *Window) GrabPointer() { w.ask(func() { w.s.grabPointer = w }) }

// GrabKeyboard implements [world.Window].
func (w *Window) GrabKeyboard() { w.ask(func() { w.s.grabKeyboard = w }) }

// Ungrab implements [world.Window].
func (w *Window) Ungrab() {
	w.ask(func() {
		for _, g := range []**Window{&w.s.grabPointer, &w.s.grabKeyboard} {
			if *g == w {
				*g = nil
			}
		}
	})
}

// Down implements [world.Window].
func (w *Window) Down(k wire.Key) (down bool) {
	w.ask(func() { down = len(w.s.keys[k]) > 0 })
	return down
}

// Pressed implements [world.Window].
func (w *Window) Pressed(b wire.Button) (down bool) {
	w.ask(func() { down = len(w.s.buttons[b]) > 0 })
	return down
}

// Events implements [world.Window].
func (w *Window) Events() (es []world.Event) {
	w.ask(func() { es = slices.Clone(w.events) })
	return es
}

// Forget implements [world.Window].
func (w *Window) Forget() { w.ask(func() { w.events = nil }) }

// Await implements [world.Window].
func (w *Window) Await(ctx context.Context, ok func([]world.Event) bool) ([]world.Event, error) {
	for {
		var es []world.Event
		var changed chan struct{}
		w.ask(func() { es, changed = slices.Clone(w.events), w.changed })
		if ok(es) {
			return es, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return es, fmt.Errorf("model: it did not happen in time: %w", ctx.Err())
		}
	}
}
