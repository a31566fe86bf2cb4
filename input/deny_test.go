package input

import (
	"testing"

	"viewflip.app/wire"
)

// Every row of the list names real keys, says why, and is in force for each of
// its keys; without its modifiers the key is free.
func TestDenyList(t *testing.T) {
	for _, d := range denials {
		if d.why == "" || d.from > d.to {
			t.Errorf("row %v", d)
		}
		for k := d.from; k <= d.to; k++ {
			if !k.Valid() {
				t.Errorf("%s: no key %#x", d.why, k)
			}
			if !keyDenied(k, d.mods) || !keyDenied(k, d.mods|wire.ModShift) {
				t.Errorf("%s: %s is allowed", d.why, k.DOM())
			}
			if d.mods != 0 && keyDenied(k, 0) {
				t.Errorf("%s: %s is denied without modifiers", d.why, k.DOM())
			}
		}
	}
	for _, name := range []string{"MetaLeft", "MetaRight", "PrintScreen", "Power", "AudioVolumeMute", "AudioVolumeUp", "AudioVolumeDown"} {
		if k, ok := wire.KeyFromDOM(name); !ok || !keyDenied(k, 0) {
			t.Errorf("%s is allowed", name)
		}
	}
	for _, name := range []string{"F1", "F12", "Delete", "NumpadDecimal", "Backspace", "NumpadAdd", "NumpadSubtract", "NumpadMultiply", "NumpadDivide"} {
		if k, ok := wire.KeyFromDOM(name); !ok || !keyDenied(k, wire.ModCtrl|wire.ModAlt) || keyDenied(k, wire.ModCtrl) {
			t.Errorf("Ctrl+Alt+%s", name)
		}
	}
	for _, name := range []string{"Tab", "Escape"} {
		if k, ok := wire.KeyFromDOM(name); !ok || !keyDenied(k, wire.ModAlt) || keyDenied(k, wire.ModShift) {
			t.Errorf("Alt+%s", name)
		}
	}
	mods := map[string]wire.Mods{
		"ControlLeft": wire.ModCtrl, "ControlRight": wire.ModCtrl, "ShiftLeft": wire.ModShift, "ShiftRight": wire.ModShift,
		"AltLeft": wire.ModAlt, "AltRight": wire.ModAlt, "MetaLeft": wire.ModSuper, "MetaRight": wire.ModSuper, "KeyA": 0,
	}
	for name, want := range mods {
		if k, _ := wire.KeyFromDOM(name); modOf(k) != want {
			t.Errorf("%s holds %v", name, modOf(k))
		}
	}
}
