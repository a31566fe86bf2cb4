package session

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// firstAgain is when the first picture is sent again if nobody acknowledged
// it, and the least pause; each further pause is twice as long. All packets of
// it may be lost before the viewer knows of the track: they can ask for nothing
// then, and a window that stays still sends nothing more.
const firstAgain = time.Second

// How many full pictures a viewer may ask for: refreshBurst at once, as losses
// in a row do, then one every refreshEvery. They cost the sharer much, and
// asking costs a hostile viewer nothing.
const (
	refreshBurst = 3
	refreshEvery = time.Second
)

// heavyAgain is how long a viewer whose picture was too much for one coded frame
// rests, before the next one that has changed is tried.
const heavyAgain = 5 * time.Second

// sending decides when an outlet codes and sends a picture. Each of its events is
// a method, which reports whether a picture may be due; turn then sends it.
//
//	something changed ─────────────────────────────┐
//	the flow opens, the encoder owes, a rest ends ─┤
//	the viewer asked for a whole one: granted ─────┼─→ turn
//	the first one is not acknowledged: unseen ─────┘
//
// It belongs to the goroutine of outlet.serve.
type sending struct {
	o     *outlet
	track OutTrack
	enc   Encoder
	buf   []byte
	// refresh is true when the next picture must be whole.
	refresh bool
	// later looks again: when the flow may be open, the encoder owes something, or
	// the rest after a picture that was too much is over.
	later *time.Timer
	// first sends the first picture again, after pause, until one is seen.
	first *time.Timer
	pause time.Duration
	// owed is when the whole picture that the viewer asked for may be sent; nil
	// when none is asked for. limit counts them.
	owed  <-chan time.Time
	limit *rate.Limiter
}

func newSending(o *outlet, track OutTrack, enc Encoder) *sending {
	return &sending{
		o: o, track: track, enc: enc, refresh: true,
		later: time.NewTimer(time.Hour), first: time.NewTimer(firstAgain), pause: firstAgain,
		limit: rate.NewLimiter(rate.Every(refreshEvery), refreshBurst),
	}
}

func (s *sending) stop() {
	s.later.Stop()
	s.first.Stop()
}

// run sends until ctx ends or something fails; its error is never nil.
func (s *sending) run(ctx context.Context) error {
	for {
		perhaps := true
		select {
		case <-s.o.wake:
		case <-s.later.C:
			perhaps = s.rested()
		case <-s.track.Refresh():
			perhaps = s.asked()
		case <-s.owed:
			perhaps = s.granted()
		case <-s.first.C:
			perhaps = s.unseen()
		case <-ctx.Done():
			return ctx.Err()
		}
		if !perhaps || s.o.resting() {
			continue
		}
		if err := s.turn(ctx); err != nil {
			return err
		}
	}
}

// rested ends the rest after a picture that was too much: what changed meanwhile
// may be less, and is captured first.
func (s *sending) rested() bool {
	if s.o.resting() {
		s.o.idle()
		return false
	}
	return true
}

// asked notes that the viewer wants a whole picture. One picture answers all that
// ask for it.
func (s *sending) asked() bool {
	if s.owed == nil && !s.refresh {
		s.owed = time.After(s.limit.Reserve().Delay())
	}
	return false
}

// granted lets the whole picture go that the viewer asked for.
func (s *sending) granted() bool {
	s.owed, s.refresh = nil, true
	s.o.flow.forgive()
	return true
}

// unseen sends the first picture again while the viewer has acknowledged none.
func (s *sending) unseen() bool {
	if s.o.seen.Load() {
		return false
	}
	s.refresh = true
	s.o.flow.forgive()
	s.pause = min(2*s.pause, 16*firstAgain)
	s.first.Reset(s.pause)
	return true
}

// turn codes and sends what there is, if the flow is open.
func (s *sending) turn(ctx context.Context) error {
	o, now := s.o, time.Now()
	if !o.flow.open(now) {
		s.later.Reset(o.flow.patience())
		return nil
	}
	o.busy.Store(true)
	var ok bool
	var err error
	s.buf, ok, err = o.encode(s.enc, s.buf[:0], s.refresh)
	if err != nil {
		return err
	}
	if ok && !o.fits(len(s.buf)) {
		s.refresh = true // the encoder takes it for sent
		s.later.Reset(heavyAgain)
		return nil // busy meanwhile: this is the rest
	}
	if ok {
		if err := s.send(ctx, now); err != nil {
			return err
		}
	}
	if !o.flow.open(now) {
		s.later.Reset(o.flow.patience())
	} else if at, owes := due(s.enc); owes {
		s.later.Reset(time.Until(at))
	}
	o.idle()
	return nil
}

// send sends the picture in buf, whose turn began at the time began.
func (s *sending) send(ctx context.Context, began time.Time) error {
	o := s.o
	fresh := !s.refresh && o.shot != (shot{}) // not an old picture, coded again
	s.refresh = false
	coded := time.Now()
	s.track.Pace(o.flow.limit())
	ts, err := s.track.Write(ctx, s.buf)
	if err != nil {
		return err
	}
	o.flow.sent(ts, len(s.buf), coded, time.Now())
	if fresh {
		o.meter.coded(o.shot, ts, began, coded)
	}
	return nil
}
