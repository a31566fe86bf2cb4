package input_test

import (
	"context"
	"errors"
	"image"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"viewflip.app/input"
	"viewflip.app/input/inputtest"
	"viewflip.app/wire"
)

const (
	control = wire.RightSee | wire.RightPoint | wire.RightControl
	point   = wire.RightSee | wire.RightPoint

	keyA     wire.Key = 0x04
	keyF1    wire.Key = 0x3a
	keyTab   wire.Key = 0x2b
	keyPrint wire.Key = 0x46
	keyDel   wire.Key = 0x4c
	keyCtrl  wire.Key = 0xe0
	keyShift wire.Key = 0xe1
	keyAlt   wire.Key = 0xe2
	keySuper wire.Key = 0xe3
	keyAltGr wire.Key = 0xe6

	w, h = 100, 80
	gen  = 7
)

func newGate(t testing.TB) (*input.Gate, *inputtest.Desk) {
	t.Helper()
	d := inputtest.New(w, h)
	g := input.NewGate(input.Config{Desk: d})
	g.SetGeneration(gen)
	return g, d
}

func at(kind wire.Kind, x, y int) wire.Input {
	return wire.Input{Kind: kind, Gen: gen, X: wire.Fraction(x, w), Y: wire.Fraction(y, h)}
}

func button(kind wire.Kind, x, y int, b wire.Button) wire.Input {
	ev := at(kind, x, y)
	ev.Button = b
	return ev
}

func wheel(x, y int, dx, dy int16) wire.Input {
	ev := at(wire.Wheel, x, y)
	ev.DX, ev.DY = dx, dy
	return ev
}

func key(kind wire.Kind, k wire.Key) wire.Input { return wire.Input{Kind: kind, Key: k} }

func stale(ev wire.Input) wire.Input { ev.Gen--; return ev }

