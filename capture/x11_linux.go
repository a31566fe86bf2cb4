package capture

import (
	"context"
	"image"
	"sync"
	"time"

	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	"viewflip.app/platform/x11"
)

// stream captures one X11 window, and what belongs to it, on a connection of
// its own.
type stream struct {
	c      *x11.Conn
	feed   *x11.Feed // of c
	min    time.Duration
	shared bool
	region xfixes.Region
	group  *platform.Group // nil to leave out what belongs to the window
	states chan State
	wake   chan struct{}  // damage, or a buffer came back
	gone   chan struct{}  // the window closed or the connection ended
	ended  sync.WaitGroup // the loops
	log    func(msg string, args ...any)
	// around are the window and those around it. The event loop's own.
	around map[xproto.Window]bool

	mu      sync.Mutex
	state   State
	main    *surface
	members []*member       // bottom first
	origin  image.Point     // of main's content on the screen
	laid    image.Rectangle // main's content when the picture was laid out
	nextID  SurfaceID
	closed  bool
	lent    int
	bufs    []*buffer
	under   *buffer // main's content, while anything is shown over it
	last    time.Time
	pending []image.Rectangle // known damage, not delivered yet
}

func open(_ context.Context, d *platform.Desktop, id platform.WindowID, o Options) (Stream, error) {
	c, err := x11.Connect(d.Display())
	if err != nil {
		return nil, err
	}
	s := &stream{
		c: c, min: o.MinInterval, log: o.Log.Debug, nextID: 1,
		states: make(chan State, 1), wake: make(chan struct{}, 1), gone: make(chan struct{}),
	}
	if s.feed, err = x11.NewFeed(c); err != nil {
		c.Close()
		return nil, err
	}
	if err := s.start(d, id, o.Alone); err != nil {
		if s.group != nil {
			s.group.Close()
		}
		c.Close()
		return nil, err
	}
	s.ended.Go(s.events)
	if s.group != nil {
		s.ended.Go(s.follow)
	}
	return s, nil
}

