package xinput

import (
	"encoding/binary"
	"fmt"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// More minor opcodes of XKB, and numbers of its events (XKBproto.h, XKB.h).
const (
	opKbSelectEvents = 1
	opKbGetControls  = 6
	opKbGetMap       = 8

	kbNewKeyboard = 0
	kbMapNotify   = 1
)

// Controls of a keyboard that are on (XKB protocol, "Keyboard Controls"), as far
// as somebody here asks for them.
const (
	SlowKeys    uint32 = 1 << 1
	StickyKeys  uint32 = 1 << 3
	MouseKeys   uint32 = 1 << 4
	AccessXKeys uint32 = 1 << 6
	Overlay1    uint32 = 1 << 10
	Overlay2    uint32 = 1 << 11
)

// Keyboards asks for the maps and controls of keyboards (XKB). Its connection is
// one that speaks XKB by then: the server sends it no MappingNotify any more.
// It keeps no state but numbers: any goroutine may use it.
type Keyboards struct {
	x     *Client
	event byte // the number of XKB's events
}

// NewKeyboards makes c a connection that speaks XKB. ErrNoXKB.
func NewKeyboards(c *xgb.Conn) (*Keyboards, error) {
	kb, event, err := useXKB(c)
	if err != nil {
		return nil, err
	}
	return &Keyboards{kb, event}, nil
}

// useXKB agrees on a version.
func useXKB(c *xgb.Conn) (kb *Client, event byte, err error) {
	const name = "XKEYBOARD"
	const major, minor = 1, 0
	e, err := xproto.QueryExtension(c, uint16(len(name)), name).Reply()
	if err != nil {
		return nil, 0, fmt.Errorf("xinput: XKB: %w", err)
	}
	if !e.Present {
		return nil, 0, ErrNoXKB
	}
	kb = &Client{c, e.MajorOpcode}
	r, err := kb.ask(u16(u16(kb.request(opKbUse), major), minor)).Reply()
	if err != nil {
		return nil, 0, fmt.Errorf("xinput: XKB: %w", err)
	}
	if len(r) < replySize || r[1] == 0 {
		return nil, 0, ErrNoXKB
	}
	return kb, e.FirstEvent, nil
}

// Watch has the server tell the connection of every new map of the keyboard id, and
// of changes of keys in it.
func (k *Keyboards) Watch(id DeviceID) error {
	const both = 1<<kbNewKeyboard | 1<<kbMapNotify
	// All but what is explicit: that changes with the repeat of a key.
	const allParts = 0xff &^ (1 << 3)
	b := u16(u16(u16(k.x.request(opKbSelectEvents), uint16(id)), both), 0)
	b = u16(u16(u16(b, both), allParts), allParts)
	if err := k.x.tell(b).Check(); err != nil {
		return fmt.Errorf("xinput: watch a keyboard: %w", err)
	}
	return nil
}

// NewMap is the keyboard whose new map an event tells of; false for every other
// event.
func (k *Keyboards) NewMap(ev xgb.Event) (DeviceID, bool) {
	if ev == nil {
		return 0, false
	}
	b := ev.Bytes()
	if len(b) < replySize || b[0]&0x7f != k.event || b[1] > kbMapNotify {
		return 0, false
	}
	return DeviceID(b[8]), true
}

// ControlsCookie is a question for controls, on its way.
type ControlsCookie struct{ c *xgb.Cookie }

// Controls asks which controls of the keyboard id are on.
func (k *Keyboards) Controls(id DeviceID) ControlsCookie {
	return ControlsCookie{k.x.ask(u16(u16(k.x.request(opKbGetControls), uint16(id)), 0))}
}

// Reply waits for the answer.
func (c ControlsCookie) Reply() (uint32, error) {
	const size, enabled = 92, 56
	r, err := c.c.Reply()
	if err != nil {
		return 0, fmt.Errorf("xinput: controls: %w", err)
	}
	if len(r) < size {
		return 0, ErrMalformed
	}
	return binary.LittleEndian.Uint32(r[enabled:]), nil
}

// ActionKind is what a key does in the server itself (XKB protocol, "Key
// Actions").
type ActionKind byte

// The kinds.
const (
	NoAction ActionKind = iota
	SetMods
	LatchMods
	LockMods
	SetGroup
	LatchGroup
	LockGroup
	MovePointer
	PointerButton
	LockPointerButton
	SetPointerDefault
	ISOLock
	Terminate
	SwitchScreen
	SetControls
	LockControls
	ActionMessage
	RedirectKey
)

// Action is a kind with what follows it.
type Action struct {
	Kind ActionKind
	Data [7]byte
}

// Level is what a key is with some modifiers.
type Level struct {
	// Mods are the modifiers with which it is that, each as in the state of
	// events; the first level, if that is Else, is so with all other sets too.
	Mods []byte
	Else bool
	// Sym is the keysym, 0 for none.
	Sym    xproto.Keysym
	Action Action
}

// Key is one keycode of a map.
type Key struct {
	// Levels are those of all its groups.
	Levels []Level
	// Behavior is 0 for a key that goes down and up (XKB protocol, "Key
	// Behavior"), without the bit that says that the hardware does it.
	Behavior byte
}

// Keymap is a keyboard's map, by keycode.
type Keymap [256]Key

// Map asks for the map of the keyboard id.
func (k *Keyboards) Map(id DeviceID) (*Keymap, error) {
	const types, syms, actions, behaviors = 1 << 0, 1 << 1, 1 << 4, 1 << 5
	b := u16(u16(u16(k.x.request(opKbGetMap), uint16(id)), types|syms|actions|behaviors), 0)
	r, err := k.x.ask(append(b, make([]byte, 18)...)).Reply()
	if err != nil {
		return nil, fmt.Errorf("xinput: map: %w", err)
	}
	return parseMap(r)
}

// cursor reads a reply from the front; bad once it is at its end.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.bad = true
		return make([]byte, n)
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

// keyType says which modifiers lead to which level of a key.
type keyType struct {
	levels int
	// with are the sets of modifiers that lead to a level.
	with map[int][]byte
}

// symsOf is the keysyms of a key: groups times width of them.
type symsOf struct {
	types         [4]byte
	groups, width int
	syms          []xproto.Keysym
}

func parseMap(r []byte) (*Keymap, error) {
	const header = 40
	if len(r) < header {
		return nil, ErrMalformed
	}
	h := struct {
		types, firstSym, syms, firstAct, acts, behaviors int
	}{int(r[15]), int(r[17]), int(r[20]), int(r[21]), int(r[24]), int(r[27])}
	if h.firstSym+h.syms > 256 || h.firstAct+h.acts > 256 {
		return nil, ErrMalformed
	}
	c := &cursor{b: r[header:]}
	types := make([]keyType, h.types)
	for i := range types {
		types[i] = parseType(c)
	}
	keys := make([]symsOf, 256)
	for i := range h.syms {
		keys[h.firstSym+i] = parseSyms(c)
	}
	counts := c.take((h.acts + 3) / 4 * 4)
	actions := make([][]Action, 256)
	for i := range h.acts {
		for range counts[i] {
			a := c.take(8)
			actions[h.firstAct+i] = append(actions[h.firstAct+i], Action{ActionKind(a[0]), [7]byte(a[1:])})
		}
	}
	var m Keymap
	for range h.behaviors {
		const permanent = 0x80
		e := c.take(4)
		m[e[0]].Behavior = e[1] &^ permanent
	}
	if c.bad {
		return nil, ErrMalformed
	}
	for code, k := range keys {
		if err := m[code].fill(k, types, actions[code]); err != nil {
			return nil, err
		}
	}
	return &m, nil
}

func parseType(c *cursor) keyType {
	const entry, preserved = 8, 4
	h := c.take(8)
	t, n := keyType{levels: int(h[4]), with: map[int][]byte{}}, int(h[5])
	for range n {
		e := c.take(entry)
		if e[0] != 0 { // else a modifier of it is on no key
			t.with[int(e[2])] = append(t.with[int(e[2])], e[1])
		}
	}
	if h[6] != 0 {
		c.take(n * preserved)
	}
	return t
}

func parseSyms(c *cursor) symsOf {
	h := c.take(8)
	k := symsOf{types: [4]byte(h), groups: int(h[4] & 0x0f), width: int(h[5])}
	for range binary.LittleEndian.Uint16(h[6:]) {
		if c.bad {
			break
		}
		k.syms = append(k.syms, xproto.Keysym(binary.LittleEndian.Uint32(c.take(4))))
	}
	return k
}

// fill makes the levels of a key.
func (k *Key) fill(s symsOf, types []keyType, actions []Action) error {
	const maxGroups = 4
	if s.groups > maxGroups || s.groups*s.width > len(s.syms) || len(actions) > 0 && len(actions) < s.groups*s.width {
		return ErrMalformed
	}
	for g := range s.groups {
		if int(s.types[g]) >= len(types) {
			return ErrMalformed
		}
		t := types[s.types[g]]
		if t.levels > s.width {
			return ErrMalformed
		}
		for i := range t.levels {
			l := Level{Mods: t.with[i], Else: i == 0, Sym: s.syms[g*s.width+i]}
			if len(actions) > 0 {
				l.Action = actions[g*s.width+i]
			}
			k.Levels = append(k.Levels, l)
		}
	}
	return nil
}
