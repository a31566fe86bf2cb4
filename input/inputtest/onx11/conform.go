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
	"viewflip.app/platform/x11"
	"viewflip.app/wire"
)

// Gen and Rights are those of every event made here.
const (
	Gen    = inputtest.Gen
	Rights = inputtest.Rights
)

// Opener opens a Desk as an injector package does.
type Opener func(ctx context.Context, d *platform.Desktop, id platform.WindowID) (input.Desk, error)

// Traits are what injectors differ in.
type Traits struct {
	// Buttons are those that it has.
	Buttons []wire.Button
	// Second says that it has a pointer and a keyboard of its own, beside the
	// host's.
	Second bool
}

// Bench is a shared window on a real display, with a gate in front of it.
type Bench struct {
	t       testing.TB
	Display string
	Desktop *platform.Desktop
	// Win is the shared window, focused and on top at first.
	Win  *pt.Window
	Gate *input.Gate
	open Opener
}

// WindowBounds is where the window of a Bench is.
func WindowBounds() image.Rectangle { return image.Rect(200, 150, 600, 450) }

// NewBench puts a window on a display that has a window manager, and a gate
// before it.
func NewBench(t testing.TB, display string, open Opener) *Bench {
	t.Helper()
	d, err := platform.Open(display, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	b := &Bench{t: t, Display: display, Desktop: d, open: open}
	b.Win = pt.NewWindow(t, display, pt.Options{Title: "shared", Bounds: WindowBounds(), Color: 0x336699})
	b.Win.Focus()
	b.Win.Move(WindowBounds().Min) // openbox sometimes has another idea
	b.host().tap(codeShift)        // the first key of another keyboard of theirs is a new map, for which guests wait
	b.Gate = b.NewGate()
	b.later(b.At(wire.Move, 200, 150)) // a server that just started takes that for the host's hand
	b.Win.Forget()
	return b
}

// NewGate makes another gate to the same window.
func (b *Bench) NewGate() *input.Gate {
	b.t.Helper()
	return b.gateOf(b.Win)
}

// gateOf makes a gate to a window. It is closed with the test.
func (b *Bench) gateOf(w *pt.Window) *input.Gate {
	b.t.Helper()
	desk, err := b.open(b.t.Context(), b.Desktop, w.ID())
	if err != nil {
		b.t.Fatal(err)
	}
	g := input.NewGate(input.Config{Desk: desk})
	g.SetGeneration(Gen)
	b.t.Cleanup(func() { _ = g.Close() })
	return g
}

// Neighbour puts another window beside the shared one, which keeps the focus.
func (b *Bench) Neighbour() *pt.Window {
	b.t.Helper()
	w := pt.NewWindow(b.t, b.Display, pt.Options{Title: "neighbour", Bounds: image.Rect(650, 150, 900, 450), Color: 0x00ff00})
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
	k, ok := wire.KeyFromDOM(dom)
	if !ok {
		b.t.Fatalf("no key %q", dom)
	}
	return wire.Input{Kind: kind, Key: k}
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
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if got, err := b.Win.Await(ctx, ok); err != nil {
		b.t.Fatalf("%s: %v; got %+v", what, err, got)
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
	codeA, codeShift, codeCtrl = 38, 50, 37
)

// Conformance is what every injector on X11 must do.
func Conformance(t *testing.T, display string, open Opener, traits Traits) {
	type test struct {
		name string
		f    func(t *testing.T, b *Bench)
	}
	all := []test{
		{"click", testClick},
		{"drag", testDrag},
		{"wheel", testWheel},
		{"keys", testKeys},
		{"covered", testCovered},
		{"click-through overlay", testOverlay},
		{"off the screen", testOffscreen},
		{"shadow", testShadow},
		{"moved and resized", testMoved},
		{"unfocused click", testUnfocusedClick},
		{"host modifiers", testHostMods},
		{"two gates", testTwoGates},
		{"release", testRelease},
		{"hidden", testHidden},
		{"watchdog", testWatchdog},
		{"repeat", testRepeat},
		{"repeat with Shift", testShiftedRepeat},
		{"let go without a grab", testReleaseNoGrab},
		{"gone", testGone},
		{"shortcuts", testShortcuts},
		{"typing under cover", testTypingUnderCover},
		{"typing into a dialog over a covered window", testCoveredWithDialog},
		{"grab on the window", testKeyGrabs},
		{"grab on a dialog", testDialogKeyGrabs},
		{"grab of its own", testOwnKeyGrabs},
		{"surfaces", testSurfaces},
		{"hostile surfaces", testHostileSurfaces},
		{"keys into a dialog", testDialogKeys},
		{"masked dialog", testMaskedDialog},
		{"two buttons", testTwoButtons},
		{"buttons", func(t *testing.T, b *Bench) { testButtons(t, b, traits.Buttons) }},
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
			{"focus elsewhere", testFocus},
			{"the host's locks", testHostLocks},
			{"foreign grab", testGrab},
			{"masked key up", testReleaseMasked},
			{"own menu", testMenu},
			{"own menu, slowly", testSlowMenu},
			{"own menu that stops the pointer", testStoppingMenu},
			{"unseen menu", testUnseenMenu},
			{"grab beside a popup", testGrabBesidePopup},
			{"the host's hand", testHostHand},
		}...)
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) { c.f(t, NewBench(t, display, open)) })
	}
}