func TestRules(t *testing.T) {
	hide := func(d *inputtest.Desk) { d.Set(func(s *input.State) { s.Visible = false }) }
	for _, c := range []struct {
		name   string
		rights wire.Rights
		desk   func(d *inputtest.Desk)
		before []wire.Input // these must be allowed
		ev     wire.Input
		want   wire.Reason
	}{
		{"move", control, nil, nil, at(wire.Move, 5, 5), 0},
		{"press", control, nil, nil, button(wire.Press, 5, 5, wire.Left), 0},
		{"wheel", control, nil, nil, wheel(5, 5, 0, 120), 0},
		{"key", control, nil, nil, key(wire.KeyDown, keyA), 0},
		{"shift and a key", control, nil, []wire.Input{key(wire.KeyDown, keyShift)}, key(wire.KeyDown, keyA), 0},
		{"repeat of a key that is not held is a press", control, nil, nil, wire.Input{Kind: wire.KeyDown, Key: keyA, Rune: 'a', Repeat: true}, 0},

		{"move without control", point, nil, nil, at(wire.Move, 5, 5), wire.NoRight},
		{"press without control", point, nil, nil, button(wire.Press, 5, 5, wire.Left), wire.NoRight},
		{"key without any right", 0, nil, nil, key(wire.KeyDown, keyA), wire.NoRight},
		{"wheel without control", point, nil, nil, wheel(5, 5, 0, 120), wire.NoRight},
		{"an unknown kind", control, nil, nil, at(99, 5, 5), wire.Failed},
		{"an unknown button", control, nil, nil, button(wire.Press, 5, 5, 4), wire.Failed},
		{"an unknown key", control, nil, nil, key(wire.KeyDown, 0x7fff), wire.Failed},

		{"hidden", control, hide, nil, at(wire.Move, 5, 5), wire.Hidden},
		{"hidden comes before stale", control, hide, nil, stale(at(wire.Move, 5, 5)), wire.Hidden},
		{"key to a hidden window", control, hide, nil, key(wire.KeyDown, keyA), wire.Hidden},
		{"an older picture", control, nil, nil, stale(button(wire.Press, 5, 5, wire.Left)), wire.Stale},
		{"a surface that is not there", control, nil, nil, wire.Input{Kind: wire.Move, Gen: gen, Surface: 1}, wire.Stale},
		{
			"stale comes before covered", control,
			func(d *inputtest.Desk) { d.Cover(image.Rect(0, 0, w, h)) },
			nil, stale(at(wire.Move, 5, 5)), wire.Stale,
		},
		{
			"no size", control,
			func(d *inputtest.Desk) { d.Set(func(s *input.State) { s.Size = image.Point{} }) },
			nil, at(wire.Move, 5, 5), wire.OutOfBounds,
		},
		{
			"covered", control,
			func(d *inputtest.Desk) { d.Cover(image.Rect(0, 0, 6, 6)) },
			nil, button(wire.Press, 5, 5, wire.Left), wire.Covered,
		},
		{
			"beside what covers", control,
			func(d *inputtest.Desk) { d.Cover(image.Rect(0, 0, 6, 6)) },
			nil, button(wire.Press, 6, 6, wire.Left), 0,
		},
		{
			"a plain move over a covered place", control,
			func(d *inputtest.Desk) { d.Cover(image.Rect(0, 0, 6, 6)) },
			nil, at(wire.Move, 5, 5), wire.Covered,
		},
		{
			"somebody has the pointer", control,
			func(d *inputtest.Desk) { d.Set(func(s *input.State) { s.Busy = true }) },
			nil, at(wire.Move, 5, 5), wire.HostBusy,
		},
		{
			"locked", control,
			func(d *inputtest.Desk) { d.Set(func(s *input.State) { s.Locked = true }) },
			nil, key(wire.KeyDown, keyA), wire.Locked,
		},
		{
			"focus elsewhere", control,
			func(d *inputtest.Desk) { d.Set(func(s *input.State) { s.Focused = false }) },
			nil, key(wire.KeyDown, keyA), wire.NotFocused,
		},
		{
			"the mouse needs no focus", control,
			func(d *inputtest.Desk) { d.Set(func(s *input.State) { s.Focused = false }) },
			nil, button(wire.Press, 5, 5, wire.Left), 0,
		},
		{
			"the host holds Ctrl: a key would be a command", control,
			func(d *inputtest.Desk) {
				d.Set(func(s *input.State) { s.Mods, s.HostMods = wire.ModCtrl, wire.ModCtrl })
			},
			nil, key(wire.KeyDown, keyA), wire.HostBusy,
		},
		{
			"the host holds Shift: a click would be another", control,
			func(d *inputtest.Desk) {
				d.Set(func(s *input.State) { s.Mods, s.HostMods = wire.ModShift, wire.ModShift })
			},
			nil, button(wire.Press, 5, 5, wire.Left), wire.HostBusy,
		},
		{
			"the host holds Ctrl and Alt: F1 is denied, not only busy", control,
			func(d *inputtest.Desk) {
				d.Set(func(s *input.State) { s.Mods, s.HostMods = wire.ModCtrl|wire.ModAlt, wire.ModCtrl|wire.ModAlt })
			},
			nil, key(wire.KeyDown, keyF1), wire.KeyDenied,
		},
		{
			"a modifier that only the layout knows", control,
			func(d *inputtest.Desk) { d.Set(func(s *input.State) { s.Mods = wire.ModAlt }) },
			nil, button(wire.Press, 5, 5, wire.Left), wire.KeyDenied,
		},
		{"the same with Super", control, func(d *inputtest.Desk) { d.Set(func(s *input.State) { s.Mods = wire.ModSuper }) }, nil, button(wire.Press, 5, 5, wire.Left), wire.KeyDenied},

		{"somebody's shortcut", control, func(d *inputtest.Desk) { d.Own(keyF1) }, nil, key(wire.KeyDown, keyF1), wire.KeyOwned},
		{"another key is nobody's shortcut", control, func(d *inputtest.Desk) { d.Own(keyF1) }, nil, key(wire.KeyDown, keyA), 0},
		{"the host's hand is in the way", control, func(d *inputtest.Desk) { d.Set(func(s *input.State) { s.HostActive = true }) }, nil, at(wire.Move, 5, 5), wire.HostBusy},

		{"Super", control, nil, nil, key(wire.KeyDown, keySuper), wire.KeyDenied},
		{"PrintScreen", control, nil, nil, key(wire.KeyDown, keyPrint), wire.KeyDenied},
		{"F1 alone", control, nil, nil, key(wire.KeyDown, keyF1), 0},
		{"Ctrl+F1", control, nil, []wire.Input{key(wire.KeyDown, keyCtrl)}, key(wire.KeyDown, keyF1), 0},
		{"Ctrl+Alt+F1", control, nil, []wire.Input{key(wire.KeyDown, keyCtrl), key(wire.KeyDown, keyAlt)}, key(wire.KeyDown, keyF1), wire.KeyDenied},
		{"the same, pressed the other way round", control, nil, []wire.Input{key(wire.KeyDown, keyF1), key(wire.KeyDown, keyCtrl)}, key(wire.KeyDown, keyAltGr), wire.KeyDenied},
		{"Ctrl+Alt+Delete", control, nil, []wire.Input{key(wire.KeyDown, keyAlt), key(wire.KeyDown, keyCtrl)}, key(wire.KeyDown, keyDel), wire.KeyDenied},
		{"Alt+Tab", control, nil, []wire.Input{key(wire.KeyDown, keyAlt)}, key(wire.KeyDown, keyTab), wire.KeyDenied},
		{"Alt+click moves windows", control, nil, []wire.Input{key(wire.KeyDown, keyAlt)}, button(wire.Press, 5, 5, wire.Left), wire.KeyDenied},
		{"Alt+wheel too", control, nil, []wire.Input{key(wire.KeyDown, keyAlt)}, wheel(5, 5, 0, 120), wire.KeyDenied},
		{"but not Alt+move", control, nil, []wire.Input{key(wire.KeyDown, keyAlt)}, at(wire.Move, 5, 5), 0},
		{"Ctrl+click", control, nil, []wire.Input{key(wire.KeyDown, keyCtrl)}, button(wire.Press, 5, 5, wire.Left), 0},
		{"a second press of the same button", control, nil, []wire.Input{button(wire.Press, 5, 5, wire.Left)}, button(wire.Press, 5, 5, wire.Left), wire.Failed},
		{"no key of another window", control, func(d *inputtest.Desk) { d.Fail(input.ErrNoKey) }, nil, key(wire.KeyDown, keyA), wire.KeyDenied},
		{"a point off the screen", control, func(d *inputtest.Desk) { d.Fail(input.ErrUnreachable) }, nil, at(wire.Move, 5, 5), wire.OutOfBounds},
		{"the system fails", control, func(d *inputtest.Desk) { d.Fail(errors.New("gone")) }, nil, at(wire.Move, 5, 5), wire.Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, d := newGate(t)
			for _, ev := range c.before {
				if v := g.Do(ev, control); !v.OK() {
					t.Fatal("before:", v)
				}
			}
			if c.desk != nil {
				c.desk(d)
			}
			d.Events()
			if v := g.Do(c.ev, c.rights); v.Reason != c.want {
				t.Errorf("verdict %q, want %q", v.Reason, c.want)
			}
			if n := len(d.Events()); (c.want == 0) != (n > 0) {
				t.Errorf("%d actions for verdict %q", n, c.want)
			}
		})
	}
}

