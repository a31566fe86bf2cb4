package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"strings"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/composite"
	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"viewflip.app/platform/x11"
)

// screen is a virtual display as a person has it: eyes, a mouse and a keyboard.
// It knows nothing of viewflip's insides.
type screen struct {
	*x11.Conn
	events chan xgb.Event
	keys   map[rune]stroke
}

// stroke is how a character is typed.
type stroke struct {
	code  byte
	shift bool
}

const (
	enter = '\r'
	// Keys that are no characters.
	shiftKey, controlKey = rune(-1), rune(-2)
	// The keysyms of X11 (keysymdef.h); those of Latin-1 are the characters.
	keysymReturn, keysymShift, keysymControl = 0xff0d, 0xffe1, 0xffe3
)

func openScreen(display string) (*screen, error) {
	c, err := x11.Connect(display)
	if err != nil {
		return nil, err
	}
	s := &screen{Conn: c, events: make(chan xgb.Event, 1024), keys: map[rune]stroke{}}
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

// close ends the connection and the goroutine that reads it.
func (s *screen) close() {
	s.Close()
	for range s.events {
	}
}

func (s *screen) learnKeys() error {
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
				r = shiftKey
			case keysymControl:
				r = controlKey
			case keysymReturn:
				r = enter
			}
			if _, known := s.keys[r]; !known {
				s.keys[r] = stroke{byte(first) + byte(i), level == 1}
			}
		}
	}
	return nil
}

// fake makes one event of mouse or keyboard and waits until it is done.
func (s *screen) fake(kind, detail byte, x, y int) error {
	return xtest.FakeInputChecked(s.Conn.Conn, kind, detail, 0, s.Root, int16(x), int16(y), 0).Check()
}

func (s *screen) move(p image.Point) error { return s.fake(xproto.MotionNotify, 0, p.X, p.Y) }

// heldBack is how long a window manager may hold back a click.
const heldBack = 10 * time.Second

var errHeldBack = errors.New("the window manager does not let a click go on")

// button presses a button (1 to 5) or lets go of it. A window manager may freeze
// the pointer at a press, until it has decided what to do about that; a release
// waits in the server meanwhile, but keys do not. If the button is pressed again
// before the window manager has decided, the server drops that press and the
// release before it: a pointer keeps a button down as long as the device behind
// it has it down (X server, UpdateDeviceState). So a release is done when the
// pointer says so: everything behind it arrives behind it.
func (s *screen) button(n byte, down bool) error {
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

func (s *screen) key(code byte, down bool) error {
	if down {
		return s.fake(xproto.KeyPress, code, 0, 0)
	}
	return s.fake(xproto.KeyRelease, code, 0, 0)
}

// click presses and releases the left button at a point of the screen.
func (s *screen) click(p image.Point) error {
	return errors.Join(s.move(p), s.button(1, true), s.button(1, false))
}

// strike types one character; pressed is called when its key is down.
func (s *screen) strike(r rune, pressed func() error) error {
	k, ok := s.keys[r]
	if !ok {
		return fmt.Errorf("the keyboard has no %q", r)
	}
	shift := s.keys[shiftKey].code
	if k.shift {
		if err := s.key(shift, true); err != nil {
			return err
		}
		defer s.key(shift, false) //nolint:errcheck // the display is gone then
	}
	if err := s.key(k.code, true); err != nil {
		return err
	}
	return errors.Join(pressed(), s.key(k.code, false))
}

// titled finds the managed window that has part in its title; 0 if none has.
func (s *screen) titled(part string) xproto.Window {
	for _, w := range s.Managed() {
		if strings.Contains(s.Title(w), part) {
			return w
		}
	}
	return 0
}

// pictureOf finds the native window in which a viewer shows its picture; 0
// while it shows none.
func (s *screen) pictureOf(viewer xproto.Window) xproto.Window {
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

// own makes the server keep a window's pixels apart from what covers it, so
// that pixels reads the window's own.
func (s *screen) own(w xproto.Window) error {
	return composite.RedirectWindowChecked(s.Conn.Conn, w, composite.RedirectAutomatic).Check()
}

// pixels reads a rectangle of a window: BGRX, tightly packed. The root is what
// a person sees.
func (s *screen) pixels(w xproto.Window, r image.Rectangle) ([]byte, error) {
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

// picture reads a whole window.
func (s *screen) picture(w xproto.Window) (pix []byte, size image.Point, err error) {
	b, err := s.Bounds(w)
	if err != nil {
		return nil, image.Point{}, err
	}
	pix, err = s.pixels(w, image.Rectangle{Max: b.Size()})
	return pix, b.Size(), err
}

// save writes what the screen shows as PNG.
func (s *screen) save(path string) (err error) {
	pix, size, err := s.picture(s.Root)
	if err != nil {
		return err
	}
	img := image.NewRGBA(image.Rectangle{Max: size})
	for i := 0; i+3 < len(pix); i += 4 {
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = pix[i+2], pix[i+1], pix[i], 255
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return png.Encode(f, img)
}

// paintRoot gives the screen a background.
func (s *screen) paintRoot(rgb uint32) error {
	xproto.ChangeWindowAttributes(s.Conn.Conn, s.Root, xproto.CwBackPixel, []uint32{rgb})
	return xproto.ClearAreaChecked(s.Conn.Conn, false, s.Root, 0, 0, 0, 0).Check()
}

// ask sends a request about a window to the window manager (EWMH).
func (s *screen) ask(w xproto.Window, kind string, data ...uint32) error {
	ev := xproto.ClientMessageEvent{
		Format: 32, Window: w, Type: s.Atom(kind),
		Data: xproto.ClientMessageDataUnionData32New(append(data, make([]uint32, 5-len(data))...)),
	}
	return xproto.SendEventChecked(s.Conn.Conn, false, s.Root,
		xproto.EventMaskSubstructureRedirect|xproto.EventMaskSubstructureNotify, string(ev.Bytes())).Check()
}

// place asks for a window's place, frame included, and for the size of its
// content; an empty rectangle leaves the size alone.
func (s *screen) place(w xproto.Window, r image.Rectangle) error {
	const northWest, xy, widthHeight, fromPager = 1, 3 << 8, 3 << 10, 2 << 12
	flags := uint32(northWest | xy | fromPager)
	if !r.Empty() {
		flags |= widthHeight
	}
	return s.ask(w, "_NET_MOVERESIZE_WINDOW", flags, uint32(r.Min.X), uint32(r.Min.Y), uint32(r.Dx()), uint32(r.Dy()))
}

// focused reports whether a window has the keyboard.
func (s *screen) focused(w xproto.Window) bool {
	f, err := xproto.GetInputFocus(s.Conn.Conn).Reply()
	return err == nil && f.Focus == w
}

// watch makes the server report where a window's pixels change; see changed.
func (s *screen) watch(w xproto.Window) error {
	id, err := damage.NewDamageId(s.Conn.Conn)
	if err != nil {
		return err
	}
	return damage.CreateChecked(s.Conn.Conn, id, xproto.Drawable(w), damage.ReportLevelRawRectangles).Check()
}

// rest waits until nothing was reported for d.
func (s *screen) rest(ctx context.Context, d time.Duration) error {
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

// changed waits until the watched window w, which showed before, shows
// something else.
func (s *screen) changed(ctx context.Context, w xproto.Window, before []byte, size image.Point) error {
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
			now, err := s.pixels(w, r)
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

// until waits for a condition; the context says how long, and why not.
func until(ctx context.Context, ok func() bool) error {
	for !ok() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