func testClick(t *testing.T, b *Bench) {
	size := b.Win.Bounds().Size()
	for _, p := range []image.Point{{0, 0}, {17, 23}, size.Sub(image.Pt(1, 1))} {
		b.Win.Forget()
		b.Do(b.Button(wire.Press, p.X, p.Y, wire.Left), b.Button(wire.Release, p.X, p.Y, wire.Left))
		got := b.await(2, pt.Press, pt.Release)
		if len(got) != 2 || got[0].X != p.X || got[0].Y != p.Y || got[0].Detail != 1 || got[1].Kind != pt.Release {
			t.Errorf("click at %v: %+v", p, got)
		}
	}
	stale := b.Button(wire.Press, 5, 5, wire.Left)
	stale.Gen--
	b.Win.Forget()
	b.Refused(stale, wire.Stale)
	Nothing(t, "the window", b.Win)
}

func testButtons(t *testing.T, b *Bench, buttons []wire.Button) {
	for _, button := range []wire.Button{wire.Left, wire.Middle, wire.Right, wire.Back, wire.Forward} {
		b.Win.Forget()
		if !slices.Contains(buttons, button) {
			b.Refused(b.Button(wire.Press, 9, 9, button), wire.KeyDenied)
			if got := Got(b.Win, pt.Press); len(got) != 0 {
				t.Errorf("button %d that does not exist: %+v", button, got)
			}
			continue
		}
		b.later(b.Button(wire.Press, 9, 9, button)) // the window manager may still hold the one before
		b.Do(b.Button(wire.Release, 9, 9, button))
		if got := b.await(2, pt.Press, pt.Release); len(got) != 2 || got[0].Detail != int(button) || got[1].Detail != int(button) {
			t.Errorf("button %d: %+v", button, got)
		}
	}
}

func testDrag(t *testing.T, b *Bench) {
	b.Do(b.Button(wire.Press, 10, 10, wire.Left), b.At(wire.Move, 50, 60), b.At(wire.Move, 70, 80))
	over := pt.NewWindow(t, b.Display, pt.Options{
		Bounds: image.Rect(200, 150, 400, 450).Add(image.Pt(200, 0)), Color: 0xff0000, OverrideRedirect: true,
	})
	b.Refused(b.At(wire.Move, 300, 80), wire.Covered)
	b.Do(b.Button(wire.Release, 300, 80, wire.Left))
	b.await(1, pt.Release)
	got := Got(b.Win, pt.Press, pt.Motion, pt.Release)
	last := got[len(got)-1]
	if last.Kind != pt.Release || last.X != 70 || last.Y != 80 {
		t.Errorf("let go at %+v", last)
	}
	if m := got[len(got)-2]; m.Kind != pt.Motion || m.X != 70 || m.Y != 80 || m.State&xproto.ButtonMask1 == 0 {
		t.Errorf("the last motion is %+v", m)
	}
	Nothing(t, "what covers the window", over)
}

