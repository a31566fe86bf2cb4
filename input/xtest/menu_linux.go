package xtest

import (
	"slices"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
)

// With one pair for both, a menu of the shared program grabs the same pointer
// and keyboard as a launcher, a password prompt or a screen locker, and the server
// does not tell who has a grab. What it tells is what came first. A grab is taken
// for that of the shared program's menu only if
//
//   - it was not there in a section of a moment before, and that menu came in the
//     same moment,
//   - the host did not use mouse or keyboard since then, nor shortly before,
//   - no other program has made a new window on the screen since then, nor in the
//     second before,
//   - the menu can be seen, and is no tooltip and no notification.
//
// A menu may open long after the press that it answers, and before the guest does
// anything else. So the Desk looks by itself for a while after what a guest did.

const (
	// calmStep is how often the Desk looks whether a menu has opened, and calmTime
	// for how long after the last press or key.
	calmStep = 25 * time.Millisecond
	calmTime = 2 * time.Second
	// moment is how far apart a menu and its grab may be seen to come. Some programs
	// show the menu first, others grab first.
	moment = 2 * calmStep
	// newTime is for how long a window of another program is new.
	newTime = time.Second
	// sameTime is how old the last look may be at most if what has come since is
	// to have come at the same time.
	sameTime = 2 * settleTime
)

// calm is the desktop as it was when nobody had a grab.
type calm struct {
	// at is when that was, and last when the host had acted last by then, in the
	// server's time.
	at   time.Time
	last time.Duration
	// tops are the root's children, and menus those of the shared program among them
	// that were on the screen: with when they were seen to come, zero if nobody saw
	// that.
	tops, menus map[xproto.Window]time.Time
	// grabbed is when a grab was seen first since then, and menu says that it was
	// found to be that of a menu.
	grabbed time.Time
	menu    bool
}

// menuAsk is what is asked about menus, on its way.
type menuAsk struct {
	ptr  xproto.GrabPointerCookie
	kbd  xproto.GrabKeyboardCookie
	tree xproto.QueryTreeCookie
}

// askMenus asks who has grabs, where the pair is the host's.
func (s *section) askMenus(aim input.Aim) (a menuAsk) {
	h := s.d.hands
	if h.second || aim.Held {
		return a
	}
	a.ptr = xproto.GrabPointer(h.act, false, h.probe, 0, xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime)
	a.kbd = xproto.GrabKeyboard(h.act, false, h.probe, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync)
	a.tree = xproto.QueryTree(h.act, s.d.root)
	return a
}

// lookAtMenus reads the answers.
func (s *section) lookAtMenus(a menuAsk) {
	if a.tree.Cookie == nil {
		return
	}
	p, perr := a.ptr.Reply()
	k, kerr := a.kbd.Reply()
	t, terr := a.tree.Reply()
	d := s.d
	switch {
	case perr != nil || kerr != nil || terr != nil:
		d.calm = nil
	case d.calm != nil && d.hands.dragger != nil && !grabbed(k.Status):
		d.calm.at = time.Now() // the pointer's grab is that of a button which a guest holds
	case s.state.HostActive && !grabbed(p.Status) && !grabbed(k.Status):
		d.calm = nil // what opens now the host may have asked for
	case grabbed(p.Status) || grabbed(k.Status):
		s.tops = t.Children
		if d.calm != nil && d.calm.grabbed.IsZero() {
			d.calm.grabbed = time.Now()
			if d.calm.grabbed.Sub(d.calm.at) > sameTime {
				d.calm = nil // not before nobody has a grab again
			}
		}
	default: // nobody has one
		d.calm = d.calm.next(d.hands.host.last, t.Children, d.popups(t.Children))
	}
}

// next is the desktop as it is now, after it was as c says, which may be nil.
func (c *calm) next(last time.Duration, tops, popups []xproto.Window) *calm {
	now := time.Now()
	known := c != nil && now.Sub(c.at) <= sameTime
	since := func(ws []xproto.Window, came map[xproto.Window]time.Time) map[xproto.Window]time.Time {
		out := make(map[xproto.Window]time.Time, len(ws))
		for _, w := range ws {
			if t, ok := came[w]; ok || !known {
				out[w] = t
			} else {
				out[w] = now
			}
		}
		return out
	}
	if !known {
		return &calm{at: now, last: last, tops: since(tops, nil), menus: since(popups, nil)}
	}
	return &calm{at: now, last: last, tops: since(tops, c.tops), menus: since(popups, c.menus)}
}

