package xtest

import (
	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// The server repeats a held key into whatever window the focus is moved to. So
// it does not repeat ours: the viewer does, and each repeat is checked.

// stopRepeat ends the server's repeat for the second keyboard. The request acts
// on the keyboard of the client pointer, which is ours by now.
func (h *hands) stopRepeat() error {
	return xproto.ChangeKeyboardControlChecked(h.act, xproto.KbAutoRepeatMode, []uint32{xproto.AutoRepeatModeOff}).Check()
}

// readRepeat finds out which keys of the host's keyboard the server repeats.
func (h *hands) readRepeat() error {
	r, err := xproto.GetKeyboardControl(h.act).Reply()
	if err != nil {
		return err
	}
	h.repeated = r.AutoRepeats
	return nil
}

// autoRepeat lets the server repeat a key of the host's keyboard, if it did, or
// not while we hold it. The guardian has it repeat again if we cannot.
func (h *hands) autoRepeat(code byte, on bool) {
	if h.second || int(code/8) >= len(h.repeated) || h.repeated[code/8]>>(code%8)&1 == 0 {
		return
	}
	setRepeat(h.act, code, on)
}

func setRepeat(c *xgb.Conn, code byte, on bool) {
	mode := uint32(xproto.AutoRepeatModeOff)
	if on {
		mode = xproto.AutoRepeatModeOn
	}
	xproto.ChangeKeyboardControl(c, xproto.KbKey|xproto.KbAutoRepeatMode, []uint32{uint32(code), mode})
}
