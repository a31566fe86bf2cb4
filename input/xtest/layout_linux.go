package xtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/wire"
)

// layout is what the keyboard map says about keycodes.
type layout struct {
	// mods are the modifiers that a keycode holds, and bits the same as in the
	// state of events, with those that have no name here.
	mods [256]wire.Mods
	bits [256]byte
	// banned keycodes act on the machine, whatever their place; high ones do so
	// with modifiers that are not known.
	banned, high [256]bool
	// runes are what a keycode types in the first two groups, plain and with
	// Shift; 0 where that is no character. empty means that it types nothing.
	runes [256][4]rune
	empty [256]bool
	// at is when it was asked for.
	at time.Time
}

// bannedSyms are keysyms that act on the machine or the session, not on a
// window (X11/keysymdef.h, XF86keysym.h). The deny list of package input knows
// keys by position; this catches layouts that moved them (swapped Alt and
// Super, for example).
var bannedSyms = [...]struct{ from, to xproto.Keysym }{ //nolint:gochecknoglobals // a constant table
	{0xffeb, 0xffee},         // Super, Hyper
	{0xff61, 0xff61},         // Print
	{0xff15, 0xff15},         // Sys_Req
	{0xfed5, 0xfed5},         // Terminate_Server
	{0xfe70, 0xfe7a},         // AccessX: keys that stick, bounce, repeat or move the pointer
	{0xfee0, 0xfef9},         // Pointer_*: keys that move and press the pointer
	{0x1008fe00, 0x1008feff}, // XF86 Switch_VT, Ungrab and other server actions
	{0x1008ff02, 0x1008ff08}, // screen and keyboard brightness
	{0x1008ff10, 0x1008ff13}, // Standby, volume
	{0x1008ff21, 0x1008ff21}, // PowerDown
	{0x1008ff2a, 0x1008ff2d}, // PowerOff, WakeUp, Eject, ScreenSaver
	{0x1008ff2f, 0x1008ff2f}, // Sleep
	{0x1008ff59, 0x1008ff59}, // Display
	{0x1008ff61, 0x1008ff61}, // LogOff
	{0x1008ff94, 0x1008ff95}, // Bluetooth, WLAN
	{0x1008ffa7, 0x1008ffa9}, // Suspend, Hibernate, TouchpadToggle
	{0x1008ffb0, 0x1008ffb5}, // touchpad, microphone, RFKill
}

func readLayout(c *xgb.Conn) (*layout, error) {
	at := time.Now()
	setup := xproto.Setup(c)
	first := setup.MinKeycode
	mc := xproto.GetModifierMapping(c)
	kc := xproto.GetKeyboardMapping(c, first, byte(setup.MaxKeycode-first)+1)
	m, err := mc.Reply()
	if err != nil {
		return nil, fmt.Errorf("xtest: read modifiers: %w", err)
	}
	k, err := kc.Reply()
	if err != nil {
		return nil, fmt.Errorf("xtest: read keyboard map: %w", err)
	}
	l := &layout{at: at}
	// The rows are Shift, Lock, Control, Mod1 to Mod5; Alt is Mod1 and Super is
	// Mod4 by convention.
	rows := [8]wire.Mods{0: wire.ModShift, 2: wire.ModCtrl, 3: wire.ModAlt, 6: wire.ModSuper}
	if per := int(m.KeycodesPerModifier); per > 0 {
		for i, code := range m.Keycodes {
			if code != 0 && i/per < len(rows) {
				l.mods[code] |= rows[i/per]
				l.bits[code] |= 1 << (i / per)
			}
		}
	}
	if per := int(k.KeysymsPerKeycode); per > 0 {
		for i, sym := range k.Keysyms {
			// The first four are two groups, plain and with Shift: what a client
			// without XKB knows. All levels are in keyRules.
			if symBanned(sym) {
				l.banned[int(first)+i/per] = l.banned[int(first)+i/per] || i%per < 4
				l.high[int(first)+i/per] = true
			}
		}
		for i := range len(k.Keysyms) / per {
			l.characters(first+xproto.Keycode(i), k.Keysyms[i*per:(i+1)*per])
		}
	}
	return l, nil
}

// characters notes what a keycode types. A level that is left out is that below
// it.
func (l *layout) characters(code xproto.Keycode, syms []xproto.Keysym) {
	l.empty[code] = !slices.ContainsFunc(syms, func(s xproto.Keysym) bool { return s != 0 })
	for i, sym := range syms[:min(4, len(syms))] {
		if sym == 0 && i%2 == 1 {
			sym = syms[i-1]
		}
		l.runes[code][i] = runeOf(sym)
	}
}

func symBanned(s xproto.Keysym) bool {
	for _, b := range bannedSyms {
		if b.from <= s && s <= b.to {
			return true
		}
	}
	return false
}

// maskMods are the modifiers in the state mask of an event or reply.
func maskMods(m uint16) wire.Mods {
	var out wire.Mods
	for _, b := range [...]struct {
		mask uint16
		mod  wire.Mods
	}{
		{xproto.ModMaskShift, wire.ModShift},
		{xproto.ModMaskControl, wire.ModCtrl},
		{xproto.ModMask1, wire.ModAlt},
		{xproto.ModMask4, wire.ModSuper},
	} {
		if m&b.mask != 0 {
			out |= b.mod
		}
	}
	return out
}
