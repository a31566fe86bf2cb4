package xtest

import (
	"slices"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"golang.org/x/text/encoding/charmap"
)

// unicodeSym is added to a character to make its keysym (X protocol, appendix
// A).
const unicodeSym = 0x01000000

// keysymOf is the keysym of a character: Latin-1 has the numbers of its own,
// which older clients insist on.
func keysymOf(r rune) xproto.Keysym {
	if r >= 0x20 && r <= 0x7e || r >= 0xa0 && r <= 0xff {
		return xproto.Keysym(r)
	}
	return xproto.Keysym(unicodeSym + r)
}

// runeOf is the character of a keysym; 0 if it has none, or one that is not
// known here: then it is typed on a spare keycode. The old pages of keysyms
// follow the 8-bit character sets of their time (keysymdef.h).
func runeOf(sym xproto.Keysym) rune {
	page, low := sym>>8, byte(sym)
	var set *charmap.Charmap
	switch {
	case sym >= unicodeSym && sym <= unicodeSym+0x10ffff:
		return rune(sym - unicodeSym)
	case page == 0 && (low >= 0x20 && low <= 0x7e || low >= 0xa0):
		return rune(low)
	case sym == 0x20ac:
		return '€'
	case low < 0xa0:
		return 0
	case page == 1:
		set = charmap.ISO8859_2
	case page == 2:
		set = charmap.ISO8859_3
	case page == 3:
		set = charmap.ISO8859_4
	case page == 6 && low >= 0xc0, page == 6 && (low == 0xa3 || low == 0xb3): // with Ё
		set = charmap.KOI8R
	case page == 0x0c && low >= 0xe0:
		set = charmap.ISO8859_8
	case page == 0x13:
		set = charmap.ISO8859_15
	default:
		return 0
	}
	r := set.DecodeByte(low)
	if r == 0xfffd {
		return 0
	}
	return r
}

// perKey is how many keysyms a borrowed keycode gets: two groups of two levels,
// all the same, so that modifiers change nothing.
const perKey = 4

// mapKey changes a keycode of the client pointer's keyboard and waits for it;
// sym 0 empties it.
func mapKey(c *xgb.Conn, code byte, sym xproto.Keysym) error {
	syms := slices.Repeat([]xproto.Keysym{sym}, perKey)
	return xproto.ChangeKeyboardMappingChecked(c, 1, xproto.Keycode(code), perKey, syms).Check()
}

// noteCodes keeps a list of keycodes on the root; an empty one is deleted.
func noteCodes(c *xgb.Conn, root xproto.Window, atom xproto.Atom, codes []byte) {
	if len(codes) == 0 {
		xproto.DeleteProperty(c, root, atom)
		return
	}
	xproto.ChangeProperty(c, xproto.PropModeReplace, root, atom, xproto.AtomCardinal, 8, uint32(len(codes)), codes)
}

// clearCodes gives back what a process that is gone had borrowed, as far as it
// still is as that one left it.
func clearCodes(c *xgb.Conn, root xproto.Window, atom xproto.Atom) error {
	p, err := xproto.GetProperty(c, true, root, atom, xproto.AtomCardinal, 0, 64).Reply()
	if err != nil {
		return err
	}
	for _, code := range p.Value {
		m, err := xproto.GetKeyboardMapping(c, xproto.Keycode(code), 1).Reply()
		if err != nil || len(m.Keysyms) == 0 || m.Keysyms[0] == 0 {
			continue
		}
		lent := m.Keysyms[:min(len(m.Keysyms), perKey)]
		if len(slices.Compact(slices.Clone(lent))) == 1 {
			if err := mapKey(c, code, 0); err != nil {
				return err
			}
		}
	}
	return nil
}
