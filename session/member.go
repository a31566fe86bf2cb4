package session

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"viewflip.app/wire"
)

// signalBuffer is how many signals of one connection may wait; trickled
// candidates come in bursts.
const signalBuffer = 64

// connectTimeout is how long a connection may take to be made.
const connectTimeout = time.Minute

// member is somebody else in the call. Fields below mu are guarded by call.mu.
type member struct {
	call    *Call
	id      MemberID
	device  wire.Device
	pair    [16]byte
	offerer bool
	peer    Peer
	signals chan wire.Signal
	replay  wire.Replay
	cancel  context.CancelFunc
	ctx     context.Context //nolint:containedctx // the connection's own lifetime

	// said is the name that this member gave; name is how it is shown here.
	said string
	// turn is held by who sends a signal; seq is guarded by it.
	turn chan struct{}
	seq  uint64
	// deaf is true once the service did not take an introduction for this member.
	deaf atomic.Bool
	// slow is true when the connection ends because too much waits for this member.
	slow atomic.Bool

	signalsIn, signalsOut, introductions *rate.Limiter
	// broughtBy is who introduced this member, zero if nobody did.
	broughtBy MemberID

	// vouched: this member came by our own link, or was admitted by the one whose
	// link we came by. Only vouched members get the free rights of our shares.
	vouched   bool
	standing  Standing
	contact   Contact
	name      string
	phrase    phrase
	pasting   pasting
	number    wire.Guest
	link      PeerState
	greeted   bool
	views     map[wire.ShareID]*View
	viewOrder []*View
}

func newMember(c *Call, s memberSpec) *member {
	ctx, cancel := context.WithCancel(c.life)
	return &member{
		call: c, id: s.device.Address(), device: s.device, pair: s.pair,
		offerer: s.offerer, signals: make(chan wire.Signal, signalBuffer),
		ctx: ctx, cancel: cancel, standing: s.standing, vouched: s.vouched, contact: s.contact,
		views: map[wire.ShareID]*View{}, turn: make(chan struct{}, 1), broughtBy: s.broughtBy,
		signalsIn:     rate.NewLimiter(signalsInRate, signalsInBurst),
		signalsOut:    rate.NewLimiter(signalsOutRate, signalsOutBurst),
		introductions: rate.NewLimiter(introductionsRate, introductionsBurst),
	}
}

// Send seals a signal for this member; part of Signaller. It waits while there
// is too much for the member, or for all.
func (m *member) Send(ctx context.Context, s wire.Signal) error {
	for _, l := range []*rate.Limiter{m.signalsOut, m.call.outgoing} {
		if err := l.Wait(ctx); err != nil {
			return fmt.Errorf("session: signal: %w", err)
		}
	}
	return m.pass(ctx, s, m.call.cfg.Mailbox.Send)
}

// pass hands a signal to the service. Sequence and mailbox order must agree, or
// the receiver drops the later.
func (m *member) pass(ctx context.Context, s wire.Signal, send func(context.Context, wire.Address, []byte) error) error {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-m.turn }()
	m.seq++
	sealed, err := wire.Seal(m.call.cfg.Identity, m.device, wire.Envelope{Pair: m.pair, Seq: m.seq, Body: s})
	if err != nil {
		return fmt.Errorf("session: seal: %w", err)
	}
	return send(ctx, m.id, sealed)
}

