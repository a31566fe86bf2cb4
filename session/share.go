package session

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"viewflip.app/capture"
	"viewflip.app/platform"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// maxShares bounds how many windows one member may offer.
const maxShares = 32

// share is a window that this device offers.
type share struct {
	call   *Call
	id     wire.ShareID
	window platform.WindowID
	app    string
	stream capture.Stream
	ctx    context.Context //nolint:containedctx // the share's own lifetime
	cancel context.CancelCauseFunc
	// wake tells the capture loop that a viewer can take a picture.
	wake  chan struct{}
	board *board

	// Guarded by call.mu.
	title  string
	state  capture.State
	grant  wire.Rights
	guests map[MemberID]*guest
	// markSeq numbers what is told of pointers.
	markSeq uint32
	// taken is what was taken from devices that have it free: they do not get
	// it back by coming again.
	taken  map[MemberID]wire.Rights
	masked surfaceStates
	// places are where guests moved the pointer to, and placed counts them.
	places [maxEchoPlaces]wire.Spot
	placed int

	// pic guards the newest picture and what each outlet still owes.
	pic struct {
		sync.RWMutex
		frame *video.Frame
		shot  shot
	}
}

// guest is what one member may do, and does, with one share. Guarded by
// call.mu.
type guest struct {
	rights wire.Rights
	ends   Ends
	// rev rises whenever rights are taken: a grant that began before is void.
	rev       uint64
	gate      Gate
	closeGate context.CancelFunc
	outlet    *outlet
	// greeted is true once the share began for them, announced once they have been
	// told of it.
	greeted   bool
	announced bool
	asked     wire.Rights
	askedAt   time.Time
	askTold   time.Time
	// stopCopy ends the wait for what they copy.
	stopCopy   context.CancelFunc
	toldReason wire.Reason
	// seq is that of the newest input.
	seq    uint32
	toldAt time.Time
	// marks limits pointing and drawing, switches watching and not; wants is
	// what was said last while that is waiting for its turn.
	marks, switches *rate.Limiter
	wants, waiting  bool
}

var errStopped = errors.New("session: sharing was stopped")

// Share offers a window to everybody in the call. Until told otherwise each
// member has the rights in grant.
func (c *Call) Share(ctx context.Context, w platform.Window, grant wire.Rights) (wire.ShareID, error) {
	grant = grant.Complete()
	if grant&wire.RightControl != 0 && c.cfg.NewGate == nil {
		return 0, ErrNoControl
	}
	c.mu.Lock()
	for _, s := range c.shareOrder {
		if s.window == w.ID {
			c.mu.Unlock()
			return s.id, nil
		}
	}
	if len(c.shareOrder) >= maxShares {
		c.mu.Unlock()
		return 0, fmt.Errorf("session: at most %d windows can be shared at once", maxShares)
	}
	c.mu.Unlock()
	stream, err := c.cfg.OpenCapture(ctx, w.ID)
	if err != nil {
		return 0, fmt.Errorf("session: share: %w", err)
	}
	sctx, cancel := context.WithCancelCause(c.life)
	s := &share{
		call: c, window: w.ID, app: w.App, title: w.Title, stream: stream, state: stream.State(),
		grant: grant, guests: map[MemberID]*guest{}, taken: map[MemberID]wire.Rights{}, masked: surfaceStates{},
		ctx: sctx, cancel: cancel, wake: make(chan struct{}, 1), board: newBoard(c.marks.Ring),
	}
	c.mu.Lock()
	s.id = c.nextShare
	c.nextShare++
	c.shares[s.id] = s
	c.shareOrder = append(c.shareOrder, s)
	members := slices.Clone(c.order)
	c.mu.Unlock()
	s.masked.follow(s.state.Surfaces, time.Now())
	title, first := s.title, s.state // before anything follows the window
	if !c.spawn(s.run) {
		cancel(nil)
		return 0, errors.Join(ErrEnded, stream.Close())
	}
	for _, m := range members {
		if m.connected() {
			s.announce(m)
		}
	}
	c.emit(Event{Kind: EventShared, Share: s.id, Title: title})
	if first.TooLarge {
		c.emit(paused(s.id, title, first))
	}
	c.changed()
	return s.id, nil
}

func (m *member) connected() bool {
	m.call.mu.Lock()
	defer m.call.mu.Unlock()
	return m.link != Connecting
}

// share returns a running share of ours, or nil.
func (c *Call) share(id wire.ShareID) *share {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shares[id]
}

// StopShare ends a share at once.
func (c *Call) StopShare(id wire.ShareID) {
	if s := c.share(id); s != nil {
		s.cancel(errStopped)
	}
}

func (s *share) trackID(m MemberID) string { return fmt.Sprintf("share-%d-%.8s", s.id, m.String()) }

