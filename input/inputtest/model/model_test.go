package model_test

import (
	"image"
	"testing"

	"viewflip.app/input/inputtest"
	"viewflip.app/input/inputtest/model"
	"viewflip.app/platform/platformtest/world"
	"viewflip.app/wire"
)

func TestConformance(t *testing.T) {
	for name, o := range map[string]model.Options{"atomic": {}, "looked at when delivered": {Loose: true, Tap: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := func(testing.TB) inputtest.System { return model.New(o) }
			inputtest.Conformance(t, start, inputtest.Traits{Buttons: model.Buttons()})
		})
	}
}

// Another program's window comes between the question and the act, each time. A
// section that holds the desktop lets it wait; a system that has none needs to look
// again at the end. Without either the clicks and keys are the other program's: that
// is what this desktop is able to show.
func TestBetween(t *testing.T) {
	for name, c := range map[string]struct {
		o     model.Options
		leaks bool
	}{
		"atomic":                   {model.Options{}, false},
		"looked at when delivered": {model.Options{Loose: true, Tap: true}, false},
		"neither":                  {model.Options{Loose: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := model.New(c.o)
			b := inputtest.NewBench(t, s)
			over := s.Window(world.Options{Bounds: inputtest.WindowBounds(), Popup: true, Hidden: true})
			other := b.Neighbour()
			for i := range 100 {
				over.Hide()
				b.Win.Focus()
				s.Between(func() { over.Show(); other.Focus() })
				x, y := 10+i, 20+i
				_ = b.Gate.Do(b.Button(wire.Press, x, y, wire.Left), inputtest.Rights)
				s.Between(nil)
				_ = b.Gate.Do(wire.Input{Kind: wire.ReleaseAll}, inputtest.Rights)
				over.Hide()
				b.Win.Focus()
				s.Between(func() { other.Focus() })
				_ = b.Gate.Do(b.Key(wire.KeyDown, "KeyA"), inputtest.Rights)
				s.Between(nil)
				_ = b.Gate.Do(wire.Input{Kind: wire.ReleaseAll}, inputtest.Rights)
			}
			clicks, keys := count(over, world.Press), count(other, world.KeyDown)
			if (clicks > 0) != c.leaks || (keys > 0) != c.leaks {
				t.Errorf("%d clicks and %d keys went to another program", clicks, keys)
			}
			if !c.o.Loose && count(b.Win, world.Press) != 100 {
				t.Errorf("%d of 100 clicks arrived", count(b.Win, world.Press))
			}
			if b.Win.Down(4) || b.Win.Pressed(wire.Left) {
				t.Error("something stays down")
			}
		})
	}
}

func count(w world.Window, kind world.Kind) (n int) {
	for _, e := range w.Events() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// The hit test is that of window servers: the topmost window that takes clicks.
func TestHit(t *testing.T) {
	s := model.New(model.Options{})
	at := image.Rect(100, 100, 300, 300)
	low := s.Window(world.Options{Bounds: at})
	high := s.Window(world.Options{Bounds: at.Add(image.Pt(50, 50))})
	pop := s.Window(world.Options{Bounds: image.Rect(280, 280, 400, 400), Popup: true})
	for _, c := range []struct {
		p  image.Point
		to world.Window
	}{{image.Pt(100, 100), low}, {image.Pt(150, 150), high}, {image.Pt(280, 280), pop}, {image.Pt(349, 279), high}, {image.Pt(99, 100), nil}} {
		for _, w := range []world.Window{low, high, pop} {
			w.Forget()
		}
		s.Host().Move(c.p)
		for _, w := range []world.Window{low, high, pop} {
			if n := count(w, world.Move); (n == 1) != (w == c.to) {
				t.Errorf("at %v window %v got %d", c.p, w.ID(), n)
			}
		}
	}
	low.Raise()
	high.Clicks()
	pop.Cut(image.Rect(100, 100, 120, 120))
	s.Host().Move(image.Pt(285, 285))
	s.Host().Move(image.Pt(320, 320))
	if count(low, world.Move) == 0 || count(pop, world.Move) != 0 || count(high, world.Move) != 0 {
		t.Error("what takes no clicks got some")
	}
}