// before reports whether a menu was there before the grab was.
func (c *calm) before(w xproto.Window) bool {
	came, ok := c.menus[w]
	return ok && c.grabbed.Sub(came) > moment
}

// ownMenu reports whether the grabs of this moment are those of a menu of the
// shared program. The focus is known to be in the window, so it is no menu of a
// sibling window.
func (s *section) ownMenu() bool {
	d, c := s.d, s.d.calm
	if d.hands.second {
		t, err := xproto.QueryTree(d.hands.act, d.root).Reply()
		return err == nil && s.menuOf(t.Children, func(xproto.Window) bool { return false })
	}
	foreign := func(w xproto.Window) bool {
		came, ok := c.tops[w]
		return !d.sameBase(w) && (!ok || c.at.Sub(came) < newTime)
	}
	switch {
	case c == nil:
		return false
	case d.hands.host.last > c.last, slices.ContainsFunc(s.tops, foreign):
		d.calm = nil
		return false
	}
	if !s.menuOf(s.tops, c.before) {
		return false
	}
	if !c.menu && time.Since(c.grabbed) > moment { // it was there before
		d.calm = nil
		return false
	}
	c.menu = true
	return true
}

// menuOf reports whether one of the root's children is a menu of the shared
// program that was not there before and that nothing covers, as a screen locker
// would.
func (s *section) menuOf(tops []xproto.Window, before func(xproto.Window) bool) bool {
	c := s.d.hands.act
	for _, w := range s.d.popups(tops) {
		if before(w) || !s.d.hands.second && s.d.hint(w) {
			continue
		}
		g, err := xproto.GetGeometry(c, xproto.Drawable(w)).Reply()
		if err != nil {
			continue
		}
		x, y := int(g.X)+int(g.Width)/2, int(g.Y)+int(g.Height)/2
		r, err := xproto.TranslateCoordinates(c, s.d.root, s.d.root, int16(x), int16(y)).Reply()
		if err == nil && r.Child == w {
			return true
		}
	}
	return false
}

// popups are those of the root's children that are popups of the shared client
// and on the screen.
func (d *Desk) popups(tops []xproto.Window) (out []xproto.Window) {
	type ask struct {
		w xproto.Window
		c xproto.GetWindowAttributesCookie
	}
	var asked []ask
	for _, w := range tops {
		if d.sameBase(w) {
			asked = append(asked, ask{w, xproto.GetWindowAttributes(d.hands.act, w)})
		}
	}
	for _, q := range asked {
		a, err := q.c.Reply()
		if err == nil && a.OverrideRedirect && a.MapState == xproto.MapStateViewable && a.Class == xproto.WindowClassInputOutput {
			out = append(out, q.w)
		}
	}
	return out
}

// hint reports whether a popup says that it is a tooltip or a notification, which
// grab nothing (EWMH, _NET_WM_WINDOW_TYPE).
func (d *Desk) hint(w xproto.Window) bool {
	p, err := xproto.GetProperty(d.hands.act, false, w, d.hintTypes[0], xproto.AtomAtom, 0, 16).Reply()
	if err != nil {
		return true
	}
	for b := p.Value; len(b) >= 4; b = b[4:] {
		if slices.Contains(d.hintTypes[1:], xproto.Atom(xgb.Get32(b))) {
			return true
		}
	}
	return false
}

// watchMenus looks what has opened, until the guest has done nothing for a while.
func (d *Desk) watchMenus() {
	t := time.NewTicker(calmStep)
	defer t.Stop()
	for d.lookForMenus() {
		select {
		case <-d.done:
			return
		case <-t.C:
		}
	}
}

// lookForMenus looks once; false when there is no more to look for.
func (d *Desk) lookForMenus() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	dragging := slices.ContainsFunc(d.down, func(k key) bool { return k.button })
	if d.closed || !dragging && time.Since(d.worked) > calmTime {
		d.watching = false
		return false
	}
	_, _ = d.once(input.Aim{}, func(t input.Target, _ input.Injector) input.Verdict {
		if s, ok := t.(*section); ok && s.tops != nil && d.inside(s.focus) {
			_ = s.ownMenu() // it keeps what it finds
		}
		return input.Verdict{}
	})
	return true
}
