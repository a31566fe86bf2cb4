package capture

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	"viewflip.app/platform/x11"
)

// stream captures one X11 window on a connection of its own.
type stream struct {
	c      *x11.Conn
	win    xproto.Window
	min    time.Duration
	shared bool
	dmg    damage.Damage
	region xfixes.Region
	states chan State
	wake   chan struct{} // damage, or a buffer came back
	gone   chan struct{} // the window closed or the connection ended
	ended  chan struct{} // the event loop returned
	log    func(msg string, args ...any)

	mu      sync.Mutex
	state   State
	content image.Rectangle // of the picture within the window
	inner   image.Rectangle // the window without its border
	border  int             // width of the border, which the pixmap includes
	pix     xproto.Pixmap
	covered bool // foreign pixels of pix were painted over
	// notBefore is when the next picture may be taken.
	notBefore time.Time
	damaged   bool // the server holds damage for us
	whole     bool // everything must be read
	closed    bool
	lent      int
	bufs      []*buffer
	last      time.Time
	pending   []image.Rectangle // known damage, not delivered yet
}

func open(_ context.Context, d *platform.Desktop, id platform.WindowID, o Options) (Stream, error) {
	c, err := x11.Connect(d.Display())
	if err != nil {
		return nil, err
	}
	s := &stream{
		c: c, win: xproto.Window(id.Native()), min: o.MinInterval, log: o.Log.Debug,
		states: make(chan State, 1), wake: make(chan struct{}, 1),
		gone: make(chan struct{}), ended: make(chan struct{}),
	}
	if err := s.start(); err != nil {
		c.Close()
		return nil, err
	}
	go s.events()
	return s, nil
}

func (s *stream) start() error {
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
	mask := []uint32{xproto.EventMaskStructureNotify | xproto.EventMaskPropertyChange}
	if err := xproto.ChangeWindowAttributesChecked(s.c.Conn, s.win, xproto.CwEventMask, mask).Check(); err != nil {
		return ErrGone
	}
	g, err := xproto.GetGeometry(s.c.Conn, xproto.Drawable(s.win)).Reply()
	if err != nil {
		return ErrGone
	}
	a, err := xproto.GetWindowAttributes(s.c.Conn, s.win).Reply()
	if err != nil {
		return ErrGone
	}
	if a.Class != xproto.WindowClassInputOutput {
		return errors.New("the window has no picture")
	}
	if !s.c.BGRA(g.Depth, a.Visual) {
		return fmt.Errorf("the window's pixels of %d bits are of a kind that is not supported; use a screen of 24 bits", g.Depth)
	}
	if s.dmg, err = damage.NewDamageId(s.c.Conn); err != nil {
		return err
	}
	if s.region, err = xfixes.NewRegionId(s.c.Conn); err != nil {
		return err
	}
	xfixes.CreateRegion(s.c.Conn, s.region, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Title = s.c.Title(s.win)
	s.followAncestors()
	return s.redirect()
}

// followAncestors asks for events of the windows around ours: a window manager
// may hide its frame alone, and with it our window.
func (s *stream) followAncestors() {
	w := s.win
	for range 16 { // frames are two or three deep
		t, err := xproto.QueryTree(s.c.Conn, w).Reply()
		if err != nil || t.Parent == 0 || t.Parent == t.Root {
			return
		}
		w = t.Parent
		xproto.ChangeWindowAttributes(s.c.Conn, w, xproto.CwEventMask, []uint32{xproto.EventMaskStructureNotify})
	}
}

// events follows the window until it closes or the connection ends.
func (s *stream) events() {
	defer close(s.ended)
	for {
		ev, err := s.c.WaitForEvent()
		if ev == nil && err == nil {
			s.finish()
			return
		}
		if n, ok := s.c.DamageNotify(ev); ok {
			if n.Damage != s.dmg {
				continue // of parentVisible
			}
			s.mu.Lock()
			s.damaged = true
			s.mu.Unlock()
			s.poke()
			continue
		}
		switch e := ev.(type) {
		case xproto.ConfigureNotifyEvent:
			if e.Window == s.win {
				s.change(func() error { return s.resizedLocked(e) })
			}
		case xproto.UnmapNotifyEvent:
			s.change(s.remappedLocked)
		case xproto.MapNotifyEvent:
			s.change(s.mappedLocked)
		case xproto.ReparentNotifyEvent:
			s.followAncestors()
		case xproto.PropertyNotifyEvent:
			switch e.Atom {
			case xproto.AtomWmName, s.c.Atom("_NET_WM_NAME"):
				s.change(func() error { s.state.Title = s.c.Title(s.win); return nil })
			case s.c.Atom("_GTK_FRAME_EXTENTS"):
				s.change(func() error { s.cropLocked(); return nil })
			}
		case xproto.DestroyNotifyEvent:
			if e.Window == s.win {
				s.finish()
			}
		}
	}
}

// mappedLocked follows a MapNotify. While the window is not hidden its pixmap
// was named already, by a late UnmapNotify.
func (s *stream) mappedLocked() error {
	if !s.state.Hidden {
		return nil
	}
	return s.remappedLocked()
}

// change applies an edit of the state, and tells of it.
func (s *stream) change(edit func() error) {
	s.mu.Lock()
	before := s.state
	err := edit()
	st := s.state
	s.mu.Unlock()
	if err != nil {
		return // the window is going: DestroyNotify or UnmapNotify follows
	}
	if st != before {
		s.tell(st)
	}
	s.poke()
}

func (s *stream) tell(st State) {
	select {
	case <-s.states:
	default:
	}
	select {
	case s.states <- st:
	default:
	}
}

func (s *stream) finish() {
	s.mu.Lock()
	again := s.state.Closed
	s.state.Closed = true
	st := s.state
	s.mu.Unlock()
	if !again {
		s.tell(st)
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
	<-s.ended
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
	s.bufs = nil
}
