package ui

import (
	"slices"
	"strings"
	"testing"

	"viewflip.app/wire"
)

// said is what the hand sent, in short.
func (d *desk) said() []string {
	var out []string
	for _, in := range d.inputs {
		words := []string{in.Kind.String(), in.Key.DOM(), in.Text}
		if in.Rune != 0 {
			words = append(words, string(in.Rune))
		}
		if in.Repeat {
			words = append(words, "again")
		}
		out = append(out, strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " "))
	}
	d.inputs = nil
	return out
}

func TestKeysAndCharacters(t *testing.T) {
	key := func(dom string) wire.Key {
		k, ok := wire.KeyFromDOM(dom)
		if !ok {
			t.Fatal(dom)
		}
		return k
	}
	down := func(dom string, mods wire.Mods) any { return rawPress{key: key(dom), down: true, mods: mods} }
	up := func(dom string) any { return rawPress{key: key(dom)} }
	again := func(dom string) any { return rawPress{key: key(dom), down: true, repeat: true} }
	chord := func(dom string, mods wire.Mods, name rune) any {
		return rawPress{key: key(dom), down: true, mods: mods, name: name}
	}
	for _, c := range []struct {
		name string
		in   []any
		want []string
	}{
		{"a letter", []any{down("KeyA", 0), 'a', up("KeyA")}, []string{"key down KeyA a", "key up KeyA"}},
		{"held", []any{down("KeyA", 0), 'ф', again("KeyA"), 'ф', up("KeyA")}, []string{"key down KeyA ф", "key down KeyA ф again", "key up KeyA"}},
		{"Shift", []any{down("ShiftLeft", 0), down("KeyA", wire.ModShift), 'A'}, []string{"key down ShiftLeft", "key down KeyA A"}},
		{"an arrow", []any{down("ArrowUp", 0), up("ArrowUp")}, []string{"key down ArrowUp", "key up ArrowUp"}},
		{"a dead key", []any{down("Equal", 0), up("Equal"), down("KeyE", 0), 'é', up("KeyE")}, []string{"key down KeyE é", "key up KeyE"}},
		{"a composition of two", []any{down("Equal", 0), up("Equal"), down("KeyX", 0), '´', 'x'}, []string{"key down KeyX ´", "text x"}},
		{
			"an input method", []any{down("KeyA", 0), up("KeyA"), down("KeyI", 0), down("Space", 0), down("Enter", 0), '愛', '着', down("Enter", 0)},
			[]string{"text 愛", "text 着", "key down Enter"},
		},
		{"a composition given up", []any{down("Equal", 0), down("Backspace", 0), down("Backspace", 0)}, []string{"key down Backspace"}},
		{
			"AltGr", []any{down("AltRight", 0), down("KeyQ", 0), '@', up("KeyQ"), up("AltRight")},
			[]string{"key down KeyQ @", "key up KeyQ"},
		},
		{
			"the right Alt", []any{down("AltRight", 0), chord("KeyF", wire.ModAlt, 'f'), up("KeyF"), up("AltRight")},
			[]string{"key down AltRight", "key down KeyF f", "key up KeyF", "key up AltRight"},
		},
		{
			"it alone", []any{down("AltRight", 0), rawPress{key: key("AltRight"), mods: wire.ModAlt}},
			[]string{"key down AltRight", "key up AltRight"},
		},
		{
			"chords", []any{chord("KeyW", wire.ModCtrl, 'z'), up("KeyW"), chord("KeyZ", wire.ModCtrl, 'я'), chord("Digit1", wire.ModAlt, '&'), chord("Semicolon", wire.ModSuper, 'ö')},
			[]string{"key down KeyW z", "key up KeyW", "key down KeyZ z", "key down Digit1", "key down Semicolon"},
		},
		{"a chord's character", []any{chord("KeyA", wire.ModSuper, 'a'), 'a'}, []string{"key down KeyA a"}},
		{
			"the number pad", []any{down("Numpad7", 0), rawPress{key: key("Numpad8"), down: true, numLock: true}, '8', down("NumpadAdd", 0), '+'},
			[]string{"key down Numpad7", "key down Numpad8 8", "key down NumpadAdd +"},
		},
		{"a control character", []any{down("KeyA", 0), '\x01'}, nil},
	} {
		d := newDesk()
		d.hand.allow(true)
		for _, e := range c.in {
			taken := false
			switch e := e.(type) {
			case rawPress:
				taken = d.hand.rawKey(e)
			case rune:
				taken = d.hand.rawChar(e)
			}
			if !taken {
				t.Errorf("%s: %v was left to the toolkit", c.name, e)
			}
		}
		if got := d.said(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	d := newDesk()
	if d.hand.rawKey(rawPress{key: 4, down: true}) || d.hand.rawChar('a') || len(d.inputs) != 0 {
		t.Error("typed without control")
	}
}
