package session

import (
	"context"
	"errors"
	"image"
	"sync"
	"time"

	"viewflip.app/bell"
	"viewflip.app/capture"
	"viewflip.app/video"
	"viewflip.app/wire"
)

const (
	// shapeEvery is the least time between two shapes for one viewer: animated
	// cursors change with every picture of theirs.
	shapeEvery = 100 * time.Millisecond
	// placeAgain is when the place of a pointer that rests is told once more:
	// the last message may have got lost.
	placeAgain = 200 * time.Millisecond
	// maxEchoPlaces is how many places of remote pointers are remembered.
	maxEchoPlaces = 16
)

// errShape means that a cursor's parts do not fit together.
var errShape = errors.New("session: parts of a cursor do not fit together")

// cursorFeeds tell all viewers of our shares what the pointers look like and
// where ours is.
type cursorFeeds struct {
	once sync.Once
	// watched rings when somebody began to watch.
	watched bell.Bell
	// stopHand ends the feed of the guests' own pointer; guarded by call.mu.
	stopHand context.CancelFunc
}

// pointerSeen is what a viewer was told of a pointer; it belongs to its feed.
type pointerSeen struct {
	shape   *video.Cursor
	shapeAt time.Time
	at      wire.Spot
	on      bool
	again   bool // it was told twice
}

// wantCursor begins to follow our pointer, if it is not followed yet; for a new
// viewer, who needs to know what it looks like now.
func (c *Call) wantCursor() {
	if c.cfg.OpenCursor == nil {
		return
	}
	c.cursors.once.Do(func() {
		c.spawn(func(ctx context.Context) { c.followCursor(ctx, c.cfg.OpenCursor, false) })
	})
	c.cursors.watched.Ring()
}

// wantHand begins to follow the pointer that the guests have for themselves; a
// new gate may have made a new one.
func (c *Call) wantHand() {
	if c.cfg.OpenHand == nil {
		return
	}
	life, stop := context.WithCancel(c.life)
	c.mu.Lock()
	old := c.cursors.stopHand
	c.cursors.stopHand = stop
	c.mu.Unlock()
	if old != nil {
		old()
	}
	c.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(life, cancel)()
		c.followCursor(ctx, c.cfg.OpenHand, true)
	})
}

