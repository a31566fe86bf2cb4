package glass

import (
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11"
	"viewflip.app/wire"
)

// xnative is X11's.
type xnative struct{}

func newNative() native { return xnative{} }

// key takes a scancode of GLFW, which is an X11 keycode here.
func (xnative) key(code int) wire.Key {
	const evdevOffset = 8 // X11 keycodes are evdev codes and 8
	if code < evdevOffset || code > 255 {
		return 0
	}
	k, _ := wire.KeyFromEvdev(uint16(code - evdevOffset))
	return k
}

// raise asks for it: the window manager sees the request and decides.
func (xnative) raise(handle uintptr) {
	c, err := x11.Connect("")
	if err != nil {
		return
	}
	defer c.Close()
	t, err := xproto.QueryTree(c.Conn, xproto.Window(handle)).Reply()
	if err != nil || t.Root == 0 {
		return
	}
	_ = xproto.ConfigureWindowChecked(c.Conn, xproto.Window(handle),
		xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove}).Check()
}