func TestZeroGateRefuses(t *testing.T) {
	var g input.Gate
	for _, ev := range []wire.Input{at(wire.Move, 1, 1), key(wire.KeyDown, keyA), key(wire.KeyUp, keyA), {Kind: wire.ReleaseAll}} {
		if v := g.Do(ev, control); v.OK() {
			t.Errorf("%v: allowed by the zero gate", ev.Kind)
		}
	}
	g.SetGeneration(1)
	if err := errors.Join(g.Release(), g.Run(t.Context()), g.Close()); err != nil {
		t.Error(err)
	}
}

// The host's own hand goes first, and what a guest holds is let go at once.
func TestHostGoesFirst(t *testing.T) {
	for _, ev := range []wire.Input{at(wire.Move, 1, 1), button(wire.Press, 1, 1, wire.Right), wheel(1, 1, 0, 120), key(wire.KeyDown, keyF1), key(wire.KeyDown, keyA)} {
		g, d := newGate(t)
		for _, before := range []wire.Input{button(wire.Press, 1, 1, wire.Left), key(wire.KeyDown, keyA)} {
			if v := g.Do(before, control); !v.OK() {
				t.Fatal(v)
			}
		}
		d.Set(func(s *input.State) { s.HostActive = true })
		if v := g.Do(ev, control); v.Reason != wire.HostBusy || d.Held() != 0 {
			t.Errorf("%v: %v, %d held", ev.Kind, v, d.Held())
		}
		d.Set(func(s *input.State) { s.HostActive = false })
		if v := g.Do(ev, control); !v.OK() {
			t.Errorf("%v: his hand rests, and still %v", ev.Kind, v)
		}
	}
	g, d := newGate(t)
	if v := g.Do(button(wire.Press, 1, 1, wire.Left), control); !v.OK() {
		t.Fatal(v)
	}
	d.Set(func(s *input.State) { s.HostActive = true })
	if v := g.Do(button(wire.Release, 1, 1, wire.Left), 0); !v.OK() || d.Held() != 0 {
		t.Errorf("a release must pass: %v, %d held", v, d.Held())
	}
}

