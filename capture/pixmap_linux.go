package capture

import (
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/jezek/xgb/composite"
	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11"
)

// The X server fills the pixmap of a redirected window, whenever it makes a
// new one, with what the screen shows at that place: other windows, or old
// memory where the window was covered. Only later the application paints, and
// one that hangs never does. Damage cannot tell, for the server reports what
// becomes visible as damage too. So whatever is not known to be the window's
// own is painted over here before anybody reads it, and the application is
// asked to paint it anew. Known are:
//
//   - what was visible on the screen as the window's own before redirection,
//   - what a resize took over from the pixmap before.
//
// The user at this machine sees nothing of it but, after minimising or growing
// a window, its background for an instant.

// neutral is the colour of what the application has not painted yet.
const neutral = 0xff303030

// settleTime is how long the first picture of a covered window waits: most
// applications have painted what was covered by then.
const settleTime = 60 * time.Millisecond

// maxInner bounds how many windows inside a window are asked to repaint.
const maxInner = 512

// surface is one window whose own pixmap is read. Its stream's lock guards it.
type surface struct {
	c      *x11.Conn
	win    xproto.Window
	dmg    damage.Damage
	region xfixes.Region

	hidden  bool
	content image.Rectangle // of the picture within the window
	inner   image.Rectangle // the window without its border
	border  int             // width of the border, which the pixmap includes
	pix     xproto.Pixmap
	covered bool // foreign pixels of pix were painted over
	// notBefore is when the next picture may be taken.
	notBefore time.Time
	damaged   bool // the server holds damage for us
	whole     bool // everything must be read
}

// newSurface asks for the window's events and redirects it. fresh says that
// the window was mapped just now: what is visible of it may not be painted yet.
func newSurface(c *x11.Conn, win xproto.Window, region xfixes.Region, fresh bool) (*surface, error) {
	f := &surface{c: c, win: win, region: region}
	mask := []uint32{xproto.EventMaskStructureNotify | xproto.EventMaskPropertyChange}
	if err := xproto.ChangeWindowAttributesChecked(c.Conn, win, xproto.CwEventMask, mask).Check(); err != nil {
		return nil, ErrGone
	}
	g, err := xproto.GetGeometry(c.Conn, xproto.Drawable(win)).Reply()
	if err != nil {
		return nil, ErrGone
	}
	a, err := xproto.GetWindowAttributes(c.Conn, win).Reply()
	if err != nil {
		return nil, ErrGone
	}
	if a.Class != xproto.WindowClassInputOutput {
		return nil, errors.New("the window has no picture")
	}
	if !c.BGRA(g.Depth, a.Visual) {
		return nil, fmt.Errorf("the window's pixels of %d bits are of a kind that is not supported; use a screen of 24 bits", g.Depth)
	}
	if f.dmg, err = damage.NewDamageId(c.Conn); err != nil {
		return nil, err
	}
	if err := f.redirect(fresh); err != nil {
		f.free()
		return nil, err
	}
	return f, nil
}

// free ends the capture of a window on a connection that goes on. The window
// may be gone: then the server refuses some of it, and has done it already.
func (s *surface) free() {
	damage.Destroy(s.c.Conn, s.dmg)
	composite.UnredirectWindow(s.c.Conn, s.win, composite.RedirectAutomatic)
	xproto.ChangeWindowAttributes(s.c.Conn, s.win, xproto.CwEventMask, []uint32{xproto.EventMaskNoEvent})
	if s.pix != 0 {
		xproto.FreePixmap(s.c.Conn, s.pix)
		s.pix = 0
	}
}

