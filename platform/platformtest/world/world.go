// Package world is a desktop as tests need it, in terms of no operating system:
// windows of several programs that write down what they receive, the host at the
// machine, shortcuts that belong to somebody. Each system has a World of its own;
// what is tested with it is the same everywhere. Only tests use it.
package world

import (
	"context"
	"image"
	"testing"
	"time"

	"viewflip.app/platform"
	"viewflip.app/wire"
)

// World is a desktop. What does not happen in time fails the test that the World
// was made for, and everything ends with that test.
type World interface {
	// Window opens a window and returns when it can be seen, unless it is Hidden.
	Window(o Options) Window
	// Host is the person at this machine.
	Host() Host
	// Screen is what the host sees, in pixels of the desktop.
	Screen() image.Rectangle
	// HotKey has another program take a key for itself, whatever has the focus,
	// while exactly mods are held. free gives it back.
	HotKey(mods wire.Mods, k wire.Key) (free func())
}

// Options describes a window.
type Options struct {
	Title string
	// Bounds is where its content shall be, in pixels of the desktop.
	Bounds image.Rectangle
	// Color, 0xRRGGBB, is what it is filled with at first.
	Color uint32
	// Of makes it another window of that one's program; nil is a new program.
	Of Window
	// Popup means that it has no frame, lies above the others and does not take the
	// focus, as menus and lockers do.
	Popup bool
	// Owner is the window that it says it belongs to, and Kind is as what. Nil and
	// 0 say nothing.
	Owner Window
	Kind  platform.SurfaceKind
	// Chooser makes a dialog that shows more than its owner's content: one that
	// opens files.
	Chooser bool
	// Hidden leaves it to Show.
	Hidden bool
}

// Window is a window of a program that answers the system at once, and does
// nothing by itself with what it receives.
type Window interface {
	ID() platform.WindowID
	// Bounds is its content in pixels of the desktop, as the system has it now;
	// empty when the window is gone.
	Bounds() image.Rectangle
	// Focus gives it the host's keyboard, and Raise puts it above the others.
	Focus()
	Raise()
	Move(p image.Point)
	Resize(w, h int)
	// Show ends Hide, which withdraws it, and Minimise, which is what the host
	// does.
	Show()
	Hide()
	Minimise()
	// Close ends it, and with the first window of a program all others.
	Close()
	// SetOwner changes the window that it belongs to.
	SetOwner(w Window)
	// Cut leaves only these parts of it, in its own pixels: elsewhere it is neither
	// seen nor clicked.
	Cut(parts ...image.Rectangle)
	// Clicks lets clicks through but for these parts of it; none lets all through.
	// What is seen stays as it is.
	Clicks(parts ...image.Rectangle)
	// GrabPointer and GrabKeyboard have its program receive what the host's pointer
	// and keyboard do, wherever they are, as menus and lockers do: windows of the
	// program what is meant for them, this one the rest. Ungrab ends both.
	GrabPointer()
	GrabKeyboard()
	Ungrab()
	// Down and Pressed are what the system tells its program, when that asks: that
	// a key or button is down.
	Down(k wire.Key) bool
	Pressed(b wire.Button) bool
	// Events are all so far, the oldest first, with everything that was sent before
	// the call. Forget empties the list.
	Events() []Event
	Forget()
	// Await blocks until the events satisfy ok, and returns them.
	Await(ctx context.Context, ok func([]Event) bool) ([]Event, error)
}

// Kind says what an Event is.
type Kind string

// What a window writes down.
const (
	Press   Kind = "press"
	Release Kind = "release"
	Move    Kind = "move"
	Wheel   Kind = "wheel"
	KeyDown Kind = "keydown"
	KeyUp   Kind = "keyup"
	// Focus says that the window got the keyboard from another.
	Focus Kind = "focus"
)

// Event is what a program received.
type Event struct {
	Kind Kind
	// At is where the pointer was, in pixels of the window's content.
	At image.Point
	// Button is what a Press or Release is about; 0 is one that has no name.
	Button wire.Button
	// DX and DY are how far a Wheel turned: 120 is one notch, +DY down, +DX right.
	DX, DY int
	// Key is what a KeyDown or KeyUp is about; 0 is one that has no name.
	Key wire.Key
	// Mods and Held are the modifiers and buttons that were down just before.
	Mods wire.Mods
	Held Buttons
	// Time is by the system's own clock.
	Time time.Duration
}

// Buttons is a set of buttons.
type Buttons uint16

// Has reports whether b is among them.
func (s Buttons) Has(b wire.Button) bool { return s>>b&1 != 0 }

// With is the set with b.
func (s Buttons) With(b wire.Button) Buttons { return s | 1<<b }

// Without is the set without b.
func (s Buttons) Without(b wire.Button) Buttons { return s &^ (1 << b) }

// Host is the person at this machine: their pointer and keyboard, as the hardware
// tells of them.
type Host interface {
	// Move brings their pointer to a pixel of the desktop.
	Move(p image.Point)
	Button(b wire.Button, down bool)
	Key(k wire.Key, down bool)
	// Tap presses keys together and lets go of them.
	Tap(keys ...wire.Key)
	// At is where their pointer is.
	At() image.Point
	// State is what is down or locked for them.
	State() State
}

// State is how the host's keyboard and mouse are.
type State struct {
	Mods      wire.Mods
	Held      Buttons
	Caps, Num bool
}

// Patience bounds every wait for a system.
const Patience = 10 * time.Second

// Eventually fails the test unless ok becomes true soon.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("timed out waiting for", what)
		}
	}
}
