package tile

import (
	"image"
	"time"

	"viewflip.app/video"
)

const (
	// rest is how long a tile must not have moved before it is paid back.
	rest = 250 * time.Millisecond
	// trickle is how many tiles of a region are paid back with a picture of it
	// while other parts of it move.
	trickle = 4
	// tileCost is about what a tile of a natural picture takes, in bytes.
	tileCost = 400
	// payWindow is what is paid at a time if nobody said how much may be under
	// way.
	payWindow = 12 << 10
)

// debt keeps which tiles the viewer has with loss, and since when. In all
// others the encoder's ref is what they see.
type debt struct {
	cols, rows int
	since      []time.Duration // after start; 0 is exact
	start      time.Time
	n          int
	last       time.Time // the newest
	moved      []int
}

func (d *debt) reset(cols, rows int, now time.Time) {
	// Nothing is owed since the start: 0 stays free.
	*d = debt{cols: cols, rows: rows, since: make([]time.Duration, cols*rows), start: now.Add(-1)}
}

func (d *debt) set(i int, at time.Duration) {
	switch {
	case d.since[i] == 0 && at != 0:
		d.n++
	case d.since[i] != 0 && at == 0:
		d.n--
	}
	d.since[i] = at
}

// span returns the tiles that r touches.
func span(r image.Rectangle) image.Rectangle {
	const t = video.TileSize
	return image.Rect(r.Min.X/t, r.Min.Y/t, (r.Max.X+t-1)/t, (r.Max.Y+t-1)/t)
}

// owe notes that the tiles in r are lossy now.
func (d *debt) owe(r image.Rectangle, now time.Time) {
	d.last = now
	d.fill(r, now.Sub(d.start))
}

// paid notes that the tiles in r, which covers them whole, are exact now.
func (d *debt) paid(r image.Rectangle) {
	if d.n > 0 {
		d.fill(r, 0)
	}
}

func (d *debt) fill(r image.Rectangle, at time.Duration) {
	s := span(r)
	for y := s.Min.Y; y < s.Max.Y; y++ {
		for x := s.Min.X; x < s.Max.X; x++ {
			d.set(y*d.cols+x, at)
		}
	}
}

// move notes that a copy took what is lossy with it.
func (d *debt) move(m move) {
	if d.n == 0 {
		return
	}
	from := m.from()
	s := span(from)
	d.moved = d.moved[:0]
	for y := s.Min.Y; y < s.Max.Y; y++ {
		for x := s.Min.X; x < s.Max.X; x++ {
			if i := y*d.cols + x; d.since[i] != 0 {
				d.moved = append(d.moved, i)
			}
		}
	}
	const t = video.TileSize
	for _, i := range d.moved {
		x, y, at := i%d.cols*t, i/d.cols*t, d.since[i]
		to := image.Rect(x, y, x+t, y+t).Intersect(from).Sub(image.Pt(m.dx, m.dy))
		d.fill(to, at)
	}
}

// pay marks in tiles what is to be paid back now: at most budget tiles of those
// that rest, and of the region, while it moves, no more than a few.
func (d *debt) pay(tiles *video.TileMap, r *region, budget int, now time.Time) {
	if d.n == 0 {
		return
	}
	moving := image.Rectangle{}
	if now.Sub(d.last) < rest {
		moving = r.at
	}
	few := trickle
	rested := now.Sub(d.start) - rest
	in := span(moving)
	for i, at := range d.since {
		if at == 0 || at > rested || r.changed.Marks[i] != 0 {
			continue
		}
		if image.Pt(i%d.cols, i/d.cols).In(in) {
			if few--; few < 0 {
				continue
			}
		}
		if budget--; budget < 0 {
			return
		}
		tiles.Marks[i] = 1
	}
}
