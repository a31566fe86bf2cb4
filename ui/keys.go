package ui

import (
	"viewflip.app/wire"
)

// rawPress is a key that went down or up, as the toolkit's driver tells.
type rawPress struct {
	key          wire.Key
	down, repeat bool
	// mods were held just before.
	mods    wire.Mods
	numLock bool
	// name is what the key types alone, by the layout that is set; 0 if nothing.
	name rune
}

const altRight = wire.Key(0xe6)

// chordMods make a command of a key, so that no character follows.
const chordMods = wire.ModCtrl | wire.ModAlt | wire.ModSuper

// pairing brings keys and characters together: the driver tells of both, one
// after the other. A key of which no character comes was a dead key, or an
// input method has taken it; a character without a key is what comes of that.
type pairing struct {
	// waiting is a press whose character is not here yet.
	waiting *rawPress
	// chord says that the last press was part of one: its character is none.
	chord bool
	// altGr says that the right Alt key is down and was not sent: by the next
	// key's modifiers we see whether it is one. If not, the characters have it
	// in them already.
	altGr bool
	// composing is how many keys went into a composition that is not finished.
	composing int
}

// drop gives up waiting: there was no character.
func (p *pairing) drop() {
	if p.waiting != nil {
		p.waiting, p.composing = nil, p.composing+1
	}
}

// takes reports whether a key that types nothing belongs to an open
// composition. The driver does not tell when one is given up: so each key that
// could do so counts.
func (p *pairing) takes(k wire.Key) bool {
	const enter, escape, backspace, tab, numEnter = 0x28, 0x29, 0x2a, 0x2b, 0x58
	const pageUp, del, end, up = 0x4b, 0x4c, 0x4d, 0x52
	if p.composing == 0 {
		return false
	}
	switch {
	case k == enter, k == escape, k == numEnter:
		p.composing = 0
	case k == backspace, k == tab, k == del, k == pageUp-1, k == pageUp, k >= end && k <= up:
		p.composing--
	default:
		return false
	}
	return true
}

// meaning is what a key means in a chord: its letter or digit; on a keyboard
// without Latin letters the letter at its place, as toolkits have it.
func meaning(p rawPress) rune {
	if p.name >= 'a' && p.name <= 'z' || p.name >= '0' && p.name <= '9' {
		return p.name
	}
	if p.name < 0x80 { // a sign: by its place
		return 0
	}
	return p.key.Letter()
}

// pad reports whether a key of the number pad types only while Num Lock is on.
func pad(k wire.Key) bool { return k >= 0x59 && k <= 0x63 }

func (h *hand) rawKey(p rawPress) bool {
	h.mods = p.mods
	switch {
	case !h.control:
		return false
	case !p.key.Valid():
	case p.down:
		h.keyDown(p)
	default:
		h.keyUp(p)
	}
	return true
}

func (h *hand) keyDown(p rawPress) {
	h.pair.drop()
	if p.key == altRight {
		h.pair.altGr = true
		return
	}
	if h.pair.altGr && !p.key.Modifier() {
		h.pair.altGr = false
		if p.mods&wire.ModAlt != 0 {
			h.press(rawPress{key: altRight, mods: p.mods}, 0)
		}
	}
	h.pair.chord = p.mods&chordMods != 0
	switch {
	case !p.key.Types():
		if !h.pair.takes(p.key) {
			h.press(p, 0)
		}
	case h.pair.chord:
		h.press(p, meaning(p))
	case pad(p.key) && p.numLock == (p.mods&wire.ModShift != 0):
		h.press(p, 0)
	default:
		h.pair.waiting = &p
	}
}

func (h *hand) press(p rawPress, r rune) {
	_, held := h.keys[p.key]
	h.keys[p.key] = h.now()
	h.send(h.event(wire.Input{Kind: wire.KeyDown, Key: p.key, Repeat: p.repeat && held, Rune: r}))
	h.tickSoon()
}

func (h *hand) keyUp(p rawPress) {
	h.pair.chord = false
	if w := h.pair.waiting; w != nil && w.key == p.key {
		h.pair.drop() // its character may still come, without it
	}
	if p.key == altRight && h.pair.altGr {
		h.pair.altGr = false
		if p.mods&wire.ModAlt == 0 {
			return
		}
		h.press(p, 0)
	}
	if _, held := h.keys[p.key]; held {
		delete(h.keys, p.key)
		h.send(h.event(wire.Input{Kind: wire.KeyUp, Key: p.key}))
	}
}

// rawChar takes a character that was typed.
func (h *hand) rawChar(r rune) bool {
	if !h.control {
		return false
	}
	w, chord := h.pair.waiting, h.pair.chord
	h.pair.waiting, h.pair.composing = nil, 0
	switch {
	case chord || !wire.Typable(r):
	case w != nil:
		h.press(*w, r)
	default:
		h.send(h.event(wire.Input{Kind: wire.Text, Text: string(r)}))
	}
	return true
}
