package input

import (
	"image"

	"viewflip.app/wire"
)

// Desk is one shared window as the operating system knows it. An injector
// package provides it. A Gate makes one call at a time, but Visible and
// Changes come from other goroutines too.
type Desk interface {
	// Visible reports whether the window is on the screen, from what the
	// system told last and without asking. The section asks again.
	Visible() bool
	// Changes has a value after the window was hidden or shown, came to an
	// end, or the keyboard focus moved into or out of it. The newest wins.
	Changes() <-chan struct{}
	// Atomically runs f while nothing on this desktop can change: no window
	// maps, moves or takes the focus between what t answers and what inj does.
	// t and inj are valid only inside f. aim says what f is about to ask, so
	// that it can be fetched in one go. A Desk that cannot reach the system
	// does not call f, and refuses. While State.Busy may pass by itself, f is
	// called again, in a section of its own.
	Atomically(aim Aim, f func(t Target, inj Injector) Verdict) Verdict
	// Close lets go of everything and ends the connection.
	Close() error
}

// Aim is what an atomic section is about.
type Aim struct {
	// Point says that X and Y, in 65536ths of the picture, matter.
	Point bool
	X, Y  uint16
	// Layout is where everything is in the picture.
	Layout Layout
	// Button is what is about to be pressed, 0 for none.
	Button wire.Button
	// Keys says that the keyboard focus matters.
	Keys bool
	// Claim says that something is about to be pressed: a Desk whose keyboard has
	// a focus of its own brings it to the window.
	Claim bool
	// Held says that a button of ours is down: the pointer is grabbed then, and
	// rightly so.
	Held bool
}

// State is what is true of the window and the desktop inside a section.
type State struct {
	// Visible means mapped, and every ancestor too.
	Visible bool
	// Busy means that another program, or another hand, holds the pointer, or, for
	// a press, that a button is down which this Desk does not hold; for Keys, that
	// another guest holds the keyboard.
	Busy bool
	// Locked means that another program has grabbed the keyboard.
	Locked bool
	// Covered means, for Keys, that nothing can be seen of the window nor of a
	// surface of it: no pixel would get a click.
	Covered bool
	// Focused means that keys go to this window, to an unmasked surface of it,
	// or into one of them.
	Focused bool
	// Masked means that a dialog of the window is open that the guest may not
	// control. Toolkits pass on to it what reaches the window.
	Masked bool
	// Size is that of the window's own content, in pixels.
	Size image.Point
	// Mods are the modifiers that are down, whoever holds them.
	Mods wire.Mods
	// HostMods are those of them that this Desk's injector does not hold.
	HostMods wire.Mods
	// Asked means that the program asked for the host's pointer or keyboard because
	// of what this guest did, as to move the window, and did not get them. It is
	// true once, for an event that is aimed at a place or presses something.
	Asked bool
	// HostActive means that the host is using mouse or keyboard where guest and
	// host would be in each other's way: their hand goes first.
	HostActive bool
}

// Target answers inside an atomic section.
type Target interface {
	State() State
	// At is allowed if a click at p, a pixel counted from the window's own
	// content, would reach what is seen there and nothing else: the window, or
	// a surface of the layout that is still where it was. Otherwise it is
	// [wire.Covered], [wire.Masked], [wire.Stale] if the surface moved, or
	// [wire.OutOfBounds] where p is no pixel of them or of a screen.
	At(p image.Point) Verdict
	// Stroke finds what to press so that k does what it does at the viewer: types
	// r, or with Ctrl, Alt or Super held means the letter or digit r. r 0 is the
	// key by its place. k 0 is a character without a key: that is a Tap.
	// [wire.RateLimited] where there is no way at this moment.
	Stroke(k wire.Key, r rune) (Stroke, Verdict)
	// Owned reports whether pressing s now, with what is down already, would be
	// a shortcut that another program has taken for itself, wherever the focus
	// is. When in doubt it is.
	Owned(s Stroke) bool
}

// Stroke is what a key press of the viewer becomes on this machine.
type Stroke struct {
	// Key is the key that goes down, by its place; 0 is one that no keyboard has.
	Key wire.Key
	// Tap means that it goes down and up in one go: nothing is held.
	Tap bool
	// Code is the Target's own number of the key, and Rune what it types then.
	Code byte
	Rune rune
}

// Injector does what a Gate decided, inside an atomic section.
type Injector interface {
	// Inject carries out the actions in order. A KeyDown of a key that is down
	// repeats it, unless the system does so by itself. After ErrUnreachable and
	// ErrNoKey nothing was pressed; after any other error something may be, and
	// ReleaseAll lifts it.
	Inject(batch []Action) error
	// ReleaseAll lifts every key and button that this Injector pressed, the
	// last one first, in one go. It is harmless when there is nothing.
	ReleaseAll() error
}

// Action is something that this machine will do. Only a Gate fills one in, so
// that nothing unchecked can reach an Injector. The zero Action does nothing.
type Action struct {
	stroke Stroke
	kind   wire.Kind
	at     image.Point
	button wire.Button
	key    wire.Key
	dx, dy int
}

// Kind is one of Move, Press, Release, Wheel, KeyDown, KeyUp and Text.
func (a Action) Kind() wire.Kind { return a.kind }

// At is where a Move goes: a pixel counted from the window's own content.
func (a Action) At() image.Point { return a.at }

// Button is what a Press or Release is about.
func (a Action) Button() wire.Button { return a.button }

// Key is what a KeyDown or KeyUp is about: the viewer's key.
func (a Action) Key() wire.Key { return a.key }

// Stroke is what a KeyDown presses, and a Text presses and lets go.
func (a Action) Stroke() Stroke { return a.stroke }

// Wheel is how far a Wheel turns: 120 is one notch, +dy down, +dx right.
func (a Action) Wheel() (dx, dy int) { return a.dx, a.dy }
