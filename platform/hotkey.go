package platform

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrTaken means that another program has that key combination for itself.
var ErrTaken = errors.New("platform: the key combination belongs to another program")

// Combo is a key combination such as Ctrl+Alt+Shift+Escape. The zero Combo is
// none.
type Combo struct {
	ctrl, alt, shift, super bool
	key                     string
	sym                     uint32
}

// String is the form that ParseCombo reads.
func (c Combo) String() string {
	var s []string
	for _, m := range []struct {
		on   bool
		name string
	}{{c.ctrl, "Ctrl"}, {c.alt, "Alt"}, {c.shift, "Shift"}, {c.super, "Super"}} {
		if m.on {
			s = append(s, m.name)
		}
	}
	return strings.Join(append(s, c.key), "+")
}

// ParseCombo reads modifiers (Ctrl, Alt, Shift, Super) and one key, joined by
// +, in any case. Ctrl, Alt or Super must be among them, or typing would set it
// off. Keys are letters, digits, F1 to F12 and those with a name of their own.
func ParseCombo(s string) (Combo, error) {
	var c Combo
	parts := strings.Split(s, "+")
	last := len(parts) - 1
	for _, p := range parts[:last] {
		switch strings.ToLower(strings.TrimSpace(p)) {
		case "ctrl", "control":
			c.ctrl = true
		case "alt":
			c.alt = true
		case "shift":
			c.shift = true
		case "super", "meta", "win":
			c.super = true
		default:
			return Combo{}, fmt.Errorf("platform: %q is none of Ctrl, Alt, Shift, Super", p)
		}
	}
	if c.key, c.sym = keySym(strings.TrimSpace(parts[last])); c.sym == 0 {
		return Combo{}, fmt.Errorf("platform: %q is no key that a combination can end with", parts[last])
	}
	if !c.ctrl && !c.alt && !c.super {
		return Combo{}, errors.New("platform: a key combination needs Ctrl, Alt or Super")
	}
	return c, nil
}

// keySym finds a key's proper name and X keysym (keysymdef.h); 0 for none.
func keySym(name string) (string, uint32) {
	if len(name) == 1 {
		switch b := strings.ToLower(name)[0]; {
		case b >= 'a' && b <= 'z', b >= '0' && b <= '9':
			return strings.ToUpper(name), uint32(b)
		}
	}
	for n := range uint32(12) {
		if f := fmt.Sprintf("F%d", n+1); strings.EqualFold(name, f) {
			return f, 0xffbe + n
		}
	}
	for _, k := range []struct {
		name string
		sym  uint32
	}{
		{"Escape", 0xff1b}, {"Pause", 0xff13}, {"Backspace", 0xff08}, {"Delete", 0xffff}, {"Insert", 0xff63},
		{"Home", 0xff50}, {"End", 0xff57}, {"Space", 0x20}, {"Tab", 0xff09},
	} {
		if strings.EqualFold(name, k.name) {
			return k.name, k.sym
		}
	}
	return "", 0
}

// Hotkey ticks whenever combo is pressed anywhere on the desktop, coalesced,
// until ctx ends; then the channel is closed. It needs no window of ours and
// works on a connection and a goroutine of its own. ErrTaken means that another
// program has the combination; ErrUnsupported that this system has no such
// thing.
//
// On X11 the combination is kept from every other program (XGrabKey), whatever
// the state of the lock keys and of modifiers like AltGr. While some program has grabbed the whole
// keyboard, as open menus do, the server tells that one alone; [Desktop.Held]
// ticks even then.
func (d *Desktop) Hotkey(ctx context.Context, combo Combo) (<-chan struct{}, error) {
	return d.impl.hotkey(ctx, combo)
}

// Held ticks while combo is down on the person's own keyboard, coalesced,
// whoever is told of it, until ctx ends; then the channel is closed. It has a
// connection of its own to the display server, and asks nothing of it while
// that keyboard rests. ErrUnsupported where there is no such thing; another
// error where the server does not say when a keyboard is used.
func (d *Desktop) Held(ctx context.Context, combo Combo) (<-chan struct{}, error) {
	return d.impl.heldDown(ctx, combo)
}
