package xtest

import (
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11/xinput"
)

const (
	// leadTime is how long after our last press the shared client's core
	// requests act on the second pair: long enough for what it does about it.
	leadTime = 500 * time.Millisecond
	// guardTime is how long after an event of ours the host's focus may not
	// jump into the shared client by itself.
	guardTime = 300 * time.Millisecond
	// pointerRoot is the focus that follows the pointer (X protocol, SetInputFocus).
	pointerRoot = 1
)

// claim gives the second keyboard the focus of the shared window before
// anything is pressed, so that no window manager does it with the host's
// keyboard. Window managers know one focus only, the one that changed last, and
// would take this for the host's: their focus leaves its window and comes back,
// so that their shortcuts still mean their own window. False when the keyboard does
// not go to the window, or a guest types elsewhere.
func (s *section) claim() bool {
	d, h := s.d, s.d.hands
	if h.typist != nil && h.typist != d {
		return false
	}
	h.xi.SetClientPointer(0, xinput.CorePointer)
	was, err := xproto.GetInputFocus(h.act).Reply()
	h.xi.SetFocus(h.kbd, d.target())
	if err == nil && was.Focus > pointerRoot && was.Focus != d.root && !d.hostInside(was.Focus) {
		xproto.SetInputFocus(h.act, xproto.InputFocusNone, h.park, xproto.TimeCurrentTime)
		xproto.SetInputFocus(h.act, was.RevertTo, was.Focus, xproto.TimeCurrentTime)
	}
	h.xi.SetClientPointer(0, h.ptr)
	f, err := h.xi.GetFocus(h.kbd).Reply()
	if err == nil {
		s.focus = f
	}
	return err == nil && d.inside(f)
}

// lead makes the core requests of the shared client (focus, grabs) act on the
// second pair for a while: toolkits answer a press with some. And a client that
// does not speak XKB sees the modifiers of its client pointer's keyboard only.
func (d *Desk) lead() {
	d.led = time.Now()
	d.hands.xi.SetClientPointer(d.win, d.hands.ptr) // each time: another window of the client may have ended it
	if !d.leading {
		d.leading = true
		d.hands.leaders = append(d.hands.leaders, d)
		d.leadEnd = time.AfterFunc(leadTime, d.unlead)
	}
}

// unlead gives the shared client the host's pair back when we hold nothing,
// unless it has grabbed ours meanwhile, as for a menu: it must be able to let go
// of it.
func (d *Desk) unlead() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || !d.leading {
		return
	}
	d.endLead()
	if !d.leading && d.stale {
		d.renewMap()
	}
}

func (d *Desk) endLead() {
	h := d.hands
	h.turn.Lock()
	defer h.turn.Unlock()
	wait := leadTime - time.Since(d.led)
	if wait <= 0 && len(d.down) == 0 {
		xproto.GrabServer(h.act) // it grabs before or after, not in between
		defer xproto.UngrabServer(h.act)
		p, perr := h.xi.Grabbed(h.ptr, h.probe).Reply()
		k, kerr := h.xi.Grabbed(h.kbd, h.probe).Reply()
		if perr == nil && kerr == nil && !p && !k {
			d.leading = false
			h.leaders = slices.DeleteFunc(h.leaders, func(o *Desk) bool { return o == d })
			_ = h.xi.SetClientPointer(d.win, xinput.CorePointer).Check() // fails if the window is gone
			return
		}
	}
	if wait <= 0 {
		wait = leadTime
	}
	d.leadEnd.Reset(wait)
}

// watchHost makes own report when the host's focus leaves the window where it
// is: events of a window that our keyboard is in as well do not tell. It waits
// for the server, which must not be grabbed.
func (d *Desk) watchHost(focus xproto.Window) {
	if focus == d.hostFocus {
		return
	}
	foreign := func(w xproto.Window) bool { return w > pointerRoot && w != d.root && w != d.win }
	if foreign(d.hostFocus) {
		xproto.ChangeWindowAttributes(d.own.Conn, d.hostFocus, xproto.CwEventMask, []uint32{xproto.EventMaskNoEvent})
	}
	d.hostFocus = focus
	if !foreign(focus) {
		return
	}
	mask := []uint32{xproto.EventMaskFocusChange}
	if xproto.ChangeWindowAttributesChecked(d.own.Conn, focus, xproto.CwEventMask, mask).Check() == nil {
		if w, _ := d.guardFocus(); w != focusStays { // it left before we could hear of it
			d.seek()
		}
	}
}

// whither says what became of the host's focus since a guest acted.
type whither int

const (
	focusStays     whither = iota // or was given back, or need not be
	focusElsewhere                // by the host's own doing: from now on it is to stay there
	focusOnItsWay                 // between two windows: it must be looked at again
)