// introduce tells this member of a newcomer. Someone who does not read what the
// service keeps for them holds the newcomer up once, for answerTime.
func (m *member) introduce(ctx context.Context, s wire.Introduce) error {
	patience, send := answerTime, m.call.cfg.Mailbox.Send
	if m.deaf.Load() {
		patience, send = deafTime, m.call.cfg.Mailbox.SendNow
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := m.pass(ctx, s, send)
	m.deaf.Store(err != nil)
	return err
}

// Recv returns the next signal of this member; part of Signaller.
func (m *member) Recv(ctx context.Context) (wire.Signal, error) {
	select {
	case s := <-m.signals:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// send sends a message on the ordered channel; a member whose connection is
// gone does not hear it.
func (m *member) send(msg wire.Message) {
	b, err := wire.AppendMessage(nil, msg)
	if err == nil {
		err = m.peer.Send(b)
	}
	if err != nil {
		m.call.log.Debug("message not sent", "err", err)
	}
	if m.peer.Waiting() > muchWaiting {
		m.call.relieve()
	}
}

// relieve ends the connection of the member who keeps most waiting, if all
// together keep too much.
func (c *Call) relieve() {
	c.mu.Lock()
	members := slices.Clone(c.order)
	c.mu.Unlock()
	all, most := 0, 0
	var worst *member
	for _, m := range members {
		n := m.peer.Waiting()
		if all += n; n > most {
			most, worst = n, m
		}
	}
	if all > callWaiting {
		c.log.Warn("too much waits to be sent, the slowest connection is closed")
		worst.slow.Store(true)
		worst.cancel()
	}
}

// run serves the connection until it ends, then cleans up after the member.
func (m *member) run(parent context.Context) {
	ctx, cancel := context.WithCancel(m.ctx)
	defer cancel()
	defer context.AfterFunc(parent, cancel)()

	// The connection outlives ctx by a good-bye.
	line, hangUp := context.WithCancel(context.WithoutCancel(parent))
	defer hangUp()
	var wg sync.WaitGroup
	wg.Go(func() {
		err := m.peer.Run(line)
		if errors.Is(err, ErrSlow) {
			m.slow.Store(true)
		}
		if err != nil && ctx.Err() == nil {
			m.call.log.Info("connection ended", "err", err)
		}
		select {
		case <-m.peer.Connected(): // listen ends when it has heard everything
		default:
			cancel()
		}
	})
	// Whoever never connects does not keep a place in the call.
	patience := time.NewTimer(connectTimeout)
	defer patience.Stop()
	select {
	case <-patience.C:
		m.call.log.Info("connection not made in time")
		cancel()
	case <-m.peer.Connected():
		m.call.mu.Lock()
		m.link = Connected
		m.call.mu.Unlock()
		m.call.emit(Event{Kind: EventJoined, Member: m.id.String(), Name: m.displayName()})
		m.call.changed()
		m.greet()
		wg.Go(func() { defer cancel(); m.listen(ctx) })
		wg.Go(func() { m.acceptTracks(ctx) })
		wg.Go(func() { m.watchLink(ctx) })
	case <-ctx.Done():
	}
	<-ctx.Done()
	m.gone()
	if m.call.life.Err() != nil || parent.Err() != nil {
		m.send(wire.Bye{Reason: wire.ByeLeft})
	}
	hangUp()
	wg.Wait()
}

func (m *member) greet() {
	m.send(wire.Hello{Version: wire.PeerVersion, Name: m.call.cfg.Name})
	m.call.mu.Lock()
	shares := slices.Clone(m.call.shareOrder)
	m.call.mu.Unlock()
	for _, s := range shares {
		s.announce(m)
	}
}

func (m *member) watchLink(ctx context.Context) {
	for {
		select {
		case st, ok := <-m.peer.States():
			if !ok {
				return
			}
			if st == Connecting {
				continue
			}
			m.call.mu.Lock()
			m.link = st
			m.call.mu.Unlock()
			if st == Interrupted {
				// Whoever cannot see what they do must not hold anything.
				m.releaseAll()
				for _, s := range m.call.sharesNow() {
					s.endOnce(m, wire.RightControl)
				}
			}
			m.call.changed()
		case <-ctx.Done():
			return
		}
	}
}

// gates lists the gates this member has, without holding the call's lock.
func (m *member) gates() []Gate {
	m.call.mu.Lock()
	defer m.call.mu.Unlock()
	var gs []Gate
	for _, s := range m.call.shareOrder {
		if g := s.guests[m.id]; g != nil && g.gate != nil {
			gs = append(gs, g.gate)
		}
	}
	return gs
}

func (m *member) releaseAll() {
	for _, g := range m.gates() {
		if err := g.Release(); err != nil {
			m.call.log.Warn("release failed", "err", err)
		}
	}
}

// gone takes everything of this member out of the call.
func (m *member) gone() {
	c := m.call
	m.cancel()
	c.mu.Lock()
	replaced := c.members[m.id] != m // then addMember has dropped it
	c.mu.Unlock()
	if !replaced {
		m.drop()
	}
	c.mu.Lock()
	was := m.link != Connecting
	if c.members[m.id] == m {
		delete(c.members, m.id)
	}
	c.order = slices.DeleteFunc(c.order, func(o *member) bool { return o == m })
	views := m.viewOrder
	m.viewOrder = nil
	for _, v := range views {
		v.endLocked(wire.CloseFailed)
	}
	c.mu.Unlock()
	if was {
		e := Event{Kind: EventLeft, Member: m.id.String(), Name: m.displayName()}
		if m.slow.Load() {
			e.Reason = whySlow
		}
		c.emit(e)
	}
	c.changed()
}

// drop takes back everything that the member's device has in our shares.
func (m *member) drop() {
	m.call.mu.Lock()
	shares := slices.Clone(m.call.shareOrder)
	m.call.mu.Unlock()
	for _, s := range shares {
		s.dropGuest(m.id)
		s.unmark(m, true)
	}
}

// listen handles the member's messages. A malformed one ends the connection:
// our own clients never send any.
func (m *member) listen(ctx context.Context) {
	for {
		b, err := m.peer.Recv(ctx)
		if err != nil {
			return
		}
		msg, err := wire.ParseMessage(b)
		if err != nil {
			m.call.log.Warn("malformed message, connection closed", "err", err)
			m.send(wire.Bye{Reason: wire.ByeProtocol})
			return
		}
		if m.handle(ctx, msg) {
			return
		}
	}
}

// handle acts on one message; it reports true when the member says good-bye.
func (m *member) handle(ctx context.Context, msg wire.Message) bool {
	switch msg := msg.(type) {
	case wire.Input:
		m.input(msg)
	case wire.Ack:
		m.withShare(msg.Share, func(s *share) { s.acked(m.id, msg) })
	case wire.Hello:
		return m.greets(msg)
	case wire.ShareOpened:
		m.shareOpened(msg)
	case wire.ShareChanged:
		m.withView(msg.Share, func(v *View) { v.changedLocked(msg) })
	case wire.ShareClosed:
		m.shareClosed(msg)
	case wire.Granted:
		m.granted(msg)
	case wire.Refused:
		m.withView(msg.Share, func(v *View) { v.refusal, v.refusedAt = msg.Reason, time.Now() })
	case wire.Watch:
		m.withShare(msg.Share, func(s *share) { s.watch(ctx, m, msg.On) })
	case wire.Ask:
		m.withShare(msg.Share, func(s *share) { s.asked(m, msg.Rights) })
	case wire.Paste:
		m.withShare(msg.Share, func(s *share) { s.stage(m, msg.Clip) })
	case wire.Copied:
		m.copied(msg)
	case wire.GiveBack:
		m.withShare(msg.Share, func(s *share) { s.withdraw(m, msg.Rights&^wire.RightsQuiet, whyReturn) })
	case wire.Point:
		m.pointed(msg)
	case wire.Stroke:
		m.drew(msg)
	case wire.GuestPoint, wire.GuestStroke, wire.GuestNumber:
		m.marked(msg)
	case wire.CursorShape, wire.CursorPosition:
		m.pointer(msg)
	case wire.Measure, wire.Measured:
		m.measure(msg)
	case wire.Check:
		m.check(msg)
	case wire.PhraseCommit, wire.PhraseNonce, wire.PhraseReveal:
		m.compare(msg)
	case wire.Bye:
		m.leaves(msg)
		return true
	}
	return false
}

// withShare calls f, without call.mu, with a share of ours that is running; a
// message about another one is late, or means nothing.
func (m *member) withShare(id wire.ShareID, f func(*share)) {
	if s := m.call.share(id); s != nil {
		f(s)
	}
}

// greets takes the member's version and name; it reports true when the connection
// must end. The name counts once: whoever could change it in a call could ask for
// rights under another.
func (m *member) greets(msg wire.Hello) bool {
	c := m.call
	if msg.Version != wire.PeerVersion {
		c.log.Warn("a member runs another version, connection closed")
		m.send(wire.Bye{Reason: wire.ByeProtocol})
		return true
	}
	c.mu.Lock()
	first := !m.greeted
	if first {
		m.greeted = true
		m.said, m.name = msg.Name, c.nameLocked(m, msg.Name)
	}
	c.mu.Unlock()
	if first {
		c.changed()
	}
	return false
}

// shareClosed ends the view of a share that the member closed.
func (m *member) shareClosed(msg wire.ShareClosed) {
	c := m.call
	c.mu.Lock()
	if v := m.views[msg.Share]; v != nil {
		v.endLocked(msg.Reason)
		delete(m.views, msg.Share)
		m.viewOrder = slices.DeleteFunc(m.viewOrder, func(o *View) bool { return o == v })
	}
	c.mu.Unlock()
	c.changed()
}

// granted notes what we may do with a share of this member. A sharer stops sending
// when seeing ends, so who watches asks anew when it is given again.
func (m *member) granted(msg wire.Granted) {
	again := false
	m.withView(msg.Share, func(v *View) {
		again = v.watching && v.info.Rights&wire.RightSee == 0 && msg.Rights&wire.RightSee != 0
		v.info.Rights, v.info.Ends = msg.Rights, endsOf(msg.Rights, msg.Ends, time.Now())
		if msg.Answer {
			v.info.Asking = false
		}
	})
	if again {
		m.send(wire.Watch{Share: msg.Share, On: true})
	}
}

// leaves ends the views of a member who says that they leave the call; after any
// other good-bye the views are ended with the connection, as those of one that broke.
func (m *member) leaves(msg wire.Bye) {
	if msg.Reason != wire.ByeLeft {
		return
	}
	m.call.mu.Lock()
	for _, v := range m.views {
		v.endLocked(wire.CloseStopped)
	}
	m.call.mu.Unlock()
}

func (m *member) shareOpened(msg wire.ShareOpened) {
	c := m.call
	c.mu.Lock()
	if m.views[msg.Share] == nil && len(m.views) < maxShares {
		v := newView(m, RemoteShare{
			Member: m.id, MemberName: m.name, Share: msg.Share, Title: msg.Title,
			App: msg.App, W: int(msg.W), H: int(msg.H), Gen: msg.Gen, Unvouched: !m.vouched, Main: image.Rect(0, 0, int(msg.W), int(msg.H)),
		}, msg.Track)
		m.views[msg.Share] = v
		m.viewOrder = append(m.viewOrder, v)
	}
	c.mu.Unlock()
	c.changed()
}

func (m *member) withView(id wire.ShareID, f func(*View)) {
	m.call.mu.Lock()
	if v := m.views[id]; v != nil {
		f(v)
	}
	m.call.mu.Unlock()
	m.call.changed()
}

// input takes one event to the gate of the share, if this member has one.
func (m *member) input(in wire.Input) {
	c := m.call
	c.mu.Lock()
	s := c.shares[in.Share]
	if s == nil {
		c.mu.Unlock()
		return
	}
	g := s.guest(m.id)
	// What they see is old: nobody would notice that they are gone for good, or
	// they see another window than there is.
	old := m.link == Interrupted || s.state.TooLarge
	gate, rights, cut := g.gate, g.rights, old && !releases(in.Kind)
	// Motion on the lossy channel may be overtaken; it must not move the
	// pointer away from under a later press.
	newer := g.seq == 0 || int32(in.Seq-g.seq) > 0
	late := in.Kind == wire.Move && !newer
	if newer {
		g.seq = in.Seq
	}
	if gate != nil && !late && !cut {
		s.injected(in) // before it happens: the pointer is seen at once
	}
	c.mu.Unlock()
	if late {
		return
	}

	reason, ok := wire.Reason(wire.NoRight), false
	switch {
	case gate == nil:
	case cut:
		reason = wire.Stale
	default:
		reason, ok = s.perform(m, gate, in, rights)
	}
	now := time.Now()
	c.mu.Lock()
	if ok {
		g.used(now)
		o := g.outlet
		c.mu.Unlock()
		if o != nil {
			o.meter.injected(in, now)
		}
		return
	}
	tell := reason != g.toldReason || now.Sub(g.toldAt) >= refusalPause
	if tell {
		g.toldReason, g.toldAt = reason, now
	}
	c.mu.Unlock()
	if tell {
		m.send(wire.Refused{Share: in.Share, Seq: in.Seq, Reason: reason})
	}
}

func releases(k wire.Kind) bool {
	return k == wire.Release || k == wire.KeyUp || k == wire.ReleaseAll
}

// refusalPause keeps a held key on a covered window from flooding the viewer
// with the same answer.
const refusalPause = 200 * time.Millisecond

// acceptTracks gives each arriving picture stream to its view.
func (m *member) acceptTracks(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		t, err := m.peer.AcceptTrack(ctx)
		if err != nil {
			return
		}
		v := m.viewOf(t.ID())
		if v == nil {
			m.call.log.Debug("track without a share")
			continue
		}
		wg.Go(func() {
			err := v.play(ctx, t)
			m.call.log.Debug("track ended", "err", err)
		})
	}
}

func (m *member) viewOf(track string) *View {
	m.call.mu.Lock()
	defer m.call.mu.Unlock()
	for _, v := range m.viewOrder {
		if v.track == track {
			return v
		}
	}
	return nil
}

// View begins to watch a share of a member and returns its view. There is one
// view per share; asking again returns the same.
func (c *Call) View(id MemberID, share wire.ShareID) (*View, error) {
	c.mu.Lock()
	m := c.members[id]
	var v *View
	if m != nil {
		v = m.views[share]
	}
	if v == nil {
		c.mu.Unlock()
		return nil, fmt.Errorf("%w", ErrUnknown)
	}
	start := !v.watching
	v.watching = true
	c.mu.Unlock()
	if start {
		m.send(wire.Watch{Share: share, On: true})
	}
	return v, nil
}
