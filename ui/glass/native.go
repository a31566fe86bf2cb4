package glass

import "viewflip.app/wire"

// Native is what a viewer's window needs of its operating system beyond what the
// GUI toolkit offers.
type Native struct{ impl native }

// native is what an operating system implements.
type native interface {
	key(scancode int) wire.Key
	raise(handle uintptr)
}

// NewNative makes it; on a system that is not supported nothing is known of keys.
func NewNative() Native { return Native{newNative()} }

// HasKeys reports whether physical keys are known here. Where they are not, a viewer
// sends no key.
func (n Native) HasKeys() bool { return n.impl != nil }

// Key maps a scancode, as GLFW tells it, to the physical key; 0 for keys without a
// name.
func (n Native) Key(scancode int) wire.Key {
	if n.impl == nil {
		return 0
	}
	return n.impl.key(scancode)
}

// Raise puts a window, by the system's handle of it, above the others without giving
// it the keyboard. Where it cannot, the toolkit's request for attention has to do.
func (n Native) Raise(handle uintptr) {
	if n.impl != nil {
		n.impl.raise(handle)
	}
}
