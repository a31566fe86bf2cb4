package xtest

import (
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/wire"
)

// xfwm4 that is asked for a window menu (_GTK_SHOW_WINDOW_MENU) while one is up
// forgets that the first one is gone, and lets no click through to any window ever
// after. A guest could bring that about by two quick presses of the right button
// in a title bar that the shared program draws itself. So under xfwm4 such a press
// waits until the program has answered the one before, and is refused while
// somebody has grabbed the host's pair, or the pair is being given back.

const (
	// pongTime is how long a program may take to answer, and menuRest how long one
	// is waited for that never does.
	pongTime, menuRest = 5 * time.Second, 300 * time.Millisecond
	// xfwm4Name is what xfwm4 calls itself (EWMH, _NET_SUPPORTING_WM_CHECK).
	xfwm4Name = "Xfwm4"
)

// pace is what is known of the last press that may have asked for a menu.
type pace struct {
	pressed time.Time
	// asked is the number of the question whether the program is done with the
	// press, 0 if it has been answered; of is the window that was asked.
	asked uint32
	of    xproto.Window
	// last is the number of the last question.
	last uint32
}

// paced finds out whether the right button is to be paced, and whether the
// program answers questions (EWMH, _NET_WM_PING).
func (d *Desk) paced() {
	c := d.own
	if w := c.Cardinals(c.Root, "_NET_SUPPORTING_WM_CHECK"); len(w) == 1 {
		d.frail = c.Title(xproto.Window(w[0])) == xfwm4Name
	}
	d.protocols, d.ping = c.Atom("WM_PROTOCOLS"), c.Atom("_NET_WM_PING")
	d.answers = slices.Contains(c.Cardinals(d.win, "WM_PROTOCOLS"), uint32(d.ping))
}

// tooSoon reports whether a press must wait for the one before it.
func (s *section) tooSoon(aim input.Aim) bool {
	d, h := s.d, s.d.hands
	if !d.frail || aim.Button != wire.Right {
		return false
	}
	since := time.Since(h.pace.pressed)
	return h.freeing || s.host.ptrGrabbed || s.host.kbdGrabbed ||
		h.pace.asked != 0 && since < pongTime || h.pace.asked == 0 && !d.answers && since < menuRest
}

// pacePress asks the program to say when it has dealt with a press that was just
// made: its answer comes after what it asks of the window manager for that.
func (d *Desk) pacePress(code byte) {
	if !d.frail || wire.Button(code) != wire.Right {
		return
	}
	p := &d.hands.pace
	p.pressed, p.asked = time.Now(), 0
	if !d.answers {
		return
	}
	p.last = max(1, p.last+1)
	p.asked, p.of = p.last, d.win
	ev := xproto.ClientMessageEvent{
		Format: 32, Window: d.win, Type: d.protocols,
		Data: xproto.ClientMessageDataUnionData32New([]uint32{uint32(d.ping), p.asked, uint32(d.win), 0, 0}),
	}
	xproto.SendEvent(d.hands.act, false, d.win, xproto.EventMaskNoEvent, string(ev.Bytes()))
}

// ponged handles a message to the window manager that may be that answer.
func (d *Desk) ponged(e xproto.ClientMessageEvent) {
	if e.Type != d.protocols || e.Format != 32 || e.Data.Data32[0] != uint32(d.ping) {
		return
	}
	h := d.hands
	h.turn.Lock()
	defer h.turn.Unlock()
	if p := &h.pace; e.Data.Data32[1] == p.asked && xproto.Window(e.Data.Data32[2]) == p.of {
		p.asked = 0
	}
}
