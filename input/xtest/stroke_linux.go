package xtest

import (
	"errors"
	"slices"
	"time"
	"unicode"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// sight is the part of the keyboard's state by which the shared client reads
// keycodes.
type sight struct {
	group       int
	shift, lock bool
	// odd means another level than the two that are known here.
	odd bool
}

// chordMods are the modifiers that make a command of a character.
const chordMods = wire.ModCtrl | wire.ModAlt | wire.ModSuper

// firstModifier is behind every key that types (HID Usage Tables, page 7).
const firstModifier wire.Key = 0xe0

// sight is what the client goes by: the state that each event carries, or, in
// Qt, what the server tells of the host's keyboard, whatever the event says.
func (s *section) sight() sight {
	mask, group := s.mask, s.group
	if s.d.hands.second && s.d.blind {
		mask, group = s.host.mods, s.host.group
	}
	const level3, level5 = xproto.ModMask5, xproto.ModMask3
	v := sight{group: int(group), shift: mask&xproto.ModMaskShift != 0, lock: mask&xproto.ModMaskLock != 0, odd: mask&(level3|level5) != 0}
	if s.state.Mods&chordMods != 0 { // toolkits look for the plain letter then
		v.shift, v.lock = false, false
	}
	return v
}

// types is what a keycode types; 0 where that is no character, or not known.
func (v sight) types(l *layout, code byte) rune {
	if v.odd || v.group > 1 {
		return 0
	}
	plain, shifted := l.runes[code][2*v.group], l.runes[code][2*v.group+1]
	if v.shift != (v.lock && plain != shifted && unicode.ToUpper(plain) == shifted) {
		return shifted
	}
	return plain
}

// Stroke implements [input.Target]. A key that types r as things are goes down
// and stays down: the one at the same place if it does, else another. What no
// key types without other modifiers is tapped on a spare keycode: that leaves
// the modifiers alone, and is the same for every toolkit.
func (s *section) Stroke(k wire.Key, r rune) (input.Stroke, input.Verdict) {
	d, l := s.d, s.d.layout.Load()
	own, ok := keycode(k)
	if r == 0 {
		if !ok || d.taken(k, own) {
			return input.Stroke{}, input.Verdict{Reason: wire.KeyDenied}
		}
		return input.Stroke{Key: k, Code: own}, input.Verdict{}
	}
	v := s.sight()
	if ok && !d.taken(k, own) && v.types(l, own) == r {
		return input.Stroke{Key: k, Code: own, Rune: r}, input.Verdict{}
	}
	for other := wire.Key(1); other < firstModifier; other++ {
		if !other.Types() {
			continue
		}
		if c, ok := keycode(other); ok && v.types(l, c) == r && s.usable(l, c) {
			return input.Stroke{Key: other, Code: c, Rune: r, Tap: k == 0}, input.Verdict{}
		}
	}
	if ok && s.state.Mods&(chordMods&^wire.ModCtrl) != 0 { // window managers grab new keys for chords
		return input.Stroke{Key: k, Code: own}, input.Verdict{}
	}
	if code, ok := d.hands.spare(l, r, time.Now()); ok {
		return input.Stroke{Tap: true, Code: code, Rune: r}, input.Verdict{}
	}
	return input.Stroke{}, input.Verdict{Reason: wire.RateLimited}
}

// usable reports whether a keycode that types may go down.
func (s *section) usable(l *layout, code byte) bool {
	d, h := s.d, s.d.hands.layout
	return !d.taken(0, code) && l.bits[code] == 0 && h.bits[code] == 0 && !l.banned[code] && !h.banned[code] && !s.forbidden(code)
}

// taken reports whether a keycode is down for another key than k.
func (d *Desk) taken(k wire.Key, code byte) bool {
	for other, c := range d.as {
		if c == code && other != k {
			return true
		}
	}
	return k == 0 && d.holds(key{code: code})
}

// loan is a spare keycode that types a character for a while.
type loan struct {
	code byte
	r    rune
	// made is when the map was changed, used when it was pressed last.
	made, used time.Time
}

const (
	// loanRest is how long a keycode keeps its character after it was pressed:
	// clients read the map when they come to the event.
	loanRest = 500 * time.Millisecond
	// loanIdle is after what time it is given back.
	loanIdle = 10 * time.Second
)

// spare finds a keycode for r: the one that has it, one that the host's layout
// leaves empty, or the one that has rested longest; false if none has rested.
func (h *hands) spare(l *layout, r rune, now time.Time) (byte, bool) {
	h.loans = slices.DeleteFunc(h.loans, func(o loan) bool { // the host has set another layout
		return o.made.Before(l.at) && l.runes[o.code][0] != o.r
	})
	oldest := -1
	for i, o := range h.loans {
		if o.r == r {
			return o.code, true
		}
		if oldest < 0 || o.used.Before(h.loans[oldest].used) {
			oldest = i
		}
	}
	for code := 255; code > evdevOffset; code-- {
		c := byte(code)
		_, known := wire.KeyFromEvdev(uint16(code - evdevOffset))
		lent := slices.ContainsFunc(h.loans, func(o loan) bool { return o.code == c })
		if l.empty[c] && !known && !lent && l.bits[c] == 0 && h.layout.bits[c] == 0 && !h.layout.banned[c] {
			return c, true
		}
	}
	if oldest >= 0 && now.Sub(h.loans[oldest].used) >= loanRest {
		return h.loans[oldest].code, true
	}
	return 0, false
}

// lend makes a keycode that spare found type r.
func (h *hands) lend(code byte, r rune) error {
	i := slices.IndexFunc(h.loans, func(o loan) bool { return o.code == code })
	if i < 0 {
		i = len(h.loans)
		h.loans = append(h.loans, loan{code: code})
		h.noteLoans()
	}
	o := &h.loans[i]
	if o.r != r {
		if err := h.remap(code, keysymOf(r)); err != nil {
			return err
		}
		o.r, o.made = r, time.Now()
	}
	o.used = time.Now()
	if h.giveBack == nil {
		h.giveBack = time.AfterFunc(loanIdle, h.idleLoans)
	}
	return nil
}

// remap changes one keycode of the host's keyboard, by whose map clients read
// every keycode, and of the second one, and waits for it: all levels are the
// same.
func (h *hands) remap(code byte, sym xproto.Keysym) error {
	if !h.second {
		return mapKey(h.act, code, sym)
	}
	h.xi.SetClientPointer(0, xinput.CorePointer)
	err := mapKey(h.act, code, sym)
	h.xi.SetClientPointer(0, h.ptr)
	return errors.Join(err, mapKey(h.act, code, sym))
}

// noteLoans writes down what is lent, for whoever cleans up after a crash.
func (h *hands) noteLoans() {
	codes := make([]byte, len(h.loans))
	for i, o := range h.loans {
		codes[i] = o.code
	}
	noteCodes(h.act, h.own.Root, h.loanAtom, codes)
}

// idleLoans gives back what was not used for a while.
func (h *hands) idleLoans() {
	h.turn.Lock()
	defer h.turn.Unlock()
	if h.giveBack == nil {
		return // closed
	}
	h.returnLoans(time.Now().Add(-loanIdle))
	h.giveBack = nil
	if len(h.loans) > 0 {
		h.giveBack = time.AfterFunc(loanIdle/2, h.idleLoans)
	}
}

// returnLoans makes the keycodes empty again that were not used after a time.
func (h *hands) returnLoans(unused time.Time) {
	if len(h.loans) == 0 {
		return
	}
	h.loans = slices.DeleteFunc(h.loans, func(o loan) bool {
		if o.used.After(unused) {
			return false
		}
		if err := h.remap(o.code, 0); err != nil {
			h.log.Warn("a borrowed key was not given back", "err", err)
		}
		return true
	})
	h.noteLoans()
}
