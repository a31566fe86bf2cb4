package wire

// Key is a physical key by its USB HID usage on page 7 (HID Usage Tables 1.5,
// section 10). The host's layout decides what it types.
type Key uint16

type keyRow struct {
	key   Key
	evdev uint16 // linux/input-event-codes.h; X11 keycodes are 8 more
	dom   string // KeyboardEvent.code, UI Events 5.6.2
}

// keyTable is ordered by key.
var keyTable = [...]keyRow{ //nolint:gochecknoglobals // a constant table
	{0x04, 30, "KeyA"},
	{0x05, 48, "KeyB"},
	{0x06, 46, "KeyC"},
	{0x07, 32, "KeyD"},
	{0x08, 18, "KeyE"},
	{0x09, 33, "KeyF"},
	{0x0a, 34, "KeyG"},
	{0x0b, 35, "KeyH"},
	{0x0c, 23, "KeyI"},
	{0x0d, 36, "KeyJ"},
	{0x0e, 37, "KeyK"},
	{0x0f, 38, "KeyL"},
	{0x10, 50, "KeyM"},
	{0x11, 49, "KeyN"},
	{0x12, 24, "KeyO"},
	{0x13, 25, "KeyP"},
	{0x14, 16, "KeyQ"},
	{0x15, 19, "KeyR"},
	{0x16, 31, "KeyS"},
	{0x17, 20, "KeyT"},
	{0x18, 22, "KeyU"},
	{0x19, 47, "KeyV"},
	{0x1a, 17, "KeyW"},
	{0x1b, 45, "KeyX"},
	{0x1c, 21, "KeyY"},
	{0x1d, 44, "KeyZ"},
	{0x1e, 2, "Digit1"},
	{0x1f, 3, "Digit2"},
	{0x20, 4, "Digit3"},
	{0x21, 5, "Digit4"},
	{0x22, 6, "Digit5"},
	{0x23, 7, "Digit6"},
	{0x24, 8, "Digit7"},
	{0x25, 9, "Digit8"},
	{0x26, 10, "Digit9"},
	{0x27, 11, "Digit0"},
	{0x28, 28, "Enter"},
	{0x29, 1, "Escape"},
	{0x2a, 14, "Backspace"},
	{0x2b, 15, "Tab"},
	{0x2c, 57, "Space"},
	{0x2d, 12, "Minus"},
	{0x2e, 13, "Equal"},
	{0x2f, 26, "BracketLeft"},
	{0x30, 27, "BracketRight"},
	{0x31, 43, "Backslash"},
	{0x33, 39, "Semicolon"},
	{0x34, 40, "Quote"},
	{0x35, 41, "Backquote"},
	{0x36, 51, "Comma"},
	{0x37, 52, "Period"},
	{0x38, 53, "Slash"},
	{0x39, 58, "CapsLock"},
	{0x3a, 59, "F1"},
	{0x3b, 60, "F2"},
	{0x3c, 61, "F3"},
	{0x3d, 62, "F4"},
	{0x3e, 63, "F5"},
	{0x3f, 64, "F6"},
	{0x40, 65, "F7"},
	{0x41, 66, "F8"},
	{0x42, 67, "F9"},
	{0x43, 68, "F10"},
	{0x44, 87, "F11"},
	{0x45, 88, "F12"},
	{0x46, 99, "PrintScreen"},
	{0x47, 70, "ScrollLock"},
	{0x48, 119, "Pause"},
	{0x49, 110, "Insert"},
	{0x4a, 102, "Home"},
	{0x4b, 104, "PageUp"},
	{0x4c, 111, "Delete"},
	{0x4d, 107, "End"},
	{0x4e, 109, "PageDown"},
	{0x4f, 106, "ArrowRight"},
	{0x50, 105, "ArrowLeft"},
	{0x51, 108, "ArrowDown"},
	{0x52, 103, "ArrowUp"},
	{0x53, 69, "NumLock"},
	{0x54, 98, "NumpadDivide"},
	{0x55, 55, "NumpadMultiply"},
	{0x56, 74, "NumpadSubtract"},
	{0x57, 78, "NumpadAdd"},
	{0x58, 96, "NumpadEnter"},
	{0x59, 79, "Numpad1"},
	{0x5a, 80, "Numpad2"},
	{0x5b, 81, "Numpad3"},
	{0x5c, 75, "Numpad4"},
	{0x5d, 76, "Numpad5"},
	{0x5e, 77, "Numpad6"},
	{0x5f, 71, "Numpad7"},
	{0x60, 72, "Numpad8"},
	{0x61, 73, "Numpad9"},
	{0x62, 82, "Numpad0"},
	{0x63, 83, "NumpadDecimal"},
	{0x64, 86, "IntlBackslash"},
	{0x65, 127, "ContextMenu"},
	{0x66, 116, "Power"},
	{0x67, 117, "NumpadEqual"},
	{0x68, 183, "F13"},
	{0x69, 184, "F14"},
	{0x6a, 185, "F15"},
	{0x6b, 186, "F16"},
	{0x6c, 187, "F17"},
	{0x6d, 188, "F18"},
	{0x6e, 189, "F19"},
	{0x6f, 190, "F20"},
	{0x70, 191, "F21"},
	{0x71, 192, "F22"},
	{0x72, 193, "F23"},
	{0x73, 194, "F24"},
	{0x75, 138, "Help"},
	{0x7a, 131, "Undo"},
	{0x7b, 137, "Cut"},
	{0x7c, 133, "Copy"},
	{0x7d, 135, "Paste"},
	{0x7e, 136, "Find"},
	{0x7f, 113, "AudioVolumeMute"},
	{0x80, 115, "AudioVolumeUp"},
	{0x81, 114, "AudioVolumeDown"},
	{0x85, 121, "NumpadComma"},
	{0x87, 89, "IntlRo"},
	{0x88, 93, "KanaMode"},
	{0x89, 124, "IntlYen"},
	{0x8a, 92, "Convert"},
	{0x8b, 94, "NonConvert"},
	{0x90, 122, "Lang1"},
	{0x91, 123, "Lang2"},
	{0x92, 90, "Lang3"},
	{0x93, 91, "Lang4"},
	{0x94, 85, "Lang5"},
	{0xe0, 29, "ControlLeft"},
	{0xe1, 42, "ShiftLeft"},
	{0xe2, 56, "AltLeft"},
	{0xe3, 125, "MetaLeft"},
	{0xe4, 97, "ControlRight"},
	{0xe5, 54, "ShiftRight"},
	{0xe6, 100, "AltRight"},
	{0xe7, 126, "MetaRight"},
}

