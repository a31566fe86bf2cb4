package session

import (
	"context"
	"errors"
	"time"

	"viewflip.app/wire"
)

// errTaken means that rights were taken back while they were being given.
var errTaken = errors.New("session: it was taken back meanwhile")

// gift is rights on their way to a member. A gate is opened between the decision
// to give and its being in force, without call.mu, so that a withdrawal never
// waits for it: whatever happened meanwhile wins.
//
//	weigh (locked) → open a gate → settle, enforce (locked) → tell
type gift struct {
	share *share
	to    *member
	guest *guest
	// rev is the guest's when the giving began: a later one is a later decision.
	rev uint64
	// rights are given; those that turn out impossible are taken out.
	rights wire.Rights
	// ending are those of them that end with term; the others keep their ends.
	ending wire.Rights
	term   wire.Term
	// answer is true when an open request of the member is answered by this.
	answer bool
	// gate was opened for this gift and is held by nobody yet, nil if there is none.
	gate Gate
	stop context.CancelFunc
	// opened is true once the guest holds that gate.
	opened bool
	// failed is why not everything was given, nil if it was.
	failed error
}

// give puts rights in force beside those that a member has. The gate exists
// exactly while control does.
func (s *share) give(m *member, r wire.Rights, term wire.Term, answer bool) error {
	c := s.call
	c.mu.Lock()
	f, needsGate := s.weighLocked(m, r, term, answer)
	c.mu.Unlock()
	if needsGate {
		if f.gate, f.stop, f.failed = s.openGate(); f.failed != nil {
			f.rights &= wire.RightsQuiet
		}
	}
	now := time.Now()
	c.mu.Lock()
	f.settleLocked()
	first := f.enforceLocked(now)
	told := s.grantedLocked(f.guest, answer)
	c.mu.Unlock()
	f.tell(first, told)
	return f.failed
}

// weighLocked tells what a grant comes to, and whether it needs a gate; call.mu is
// held.
func (s *share) weighLocked(m *member, wanted wire.Rights, term wire.Term, answer bool) (f *gift, needsGate bool) {
	g := s.guest(m.id)
	r := wanted.Complete()
	// What merely comes along keeps its end; control for a while must not end
	// seeing.
	ending := wanted
	if r&^wire.RightsQuiet != 0 {
		ending = (wanted | r&^g.rights) &^ wire.RightsQuiet
	}
	f = &gift{share: s, to: m, guest: g, rev: g.rev, rights: r, ending: ending, term: term, answer: answer}
	return f, r&wire.RightControl != 0 && g.gate == nil
}

// settleLocked decides the race with what happened while a gate was opened;
// call.mu is held. Nothing is left to give when the member, their place or the
// share is gone, or when rights were taken from them meanwhile; otherwise the
// guest holds the gate, unless another gift has brought one.
func (f *gift) settleLocked() {
	s, g := f.share, f.guest
	switch {
	case s.call.members[f.to.id] != f.to || s.ctx.Err() != nil || s.guests[f.to.id] != g:
		f.failed, f.rights = ErrUnknown, 0
	case g.rev != f.rev: // the later decision holds
		f.failed, f.rights = errTaken, 0
	default:
		if f.gate != nil && g.gate == nil {
			g.gate, g.closeGate = f.gate, f.stop
			f.gate, f.opened = nil, true
		}
		s.taken[f.to.id] &^= f.rights
	}
}

// enforceLocked puts the rights that are left and their ends in force; call.mu is
// held. It returns what the member must hear first, when they see the share anew.
func (f *gift) enforceLocked(now time.Time) (first []wire.Message) {
	g := f.guest
	if f.rights&wire.RightSee != 0 && (!g.announced || g.rights&wire.RightSee == 0) {
		first = f.share.openLocked(f.to, g)
	}
	g.rights |= f.rights
	(f.ending & f.rights).Each(func(bit wire.Rights) { g.endBy(bit, f.term, now) })
	if f.answer {
		g.asked = 0
	}
	return first
}

// endBy sets when a single right ends, given for a term now; call.mu is held.
func (g *guest) endBy(bit wire.Rights, term wire.Term, now time.Time) {
	delete(g.ends, bit)
	switch {
	case term == wire.Timed:
		g.ends[bit] = End{term, now.Add(wire.TimedFor)}
	case term == wire.Once && bit == wire.RightControl:
		g.ends[bit] = End{term, now.Add(wire.OnceIdle)}
	case term == wire.Once:
		g.ends[bit] = End{Term: term}
	}
}

// tell closes a gate that nobody took, and tells the member and everything here
// that depends on rights; call.mu is not held.
func (f *gift) tell(first []wire.Message, told wire.Granted) {
	s, c := f.share, f.share.call
	if f.gate != nil {
		c.shut(losing{gate: f.gate, stop: f.stop})
	}
	for _, msg := range first {
		f.to.send(msg)
	}
	f.to.send(told)
	if f.opened {
		c.wantHand()
	}
	if !mayMark(told.Rights) {
		s.unmark(f.to, false)
	}
	c.reckon()
	c.changed()
}
