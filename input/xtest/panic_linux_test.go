package xtest_test

import (
	"slices"
	"testing"

	"github.com/jezek/xgb/xproto"
	fake "github.com/jezek/xgb/xtest"

	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
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
			b := onx11.NewBench(t, display, opener(xtest.SeatOptions{Shared: shared}))
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

// The host's combination works whatever a guest holds at that moment, also with
// one keyboard for both, where the guest's AltGr is in the state of their keys.
func TestPanicKeyWhileGuestsHold(t *testing.T) {
	inBothModes(t, panicWhileHeld)
}

func panicWhileHeld(t *testing.T, shared bool) {
	t.Helper()
	v, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	setXKB(t, v, "de")
	b := onx11.NewBench(t, v.Name(), opener(xtest.SeatOptions{Shared: shared}))
	d, err := platform.Open(v.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	c, err := platform.ParseCombo("Ctrl+Alt+Shift+Escape")
	if err != nil {
		t.Fatal(err)
	}
	pressed, err := d.Hotkey(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	host := onx11.Host(t, v.Name())
	const ctrl, alt, shift, escape = 37, 64, 50, 9
	for _, held := range [][]string{nil, {"AltRight"}, {"KeyA"}, {"ControlLeft"}, {"AltRight", "ShiftRight", "KeyQ"}} {
		for _, k := range held {
			pt.Eventually(t, k, func() bool { return b.Gate.Do(b.Key(wire.KeyDown, k), onx11.Rights).OK() })
		}
		for _, kind := range []byte{xproto.KeyPress, xproto.KeyRelease} {
			for _, code := range []byte{ctrl, alt, shift, escape} {
				fake.FakeInput(host.Conn, kind, code, 0, 0, 0, 0, 0)
			}
		}
		pt.Eventually(t, "the combination", func() bool {
			select {
			case <-pressed:
				return true
			default:
				return false
			}
		})
		b.Do(wire.Input{Kind: wire.ReleaseAll})
	}
}