// A repeat says that a key is still wanted; in a window that lost the keyboard it
// is let go instead.
func TestRepeatIsChecked(t *testing.T) {
	g, d := newGate(t)
	if v := g.Do(key(wire.KeyDown, keyA), control); !v.OK() {
		t.Fatal(v)
	}
	d.Set(func(s *input.State) { s.Focused = false })
	if v := g.Do(wire.Input{Kind: wire.KeyDown, Key: keyA, Repeat: true}, control); v.Reason != wire.NotFocused || d.Held() != 0 {
		t.Errorf("%v, %d held", v, d.Held())
	}
}

func TestPixels(t *testing.T) {
	g, d := newGate(t)
	for _, p := range []image.Point{{0, 0}, {w - 1, h - 1}, {0, h - 1}, {37, 41}} {
		g.Do(at(wire.Move, p.X, p.Y), control)
		if e := d.Events(); len(e) != 1 || e[0].At != p {
			t.Errorf("aimed at %v: %v", p, e)
		}
	}
	g.Do(wire.Input{Kind: wire.Move, Gen: gen, X: 65535, Y: 65535}, control)
	if e := d.Events(); len(e) != 1 || e[0].At != image.Pt(w-1, h-1) {
		t.Errorf("the last fraction is the last pixel: %v", e)
	}
}

func TestResizeThatNobodyAnnounced(t *testing.T) {
	g, d := newGate(t)
	if v := g.Do(at(wire.Move, 5, 5), control); !v.OK() {
		t.Fatal(v)
	}
	d.Set(func(s *input.State) { s.Size = image.Pt(2*w, h) })
	if v := g.Do(at(wire.Move, 5, 5), control); v.Reason != wire.Stale {
		t.Errorf("another size under the same generation: %v", v)
	}
	g.SetGeneration(gen + 1)
	ev := at(wire.Move, 5, 5)
	ev.Gen++
	if v := g.Do(ev, control); !v.OK() {
		t.Errorf("announced: %v", v)
	}
	g.SetGeneration(gen + 1) // the same again changes nothing
	d.Set(func(s *input.State) { s.Size = image.Pt(w, h) })
	if v := g.Do(ev, control); v.Reason != wire.Stale {
		t.Errorf("size forgotten: %v", v)
	}
}

func TestDrag(t *testing.T) {
	g, d := newGate(t)
	do := func(ev wire.Input, want wire.Reason) {
		t.Helper()
		if v := g.Do(ev, control); v.Reason != want {
			t.Fatalf("%v: %v", ev.Kind, v)
		}
	}
	last := func() inputtest.Event {
		t.Helper()
		e := d.Events()
		if len(e) == 0 {
			t.Fatal("nothing injected")
		}
		return e[len(e)-1]
	}
	do(button(wire.Press, 5, 5, wire.Left), 0)
	do(at(wire.Move, 20, 20), 0)
	d.Cover(image.Rect(30, 30, w, h))
	do(at(wire.Move, 40, 40), wire.Covered)
	do(button(wire.Release, 50, 50, wire.Left), 0)
	if e := last(); e.Kind != wire.Release || e.At != image.Pt(20, 20) {
		t.Errorf("let go over something else: %+v", e)
	}

	d.Cover()
	do(button(wire.Press, 5, 5, wire.Left), 0)
	do(button(wire.Release, 60, 60, wire.Left), 0)
	if e := last(); e.At != image.Pt(60, 60) {
		t.Errorf("a free release goes where it was aimed: %+v", e)
	}

	do(button(wire.Press, 5, 5, wire.Left), 0)
	d.Cover(image.Rect(0, 0, w, h))
	d.Events()
	do(button(wire.Release, 60, 60, wire.Left), 0)
	if e := d.Events(); len(e) != 1 || e[0].Kind != wire.Release {
		t.Errorf("wholly covered: let go on the spot, without a move: %+v", e)
	}

	d.Cover()
	do(button(wire.Press, 5, 5, wire.Left), 0)
	do(stale(button(wire.Release, 60, 60, wire.Left)), 0)
	if e := last(); e.At != image.Pt(5, 5) {
		t.Errorf("a stale release goes to the last allowed point: %+v", e)
	}
}