// announce tells a member of the share and what they may do with it. Somebody
// for whom nobody vouches learns nothing; the person here is asked.
func (s *share) announce(m *member) {
	c := s.call
	c.mu.Lock()
	g := s.guest(m.id)
	if g.greeted { // they connected just when the share began
		c.mu.Unlock()
		return
	}
	g.greeted = true
	free := g.rights | s.free(m.id)
	if free&wire.RightSee == 0 && !m.vouched && g.asked == 0 {
		g.asked, g.askedAt = s.grant&wire.RightsQuiet, time.Now()
		e := Event{Kind: EventAsked, Member: m.id.String(), Name: m.name, Share: s.id, Title: s.title, Rights: g.asked.String()}
		c.mu.Unlock()
		c.emit(e)
		c.changed()
		return
	}
	c.mu.Unlock()
	if err := s.give(m, free, wire.UntilStopped, false); err != nil {
		c.log.Warn("control not available", "err", err)
	}
}

// openLocked is what a member is told when they may see the share; call.mu is
// held.
func (s *share) openLocked(m *member, g *guest) []wire.Message {
	change := s.changeLocked()
	if g.announced {
		return []wire.Message{change}
	}
	g.announced = true
	out := []wire.Message{
		wire.ShareOpened{
			Share: s.id, Title: s.title, App: s.app, W: uint16(s.state.W), H: uint16(s.state.H),
			Gen: s.state.Gen, Track: s.trackID(m.id),
		},
		wire.GuestNumber{Share: s.id, Guest: m.number},
	}
	if change.Hidden || change.TooLarge || len(change.Surfaces) > 0 {
		out = append(out, change)
	}
	return out
}

// run captures until the share ends, then takes everything back.
func (s *share) run(parent context.Context) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	defer context.AfterFunc(parent, cancel)()
	var wg sync.WaitGroup
	wg.Go(func() { defer cancel(); s.watchState(ctx) })
	err := s.captureLoop(ctx)
	cancel()
	wg.Wait()
	reason := wire.CloseStopped
	switch {
	case errors.Is(err, capture.ErrGone):
		reason = wire.CloseWindow
	case err != nil && s.ctx.Err() == nil && parent.Err() == nil:
		reason = wire.CloseFailed
		s.call.log.Warn("capture failed", "err", err)
	}
	s.end(reason)
}

func (s *share) end(reason wire.CloseReason) {
	c := s.call
	s.cancel(errStopped)
	s.board.close()
	c.mu.Lock()
	delete(c.shares, s.id)
	c.shareOrder = slices.DeleteFunc(c.shareOrder, func(o *share) bool { return o == s })
	members := slices.Clone(c.order)
	guests := make([]MemberID, 0, len(s.guests))
	for id := range s.guests {
		guests = append(guests, id)
	}
	c.mu.Unlock()
	for _, id := range guests {
		s.dropGuest(id)
	}
	for _, m := range members {
		if m.connected() {
			m.send(wire.ShareClosed{Share: s.id, Reason: reason})
		}
	}
	if err := s.stream.Close(); err != nil {
		c.log.Warn("capture not closed", "err", err)
	}
	s.pic.Lock()
	if s.pic.frame != nil {
		s.pic.frame.Release()
		s.pic.frame = nil
	}
	s.pic.Unlock()
	c.emit(Event{Kind: EventUnshared, Share: s.id, Title: s.title, Reason: reason.String()})
	c.changed()
}

// captureLoop pulls a picture whenever one changed and some viewer can take it.
func (s *share) captureLoop(ctx context.Context) error {
	for {
		for !s.wanted() {
			select {
			case <-s.wake:
			case <-ctx.Done():
				return s.closedBy(ctx)
			}
		}
		f, err := s.stream.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return s.closedBy(ctx)
			}
			return err
		}
		s.show(f)
	}
}

// closedBy tells a window that closed from a share that was stopped.
func (s *share) closedBy(ctx context.Context) error {
	if s.stream.State().Closed {
		return capture.ErrGone
	}
	return ctx.Err()
}

// wanted reports whether a viewer can take a new picture now.
func (s *share) wanted() bool {
	for _, o := range s.outlets() {
		if o.ready() {
			return true
		}
	}
	return false
}

func (s *share) outlets() []*outlet {
	s.call.mu.Lock()
	defer s.call.mu.Unlock()
	os := make([]*outlet, 0, len(s.guests))
	for _, g := range s.guests {
		if g.outlet != nil {
			os = append(os, g.outlet)
		}
	}
	return os
}

// show makes f the newest picture and tells every viewer what changed.
func (s *share) show(f *video.Frame) {
	ready := time.Now()
	outlets := s.outlets()
	s.pic.Lock()
	old := s.pic.frame
	s.pic.frame, s.pic.shot = f, shot{f.Captured, ready}
	for _, o := range outlets {
		o.damage(f.Damage, f.Bounds())
	}
	s.pic.Unlock()
	if old != nil {
		old.Release()
	}
	for _, o := range outlets {
		o.poke()
	}
}

