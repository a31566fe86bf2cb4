package xtest_test

import (
	"context"
	"errors"
	"image"
	"slices"
	"strings"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// masters lists the master devices of one use beside the host's, and for
// keyboards where their focus is.
func masters(t *testing.T, display string, use xinput.Use) (names []string, focus []xproto.Window) {
	t.Helper()
	c, err := x11.Connect(display)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	xi, err := xinput.New(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	all, err := xi.Devices()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Use != use || d.ID == xinput.CorePointer || d.ID == xinput.CoreKeyboard {
			continue
		}
		names = append(names, d.Name)
		if f, err := xi.GetFocus(d.ID).Reply(); err == nil {
			focus = append(focus, f)
		}
	}
	return names, focus
}

func pointers(t *testing.T, display string) []string {
	t.Helper()
	names, _ := masters(t, display, xinput.MasterPointer)
	return names
}

// The second pair is there from the first window to the last, once for each
// process, and what it holds is let go when it goes.
func TestSeatLife(t *testing.T) {
	display := start(t)
	d, err := platform.Open(display, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	stopped := 0
	guard := func(context.Context, int) (func(), error) { return func() { stopped++ }, nil }
	one, other := xtest.NewSeat(d, xtest.SeatOptions{Guard: guard}), xtest.NewSeat(d, xtest.SeatOptions{})
	a := pt.NewWindow(t, display, pt.Options{Bounds: image.Rect(100, 100, 200, 200)})
	b := pt.NewWindow(t, display, pt.Options{Bounds: image.Rect(300, 100, 400, 200)})
	open := func(s *xtest.Seat, w *pt.Window) input.Desk {
		t.Helper()
		desk, err := s.Open(t.Context(), w.ID())
		if err != nil {
			t.Fatal(err)
		}
		return desk
	}
	expect := func(want ...string) {
		t.Helper()
		if got := pointers(t, display); !slices.Equal(got, want) {
			t.Errorf("pointers %v, want %v", got, want)
		}
	}
	expect()
	first, second := open(one, a), open(one, b)
	expect("viewflip pointer")
	third := open(other, b)
	expect("viewflip pointer", "viewflip 2 pointer")
	// The second keyboard is in no window but while somebody types there: not in
	// that under the pointer, as new keyboards are, and not in one that is closed.
	elsewhere := func(where string) {
		t.Helper()
		_, focus := masters(t, display, xinput.MasterKeyboard)
		if f := focus[0]; f <= 1 || f == a.XID() || f == b.XID() {
			t.Errorf("%s the focus is %#x", where, f)
		}
	}
	elsewhere("at first")
	g := input.NewGate(input.Config{Desk: first})
	k, _ := wire.KeyFromDOM("KeyA")
	pt.Eventually(t, "a key", func() bool {
		return g.Do(wire.Input{Kind: wire.KeyDown, Key: k}, onx11.Rights).OK()
	})
	if _, focus := masters(t, display, xinput.MasterKeyboard); focus[0] != a.XID() {
		t.Errorf("typing, the focus is %#x", focus[0])
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	elsewhere("after the end")
	for _, desk := range []input.Desk{first, first, third} { // a second Close is nothing
		if err := desk.Close(); err != nil {
			t.Error(err)
		}
	}
	expect("viewflip pointer")
	if _, err := one.Open(t.Context(), platform.NewWindowID(0x12345)); !errors.Is(err, platform.ErrGone) {
		t.Error("no such window:", err)
	}
	expect("viewflip pointer")
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	expect()
	if stopped != 1 {
		t.Errorf("the guardian was stopped %d times", stopped)
	}
	if _, err := one.Open(t.Context(), platform.NewWindowID(0x12345)); !errors.Is(err, platform.ErrGone) {
		t.Error("no such window, and it is the first:", err)
	}
	expect()
	if err := open(one, a).Close(); err != nil {
		t.Error("taken again:", err)
	}
	expect()
}

// Without a guardian nothing is ever held.
func TestNoGuardian(t *testing.T) {
	display := start(t)
	d, err := platform.Open(display, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w := pt.NewWindow(t, display, pt.Options{Bounds: image.Rect(100, 100, 200, 200)})
	no := errors.New("no")
	seat := xtest.NewSeat(d, xtest.SeatOptions{Guard: func(context.Context, int) (func(), error) { return nil, no }})
	if _, err := seat.Open(t.Context(), w.ID()); !errors.Is(err, xtest.ErrGuardian) || !errors.Is(err, no) {
		t.Error(err)
	}
	if got := pointers(t, display); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
}

// The guardian waits for the seat to be given up, and sees that it was.
func TestGuardian(t *testing.T) {
	display := start(t)
	ended := make(chan error, 1)
	seat := opener(xtest.SeatOptions{Guard: func(_ context.Context, slot int) (func(), error) {
		ready := make(chan struct{})
		go func() { ended <- xtest.Guardian(t.Context(), display, slot, func() { close(ready) }) }()
		<-ready
		return func() {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}, nil
	}})
	b := onx11.NewBench(t, display, seat)
	b.Do(b.Key(wire.KeyDown, "KeyA"))
	select {
	case err := <-ended:
		t.Fatal("the guardian left:", err)
	default:
	}
	if err := b.Gate.Close(); err != nil {
		t.Error(err)
	}
	if got := pointers(t, display); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
}

func TestPairSlot(t *testing.T) {
	for name, want := range map[string]int{
		"viewflip pointer": 1, "viewflip 2 pointer": 2, "viewflip 32 pointer": 32,
		"viewflip 33 pointer": 0, "viewflip 1 pointer": 0, "viewflip 02 pointer": 0, "viewflip": 0, "": 0,
		"viewflip keyboard": 0, "viewflip XTEST pointer": 0, "Virtual core pointer": 0, "my viewflip pointer": 0,
		"viewflip 2 pointer ": 0, strings.Repeat("viewflip ", 3) + "pointer": 0,
	} {
		if got := xtest.PairSlot(name); got != want {
			t.Errorf("%q: slot %d, want %d", name, got, want)
		}
	}
}
