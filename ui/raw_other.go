//go:build !linux

package ui

import "viewflip.app/wire"

// keyOf maps a scancode to the physical key. Control from this system is not
// supported yet: no key is sent.
func keyOf(int) wire.Key { return 0 }

// raise leaves the stacking to the request for attention.
func raise(uintptr) {}
