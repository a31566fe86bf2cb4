// Package onx11 is what every injector on X11 must do: what inputtest asks for
// anywhere, and what only X11 has: grabs, a second pointer, window managers.
// Only tests use it.
package onx11

import (
	"context"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/input/inputtest"
	"viewflip.app/platform"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

// Gen and Rights are those of every event made here.
const (
	Gen    = inputtest.Gen
	Rights = inputtest.Rights
)

// Opener opens a Desk as an injector package does.
type Opener func(ctx context.Context, d *platform.Desktop, id platform.WindowID) (input.Desk, error)

// Traits are what injectors on X11 differ in.
type Traits struct {
	// Buttons are those that it has.
	Buttons []wire.Button
	// Second says that it has a pointer and a keyboard of its own, beside the
	// host's.
	Second bool
}

// Bench is one of inputtest on an X display.
type Bench struct {
	*inputtest.Bench
	t       testing.TB
	Display string
	Desktop *platform.Desktop
	// Win is the shared window, focused and on top at first.
	Win *pt.Window
}

// system is a display with an injector.
type system struct {
	*pt.World
	desktop *platform.Desktop
	open    Opener
}

var _ inputtest.System = (*system)(nil)

func newSystem(t testing.TB, display string, open Opener) *system {
	t.Helper()
	d, err := platform.Open(display, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	w := pt.NewWorld(t, display)
	shift, _ := wire.KeyFromEvdev(codeShift - 8)
	w.Host().Tap(shift) // the first key of another keyboard of theirs is a new map, for which guests wait
	return &system{World: w, desktop: d, open: open}
}

// Open implements [inputtest.System].
func (s *system) Open(ctx context.Context, id platform.WindowID) (input.Desk, error) {
	return s.open(ctx, s.desktop, id)
}

// Group implements [inputtest.System].
func (s *system) Group(id platform.WindowID) (inputtest.Group, error) { return s.desktop.Group(id) }

// NewBench puts a window on a display that has a window manager, and a gate
// before it.
func NewBench(t testing.TB, display string, open Opener) *Bench {
	t.Helper()
	s := newSystem(t, display, open)
	n := inputtest.NewBench(t, s)
	win, ok := n.Win.(*pt.WorldWindow)
	if !ok {
		t.Fatalf("%T is no X window", n.Win)
	}
	return &Bench{Bench: n, t: t, Display: display, Desktop: s.desktop, Win: win.Window}
}

// Neighbour puts another window beside the shared one, which keeps the focus.
func (b *Bench) Neighbour() *pt.Window {
	b.t.Helper()
	w := pt.NewWindow(b.t, b.Display, pt.Options{Title: "neighbour", Bounds: image.Rect(650, 150, 900, 450), Color: 0x00ff00})
	w.Focus() // window managers give it to new windows, some time
	b.Win.Focus()
	return w
}

// Got is what a window received of the given kinds, in order.
func Got(w *pt.Window, kinds ...pt.Kind) []pt.Event {
	var out []pt.Event
	for _, e := range w.Events() {
		if slices.Contains(kinds, e.Kind) {
			out = append(out, e)
		}
	}
	return out
}

// await waits until the shared window received n events of the given kinds, and
// returns all of them. A window manager may hold a press back for a moment.
func (b *Bench) await(n int, kinds ...pt.Kind) []pt.Event {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = b.Win.Await(ctx, func(es []pt.Event) bool {
		got := 0
		for _, e := range es {
			if slices.Contains(kinds, e.Kind) {
				got++
			}
		}
		return got >= n
	})
	return Got(b.Win, kinds...)
}

// Nothing fails the test if a window received any mouse or key event.
func Nothing(t testing.TB, what string, w *pt.Window) {
	t.Helper()
	for _, e := range Got(w, pt.Press, pt.Release, pt.Motion, pt.KeyDown, pt.KeyUp) {
		t.Errorf("%s received %+v", what, e)
	}
}

// until waits for events of the shared window.
func (b *Bench) until(what string, ok func([]pt.Event) bool) {
	b.t.Helper()
	heard(b.t, b.Win, what, ok)
}

// heard waits for events of a window.
func heard(t testing.TB, w *pt.Window, what string, ok func([]pt.Event) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if got, err := w.Await(ctx, ok); err != nil {
		t.Fatalf("%s: %v; got %+v", what, err, got)
	}
}

func count(es []pt.Event, kind pt.Kind, detail int) int {
	n := 0
	for _, e := range es {
		if e.Kind == kind && e.Detail == detail {
			n++
		}
	}
	return n
}

// X keycodes: evdev + 8.
const (
	codeA, codeShift = 38, 50
)

// Conformance is what every injector on X11 must do: what is asked for anywhere,
// and the rest of this package.
func Conformance(t *testing.T, display string, open Opener, traits Traits) {
	start := func(t testing.TB) inputtest.System { return newSystem(t, display, open) }
	inputtest.Conformance(t, start, inputtest.Traits{Buttons: traits.Buttons, Second: traits.Second, Notches: true, Pairs: true})
	type test struct {
		name string
		f    func(t *testing.T, b *Bench)
	}
	all := []test{
		{"shadow", testShadow},
		{"let go without a grab", testReleaseNoGrab},
		{"shortcuts of X11", testShortcuts},
		{"grab on the window", testKeyGrabs},
		{"grab on a dialog", testDialogKeyGrabs},
		{"grab of its own", testOwnKeyGrabs},
		{"two buttons of a left hand", testTwoButtons},
	}
	if traits.Second {
		all = append(all, []test{
			{"two hands", testTwoHands},
			{"repeat of a lock", testLockRepeat},
			{"the host's grab", testHostGrab},
			{"the host's menu and locker", testHostLocker},
			{"the host in the same window", testSameWindow},
			{"the host rests", testHostRests},
			{"the host over surfaces", testHostOverSurfaces},
			{"locker off the edge", testLockerOffscreen},
			{"keyboard of another guest", testClaimBusy},
			{"keyboard of the refused", testClaimRefused},
			{"keyboard and a masked dialog", testClaimMasked},
			{"his own focus", testOwnFocus},
			{"the host's focus", testHostFocus},
			{"the host's focus, later", testLateDialog},
			{"stolen focus", testStolenFocus},
			{"the client's own requests", testClientPointer},
			{"the program's own grab", testOwnGrab},
			{"the host in a program that has grabbed", testHostInGrab},
			{"the host's pointer grabbed by a toolkit", testCaptured},
			{"a press that is held back", testHeldBack},
			{"a press that would be swallowed", testSwallowed},
			{"a grab from another window", testOtherGrab},
			{"a grab of both pairs", testGrabOfBoth},
		}...)
	} else {
		all = append(all, []test{
			{"focus nowhere", testFocusNowhere},
			{"masked key up", testReleaseMasked},
			{"own menu, slowly", testSlowMenu},
			{"own menu that stops the pointer", testStoppingMenu},
			{"unseen menu", testUnseenMenu},
			{"grab beside a popup", testGrabBesidePopup},
		}...)
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) { c.f(t, NewBench(t, display, open)) })
	}
}

