package input

import "viewflip.app/wire"

// denial is a row of the deny list: the keys from..to while all of mods are
// down.
type denial struct {
	from, to wire.Key
	mods     wire.Mods
	why      string
}

// denials is every key and chord that acts on the machine, not on a window. It
// is about physical keys; an Injector refuses by meaning as well, for layouts
// that put these keys elsewhere (see [ErrNoKey]).
var denials = [...]denial{ //nolint:gochecknoglobals // a constant table
	{0xe3, 0xe3, 0, "left Meta opens the system's menu and its shortcuts"},
	{0xe7, 0xe7, 0, "right Meta does the same"},
	{0x46, 0x46, 0, "PrintScreen reads the whole screen; with Alt it is SysRq, a command to the kernel"},
	{0x66, 0x66, 0, "Power turns the machine off"},
	{0x7f, 0x81, 0, "the volume is the machine's, not the window's"},
	{0x3a, 0x45, wire.ModCtrl | wire.ModAlt, "Ctrl+Alt+F1 to F12 switch to another console"},
	{0x4c, 0x4c, wire.ModCtrl | wire.ModAlt, "Ctrl+Alt+Delete ends the session or opens its menu"},
	{0x63, 0x63, wire.ModCtrl | wire.ModAlt, "Ctrl+Alt+Delete on the number pad"},
	{0x2a, 0x2a, wire.ModCtrl | wire.ModAlt, "Ctrl+Alt+Backspace ends the X server"},
	{0x54, 0x57, wire.ModCtrl | wire.ModAlt, "Ctrl+Alt with / * - + of the number pad end grabs and switch the screen's mode"},
	{0x2b, 0x2b, wire.ModAlt, "Alt+Tab leaves the window"},
	{0x29, 0x29, wire.ModAlt, "Alt+Escape leaves the window"},
	{0x29, 0x29, wire.ModCtrl | wire.ModAlt | wire.ModShift, "Ctrl+Alt+Shift+Escape is the host's panic key"},
}

// clickMods are the modifiers with which window managers take a click for
// themselves, to move or resize the window.
const clickMods = wire.ModAlt | wire.ModSuper

// keyDenied reports whether k may not be down while mods are.
func keyDenied(k wire.Key, mods wire.Mods) bool {
	for _, d := range denials {
		if d.from <= k && k <= d.to && mods&d.mods == d.mods {
			return true
		}
	}
	return false
}

// modOf is the modifier that a key is, by its position.
func modOf(k wire.Key) wire.Mods {
	switch k {
	case 0xe0, 0xe4:
		return wire.ModCtrl
	case 0xe1, 0xe5:
		return wire.ModShift
	case 0xe2, 0xe6:
		return wire.ModAlt
	case 0xe3, 0xe7:
		return wire.ModSuper
	}
	return 0
}
