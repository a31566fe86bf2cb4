package xtest

import (
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
)

// A program may grab the pointer or the keyboard without a menu that is a window
// of its own: a menu or a list that fits into its window (Swing), a display
// within a display (Xephyr), a game, a virtual machine. If the grab is of the
// second pair, while nobody has grabbed the host's, it is the shared program's:
// only its requests mean that pair (lead). What guests do then reaches that
// program as if there was no grab, and the hit test and the focus decide.

// ownTime is for how long a grab must have been there to be taken for the shared
// program's. A menu of the host's that grabs every pointer (Qt) may let go of
// the host's first, and of the second in the same breath.
const ownTime = settleTime / 2

// grab is what is known of a grab of the second pointer or keyboard. hands.turn
// guards it.
type grab struct {
	// since is when it was seen first while the host's pair was free; zero if it
	// was not seen.
	since time.Time
	// foreign says that it may be another's: a window manager's, which was given
	// a press, or that of a program that is not shared any more.
	foreign bool
}

// see notes whether the grab is there; free says that nobody has grabbed the
// host's pair.
func (g *grab) see(there, free bool) {
	switch {
	case !there:
		*g = grab{}
	case !free:
		g.since = time.Time{}
	case g.since.IsZero():
		g.since = time.Now()
	}
}

// own reports whether the grab is the shared program's, if it may be.
func (g *grab) own() bool {
	return !g.foreign && !g.since.IsZero() && time.Since(g.since) >= ownTime
}

// asksPointer reports whether it matters that somebody has grabbed the acting
// pointer. For keys it does while a window manager may hold a press back: it may
// have stopped the keyboard too, and a key would wait, and go to whatever has the
// focus then.
func (h *hands) asksPointer(aim input.Aim) bool {
	return aim.Point && !aim.Held || aim.Keys && h.ptrGrab.foreign
}

// ownGrabs finds out whether the grabs that stand in the guest's way are those of
// the shared program.
func (s *section) ownGrabs(aim input.Aim) {
	d, h := s.d, s.d.hands
	if !h.second {
		return
	}
	free := !s.host.ptrGrabbed && !s.host.kbdGrabbed
	if h.asksPointer(aim) {
		h.ptrGrab.see(s.state.Busy, free)
		if h.ptrGrab.own() && h.dragger == nil && d.leadsAlone() {
			s.state.Busy = false
		}
	}
	if aim.Keys {
		h.kbdGrab.see(s.state.Locked, free)
		if h.kbdGrab.own() && d.leadsAlone() {
			s.state.Locked = false
		}
	}
}

// leadsAlone reports whether only the client of the shared window may have
// grabbed the second pair.
func (d *Desk) leadsAlone() bool {
	return !slices.ContainsFunc(d.hands.leaders, func(o *Desk) bool { return !d.sameBase(o.win) })
}

// sameBase reports whether w was made by the client of the shared window.
func (d *Desk) sameBase(w xproto.Window) bool {
	mask := xproto.Window(xproto.Setup(d.own.Conn).ResourceIdMask)
	return w&^mask == d.win&^mask
}

// leaveGrab notes that grabs of the second pair stay behind when a window is
// given up, unless another guest has a window of the same program.
func (d *Desk) leaveGrab() {
	h := d.hands
	if slices.ContainsFunc(h.leaders, func(o *Desk) bool { return d.sameBase(o.win) }) {
		return
	}
	pc, kc := h.xi.Grabbed(h.ptr, h.probe), h.xi.Grabbed(h.kbd, h.probe)
	p, perr := pc.Reply()
	k, kerr := kc.Reply()
	p = p && h.dragger == nil // else it is that of a button which another guest holds
	h.ptrGrab.foreign = h.ptrGrab.foreign || p || perr != nil
	h.kbdGrab.foreign = h.kbdGrab.foreign || k || kerr != nil
	h.left = h.left || p || k
}
