package xinput

import (
	"errors"
	"fmt"

	"github.com/jezek/xgb/xproto"
)

// Minor opcodes of XKB (XKBproto.h).
const (
	opKbUse    = 0
	opKbSetMap = 9
)

// ErrNoXKB means that the server has no XKEYBOARD extension of version 1.
var ErrNoXKB = errors.New("xinput: the X server has no XKEYBOARD")

// Renew has the server tell every client that speaks XKB that the keyboard id is
// a new one (XkbNewKeyboardNotify). Its map stays as it is. A client that keeps
// a copy of this keyboard's map as that of its core keyboard, as Xlib does if it
// read the map while its client pointer was another, asks for the map of the
// core keyboard then. It makes this connection a client that speaks XKB, which
// hears of maps in another way: use one that lives for this only. ErrNoXKB.
func (x *Client) Renew(id DeviceID) error {
	kb, _, err := useXKB(x.c)
	if err != nil {
		return err
	}
	// SetMap of nothing tells so if the range of keycodes is another. X.Org
	// servers do not make it smaller; the second one is for those that do.
	setup := xproto.Setup(x.c)
	for _, first := range []xproto.Keycode{setup.MinKeycode + 1, setup.MinKeycode} {
		// Nothing is present, and no flags; the range; then what is changed.
		const rest = 24 // bytes of first, count and total, all 0
		b := u32(u16(kb.request(opKbSetMap), uint16(id)), 0)
		b = append(b, byte(first), byte(setup.MaxKeycode))
		if err := kb.tell(append(b, make([]byte, rest)...)).Check(); err != nil {
			return fmt.Errorf("xinput: renew: %w", err)
		}
	}
	return nil
}