func testShadow(t *testing.T, b *Bench) {
	b.Win.SetCardinals("_GTK_FRAME_EXTENTS", 10, 20, 30, 40) // left, right, top, bottom
	b.Gate = b.NewGate()
	r := b.Win.Bounds()
	b.Win.Forget()
	ev := wire.Input{Kind: wire.Press, Button: wire.Left, Gen: Gen, X: wire.Fraction(5, r.Dx()-30), Y: wire.Fraction(6, r.Dy()-70)}
	b.Do(ev)
	ev.Kind, ev.X, ev.Y = wire.Release, 65535, 65535
	b.Do(ev)
	got := b.await(2, pt.Press, pt.Release)
	if len(got) != 2 || got[0].X != 15 || got[0].Y != 36 || got[1].X != r.Dx()-21 || got[1].Y != r.Dy()-41 {
		t.Errorf("the picture begins inside the shadow: %+v", got)
	}
}

// Keys go nowhere, or wherever the pointer is: not into the window.
func testFocusNowhere(t *testing.T, b *Bench) {
	other := b.Neighbour()
	other.Focus()
	other.Forget()
	b.Win.Forget()
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.NotFocused)
	for _, focus := range []xproto.Window{xproto.InputFocusPointerRoot, xproto.InputFocusNone, other.Conn().Root} {
		b.Do(b.At(wire.Move, 20, 20)) // with PointerRoot keys go where the pointer is
		xproto.SetInputFocus(other.Conn().Conn, xproto.InputFocusPointerRoot, focus, xproto.TimeCurrentTime)
		_, _ = xproto.GetInputFocus(other.Conn().Conn).Reply()
		b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.NotFocused)
	}
	if got := Got(b.Win, pt.KeyDown); len(got) != 0 {
		t.Errorf("keys without focus: %+v", got)
	}
	Nothing(t, "the focused window", other)
}

// pressed asks the server whether a key is down.
func pressed(w *pt.Window, code int) bool {
	r, err := xproto.QueryKeymap(w.Conn().Conn).Reply()
	return err == nil && r.Keys[code/8]>>(code%8)&1 != 0
}