// redirect begins capture of the window. Nobody else's request comes between
// its steps, so that what is visible before is exactly known.
func (s *surface) redirect(fresh bool) error {
	xproto.GrabServer(s.c.Conn)
	defer xproto.UngrabServer(s.c.Conn)
	if err := damage.CreateChecked(s.c.Conn, s.dmg, xproto.Drawable(s.win), damage.ReportLevelNonEmpty).Check(); err != nil {
		return fmt.Errorf("damage: %w", err)
	}
	// New damage begins with the part of the window that is visible.
	visible, err := s.fetchDamage(s.dmg)
	if err != nil {
		return err
	}
	if fresh {
		visible = nil
	}
	if err := composite.RedirectWindowChecked(s.c.Conn, s.win, composite.RedirectAutomatic).Check(); err != nil {
		return fmt.Errorf("composite: %w", err)
	}
	defer s.settle()
	return s.name(visible)
}

// remapped follows the window when it is shown or hidden.
func (s *surface) remapped() error {
	xproto.GrabServer(s.c.Conn)
	defer xproto.UngrabServer(s.c.Conn)
	defer s.settle()
	return s.name(nil)
}

// settle puts the next picture off, if parts were painted over.
func (s *surface) settle() {
	if s.covered {
		s.notBefore = time.Now().Add(settleTime)
	}
}

// resized follows a ConfigureNotify. Moves do not matter.
func (s *surface) resized(e xproto.ConfigureNotifyEvent) error {
	size := image.Rect(0, 0, int(e.Width), int(e.Height))
	if size == s.inner && int(e.BorderWidth) == s.border || s.pix == 0 {
		return nil
	}
	xproto.GrabServer(s.c.Conn)
	defer xproto.UngrabServer(s.c.Conn)
	a, err := xproto.GetWindowAttributes(s.c.Conn, s.win).Reply()
	if err != nil {
		return ErrGone
	}
	kept := []image.Rectangle{size.Intersect(s.inner)}
	switch {
	case int(e.BorderWidth) != s.border:
		kept = nil
	case a.BitGravity != xproto.GravityNorthWest:
		// The server took the pixels of the parent, which are the window's
		// own of before where the parent is visible.
		seen, err := s.parentVisible()
		if err != nil {
			return err
		}
		whole := kept[0]
		kept = nil
		for _, r := range seen {
			kept = append(kept, r.Intersect(whole))
		}
	}
	return s.name(kept)
}

// name names the window's pixmap, in a grab, and paints over all but
// own, the pixels that are known to be the window's.
func (s *surface) name(own []image.Rectangle) error {
	ac := xproto.GetWindowAttributes(s.c.Conn, s.win)
	gc := xproto.GetGeometry(s.c.Conn, xproto.Drawable(s.win))
	a, err := ac.Reply()
	if err != nil {
		return ErrGone
	}
	g, err := gc.Reply()
	if err != nil {
		return ErrGone
	}
	inner := image.Rect(0, 0, int(g.Width), int(g.Height))
	s.hidden = a.MapState != xproto.MapStateViewable
	if s.hidden {
		if s.pix == 0 { // else the last picture and its size stay
			s.inner = inner
			s.crop()
		}
		return nil
	}
	p, err := xproto.NewPixmapId(s.c.Conn)
	if err != nil {
		return err
	}
	if err := composite.NameWindowPixmapChecked(s.c.Conn, s.win, p).Check(); err != nil {
		return fmt.Errorf("composite: %w", err)
	}
	if s.pix != 0 {
		xproto.FreePixmap(s.c.Conn, s.pix)
	}
	s.pix, s.border, s.inner = p, int(g.BorderWidth), inner
	foreign := area{inner}.without(own)
	if s.covered = len(foreign) > 0; s.covered {
		if err := s.cover(foreign); err != nil {
			return err
		}
	}
	damage.Subtract(s.c.Conn, s.dmg, 0, 0) // everything is read anyway
	s.damaged, s.whole = false, true
	s.crop()
	return nil
}

// crop follows the content's place in the window.
func (s *surface) crop() {
	content := s.c.Content(s.win, s.inner.Dx(), s.inner.Dy())
	if content == s.content {
		return
	}
	s.content, s.whole = content, true
}

