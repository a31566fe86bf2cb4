package xtest

import (
	"image"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/platform/x11/xinput"
)

// questions are what a section asks the server, on their way. They all go out
// before the first answer is read. Those that aim has no need of are not asked, and
// have a cookie of nothing.
type questions struct {
	// Of the shared window and the screen.
	geometry   xproto.GetGeometryCookie
	screen     xproto.GetGeometryCookie
	attributes xproto.GetWindowAttributesCookie
	extents    xproto.GetPropertyCookie
	// hit is the hit test for the pixel that is aimed at, eye for the one that could
	// be seen last time.
	hit, eye []xproto.TranslateCoordinatesCookie
	// Of the pair that the guests use: keys that are down, where the pointer is and
	// which modifiers it has, what of the window is under it, where keys go, and
	// whether somebody has grabbed either.
	keys          xproto.QueryKeymapCookie
	pointer       xproto.QueryPointerCookie
	under         xproto.QueryPointerCookie
	focus         xproto.GetInputFocusCookie
	pointerGrab   xproto.GrabPointerCookie
	keyboardGrab  xproto.GrabKeyboardCookie
	buttonsBehind *xinput.QueryPointerCookie
	controls      []xinput.ControlsCookie
	// Of the host, and of menus where their pair is the guests' too.
	host  hostAsk
	menus menuAsk
}

// ask sends the questions.
func (s *section) ask(aim input.Aim) (q questions) {
	d, h, c := s.d, s.d.hands, s.d.hands.act
	q.geometry = xproto.GetGeometry(c, xproto.Drawable(d.win))
	q.screen = xproto.GetGeometry(c, xproto.Drawable(d.root))
	q.attributes = xproto.GetWindowAttributes(c, d.win)
	q.extents = xproto.GetProperty(c, false, d.win, d.extents, xproto.GetPropertyTypeAny, 0, 4)
	q.keys = xproto.QueryKeymap(c)
	q.pointer = xproto.QueryPointer(c, d.root)
	q.focus = xproto.GetInputFocus(c)
	if h.asksPointer(aim) {
		q.pointerGrab = xproto.GrabPointer(c, false, h.probe, 0, xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime)
	}
	if aim.Keys {
		q.keyboardGrab = xproto.GrabKeyboard(c, false, h.probe, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync)
	}
	if aim.Point {
		s.at = pixel(aim, d.guess.content)
		q.hit = d.ask(s.at, d.chain)
	}
	q.eye = d.ask(d.eye, d.chain)
	q.menus = s.askMenus(aim)
	q.host = h.askHost(d.root)
	q.under = xproto.QueryPointer(c, d.win)
	q.buttonsBehind = h.askWaiting(aim, d.root)
	if aim.Keys {
		q.controls = h.askControls()
	}
	return q
}

// read reads all answers. there says that the window is there, ok that the server
// answered.
func (s *section) read(q questions) (there, ok bool) {
	geometry, gone := q.geometry.Reply()
	screen, screenErr := q.screen.Reply()
	attributes, hidden := q.attributes.Reply()
	extents, _ := q.extents.Reply()
	keys, keysErr := q.keys.Reply()
	pointer, pointerErr := q.pointer.Reply()
	focus, focusErr := q.focus.Reply()
	s.readGrabs(q)
	if !s.readControls(q.controls) {
		return false, false
	}
	s.d.hands.drain() // a map that was new before the server was grabbed has been told by now
	hit := answer(q.hit, s.d.chain)
	s.eye = answer(q.eye, s.d.chain)
	if u, err := q.under.Reply(); err == nil {
		s.under = u.Child
	}
	if !s.lookAtHost(q.host) || screenErr != nil || keysErr != nil || pointerErr != nil || focusErr != nil {
		return false, false // these cannot fail while there is a server
	}
	if !s.lookAtWaiting(q.buttonsBehind) {
		return false, false
	}
	s.focus = focus.Focus
	s.lookAtMenus(q.menus)
	if gone != nil || hidden != nil {
		return false, true
	}
	s.screen = image.Rect(0, 0, int(screen.Width), int(screen.Height))
	s.state.Visible = attributes.MapState == xproto.MapStateViewable
	s.mods(keys.Keys, pointer.Mask)
	now := geometryOf(geometry, extents)
	if s.d.guess == now { // else the pixel that was looked up is another one
		s.spot = hit
	}
	s.d.guess, s.content, s.state.Size = now, now.content, now.content.Size()
	return true, true
}

// readGrabs notes whether somebody has grabbed the pointer or the keyboard.
func (s *section) readGrabs(q questions) {
	if q.pointerGrab.Cookie != nil {
		if r, err := q.pointerGrab.Reply(); err != nil || grabbed(r.Status) {
			s.state.Busy = true
		}
	}
	if q.keyboardGrab.Cookie != nil {
		if r, err := q.keyboardGrab.Reply(); err != nil || grabbed(r.Status) {
			s.state.Locked = true
		}
	}
}

// readControls notes which controls of the keyboards are on; false when the server
// did not say.
func (s *section) readControls(cs []xinput.ControlsCookie) bool {
	for _, c := range cs {
		on, err := c.Reply()
		if err != nil {
			return false
		}
		s.controls |= on
	}
	return true
}

// geometryOf is the window's size and where the picture is in it.
func geometryOf(g *xproto.GetGeometryReply, extents *xproto.GetPropertyReply) geometry {
	now := geometry{w: int(g.Width), h: int(g.Height)}
	now.content = image.Rect(0, 0, now.w, now.h)
	if extents != nil {
		now.content = crop(extents.Value, now.w, now.h)
	}
	return now
}
