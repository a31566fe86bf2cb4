package ui

import (
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11"
	"viewflip.app/wire"
)

// keyOf maps a scancode of GLFW, here an X11 keycode, to the physical key; 0
// for keys without a name.
func keyOf(code int) wire.Key {
	const evdevOffset = 8 // X11 keycodes are evdev codes and 8
	if code < evdevOffset || code > 255 {
		return 0
	}
	k, _ := wire.KeyFromEvdev(uint16(code - evdevOffset))
	return k
}

// raise puts a window above the others without giving it the keyboard.
func raise(handle uintptr) {
	c, err := x11.Connect("")
	if err != nil {
		return
	}
	defer c.Close()
	t, err := xproto.QueryTree(c.Conn, xproto.Window(handle)).Reply()
	if err != nil || t.Root == 0 {
		return
	}
	// The window manager sees the request and decides.
	_ = xproto.ConfigureWindowChecked(c.Conn, xproto.Window(handle),
		xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove}).Check()
}
