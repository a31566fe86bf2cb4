package inputtest

import (
	"context"
	"image"
	"slices"
	"testing"
	"time"

	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest/world"
	"viewflip.app/wire"
)

// Gen is the geometry generation that the events made here quote.
const Gen = 3

// Rights are those that every event here is done with.
const Rights = wire.RightSee | wire.RightPoint | wire.RightControl

// System is a desktop with an injector.
type System interface {
	world.World
	// Open opens the Desk of a window as the product does. All Desks of a System are
	// one guest's hand beside the other, as those of one process are.
	Open(ctx context.Context, id platform.WindowID) (input.Desk, error)
	// Group follows the windows that belong to one; the caller closes it.
	Group(id platform.WindowID) (Group, error)
}

// Group is what a [platform.Group] tells.
type Group interface {
	State() platform.GroupState
	Allow(id platform.WindowID)
	Close()
}

// Bench is a shared window on a desktop, with a gate in front of it.
type Bench struct {
	System
	// Win is the shared window, focused and on top at first.
	Win  world.Window
	Gate *input.Gate
	t    testing.TB
}

// WindowBounds is where the window of a Bench is.
func WindowBounds() image.Rectangle { return image.Rect(200, 150, 600, 450) }

// NewBench puts a window on a desktop, and a gate before it.
func NewBench(t testing.TB, s System) *Bench {
	t.Helper()
	b := &Bench{System: s, t: t}
	b.Win = s.Window(world.Options{Title: "shared", Bounds: WindowBounds(), Color: 0x336699})
	b.Win.Focus()
	b.Win.Move(WindowBounds().Min) // window managers sometimes have another idea
	b.Gate = b.NewGate()
	b.Later(b.At(wire.Move, 200, 150)) // a system that just started takes that for the host's hand
	b.Win.Forget()
	return b
}

// NewGate makes another gate to the same window.
func (b *Bench) NewGate() *input.Gate {
	b.t.Helper()
	return b.GateOf(b.Win.ID())
}

// GateOf makes a gate to a window. It is closed with the test.
func (b *Bench) GateOf(id platform.WindowID) *input.Gate {
	b.t.Helper()
	desk, err := b.Open(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	g := input.NewGate(input.Config{Desk: desk})
	g.SetGeneration(Gen)
	b.t.Cleanup(func() { _ = g.Close() })
	return g
}

// Neighbour puts another program's window beside the shared one, which keeps the
// focus.
func (b *Bench) Neighbour() world.Window {
	b.t.Helper()
	w := b.Window(world.Options{Title: "neighbour", Bounds: image.Rect(650, 150, 900, 450), Color: 0x00ff00})
	w.Focus() // window managers give it to new windows, some time
	b.Win.Focus()
	return w
}

// At makes an event that is aimed at a pixel of the window.
func (b *Bench) At(kind wire.Kind, x, y int) wire.Input {
	r := b.Win.Bounds()
	return wire.Input{Kind: kind, Gen: Gen, X: wire.Fraction(x, r.Dx()), Y: wire.Fraction(y, r.Dy())}
}

// Button makes a Press or Release.
func (b *Bench) Button(kind wire.Kind, x, y int, button wire.Button) wire.Input {
	ev := b.At(kind, x, y)
	ev.Button = button
	return ev
}

// Wheel makes a turn of the wheel.
func (b *Bench) Wheel(x, y int, dx, dy int16) wire.Input {
	ev := b.At(wire.Wheel, x, y)
	ev.DX, ev.DY = dx, dy
	return ev
}

// Key makes a KeyDown or KeyUp of a key by its DOM code.
func (b *Bench) Key(kind wire.Kind, dom string) wire.Input {
	b.t.Helper()
	return wire.Input{Kind: kind, Key: named(b.t, dom)}
}

// named is a key by its DOM code.
func named(t testing.TB, dom string) wire.Key {
	t.Helper()
	k, ok := wire.KeyFromDOM(dom)
	if !ok {
		t.Fatalf("no key %q", dom)
	}
	return k
}

// Do does events that must be allowed.
func (b *Bench) Do(evs ...wire.Input) {
	b.t.Helper()
	for _, ev := range evs {
		if v := b.Gate.Do(ev, Rights); !v.OK() {
			b.t.Fatalf("%v: %v", ev.Kind, v)
		}
	}
}

// Refused does an event that must be refused for a reason.
func (b *Bench) Refused(ev wire.Input, want wire.Reason) {
	b.t.Helper()
	if v := b.Gate.Do(ev, Rights); v.Reason != want {
		b.t.Errorf("%v: %q, want %q", ev.Kind, v.Reason, want)
	}
}

// Later does an event as soon as it is allowed.
func (b *Bench) Later(ev wire.Input) {
	b.t.Helper()
	var v input.Verdict
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if v = b.Gate.Do(ev, Rights); v.OK() {
			return
		}
	}
	b.t.Fatalf("%v, at last: %v", ev.Kind, v)
}

// Run starts the gate's watchdog for the rest of the test.
func (b *Bench) Run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.Gate.Run(ctx)
	}()
	b.t.Cleanup(func() { cancel(); <-done })
}

// received is what a window received of the given kinds, in order.
func received(w world.Window, kinds ...world.Kind) []world.Event {
	return only(w.Events(), kinds...)
}

func only(es []world.Event, kinds ...world.Kind) []world.Event {
	return slices.DeleteFunc(slices.Clone(es), func(e world.Event) bool { return !slices.Contains(kinds, e.Kind) })
}

// await waits until the shared window received n events of the given kinds, and
// returns all of them. A window manager may hold a press back for a moment.
func (b *Bench) await(n int, kinds ...world.Kind) []world.Event {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = b.Win.Await(ctx, func(es []world.Event) bool { return len(only(es, kinds...)) >= n })
	return received(b.Win, kinds...)
}

// nothing fails the test if a window received any mouse or key event.
func nothing(t testing.TB, what string, w world.Window) {
	t.Helper()
	for _, e := range received(w, world.Press, world.Release, world.Move, world.Wheel, world.KeyDown, world.KeyUp) {
		t.Errorf("%s received %+v", what, e)
	}
}

// heard waits for events of a window.
func heard(t testing.TB, w world.Window, what string, ok func([]world.Event) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), world.Patience)
	defer cancel()
	if got, err := w.Await(ctx, ok); err != nil {
		t.Fatalf("%s: %v; got %+v", what, err, got)
	}
}

// until waits for events of the shared window.
func (b *Bench) until(what string, ok func([]world.Event) bool) {
	b.t.Helper()
	heard(b.t, b.Win, what, ok)
}

// keys counts what a window received of one key.
func keys(es []world.Event, kind world.Kind, k wire.Key) (n int) {
	for _, e := range es {
		if e.Kind == kind && e.Key == k {
			n++
		}
	}
	return n
}

// buttons counts what a window received of one button.
func buttons(es []world.Event, kind world.Kind, button wire.Button) (n int) {
	for _, e := range es {
		if e.Kind == kind && e.Button == button {
			n++
		}
	}
	return n
}

// pause lets the system's clock, which may count milliseconds, tell two events
// apart.
func pause() { time.Sleep(10 * time.Millisecond) }
