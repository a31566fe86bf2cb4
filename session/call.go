package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"viewflip.app/bell"
	"viewflip.app/wire"
)

const (
	// maxMembers bounds a call: a mesh of more peers does not work well.
	maxMembers = 16
	// joinTimeout is how long a join waits for the inviter's answer.
	joinTimeout = 15 * time.Second
	// knockAgain is when an unanswered knock is sent a second time.
	knockAgain = 4 * time.Second
	// eventBuffer is how far a terminal may lag behind.
	eventBuffer = 256
)

// Call is a set of devices connected peer to peer.
type Call struct {
	cfg Config
	log *slog.Logger

	// jobs carries work to Run, which starts and awaits all goroutines.
	jobs chan func(ctx context.Context)
	done chan struct{}
	stop context.CancelFunc
	// life ends when the call does.
	life context.Context //nolint:containedctx // the call's own lifetime, not a request's

	answers *answers
	// admissions has a place for each device that is being let in.
	admissions chan struct{}
	outgoing   *rate.Limiter
	pixels     pixels

	watchers bell.Bell // of State
	marks    bell.Bell // of Marks
	events   bell.Of[Event]
	cursors  cursorFeeds

	mu         sync.Mutex
	members    map[MemberID]*member
	order      []*member
	ended      []RemoteShare
	shares     map[wire.ShareID]*share
	shareOrder []*share
	nextShare  wire.ShareID
	invites    map[wire.InviteID]*invite
	// removed holds when a device was removed: links from before do not let
	// it in again.
	removed map[MemberID]time.Time
	joining map[wire.Address]*joining
	askers  map[MemberID]*asker
	left    bool

	// ending tells watchEnds that some right has another end.
	ending chan struct{}
}

// New makes a call in which nobody is yet. Run brings it to life.
func New(cfg Config) *Call {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	life, stop := context.WithCancel(context.Background())
	return &Call{
		cfg: cfg, log: cfg.Log,
		jobs: make(chan func(context.Context)), done: make(chan struct{}),
		life: life, stop: stop, answers: newAnswers(), admissions: make(chan struct{}, maxAdmissions), outgoing: outgoing(),
		pixels:  pixels{held: map[*View]int{}, slots: map[*View]int{}, waiting: map[*View]bool{}},
		members: map[MemberID]*member{}, shares: map[wire.ShareID]*share{},
		invites: map[wire.InviteID]*invite{}, removed: map[MemberID]time.Time{}, joining: map[wire.Address]*joining{},
		askers: map[MemberID]*asker{}, ending: make(chan struct{}, 1), nextShare: 1,
	}
}