func TestOnlyWhatIsHeldIsLetGo(t *testing.T) {
	g, d := newGate(t)
	for _, ev := range []wire.Input{key(wire.KeyUp, keyA), button(wire.Release, 5, 5, wire.Left), {Kind: wire.ReleaseAll}} {
		if v := g.Do(ev, 0); !v.OK() {
			t.Errorf("%v: %v", ev.Kind, v)
		}
	}
	if e := d.Events(); len(e) != 0 {
		t.Errorf("injected though nothing was held: %v", e)
	}
	g.Do(key(wire.KeyDown, keyA), control)
	if v := g.Do(key(wire.KeyUp, keyA), 0); !v.OK() || d.Held() != 0 {
		t.Errorf("letting go needs no right: %v", v)
	}
}

func TestEveryWayOutReleases(t *testing.T) {
	for _, c := range []struct {
		name string
		out  func(g *input.Gate) error
	}{
		{"Release", func(g *input.Gate) error { return g.Release() }},
		{"Close", func(g *input.Gate) error { return g.Close() }},
		{"ReleaseAll", func(g *input.Gate) error { g.Do(wire.Input{Kind: wire.ReleaseAll}, 0); return nil }},
		{"the right is gone", func(g *input.Gate) error { g.Do(at(wire.Move, 1, 1), point); return nil }},
		{"Run ends", func(g *input.Gate) error {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return g.Run(ctx)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, d := newGate(t)
			for _, ev := range []wire.Input{key(wire.KeyDown, keyShift), key(wire.KeyDown, keyA), button(wire.Press, 5, 5, wire.Right)} {
				if v := g.Do(ev, control); !v.OK() {
					t.Fatal(v)
				}
			}
			d.Events()
			if err := c.out(g); err != nil {
				t.Fatal(err)
			}
			e := d.Events()
			if d.Held() != 0 || len(e) != 3 || e[0].Button != wire.Right || e[1].Key != keyA || e[2].Key != keyShift {
				t.Errorf("%d held after %v", d.Held(), e)
			}
		})
	}
}

func TestClosed(t *testing.T) {
	g, d := newGate(t)
	if err := g.Close(); err != nil || !d.Closed() {
		t.Fatal(err)
	}
	for _, ev := range []wire.Input{at(wire.Move, 1, 1), key(wire.KeyDown, keyA), key(wire.KeyUp, keyA)} {
		if v := g.Do(ev, control); v.Reason != wire.NoRight {
			t.Errorf("%v: %v", ev.Kind, v)
		}
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, d := newGate(t)
		g.Do(key(wire.KeyDown, keyA), control)
		refused := 0
		for range 2000 {
			if v := g.Do(at(wire.Move, 5, 5), control); v.Reason == wire.RateLimited {
				refused++
			}
		}
		if refused != 1001 {
			t.Errorf("%d of 2000 refused at once", refused)
		}
		if v := g.Do(key(wire.KeyUp, keyA), control); !v.OK() || d.Held() != 0 {
			t.Errorf("releases are exempt: %v", v)
		}
		time.Sleep(time.Second)
		d.Events()
		for range 2000 {
			g.Do(at(wire.Move, 5, 5), control)
		}
		if n := len(d.Events()); n != 500 {
			t.Errorf("%d events in the second after", n)
		}
	})
}

