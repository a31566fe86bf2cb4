package input

import (
	"image"
	"slices"
	"time"

	"viewflip.app/wire"
)

// How long something stays down when nothing is heard of it, and how much may
// be down at once.
const (
	// keyTimeout is for keys. A viewer repeats what is held at least every
	// second, also modifiers, which no keyboard repeats.
	keyTimeout = 1500 * time.Millisecond
	// buttonTimeout is for buttons, counted from the last event of any kind
	// that was carried out: a hand may rest in the middle of a drag, and a
	// viewer that is gone is noticed by the connection long before.
	buttonTimeout = 10 * time.Second
	// maxHeld is more than fingers can hold.
	maxHeld = 24
)

// held is one key or button that is down.
type held struct {
	key wire.Key
	// as is the key of this machine that is down for it: another one where the two
	// keyboards differ. The deny list looks at both. 0 with tap.
	as wire.Key
	// stroke is how as is pressed, for its repeats.
	stroke Stroke
	// tap says that no key of this machine is down: its character was typed in one
	// go, and is typed again by each repeat while the viewer holds key.
	tap    bool
	button wire.Button
	// seen is when it was pressed or refreshed.
	seen time.Time
}

// ledger is what a Gate holds down, oldest first.
type ledger struct {
	items []held
	// point is the last place where the pointer was allowed to be; valid while
	// a button is held.
	point image.Point
}

func (l *ledger) find(k wire.Key, b wire.Button) int {
	for i, h := range l.items {
		if h.key == k && h.button == b {
			return i
		}
	}
	return -1
}

func (l *ledger) remove(i int) { l.items = append(l.items[:i], l.items[i+1:]...) }

// dragging reports whether a button is held.
func (l *ledger) dragging() bool {
	for _, h := range l.items {
		if h.button != 0 {
			return true
		}
	}
	return false
}

// typing reports whether a key is held.
func (l *ledger) typing() bool {
	for _, h := range l.items {
		if h.key != 0 && !h.tap {
			return true
		}
	}
	return false
}

// repeats reports whether a repeat of an item presses it again: of the key that
// went down last, as keyboards do it, and of no modifier.
func (l *ledger) repeats(i int) bool {
	types := func(h held) bool { return h.as != 0 && !h.as.Modifier() }
	return types(l.items[i]) && !slices.ContainsFunc(l.items[i+1:], types)
}

// mods are the modifiers among the held keys.
func (l *ledger) mods() wire.Mods {
	var m wire.Mods
	for _, h := range l.items {
		m |= modOf(h.as)
	}
	return m
}

// deny reports whether holding k as well would make a forbidden chord, with
// other modifiers down on the machine. Every held key is looked at: a chord is
// the same in whichever order it is pressed.
func (l *ledger) deny(k wire.Key, other wire.Mods) bool {
	mods := l.mods() | modOf(k) | other
	if keyDenied(k, mods) {
		return true
	}
	for _, h := range l.items {
		if h.as != 0 && keyDenied(h.as, mods) {
			return true
		}
	}
	return false
}

// touch notes that the viewer was heard: buttons stay down.
func (l *ledger) touch(now time.Time) {
	for i := range l.items {
		if l.items[i].button != 0 {
			l.items[i].seen = now
		}
	}
}

func (h held) deadline() time.Time {
	if h.button != 0 {
		return h.seen.Add(buttonTimeout)
	}
	return h.seen.Add(keyTimeout)
}

// next is the earliest deadline; false when nothing is held.
func (l *ledger) next() (time.Time, bool) {
	var first time.Time
	for i, h := range l.items {
		if d := h.deadline(); i == 0 || d.Before(first) {
			first = d
		}
	}
	return first, len(l.items) > 0
}
