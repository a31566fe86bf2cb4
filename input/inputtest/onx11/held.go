package onx11

import (
	"context"
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/wire"
)

func testRelease(t *testing.T, b *Bench) {
	hold := func(g *input.Gate) {
		t.Helper()
		b.Win.Forget()
		for _, ev := range []wire.Input{b.Key(wire.KeyDown, "ShiftLeft"), b.Key(wire.KeyDown, "KeyA"), b.Button(wire.Press, 5, 5, wire.Left)} {
			if v := g.Do(ev, Rights); !v.OK() {
				t.Fatal(v)
			}
		}
	}
	released := func(how string) {
		t.Helper()
		b.await(3, pt.Release, pt.KeyUp)
		es := b.Win.Events()
		if count(es, pt.KeyUp, codeA) != 1 || count(es, pt.KeyUp, codeShift) != 1 || count(es, pt.Release, 1) != 1 {
			t.Errorf("%s: %+v", how, es)
		}
	}
	hold(b.Gate)
	if err := b.Gate.Release(); err != nil {
		t.Error(err)
	}
	released("Release")
	hold(b.Gate)
	if b.Gate.Do(b.At(wire.Move, 5, 5), wire.RightSee).OK() {
		t.Error("moved without the right")
	}
	released("the right is gone")
	g := b.NewGate()
	hold(g)
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	released("Close")
	if v := g.Do(b.At(wire.Move, 5, 5), Rights); v.OK() {
		t.Error("closed, and still allowed")
	}
	hold(b.Gate)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Gate.Run(ctx); err != nil {
		t.Error(err)
	}
	released("Run's end")
}

func testHidden(t *testing.T, b *Bench) {
	b.Run()
	b.Do(b.Key(wire.KeyDown, "KeyA"), b.Button(wire.Press, 5, 5, wire.Left))
	b.Win.Minimise()
	pt.Eventually(t, "the key to be let go", func() bool { return !pressed(b.Win, codeA) })
	pt.Eventually(t, "the refusal", func() bool { return b.Gate.Do(b.At(wire.Move, 5, 5), Rights).Reason == wire.Hidden })
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Hidden)
	r, err := xproto.QueryPointer(b.Win.Conn().Conn, b.Win.Conn().Root).Reply()
	if err != nil || r.Mask&xproto.ButtonMask1 != 0 {
		t.Errorf("the button is still down (%v)", err)
	}
}

func testWatchdog(t *testing.T, b *Bench) {
	b.Run()
	b.Do(b.Key(wire.KeyDown, "ShiftLeft"))
	b.until("Shift to be let go", func(es []pt.Event) bool { return count(es, pt.KeyUp, codeShift) == 1 })
}

// A held key repeats while the viewer's does, and no longer than it is held.
func testRepeat(t *testing.T, b *Bench) {
	again := b.Key(wire.KeyDown, "KeyA")
	again.Repeat = true
	b.Do(b.Key(wire.KeyDown, "KeyA"))
	pt.Eventually(t, "the repeats", func() bool {
		b.Do(again)
		time.Sleep(20 * time.Millisecond)
		return count(b.Win.Events(), pt.KeyDown, codeA) > 5
	})
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	b.until("the key to be let go", func(es []pt.Event) bool {
		return count(es, pt.KeyDown, codeA) == count(es, pt.KeyUp, codeA)
	})
}

// A modifier that is held counts for every repeat, however long.
func testShiftedRepeat(t *testing.T, b *Bench) {
	shift, a := b.Key(wire.KeyDown, "ShiftLeft"), b.Key(wire.KeyDown, "KeyA")
	b.Do(shift, a)
	shift.Repeat, a.Repeat = true, true
	var first, last uint32
	pt.Eventually(t, "a second of repeats", func() bool {
		b.Do(shift, a) // still wanted
		for _, e := range Got(b.Win, pt.KeyDown) {
			if e.Detail != codeA {
				continue
			}
			if first == 0 {
				first = e.Time
			}
			if last = e.Time; e.State&xproto.ModMaskShift == 0 {
				t.Fatalf("%d ms after the first: %+v", last-first, e)
			}
		}
		time.Sleep(20 * time.Millisecond)
		return last-first > 1000
	})
}

func testGone(t *testing.T, b *Bench) {
	w := pt.NewWindow(t, b.Display, pt.Options{Bounds: image.Rect(0, 0, 50, 50)})
	desk, err := b.open(t.Context(), b.Desktop, w.ID())
	if err != nil {
		t.Fatal(err)
	}
	g := input.NewGate(input.Config{Desk: desk})
	g.SetGeneration(Gen)
	w.Close()
	pt.Eventually(t, "the refusal", func() bool { return g.Do(b.At(wire.Move, 5, 5), Rights).Reason == wire.Hidden })
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := b.open(t.Context(), b.Desktop, w.ID()); err == nil {
		t.Error("opened a window that is gone")
	}
}
