package ui

import (
	"image"
	"math"
	"time"

	"viewflip.app/ui/glass"
	"viewflip.app/wire"
)

// refreshAfter is how often a key that is held without repeating itself is
// sent again; the sharer lets go of what nobody refreshes.
const refreshAfter = 500 * time.Millisecond

// rawInput takes a window's input as the toolkit's driver sees it. Positions
// are physical pixels of the window. Everything comes on the main goroutine.
type rawInput interface {
	rawMove(x, y float64)
	rawButton(b wire.Button, down bool, mods wire.Mods)
	// rawWheel is in notches: +dy down, +dx right.
	rawWheel(dx, dy float64, mods wire.Mods)
	// rawKey reports whether the key is spoken for: then the toolkit must not
	// see it.
	rawKey(p rawPress) bool
	// rawChar is a character that was typed: right after the press that made
	// it, if one did. It reports what rawKey does.
	rawChar(r rune) bool
	rawFocus(on bool)
	// rawLeave tells that the pointer has left the window.
	rawLeave()
}

// hand turns raw input over a picture into events for the share. It belongs
// to the main goroutine.
type hand struct {
	send func(wire.Input)
	now  func() time.Time
	// wake asks for tick to be called after a while.
	wake func(time.Duration)
	// finger points while there is no control.
	finger *finger

	control bool
	focused bool
	area    image.Rectangle
	w, h    int
	gen     uint32

	x, y    int
	known   bool
	at      image.Point
	buttons map[wire.Button]bool
	keys    map[wire.Key]time.Time
	mods    wire.Mods
	pair    pairing
	restX   float64
	restY   float64
	ticking bool
}

func newHand(send func(wire.Input), now func() time.Time, wake func(time.Duration)) *hand {
	return &hand{send: send, now: now, wake: wake, finger: &finger{}, buttons: map[wire.Button]bool{}, keys: map[wire.Key]time.Time{}}
}

var _ rawInput = (*hand)(nil)

// shown tells which picture is visible: events are aimed at that one.
func (h *hand) shown(w, h2 int, gen uint32) {
	h.w, h.h, h.gen = w, h2, gen
	if h.finger.on {
		h.point()
	}
}

// allow turns control on or off. Without it nothing is sent, and the sharer
// has let go of everything already.
func (h *hand) allow(on bool) {
	if h.control == on {
		return
	}
	h.control = on
	h.forget()
}

func (h *hand) forget() {
	clear(h.buttons)
	clear(h.keys)
	h.pair = pairing{}
	h.restX, h.restY = 0, 0
}

func (h *hand) fit() glass.Fit { return glass.FitIn(h.area, h.w, h.h) }

// aim finds the pixel under the pointer. While a button is held the nearest
// pixel counts, so that drags go on outside.
func (h *hand) aim() bool {
	if !h.known {
		return false
	}
	f := h.fit()
	if p, ok := f.Source(h.x, h.y); ok {
		h.at = p
		return true
	}
	if (len(h.buttons) > 0 || h.finger.drawing) && !f.Rect.Empty() {
		h.at = f.Clamp(h.x, h.y)
		return true
	}
	return false
}

// event fills in what every event carries.
func (h *hand) event(in wire.Input) wire.Input {
	in.Gen, in.Mods = h.gen, h.mods
	in.X, in.Y = wire.Fraction(h.at.X, h.w), wire.Fraction(h.at.Y, h.h)
	return in
}

func (h *hand) rawMove(x, y float64) {
	h.x, h.y, h.known = int(math.Floor(x)), int(math.Floor(y)), true
	if !h.control {
		h.point()
		return
	}
	before := h.at
	if !h.aim() || h.at == before || h.gen == 0 {
		return // with no generation the picture is about to change
	}
	h.send(h.event(wire.Input{Kind: wire.Move}))
}

func (h *hand) rawButton(b wire.Button, down bool, mods wire.Mods) {
	h.mods = mods
	if !h.control {
		h.pen(b, down)
		return
	}
	if !b.Valid() {
		return
	}
	if !down {
		if h.buttons[b] {
			h.aim()
			delete(h.buttons, b)
			h.send(h.event(wire.Input{Kind: wire.Release, Button: b}))
		}
		return
	}
	if !h.aim() {
		return
	}
	h.buttons[b] = true
	h.send(h.event(wire.Input{Kind: wire.Press, Button: b}))
	h.tickSoon()
}

func (h *hand) rawWheel(dx, dy float64, mods wire.Mods) {
	h.mods = mods
	if !h.control || !h.aim() {
		return
	}
	const notch = 120
	h.restX, h.restY = h.restX+dx*notch, h.restY+dy*notch
	x, y := math.Trunc(h.restX), math.Trunc(h.restY)
	h.restX, h.restY = h.restX-x, h.restY-y
	if x == 0 && y == 0 {
		return
	}
	h.send(h.event(wire.Input{Kind: wire.Wheel, DX: clamp16(x), DY: clamp16(y)}))
}

func clamp16(v float64) int16 { return int16(min(max(v, math.MinInt16), math.MaxInt16)) }

// point tells where the pointer is, for somebody without control.
func (h *hand) point() {
	if !h.aim() {
		h.finger.leave()
		return
	}
	at := wire.Spot{X: wire.Fraction(h.at.X, h.w), Y: wire.Fraction(h.at.Y, h.h)}
	h.finger.move(at, image.Pt(h.x, h.y), h.gen)
}

// pen draws with the left button.
func (h *hand) pen(b wire.Button, down bool) {
	switch {
	case b != wire.Left:
	case !down:
		h.finger.lift()
		h.point()
	case h.aim():
		h.finger.press(image.Pt(h.x, h.y))
	}
}

func (h *hand) rawLeave() {
	h.known = false
	if !h.finger.drawing {
		h.finger.leave()
	}
}

// rawFocus lets go of everything when the person turns to another window.
func (h *hand) rawFocus(on bool) {
	h.focused = on
	if !on {
		h.release()
	}
}

// release lets go of everything that is held.
func (h *hand) release() {
	if h.control && len(h.keys)+len(h.buttons) > 0 {
		h.send(h.event(wire.Input{Kind: wire.ReleaseAll}))
	}
	h.forget()
}

func (h *hand) tickSoon() {
	if !h.ticking {
		h.ticking = true
		h.wake(refreshAfter)
	}
}

// tick says again that what is held is held.
func (h *hand) tick() {
	h.ticking = false
	if !h.control || len(h.keys)+len(h.buttons) == 0 {
		return
	}
	now := h.now()
	for k, at := range h.keys {
		if now.Sub(at) >= refreshAfter/2 {
			h.keys[k] = now
			h.send(h.event(wire.Input{Kind: wire.KeyDown, Key: k, Repeat: true}))
		}
	}
	if len(h.buttons) > 0 {
		h.send(h.event(wire.Input{Kind: wire.Move}))
	}
	h.tickSoon()
}
