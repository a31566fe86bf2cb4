package xtest

import (
	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/platform/x11/xinput"
)

// Whoever has a synchronous grab of a button freezes the pointer at a press, until
// they have decided what to do about it (X protocol, AllowEvents). What comes
// meanwhile waits in the server. If the button is pressed again before it is the
// turn of a release that waits, the server drops both: a master pointer keeps a
// button down for as long as the device of XTEST below it has it down (X server,
// UpdateDeviceState). The guest would be told that the press was done, and nobody
// would get it. So nothing is pressed while a button is down that the guest does
// not hold. With keys the server does not do so.

// askWaiting asks which buttons are down on the acting pointer, before one is
// pressed; nil if none is, or the server has no XInput 2.
func (h *hands) askWaiting(aim input.Aim, root xproto.Window) *xinput.QueryPointerCookie {
	if !aim.Point || !aim.Claim || h.xi == nil {
		return nil
	}
	c := h.xi.QueryPointer(h.ptr, root)
	return &c
}

// lookAtWaiting reads the answer; false when the server did not give it.
func (s *section) lookAtWaiting(c *xinput.QueryPointerCookie) bool {
	if c == nil {
		return true
	}
	p, err := c.Reply()
	if err != nil {
		return false
	}
	for _, k := range s.d.down {
		switch {
		case !k.button:
		case s.d.hands.second:
			p.Buttons &^= 1 << k.code
		default: // the host's buttons may be numbered anew (SetPointerMapping)
			return true
		}
	}
	s.waiting = p.Buttons != 0
	return true
}