func (s *share) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// watchState follows the window: title, size, hidden, closed.
func (s *share) watchState(ctx context.Context) {
	c := s.call
	for {
		select {
		case st, ok := <-s.stream.States():
			if !ok || st.Closed {
				return
			}
			c.mu.Lock()
			hid := st.Hidden && !s.state.Hidden || st.TooLarge && !s.state.TooLarge
			grew := st.TooLarge != s.state.TooLarge
			s.state = st
			if st.Title != "" {
				s.title = st.Title
			}
			fresh, title := s.masked.follow(st.Surfaces, time.Now()), s.title
			change := s.changeLocked()
			var gates []Gate
			var viewers []*member
			for id, g := range s.guests {
				if g.gate != nil {
					gates = append(gates, g.gate)
				}
				if m := c.members[id]; m != nil && g.rights&wire.RightSee != 0 {
					viewers = append(viewers, m)
				}
			}
			c.mu.Unlock()
			for _, g := range gates {
				g.SetLayout(layoutOf(st))
				if hid {
					if err := g.Release(); err != nil {
						c.log.Warn("release failed", "err", err)
					}
				}
			}
			for _, m := range viewers {
				m.send(change)
			}
			if grew {
				c.emit(paused(s.id, title, st))
			}
			for _, id := range fresh {
				c.emit(Event{Kind: EventMasked, Share: s.id, Title: title, Surface: id})
			}
			c.changed()
		case <-ctx.Done():
			return
		}
	}
}

// paused tells that a window has become too large, or small enough again.
func paused(id wire.ShareID, title string, st capture.State) Event {
	if !st.TooLarge {
		return Event{Kind: EventResumed, Share: id, Title: title}
	}
	return Event{Kind: EventPaused, Share: id, Title: title, Reason: TooLargeSentence(st.W, st.H)}
}

// TooLargeSentence says why a window of w by h pixels is not sent, and what to do.
func TooLargeSentence(w, h int) string {
	return fmt.Sprintf("it is too large, %d × %d pixels: it goes on when it is smaller than %d a side and %d million in all",
		w, h, video.MaxSide, video.MaxPixels/1_000_000)
}

// watch starts or stops a member's picture. Who changes their mind more often
// than is allowed has the last of it done when its turn has come.
func (s *share) watch(ctx context.Context, m *member, on bool) {
	c := s.call
	c.mu.Lock()
	g := s.guest(m.id)
	g.wants = on
	if g.waiting || on == (g.outlet != nil) {
		c.mu.Unlock()
		return
	}
	wait := g.switches.Reserve().Delay()
	g.waiting = wait > 0
	c.mu.Unlock()
	if wait == 0 {
		s.switchTo(ctx, m, on)
		return
	}
	c.spawn(func(context.Context) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		case <-s.ctx.Done():
			return
		}
		c.mu.Lock()
		g.waiting = false
		on, here := g.wants, s.guests[m.id] == g && c.members[m.id] == m
		c.mu.Unlock()
		if here {
			s.switchTo(ctx, m, on)
		}
	})
}

func (s *share) switchTo(ctx context.Context, m *member, on bool) {
	c := s.call
	c.mu.Lock()
	g := s.guest(m.id)
	old := g.outlet
	if on == (old != nil) || g.rights&wire.RightSee == 0 {
		c.mu.Unlock()
		return
	}
	if !on {
		g.outlet = nil
		c.mu.Unlock()
		old.stop()
		s.unmark(m, false)
		s.endOnce(m, wire.RightsQuiet|wire.RightControl)
		c.emit(Event{Kind: EventUnwatch, Member: m.id.String(), Name: m.displayName(), Share: s.id})
		c.changed()
		return
	}
	o := newOutlet(ctx, s, m)
	g.outlet = o
	c.mu.Unlock()
	if !c.spawn(o.run) {
		o.stop()
	}
	c.emit(Event{Kind: EventWatching, Member: m.id.String(), Name: m.displayName(), Share: s.id, Title: s.title})
	c.changed()
}

func (s *share) acked(id MemberID, a wire.Ack) {
	s.call.mu.Lock()
	var o *outlet
	if g := s.guests[id]; g != nil {
		o = g.outlet
	}
	s.call.mu.Unlock()
	if o != nil {
		o.seen.Store(true)
		now := time.Now()
		o.meter.acked(a, now)
		o.flow.acked(a.Timestamp, time.Duration(a.Held)*time.Microsecond, now)
		o.poke()
		s.poke()
	}
}

// dropGuest ends everything a member has in this share.
func (s *share) dropGuest(id MemberID) {
	s.call.mu.Lock()
	g := s.guests[id]
	delete(s.guests, id)
	s.call.mu.Unlock()
	if g == nil {
		return
	}
	if g.gate != nil {
		if err := g.gate.Close(); err != nil {
			s.call.log.Warn("gate not closed", "err", err)
		}
		g.closeGate()
	}
	if g.outlet != nil {
		g.outlet.stop()
	}
}

// wholeOf is the damage that covers a picture.
func wholeOf(f *video.Frame) []image.Rectangle { return []image.Rectangle{f.Bounds()} }
