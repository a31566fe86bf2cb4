package xtest

import (
	"errors"
	"fmt"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/platform/x11/xinput"
)

// What a guest does may leave grabs behind that are in the host's way, although
// nobody touched their pair on purpose:
//
//   - Some toolkits (Qt, Chromium) grab every pointer that there is for a menu or
//     while a button is down, the host's too.
//   - A program that has grabbed the guests' pointer or keyboard gets no core
//     event of the host's (X server, IsInterferingGrab): they cannot use it.
//
// Either lasts only until the host wants to do something. A ward looks after
// that from a guest's press until nothing is grabbed any more.

// wardStep is how often it looks.
const wardStep = 20 * time.Millisecond

// ward runs for as long as guard says.
func (d *Desk) ward() {
	t := time.NewTicker(wardStep)
	defer t.Stop()
	for d.guard() {
		select {
		case <-d.done:
			return
		case <-t.C:
		}
	}
}

// guard looks once; false when there is nothing to look after.
func (d *Desk) guard() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	h, s := d.hands, &section{d: d}
	h.turn.Lock()
	defer h.turn.Unlock()
	pc, kc := h.xi.Grabbed(h.ptr, h.probe), h.xi.Grabbed(h.kbd, h.probe)
	a := h.askHost(d.root)
	p, perr := pc.Reply()
	k, kerr := kc.Reply()
	if !s.lookAtHost(a) || perr != nil || kerr != nil || d.closed || h.lost {
		d.warded = false
		return false
	}
	d.noteCapture(s.host)
	switch {
	case h.wanted(s.host):
		s.giveWay()
	case (p || k) && s.hostComes() && h.dragger == nil && !h.ptrGrab.foreign && d.leadsAlone():
		focus, err := h.xi.GetFocus(h.kbd).Reply()
		if err != nil || !d.inside(focus) {
			focus = h.park
		}
		if err := d.seat.renewPair(h, focus); err != nil {
			d.log.Warn("the guests' pointer was not made anew", "err", err)
		}
		d.changed()
	}
	d.warded = p || k || !h.captured.IsZero() || time.Since(h.actedAt) < leadTime
	return d.warded
}

// noteCapture finds out whether somebody has grabbed the host's pair because of
// what a guest did: they have just acted, and the host neither holds a button nor
// has pressed a key since.
func (d *Desk) noteCapture(now host) {
	h := d.hands
	taken := now.ptrGrabbed || now.kbdGrabbed
	since := now.seen.Sub(h.actedAt)
	switch {
	case !taken:
		h.captured = time.Time{}
	case h.captured.IsZero() && !h.wasTaken && since < leadTime && now.buttons == 0 && now.kbdIdle > since:
		h.captured, h.escaped, h.escapeRest = now.seen, time.Time{}, escapeRest
	}
	h.wasTaken = taken
}

// wanted reports whether the host has done something since their pair was
// grabbed because of a guest.
func (h *hands) wanted(now host) bool {
	return !h.captured.IsZero() && min(now.ptrIdle, now.kbdIdle) < now.seen.Sub(h.captured)
}

// giveWay ends what the shared program has grabbed the host's pair for: a button
// that a guest holds is let go, or else a menu gets Escape, by the guests'
// keyboard, which must be in the program.
func (s *section) giveWay() {
	d, h := s.d, s.d.hands
	if h.dragger != nil {
		h.dragger.changed() // its gate lets go: the host is active
		return
	}
	if time.Since(h.escaped) < h.escapeRest {
		return
	}
	xproto.GrabServer(h.act) // the keyboard must not go elsewhere meanwhile
	defer xproto.UngrabServer(h.act)
	f, err := h.xi.GetFocus(h.kbd).Reply()
	if err != nil || !d.inside(f) {
		return
	}
	p, err := h.xi.QueryPointer(h.ptr, d.root).Reply()
	const locks = xproto.ModMaskLock | xproto.ModMask2
	if err != nil || p.Mods&0xff&^locks != 0 {
		return // with a modifier that a guest holds it would be a shortcut
	}
	s.focus, s.mask, h.escaped, h.escapeRest = f, p.Mods&0xff, time.Now(), 2*h.escapeRest
	if code, ok := h.escapeCode(); ok && !s.Owned(input.Stroke{Code: code}) {
		escape := fake{h.act, d.root}
		_, _ = s.strikeKey(escape, code), escape.Key(code, false)
	}
}

// renewPair makes the second pair anew, which ends every grab of it. What is held
// the server lets go of, and tells the window that has the keyboard's focus: that
// is focus, which is in the shared program, or nobody. hands.turn is held.
func (s *Seat) renewPair(h *hands, focus xproto.Window) error {
	h.lost = true // until it is there: requests would mean the host's pair
	err := s.alone(func(xi *xinput.Client) error {
		if f, err := xi.GetFocus(h.kbd).Reply(); err != nil || f != focus { // somebody may have moved it
			if err := xi.SetFocus(h.kbd, h.park).Check(); err != nil {
				return err
			}
		}
		if err := removePair(xi, h.ptr, h.kbd); err != nil {
			return err
		}
		return h.addPair(xi, pairName(h.slot))
	})
	if err != nil {
		return fmt.Errorf("new pair: %w", err)
	}
	if err := errors.Join(h.usePair(), h.watchMaps()); err != nil {
		return err
	}
	l, err := readLayout(h.act)
	if err != nil {
		return err
	}
	h.layout, h.ptrGrab, h.kbdGrab, h.lost = l, grab{}, grab{}, false
	return nil
}

// escapeCode is the keycode of Escape; false if the map has none.
func (h *hands) escapeCode() (byte, bool) {
	setup := xproto.Setup(h.act)
	m, err := xproto.GetKeyboardMapping(h.act, setup.MinKeycode, byte(setup.MaxKeycode-setup.MinKeycode)+1).Reply()
	if err != nil || m.KeysymsPerKeycode == 0 {
		return 0, false
	}
	for i, sym := range m.Keysyms {
		if sym == escapeSym {
			return byte(setup.MinKeycode) + byte(i/int(m.KeysymsPerKeycode)), true
		}
	}
	return 0, false
}
