package xtest_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input/xtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
)

// setXKB sets a layout with options on a display. It skips the test where
// setxkbmap is missing.
func setXKB(t testing.TB, v *virtual.Display, layout string, options ...string) {
	t.Helper()
	if _, err := exec.LookPath("setxkbmap"); err != nil {
		t.Skip("x11-xkb-utils is not installed")
	}
	args := []string{"-layout", layout, "-option", ""}
	for _, o := range options {
		args = append(args, "-option", o)
	}
	cmd := exec.Command("setxkbmap", args...)
	cmd.Env = v.Env()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("setxkbmap %v: %v: %s", args, err, out)
	}
}

// acts reports whether a keysym or an action is about the machine or the session:
// what no guest may cause. It is written down here a second time.
func acts(l xinput.Level, controls uint32, shared bool) bool {
	for _, r := range [][2]xproto.Keysym{
		{0xffeb, 0xffee}, {0xff61, 0xff61}, {0xff15, 0xff15}, {0xfed5, 0xfed5}, {0xfe70, 0xfe7a}, {0xfee0, 0xfef9},
		{0x1008fe01, 0x1008fe0c}, {0x1008fe20, 0x1008fe25}, {0x1008ff02, 0x1008ff05}, {0x1008ff10, 0x1008ff13}, {0x1008ff2a, 0x1008ff2a}, {0x1008ff2f, 0x1008ff2f},
	} {
		if r[0] <= l.Sym && l.Sym <= r[1] {
			return true
		}
	}
	switch k := l.Action.Kind; {
	case k == xinput.NoAction, k == xinput.SetMods, k == xinput.SetGroup:
		return false
	case k == xinput.LatchMods, k == xinput.LockMods, k == xinput.LatchGroup, k == xinput.LockGroup, k == xinput.ISOLock:
		return shared
	case k >= xinput.MovePointer && k <= xinput.SetPointerDefault:
		return controls&xinput.MouseKeys != 0
	default: // Terminate, SwitchScreen, SetControls, LockControls, device buttons, private ones
		return true
	}
}

// found is what a key is in one group with modifiers down, as the server looks it
// up (XKB protocol, "Determining the KeySym Associated with a Key Event").
func found(group []xinput.Level, down byte) xinput.Level {
	var mask byte
	for _, l := range group {
		for _, m := range l.Mods {
			mask |= m
		}
	}
	for _, l := range group {
		if slices.Contains(l.Mods, down&mask) {
			return l
		}
	}
	return group[0]
}

// groups divides a key's levels: each group begins with the level that is there
// without modifiers.
func groups(k xinput.Key) (out [][]xinput.Level) {
	for _, l := range k.Levels {
		if l.Else {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], l)
	}
	return out
}

// With each key and each set of modifiers, of layouts and options that people
// use, nothing that is allowed acts on the machine.
func TestKeyRules(t *testing.T) {
	v, err := virtual.Start(t.Context(), virtual.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	c, err := x11.Connect(v.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	kb, err := xinput.NewKeyboards(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	options := [][]string{
		nil,
		{"keypad:pointerkeys", "grab:break_actions", "terminate:ctrl_alt_bksp"},
		{"ctrl:swapcaps", "altwin:swap_alt_win", "srvrkeys:none"},
		{"caps:escape", "shift:both_capslock", "compose:ralt"},
		{"grp:alt_shift_toggle", "level3:win_switch", "lv5:rctrl_switch_lock", "numpad:microsoft"},
		{"ctrl:nocaps", "compose:menu", "level3:caps_switch", "terminate:ctrl_alt_bksp", "keypad:pointerkeys"},
	}
	for _, layout := range []string{"us", "de", "de(neo)", "fr", "fr(bepo)", "ru,us", "cz", "jp", "il", "gb(dvorak)"} {
		for _, o := range options {
			t.Run(layout+" "+strings.Join(o, " "), func(t *testing.T) {
				setXKB(t, v, layout, o...)
				m, err := kb.Map(xinput.CoreKeyboard)
				if err != nil {
					t.Fatal(err)
				}
				checkRules(t, m)
			})
		}
	}
}

func checkRules(t *testing.T, m *xinput.Keymap) {
	t.Helper()
	forbids := xtest.Rules(m)
	forbidden, typing := 0, 0
	for code, k := range m {
		for down := range 256 {
			for _, group := range groups(k) {
				l := found(group, byte(down))
				for _, controls := range []uint32{0, xinput.MouseKeys} {
					for _, shared := range []bool{false, true} {
						if acts(l, controls, shared) && !forbids(byte(code), byte(down), controls, shared) {
							t.Fatalf("key %d with modifiers %#x, controls %#x, one pair %v: %+v is allowed", code, down, controls, shared, l)
						}
					}
				}
				if acts(l, 0, false) {
					forbidden++
				}
			}
		}
		// What types alone, with Shift or with Control still may.
		if len(k.Levels) > 0 && xtest.RuneOf(k.Levels[0].Sym) != 0 {
			typing++
			for _, down := range []byte{0, xproto.ModMaskShift, xproto.ModMaskControl, xproto.ModMaskLock, xproto.ModMask2} {
				if forbids(byte(code), down, 0, true) {
					t.Errorf("key %d, %+v, is forbidden with %#x", code, k.Levels[0], down)
				}
			}
		}
	}
	if forbidden < 12 || typing < 45 { // the keys that switch consoles
		t.Errorf("%d strokes act on the machine, %d keys type: that is no map", forbidden, typing)
	}
}

// What a key does later, or stays down for, is forbidden too.
func TestKeyRulesOfControls(t *testing.T) {
	const a, shift, caps, other, gone = 38, 50, 66, 40, 41
	var m xinput.Keymap
	plain := func(k xinput.ActionKind, data ...byte) xinput.Key {
		l := xinput.Level{Else: true, Sym: 0x61, Action: xinput.Action{Kind: k}}
		copy(l.Action.Data[:], data)
		return xinput.Key{Levels: []xinput.Level{l}}
	}
	m[a], m[shift], m[caps] = plain(xinput.NoAction), plain(xinput.SetMods, 0, 1), plain(xinput.LockMods, 0, 2)
	m[gone] = plain(xinput.Terminate)
	m[other] = plain(xinput.RedirectKey, gone)
	forbids := xtest.Rules(&m)
	for _, c := range []struct {
		code     byte
		controls uint32
		shared   bool
		want     bool
	}{
		{a, 0, true, false}, {shift, 0, true, false}, {gone, 0, false, true}, {other, 0, false, true}, {caps, 0, false, false}, {caps, 0, true, true},
		{a, xinput.SlowKeys, false, true}, {a, xinput.Overlay1, false, true}, {a, xinput.Overlay2, true, true},
		{a, xinput.StickyKeys, true, false}, {shift, xinput.StickyKeys, true, true}, {shift, xinput.AccessXKeys, true, true}, {shift, xinput.StickyKeys, false, false},
	} {
		if got := forbids(c.code, 0, c.controls, c.shared); got != c.want {
			t.Errorf("key %d, controls %#x, one pair %v: %v", c.code, c.controls, c.shared, got)
		}
	}
	m[other] = plain(xinput.RedirectKey, a)
	if xtest.Rules(&m)(other, 0, 0, true) {
		t.Error("a key that is another harmless one is forbidden")
	}
	for behavior, want := range map[byte]bool{0: false, 1: true, 2: true, 3: false} {
		m[a].Behavior = behavior
		if got := xtest.Rules(&m)(a, 0, 0, false); got != want {
			t.Errorf("behavior %d: %v", behavior, got)
		}
	}
}
