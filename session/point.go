package session

import (
	"context"
	"fmt"
	"time"

	"viewflip.app/wire"
)

// The most messages about marks a second that one person may cause on one
// share, and how many at once after a pause. A hand makes about 130.
const (
	markRate  = 200
	markBurst = 200
	// pointAgain is when a pointer that rests is told of again, before the
	// sharer forgets it.
	pointAgain = time.Second
)

// Marks is what people point at and draw on a share of ours now.
func (c *Call) Marks(id wire.ShareID) Marks {
	if s := c.share(id); s != nil {
		return s.board.marks()
	}
	return Marks{}
}

// Marked ticks after every change of the marks on any share of ours,
// coalesced, until ctx ends.
func (c *Call) Marked(ctx context.Context) <-chan struct{} { return c.marks.Listen(ctx) }

// mayMark reports whether marks of a person with these rights are shown. Who
// is in control needs none: they move a real pointer.
func mayMark(r wire.Rights) bool {
	return r&wire.RightPoint != 0 && r&wire.RightControl == 0
}

// mark has a member's mark shown if they may do so now, and hands what show
// returns to the other viewers. gen is the geometry generation of the picture
// that they saw. A right that is taken away meanwhile is respected: it changes
// under the same lock.
func (m *member) mark(id wire.ShareID, gen uint32, ordered bool, show func(*share) (wire.Message, bool)) {
	c := m.call
	c.mu.Lock()
	s := c.shares[id]
	if s == nil || c.members[m.id] != m {
		c.mu.Unlock()
		return
	}
	g := s.guests[m.id]
	var msg wire.Message
	ok := g != nil && g.outlet != nil && g.marks.Allow() && mayMark(g.rights) && !s.state.Hidden && gen == s.state.Gen
	if ok {
		msg, ok = show(s)
	}
	c.mu.Unlock()
	if ok {
		s.relay(m.id, msg, ordered)
	}
}

// pointed shows where a member points.
func (m *member) pointed(p wire.Point) {
	m.mark(p.Share, p.Gen, !p.On, func(s *share) (wire.Message, bool) {
		s.markSeq++
		return wire.GuestPoint{Share: s.id, Guest: m.number, Name: m.toldName(), Seq: s.markSeq, At: p.At, On: p.On},
			s.board.point(m.number, m.name, p.Seq, p.At, p.On)
	})
}

// drew shows what a member draws.
func (m *member) drew(d wire.Stroke) {
	m.mark(d.Share, d.Gen, true, func(s *share) (wire.Message, bool) {
		return wire.GuestStroke{Share: s.id, Guest: m.number, ID: d.ID, Step: d.Step, Spots: d.Spots},
			s.board.draw(m.number, d.ID, d.Step, d.Spots)
	})
}

// unmark takes a member's marks away, here and at the other viewers, where
// strokes fade by themselves.
func (s *share) unmark(m *member, gone bool) {
	s.call.mu.Lock()
	had := s.board.hide(m.number, gone)
	s.markSeq++
	msg := wire.GuestPoint{Share: s.id, Guest: m.number, Seq: s.markSeq}
	s.call.mu.Unlock()
	if had {
		s.relay(m.id, msg, true)
	}
}

// relay sends a mark to everybody who watches, except its author.
func (s *share) relay(author MemberID, msg wire.Message, ordered bool) {
	c := s.call
	c.mu.Lock()
	var to []*member
	for _, m := range c.order {
		if g := s.guests[m.id]; m.id != author && g != nil && g.outlet != nil {
			to = append(to, m)
		}
	}
	c.mu.Unlock()
	for _, m := range to {
		if ordered {
			m.send(msg)
		} else {
			m.sendLossy(msg)
		}
	}
}

// sendLossy sends a message that may get lost.
func (m *member) sendLossy(msg wire.Message) {
	b, err := wire.AppendMessage(nil, msg)
	if err == nil {
		err = m.peer.SendLossy(b)
	}
	if err != nil {
		m.call.log.Debug("message not sent", "err", err)
	}
}

// numberLocked is the smallest guest number that nobody has; call.mu is held.
func (c *Call) numberLocked() wire.Guest {
	for n := wire.Guest(0); ; n++ {
		free := true
		for _, m := range c.order {
			free = free && m.number != n
		}
		if free {
			return n
		}
	}
}

// marked notes what the sharer tells of the others' marks, and of our number.
func (m *member) marked(msg wire.Message) {
	c := m.call
	switch msg := msg.(type) {
	case wire.GuestPoint:
		if v := m.viewed(msg.Share); v != nil {
			v.board.point(msg.Guest, msg.Name, msg.Seq, msg.At, msg.On)
		}
	case wire.GuestStroke:
		if v := m.viewed(msg.Share); v != nil {
			v.board.draw(msg.Guest, msg.ID, msg.Step, msg.Spots)
		}
	case wire.GuestNumber:
		c.mu.Lock()
		if v := m.views[msg.Share]; v != nil {
			v.number = msg.Guest
		}
		c.mu.Unlock()
	}
}

// viewed is a view that somebody here watches, or nil: nothing is kept for others.
func (m *member) viewed(id wire.ShareID) *View {
	m.call.mu.Lock()
	defer m.call.mu.Unlock()
	if v := m.views[id]; v != nil && v.watching {
		return v
	}
	return nil
}

// Marks is what the others point at and draw on this share now, what we draw
// ourselves, and the sharer's own pointer while they move it.
func (v *View) Marks() Marks { return v.dress(v.board.marks()) }

// Marked ticks after every change of Marks, coalesced, until ctx ends.
func (v *View) Marked(ctx context.Context) <-chan struct{} { return v.marks.Listen(ctx) }

// Point tells where we point; Share and Seq are filled in. The sharer decides
// whether it is shown. It is told again every second until another Point or
// Close: what rests is seen, and what got lost comes after all.
func (v *View) Point(p wire.Point) error {
	p.Share, p.Seq = v.info.Share, v.pointSeq.Add(1)
	b, err := wire.AppendMessage(nil, p)
	if err != nil {
		return fmt.Errorf("session: point: %w", err)
	}
	if !p.On {
		return v.member.peer.Send(b)
	}
	time.AfterFunc(pointAgain, func() {
		if v.pointSeq.Load() != p.Seq || !v.live() {
			return
		}
		if err := v.Point(p); err != nil {
			v.member.call.log.Debug("pointer not sent", "err", err)
		}
	})
	return v.member.peer.SendLossy(b)
}

// live reports whether we watch a share that goes on.
func (v *View) live() bool {
	v.member.call.mu.Lock()
	defer v.member.call.mu.Unlock()
	return v.watching && v.info.Ended == 0
}

// Draw sends a part of a stroke; Share is filled in. What we draw shows in
// Marks at once.
func (v *View) Draw(d wire.Stroke) error {
	d.Share = v.info.Share
	b, err := wire.AppendMessage(nil, d)
	if err != nil {
		return fmt.Errorf("session: draw: %w", err)
	}
	v.member.call.mu.Lock()
	me := v.number
	v.member.call.mu.Unlock()
	v.board.draw(me, d.ID, d.Step, d.Spots)
	return v.member.peer.Send(b)
}