func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, d := newGate(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx) }()

		g.Do(key(wire.KeyDown, keyA), control)
		g.Do(key(wire.KeyDown, keyShift), control)
		for range 5 { // only Shift is refreshed
			time.Sleep(time.Second)
			g.Do(wire.Input{Kind: wire.KeyDown, Key: keyShift, Repeat: true}, control)
		}
		synctest.Wait()
		var got []wire.Key
		for _, e := range d.Events() {
			got = append(got, e.Key)
		}
		if len(got) != 3 || got[0] != keyA || got[1] != keyShift || got[2] != keyA {
			t.Errorf("want A and Shift down, A up, no repeats: %v", got)
		}
		if d.Held() != 1 {
			t.Errorf("%d held", d.Held())
		}
		time.Sleep(1600 * time.Millisecond)
		if d.Held() != 0 {
			t.Error("Shift is still down")
		}

		g.Do(button(wire.Press, 5, 5, wire.Left), control)
		for range 4 { // a slow drag
			time.Sleep(9 * time.Second)
			g.Do(at(wire.Move, 6, 6), control)
		}
		if d.Held() != 1 {
			t.Error("the button was let go in the middle of a drag")
		}
		time.Sleep(11 * time.Second)
		if d.Held() != 0 {
			t.Error("the button is still down")
		}

		d.Fail(errors.New("the server is busy"))
		d.Fail(nil)
		g.Do(key(wire.KeyDown, keyA), control)
		d.Fail(errors.New("the server is busy"))
		time.Sleep(5 * time.Second)
		d.Fail(nil)
		time.Sleep(time.Second)
		if d.Held() != 0 {
			t.Error("not tried again")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestChangesRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, d := newGate(t)
		go g.Run(t.Context())
		hold := func() {
			t.Helper()
			d.Set(func(s *input.State) { s.Visible, s.Focused = true, true })
			synctest.Wait()
			for _, ev := range []wire.Input{key(wire.KeyDown, keyCtrl), button(wire.Press, 5, 5, wire.Left)} {
				if v := g.Do(ev, control); !v.OK() {
					t.Fatal(v)
				}
			}
		}
		hold()
		d.Set(func(s *input.State) { s.Focused = false })
		synctest.Wait()
		if d.Held() != 0 {
			t.Error("the focus left: Ctrl must not reach the next window")
		}
		hold()
		d.Set(func(s *input.State) { s.Visible = false })
		synctest.Wait()
		if d.Held() != 0 {
			t.Error("hidden, and still holding")
		}
		hold()
		d.Set(func(s *input.State) { s.HostActive = true })
		synctest.Wait()
		if d.Held() != 0 {
			t.Error("the host acts, and a guest is still holding")
		}
		d.Set(func(s *input.State) { s.HostActive = false })
		hold()
		d.Set(func(s *input.State) { s.Masked = true })
		synctest.Wait()
		if d.Held() != 0 {
			t.Error("a masked dialog is open, and a guest is still holding")
		}
		d.Set(func(s *input.State) { s.Masked = false })
		hold()
		g.Do(key(wire.KeyUp, keyCtrl), control)
		d.Set(func(s *input.State) { s.Focused = false })
		synctest.Wait()
		if d.Held() != 1 {
			t.Error("a drag needs no focus")
		}
		_ = g.Release()
	})
}

// A press that failed may have happened.
func TestFailedPressIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, d := newGate(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx) }()
		d.Fail(errors.New("gone"))
		if v := g.Do(button(wire.Press, 5, 5, wire.Left), control); v.Reason != wire.Failed {
			t.Fatal(v)
		}
		if err := g.Release(); !errors.Is(err, input.ErrHeld) {
			t.Errorf("nobody knows whether the button is down: %v", err)
		}
		d.Fail(nil)
		time.Sleep(time.Second)
		if err := g.Release(); err != nil || d.Held() != 0 || len(d.Events()) == 0 {
			t.Errorf("the watchdog did not try: %v", err)
		}
		cancel()
		<-done
	})
}

func TestFailureLeavesNothingHeld(t *testing.T) {
	g, d := newGate(t)
	g.Do(key(wire.KeyDown, keyShift), control)
	d.Fail(errors.New("gone"))
	if v := g.Do(key(wire.KeyUp, keyShift), control); v.OK() {
		t.Fatal("it failed")
	}
	if err := g.Release(); !errors.Is(err, input.ErrHeld) {
		t.Errorf("Release: %v", err)
	}
	d.Fail(nil)
	if err := g.Release(); err != nil || d.Held() != 0 {
		t.Errorf("Release: %v, %d held", err, d.Held())
	}
}

