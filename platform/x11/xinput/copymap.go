package xinput

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/jezek/xgb"
)

// Minor opcodes of XKB (XKBproto.h).
const (
	opKbGetCompatMap = 10
	opKbSetCompatMap = 11
	opKbGetNames     = 17
	opKbSetNames     = 18
)

// allParts are the parts of a keyboard map: types, keysyms, modifiers, explicit
// components, actions, behaviours, virtual modifiers and their keys.
const allParts = 0xff

// namesOfUse are all names but that of the geometry, which nothing has.
const namesOfUse = 0x3fff &^ (1 << 1)

// CopyMap gives the keyboard to the whole map of the keyboard from: what keys
// type and do, which are modifiers, how that was worked out, and what all that
// is called. Both are masters; the slaves of to get it as well. What is the same
// already is not set again. Lights, controls (as the repeat of keys) and the
// geometry stay as they are. The server should be grabbed: else the map may
// change in between. It makes this connection a client that speaks XKB, as Renew
// does. ErrNoXKB; ErrMalformed for a map that is not as the protocol says.
func (x *Client) CopyMap(from, to DeviceID) error {
	kb, _, err := useXKB(x.c)
	if err != nil {
		return fmt.Errorf("xinput: copy map: %w", err)
	}
	all, err := x.Devices()
	if err != nil {
		return err
	}
	ids := []DeviceID{to}
	for _, d := range all {
		if d.Use == SlaveKeyboard && d.Attachment == to {
			ids = append(ids, d.ID)
		}
	}
	if err := kb.copyMap(from, ids); err != nil {
		return fmt.Errorf("xinput: copy map: %w", err)
	}
	return nil
}

// askMap asks for a keyboard's map, its compatibility map and its names.
func (x *Client) askMap(id DeviceID) [3]*xgb.Cookie {
	const ranges = 20 // bytes: nothing in part, and for each part the first and how many
	const groups, all = 0xf, 1
	return [3]*xgb.Cookie{
		x.ask(append(u16(u16(x.request(opKbGetMap), uint16(id)), allParts), make([]byte, ranges)...)),
		x.ask(append(u16(x.request(opKbGetCompatMap), uint16(id)), groups, all, 0, 0, 0, 0)),
		x.ask(u32(u16(u16(x.request(opKbGetNames), uint16(id)), 0), namesOfUse)),
	}
}

// readMap reads what askMap asks for.
func (x *Client) readMap(id DeviceID) (out [3][]byte, err error) {
	for i, c := range x.askMap(id) {
		if out[i], err = c.Reply(); err != nil {
			return out, err
		}
		if len(out[i]) < replySize {
			return out, ErrMalformed
		}
	}
	return out, nil
}

func (x *Client) copyMap(from DeviceID, ids []DeviceID) error {
	has, err := x.readMap(from)
	if err != nil {
		return err
	}
	head, body, err := setMapOf(has[0])
	if err != nil {
		return err
	}
	compat, err := setCompatOf(has[1])
	if err != nil {
		return err
	}
	names, err := setNamesOf(has[2])
	if err != nil {
		return err
	}
	for _, id := range ids {
		is, err := x.readMap(id)
		if err != nil {
			return err
		}
		for i, r := range []struct {
			op   byte
			rest []byte
		}{{opKbSetMap, append(head, body...)}, {opKbSetCompatMap, compat}, {opKbSetNames, names}} {
			const sameFrom = 4 // before are the device and the number of the request
			if bytes.Equal(is[i][sameFrom:], has[i][sameFrom:]) {
				continue // nobody has to hear of it
			}
			if err := x.tell(append(u16(x.request(r.op), uint16(id)), r.rest...)).Check(); err != nil {
				return err
			}
		}
	}
	return nil
}

// setMapOf makes of a GetMap reply what follows the device in a SetMap: the
// fixed part and the lists. All lists have the same form in both, but for that of
// the key types, whose entries are shorter in a request.
func setMapOf(r []byte) (head, body []byte, err error) {
	const fixed = 40
	if len(r) < fixed {
		return nil, nil, ErrMalformed
	}
	const resizeTypes = 1
	head = u16(u16(nil, binary.LittleEndian.Uint16(r[12:])), resizeTypes)
	head = append(head, r[10], r[11])        // the range of keycodes
	head = append(head, r[14], r[15])        // types: first, how many
	head = append(head, r[17], r[20])        // keysyms: first, keys
	head = append(head, r[18], r[19])        // how many keysyms in all
	head = append(head, r[21], r[24])        // actions: first, keys
	head = append(head, r[22], r[23])        // how many actions
	head = append(head, r[25], r[26], r[27]) // behaviours
	head = append(head, r[28], r[29], r[30]) // explicit components
	head = append(head, r[31], r[32], r[33]) // modifiers
	head = append(head, r[34], r[35], r[36]) // keys of virtual modifiers
	head = append(head, r[38], r[39])        // virtual modifiers
	types, rest, err := setTypes(r[fixed:], int(r[15]))
	if err != nil {
		return nil, nil, err
	}
	return head, append(types, rest...), nil
}

