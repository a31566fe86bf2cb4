package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"viewflip.app/wire"
)

// End is when a right ends.
type End struct {
	Term wire.Term
	// At is when it ends by itself; zero if only an act ends it. For control
	// that lasts once it moves on with every input.
	At time.Time
}

// Ends maps single rights to their ends. What is not in it lasts until it is
// stopped.
type Ends map[wire.Rights]End

// onWire is the form that travels.
func (e Ends) onWire(now time.Time) (out wire.Ends) {
	for r, end := range e {
		w := wire.End{Term: end.Term}
		if end.Term == wire.Timed {
			w.Left = max(end.At.Sub(now), 0)
		}
		out.Set(r, w)
	}
	return out
}

// endsOf reads what travelled.
func endsOf(r wire.Rights, e wire.Ends, now time.Time) Ends {
	out := Ends{}
	r.Each(func(bit wire.Rights) {
		switch end := e.Of(bit); end.Term {
		case wire.Timed:
			out[bit] = End{Term: end.Term, At: now.Add(end.Left)}
		case wire.Once:
			out[bit] = End{Term: end.Term}
		default: // until stopped
		}
	})
	return out
}

// Why rights ended, for events.
const (
	whyTaken   = "taken back"
	whyTime    = "the time is up"
	whyOnce    = "it was for once"
	whyReturn  = "given back"
	whyPanic   = "everything was taken back"
	whyChanged = "changed"
	// whySlow is why somebody is gone who does not take what is sent to them.
	whySlow = "the connection was too slow"
)

// How often one member may ask: askBurst times at once, then once every
// askEvery; after maxRefusals in a row once every askRarely.
const (
	askBurst    = 3
	askEvery    = 3 * time.Second
	maxRefusals = 3
	askRarely   = time.Minute
)

// asker limits the requests of one device. It outlives connections: coming
// again gives nobody new patience.
type asker struct {
	limit   *rate.Limiter
	refused int
}

func newAsker() *asker { return &asker{limit: rate.NewLimiter(rate.Every(askEvery), askBurst)} }

// asker returns a member's; call.mu is held.
func (c *Call) asker(id MemberID) *asker {
	a := c.askers[id]
	if a == nil {
		a = newAsker()
		c.askers[id] = a
	}
	return a
}

// refusedAsk makes an asker rarer; call.mu is held.
func (c *Call) refusedAsk(id MemberID) {
	a := c.asker(id)
	if a.refused++; a.refused >= maxRefusals {
		a.limit = rate.NewLimiter(rate.Every(askRarely), 1)
		a.limit.Allow() // the next one a minute from now
	}
}

// free is what a member may do unasked, unless it was taken from them; call.mu
// is held.
func (s *share) free(id MemberID) wire.Rights {
	if m := s.call.members[id]; m == nil || !m.vouched {
		return 0
	}
	return s.grant &^ s.taken[id]
}

// guest returns a member's place in this share; call.mu is held. Control comes
// with a gate, later.
func (s *share) guest(id MemberID) *guest {
	g := s.guests[id]
	if g == nil {
		g = &guest{rights: s.free(id) & wire.RightsQuiet, ends: Ends{}, marks: rate.NewLimiter(markRate, markBurst), switches: rate.NewLimiter(switchesRate, switchesBurst)}
		s.guests[id] = g
	}
	return g
}

// asked notes a member's request; a person on this machine answers it. What is
// free for everybody is given at once. Too many are dropped unseen.
func (s *share) asked(m *member, r wire.Rights) {
	c := s.call
	if c.cfg.NewGate == nil {
		r &= wire.RightsQuiet
	}
	now := time.Now()
	c.mu.Lock()
	g := s.guest(m.id)
	if !c.asker(m.id).limit.AllowN(now, 1) {
		tell := now.Sub(g.askTold) >= time.Second
		if tell {
			g.askTold = now
		}
		answer := s.grantedLocked(g, g.asked == 0)
		c.mu.Unlock()
		if tell {
			m.send(wire.Refused{Share: s.id, Reason: wire.RateLimited})
			m.send(answer)
		}
		return
	}
	missing := r &^ g.rights
	free := missing&^s.free(m.id) == 0
	again := g.asked != 0
	if !free {
		g.asked = r
		if !again {
			g.askedAt = now
		}
	}
	answer, name, title := s.grantedLocked(g, true), m.name, s.title
	c.mu.Unlock()
	switch {
	case missing == 0:
		m.send(answer)
	case free:
		if err := s.give(m, missing, wire.UntilStopped, true); err != nil {
			c.log.Warn("control not available", "err", err)
		}
	default:
		if !again {
			c.emit(Event{Kind: EventAsked, Member: m.id.String(), Name: name, Share: s.id, Title: title, Rights: r.String()})
		}
		c.changed()
	}
}

