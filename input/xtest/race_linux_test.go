package xtest_test

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jezek/xgb"
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

// raceTime bounds one race.
const raceTime = 20 * time.Second

// A window jumps over the shared one and away again, as fast as it can, while
// clicks are injected: not one may reach it, neither of a button that window
// managers leave alone nor of one that they hold back. How many do without the
// grab, and if presses are left to the window manager, is reported.
func TestRace(t *testing.T) {
	display := start(t)
	for _, c := range []struct {
		name   string
		button wire.Button
		weak   func(input.Desk)
		clicks int
	}{
		{"atomic", wire.Back, nil, 2000},
		{"not held back by the window manager", wire.Left, nil, 2000},
		{"held back by the window manager", wire.Left, xtest.WithoutStrike, 800},
		{"check, then inject", wire.Back, xtest.WithoutGrab, 800},
	} {
		t.Run(c.name, func(t *testing.T) {
			injected, refused, arrived, leaked := race(t, display, c.button, c.clicks, c.weak)
			t.Logf("%d clicks injected, %d refused, %d reached the window, %d LEAKED", injected, refused, arrived, leaked)
			if c.weak != nil {
				return
			}
			if leaked != 0 {
				t.Errorf("%d clicks reached the window that covers", leaked)
			}
			if arrived != injected {
				t.Errorf("%d of %d clicks arrived", arrived, injected)
			}
			if injected < 50 || refused < 50 {
				t.Errorf("no race: %d injected, %d refused", injected, refused)
			}
		})
	}
}

func race(t *testing.T, display string, button wire.Button, clicks int, weak func(input.Desk)) (injected, refused, arrived, leaked int) {
	t.Helper()
	open := opener(xtest.SeatOptions{})
	b := onx11.NewBench(t, display, func(ctx context.Context, d *platform.Desktop, id platform.WindowID) (input.Desk, error) {
		desk, err := open(ctx, d, id)
		if err == nil && weak != nil {
			weak(desk)
		}
		return desk, err
	})
	stop := occlude(t, display, b.Win.Bounds(), 7)
	b.Win.Forget()
	end := time.Now().Add(raceTime)
	for i := 0; i < clicks && time.Now().Before(end); i++ {
		press := b.Button(wire.Press, 100, 100, button)
		switch v := b.Gate.Do(press, onx11.Rights); v.Reason {
		case 0:
			injected++
			press.Kind = wire.Release
			b.Do(press)
		case wire.RateLimited:
			time.Sleep(2 * time.Millisecond)
			i--
		default:
			refused++
		}
	}
	leaked = stop()
	arrived = len(onx11.Got(b.Win, pt.Press))
	return injected, refused, arrived, leaked
}

// The focus of the injecting keyboard jumps between the shared window and
// another one while a guest types: no key goes down in the other. A keyboard of
// their own is brought back each time; the host's is not touched.
func TestFocusRace(t *testing.T) {
	for _, shared := range []bool{true, false} {
		t.Run(map[bool]string{true: "shared", false: "second"}[shared], func(t *testing.T) { focusRace(t, shared) })
	}
}

func focusRace(t *testing.T, shared bool) {
	t.Helper()
	display := start(t)
	b := onx11.NewBench(t, display, opener(xtest.SeatOptions{Shared: shared}))
	other := pt.NewWindow(t, display, pt.Options{Bounds: image.Rect(700, 100, 800, 200), OverrideRedirect: true})
	xi, keyboard := keyboards(t, other.Conn())
	if shared {
		keyboard = xinput.CoreKeyboard
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		rnd := rand.New(rand.NewPCG(3, 4))
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Duration(50+rnd.IntN(300)) * time.Microsecond):
			}
			xi.SetFocus(keyboard, []xproto.Window{b.Win.XID(), other.XID()}[rnd.IntN(2)])
		}
	})
	other.Forget()
	b.Win.Forget()
	typed, refused := 0, 0
	for end := time.Now().Add(raceTime); typed+refused < 1500 && time.Now().Before(end); {
		switch v := b.Gate.Do(b.Key(wire.KeyDown, "KeyA"), onx11.Rights); v.Reason {
		case 0:
			typed++
			b.Do(b.Key(wire.KeyUp, "KeyA"))
		case wire.RateLimited:
			time.Sleep(2 * time.Millisecond)
		default:
			refused++
		}
	}
	close(done)
	wg.Wait()
	arrived, leaked := len(onx11.Got(b.Win, pt.KeyDown)), len(onx11.Got(other, pt.KeyDown))
	t.Logf("%d keys typed, %d refused, %d arrived, %d leaked", typed, refused, arrived, leaked)
	if leaked != 0 || arrived != typed || typed < 50 || (refused < 50) == shared {
		t.Error("that is wrong")
	}
}

// keyboards finds the second master keyboard; 0 if there is none.
func keyboards(t *testing.T, c *x11.Conn) (*xinput.Client, xinput.DeviceID) {
	t.Helper()
	xi, err := xinput.New(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	all, err := xi.Devices()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Use == xinput.MasterKeyboard && d.ID != xinput.CoreKeyboard {
			return xi, d.ID
		}
	}
	return xi, 0
}