// followCursor follows a pointer while anybody watches, until ctx ends or there
// is no such pointer any more.
func (c *Call) followCursor(ctx context.Context, open func() (capture.Cursor, error), hand bool) {
	cur, err := open()
	if err != nil {
		c.log.Debug("a pointer cannot be followed", "err", err)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer func() {
		cancel()
		if err := cur.Close(); err != nil {
			c.log.Debug("cursor not closed", "err", err)
		}
		wg.Wait()
	}()
	news := make(chan capture.Pointer)
	wg.Go(func() { readCursor(ctx, cur, news) })
	watched := c.cursors.watched.Listen(ctx)
	again := time.NewTimer(0)
	defer again.Stop()
	var p capture.Pointer
	var moved time.Time // of our own pointer
	known := false
	for {
		take := news
		if len(c.watching()) == 0 {
			take = nil
		}
		select {
		case next, ok := <-take:
			if !ok {
				return
			}
			if known && !hand && next.At != p.At {
				moved = time.Now()
			}
			p, known = next, true
		case <-watched:
		case <-again.C:
		case <-ctx.Done():
			return
		}
		if !known {
			continue
		}
		if later := c.tellPointer(p, hand, moved, time.Now()); later > 0 {
			again.Reset(later)
		}
	}
}

// readCursor hands on what becomes of a pointer, until ctx or the pointer ends,
// and then closes news. Without a viewer nobody takes it: then nobody looks either.
func readCursor(ctx context.Context, cur capture.Cursor, news chan<- capture.Pointer) {
	defer close(news)
	for {
		p, err := cur.Next(ctx)
		if err != nil {
			return
		}
		select {
		case news <- p:
		case <-ctx.Done():
			return
		}
	}
}

// watching lists the outlets of each share that has any.
func (c *Call) watching() map[*share][]*outlet {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[*share][]*outlet{}
	for _, s := range c.shareOrder {
		for _, g := range s.guests {
			if g.outlet != nil {
				all[s] = append(all[s], g.outlet)
			}
		}
	}
	return all
}

// tellPointer tells every viewer what they do not know of the pointer, which was
// moved last at a time: one that rests is in nobody's way. It returns after which time there is more to tell, 0 if there is nothing.
func (c *Call) tellPointer(p capture.Pointer, hand bool, moved, now time.Time) (later time.Duration) {
	soon := func(d time.Duration) {
		if later == 0 || d < later {
			later = d
		}
	}
	for s, outlets := range c.watching() {
		l, ok := s.stream.(capture.Locator)
		if !ok {
			continue
		}
		at, size, over := l.Locate(p)
		c.mu.Lock()
		own := over && now.Sub(moved) < quiet && !s.echo(at, size)
		c.mu.Unlock()
		for _, o := range outlets {
			seen := &o.pointer
			if hand {
				seen = &o.hand
			}
			if over && p.Shape != nil && !p.Shape.Equal(seen.shape) {
				if wait := shapeEvery - now.Sub(seen.shapeAt); wait > 0 {
					soon(wait)
				} else {
					seen.shape, seen.shapeAt = p.Shape, now
					o.member.sendShape(s.id, hand, p.Shape)
				}
			}
			if !own {
				if seen.on {
					seen.on = false
					o.member.send(wire.CursorPosition{Share: s.id, Seq: s.nextMark()})
				}
				continue
			}
			spot := wire.Spot{X: wire.Fraction(at.X, size.X), Y: wire.Fraction(at.Y, size.Y)}
			same := seen.on && seen.at == spot
			if same && seen.again {
				continue
			}
			seen.at, seen.on, seen.again = spot, true, same
			o.member.sendLossy(wire.CursorPosition{Share: s.id, Seq: s.nextMark(), At: spot, On: true})
			if !same {
				soon(placeAgain)
			}
		}
	}
	return later
}

func (s *share) nextMark() uint32 {
	s.call.mu.Lock()
	defer s.call.mu.Unlock()
	s.markSeq++
	return s.markSeq
}

// injected remembers where a guest moved the pointer to; call.mu is held.
func (s *share) injected(in wire.Input) {
	switch in.Kind {
	case wire.Move, wire.Press, wire.Release, wire.Wheel:
		s.places[s.placed%maxEchoPlaces] = wire.Spot{X: in.X, Y: in.Y}
		s.placed++
	default: // moves no pointer
	}
}

// echo reports whether the pointer is where a guest moved it to: then it is not
// the sharer's hand that people would see. call.mu is held.
func (s *share) echo(at, size image.Point) bool {
	for _, p := range s.places[:min(s.placed, maxEchoPlaces)] {
		if at == image.Pt(wire.Pixel(p.X, size.X), wire.Pixel(p.Y, size.Y)) {
			return true
		}
	}
	return false
}

// sendShape sends a cursor in as many parts as it needs.
func (m *member) sendShape(id wire.ShareID, hand bool, s *video.Cursor) {
	packed := wire.PackCursor(s.Pix)
	n := (len(packed) + wire.MaxCursorData - 1) / wire.MaxCursorData
	for i := range n {
		m.send(wire.CursorShape{
			Share: id, Hand: hand, W: uint16(s.W), H: uint16(s.H), HotX: uint16(s.Hot.X), HotY: uint16(s.Hot.Y),
			Part: uint8(i), Parts: uint8(n),
			Data: packed[i*wire.MaxCursorData : min((i+1)*wire.MaxCursorData, len(packed))],
		})
	}
}

// remoteCursor is what a view knows of the pointers over the share. One
// goroutine adds parts.
type remoteCursor struct {
	parts []byte
	next  uint8

	mu sync.Mutex
	// shape is that of the sharer's pointer, hand that of ours over there, if it
	// is another.
	shape, hand *video.Cursor
	seen        bool // some of shape is not transparent
}

// add takes a part of a shape; true if it was the last.
func (r *remoteCursor) add(p wire.CursorShape) (bool, error) {
	if p.Part == 0 {
		r.parts, r.next = nil, 0
	}
	if p.Part != r.next {
		return false, errShape
	}
	r.parts = append(r.parts, p.Data...)
	r.next++
	if r.next < p.Parts {
		return false, nil
	}
	packed := r.parts
	r.parts, r.next = nil, 0
	c := &video.Cursor{W: int(p.W), H: int(p.H), Hot: image.Pt(int(p.HotX), int(p.HotY))}
	var err error
	if c.Pix, err = wire.UnpackCursor(packed, c.W*c.H*video.BytesPerPixel); err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.Hand {
		r.hand = c
		return true, nil
	}
	r.shape, r.seen = c, false
	for i := 3; i < len(c.Pix); i += video.BytesPerPixel {
		r.seen = r.seen || c.Pix[i] != 0
	}
	return true, nil
}

// pointer notes what the sharer tells of their pointer.
func (m *member) pointer(msg wire.Message) {
	switch msg := msg.(type) {
	case wire.CursorShape:
		v := m.viewed(msg.Share)
		if v == nil {
			return
		}
		whole, err := v.cursor.add(msg)
		if err != nil {
			m.call.log.Debug("cursor dropped", "err", err)
		}
		if whole {
			v.marks.Ring()
		}
	case wire.CursorPosition:
		if v := m.viewed(msg.Share); v != nil {
			v.board.point(Sharer, v.Info().MemberName, msg.Seq, msg.At, msg.On)
		}
	}
}

// Cursor is what the pointer looks like that we move over the share in control,
// nil while it is not known. Marked ticks when it changes.
func (v *View) Cursor() *video.Cursor {
	v.cursor.mu.Lock()
	defer v.cursor.mu.Unlock()
	if v.cursor.hand != nil {
		return v.cursor.hand
	}
	return v.cursor.shape
}

// dress gives the sharer's pointer its shape, and leaves one out that they do
// not see themselves.
func (v *View) dress(m Marks) Marks {
	v.cursor.mu.Lock()
	defer v.cursor.mu.Unlock()
	for i, p := range m.Pointers {
		if p.Guest != Sharer || v.cursor.shape == nil {
			continue
		}
		if !v.cursor.seen {
			m.Pointers = append(m.Pointers[:i:i], m.Pointers[i+1:]...)
			return m
		}
		m.Pointers[i].Shape = v.cursor.shape
	}
	return m
}
