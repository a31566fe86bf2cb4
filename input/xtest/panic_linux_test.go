package xtest_test

import (
	"slices"
	"testing"

	"viewflip.app/input/inputtest"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	"viewflip.app/wire"
)

// Whatever combination the host has chosen to take everything back, no guest can
// press it, in whichever order.
func TestPanicKeyIsTheHosts(t *testing.T) {
	for _, shared := range []bool{false, true} {
		name := "second"
		if shared {
			name = "shared"
		}
		t.Run(name, func(t *testing.T) {
			display := start(t)
			b := inputtest.NewBench(t, display, opener(xtest.SeatOptions{Shared: shared}))
			d, err := platform.Open(display, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			for combo, keys := range map[string][]string{
				"Ctrl+P":                {"ControlLeft", "KeyP"},
				"Ctrl+Alt+P":            {"ControlLeft", "AltLeft", "KeyP"},
				"Ctrl+Shift+F12":        {"ControlRight", "ShiftLeft", "F12"},
				"Alt+Shift+1":           {"AltLeft", "ShiftRight", "Digit1"},
				"Ctrl+Alt+Space":        {"ControlLeft", "AltLeft", "Space"},
				"Alt+Pause":             {"AltLeft", "Pause"},
				"Super+K":               {"MetaLeft", "KeyK"},
				"Ctrl+Alt+Shift+Escape": {"ControlLeft", "AltLeft", "ShiftLeft", "Escape"},
			} {
				c, err := platform.ParseCombo(combo)
				if err != nil {
					t.Fatal(err)
				}
				pressed, err := d.Hotkey(t.Context(), c)
				if err != nil {
					t.Fatal(combo, err)
				}
				held, err := d.Held(t.Context(), c)
				if err != nil {
					t.Fatal(combo, err)
				}
				last := len(keys) - 1
				backwards := slices.Clone(keys)
				slices.Reverse(backwards)
				for _, order := range [][]string{keys, backwards, append([]string{keys[last]}, keys[:last]...)} {
					refused := false
					for _, k := range order {
						v := b.Gate.Do(b.Key(wire.KeyDown, k), wire.RightControl)
						refused = refused || v.Reason == wire.KeyOwned || v.Reason == wire.KeyDenied
					}
					if !refused {
						t.Errorf("%s: %v was not refused", combo, order)
					}
					if v := b.Gate.Do(wire.Input{Kind: wire.ReleaseAll}, wire.RightControl); !v.OK() {
						t.Fatal(v)
					}
				}
				select {
				case <-pressed:
					t.Errorf("%s: a guest pressed it", combo)
				case <-held:
					t.Errorf("%s: a guest holds it", combo)
				default:
				}
			}
		})
	}
}
