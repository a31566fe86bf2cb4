// Package screen is a virtual display as a person has it: eyes, a mouse and a
// keyboard. It knows nothing of viewflip's insides; the demo and the tests of the
// whole program look and act by it.
package screen

import (
	"context"
	"errors"
	"fmt"
	"image"
	"strings"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/composite"
	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"viewflip.app/platform/x11"
)

// Screen is one display, by a connection of its own. Its methods are for one
// goroutine. Coordinates are pixels.
type Screen struct {
	*x11.Conn
	events chan xgb.Event
	// Keys says for each character, and ShiftKey and ControlKey, how it is typed.
	Keys map[rune]Stroke
}

// Stroke is how a character is typed: the X keycode of a key, with Shift or without.
type Stroke struct {
	Code  byte
	Shift bool
}

const (
	// Enter is the key; characters stand for their keys.
	Enter = '\r'
	// ShiftKey is no character.
	ShiftKey = rune(-1)
	// ControlKey is no character.
	ControlKey = rune(-2)
	// The keysyms of X11 (keysymdef.h); those of Latin-1 are the characters.
	keysymReturn, keysymShift, keysymControl = 0xff0d, 0xffe1, 0xffe3
)

// Open connects to a display; see [x11.Connect]. The caller closes it.
func Open(display string) (*Screen, error) {
	c, err := x11.Connect(display)
	if err != nil {
		return nil, err
	}
	s := &Screen{Conn: c, events: make(chan xgb.Event, 1024), Keys: map[rune]Stroke{}}
	if err := errors.Join(c.Require(x11.XTest, x11.Composite, x11.Damage), s.learnKeys()); err != nil {
		c.Close()
		return nil, err
	}
	go func() {
		defer close(s.events)
		for {
			ev, err := c.WaitForEvent()
			if ev == nil && err == nil {
				return
			}
			select {
			case s.events <- ev:
			default: // only that something happened matters
			}
		}
	}()
	return s, nil
}

// Close ends the connection and the goroutine that reads it.
func (s *Screen) Close() {
	s.Conn.Close()
	for range s.events {
	}
}

func (s *Screen) learnKeys() error {
	setup := xproto.Setup(s.Conn.Conn)
	first, n := setup.MinKeycode, int(setup.MaxKeycode)-int(setup.MinKeycode)+1
	m, err := xproto.GetKeyboardMapping(s.Conn.Conn, first, byte(n)).Reply()
	if err != nil {
		return err
	}
	per := int(m.KeysymsPerKeycode)
	for i := range n {
		for level, sym := range m.Keysyms[i*per : i*per+min(per, 2)] {
			r := rune(sym)
			switch sym {
			case keysymShift:
				r = ShiftKey
			case keysymControl:
				r = ControlKey
			case keysymReturn:
				r = Enter
			}
			if _, known := s.Keys[r]; !known {
				s.Keys[r] = Stroke{byte(first) + byte(i), level == 1}
			}
		}
	}
	return nil
}

// fake makes one event of mouse or keyboard and waits until it is done.
func (s *Screen) fake(kind, detail byte, x, y int) error {
	return xtest.FakeInputChecked(s.Conn.Conn, kind, detail, 0, s.Root, int16(x), int16(y), 0).Check()
}

// Move puts the pointer to a point of the screen.
func (s *Screen) Move(p image.Point) error { return s.fake(xproto.MotionNotify, 0, p.X, p.Y) }

// heldBack is how long a window manager may hold back a click.
const heldBack = 10 * time.Second

var errHeldBack = errors.New("the window manager does not let a click go on")

// Button presses a button (1 to 5) or lets go of it. A window manager may freeze
// the pointer at a press, until it has decided what to do about that; a release
// waits in the server meanwhile, but keys do not. If the button is pressed again
// before the window manager has decided, the server drops that press and the
// release before it: a pointer keeps a button down as long as the device behind
// it has it down (X server, UpdateDeviceState). So a release is done when the
// pointer says so: everything behind it arrives behind it.
func (s *Screen) Button(n byte, down bool) error {
	if down {
		return s.fake(xproto.ButtonPress, n, 0, 0)
	}
	if err := s.fake(xproto.ButtonRelease, n, 0, 0); err != nil {
		return err
	}
	for end := time.Now().Add(heldBack); ; time.Sleep(time.Millisecond) {
		p, err := xproto.QueryPointer(s.Conn.Conn, s.Root).Reply()
		switch {
		case err != nil:
			return err
		case p.Mask&(xproto.ButtonMask1<<(n-1)) == 0:
			return nil
		case time.Now().After(end):
			return errHeldBack
		}
	}
}

// Key presses a key, by its X keycode, or lets go of it.
func (s *Screen) Key(code byte, down bool) error {
	if down {
		return s.fake(xproto.KeyPress, code, 0, 0)
	}
	return s.fake(xproto.KeyRelease, code, 0, 0)
}

// Click presses and releases the left button at a point of the screen.
func (s *Screen) Click(p image.Point) error {
	return errors.Join(s.Move(p), s.Button(1, true), s.Button(1, false))
}

// Strike types one character; pressed is called when its key is down.
func (s *Screen) Strike(r rune, pressed func() error) error {
	k, ok := s.Keys[r]
	if !ok {
		return fmt.Errorf("the keyboard has no %q", r)
	}
	shift := s.Keys[ShiftKey].Code
	if k.Shift {
		if err := s.Key(shift, true); err != nil {
			return err
		}
		defer s.Key(shift, false) //nolint:errcheck // the display is gone then
	}
	if err := s.Key(k.Code, true); err != nil {
		return err
	}
	return errors.Join(pressed(), s.Key(k.Code, false))
}