// setTypes turns n key types of a reply into those of a request, and returns what
// follows them.
func setTypes(p []byte, n int) (out, rest []byte, err error) {
	const fixed, entry, preserved = 8, 8, 4
	for range n {
		if len(p) < fixed {
			return nil, nil, ErrMalformed
		}
		entries, preserve := int(p[5]), p[6] != 0
		size := fixed + entries*entry
		if preserve {
			size += entries * preserved
		}
		if len(p) < size {
			return nil, nil, ErrMalformed
		}
		out = append(out, p[:fixed]...)
		for i := range entries { // the level, the real and the virtual modifiers
			e := p[fixed+i*entry:]
			out = append(out, e[2], e[3], e[4], e[5])
		}
		out = append(out, p[fixed+entries*entry:size]...)
		p = p[size:]
	}
	return out, p, nil
}

// setCompatOf makes of a GetCompatMap reply what follows the device in a
// SetCompatMap.
func setCompatOf(r []byte) ([]byte, error) {
	const interpretation, group = 16, 4
	if len(r) < replySize {
		return nil, ErrMalformed
	}
	count := int(binary.LittleEndian.Uint16(r[12:]))
	want := count*interpretation + bits.OnesCount8(r[8])*group
	if len(r) < replySize+want {
		return nil, ErrMalformed
	}
	const recompute, truncate = 0, 1
	b := append([]byte{0, recompute, truncate, r[8]}, r[10], r[11], r[12], r[13], 0, 0)
	return append(b, r[replySize:replySize+want]...), nil
}

// The names that a keyboard may have (XKB.h), in the order of their lists.
const (
	componentNames = 1<<6 - 1 // one atom for each bit
	typeNames      = 1 << 6
	levelNames     = 1 << 7
	indicatorNames = 1 << 8
	modifierNames  = 1 << 11
	groupNames     = 1 << 12
)

// setNamesOf makes of a GetNames reply what follows the device in a SetNames.
// The names of the types that every map begins with cannot be set, and a group
// that has none here loses the one that it may have there.
func setNamesOf(r []byte) ([]byte, error) {
	const required, atom, groups = 4, 4, 0xf
	if len(r) < replySize {
		return nil, ErrMalformed
	}
	which, types, p := binary.LittleEndian.Uint32(r[8:]), int(r[14]), r[replySize:]
	var out []byte
	short := false
	move := func(n int, keep bool) {
		if short = short || n < 0 || len(p) < n; short {
			return
		}
		if keep {
			out = append(out, p[:n]...)
		}
		p = p[n:]
	}
	has := func(bit uint32) bool { return which&bit != 0 }
	move(atom*bits.OnesCount32(which&componentNames), true)
	more := types - required
	if has(typeNames) {
		move(atom*required, false)
		move(atom*more, true)
	}
	levels := 0
	if has(levelNames) {
		levels = int(binary.LittleEndian.Uint16(r[26:]))
		move((types+3)/4*4+atom*levels, true)
	}
	// The bits of the two are not in the order of their lists.
	if has(indicatorNames) {
		move(atom*bits.OnesCount32(binary.LittleEndian.Uint32(r[20:])), true)
	}
	if has(modifierNames) {
		move(atom*bits.OnesCount16(binary.LittleEndian.Uint16(r[16:])), true)
	}
	for g := range 4 {
		if has(groupNames) && r[15]>>g&1 != 0 {
			move(atom, true)
		} else {
			out = append(out, make([]byte, atom)...)
		}
	}
	if short {
		return nil, ErrMalformed
	}
	which |= groupNames
	if more <= 0 {
		which, more = which&^typeNames, 0
	}
	b := u32(u16(nil, binary.LittleEndian.Uint16(r[16:])), which)
	b = append(b, required, byte(more), 0, byte(types)) // types: first, how many; those with names of levels
	b = append(b, r[20], r[21], r[22], r[23])           // indicators
	b = append(b, groups, r[24])                        // groups, radio groups
	b = append(b, r[18], r[19], r[25], 0)               // keys: first, how many; aliases
	return append(append(u16(b, uint16(levels)), out...), p...), nil
}
