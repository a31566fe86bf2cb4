package ui

import (
	"image"
	"time"

	"viewflip.app/wire"
)

const (
	// pointEvery is how often others hear of a pointer that moves.
	pointEvery = 16 * time.Millisecond
	// penStep is how far the pen moves, in pixels of the screen, before that
	// is worth a spot.
	penStep = 3
	// strokeSpots is after how many spots a new stroke goes on where the one
	// before stops: sessions keep no longer ones.
	strokeSpots = 1500
)

// finger shows the others where somebody without control points, and what they
// draws. It belongs to the main goroutine.
type finger struct {
	point func(wire.Point)
	draw  func(wire.Stroke)
	now   func() time.Time
	// after calls a function after a while.
	after func(time.Duration, func())

	// may says that the sharer shows it, pen that a drag draws.
	may, pen bool

	gen  uint32
	at   wire.Spot
	on   bool // the others see our pointer
	told time.Time
	// due says that a flush is under way, fresh that at is not told yet.
	due, fresh bool

	drawing bool
	id      uint32
	begun   bool // the stroke's beginning was sent
	count   int
	last    image.Point
	spots   []wire.Spot
}

// allow turns pointing on or off; without it the pen is put away.
func (f *finger) allow(on bool) {
	if f.may == on {
		return
	}
	if !on {
		f.lift()
		f.leave()
		f.pen = false
	}
	f.may = on
}

// take picks the pen up or puts it away.
func (f *finger) take(on bool) {
	f.lift()
	f.pen = on && f.may
}

// move tells that the pointer is over a spot of the picture; px is the same
// place in pixels of the screen.
func (f *finger) move(at wire.Spot, px image.Point, gen uint32) {
	if !f.may || f.on && at == f.at && gen == f.gen {
		return
	}
	f.at, f.gen, f.on, f.fresh = at, gen, true, true
	if d := px.Sub(f.last); f.drawing && d.X*d.X+d.Y*d.Y >= penStep*penStep {
		f.add(px)
	}
	f.soon()
}

func (f *finger) add(px image.Point) {
	f.spots, f.last = append(f.spots, f.at), px
	if f.count++; f.count >= strokeSpots {
		f.lift()
		f.press(px)
	} else if len(f.spots) == wire.MaxSpots {
		f.flush()
	}
}

// leave tells that the pointer is not over the picture any more.
func (f *finger) leave() {
	if f.on {
		f.on, f.fresh = false, false
		f.point(wire.Point{Gen: f.gen})
	}
}

// press puts the pen down where the pointer is.
func (f *finger) press(px image.Point) {
	if !f.may || !f.pen || !f.on || f.drawing {
		return
	}
	f.id++
	f.drawing, f.begun, f.count = true, false, 0
	f.add(px)
	f.flush()
}

// lift takes the pen off: the stroke begins to fade.
func (f *finger) lift() {
	if !f.drawing {
		return
	}
	f.flush()
	f.drawing = false
	f.draw(wire.Stroke{Gen: f.gen, ID: f.id, Step: wire.StrokeEnd})
}

// soon tells the others now, or when it is time again.
func (f *finger) soon() {
	if f.due {
		return
	}
	wait := pointEvery - f.now().Sub(f.told)
	if wait <= 0 {
		f.flush()
		return
	}
	f.due = true
	f.after(wait, func() {
		f.due = false
		f.flush()
	})
}

// flush tells what has not been told.
func (f *finger) flush() {
	f.told = f.now()
	if f.fresh {
		f.fresh = false
		f.point(wire.Point{Gen: f.gen, At: f.at, On: true})
	}
	if !f.drawing || len(f.spots) == 0 {
		return
	}
	step := wire.StrokeMore
	if !f.begun {
		step, f.begun = wire.StrokeBegin, true
	}
	f.draw(wire.Stroke{Gen: f.gen, ID: f.id, Step: step, Spots: f.spots})
	f.spots = nil
}
