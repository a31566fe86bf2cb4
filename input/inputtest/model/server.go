// Package model is a desktop in memory, and a Desk for it: a window server of the
// kind that every system has, with windows in an order, a focus, a queue of events,
// a hit test when an event is delivered, menus, grabs and shortcuts. What is tested
// with it runs on every system, and before an injector for that system exists.
// Only tests use it.
//
// There is one pointer and one keyboard, for the host and all guests. Events go
// into a queue and are looked at when they leave it, in this order: a shortcut
// takes a key; a grab takes what is not for its own program; a button that is down
// takes the pointer's events to where it was pressed; else they go to the topmost
// window at the point, and keys to the focus.
package model

import (
	"image"
	"slices"
	"sync"
	"time"

	"viewflip.app/input/inputtest"
	"viewflip.app/platform/platformtest/world"
	"viewflip.app/wire"
)

// Options of a Server.
type Options struct {
	// Loose means that a section does not hold the desktop, as on systems that
	// have no such thing: others act between what a Target answers and what an
	// Injector does.
	Loose bool
	// Tap has every event of a Desk looked at once more when it is delivered, and
	// dropped if it is not for the window that it was meant for. It is what makes a
	// Loose Server safe.
	Tap bool
}

// Server is the desktop. Make one with [New].
type Server struct {
	opt   Options
	start time.Time

	mu      sync.Mutex
	between func()
	windows []*Window // bottom first; popups are above all others
	last    uint32
	focus   *Window
	// pointer is where the pointer is, and drag is the window whose button is down.
	pointer image.Point
	drag    *Window
	// keys and buttons say what is down, and who holds it: nil is the host.
	keys    map[wire.Key][]*Desk
	buttons map[wire.Button][]*Desk
	caps    bool
	num     bool
	hotkeys map[hotkey]int
	// grabPointer and grabKeyboard are the windows that have grabbed them.
	grabPointer, grabKeyboard *Window
	queue                     []event
	desks                     []*Desk
	// acted is when the host last did something.
	acted time.Time
}

var _ inputtest.System = (*Server)(nil)

type hotkey struct {
	mods wire.Mods
	key  wire.Key
}

// event is one in the queue: At is a pixel of the desktop.
type event struct {
	world.Event
	by *Desk
	// to is the window that it was meant for, where a tap asks.
	to *Window
}

// New makes a desktop without windows.
func New(o Options) *Server {
	return &Server{
		opt: o, start: time.Now(), pointer: image.Pt(800, 900), hotkeys: map[hotkey]int{},
		keys: map[wire.Key][]*Desk{}, buttons: map[wire.Button][]*Desk{},
	}
}

// Between has f called in each section: another program acts. A Loose server lets it
// do so while events of the Desk wait for their delivery; else it waits until they
// were delivered. nil ends that.
func (s *Server) Between(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.between = f
}

// Screen implements [world.World].
func (s *Server) Screen() image.Rectangle { return image.Rect(0, 0, 1600, 1000) }

// Window implements [world.World].
func (s *Server) Window(o world.Options) world.Window {
	w := &Window{s: s, o: o, bounds: o.Bounds, changed: make(chan struct{})}
	w.program = w
	if of, ok := o.Of.(*Window); ok {
		w.program = of.program
	}
	if owner, ok := o.Owner.(*Window); ok {
		w.owner = owner
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	w.id = s.last
	s.windows = append(s.windows, w)
	s.raise(w)
	if !o.Hidden {
		s.show(w)
	}
	return w
}

// HotKey implements [world.World].
func (s *Server) HotKey(mods wire.Mods, k wire.Key) (free func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := hotkey{mods, k}
	s.hotkeys[h]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hotkeys[h]--
	}
}

// now is the server's clock.
func (s *Server) now() time.Duration { return time.Since(s.start) }

// raise puts a window, and what belongs to it, on top of its layer.
func (s *Server) raise(w *Window) {
	rank := func(x *Window) int {
		n := 0
		if x.o.Popup {
			n += 2
		}
		if x == w || x.under(w) {
			n++
		}
		return n
	}
	slices.SortStableFunc(s.windows, func(a, b *Window) int { return rank(a) - rank(b) })
}

// show makes a window visible. A popup that does not say whose it is belongs to the
// window of its program that is in use.
func (s *Server) show(w *Window) {
	if w.visible || w.gone {
		return
	}
	w.visible, w.allowed = true, false
	w.serial++
	w.silentOf = nil
	if w.o.Popup && w.owner == nil && s.focus != nil && s.focus.program == w.program {
		w.silentOf = s.focus
	}
	s.raise(w)
	s.changed()
}

func (s *Server) hide(w *Window) {
	w.visible = false
	for _, p := range []**Window{&s.drag, &s.grabPointer, &s.grabKeyboard} {
		if *p == w {
			*p = nil
		}
	}
	if s.focus == w {
		s.focus = nil
	}
	s.changed()
}

// setFocus gives a window the keyboard.
func (s *Server) setFocus(w *Window) {
	if s.focus == w || !w.visible {
		return
	}
	s.focus = w
	w.record(world.Event{Kind: world.Focus, Time: s.now()})
	s.raise(w)
	s.changed()
}

