package xtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"viewflip.app/input"
	"viewflip.app/wire"
)

// fake is the native Emitter: XTEST FakeInput.
type fake struct {
	c    *xgb.Conn
	root xproto.Window
}

func (f fake) Move(x, y int) error {
	xtest.FakeInput(f.c, xproto.MotionNotify, 0, 0, f.root, int16(x), int16(y), 0)
	return nil
}

func (f fake) Button(n byte, down bool) error {
	kind := byte(xproto.ButtonRelease)
	if down {
		kind = xproto.ButtonPress
	}
	xtest.FakeInput(f.c, kind, n, 0, 0, 0, 0, 0)
	return nil
}

func (f fake) Key(code byte, down bool) error {
	kind := byte(xproto.KeyRelease)
	if down {
		kind = xproto.KeyPress
	}
	xtest.FakeInput(f.c, kind, code, 0, 0, 0, 0, 0)
	return nil
}

// evdevOffset is between Linux key codes and X keycodes.
const evdevOffset = 8

// notch is one click of a wheel in v120 units.
const notch = 120

// Wheel buttons of X11.
const (
	wheelUp, wheelDown, wheelLeft, wheelRight = 4, 5, 6, 7
)

var errAction = errors.New("xtest: not an action")

// holds reports whether k is down because of us.
func (d *Desk) holds(k key) bool { return slices.Contains(d.down, k) }

// Inject implements [input.Injector].
func (s *section) Inject(batch []input.Action) error {
	moved, press, acts := false, false, false
	s.aimed = false
	defer func() { s.did(press, acts) }()
	for i, a := range batch {
		press = press || a.Kind() == wire.Press
		acts = acts || press || a.Kind() == wire.KeyDown || a.Kind() == wire.Text
		// Something may confine the pointer, or the point may be in a corner
		// that no monitor shows: nothing is pressed where it was not aimed.
		if a.Kind() != wire.Move && moved {
			if err := s.arrived(); err != nil {
				return err
			}
			s.aimed = true
		}
		if err := s.do(a); err != nil {
			return fmt.Errorf("xtest: action %d: %w", i, err)
		}
		moved = a.Kind() == wire.Move
	}
	return nil
}

// arrived checks that the pointer is where the last Move put it.
func (s *section) arrived() error {
	p, err := xproto.QueryPointer(s.d.hands.act, s.d.root).Reply()
	if err != nil {
		return err
	}
	if int(p.RootX) != s.spot.root.X || int(p.RootY) != s.spot.root.Y {
		return input.ErrUnreachable
	}
	return nil
}

func (s *section) do(a input.Action) error {
	switch a.Kind() {
	case wire.Move:
		if !s.At(a.At()).OK() { // the gate asked; this makes the spot the point
			return input.ErrUnreachable
		}
		if s.d.moving != nil {
			s.d.moving(s.spot.root, s.how())
		}
		return s.d.hands.emit.Move(s.spot.root.X, s.spot.root.Y)
	case wire.Press, wire.Release:
		return s.press(key{true, byte(a.Button())}, a.Kind() == wire.Press)
	case wire.KeyDown:
		code := a.Stroke().Code
		if code == 0 || s.d.layout.Load().banned[code] || s.d.hands.layout.banned[code] || s.forbidden(code) {
			return input.ErrNoKey
		}
		if s.d.holds(key{false, code}) {
			return s.repeat(code)
		}
		if err := s.press(key{false, code}, true); err != nil {
			return err
		}
		s.d.as[a.Key()] = code
		return nil
	case wire.KeyUp:
		code, ok := s.d.as[a.Key()]
		if !ok {
			return nil
		}
		if err := s.press(key{false, code}, false); err != nil {
			return err
		}
		delete(s.d.as, a.Key())
		return nil
	case wire.Text:
		return s.tap(a.Stroke())
	case wire.Wheel:
		dx, dy := a.Wheel()
		if err := s.d.roll(0, dx, wheelLeft, wheelRight); err != nil {
			return err
		}
		return s.d.roll(1, dy, wheelUp, wheelDown)
	default:
		return errAction
	}
}

// how tells what of the acting pointer is known.
func (s *section) how() string {
	h := s.d.hands
	return fmt.Sprintf("on a surface %v, held here %v, held by %v, grab foreign %v since %v, waiting %v, pressed %v ago",
		s.surface, s.d.down, h.dragger != nil, h.ptrGrab.foreign, h.ptrGrab.since, s.waiting, time.Since(s.d.pressed))
}