// fetchDamage empties a damage object and returns, in pixels of its window,
// what was in it.
func (s *surface) fetchDamage(d damage.Damage) ([]image.Rectangle, error) {
	damage.Subtract(s.c.Conn, d, 0, s.region)
	r, err := xfixes.FetchRegion(s.c.Conn, s.region).Reply()
	if err != nil {
		return nil, ErrGone
	}
	out := make([]image.Rectangle, len(r.Rectangles))
	for i, x := range r.Rectangles {
		out[i] = image.Rect(int(x.X), int(x.Y), int(x.X)+int(x.Width), int(x.Y)+int(x.Height))
	}
	return out, nil
}

// parentVisible returns which pixels of the window are where its parent, a
// window manager's frame, is visible on the screen; none without a frame.
func (s *surface) parentVisible() ([]image.Rectangle, error) {
	gc := xproto.GetGeometry(s.c.Conn, xproto.Drawable(s.win))
	t, err := xproto.QueryTree(s.c.Conn, s.win).Reply()
	if err != nil {
		return nil, ErrGone
	}
	g, err := gc.Reply()
	if err != nil {
		return nil, ErrGone
	}
	if t.Parent == t.Root {
		return nil, nil
	}
	d, err := damage.NewDamageId(s.c.Conn)
	if err != nil {
		return nil, err
	}
	if err := damage.CreateChecked(s.c.Conn, d, xproto.Drawable(t.Parent), damage.ReportLevelNonEmpty).Check(); err != nil {
		return nil, fmt.Errorf("damage: %w", err)
	}
	defer damage.Destroy(s.c.Conn, d)
	rects, err := s.fetchDamage(d)
	at := image.Pt(int(g.X)+int(g.BorderWidth), int(g.Y)+int(g.BorderWidth))
	for i := range rects {
		rects[i] = rects[i].Sub(at)
	}
	return rects, err
}

// cover paints parts of the window's pixmap neutral, and then has the server
// and the application paint them as they should be.
func (s *surface) cover(parts []image.Rectangle) error {
	gc, err := xproto.NewGcontextId(s.c.Conn)
	if err != nil {
		return err
	}
	xproto.CreateGC(s.c.Conn, gc, xproto.Drawable(s.pix), xproto.GcForeground, []uint32{neutral})
	defer xproto.FreeGC(s.c.Conn, gc)
	for _, r := range parts {
		x := xproto.Rectangle{
			X: int16(r.Min.X + s.border), Y: int16(r.Min.Y + s.border), Width: uint16(r.Dx()), Height: uint16(r.Dy()),
		}
		if err := xproto.PolyFillRectangleChecked(s.c.Conn, xproto.Drawable(s.pix), gc, []xproto.Rectangle{x}).Check(); err != nil {
			return fmt.Errorf("cover: %w", err)
		}
	}
	left := maxInner
	s.repaint(s.win, s.inner, parts, &left)
	return nil
}

// repaint clears parts of a window, and of the windows inside it, to their
// background, where they have one, and sends Expose. size is w's, and parts are
// in w's pixels. Only the borders of inner windows, which hardly any toolkit of
// today has, stay neutral.
func (s *surface) repaint(w xproto.Window, size image.Rectangle, parts []image.Rectangle, left *int) {
	for _, r := range parts {
		if r = r.Intersect(size); !r.Empty() {
			xproto.ClearArea(s.c.Conn, true, w, int16(r.Min.X), int16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()))
		}
	}
	t, err := xproto.QueryTree(s.c.Conn, w).Reply()
	if err != nil {
		return
	}
	for _, child := range t.Children {
		if *left--; *left < 0 {
			return
		}
		g, err := xproto.GetGeometry(s.c.Conn, xproto.Drawable(child)).Reply()
		if err != nil {
			continue
		}
		at := image.Pt(int(g.X)+int(g.BorderWidth), int(g.Y)+int(g.BorderWidth))
		inside := image.Rect(0, 0, int(g.Width), int(g.Height))
		var hit []image.Rectangle
		for _, r := range parts {
			if q := r.Sub(at).Intersect(inside); !q.Empty() {
				hit = append(hit, q)
			}
		}
		if len(hit) > 0 {
			s.repaint(child, inside, hit, left)
		}
	}
}