// grantedLocked is what the viewer is told of their rights; call.mu is held.
func (s *share) grantedLocked(g *guest, answer bool) wire.Granted {
	return wire.Granted{Share: s.id, Rights: g.rights, Answer: answer, Ends: g.ends.onWire(time.Now())}
}

// Allow gives a member rights on a share until stopped, asked for or not.
func (c *Call) Allow(id MemberID, sid wire.ShareID, r wire.Rights) error {
	return c.AllowFor(id, sid, r, wire.UntilStopped)
}

// AllowFor gives a member rights on a share for a term, beside those that they
// have. An open request of theirs is answered by it.
func (c *Call) AllowFor(id MemberID, sid wire.ShareID, r wire.Rights, term wire.Term) error {
	s, m, err := c.find(id, sid)
	if err != nil {
		return err
	}
	c.mu.Lock()
	if g := s.guests[id]; g != nil && g.asked != 0 {
		c.askers[id] = newAsker()
	}
	c.mu.Unlock()
	if err := s.give(m, r, term, true); err != nil {
		return err
	}
	c.emit(Event{Kind: EventGranted, Member: id.String(), Name: m.displayName(), Share: sid, Rights: r.String(), Term: term.String()})
	return nil
}

// Refuse answers an ask with no.
func (c *Call) Refuse(id MemberID, sid wire.ShareID) {
	s, m, err := c.find(id, sid)
	if err != nil {
		return
	}
	c.mu.Lock()
	g := s.guest(id)
	if g.asked != 0 {
		c.refusedAsk(id)
	}
	g.asked = 0
	answer := s.grantedLocked(g, true)
	c.mu.Unlock()
	m.send(answer)
	c.emit(Event{Kind: EventRefused, Member: id.String(), Name: m.displayName(), Share: sid})
	c.changed()
}

// TakeBack leaves a member with see and point; what they hold is released
// before it returns.
func (c *Call) TakeBack(id MemberID, sid wire.ShareID) {
	if s, m, err := c.find(id, sid); err == nil {
		s.withdraw(m, ^wire.RightsQuiet, whyTaken)
	}
}

// Withdraw takes single rights from a member, and those that are no use
// without them. What they hold is released before it returns.
func (c *Call) Withdraw(id MemberID, sid wire.ShareID, r wire.Rights) {
	if s, m, err := c.find(id, sid); err == nil {
		s.withdraw(m, r, whyChanged)
	}
}

// TakeBackAll leaves everybody, also who comes later, with see and point. Every
// key and button is released before it returns; it waits for no network. It
// may be called from any goroutine at any time.
func (c *Call) TakeBackAll() {
	type loss struct {
		s  *share
		id MemberID
		losing
	}
	var all []loss
	c.mu.Lock()
	for _, s := range c.shareOrder {
		s.grant &= wire.RightsQuiet
		for id, g := range s.guests {
			// Also where nothing is lost: a grant under way must fail.
			all = append(all, loss{s, id, s.strip(id, g, ^wire.RightsQuiet)})
		}
	}
	c.mu.Unlock()
	var wg sync.WaitGroup
	for _, l := range all {
		wg.Go(func() { c.shut(l.losing) })
	}
	wg.Wait()
	for _, l := range all {
		l.s.lost(l.id, l.losing, whyPanic)
	}
}

func (c *Call) find(id MemberID, sid wire.ShareID) (*share, *member, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, m := c.shares[sid], c.members[id]
	if s == nil || m == nil {
		return nil, nil, ErrUnknown
	}
	return s, m, nil
}

func (m *member) displayName() string {
	m.call.mu.Lock()
	defer m.call.mu.Unlock()
	return m.name
}

// losing is what a withdrawal has yet to close.
type losing struct {
	rights wire.Rights
	gate   Gate
	stop   context.CancelFunc
	outlet *outlet
}

// strip takes rights from a guest at once; call.mu is held. The caller shuts
// what it returns.
func (s *share) strip(id MemberID, g *guest, r wire.Rights) (l losing) {
	// What is no use without another goes with it, or it would be back unseen
	// when that one is.
	switch {
	case r&wire.RightSee != 0:
		r = ^wire.Rights(0)
	case r&wire.RightPoint != 0:
		r |= ^wire.RightsQuiet
	case r&wire.RightControl != 0:
		r |= wire.RightPaste | wire.RightCopy
	}
	g.rev++
	l.rights = g.rights & r
	g.rights &^= r
	s.taken[id] |= r
	l.rights.Each(func(bit wire.Rights) { delete(g.ends, bit) })
	if g.gate != nil && g.rights&wire.RightControl == 0 {
		l.gate, l.stop = g.gate, g.closeGate
		g.gate, g.closeGate = nil, nil
	}
	if m := s.call.members[id]; m != nil && g.rights&wire.RightPaste == 0 {
		m.pasting.clear(s.id)
	}
	if g.outlet != nil && g.rights&wire.RightSee == 0 {
		l.outlet, g.outlet = g.outlet, nil
	}
	return l
}