func (s *stream) start(d *platform.Desktop, id platform.WindowID, alone bool) error {
	if err := s.c.Require(x11.Composite, x11.XFixes, x11.Damage); err != nil {
		return err
	}
	s.shared = s.c.Require(x11.SHM) == nil
	if s.shared { // a remote server cannot attach our memory
		seg, err := newSegment(s.c, 4096, true)
		if s.shared = err == nil; s.shared {
			seg.free(true)
		}
	}
	var err error
	if s.region, err = xfixes.NewRegionId(s.c.Conn); err != nil {
		return err
	}
	xfixes.CreateRegion(s.c.Conn, s.region, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.main, err = newSurface(s.c, xproto.Window(id.Native()), s.region, false); err != nil {
		return err
	}
	s.followAncestors()
	if !alone {
		if s.group, err = d.Group(id); err != nil {
			return err
		}
		s.syncLocked(false)
	}
	s.layoutLocked()
	s.state.Title = s.c.Title(s.main.win)
	return nil
}

// followAncestors asks for events of the windows around ours: a window manager
// may hide its frame alone, and with it our window.
func (s *stream) followAncestors() {
	w := s.main.win
	s.around = map[xproto.Window]bool{w: true}
	for range 16 { // frames are two or three deep
		t, err := xproto.QueryTree(s.c.Conn, w).Reply()
		if err != nil || t.Parent == 0 || t.Parent == t.Root {
			return
		}
		w = t.Parent
		s.around[w] = true
		xproto.ChangeWindowAttributes(s.c.Conn, w, xproto.CwEventMask, []uint32{xproto.EventMaskStructureNotify})
	}
}

// events follows the window until it closes or the connection ends.
func (s *stream) events() {
	for {
		ev := s.feed.Next()
		if ev == nil {
			s.finish()
			return
		}
		if s.feed.Lost() {
			s.again()
		}
		if n, ok := s.c.DamageNotify(ev); ok {
			if s.hurt(n.Damage) { // else it is that of parentVisible
				s.poke()
			}
			continue
		}
		switch e := ev.(type) {
		case xproto.ConfigureNotifyEvent:
			s.with(e.Window, func(f *surface) error { return f.resized(e) })
		case xproto.UnmapNotifyEvent:
			if s.around[e.Window] { // members go with the group's news
				s.change(s.main.remapped)
			}
		case xproto.MapNotifyEvent:
			if s.around[e.Window] {
				s.change(s.mappedLocked)
			}
		case xproto.ReparentNotifyEvent:
			s.followAncestors()
		case xproto.PropertyNotifyEvent:
			switch e.Atom {
			case xproto.AtomWmName, s.c.Atom("_NET_WM_NAME"):
				s.change(func() error { s.state.Title = s.c.Title(s.main.win); return nil })
			case s.c.Atom("_GTK_FRAME_EXTENTS"):
				s.with(e.Window, func(f *surface) error { f.crop(); return nil })
			}
		case xproto.DestroyNotifyEvent:
			if e.Window == s.main.win {
				s.finish()
			}
		}
	}
}

// again finds out how things are, as events were lost: every window is read as if
// it had been shown just now.
func (s *stream) again() {
	s.followAncestors()
	s.mu.Lock()
	all := s.surfacesLocked()
	s.mu.Unlock()
	for _, f := range all {
		s.change(f.remapped)
	}
	s.change(func() error { s.state.Title = s.c.Title(s.main.win); return nil })
	if _, err := xproto.GetGeometry(s.c.Conn, xproto.Drawable(s.main.win)).Reply(); err != nil {
		s.finish()
	}
}

// mappedLocked follows a MapNotify. While the window is not hidden its pixmap
// was named already, by a late UnmapNotify.
func (s *stream) mappedLocked() error {
	if !s.main.hidden {
		return nil
	}
	return s.main.remapped()
}

// with changes the surface that is this window; other windows do not matter.
func (s *stream) with(w xproto.Window, edit func(*surface) error) {
	if f := s.lookup(w); f != nil {
		s.change(func() error { return edit(f) })
	}
}

// lookup finds the surface of a window, or nil.
func (s *stream) lookup(w xproto.Window) *surface {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.surfacesLocked() {
		if f.win == w {
			return f
		}
	}
	return nil
}

// hurt notes that the server holds damage; false if it is nobody's.
func (s *stream) hurt(d damage.Damage) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.surfacesLocked() {
		if f.dmg == d {
			f.damaged = true
			return true
		}
	}
	return false
}

// surfacesLocked lists every window that is read, the main one first.
func (s *stream) surfacesLocked() []*surface {
	all := []*surface{s.main}
	for _, m := range s.members {
		if m.surface != nil {
			all = append(all, m.surface)
		}
	}
	return all
}

// change applies an edit of the state, and tells of it.
func (s *stream) change(edit func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.state
	if err := edit(); err != nil {
		return // the window is going: DestroyNotify or UnmapNotify follows
	}
	s.layoutLocked()
	if !s.state.equal(before) {
		s.tellLocked()
	}
	s.poke()
}

func (s *stream) tellLocked() {
	select {
	case <-s.states:
	default:
	}
	select {
	case s.states <- s.state:
	default:
	}
}

func (s *stream) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.state.Closed {
		s.state.Closed = true
		s.tellLocked()
		close(s.gone)
	}
}

func (s *stream) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *stream) States() <-chan State { return s.states }

func (s *stream) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *stream) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.finish()
	s.c.Close()
	s.ended.Wait()
	if s.group != nil {
		s.group.Close()
	}
	close(s.states)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lent == 0 {
		s.freeLocked()
	}
	return nil
}

// freeLocked returns the memory; the server let go of it with the connection.
func (s *stream) freeLocked() {
	for _, b := range s.bufs {
		b.seg.free(false)
	}
	for _, m := range s.members {
		m.shadow.free(false)
	}
	s.under.free(false)
	s.bufs, s.members, s.under = nil, nil, nil
}