func (k Key) row() *keyRow {
	lo, hi := 0, len(keyTable)
	for lo < hi {
		mid := (lo + hi) / 2
		switch {
		case keyTable[mid].key == k:
			return &keyTable[mid]
		case keyTable[mid].key < k:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return nil
}

// Valid reports whether k is a known key.
func (k Key) Valid() bool { return k.row() != nil }

// Evdev returns the Linux key code.
func (k Key) Evdev() (uint16, bool) {
	if r := k.row(); r != nil {
		return r.evdev, true
	}
	return 0, false
}

// DOM returns the KeyboardEvent.code name, "" for an unknown key.
func (k Key) DOM() string {
	if r := k.row(); r != nil {
		return r.dom
	}
	return ""
}

// KeyFromEvdev finds the key of a Linux key code.
func KeyFromEvdev(code uint16) (Key, bool) {
	for i := range keyTable {
		if keyTable[i].evdev == code {
			return keyTable[i].key, true
		}
	}
	return 0, false
}

// KeyFromDOM finds the key of a KeyboardEvent.code name.
func KeyFromDOM(name string) (Key, bool) {
	for i := range keyTable {
		if keyTable[i].dom == name {
			return keyTable[i].key, true
		}
	}
	return 0, false
}

// Modifier reports whether k is Control, Shift, Alt or Meta of either side.
func (k Key) Modifier() bool { return k >= 0xe0 && k <= 0xe7 }

// Types reports whether k is a key that types characters on some keyboard: a
// letter, a digit, a sign, the space bar or such a key of the number pad.
func (k Key) Types() bool {
	switch {
	case k >= 0x04 && k <= 0x27, k >= 0x2c && k <= 0x38, k >= 0x54 && k <= 0x57, k >= 0x59 && k <= 0x64:
		return k.Valid()
	case k == 0x67, k == 0x85, k == 0x87, k == 0x89:
		return true
	}
	return false
}

// Letter is the letter at that place of an English keyboard, in lower case; 0
// if there is none.
func (k Key) Letter() rune {
	if k < 0x04 || k > 0x1d {
		return 0
	}
	return 'a' + rune(k-0x04)
}