// guardFocus asks where the host's focus is, and gives it back if it is a guest's
// doing that it left.
func (d *Desk) guardFocus() (whither, xproto.Window) {
	if d.unguarded() {
		return focusStays, 0
	}
	h := d.hands
	h.turn.Lock()
	defer h.turn.Unlock()
	xproto.GrabServer(h.act)
	defer xproto.UngrabServer(h.act)
	a := h.askHost(d.root)
	s := &section{d: d}
	if !s.lookAtHost(a) {
		return focusStays, 0
	}
	return s.guardFocus(), s.host.focus
}

// unguarded reports whether there is no focus of the host's to give back.
func (d *Desk) unguarded() bool {
	return d.closed || d.hostFocus <= pointerRoot || time.Since(d.acted) > askTime
}

// guardFocus gives the host their focus back when a window manager or the shared
// client took our press for theirs and moved it into the shared client.
func (s *section) guardFocus() whither {
	d, h := s.d, s.d.hands
	switch {
	case d.unguarded() || s.host.focus == d.hostFocus:
		return focusStays
	case !d.sameClient(s.host.focus):
		if d.between(s.host.focus) {
			return focusOnItsWay
		}
		return focusElsewhere
	case s.host.over || maskMods(s.host.mods) != 0 || !s.guests():
		return focusStays // there, as far as is known: a window manager may have put their pointer there, too
	}
	h.xi.SetClientPointer(0, xinput.CorePointer)
	xproto.SetInputFocus(h.act, xproto.InputFocusPointerRoot, d.hostFocus, xproto.TimeCurrentTime)
	h.xi.SetClientPointer(0, h.ptr)
	s.host.focus = d.hostFocus
	d.log.Debug("the host's focus was given back")
	return focusStays
}

// guests reports whether it is because of a guest that the host's focus is in the
// shared client now, and not by anything that the host did.
func (s *section) guests() bool {
	d, h := s.d, s.d.hands
	since := s.host.seen.Sub(d.acted)
	switch {
	case h.freeing: // the window manager was asked for something
		return true
	case since <= guardTime && d.actedPress:
		return true
	case since <= guardTime: // we only moved: did the host?
		return h.idle == nil || s.host.ptrIdle+tick >= since
	}
	// A dialog may take its time. What the host did meanwhile, as typing elsewhere,
	// brings no window about that was not there.
	since = s.host.seen.Sub(d.worked)
	return since <= askTime && (h.idle != nil && min(s.host.ptrIdle, s.host.kbdIdle)+tick >= since || d.fresh(s.host.focus))
}

// between reports whether a focus is nobody's: window managers put it down on
// its way from one window to another.
func (d *Desk) between(w xproto.Window) bool {
	if w <= pointerRoot || w == d.root {
		return true
	}
	a, err := xproto.GetWindowAttributes(d.hands.act, w).Reply()
	return err != nil || a.Class == xproto.WindowClassInputOnly || a.OverrideRedirect
}

// fresh reports whether a window, or one that it is in, was made by the shared
// client after a guest last pressed something.
func (d *Desk) fresh(w xproto.Window) bool {
	for range maxDepth {
		if at, ok := d.made[w]; ok {
			return at.After(d.worked)
		}
		t, err := xproto.QueryTree(d.hands.act, w).Reply()
		if err != nil || t.Parent == 0 || t.Parent == d.root {
			return false
		}
		w = t.Parent
	}
	return false
}

// maxMade bounds what is remembered of windows that the shared client made.
const maxMade = 256

// created notes a window of the shared client.
func (d *Desk) created(w xproto.Window) {
	if !d.sameBase(w) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.made) >= maxMade {
		clear(d.made)
	}
	d.made[w] = time.Now()
}

// How long, and how often, a focus that is between two windows is looked after.
const (
	betweenTime = 500 * time.Millisecond
	betweenStep = 5 * time.Millisecond
)

// left looks after the host's focus when it has left its window. The caller does
// not hold the mutex.
func (d *Desk) left() {
	if _, done := d.lookAfter(); !done {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.seek()
	}
}

// lookAfter guards the host's focus once; done says that it is somewhere.
func (d *Desk) lookAfter() (at xproto.Window, done bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w, at := d.guardFocus()
	if w == focusElsewhere {
		d.watchHost(at)
	}
	return at, w != focusOnItsWay
}

// seek looks after a focus of the host's that is between two windows, until it has
// arrived; what stays there is there. The caller holds the mutex.
func (d *Desk) seek() {
	if d.seeking {
		return
	}
	d.seeking = true
	d.following.Go(func() {
		at, done := xproto.Window(0), false
		for end := time.Now().Add(betweenTime); !done && time.Now().Before(end); {
			time.Sleep(betweenStep)
			at, done = d.lookAfter()
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.seeking = false
		if !done && !d.closed {
			d.watchHost(at)
		}
	})
}

// sameClient reports whether w belongs to the client of the shared window.
func (d *Desk) sameClient(w xproto.Window) bool {
	return w > pointerRoot && d.sameBase(w) || d.inside(w)
}