// shut closes what was lost; call.mu is not held.
func (c *Call) shut(l losing) {
	if l.gate != nil {
		if err := l.gate.Close(); err != nil {
			c.log.Warn("gate not closed", "err", err)
		}
		l.stop()
	}
	if l.outlet != nil {
		l.outlet.stop()
	}
}

// withdraw takes rights from a member; what they hold is released before it
// returns.
func (s *share) withdraw(m *member, r wire.Rights, why string) {
	c := s.call
	c.mu.Lock()
	g := s.guests[m.id]
	if g == nil {
		c.mu.Unlock()
		return
	}
	before := s.taken[m.id]
	l := s.strip(m.id, g, r)
	if why == whyReturn {
		s.taken[m.id] = before // they may have it again, if it is free
	}
	c.mu.Unlock()
	c.shut(l)
	s.lost(m.id, l, why)
}

// lost tells everybody what was taken.
func (s *share) lost(id MemberID, l losing, why string) {
	c := s.call
	if l.rights == 0 {
		return
	}
	c.mu.Lock()
	m, g := c.members[id], s.guests[id]
	var told wire.Granted
	var name string
	if m != nil && g != nil {
		told, name = s.grantedLocked(g, false), m.name
	}
	title := s.title
	c.mu.Unlock()
	if m != nil && g != nil {
		m.send(told)
		if !mayMark(told.Rights) {
			s.unmark(m, false)
		}
	}
	c.emit(Event{Kind: EventRevoked, Member: id.String(), Name: name, Share: s.id, Title: title, Rights: l.rights.String(), Reason: why})
	c.changed()
}

// used moves the end of control that lasts once; call.mu is held.
func (g *guest) used(now time.Time) {
	if e, ok := g.ends[wire.RightControl]; ok && e.Term == wire.Once {
		e.At = now.Add(wire.OnceIdle)
		g.ends[wire.RightControl] = e
	}
}

// endOnce takes those of the rights in r that a member has for once.
func (s *share) endOnce(m *member, r wire.Rights) {
	c := s.call
	var over wire.Rights
	c.mu.Lock()
	if g := s.guests[m.id]; g != nil {
		r.Each(func(bit wire.Rights) {
			if g.ends[bit].Term == wire.Once {
				over |= bit
			}
		})
	}
	c.mu.Unlock()
	if over != 0 {
		s.withdraw(m, over, whyOnce)
	}
}

// reckon makes watchEnds look again.
func (c *Call) reckon() {
	select {
	case c.ending <- struct{}{}:
	default:
	}
}

// watchEnds takes rights away when their time is up: one timer for all.
func (c *Call) watchEnds(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-c.ending:
		case <-ctx.Done():
			return
		}
		if next := c.expire(time.Now()); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(next))
		}
	}
}

// expire takes what is over and tells when to look again; zero for never.
func (c *Call) expire(now time.Time) (next time.Time) {
	type over struct {
		s   *share
		m   *member
		r   wire.Rights
		why string
	}
	var all []over
	c.mu.Lock()
	for _, s := range c.shareOrder {
		for _, m := range c.order {
			g := s.guests[m.id]
			if g == nil {
				continue
			}
			o := over{s: s, m: m, why: whyTime}
			for bit, e := range g.ends {
				switch {
				case e.At.IsZero():
				case !e.At.After(now):
					o.r |= bit
					if e.Term == wire.Once {
						o.why = whyOnce
					}
				case next.IsZero() || e.At.Before(next):
					next = e.At
				}
			}
			if o.r != 0 {
				all = append(all, o)
			}
		}
	}
	c.mu.Unlock()
	for _, o := range all {
		o.s.withdraw(o.m, o.r, o.why)
	}
	return next
}

// openGate makes a gate and runs it until the share ends or stop is called.
func (s *share) openGate() (gate Gate, stop context.CancelFunc, err error) {
	c := s.call
	if c.cfg.NewGate == nil {
		return nil, nil, ErrNoControl
	}
	gate, err = c.cfg.NewGate(s.ctx, s.window)
	if err != nil {
		return nil, nil, fmt.Errorf("session: control: %w", err)
	}
	gate.SetLayout(layoutOf(s.stream.State()))
	ctx, cancel := context.WithCancel(s.ctx)
	run := func(parent context.Context) {
		defer cancel()
		defer context.AfterFunc(parent, cancel)()
		if err := gate.Run(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("gate ended", "err", err)
		}
	}
	if !c.spawn(run) {
		cancel()
		return nil, nil, errors.Join(ErrEnded, gate.Close())
	}
	return gate, cancel, nil
}

// sharesNow lists the running shares.
func (c *Call) sharesNow() []*share {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.shareOrder)
}

func (g *guest) endsNow() Ends { return maps.Clone(g.ends) }
