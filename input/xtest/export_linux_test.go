package xtest

import (
	"image"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/platform/x11/xinput"
)

// WithoutGrab makes a Desk check and inject in two steps, to show what the
// server grab is good for.
func WithoutGrab(d input.Desk) { d.(*Desk).nograb = true }

// WithoutStrike makes a Desk press buttons as window managers expect it.
func WithoutStrike(d input.Desk) { d.(*Desk).nostrike = true }

// Between runs f while no Desk of the same seat is in its atomic section.
func Between(d input.Desk, f func()) {
	h := d.(*Desk).hands
	h.turn.Lock()
	defer h.turn.Unlock()
	_, _ = xproto.GetInputFocus(h.act).Reply() // what was sent has happened
	f()
}

// KnowsGrab has a Desk look who has grabs. It reports whether somebody has one, for
// longer than a menu that opens from now on could be what it is for.
func KnowsGrab(d input.Desk) bool {
	c := d.(*Desk)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.once(input.Aim{Keys: true}, func(input.Target, input.Injector) input.Verdict { return input.Verdict{} })
	return c.calm == nil || !c.calm.grabbed.IsZero() && time.Since(c.calm.grabbed) > moment
}

// Behind has a Desk do something, but press nothing, after before and ahead of
// after. It hears of neither meanwhile.
func Behind(d input.Desk, before, after func()) {
	c := d.(*Desk)
	c.mu.Lock()
	defer c.mu.Unlock()
	before()
	c.once(input.Aim{}, func(_ input.Target, i input.Injector) input.Verdict {
		_ = i.Inject(nil)
		return input.Verdict{}
	})
	after()
}

// Asked tells a Desk of a message to the window manager.
func Asked(d input.Desk, e xproto.ClientMessageEvent) { d.(*Desk).asked(e) }

// Guard is one look of a Desk's ward.
func Guard(d input.Desk) { d.(*Desk).guard() }

// Moving makes a Desk tell where on the screen it is about to put the pointer, and
// what it knows of the pointer then.
func Moving(d input.Desk, f func(to image.Point, how string)) { d.(*Desk).moving = f }

// Timing makes a Desk tell how long the server was grabbed.
func Timing(d input.Desk, f func(time.Duration)) { d.(*Desk).timing = f }

// PairSlot is pairSlot.
func PairSlot(name string) int { return pairSlot(name) }

// SlotName is slotName.
func SlotName(slot int) string { return slotName(slot) }

// Crop is crop.
func Crop(value []byte, w, h int) image.Rectangle { return crop(value, w, h) }

// RuneOf is runeOf.
func RuneOf(sym xproto.Keysym) rune { return runeOf(sym) }

// Rules are the rules of a keyboard's map.
func Rules(m *xinput.Keymap) func(code, down byte, controls uint32, shared bool) bool {
	return rulesOf(m).forbids
}

// Subtract and Intersect are those of areas.
func Subtract(a, b []image.Rectangle) []image.Rectangle { return area(a).subtract(b) }

// Intersect is area.intersect.
func Intersect(a, b []image.Rectangle) []image.Rectangle { return area(a).intersect(b) }
