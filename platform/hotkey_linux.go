package platform

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11"
)

// chord is a Combo by the numbers of one keyboard mapping.
type chord struct {
	codes []xproto.Keycode
	mods  uint16
	// locks holds the bits that do not count: of the lock keys, and of modifiers
	// without a name in combinations, such as AltGr, which a guest may hold.
	locks []uint16
	// held holds, for each modifier of the combination, the keys that make it.
	held [][]xproto.Keycode
}

// Keysyms of modifiers (keysymdef.h).
const (
	symShiftL, symShiftR     = 0xffe1, 0xffe2
	symControlL, symControlR = 0xffe3, 0xffe4
	symAltL, symAltR         = 0xffe9, 0xffea
	symSuperL, symSuperR     = 0xffeb, 0xffec
)

// chordOf looks a combination up in the keyboard mapping of now.
func chordOf(c *x11.Conn, combo Combo) (chord, error) {
	var out chord
	setup := xproto.Setup(c.Conn)
	first := setup.MinKeycode
	km, err := xproto.GetKeyboardMapping(c.Conn, first, byte(setup.MaxKeycode-first)+1).Reply()
	if err != nil {
		return out, fmt.Errorf("platform: keyboard mapping: %w", err)
	}
	mm, err := xproto.GetModifierMapping(c.Conn).Reply()
	if err != nil {
		return out, fmt.Errorf("platform: modifier mapping: %w", err)
	}
	find := func(syms ...xproto.Keysym) []xproto.Keycode { return keysOf(km, first, syms) }
	maskOf := func(codes []xproto.Keycode) uint16 { return maskOf(mm, codes) }
	for _, m := range []struct {
		on   bool
		syms []xproto.Keysym
	}{
		{combo.shift, []xproto.Keysym{symShiftL, symShiftR}}, {combo.ctrl, []xproto.Keysym{symControlL, symControlR}},
		{combo.alt, []xproto.Keysym{symAltL, symAltR}}, {combo.super, []xproto.Keysym{symSuperL, symSuperR}},
	} {
		if !m.on {
			continue
		}
		keys := find(m.syms...)
		mask := maskOf(keys)
		if mask == 0 {
			return out, errors.New("platform: the keyboard has no such modifier")
		}
		out.mods |= mask
		out.held = append(out.held, keys)
	}
	if out.codes = find(xproto.Keysym(combo.sym)); len(out.codes) == 0 {
		return out, errors.New("platform: the keyboard has no such key")
	}
	named := uint16(xproto.ModMaskShift | xproto.ModMaskControl)
	named |= out.mods | maskOf(find(symAltL, symAltR)) | maskOf(find(symSuperL, symSuperR))
	for bit := range 8 {
		if mask := uint16(1) << bit; mask&named == 0 {
			out.locks = append(out.locks, mask)
		}
	}
	return out, nil
}

// keysOf are the keycodes, from first on, of which the first keysym is one of syms.
func keysOf(km *xproto.GetKeyboardMappingReply, first xproto.Keycode, syms []xproto.Keysym) (codes []xproto.Keycode) {
	per := int(km.KeysymsPerKeycode)
	for i := 0; i+per <= len(km.Keysyms); i += per {
		for _, sym := range syms {
			if at := km.Keysyms[i : i+per]; at[0] == sym {
				codes = append(codes, first+xproto.Keycode(i/per))
			}
		}
	}
	return codes
}

// maskOf is the modifiers that keycodes are.
func maskOf(mm *xproto.GetModifierMappingReply, codes []xproto.Keycode) (mask uint16) {
	for i, code := range mm.Keycodes {
		for _, want := range codes {
			if code == want && code != 0 {
				mask |= 1 << (i / int(mm.KeycodesPerModifier))
			}
		}
	}
	return mask
}

// each calls f with every keycode and every set of the modifiers that do not count.
func (c chord) each(f func(code xproto.Keycode, mods uint16) error) error {
	for _, code := range c.codes {
		for set := range 1 << len(c.locks) {
			mods := c.mods
			for i, lock := range c.locks {
				if set>>i&1 != 0 {
					mods |= lock
				}
			}
			if err := f(code, mods); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c chord) equal(o chord) bool {
	return c.mods == o.mods && slices.Equal(c.codes, o.codes) && slices.Equal(c.locks, o.locks)
}

// grab takes the combination on the root window, or nothing of it.
func grab(c *x11.Conn, combo Combo) (chord, error) {
	k, err := chordOf(c, combo)
	if err != nil {
		return k, err
	}
	err = k.each(func(code xproto.Keycode, mods uint16) error {
		return xproto.GrabKeyChecked(c.Conn, false, c.Root, mods, code, xproto.GrabModeAsync, xproto.GrabModeAsync).Check()
	})
	if err == nil {
		return k, nil
	}
	ungrab(c, k)
	var denied xproto.AccessError
	if errors.As(err, &denied) {
		return k, ErrTaken
	}
	return k, fmt.Errorf("platform: key combination: %w", err)
}

func ungrab(c *x11.Conn, k chord) {
	_ = k.each(func(code xproto.Keycode, mods uint16) error { // what is not grabbed is no error
		xproto.UngrabKey(c.Conn, code, c.Root, mods)
		return nil
	})
}

func (x *xdesktop) hotkey(ctx context.Context, combo Combo) (<-chan struct{}, error) {
	c, err := x11.Connect(x.display)
	if err != nil {
		return nil, err
	}
	k, err := grab(c, combo)
	if err != nil {
		c.Close()
		return nil, err
	}
	ch := make(chan struct{}, 1)
	context.AfterFunc(ctx, c.Close)
	go func() {
		defer close(ch)
		for {
			ev, err := c.WaitForEvent()
			if ev == nil && err == nil {
				return
			}
			switch e := ev.(type) {
			case xproto.KeyPressEvent:
				select {
				case ch <- struct{}{}:
				default:
				}
			case xproto.MappingNotifyEvent:
				if e.Request == xproto.MappingPointer {
					continue
				}
				// Every change of hands between two keyboards is one too: a
				// grab that is right already must not pause for it.
				if same, err := chordOf(c, combo); err == nil && same.equal(k) {
					continue
				}
				ungrab(c, k)
				var lost error
				if k, lost = grab(c, combo); lost != nil {
					x.log.Warn("key combination lost with a change of the keyboard", "err", lost)
				}
			}
		}
	}()
	return ch, nil
}

// held reports whether a combination is down right now, whoever is told of it.
func held(c *x11.Conn, combo Combo) bool {
	down, err := xproto.QueryKeymap(c.Conn).Reply()
	if err != nil || [32]byte(down.Keys) == ([32]byte{}) {
		return false
	}
	k, err := chordOf(c, combo)
	if err != nil {
		return false
	}
	some := func(codes []xproto.Keycode) bool {
		for _, code := range codes {
			if down.Keys[code/8]>>(code%8)&1 != 0 {
				return true
			}
		}
		return false
	}
	for _, keys := range k.held {
		if !some(keys) {
			return false
		}
	}
	return some(k.codes)
}
