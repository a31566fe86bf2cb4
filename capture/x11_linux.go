package capture

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"
	"time"

	"github.com/jezek/xgb/composite"
	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	"viewflip.app/platform/x11"
	"viewflip.app/video"
)

// buffers is how many frames exist: one lent out, one being filled, one to
// spare for a caller that keeps the newest while it asks for the next.
const buffers = 3

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
	pix     xproto.Pixmap
	damaged bool // the server holds damage for us
	whole   bool // everything must be read
	closed  bool
	lent    int
	bufs    []*buffer
	last    time.Time
	pending []image.Rectangle // known damage, not delivered yet
}

// buffer is one frame's memory and what is stale in it ("buffer age").
type buffer struct {
	seg   *segment
	frame *video.Frame
	w, h  int
	stale []image.Rectangle
	lent  bool
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
	if g.Depth != 24 && g.Depth != 32 {
		return fmt.Errorf("the window has %d bits per pixel; only 24 and 32 are supported", g.Depth)
	}
	if err := composite.RedirectWindowChecked(s.c.Conn, s.win, composite.RedirectAutomatic).Check(); err != nil {
		return fmt.Errorf("composite: %w", err)
	}
	if s.dmg, err = damage.NewDamageId(s.c.Conn); err != nil {
		return err
	}
	if err := damage.CreateChecked(s.c.Conn, s.dmg, xproto.Drawable(s.win), damage.ReportLevelNonEmpty).Check(); err != nil {
		return fmt.Errorf("damage: %w", err)
	}
	if s.region, err = xfixes.NewRegionId(s.c.Conn); err != nil {
		return err
	}
	xfixes.CreateRegion(s.c.Conn, s.region, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Title = s.c.Title(s.win)
	return s.renewLocked()
}

// renewLocked names the window's pixmap anew, after it was mapped or resized.
func (s *stream) renewLocked() error {
	a, err := xproto.GetWindowAttributes(s.c.Conn, s.win).Reply()
	if err != nil {
		return ErrGone
	}
	g, err := xproto.GetGeometry(s.c.Conn, xproto.Drawable(s.win)).Reply()
	if err != nil {
		return ErrGone
	}
	if a.MapState == xproto.MapStateViewable {
		p, err := xproto.NewPixmapId(s.c.Conn)
		if err != nil {
			return err
		}
		// It fails while the window is just being unmapped: keep what we have.
		if err := composite.NameWindowPixmapChecked(s.c.Conn, s.win, p).Check(); err == nil {
			if s.pix != 0 {
				xproto.FreePixmap(s.c.Conn, s.pix)
			}
			s.pix = p
			if pg, err := xproto.GetGeometry(s.c.Conn, xproto.Drawable(p)).Reply(); err == nil {
				g = pg // the pixmap's size is what may be read
			}
			s.whole = true
		}
	}
	hidden := a.MapState != xproto.MapStateViewable
	content := s.c.Content(s.win, int(g.Width), int(g.Height))
	if s.pix == 0 || !hidden {
		if content != s.content {
			s.content = content
			s.state.Gen++
			s.state.W, s.state.H = content.Dx(), content.Dy()
		}
	}
	s.state.Hidden = hidden
	return nil
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
		switch e := ev.(type) {
		case damage.NotifyEvent:
			s.mu.Lock()
			s.damaged = true
			s.mu.Unlock()
			s.poke()
		case xproto.ConfigureNotifyEvent:
			s.mu.Lock()
			same := s.content.Max.X <= int(e.Width) && s.content == s.c.Content(s.win, int(e.Width), int(e.Height))
			s.mu.Unlock()
			if !same {
				s.change(nil)
			}
		case xproto.MapNotifyEvent:
			if e.Window == s.win {
				s.change(nil)
			}
		case xproto.UnmapNotifyEvent:
			if e.Window == s.win {
				s.change(nil)
			}
		case xproto.PropertyNotifyEvent:
			switch e.Atom {
			case xproto.AtomWmName, s.c.Atom("_NET_WM_NAME"):
				title := s.c.Title(s.win)
				s.change(func(st *State) { st.Title = title })
			case s.c.Atom("_GTK_FRAME_EXTENTS"):
				s.change(nil)
			}
		case xproto.DestroyNotifyEvent:
			if e.Window == s.win {
				s.finish()
			}
		}
	}
}