func testWheel(t *testing.T, b *Bench) {
	for _, c := range []struct {
		dx, dy int16
		want   []int
	}{
		{0, 120, []int{5}},
		{0, -120, []int{4}},
		{120, 0, []int{7}},
		{-240, 0, []int{6, 6}},
		{0, 60, nil},
		{0, 60, []int{5}}, // two halves
		{0, 60, nil},
		{0, -120, []int{4}}, // what was left over of the other direction is forgotten
	} {
		b.Win.Forget()
		b.Do(b.Wheel(33, 44, c.dx, c.dy))
		got := b.await(len(c.want), pt.Press)
		if len(got) != len(c.want) || len(Got(b.Win, pt.Release)) != len(c.want) {
			t.Fatalf("wheel %d,%d: %+v", c.dx, c.dy, got)
		}
		for i, e := range got {
			if e.Detail != c.want[i] || e.X != 33 || e.Y != 44 {
				t.Errorf("wheel %d,%d: %+v", c.dx, c.dy, e)
			}
		}
	}
}

func testKeys(t *testing.T, b *Bench) {
	b.Do(b.Key(wire.KeyDown, "ShiftLeft"), b.Key(wire.KeyDown, "KeyA"), b.Key(wire.KeyUp, "KeyA"), b.Key(wire.KeyUp, "ShiftLeft"))
	got := b.await(4, pt.KeyDown, pt.KeyUp)
	want := []struct {
		kind   pt.Kind
		detail int
		shift  bool
	}{{pt.KeyDown, codeShift, false}, {pt.KeyDown, codeA, true}, {pt.KeyUp, codeA, true}, {pt.KeyUp, codeShift, true}}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i, w := range want {
		if e := got[i]; e.Kind != w.kind || e.Detail != w.detail || (e.State&xproto.ModMaskShift != 0) != w.shift {
			t.Errorf("event %d: %+v, want %+v", i, e, w)
		}
	}
	b.Win.Forget()
	for _, dom := range []string{"MetaLeft", "PrintScreen"} {
		b.Refused(b.Key(wire.KeyDown, dom), wire.KeyDenied)
	}
	Nothing(t, "the window", b.Win)
}

func testCovered(t *testing.T, b *Bench) {
	r := b.Win.Bounds()
	over := pt.NewWindow(t, b.Display, pt.Options{
		Bounds: image.Rect(r.Min.X, r.Min.Y, r.Min.X+100, r.Min.Y+100), Color: 0xff0000, OverrideRedirect: true,
	})
	beside := b.Neighbour()
	for _, w := range []*pt.Window{b.Win, over, beside} {
		w.Forget()
	}
	b.Refused(b.At(wire.Move, 50, 50), wire.Covered)
	b.Refused(b.Button(wire.Press, 50, 50, wire.Left), wire.Covered)
	b.Refused(b.Wheel(99, 99, 0, 120), wire.Covered)
	Nothing(t, "the window", b.Win)
	b.Do(b.Button(wire.Press, 100, 99, wire.Left), b.Button(wire.Release, 100, 99, wire.Left))
	b.Do(b.Key(wire.KeyDown, "KeyA"), b.Key(wire.KeyUp, "KeyA"))
	if got := b.await(2, pt.Press, pt.KeyDown); len(got) != 2 {
		t.Errorf("beside it: %+v", got)
	}
	over.Unmap()
	b.Do(b.At(wire.Move, 50, 50))
	Nothing(t, "what covered the window", over)
	Nothing(t, "the neighbour", beside)
}