// changed tells the Desks that something about their windows may be new.
func (s *Server) changed() {
	for _, d := range s.desks {
		d.visible.Store(d.main.visible)
		select {
		case d.changes <- struct{}{}:
		default:
		}
	}
}

// hit is the topmost window that gets a click at a pixel of the desktop.
func (s *Server) hit(p image.Point) *Window {
	if !p.In(s.Screen()) {
		return nil
	}
	for _, w := range slices.Backward(s.windows) {
		if w.visible && w.takes(p) {
			return w
		}
	}
	return nil
}

// seen reports whether any pixel of these windows gets a click. What is topmost
// changes only at edges of windows, so that the corners which they make say it for
// all pixels.
func (s *Server) seen(of ...*Window) bool {
	xs, ys := []int{0}, []int{0}
	for _, w := range s.windows {
		for _, r := range w.edges() {
			xs, ys = append(xs, r.Min.X, r.Max.X), append(ys, r.Min.Y, r.Max.Y)
		}
	}
	for _, x := range xs {
		for _, y := range ys {
			if w := s.hit(image.Pt(x, y)); w != nil && slices.Contains(of, w) {
				return true
			}
		}
	}
	return false
}

// mods are the modifiers that are down, but for those that only except holds.
func (s *Server) mods(except *Desk) (m wire.Mods) {
	for k, by := range s.keys {
		if except == nil && len(by) > 0 || slices.ContainsFunc(by, func(d *Desk) bool { return d != except }) {
			m |= modOf(k)
		}
	}
	return m
}

func modOf(k wire.Key) wire.Mods {
	if !k.Modifier() {
		return 0
	}
	return [4]wire.Mods{wire.ModCtrl, wire.ModShift, wire.ModAlt, wire.ModSuper}[k&3]
}

func (s *Server) held() (b world.Buttons) {
	for button, by := range s.buttons {
		if len(by) > 0 {
			b = b.With(button)
		}
	}
	return b
}

// deliver empties the queue.
func (s *Server) deliver() {
	for len(s.queue) > 0 {
		e := s.queue[0]
		s.queue = s.queue[1:]
		e.Mods, e.Held, e.Time = s.mods(nil), s.held(), s.now()
		switch e.Kind {
		case world.KeyDown, world.KeyUp:
			s.deliverKey(e)
		default:
			s.deliverPointer(e)
		}
	}
}

func (s *Server) deliverPointer(e event) {
	if e.Kind == world.Move {
		e.At = image.Pt(min(max(e.At.X, 0), s.Screen().Max.X-1), min(max(e.At.Y, 0), s.Screen().Max.Y-1))
	} else {
		e.At = s.pointer
	}
	to := s.drag
	if to == nil && e.Kind != world.Release { // whoever has not seen the press gets no release
		to = s.hit(e.At)
	}
	if g := s.grabPointer; g != nil && (to == nil || to.program != g.program) {
		to = g
	}
	if e.by != nil && s.opt.Tap && e.Kind != world.Release && (to == nil || to.program != e.by.main.program || s.drag == nil && to != e.to) {
		return
	}
	switch e.Kind {
	case world.Move:
		s.pointer = e.At
	case world.Press:
		s.buttons[e.Button] = with(s.buttons[e.Button], e.by)
		if s.drag == nil {
			s.drag = to
		}
		if to != nil && !to.o.Popup {
			s.setFocus(to)
		}
	case world.Release:
		s.buttons[e.Button] = without(s.buttons[e.Button], e.by)
		if s.held() == 0 {
			s.drag = nil
		}
	default: // a wheel holds nothing
	}
	if to != nil {
		e.At = e.At.Sub(to.bounds.Min)
		to.record(e.Event)
	}
}

func (s *Server) deliverKey(e event) {
	to := s.focus
	if g := s.grabKeyboard; g != nil && (to == nil || to.program != g.program) {
		to = g
	}
	if e.Kind == world.KeyDown {
		if e.by != nil && s.opt.Tap && (to == nil || to.program != e.by.main.program) {
			return
		}
		s.keys[e.Key] = with(s.keys[e.Key], e.by)
		if s.hotkeys[hotkey{e.Mods, e.Key}] > 0 {
			return
		}
		switch e.Key {
		case capsLock:
			s.caps = !s.caps
		case numLock:
			s.num = !s.num
		}
	} else {
		s.keys[e.Key] = without(s.keys[e.Key], e.by)
	}
	if to != nil {
		e.At = s.pointer.Sub(to.bounds.Min)
		to.record(e.Event)
	}
}

// The keys that lock, by their numbers in package wire.
const (
	capsLock wire.Key = 0x39
	numLock  wire.Key = 0x53
)

func with(by []*Desk, d *Desk) []*Desk {
	if slices.Contains(by, d) {
		return by
	}
	return append(by, d)
}

func without(by []*Desk, d *Desk) []*Desk {
	return slices.DeleteFunc(by, func(x *Desk) bool { return x == d })
}
