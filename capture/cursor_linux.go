package capture

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync/atomic"
	"time"

	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/video"
)

var (
	errCursorClosed = errors.New("capture: the cursor is closed")
	errHandGone     = errors.New("capture: remote people have no pointer any more")
)

const (
	// cursorAlarm is how long the pointer must have rested for its next move to
	// be told by the server; less than cursorRest, so that none is missed.
	cursorAlarm = cursorRest / 4
	// cursorSlow is the pause between looks where the server tells nothing.
	cursorSlow = cursorRest / 4
)

// cursor asks where the pointer is only while it moves: motion over other
// programs' windows is told to nobody but by XI2's generic events, which xgb
// cannot read, but a server tells when a pointer that rested is used again.
type cursor struct {
	c *x11.Conn
	// device is 0 for the first pointer; of another the shape alone is followed,
	// and xi tells whether it still exists.
	device xinput.DeviceID
	xi     *xinput.Client
	alarm  bool
	wake   chan struct{} // the server tells of news
	fresh  atomic.Bool   // it looks different
	used   atomic.Bool   // it is used again
	ended  chan struct{}

	// These belong to Next.
	now   Pointer
	told  bool
	next  time.Time // the next look is not before
	until time.Time // when looking ends
}

func openCursor(d *platform.Desktop, device uint16) (Cursor, error) {
	conn, err := x11.Connect(d.Display())
	if err != nil {
		return nil, err
	}
	c := &cursor{c: conn, device: xinput.DeviceID(device), wake: make(chan struct{}, 1), ended: make(chan struct{})}
	c.fresh.Store(true)
	if err := c.start(); err != nil {
		conn.Close()
		return nil, err
	}
	go c.events()
	return c, nil
}

func (c *cursor) start() error {
	if err := c.c.Require(x11.XFixes); err != nil {
		return err
	}
	if c.device != 0 {
		var err error
		if c.xi, err = xinput.New(c.c.Conn); err != nil {
			return err
		}
		// From here on what core requests say is about that pointer.
		if err := c.xi.SetClientPointer(0, c.device).Check(); err != nil {
			return errHandGone
		}
	} else if c.c.Require(x11.Sync) == nil {
		idle, err := xinput.NewIdle(c.c.Conn)
		c.alarm = err == nil && idle.Alarm(xinput.CorePointer, cursorAlarm) == nil
	}
	return xfixes.SelectCursorInputChecked(c.c.Conn, c.c.Root, xfixes.CursorNotifyMaskDisplayCursor).Check()
}

func (c *cursor) events() {
	defer close(c.ended)
	for {
		ev, err := c.c.WaitForEvent()
		switch {
		case ev == nil && err == nil:
			return
		case c.c.CursorNotify(ev):
			c.fresh.Store(true)
		case c.c.AlarmNotify(ev):
			c.used.Store(true)
		default:
			continue
		}
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

func (c *cursor) Next(ctx context.Context) (Pointer, error) {
	for {
		if err := pause(ctx, time.Until(c.next), nil, c.ended, errCursorClosed); err != nil {
			return Pointer{}, err
		}
		changed, err := c.look()
		if err != nil {
			return Pointer{}, err
		}
		if changed {
			return c.now, nil
		}
		wait := time.Duration(0)
		switch {
		case c.device != 0:
		case c.next.Before(c.until):
			wait = time.Until(c.next)
		case !c.alarm:
			wait = cursorSlow
		}
		if err := pause(ctx, wait, c.wake, c.ended, errCursorClosed); err != nil {
			return Pointer{}, err
		}
	}
}

// look reports whether the pointer is different from what Next returned last.
func (c *cursor) look() (bool, error) {
	now := time.Now()
	c.next = now.Add(cursorEvery)
	changed := !c.told
	if c.xi != nil {
		if id, set, err := c.xi.ClientPointer(0); err != nil || !set || id != c.device {
			return false, errHandGone
		}
	}
	if c.fresh.Swap(false) { // this or another pointer
		shape, err := c.shape()
		if err != nil {
			return false, fmt.Errorf("capture: cursor: %w", err)
		}
		if !shape.Equal(c.now.Shape) {
			c.now.Shape, changed = shape, true
		}
	}
	p, err := xproto.QueryPointer(c.c.Conn, c.c.Root).Reply()
	if err != nil {
		return false, fmt.Errorf("capture: cursor: %w", err)
	}
	at, top := image.Pt(int(p.RootX), int(p.RootY)), uint32(p.Child)
	moved := at != c.now.At || top != c.now.top
	if moved || c.used.Swap(false) {
		c.until = now.Add(cursorRest)
	}
	c.now.At, c.now.top = at, top
	c.told = true
	return changed || moved && c.device == 0, nil
}

// shape asks what the pointer looks like.
func (c *cursor) shape() (*video.Cursor, error) {
	r, err := xfixes.GetCursorImage(c.c.Conn).Reply()
	if err != nil {
		return nil, err
	}
	w, h := int(r.Width), int(r.Height)
	if w == 0 || h == 0 || w > video.MaxCursor || h > video.MaxCursor {
		return nil, nil
	}
	hot := image.Pt(min(int(r.Xhot), w-1), min(int(r.Yhot), h-1))
	s := &video.Cursor{W: w, H: h, Hot: hot, Pix: make([]byte, 0, w*h*video.BytesPerPixel)}
	for _, p := range r.CursorImage { // ARGB, premultiplied
		s.Pix = append(s.Pix, byte(p), byte(p>>8), byte(p>>16), byte(p>>24))
	}
	return s, nil
}

func (c *cursor) Close() error {
	c.c.Close()
	<-c.ended
	return nil
}

// Locate implements [Locator].
func (s *stream) Locate(p Pointer) (at, size image.Point, ok bool) {
	type place struct {
		win    xproto.Window
		shown  image.Rectangle // in the picture
		offset image.Point     // from the window to the picture
	}
	var places []place
	s.mu.Lock()
	size = image.Pt(s.state.W, s.state.H)
	if !s.state.Hidden && !s.state.Closed && p.top != 0 {
		for _, l := range s.layersLocked() {
			if l.surface != nil { // what is masked has no pointer either
				places = append(places, place{l.win, l.at, l.offset.Sub(l.content.Min)})
			}
		}
	}
	s.mu.Unlock()
	for _, l := range places {
		if s.topOf(l.win) != xproto.Window(p.top) {
			continue
		}
		t, err := xproto.TranslateCoordinates(s.c.Conn, s.c.Root, l.win, int16(p.At.X), int16(p.At.Y)).Reply()
		if err != nil {
			return at, size, false
		}
		at = image.Pt(int(t.DstX), int(t.DstY)).Add(l.offset)
		return at, size, at.In(l.shown)
	}
	return at, size, false
}

// topOf is a window itself or the one around it that is the root's own child;
// 0 if the window is gone.
func (s *stream) topOf(w xproto.Window) xproto.Window {
	for range 16 { // frames are two or three deep
		t, err := xproto.QueryTree(s.c.Conn, w).Reply()
		if err != nil {
			return 0
		}
		if t.Parent == t.Root {
			return w
		}
		w = t.Parent
	}
	return 0
}