// repeat lets go of a key that is down and presses it again, as servers repeat
// for clients that do not ask for more. Modifiers and locks do not repeat.
func (s *section) repeat(code byte) error {
	h, k := s.d.hands, key{false, code}
	if h.layout.bits[code] != 0 || s.d.layout.Load().bits[code] != 0 {
		return nil
	}
	return errors.Join(s.press(k, false), s.press(k, true))
}

// tap presses a key and lets it go: one of the layout's, or a spare one.
func (s *section) tap(st input.Stroke) error {
	d := s.d
	k := key{false, st.Code}
	if s.forbidden(st.Code) {
		return input.ErrNoKey
	}
	if st.Key == 0 {
		if err := d.hands.lend(st.Code, st.Rune); err != nil {
			return err
		}
		// Not by a Backend: its own idea of the map does not have the key.
		f := fake{d.hands.act, d.root}
		return errors.Join(s.strikeKey(f, st.Code), f.Key(st.Code, false))
	}
	return errors.Join(s.press(k, true), s.press(k, false))
}

// keycode is X's number of a key.
func keycode(k wire.Key) (byte, bool) {
	code, ok := k.Evdev()
	return byte(code + evdevOffset), ok && code+evdevOffset <= 255
}

// did notes what an injection must be followed by.
func (s *section) did(press, acts bool) {
	s.d.acted, s.d.actedPress = time.Now(), press
	h := s.d.hands
	switch {
	case !h.second:
	case s.d.warded:
		s.d.noteCapture(s.host) // by what a guest did before this
	case acts && h.captured.IsZero():
		h.wasTaken = s.host.ptrGrabbed || s.host.kbdGrabbed
	}
	h.actor, h.actedAt, h.before = s.d, s.d.acted, s.host
	if acts {
		s.d.worked = s.d.acted
	}
	if acts && h.second && !s.d.warded {
		s.d.warded = true
		s.d.following.Go(s.d.ward)
	}
	if acts && !h.second && !s.d.watching {
		s.d.watching = true
		s.d.following.Go(s.d.watchMenus)
	}
	if press && !s.d.hands.second && !s.state.Focused && !s.surface {
		s.activate()
	}
	s.d.hands.acted()
}

// activate asks the window manager to bring the window to the front and to give
// it the keyboard (EWMH, _NET_ACTIVE_WINDOW, as from a pager): what it would do
// by itself if it saw the press.
func (s *section) activate() {
	d := s.d
	const fromPager = 2
	ev := xproto.ClientMessageEvent{
		Format: 32, Window: d.win, Type: d.active,
		Data: xproto.ClientMessageDataUnionData32New([]uint32{fromPager, 0, 0, 0, 0}),
	}
	xproto.SendEvent(d.hands.act, false, d.root, xproto.EventMaskSubstructureRedirect|xproto.EventMaskSubstructureNotify, string(ev.Bytes()))
}

// press makes k go down or up and keeps account of it.
func (s *section) press(k key, down bool) error {
	d := s.d
	if k.button {
		d.pressed = time.Now()
	}
	i := slices.Index(d.down, k)
	if down && i < 0 {
		d.down = append(d.down, k) // before it happens: it may happen half
	}
	var err error
	switch {
	case !down:
		err = d.release(k, s.aimed, d.inside(s.focus))
	case k.button && s.surface: // the window manager gives a dialog the keyboard
		d.hands.ptrGrab.foreign = true // until it is seen that it has none
		err = d.hands.emit.Button(k.code, true)
	case k.button:
		err = d.strike(k.code)
	default:
		d.hands.autoRepeat(k.code, false)
		err = s.strikeKey(d.hands.emit, k.code)
	}
	if err != nil {
		if down && i < 0 && errors.Is(err, input.ErrNoKey) {
			d.down = d.down[:len(d.down)-1] // it did not happen
		}
		return err
	}
	if down && k.button {
		d.pacePress(k.code)
	}
	if !down && i >= 0 {
		d.down = slices.Delete(d.down, i, i+1)
	}
	d.keepTypist()
	return nil
}

// keepTypist notes whether the keyboard and the pointer are ours, because we hold
// keys or buttons.
func (d *Desk) keepTypist() {
	dragging := slices.ContainsFunc(d.down, func(k key) bool { return k.button })
	switch {
	case dragging:
		d.hands.dragger = d
	case d.hands.dragger == d:
		d.hands.dragger = nil
	}
	typing := slices.ContainsFunc(d.down, func(k key) bool { return !k.button })
	switch {
	case typing:
		d.hands.typist = d
	case d.hands.typist == d:
		d.hands.typist = nil
	}
}