func testOffscreen(t *testing.T, b *Bench) {
	over := b.Win.Bounds().Size()
	b.Win.Move(image.Pt(-100, 150))
	b.Win.Focus()
	b.Win.Forget()
	b.Refused(b.Button(wire.Press, 50, 50, wire.Left), wire.OutOfBounds)
	Nothing(t, "the window", b.Win)
	b.Do(b.Button(wire.Press, 100, 50, wire.Left))
	b.Do(b.Button(wire.Release, 20, 50, wire.Left)) // off the screen: at the last allowed point
	got := b.await(2, pt.Press, pt.Release)
	if len(got) != 2 || got[0].X != 100 || got[1].X != 100 {
		t.Errorf("at the edge: %+v", got)
	}
	if b.Win.Bounds().Size() != over {
		t.Error("the window manager resized the window")
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

func testMoved(t *testing.T, b *Bench) {
	b.Do(b.At(wire.Move, 5, 5))
	b.Win.Move(image.Pt(300, 300))
	b.Win.Forget()
	b.Do(b.Button(wire.Press, 12, 13, wire.Left), b.Button(wire.Release, 12, 13, wire.Left))
	if got := b.await(1, pt.Press); len(got) != 1 || got[0].X != 12 || got[0].Y != 13 {
		t.Errorf("after a move: %+v", got)
	}
	b.Win.Resize(500, 350)
	b.Win.Forget()
	b.Refused(b.Button(wire.Press, 12, 13, wire.Left), wire.Stale)
	Nothing(t, "the window", b.Win)
	b.Gate.SetGeneration(Gen + 1)
	ev := b.Button(wire.Press, 499, 349, wire.Left)
	ev.Gen++
	b.Do(ev)
	if got := b.await(1, pt.Press); len(got) != 1 || got[0].X != 499 || got[0].Y != 349 {
		t.Errorf("after a resize: %+v", got)
	}
}

func testFocus(t *testing.T, b *Bench) {
	other := b.Neighbour()
	b.Run()
	b.Do(b.Key(wire.KeyDown, "ControlLeft"))
	other.Focus()
	pt.Eventually(t, "Ctrl to be let go when the focus left", func() bool { return !pressed(other, codeCtrl) })
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

func testUnfocusedClick(t *testing.T, b *Bench) {
	other := b.Neighbour()
	other.Focus()
	other.Forget()
	b.Win.Forget()
	b.Do(b.Button(wire.Press, 40, 41, wire.Left), b.Button(wire.Release, 42, 43, wire.Left))
	b.until("the click, replayed", func(es []pt.Event) bool { return count(es, pt.Release, 1) == 1 })
	got := b.await(2, pt.Press, pt.Release)
	if len(got) != 2 || got[0].X != 40 || got[0].Y != 41 || got[1].X != 42 || got[1].Y != 43 {
		t.Errorf("got %+v", got)
	}
	b.until("the focus", func(es []pt.Event) bool { return count(es, pt.Focus, xproto.NotifyDetailNonlinear) > 0 })
	b.Do(b.Key(wire.KeyDown, "KeyA"), b.Key(wire.KeyUp, "KeyA"))
	Nothing(t, "the window that had the focus", other)
}

func testGrab(t *testing.T, b *Bench) {
	other := b.Neighbour()
	c := other.Conn().Conn
	b.Win.Forget()
	other.Forget()
	p, err := xproto.GrabPointer(c, false, other.XID(), xproto.EventMaskButtonPress|xproto.EventMaskPointerMotion,
		xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime).Reply()
	if err != nil || p.Status != xproto.GrabStatusSuccess {
		t.Fatal(err, p)
	}
	b.Refused(b.Button(wire.Press, 5, 5, wire.Left), wire.HostBusy)
	b.Refused(b.At(wire.Move, 5, 5), wire.HostBusy)
	xproto.UngrabPointer(c, xproto.TimeCurrentTime)
	k, err := xproto.GrabKeyboard(c, false, other.XID(), xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
	if err != nil || k.Status != xproto.GrabStatusSuccess {
		t.Fatal(err, k)
	}
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Locked)
	Nothing(t, "the grabbing window", other)
	Nothing(t, "the window", b.Win)
	xproto.UngrabKeyboard(c, xproto.TimeCurrentTime)
	_, _ = xproto.GetInputFocus(c).Reply()
	b.Do(b.Button(wire.Press, 5, 5, wire.Left), b.Key(wire.KeyDown, "KeyA"))
}

// A menu of the shared window's own client has both grabs: the guest may close
// it. A screen locker over it is a screen locker.
func testMenu(t *testing.T, b *Bench) {
	c := b.Win.Conn()
	menu, err := xproto.NewWindowId(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	r := b.Win.Bounds()
	xproto.CreateWindow(c.Conn, 0, menu, c.Root, int16(r.Min.X+50), int16(r.Min.Y+50), 80, 120, 0,
		xproto.WindowClassInputOutput, 0, xproto.CwOverrideRedirect, []uint32{1})
	grab := func(c *x11.Conn, w xproto.Window) {
		t.Helper()
		p, err := xproto.GrabPointer(c.Conn, true, w, xproto.EventMaskButtonPress, xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime).Reply()
		if err != nil || p.Status != 0 {
			t.Fatal(err, p)
		}
		k, err := xproto.GrabKeyboard(c.Conn, true, w, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
		if err != nil || k.Status != 0 {
			t.Fatal(err, k)
		}
	}
	b.later(b.Key(wire.KeyDown, "KeyA"))
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	time.Sleep(longer) // some programs take long to open it, while the guest does nothing
	xproto.MapWindow(c.Conn, menu)
	grab(c, menu)
	time.Sleep(2 * longer)
	b.Win.Forget()
	b.Do(b.Key(wire.KeyDown, "Escape"), b.Key(wire.KeyUp, "Escape"))
	b.Do(b.Button(wire.Press, 5, 5, wire.Left), b.Button(wire.Release, 5, 5, wire.Left))
	b.Refused(b.Button(wire.Press, 60, 60, wire.Left), wire.Covered)
	if got := b.await(2, pt.Press, pt.KeyDown); len(got) != 2 {
		t.Errorf("with a menu open: %+v", got)
	}
	xproto.UngrabPointer(c.Conn, xproto.TimeCurrentTime)
	xproto.UngrabKeyboard(c.Conn, xproto.TimeCurrentTime)
	_, _ = xproto.GetInputFocus(c.Conn).Reply()

	screen := image.Rect(0, 0, int(c.Screen.WidthInPixels), int(c.Screen.HeightInPixels))
	locker := pt.NewWindow(t, b.Display, pt.Options{Bounds: screen, OverrideRedirect: true})
	grab(locker.Conn(), locker.XID())
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Locked)
	b.Refused(b.Button(wire.Press, 5, 5, wire.Left), wire.HostBusy)
	Nothing(t, "the locker", locker)
}

func testHostMods(t *testing.T, b *Bench) {
	h := b.host()
	h.key(codeCtrl, true)
	b.Win.Forget()
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.HostBusy)
	b.Refused(b.Button(wire.Press, 5, 5, wire.Left), wire.HostBusy)
	if got := Got(b.Win, pt.KeyDown, pt.Press); count(got, pt.KeyDown, codeA) != 0 || count(got, pt.Press, 1) != 0 {
		t.Errorf("got %+v", got)
	}
	h.key(codeCtrl, false)
	b.later(b.Key(wire.KeyDown, "ControlLeft"))
	b.Do(b.Key(wire.KeyDown, "KeyA"), b.Button(wire.Press, 5, 5, wire.Left))
}

func testTwoGates(t *testing.T, b *Bench) {
	b.Do(b.Button(wire.Press, 5, 5, wire.Left))
	second := b.NewGate()
	if v := second.Do(b.At(wire.Move, 90, 90), Rights); v.Reason != wire.HostBusy {
		t.Errorf("somebody else's drag: %v", v)
	}
	if v := second.Do(b.Button(wire.Release, 90, 90, wire.Left), Rights); !v.OK() {
		t.Errorf("a release of nothing: %v", v)
	}
	if got := Got(b.Win, pt.Release); len(got) != 0 {
		t.Errorf("let go by somebody else: %+v", got)
	}
	b.Do(b.Button(wire.Release, 5, 5, wire.Left))
	b.await(1, pt.Release)
	if v := second.Do(b.At(wire.Move, 90, 90), Rights); !v.OK() {
		t.Error(v)
	}
	// One keyboard: what one guest holds must not become another's chord.
	b.later(b.Key(wire.KeyDown, "KeyA"))
	b.Win.Forget()
	if v := second.Do(b.Key(wire.KeyDown, "ControlLeft"), Rights); v.Reason != wire.HostBusy {
		t.Errorf("a modifier for somebody else's key: %v", v)
	}
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	if v := second.Do(b.Key(wire.KeyDown, "ControlLeft"), Rights); !v.OK() {
		t.Error(v)
	}
	if n := count(b.Win.Events(), pt.KeyDown, codeCtrl); n != 1 {
		t.Errorf("%d presses of Ctrl", n)
	}
	b.Refused(b.Button(wire.Press, 5, 5, wire.Left), wire.HostBusy) // it would be Ctrl+click
}
