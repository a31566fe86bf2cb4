package xtest

import (
	"errors"
	"image"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11/xinput"
)

// hostPause is for how long the host's hand goes first after it moved.
const hostPause = 300 * time.Millisecond

// tick is how exact the server's clocks are when two of them are compared.
const tick = 2 * time.Millisecond

// activity is what is known of the host's hand while guests use their own pair,
// in the server's time: an event of that pair that came after ours is theirs.
type activity struct {
	// last is when they were last seen to act.
	last time.Duration
	// ours is the time of the pair's last events when we had acted last.
	ours pairTimes
	// pending is that, still on its way.
	pending *idleAsk
}

// pairTimes are the times of the last events of the core pair.
type pairTimes struct{ ptr, kbd time.Duration }

// idleAsk is a question for the times of the core pair, on its way. The server
// may be interrupted between two answers, so that its clock is read twice.
type idleAsk struct{ before, ptr, kbd, after xinput.IdleCookie }

func (h *hands) askIdle() *idleAsk {
	if h.idle == nil {
		return nil
	}
	return &idleAsk{h.idle.Clock(), h.idle.Query(xinput.CorePointer), h.idle.Query(xinput.CoreKeyboard), h.idle.Clock()}
}

// reply waits for the answer: the last events were at earliest or later, and at
// latest or earlier.
func (a *idleAsk) reply() (now time.Duration, earliest, latest pairTimes, err error) {
	if a == nil {
		return 0, pairTimes{}, pairTimes{}, xinput.ErrNoIdle
	}
	before, err := a.before.Reply()
	p, perr := a.ptr.Reply()
	k, kerr := a.kbd.Reply()
	after, aerr := a.after.Reply()
	if err := errors.Join(err, perr, kerr, aerr); err != nil {
		return 0, pairTimes{}, pairTimes{}, err
	}
	return before, pairTimes{before - p, before - k}, pairTimes{after - p, after - k}, nil
}

// acted notes that we caused events. What the server counts for them is asked
// for now and read later.
func (h *hands) acted() {
	if !h.second {
		h.host.pending = h.askIdle()
	}
}

// settle reads what acted asked for.
func (h *hands) settle() {
	if _, _, latest, err := h.host.pending.reply(); err == nil {
		h.host.ours = latest
	}
	h.host.pending = nil
}

// sharedActive reports whether the host used their own pair lately, between and
// behind our own events.
func (h *hands) sharedActive(a *idleAsk) bool {
	h.settle()
	now, last, _, err := a.reply()
	if err != nil {
		return false
	}
	if last.ptr > h.host.ours.ptr+tick {
		h.host.last = max(h.host.last, last.ptr)
	}
	if last.kbd > h.host.ours.kbd+tick {
		h.host.last = max(h.host.last, last.kbd)
	}
	return h.host.last > 0 && now-h.host.last < hostPause
}

// hostAsk is what a section wants to know of the host, on its way.
type hostAsk struct {
	at               time.Time // before it was asked
	idle             *idleAsk
	ptr              xinput.QueryPointerCookie
	focus            xinput.GetFocusCookie
	ptrGrab, kbdGrab xinput.GrabbedCookie
}

func (h *hands) askHost(root xproto.Window) hostAsk {
	a := hostAsk{at: time.Now(), idle: h.askIdle()}
	if h.second {
		a.ptr, a.focus = h.xi.QueryPointer(xinput.CorePointer, root), h.xi.GetFocus(xinput.CoreKeyboard)
		a.ptrGrab, a.kbdGrab = h.xi.Grabbed(xinput.CorePointer, h.probe), h.xi.Grabbed(xinput.CoreKeyboard, h.probe)
	}
	return a
}

// host is what the host's own pair does, where it is not ours too.
type host struct {
	mods  uint16
	group uint8
	// over means that their pointer is over the shared window or its frame, at is
	// where it is, in root pixels.
	over bool
	at   image.Point
	// buttons are those that are down on it, as a mask.
	buttons uint32
	// ptrIdle and kbdIdle are how long the host did nothing.
	ptrIdle, kbdIdle time.Duration
	// seen is when that was true, or earlier.
	seen time.Time
	// focus is where their keyboard goes.
	focus xproto.Window
	// ptrGrabbed and kbdGrabbed mean that somebody has grabbed their pointer or
	// keyboard: a menu of theirs, or a screen locker.
	ptrGrabbed, kbdGrabbed bool
}

// lookAtHost reads the answers; false when the server did not give them.
func (s *section) lookAtHost(a hostAsk) bool {
	d, h := s.d, s.d.hands
	if !h.second {
		s.state.HostActive = h.sharedActive(a.idle)
		return true
	}
	now, last, _, ierr := a.idle.reply()
	p, perr := a.ptr.Reply()
	f, ferr := a.focus.Reply()
	pg, pgerr := a.ptrGrab.Reply()
	kg, kgerr := a.kbdGrab.Reply()
	if perr != nil || ferr != nil || pgerr != nil || kgerr != nil {
		return false
	}
	s.host = host{seen: a.at, mods: p.Mods, group: p.Group, over: d.ours(p.Child), at: p.At, buttons: p.Buttons, focus: f, ptrGrabbed: pg, kbdGrabbed: kg}
	s.host.ptrIdle, s.host.kbdIdle = hostPause, hostPause // where nobody counts it
	if ierr == nil {
		s.host.ptrIdle, s.host.kbdIdle = now-last.ptr, now-last.kbd
	}
	s.state.HostActive = s.hostComes()
	if time.Since(d.mapped) < mapRest {
		s.state.HostActive = true
	}
	if h.wanted(s.host) && min(s.host.ptrIdle, s.host.kbdIdle) < hostPause {
		s.state.HostActive = true
	}
	return true
}

// hostComes reports whether the host uses the shared program just now.
func (s *section) hostComes() bool {
	h := s.host
	return h.over && (h.buttons != 0 || h.ptrIdle < hostPause) || s.d.hostInside(h.focus) && h.kbdIdle < hostPause
}

// hostInside is inside for the host's focus, which seldom changes: only the
// last answer is kept.
func (d *Desk) hostInside(w xproto.Window) bool {
	if w != d.hostAt {
		d.hostAt, d.hostIn = w, d.inside(w)
	}
	return d.hostIn
}