// strike presses a button past every window manager. They hold presses back by
// a passive grab that freezes the pointer, and let them go on after our server
// grab, to whatever is there by then. So we freeze it first, by an active grab
// for the shared window: the press comes to us, still inside the server grab,
// and is replayed at once, which ignores passive grabs at that window and above
// (X protocol, GrabPointer and AllowEvents). Our grab fails where the shared
// program has one, as for a menu or while a button of ours is down: then no
// passive grab is looked for.
func (d *Desk) strike(n byte) error {
	c := d.hands.act
	if !d.nostrike {
		xproto.GrabPointer(c, false, d.win, xproto.EventMaskButtonPress, xproto.GrabModeSync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime)
		xproto.AllowEvents(c, xproto.AllowSyncPointer, xproto.TimeCurrentTime)
		defer xproto.UngrabPointer(c, xproto.TimeCurrentTime) // if there was no press
		defer xproto.AllowEvents(c, xproto.AllowReplayPointer, xproto.TimeCurrentTime)
	}
	return d.hands.emit.Button(n, true)
}

// strikeKey presses a key past the passive grabs on the shared window and in it,
// as strike does with buttons: the key is frozen by an active grab of ours and
// replayed, which looks for passive grabs below the grab's window alone. Owned
// has found which window that must be. Where it need not be, the key is pressed
// as ever, for clients see a difference: a modifier that is replayed has itself
// in its state. Our grab fails where a menu of the shared program has one; then
// no passive grab is looked for.
func (s *section) strikeKey(emit Emitter, code byte) error {
	if s.asked != code {
		return input.ErrNoKey // nobody knows whose it is
	}
	if s.past == 0 {
		return emit.Key(code, true)
	}
	c := s.d.hands.act
	xproto.GrabKeyboard(c, false, s.past, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeSync)
	xproto.AllowEvents(c, xproto.AllowSyncKeyboard, xproto.TimeCurrentTime)
	defer xproto.UngrabKeyboard(c, xproto.TimeCurrentTime) // if there was no press
	defer xproto.AllowEvents(c, xproto.AllowReplayKeyboard, xproto.TimeCurrentTime)
	return emit.Key(code, true)
}

// release lets go of k. That is for the shared window or for nobody: aimed says
// that the pointer is over it, keys that its keyboard focus is in it. Else the
// release comes to us, by a grab that fails while the press's own one lasts.
func (d *Desk) release(k key, aimed, keys bool) error {
	c, park := d.hands.act, d.hands.park
	switch {
	case k.button && !aimed:
		xproto.GrabPointer(c, false, park, 0, xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime)
		defer xproto.UngrabPointer(c, xproto.TimeCurrentTime)
	case !k.button && !keys:
		xproto.GrabKeyboard(c, false, park, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync)
		defer xproto.UngrabKeyboard(c, xproto.TimeCurrentTime)
	}
	if k.button {
		return d.hands.emit.Button(k.code, false)
	}
	err := d.hands.emit.Key(k.code, false)
	if err == nil {
		d.hands.autoRepeat(k.code, true)
	}
	return err
}

// roll adds to a wheel axis and clicks for every whole notch.
func (d *Desk) roll(axis, by int, minus, plus byte) error {
	if by == 0 {
		return nil
	}
	if sum := d.wheel[axis]; sum != 0 && (sum > 0) != (by > 0) {
		d.wheel[axis] = 0 // a change of direction takes effect at once
	}
	d.wheel[axis] += by
	n := d.wheel[axis] / notch
	d.wheel[axis] -= n * notch
	b := plus
	if n < 0 {
		b, n = minus, -n
	}
	for range n {
		if err := errors.Join(d.strike(b), d.hands.emit.Button(b, false)); err != nil {
			return err
		}
	}
	return nil
}

// ReleaseAll implements [input.Injector].
func (s *section) ReleaseAll() error { return s.d.liftAll(s.focus) }

// liftAll lets go of everything that is down because of us; what fails stays.
// focus is where keys go.
func (d *Desk) liftAll(focus xproto.Window) error {
	keys := len(d.down) > 0 && d.inside(focus)
	var errs []error
	var stuck []key
	for _, k := range slices.Backward(d.down) {
		if err := d.release(k, false, keys); err != nil {
			errs = append(errs, err)
			stuck = append([]key{k}, stuck...)
		}
	}
	d.down, d.wheel = stuck, [2]int{}
	maps.DeleteFunc(d.as, func(_ wire.Key, code byte) bool { return !d.holds(key{code: code}) })
	d.keepTypist()
	d.hands.acted()
	return errors.Join(errs...)
}
