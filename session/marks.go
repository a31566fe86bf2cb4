package session

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"viewflip.app/video"
	"viewflip.app/wire"
)

const (
	// quiet is how long a pointer, or a stroke without an end, lives when
	// nothing more is heard of it.
	quiet = 3 * time.Second
	// strokeStay is how long a stroke stays whole after its end; then its ink
	// dries up within strokeFade, in steps.
	strokeStay = 4 * time.Second
	strokeFade = 600 * time.Millisecond
	fadeStep   = 33 * time.Millisecond
	// maxStrokes bounds the strokes of one person that are alive, maxSpots what
	// one of them holds; further spots are dropped.
	maxStrokes = 16
	maxSpots   = 2048
)

// Marks is what people point at and draw on one share. It is immutable.
type Marks struct {
	Pointers []Pointer
	Strokes  []Stroke
}

// Empty reports whether there is nothing to show.
func (m Marks) Empty() bool { return len(m.Pointers)+len(m.Strokes) == 0 }

// Pointer is where one person points.
type Pointer struct {
	// Guest is Sharer for the sharer's own pointer, which views alone show.
	Guest wire.Guest
	Name  string
	At    wire.Spot
	// Shape is what the sharer's own pointer looks like; nil otherwise, or if it
	// is not known.
	Shape *video.Cursor
}

// Sharer is in the place of a guest's number where it is the sharer: a
// call has fewer guests.
const Sharer wire.Guest = 255

// Stroke is a line that one person drew, the oldest first. Guest and ID name
// it; while it grows, spots are added at the end.
type Stroke struct {
	Guest wire.Guest
	ID    uint32
	Spots []wire.Spot
	// Ink is 1 for a fresh stroke and falls to 0 while it fades.
	Ink float64
}

// board holds what is alive of the marks on one share, and forgets what is
// too old.
type board struct {
	// changed is called after every change. It must not take a lock of a call.
	changed func()
	now     func() time.Time

	mu       sync.Mutex
	closed   bool
	pointers map[wire.Guest]*livePointer
	strokes  []*liveStroke
	timer    *time.Timer
}

type livePointer struct {
	name  string
	at    wire.Spot
	on    bool
	seq   uint32
	heard time.Time
}

type liveStroke struct {
	guest wire.Guest
	id    uint32
	spots []wire.Spot
	heard time.Time
	// ended is zero while the stroke grows.
	ended time.Time
}

func newBoard(changed func()) *board {
	return &board{changed: changed, now: time.Now, pointers: map[wire.Guest]*livePointer{}}
}

// point notes where somebody points; false if it came too late or is too much.
func (b *board) point(g wire.Guest, name string, seq uint32, at wire.Spot, on bool) bool {
	b.mu.Lock()
	p := b.pointers[g]
	if b.closed || p != nil && int32(seq-p.seq) <= 0 || p == nil && len(b.pointers) >= maxMembers {
		b.mu.Unlock()
		return false
	}
	if p == nil {
		p = &livePointer{}
		b.pointers[g] = p
	}
	news := p.on != on || p.at != at || p.name != name
	p.name, p.seq, p.at, p.on, p.heard = name, seq, at, on, b.now()
	b.rearm()
	b.mu.Unlock()
	if news {
		b.changed()
	}
	return true
}

// draw notes a part of a stroke. A beginning that got lost does no harm.
func (b *board) draw(g wire.Guest, id uint32, step wire.Step, spots []wire.Spot) bool {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false
	}
	now := b.now()
	i := slices.IndexFunc(b.strokes, func(s *liveStroke) bool { return s.guest == g && s.id == id })
	if i >= 0 && step == wire.StrokeBegin || i < 0 && len(spots) == 0 {
		b.mu.Unlock()
		return false
	}
	var s *liveStroke
	if i >= 0 {
		s = b.strokes[i]
	} else {
		s = &liveStroke{guest: g, id: id}
		b.makeRoom(g)
		b.strokes = append(b.strokes, s)
	}
	s.spots = append(s.spots, spots[:min(len(spots), maxSpots-len(s.spots))]...)
	s.heard, s.ended = now, time.Time{}
	if step == wire.StrokeEnd {
		s.ended = now
	}
	b.rearm()
	b.mu.Unlock()
	b.changed()
	return true
}

