//go:build linux && x11

package robot

import (
	"strconv"

	"github.com/jezek/xgb/xproto"
)

// symNames are robotgo's names of keysyms that are no characters.
var symNames = map[xproto.Keysym]string{ //nolint:gochecknoglobals // a constant table
	0xff08: "backspace", 0xff09: "tab", 0xff0d: "enter", 0xff1b: "esc", 0xffff: "delete",
	0xff50: "home", 0xff51: "left", 0xff52: "up", 0xff53: "right", 0xff54: "down",
	0xff55: "pageup", 0xff56: "pagedown", 0xff57: "end", 0xff63: "insert", 0x0020: "space",
	0xff67: "menu", 0xff14: "scroll_lock", 0xff13: "pause_break", 0xff7f: "num_lock", 0xffe5: "capslock",
	0xffe1: "shift", 0xffe2: "shiftr", 0xffe3: "ctrl", 0xffe4: "ctrlr", 0xffe9: "alt", 0xffea: "altr",
	0xffab: "num+", 0xffad: "num-", 0xffaa: "num*", 0xffaf: "num/", 0xff8d: "num_enter", 0xffbd: "num_equal",
}

// nameOf is what robotgo calls a keysym; "" if it has no name for it.
func nameOf(s xproto.Keysym) string {
	const f1, f24, unicode = 0xffbe, 0xffd5, 0x01000000
	switch {
	case symNames[s] != "":
		return symNames[s]
	case s >= f1 && s <= f24:
		return "f" + strconv.Itoa(int(s-f1)+1)
	case s > 0x20 && s < 0x7f || s > 0xa0 && s <= 0xff:
		return string(rune(s))
	case s > unicode+0xff && s <= unicode+0x10ffff:
		return string(rune(s - unicode))
	}
	return ""
}

// keyNames finds the names with which robotgo presses exactly one physical
// key. robotgo takes the first key on which a symbol is, plain or with Shift;
// with Shift it would press that as well.
func keyNames(c *robotConn) (names [256]string) {
	per := int(c.per)
	if per == 0 {
		return names
	}
	seen := map[xproto.Keysym]bool{0: true}
	for i := 0; (i+1)*per <= len(c.syms); i++ {
		plain := c.syms[i*per]
		if code := int(c.first) + i; code < len(names) && !seen[plain] {
			names[code] = nameOf(plain)
		}
		seen[plain] = true
		if per > 1 {
			seen[c.syms[i*per+1]] = true
		}
	}
	return names
}