// change renews the pixmap or edits the state, and tells of it.
func (s *stream) change(edit func(*State)) {
	s.mu.Lock()
	before := s.state
	if edit != nil {
		edit(&s.state)
	} else if err := s.renewLocked(); err != nil {
		s.mu.Unlock()
		return // DestroyNotify follows
	}
	st := s.state
	s.mu.Unlock()
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

func (s *stream) Next(ctx context.Context) (*video.Frame, error) {
	for {
		if wait := s.min - time.Since(s.last); s.min > 0 && wait > 0 {
			select {
			case <-time.After(wait):
			case <-s.gone:
				return nil, ErrGone
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		f, err := s.try()
		if f != nil || err != nil {
			return f, err
		}
		select {
		case <-s.wake:
		case <-s.gone:
			return nil, ErrGone
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// try returns a frame if there is damage and a free buffer.
func (s *stream) try() (*video.Frame, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Closed || s.closed {
		return nil, ErrGone
	}
	if !s.damaged && !s.whole && len(s.pending) == 0 || s.pix == 0 || s.content.Empty() {
		return nil, nil
	}
	b, err := s.bufferLocked()
	if b == nil || err != nil {
		return nil, err
	}
	bounds := image.Rect(0, 0, s.content.Dx(), s.content.Dy())
	if err := s.takeDamageLocked(bounds); err != nil {
		return nil, err
	}
	if len(s.pending) == 0 {
		return nil, nil
	}
	for _, o := range s.bufs {
		for _, r := range s.pending {
			o.stale = video.AddRect(o.stale, r, bounds)
		}
	}
	captured := time.Now()
	if err := s.fillLocked(b); err != nil {
		if s.gonePixmap(err) {
			s.whole = true // resized under our hands: the event brings a new pixmap
			return nil, nil
		}
		return nil, fmt.Errorf("capture: read: %w", err)
	}
	b.lent = true
	s.lent++
	f := b.frame
	f.Acquire()
	f.Gen, f.Captured = s.state.Gen, captured
	f.Damage = slices.Clone(s.pending)
	s.pending = s.pending[:0]
	s.whole = false
	s.last = captured
	return f, nil
}

// gonePixmap tells the race with a resize from a broken connection.
func (s *stream) gonePixmap(err error) bool {
	var match xproto.MatchError
	var drawable xproto.DrawableError
	return errors.As(err, &match) || errors.As(err, &drawable)
}

// takeDamageLocked asks the server what changed since it was asked last.
func (s *stream) takeDamageLocked(bounds image.Rectangle) error {
	if s.damaged || s.whole { // a new Damage object begins wholly damaged
		s.damaged = false
		damage.Subtract(s.c.Conn, s.dmg, 0, s.region)
		r, err := xfixes.FetchRegion(s.c.Conn, s.region).Reply()
		if err != nil {
			return ErrGone
		}
		for _, x := range r.Rectangles {
			q := image.Rect(int(x.X), int(x.Y), int(x.X)+int(x.Width), int(x.Y)+int(x.Height)).Sub(s.content.Min)
			s.pending = video.AddRect(s.pending, q, bounds)
		}
	}
	if s.whole {
		s.pending = append(s.pending[:0], bounds)
	}
	return nil
}

// bufferLocked returns a buffer of the right size that is not lent, or nil.
func (s *stream) bufferLocked() (*buffer, error) {
	w, h := s.content.Dx(), s.content.Dy()
	if w > video.MaxSide || h > video.MaxSide || w*h > video.MaxPixels {
		return nil, fmt.Errorf("capture: a window of %dx%d pixels is too large to share", w, h)
	}
	for i, b := range s.bufs {
		if b.lent {
			continue
		}
		if b.w == w && b.h == h {
			return b, nil
		}
		b.seg.free(true)
		s.bufs = slices.Delete(s.bufs, i, i+1)
		break
	}
	if len(s.bufs) >= buffers {
		return nil, nil
	}
	seg, err := newSegment(s.c, w*h*video.BytesPerPixel, s.shared)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	b := &buffer{seg: seg, w: w, h: h, stale: []image.Rectangle{image.Rect(0, 0, w, h)}}
	b.frame = video.Wrap(w, h, seg.mem[:w*h*video.BytesPerPixel], func(*video.Frame) { s.giveBack(b) })
	s.bufs = append(s.bufs, b)
	return b, nil
}

func (s *stream) giveBack(b *buffer) {
	s.mu.Lock()
	b.lent = false
	s.lent--
	if s.closed && s.lent == 0 {
		s.freeLocked()
	}
	s.mu.Unlock()
	s.poke()
}

// fillLocked reads the rows that are stale in b, in bands of whole rows, which
// the server can write straight to their place.
func (s *stream) fillLocked(b *buffer) error {
	for _, band := range bands(b.stale) {
		if err := b.seg.read(s.pix, s.content.Min.X, s.content.Min.Y, b.w, band[0], band[1]); err != nil {
			return err
		}
		opaque(b.seg.mem[band[0]*b.w*4 : band[1]*b.w*4])
	}
	b.stale = b.stale[:0]
	return nil
}

// bands merges rectangles to rising, disjoint runs of rows [y0,y1).
func bands(rects []image.Rectangle) [][2]int {
	var out [][2]int
	sorted := slices.Clone(rects)
	slices.SortFunc(sorted, func(a, b image.Rectangle) int { return a.Min.Y - b.Min.Y })
	for _, r := range sorted {
		if n := len(out); n > 0 && r.Min.Y <= out[n-1][1] {
			out[n-1][1] = max(out[n-1][1], r.Max.Y)
			continue
		}
		out = append(out, [2]int{r.Min.Y, r.Max.Y})
	}
	return out
}

// opaque sets the fourth byte of every pixel: undefined at depth 24, and at
// depth 32 a translucent window is shown over black.
func opaque(p []byte) {
	for i := 3; i < len(p); i += 4 {
		p[i] = 255
	}
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