// makeRoom lets a person's oldest stroke go if they have too many; b.mu is held.
func (b *board) makeRoom(g wire.Guest) {
	n := 0
	for _, s := range b.strokes {
		if s.guest == g {
			n++
		}
	}
	if n >= maxStrokes || len(b.strokes) >= maxStrokes*maxMembers {
		i := max(0, slices.IndexFunc(b.strokes, func(s *liveStroke) bool { return s.guest == g }))
		b.strokes = slices.Delete(b.strokes, i, i+1)
	}
}

// hide takes a person's marks away; true if there were any. What is still on
// its way is recognised as old, unless they are gone for good.
func (b *board) hide(g wire.Guest, gone bool) bool {
	b.mu.Lock()
	n := len(b.strokes)
	b.strokes = slices.DeleteFunc(b.strokes, func(s *liveStroke) bool { return s.guest == g })
	had := n > len(b.strokes)
	if p := b.pointers[g]; p != nil {
		had = had || p.on
		p.on = false
	}
	if gone {
		delete(b.pointers, g)
	}
	b.mu.Unlock()
	if had {
		b.changed()
	}
	return had
}

// close forgets everything for good.
func (b *board) close() {
	b.mu.Lock()
	b.closed = true
	b.strokes = nil
	clear(b.pointers)
	if b.timer != nil {
		b.timer.Stop()
	}
	b.mu.Unlock()
	b.changed()
}

// rearm sets the timer for the next change that comes by itself; b.mu is held.
func (b *board) rearm() {
	now := b.now()
	var next time.Time
	soonest := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, p := range b.pointers {
		if p.on {
			soonest(p.heard.Add(quiet))
		}
	}
	for _, s := range b.strokes {
		dries := s.end().Add(strokeStay)
		if dries.After(now) {
			soonest(dries)
		} else {
			soonest(now.Add(fadeStep))
		}
	}
	switch {
	case next.IsZero() || b.closed:
		return
	case b.timer == nil:
		b.timer = time.AfterFunc(next.Sub(now), b.expire)
	default:
		b.timer.Reset(next.Sub(now))
	}
}

// end is when the stroke ended, or will have if nothing more is heard.
func (s *liveStroke) end() time.Time {
	if s.ended.IsZero() {
		return s.heard.Add(quiet)
	}
	return s.ended
}

// ink is how much is left of the stroke.
func (s *liveStroke) ink(now time.Time) float64 {
	dry := now.Sub(s.end().Add(strokeStay))
	return min(max(1-float64(dry)/float64(strokeFade), 0), 1)
}

// expire forgets what is too old.
func (b *board) expire() {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return
	}
	now := b.now()
	b.strokes = slices.DeleteFunc(b.strokes, func(s *liveStroke) bool { return s.ink(now) == 0 })
	for _, p := range b.pointers {
		if p.on && now.Sub(p.heard) >= quiet {
			p.on = false
		}
	}
	b.rearm()
	b.mu.Unlock()
	b.changed()
}

// marks is a snapshot.
func (b *board) marks() Marks {
	b.mu.Lock()
	defer b.mu.Unlock()
	var m Marks
	now := b.now()
	for g, p := range b.pointers {
		if p.on {
			m.Pointers = append(m.Pointers, Pointer{Guest: g, Name: p.name, At: p.at})
		}
	}
	slices.SortFunc(m.Pointers, func(a, b Pointer) int { return cmp.Compare(a.Guest, b.Guest) })
	for _, s := range b.strokes {
		if ink := s.ink(now); ink > 0 {
			n := len(s.spots)
			m.Strokes = append(m.Strokes, Stroke{Guest: s.guest, ID: s.id, Spots: s.spots[:n:n], Ink: ink})
		}
	}
	return m
}
