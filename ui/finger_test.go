package ui

import (
	"image"
	"testing"
	"time"

	"viewflip.app/wire"
)

// desk is a hand over a picture of 200 by 100, shown at 50,36 at twice that
// size, with a clock that the test moves.
type desk struct {
	hand   *hand
	at     time.Time
	timers []func()
	points []wire.Point
	parts  []wire.Stroke
	inputs []wire.Input
}

func newDesk() *desk {
	d := &desk{at: time.Unix(1000, 0)}
	now := func() time.Time { return d.at }
	d.hand = newHand(func(in wire.Input) { d.inputs = append(d.inputs, in) }, now, func(time.Duration) {})
	d.hand.finger = &finger{
		point: func(p wire.Point) { d.points = append(d.points, p) },
		draw:  func(s wire.Stroke) { d.parts = append(d.parts, s) },
		now:   now,
		after: func(_ time.Duration, f func()) { d.timers = append(d.timers, f) },
	}
	d.hand.area = image.Rect(50, 36, 450, 236)
	d.hand.shown(200, 100, 7)
	return d
}

// pass lets the timers that were set go off.
func (d *desk) pass() {
	d.at = d.at.Add(pointEvery)
	due := d.timers
	d.timers = nil
	for _, f := range due {
		f()
	}
}

func spotOf(x, y int) wire.Spot {
	return wire.Spot{X: wire.Fraction(x, 200), Y: wire.Fraction(y, 100)}
}

func TestPointingFollowsThePointer(t *testing.T) {
	d := newDesk()
	d.hand.rawMove(60, 50)
	if len(d.points) != 0 {
		t.Fatal("told without the right")
	}
	d.hand.finger.allow(true)
	d.hand.rawMove(60, 50)
	d.hand.rawMove(100, 60) // too soon after the first
	d.hand.rawMove(250, 136)
	d.pass()
	d.pass()
	want := []wire.Point{{Gen: 7, At: spotOf(5, 7), On: true}, {Gen: 7, At: spotOf(100, 50), On: true}}
	if len(d.points) != 2 || d.points[0] != want[0] || d.points[1] != want[1] {
		t.Fatalf("told %+v", d.points)
	}
	d.hand.rawMove(250.4, 136.7) // the same pixel
	if d.pass(); len(d.points) != 2 {
		t.Error("told again:", d.points[2:])
	}
	d.hand.shown(200, 100, 8) // the same place of another picture
	if d.pass(); len(d.points) != 3 || d.points[2] != (wire.Point{Gen: 8, At: spotOf(100, 50), On: true}) {
		t.Errorf("a new generation: %+v", d.points[2:])
	}
	for _, away := range []func(){
		func() { d.hand.rawMove(250, 20) }, func() { d.hand.rawMove(450, 136) }, d.hand.rawLeave, func() { d.hand.finger.allow(false) },
	} {
		d.points = nil
		d.hand.finger.allow(true)
		d.hand.rawMove(200, 100)
		d.pass()
		away()
		if d.pass(); len(d.points) != 2 || d.points[1] != (wire.Point{Gen: 8}) {
			t.Fatalf("told %+v", d.points)
		}
	}
	if len(d.inputs) != 0 {
		t.Error("input was sent:", d.inputs)
	}
	// In control the real pointer is enough.
	d.points = nil
	d.hand.finger.allow(false)
	d.hand.allow(true)
	d.hand.rawMove(100, 100)
	if d.pass(); len(d.points) != 0 || len(d.inputs) != 1 {
		t.Error("in control:", d.points, d.inputs)
	}
}

func TestPen(t *testing.T) {
	d := newDesk()
	d.hand.finger.allow(true)
	d.hand.rawMove(60, 50)
	d.hand.rawButton(wire.Left, true, 0)
	d.hand.rawMove(90, 90)
	if d.hand.rawButton(wire.Left, false, 0); len(d.parts) != 0 {
		t.Fatal("drawn without the pen")
	}
	d.hand.finger.take(true)
	d.hand.rawMove(60, 50)
	d.hand.rawButton(wire.Right, true, 0)
	d.hand.rawButton(wire.Left, true, 0)
	d.hand.rawMove(61, 51) // nothing for the pen
	d.hand.rawMove(100, 100)
	d.pass()
	d.hand.rawMove(900, 900) // beyond the edge it stays at the edge
	d.hand.rawLeave()
	d.hand.rawButton(wire.Left, false, 0)
	d.hand.rawMove(200, 200)
	d.pass()
	var spots []wire.Spot
	for i, p := range d.parts {
		step := wire.StrokeMore
		switch i {
		case 0:
			step = wire.StrokeBegin
		case len(d.parts) - 1:
			step = wire.StrokeEnd
		}
		if p.Step != step || p.ID != 1 || p.Gen != 7 {
			t.Errorf("part %d: %+v", i, p)
		}
		spots = append(spots, p.Spots...)
	}
	want := []wire.Spot{spotOf(5, 7), spotOf(25, 32), spotOf(199, 99)}
	if len(spots) != 3 || spots[0] != want[0] || spots[1] != want[1] || spots[2] != want[2] {
		t.Fatalf("drew %+v", spots)
	}

	// A long stroke goes on as another, and no message is too long.
	d.parts = nil
	d.hand.rawButton(wire.Left, true, 0)
	for i := range strokeSpots + 100 {
		d.hand.rawMove(float64(60+i%2*40), float64(50+i%180))
	}
	d.hand.finger.allow(false) // the right is taken away in the middle
	ends, n := 0, 0
	for _, p := range d.parts {
		if len(p.Spots) > wire.MaxSpots {
			t.Fatal(len(p.Spots), "spots in a message")
		}
		n += len(p.Spots)
		if p.Step == wire.StrokeEnd {
			ends++
		}
	}
	if ends != 2 || n < strokeSpots+100 || d.parts[len(d.parts)-1].ID != 3 || d.hand.finger.pen {
		t.Error(ends, "ends,", n, "spots")
	}
}