// occlude maps and unmaps a window over r until stop is called, which returns
// how many presses it got.
func occlude(t *testing.T, display string, r image.Rectangle, seed uint64) (stop func() int) {
	t.Helper()
	c, err := x11.Connect(display)
	if err != nil {
		t.Fatal(err)
	}
	w, err := xproto.NewWindowId(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	err = xproto.CreateWindowChecked(c.Conn, 0, w, c.Root, int16(r.Min.X), int16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()), 0,
		xproto.WindowClassInputOnly, 0, xproto.CwOverrideRedirect|xproto.CwEventMask, []uint32{1, xproto.EventMaskButtonPress}).Check()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		rnd := rand.New(rand.NewPCG(seed, seed))
		for {
			select {
			case <-done:
				return
			default:
			}
			xproto.MapWindow(c.Conn, w)
			xproto.ConfigureWindow(c.Conn, w, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
			time.Sleep(time.Duration(50+rnd.IntN(300)) * time.Microsecond)
			xproto.UnmapWindow(c.Conn, w)
			time.Sleep(time.Duration(50+rnd.IntN(300)) * time.Microsecond)
		}
	})
	presses := 0
	read := make(chan struct{})
	go func() {
		defer close(read)
		for {
			ev, err := c.WaitForEvent()
			if ev == nil && err == nil {
				return
			}
			if _, ok := ev.(xproto.ButtonPressEvent); ok {
				presses++
			}
		}
	}()
	return func() int {
		close(done)
		wg.Wait()
		time.Sleep(50 * time.Millisecond) // a window manager may still replay
		_, _ = xproto.GetInputFocus(c.Conn).Reply()
		c.Close()
		<-read
		return presses
	}
}

// The picture and the hand must mean the same rectangle.
func TestCropAgreesWithCapture(t *testing.T) {
	display := start(t)
	w := pt.NewWindow(t, display, pt.Options{Bounds: image.Rect(50, 50, 250, 150)})
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		v := make([]uint32, 4)
		for i := range v {
			v[i] = []uint32{0, r.Uint32N(30), r.Uint32N(120), r.Uint32N(5000), r.Uint32()}[r.IntN(5)]
		}
		v = v[:[]int{4, 4, 4, 4, 3}[r.IntN(5)]]
		w.SetCardinals("_GTK_FRAME_EXTENTS", v...)
		b := make([]byte, 4*len(v))
		for i, x := range v {
			xgb.Put32(b[4*i:], x)
		}
		if got, want := xtest.Crop(b, 200, 100), w.Conn().Content(w.XID(), 200, 100); got != want {
			t.Errorf("%v: %v, the capture has %v", v, got, want)
		}
	}
}

// The cost of an event, gate and injection, and how long all other clients had
// to wait for it.
func BenchmarkGate(b *testing.B) {
	display := start(b)
	for _, shared := range []bool{false, true} {
		for _, c := range []struct {
			name string
			evs  func(n *onx11.Bench) []wire.Input
		}{
			{"move", func(n *onx11.Bench) []wire.Input {
				return []wire.Input{n.At(wire.Move, 5, 5), n.At(wire.Move, 50, 50)}
			}},
			{"click", func(n *onx11.Bench) []wire.Input {
				return []wire.Input{n.Button(wire.Press, 5, 5, wire.Back), n.Button(wire.Release, 5, 5, wire.Back)}
			}},
			{"key", func(n *onx11.Bench) []wire.Input {
				return []wire.Input{n.Key(wire.KeyDown, "KeyA"), n.Key(wire.KeyUp, "KeyA")}
			}},
		} {
			name := map[bool]string{false: "second/", true: "shared/"}[shared] + c.name
			b.Run(name, func(b *testing.B) { benchmark(b, display, shared, c.evs) })
		}
	}
}

func benchmark(b *testing.B, display string, shared bool, events func(n *onx11.Bench) []wire.Input) {
	b.Helper()
	var took, grabs []time.Duration
	counts := false // releases do not: they ask nothing
	open := opener(xtest.SeatOptions{Shared: shared})
	n := onx11.NewBench(b, display, func(ctx context.Context, d *platform.Desktop, id platform.WindowID) (input.Desk, error) {
		desk, err := open(ctx, d, id)
		if err == nil {
			xtest.Timing(desk, func(d time.Duration) {
				if counts {
					grabs = append(grabs, d)
				}
			})
		}
		return desk, err
	})
	evs := events(n)
	for i := 0; b.Loop(); i++ {
		ev := evs[i%len(evs)]
		counts = ev.Kind != wire.Release && ev.Kind != wire.KeyUp
		begin := time.Now()
		v := n.Gate.Do(ev, onx11.Rights)
		switch v.Reason {
		case 0:
			if counts {
				took = append(took, time.Since(begin))
			}
		case wire.RateLimited:
			b.StopTimer()
			time.Sleep(2 * time.Millisecond)
			i--
			b.StartTimer()
		default:
			b.Fatal(v)
		}
	}
	report := func(what string, ds []time.Duration) {
		slices.Sort(ds)
		for _, p := range []float64{0.5, 0.99, 1} {
			at := ds[int(p*float64(len(ds)-1))]
			b.ReportMetric(float64(at.Microseconds()), fmt.Sprintf("%s-p%g-µs", what, 100*p))
		}
	}
	report("event", took)
	report("grab", grabs)
}
