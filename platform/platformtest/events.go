package platformtest

import (
	"context"
	"image"
	"slices"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Kind says what an Event is.
type Kind string

// The kinds of events that a window writes down.
const (
	Press   Kind = "press"   // mouse button; Detail is the X button
	Release Kind = "release" // mouse button
	Motion  Kind = "motion"
	KeyDown Kind = "keydown" // Detail is the X keycode (evdev + 8)
	KeyUp   Kind = "keyup"
	Enter   Kind = "enter"
	Leave   Kind = "leave"
	Focus   Kind = "focus" // Detail is the X notify detail, here and for Blur
	Blur    Kind = "blur"
)

// Event is one input event as the client received it.
type Event struct {
	Kind Kind
	// X and Y are in pixels of the client area.
	X, Y int
	// Detail depends on the kind.
	Detail int
	// State is X's modifier and button mask just before the event.
	State uint16
	// Time is the server's, in milliseconds.
	Time uint32
	// Root is where the pointer was on the screen.
	Root image.Point
}

func inputEvent(ev xgb.Event) (Event, bool) {
	switch e := ev.(type) {
	case xproto.ButtonPressEvent:
		return Event{Press, int(e.EventX), int(e.EventY), int(e.Detail), e.State, uint32(e.Time), image.Pt(int(e.RootX), int(e.RootY))}, true
	case xproto.ButtonReleaseEvent:
		return Event{Release, int(e.EventX), int(e.EventY), int(e.Detail), e.State, uint32(e.Time), image.Pt(int(e.RootX), int(e.RootY))}, true
	case xproto.MotionNotifyEvent:
		return Event{Motion, int(e.EventX), int(e.EventY), int(e.Detail), e.State, uint32(e.Time), image.Pt(int(e.RootX), int(e.RootY))}, true
	case xproto.KeyPressEvent:
		return Event{KeyDown, int(e.EventX), int(e.EventY), int(e.Detail), e.State, uint32(e.Time), image.Pt(int(e.RootX), int(e.RootY))}, true
	case xproto.KeyReleaseEvent:
		return Event{KeyUp, int(e.EventX), int(e.EventY), int(e.Detail), e.State, uint32(e.Time), image.Pt(int(e.RootX), int(e.RootY))}, true
	case xproto.EnterNotifyEvent:
		return Event{Enter, int(e.EventX), int(e.EventY), int(e.Detail), e.State, uint32(e.Time), image.Pt(int(e.RootX), int(e.RootY))}, true
	case xproto.LeaveNotifyEvent:
		return Event{Leave, int(e.EventX), int(e.EventY), int(e.Detail), e.State, uint32(e.Time), image.Pt(int(e.RootX), int(e.RootY))}, true
	case xproto.FocusInEvent:
		return Event{Kind: Focus, Detail: int(e.Detail)}, true
	case xproto.FocusOutEvent:
		return Event{Kind: Blur, Detail: int(e.Detail)}, true
	}
	return Event{}, false
}

// Events are all events so far, oldest first. Everything that the server sent
// before the call is in it.
func (w *Window) Events() []Event {
	w.drain()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

// Forget empties the list of events.
func (w *Window) Forget() {
	w.drain()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = nil
}

// Await blocks until the events satisfy ok, and returns them.
func (w *Window) Await(ctx context.Context, ok func([]Event) bool) ([]Event, error) {
	err := w.await(ctx, func() bool { return ok(w.events) })
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events), err
}

// drain waits until every event that was sent was written down: a message to
// ourselves comes after all of them.
func (w *Window) drain() {
	w.mu.Lock()
	before, closed := w.marks, w.closed
	w.mu.Unlock()
	if closed {
		return
	}
	w.message(w.id, "_VIEWFLIP_MARK", 0)
	w.wait("an answer of the server", func() bool { return w.marks > before })
}