// Run serves the call until ctx ends or Leave is called, and waits for
// everything it started. When it returns nothing is shared, nothing is held
// and no connection is open. Without its mailbox a call goes on for those who
// are in it, and ends when the last of them leaves.
func (c *Call) Run(ctx context.Context) error {
	defer close(c.done)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	defer c.stop()

	var wg sync.WaitGroup
	failed := make(chan error, 1)
	wg.Go(func() {
		if err := c.receive(ctx); err != nil && ctx.Err() == nil {
			c.awaitAlone(ctx)
			failed <- err
			cancel()
		}
	})
	wg.Go(func() { c.watchEnds(ctx) })
	wg.Go(func() { c.serveAnswers(ctx) })
	for {
		select {
		case job := <-c.jobs:
			wg.Go(func() { job(ctx) })
			continue
		case <-ctx.Done():
		}
		break
	}
	c.farewell()
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// spawn hands a goroutine to Run; it reports false once the call is over.
func (c *Call) spawn(job func(ctx context.Context)) bool {
	select {
	case c.jobs <- job:
		return true
	case <-c.life.Done():
		return false
	case <-c.done:
		return false
	}
}

// Leave ends the call for this device. Everything shared stops at once.
func (c *Call) Leave() { c.stop() }

// Done is closed when Run has returned.
func (c *Call) Done() <-chan struct{} { return c.done }

func (c *Call) farewell() {
	c.mu.Lock()
	c.left = true
	invites := make([]wire.InviteID, 0, len(c.invites))
	for id := range c.invites {
		invites = append(invites, id)
	}
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, id := range invites {
		if err := c.cfg.Mailbox.CloseInvite(ctx, id); err != nil {
			break // the service forgets it by itself when it expires
		}
	}
}

// Changed ticks after every change of State, coalesced, until ctx ends.
func (c *Call) Changed(ctx context.Context) <-chan struct{} { return c.watchers.Listen(ctx) }

// Events returns what happens from now on until ctx ends. A reader that falls
// far behind misses events.
func (c *Call) Events(ctx context.Context) <-chan Event { return c.events.Listen(ctx, eventBuffer) }

// changed tells all watchers.
func (c *Call) changed() { c.watchers.Ring() }

// receive opens what the mailbox delivers. A message that cannot be opened is
// dropped: the service or a stranger may send anything at any time. Nothing in
// it waits, not for the service either: who does not read what is sent to them
// would stop the signals of everybody.
func (c *Call) receive(ctx context.Context) error {
	for {
		d, err := c.cfg.Mailbox.Recv(ctx)
		if err != nil {
			return fmt.Errorf("session: receive: %w", err)
		}
		if err := c.deliver(d); err != nil {
			c.log.Debug("signal dropped", "err", err)
		}
	}
}

// awaitAlone waits until nobody else is in the call.
func (c *Call) awaitAlone(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changed := c.Changed(ctx)
	for {
		c.mu.Lock()
		alone := len(c.members) == 0
		c.mu.Unlock()
		if alone {
			return
		}
		if _, ok := <-changed; !ok {
			return
		}
	}
}

var (
	errUnexpected = errors.New("session: unexpected signal")
	errTooMany    = errors.New("session: too many signals")
)

func (c *Call) deliver(d wire.Deliver) error {
	c.mu.Lock()
	m := c.members[d.From]
	j := c.joining[d.From]
	c.mu.Unlock()

	if m != nil {
		env, err := wire.Open(c.cfg.Identity, m.device, d.Sealed)
		if err == nil {
			// A device that was cut off comes anew, before we notice.
			switch s := env.Body.(type) {
			case wire.Knock:
				if s.Device.Address() != m.id {
					return errUnexpected
				}
				return c.knocked(m.device, s)
			case wire.Admit, wire.Reject:
				if j != nil {
					return j.answer(s)
				}
			}
			return c.fromMember(m, env)
		}
		if !errors.Is(err, wire.ErrSeal) && !errors.Is(err, wire.ErrSignature) && !errors.Is(err, wire.ErrMalformed) {
			return err
		}
	}
	if j != nil {
		if env, err := wire.Open(c.cfg.Identity, j.inviter, d.Sealed); err == nil {
			return j.answer(env.Body)
		}
	}
	dev, env, err := wire.OpenKnock(c.cfg.Identity, d.Sealed)
	if err != nil {
		return err
	}
	k, ok := env.Body.(wire.Knock)
	if !ok {
		return errUnexpected
	}
	return c.knocked(dev, k)
}

func (c *Call) fromMember(m *member, env wire.Envelope) error {
	if env.Pair != m.pair {
		return fmt.Errorf("%w: it belongs to another connection", errUnexpected)
	}
	if !m.replay.Accept(env.Seq) {
		return fmt.Errorf("%w: it was seen before", errUnexpected)
	}
	if !m.signalsIn.Allow() {
		return errTooMany
	}
	switch s := env.Body.(type) {
	case wire.Introduce:
		return c.introduced(m, s.Member)
	case wire.Offer, wire.Answer, wire.Candidate, wire.NeedMedia:
		select {
		case m.signals <- s:
			return nil
		default:
			return errTooMany
		}
	default:
		return errUnexpected
	}
}

// introduced adds a newcomer whom a verified member vouches for. The newcomer
// calls us. Only whose link brought us here decides who is in the call; anyone
// else may bring people, but they get nothing of ours unasked.
func (c *Call) introduced(by *member, n wire.Member) error {
	if !by.standing.direct() {
		return fmt.Errorf("%w: only who holds a link's end may introduce", errUnexpected)
	}
	vouched := by.offerer
	id := n.Device.Address()
	strangers := 0
	c.mu.Lock()
	_, removed := c.removed[id]
	present := c.members[id] != nil
	for _, m := range c.order {
		if m.broughtBy == by.id && m.link == Connecting {
			strangers++
		}
	}
	c.mu.Unlock()
	switch {
	case !by.introductions.Allow(), !vouched && strangers >= maxStrangers:
		return errTooMany
	case removed:
		return fmt.Errorf("%w: the device was removed", errUnexpected)
	case present && !vouched:
		return fmt.Errorf("%w: the device is here already", errUnexpected)
	}
	return c.addMember(memberSpec{
		device: n.Device, name: n.Name, pair: n.Pair, standing: Introduced, vouched: vouched, broughtBy: by.id,
	})
}

type memberSpec struct {
	device   wire.Device
	name     string
	pair     [16]byte
	contact  Contact
	standing Standing
	vouched  bool
	offerer  bool
	// broughtBy is the member who introduced this one, zero if nobody did.
	broughtBy MemberID
}

// addMember starts a connection to a device; one that exists is replaced,
// because the device has come again.
func (c *Call) addMember(s memberSpec) error {
	id := s.device.Address()
	if id == c.cfg.Identity.Public().Address() {
		return fmt.Errorf("%w: it is this device itself", errUnexpected)
	}
	m := newMember(c, s)
	peer, err := c.cfg.NewPeer(s.offerer, m)
	if err != nil {
		return fmt.Errorf("session: connect: %w", err)
	}
	m.peer = peer

	c.mu.Lock()
	old := c.members[id]
	if old == nil && len(c.members) >= maxMembers {
		c.mu.Unlock()
		return fmt.Errorf("session: the call is full (%d people)", maxMembers)
	}
	c.members[id] = m
	if old != nil {
		c.order = slices.DeleteFunc(c.order, func(o *member) bool { return o == old })
	}
	m.number = c.numberLocked()
	m.said, m.name = s.name, c.nameLocked(m, s.name)
	c.order = append(c.order, m)
	c.mu.Unlock()
	if old != nil {
		old.cancel()
		// Before the new connection has anything that this could take away.
		old.drop()
	}
	if !c.spawn(func(ctx context.Context) { m.run(ctx) }) {
		return ErrEnded
	}
	c.changed()
	return nil
}

// Remove ends the connection with a member and everything that they hold. No
// link of before lets their device in again.
func (c *Call) Remove(id MemberID) {
	c.mu.Lock()
	m := c.members[id]
	if m != nil {
		c.removed[id] = time.Now()
	}
	c.mu.Unlock()
	if m != nil {
		m.send(wire.Bye{Reason: wire.ByeRemoved})
		m.cancel()
	}
}

func random16() (b [16]byte) { fill(b[:]); return b }

func random32() (b [32]byte) { fill(b[:]); return b }

// fill never fails: crypto/rand ends the program where there is no randomness.
func fill(b []byte) { _, _ = rand.Read(b) }