// Titled finds the managed window that has part in its title; 0 if none has.
func (s *Screen) Titled(part string) xproto.Window {
	for _, w := range s.Managed() {
		if strings.Contains(s.Title(w), part) {
			return w
		}
	}
	return 0
}

// PictureOf finds the native window in which a viewer shows its picture; 0
// while it shows none.
func (s *Screen) PictureOf(viewer xproto.Window) xproto.Window {
	t, err := xproto.QueryTree(s.Conn.Conn, viewer).Reply()
	if err != nil {
		return 0
	}
	for _, w := range t.Children {
		a, err := xproto.GetWindowAttributes(s.Conn.Conn, w).Reply()
		if err == nil && a.MapState == xproto.MapStateViewable && a.Class == xproto.WindowClassInputOutput {
			return w
		}
	}
	return 0
}

// Own makes the server keep a window's pixels apart from what covers it, so
// that Pixels reads the window's own.
func (s *Screen) Own(w xproto.Window) error {
	return composite.RedirectWindowChecked(s.Conn.Conn, w, composite.RedirectAutomatic).Check()
}

// Pixels reads a rectangle of a window: BGRX, tightly packed. The root is what
// a person sees.
func (s *Screen) Pixels(w xproto.Window, r image.Rectangle) ([]byte, error) {
	got, err := xproto.GetImage(s.Conn.Conn, xproto.ImageFormatZPixmap, xproto.Drawable(w),
		int16(r.Min.X), int16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()), 0xffffffff).Reply()
	if err != nil {
		return nil, err
	}
	for i := 3; i < len(got.Data); i += 4 {
		got.Data[i] = 255 // undefined at depth 24
	}
	return got.Data, nil
}

// Picture reads a whole window.
func (s *Screen) Picture(w xproto.Window) (pix []byte, size image.Point, err error) {
	b, err := s.Bounds(w)
	if err != nil {
		return nil, image.Point{}, err
	}
	pix, err = s.Pixels(w, image.Rectangle{Max: b.Size()})
	return pix, b.Size(), err
}

// PaintRoot gives the screen a background.
func (s *Screen) PaintRoot(rgb uint32) error {
	xproto.ChangeWindowAttributes(s.Conn.Conn, s.Root, xproto.CwBackPixel, []uint32{rgb})
	return xproto.ClearAreaChecked(s.Conn.Conn, false, s.Root, 0, 0, 0, 0).Check()
}

// Ask sends a request about a window to the window manager (EWMH).
func (s *Screen) Ask(w xproto.Window, kind string, data ...uint32) error {
	ev := xproto.ClientMessageEvent{
		Format: 32, Window: w, Type: s.Atom(kind),
		Data: xproto.ClientMessageDataUnionData32New(append(data, make([]uint32, 5-len(data))...)),
	}
	return xproto.SendEventChecked(s.Conn.Conn, false, s.Root,
		xproto.EventMaskSubstructureRedirect|xproto.EventMaskSubstructureNotify, string(ev.Bytes())).Check()
}

// Place asks for a window's place, frame included, and for the size of its
// content; an empty rectangle leaves the size alone.
func (s *Screen) Place(w xproto.Window, r image.Rectangle) error {
	const northWest, xy, widthHeight, fromPager = 1, 3 << 8, 3 << 10, 2 << 12
	flags := uint32(northWest | xy | fromPager)
	if !r.Empty() {
		flags |= widthHeight
	}
	return s.Ask(w, "_NET_MOVERESIZE_WINDOW", flags, uint32(r.Min.X), uint32(r.Min.Y), uint32(r.Dx()), uint32(r.Dy()))
}

// Focused reports whether a window has the keyboard.
func (s *Screen) Focused(w xproto.Window) bool {
	f, err := xproto.GetInputFocus(s.Conn.Conn).Reply()
	return err == nil && f.Focus == w
}

// Watch makes the server report where a window's pixels change; see Changed.
func (s *Screen) Watch(w xproto.Window) error {
	id, err := damage.NewDamageId(s.Conn.Conn)
	if err != nil {
		return err
	}
	return damage.CreateChecked(s.Conn.Conn, id, xproto.Drawable(w), damage.ReportLevelRawRectangles).Check()
}

// Rest waits until nothing was reported for d.
func (s *Screen) Rest(ctx context.Context, d time.Duration) error {
	for {
		select {
		case <-s.events:
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Changed waits until the watched window w, which showed before, shows
// something else.
func (s *Screen) Changed(ctx context.Context, w xproto.Window, before []byte, size image.Point) error {
	for {
		select {
		case ev := <-s.events:
			n, ok := s.DamageNotify(ev)
			if !ok {
				continue
			}
			r := image.Rect(0, 0, int(n.Area.Width), int(n.Area.Height)).Add(image.Pt(int(n.Area.X), int(n.Area.Y))).
				Intersect(image.Rectangle{Max: size})
			if r.Empty() {
				continue
			}
			now, err := s.Pixels(w, r)
			if err != nil {
				return err
			}
			if differs(now, before, r, size.X) {
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// differs compares a part with its place in a picture of the given width.
func differs(part, whole []byte, r image.Rectangle, width int) bool {
	row := r.Dx() * 4
	for y := range r.Dy() {
		at := ((r.Min.Y+y)*width + r.Min.X) * 4
		if string(part[y*row:(y+1)*row]) != string(whole[at:at+row]) {
			return true
		}
	}
	return false
}

// Until waits for a condition; the context says how long, and why not.
func Until(ctx context.Context, ok func() bool) error {
	for !ok() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