// Whatever a peer sends, whatever the window does meanwhile: what is injected
// is inside and on the window, keys go only to it, a press needs the right, and
// after Release nothing is held.
func TestNothingEscapes(t *testing.T) {
	var injected, releases int
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		g, d := newGate(t)
		for step := range 500 {
			shake(r, d, g)
			ev := randomInput(r)
			rights := []wire.Rights{0, point, control, control, control}[r.IntN(5)]
			before := d.Held()
			v := g.Do(ev, rights)
			events := d.Events()
			for _, e := range events {
				injected++
				switch e.Kind {
				case wire.Release, wire.KeyUp:
					releases++
					continue
				case wire.KeyDown, wire.Text:
					if !e.State.Focused || !e.State.Visible || e.State.Locked {
						t.Fatalf("seed %d step %d: key into %+v", seed, step, e.State)
					}
				case wire.Move, wire.Press, wire.Wheel:
					if !e.Owned || !e.State.Visible || e.State.Busy {
						t.Fatalf("seed %d step %d: %v at %v, not ours", seed, step, e.Kind, e.At)
					}
				}
				if rights&wire.RightControl == 0 && e.Kind != wire.Move {
					t.Fatalf("seed %d step %d: %v without the right", seed, step, e.Kind)
				}
				if ev.Gen != gen && e.Kind != wire.KeyDown && e.Kind != wire.Text && ev.Kind != wire.Release {
					t.Fatalf("seed %d step %d: %v of a stale event", seed, step, e.Kind)
				}
			}
			if !v.OK() && d.Held() > before {
				t.Fatalf("seed %d step %d: refused (%v) and holding more", seed, step, v)
			}
		}
		if err := g.Release(); err != nil || d.Held() != 0 {
			t.Fatalf("seed %d: after Release %d held (%v)", seed, d.Held(), err)
		}
	}
	if injected < 10000 || releases < 1000 {
		t.Errorf("the test does too little: %d injected, %d releases", injected, releases)
	}
}

// shake changes the desktop at random.
func shake(r *rand.Rand, d *inputtest.Desk, g *input.Gate) {
	switch r.IntN(8) {
	case 0:
		d.Set(func(s *input.State) { s.Visible = r.IntN(6) != 0 })
	case 1:
		d.Set(func(s *input.State) { s.Focused = r.IntN(4) != 0 })
	case 2:
		d.Cover(image.Rect(r.IntN(w), r.IntN(h), r.IntN(w), r.IntN(h)))
	case 3:
		d.Set(func(s *input.State) { s.Busy, s.Locked = r.IntN(8) == 0, r.IntN(8) == 0 })
	case 4:
		d.Set(func(s *input.State) {
			a, b := r.IntN(16), r.IntN(16)
			s.HostMods = wire.Mods(a & b)
			s.Mods = s.HostMods
		})
	case 5:
		if r.IntN(4) == 0 {
			d.Set(func(s *input.State) { s.Size = image.Pt(1+r.IntN(2*w), 1+r.IntN(2*h)) })
			g.SetGeneration(gen + 1)
			g.SetGeneration(gen)
		}
	}
}

func randomInput(r *rand.Rand) wire.Input {
	ev := wire.Input{Kind: wire.Kind(1 + r.IntN(8)), Gen: gen, X: uint16(r.Uint32()), Y: uint16(r.Uint32())}
	if r.IntN(10) == 0 {
		ev.Gen = gen - uint32(r.IntN(3))
	}
	switch ev.Kind {
	case wire.Press, wire.Release:
		ev.Button = []wire.Button{wire.Left, wire.Middle, wire.Right, wire.Back, wire.Forward}[r.IntN(5)]
	case wire.Wheel:
		ev.DX, ev.DY = int16(r.Uint32()), int16(r.Uint32())
	case wire.KeyDown, wire.KeyUp:
		ev.Key = []wire.Key{keyA, keyF1, keyTab, keyPrint, keyDel, keyCtrl, keyShift, keyAlt, keySuper, keyAltGr}[r.IntN(10)]
		ev.Repeat = ev.Kind == wire.KeyDown && r.IntN(3) == 0
		if ev.Kind == wire.KeyDown && r.IntN(2) == 0 {
			ev.Rune = []rune{'a', 'я'}[r.IntN(2)]
		}
	case wire.Text:
		ev.Text = "aя"
	case wire.ReleaseAll:
		if r.IntN(4) != 0 {
			ev.Kind = wire.Move
		}
	}
	return ev
}

func BenchmarkPolicy(b *testing.B) {
	g, d := newGate(b)
	for b.Loop() {
		g.Do(at(wire.Move, 5, 5), control)
		d.Events()
	}
}
