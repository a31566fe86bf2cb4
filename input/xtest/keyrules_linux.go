package xtest

import (
	"slices"
	"strings"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11/xinput"
)

// keyRules says what no guest may press on a keyboard with one map: each keycode
// with the sets of modifiers that make it act on the machine. A set matches if
// all of it is down, whatever else is: the keyboard, the device under it and the
// clients may each see another state.
type keyRules struct {
	// never is always forbidden, pointer while the keyboard moves the pointer
	// (the control MouseKeys), and stays is what goes on after it is let go: locks,
	// latches and other groups.
	never, pointer, stays [256][]byte
	// holds are the modifiers that a key is while it is down. The modifier map
	// does not have them all: of AltGr it knows another key.
	holds [256]byte
}

// Keysyms of keys that lock a modifier which counts for no chord (keysymdef.h).
const symNumLock, symScrollLock = 0xff7f, 0xff14

// rulesOf reads the map of a keyboard.
func rulesOf(m *xinput.Keymap) *keyRules {
	locks := byte(xproto.ModMaskLock)
	for _, k := range m {
		for _, l := range k.Levels {
			if l.Action.Kind == xinput.LockMods && (l.Sym == symNumLock || l.Sym == symScrollLock) {
				locks |= l.Action.Data[1] // flags, then the modifiers
			}
		}
	}
	r := &keyRules{}
	for code, k := range m {
		const lockDown, radioGroup = 1, 2 // down until it is pressed again, or another is
		if k.Behavior == lockDown || k.Behavior == radioGroup {
			r.never[code] = []byte{0}
		}
		for _, l := range k.Levels {
			sets := slices.Clone(l.Mods)
			if l.Else {
				sets = append(sets, 0)
			}
			for i := range sets {
				sets[i] &^= locks
			}
			r.level(byte(code), l, sets, m)
		}
	}
	return r
}

// level notes what one level of a key does with sets of modifiers.
func (r *keyRules) level(code byte, l xinput.Level, sets []byte, m *xinput.Keymap) {
	switch {
	case symBanned(l.Sym):
		r.never[code] = append(r.never[code], sets...)
	case l.Action.Kind == xinput.RedirectKey: // to another key, with other modifiers: to any of its levels
		other := m[l.Action.Data[0]]
		if slices.ContainsFunc(other.Levels, func(o xinput.Level) bool { return symBanned(o.Sym) || !harmless(o.Action.Kind) }) {
			r.never[code] = append(r.never[code], sets...)
		}
	case pointerAction(l.Action.Kind):
		r.pointer[code] = append(r.pointer[code], sets...)
	case !harmless(l.Action.Kind):
		r.never[code] = append(r.never[code], sets...)
	case stays(l.Action.Kind):
		r.stays[code] = append(r.stays[code], sets...)
	case l.Action.Kind == xinput.SetMods:
		r.holds[code] |= l.Action.Data[1]
	}
}

// harmless are actions of a key that are about the keyboard alone.
func harmless(k xinput.ActionKind) bool {
	return k == xinput.NoAction || k == xinput.SetMods || k == xinput.SetGroup || stays(k)
}

// pointerAction are those that do something only while the control MouseKeys is
// on. They are on the number pad of every usual map.
func pointerAction(k xinput.ActionKind) bool {
	return k >= xinput.MovePointer && k <= xinput.SetPointerDefault
}

// stays are those whose effect does not end when the key is let go.
func stays(k xinput.ActionKind) bool {
	switch k {
	case xinput.LatchMods, xinput.LockMods, xinput.LatchGroup, xinput.LockGroup, xinput.ISOLock:
		return true
	default:
		return false
	}
}

// match reports whether one of the sets is down.
func match(sets []byte, down byte) bool {
	return slices.ContainsFunc(sets, func(s byte) bool { return s&^down == 0 })
}

// forbids reports whether a key may not go down while modifiers are, with these
// controls of the keyboard; shared says that it is the host's own keyboard.
func (r *keyRules) forbids(code, down byte, controls uint32, shared bool) bool {
	// With these a key does something later, or is another.
	const later = xinput.SlowKeys | xinput.Overlay1 | xinput.Overlay2
	// With these a modifier goes on after it is let go.
	const sticky = xinput.StickyKeys | xinput.AccessXKeys
	switch {
	case controls&later != 0, match(r.never[code], down):
		return true
	case controls&xinput.MouseKeys != 0 && match(r.pointer[code], down):
		return true
	case shared:
		return match(r.stays[code], down) || controls&sticky != 0 && r.holds[code] != 0
	}
	return false
}

// watchMaps reads the rules of the keyboards that count, and hears of every new
// map from then on: the one that acts, the device of XTEST under it, and the
// host's, by which clients read keys.
func (h *hands) watchMaps() error {
	h.fake = h.kbd
	if h.xi != nil {
		all, err := h.xi.Devices()
		if err != nil {
			return err
		}
		for _, d := range all {
			if d.Use == xinput.SlaveKeyboard && d.Attachment == h.kbd && strings.HasSuffix(d.Name, "XTEST keyboard") {
				h.fake = d.ID
			}
		}
	}
	h.rules = map[xinput.DeviceID]*keyRules{}
	if h.kb == nil {
		return nil
	}
	for _, id := range []xinput.DeviceID{h.kbd, h.fake, xinput.CoreKeyboard} {
		if err := h.kb.Watch(id); err != nil {
			return err
		}
		if err := h.readRules(id); err != nil {
			return err
		}
	}
	return nil
}

func (h *hands) readRules(id xinput.DeviceID) error {
	m, err := h.kb.Map(id)
	if err == nil {
		h.rules[id] = rulesOf(m)
	}
	return err
}

// askControls asks for the controls of the keyboard that acts, and of the device
// under it.
func (h *hands) askControls() []xinput.ControlsCookie {
	if h.kb == nil {
		return nil
	}
	return []xinput.ControlsCookie{h.kb.Controls(h.kbd), h.kb.Controls(h.fake)}
}

// forbidden reports whether a keycode may not go down now, by what any level of
// the keyboard's map makes of it. A modifier may not go down either if it would
// make such a thing of a key that is held, which repeats.
func (s *section) forbidden(code byte) bool {
	h := s.d.hands
	down := byte(s.mask)
	for _, r := range h.rules {
		if r.forbids(code, down, s.controls, !h.second) {
			return true
		}
	}
	const plain = xproto.ModMaskShift | xproto.ModMaskLock | xproto.ModMask2
	if h.kb == nil && h.layout.high[code] && down&^plain != 0 {
		return true // which modifiers it needs is not known
	}
	bits := h.layout.bits[code]
	for _, r := range h.rules {
		bits |= r.holds[code]
	}
	if bits == 0 {
		return false
	}
	for _, k := range s.d.down {
		for _, r := range h.rules {
			if !k.button && k.code != code && r.forbids(k.code, down|bits, s.controls, !h.second) {
				return true
			}
		}
	}
	return false
}
