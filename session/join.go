package session

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"

	"viewflip.app/wire"
)

// DefaultInviteTTL is how long a link can be used for the first time.
const DefaultInviteTTL = 24 * time.Hour

// InviteOptions says what a link is good for.
type InviteOptions struct {
	// Uses is how many devices may come by the link; 0 means one.
	Uses int
	// TTL is how long it lasts; 0 means DefaultInviteTTL.
	TTL time.Duration
	// Contact is who alone gets the link, sealed to his devices.
	Contact Contact
}

// invite is the inviter's side of a link: decided here, never by the service.
type invite struct {
	secret  wire.Secret
	made    time.Time
	expires time.Time
	uses    int
	contact Contact
	// bound holds the devices that have used it: they may come again.
	bound map[wire.Address]admitted
}

// admitted remembers the answer to the last knock, so that one that comes
// twice gets the same, and the nonces of those before: replayed by the service
// they must not cut off whoever came with a later one.
type admitted struct {
	nonce  [32]byte
	sealed []byte
	before [][32]byte
}

// maxComings is how often one device may come by one link.
const maxComings = 64

// Invite makes a link into this call. Each link admits as many devices as
// o.Uses says; a device that has used it may come again until it expires.
func (c *Call) Invite(ctx context.Context, o InviteOptions) (wire.Link, error) {
	if o.Uses < 1 {
		o.Uses = 1
	}
	if o.TTL <= 0 {
		o.TTL = DefaultInviteTTL
	}
	id := wire.InviteID(random16())
	inv := &invite{
		secret: wire.NewSecret(random32()), made: time.Now(), expires: time.Now().Add(o.TTL),
		uses: o.Uses, contact: o.Contact, bound: map[wire.Address]admitted{},
	}
	c.mu.Lock()
	c.invites[id] = inv
	c.mu.Unlock()
	if err := c.cfg.Mailbox.OpenInvite(ctx, id, inv.expires); err != nil {
		c.mu.Lock()
		delete(c.invites, id)
		c.mu.Unlock()
		return wire.Link{}, fmt.Errorf("session: the link could not be made: %w", err)
	}
	return wire.Link{
		Service: c.cfg.Service, Invite: id,
		Inviter: c.cfg.Identity.Public().Address(), Secret: inv.secret,
	}, nil
}

// knocked answers somebody who came by a link.
func (c *Call) knocked(ctx context.Context, dev wire.Device, k wire.Knock) error {
	addr := dev.Address()
	me := c.cfg.Identity.Public()
	c.mu.Lock()
	inv := c.invites[k.Invite]
	c.mu.Unlock()
	if inv == nil {
		// Without the secret nothing may be learned, not even a reason.
		return fmt.Errorf("%w: no such invitation", errUnexpected)
	}
	if !wire.VerifyKnock(k, inv.secret, dev, me) {
		return fmt.Errorf("%w: the secret of the link is wrong", errUnexpected)
	}
	c.mu.Lock()
	before, again := inv.bound[addr]
	full := len(c.members) >= maxMembers && c.members[addr] == nil
	var reason wire.RejectReason
	switch {
	case again && before.nonce == k.Nonce:
		c.mu.Unlock()
		return c.cfg.Mailbox.Send(ctx, addr, before.sealed)
	case slices.Contains(before.before, k.Nonce):
		c.mu.Unlock()
		return fmt.Errorf("%w: it was seen before", errUnexpected)
	case c.removed[addr].After(inv.made):
		reason = wire.RejectStopped
	case time.Now().After(inv.expires):
		reason = wire.RejectExpired
	case !again && len(inv.bound) >= inv.uses, len(before.before) >= maxComings:
		reason = wire.RejectUsed
	case full:
		reason = wire.RejectFull
	}
	if reason != 0 {
		c.mu.Unlock()
		return c.seal(ctx, dev, wire.Envelope{Body: wire.Reject{Echo: k.Nonce, Reason: reason}})
	}
	nonce := random32()
	admit := wire.Admit{Nonce: nonce, Echo: k.Nonce, Name: c.cfg.Name}
	type intro struct {
		to   *member
		pair [16]byte
	}
	var intros []intro
	for _, m := range c.order {
		if m.id == addr || len(admit.Members) >= wire.MaxMembers {
			continue
		}
		in := intro{to: m, pair: random16()}
		intros = append(intros, in)
		admit.Members = append(admit.Members, wire.Member{Device: m.device, Name: m.name, Pair: in.pair})
	}
	c.mu.Unlock()

	sealed, err := wire.Seal(c.cfg.Identity, dev, wire.Envelope{Body: admit})
	if err != nil {
		return fmt.Errorf("session: admit: %w", err)
	}
	err = c.addMember(ctx, memberSpec{
		device: dev, name: k.Name, pair: wire.PairID(k.Nonce, nonce), contact: inv.contact,
		standing: inv.contact.standing(), vouched: true,
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	now := admitted{nonce: k.Nonce, sealed: sealed}
	if again {
		now.before = append(before.before, before.nonce)
	}
	inv.bound[addr] = now
	c.mu.Unlock()
	for _, in := range intros {
		// Whoever cannot be told simply does not meet the newcomer.
		err := in.to.Send(ctx, wire.Introduce{Member: wire.Member{Device: dev, Name: k.Name, Pair: in.pair}})
		if err != nil {
			c.log.Debug("introduction failed", "err", err)
		}
	}
	if err := c.cfg.Mailbox.Send(ctx, addr, sealed); err != nil {
		return fmt.Errorf("session: admit: %w", err)
	}
	c.emit(Event{Kind: EventLinkUsed, Name: k.Name, Member: addr.String(), Invite: k.Invite})
	return nil
}

func (c *Call) seal(ctx context.Context, to wire.Device, e wire.Envelope) error {
	b, err := wire.Seal(c.cfg.Identity, to, e)
	if err != nil {
		return fmt.Errorf("session: seal: %w", err)
	}
	return c.cfg.Mailbox.Send(ctx, to.Address(), b)
}

// joining is a join that waits for the inviter's answer.
type joining struct {
	inviter wire.Device
	contact Contact
	nonce   [32]byte
	result  chan wire.Signal
}

// answer takes what the inviter said, if it answers this very knock.
func (j *joining) answer(s wire.Signal) error {
	var echo [32]byte
	switch s := s.(type) {
	case wire.Admit:
		echo = s.Echo
	case wire.Reject:
		echo = s.Echo
	default:
		return errUnexpected
	}
	if subtle.ConstantTimeCompare(echo[:], j.nonce[:]) != 1 {
		return fmt.Errorf("%w: it answers another request", errUnexpected)
	}
	select {
	case j.result <- s:
	default:
	}
	return nil
}

// Join enters the call that a link leads to. It returns when the inviter's
// machine has admitted this device; the connection follows by itself. The
// texts of its errors are for people.
func (c *Call) Join(ctx context.Context, l wire.Link) error {
	var from Contact
	if c.cfg.ContactOf != nil {
		from = c.cfg.ContactOf(l)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, joinTimeout, ErrNoAnswer)
	defer cancel()
	me := c.cfg.Identity.Public()
	if l.Inviter == me.Address() {
		return errors.New("this link was made by this device: open it on another one")
	}
	dev, err := c.cfg.Mailbox.Lookup(ctx, l.Invite)
	if err != nil {
		return joinError(ctx, err)
	}
	if dev.Address() != l.Inviter {
		return errors.New("the service named another device than the link does: the call was not opened, because somebody may be interfering")
	}
	j := &joining{inviter: dev, contact: from, nonce: random32(), result: make(chan wire.Signal, 1)}
	c.mu.Lock()
	c.joining[l.Inviter] = j
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.joining, l.Inviter)
		c.mu.Unlock()
	}()

	k := wire.Knock{Invite: l.Invite, Device: me, Name: c.cfg.Name, Nonce: j.nonce}
	k = wire.SignKnock(k, l.Secret, dev)
	again := time.NewTicker(knockAgain)
	defer again.Stop()
	for {
		if err := c.seal(ctx, dev, wire.Envelope{Body: k}); err != nil {
			return joinError(ctx, err)
		}
		select {
		case s := <-j.result:
			return c.admittedBy(ctx, j, s)
		case <-again.C:
		case <-c.life.Done():
			return ErrEnded
		case <-ctx.Done():
			return joinError(ctx, ctx.Err())
		}
	}
}

func joinError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(cause, ErrNoAnswer) {
		return ErrNoAnswer
	}
	return fmt.Errorf("session: join: %w", err)
}

func (c *Call) admittedBy(ctx context.Context, j *joining, s wire.Signal) error {
	switch s := s.(type) {
	case wire.Reject:
		return fmt.Errorf("%w: %s", ErrRejected, s.Reason)
	case wire.Admit:
		err := c.addMember(ctx, memberSpec{
			device: j.inviter, name: s.Name, pair: wire.PairID(j.nonce, s.Nonce), contact: j.contact,
			standing: j.contact.standing(), vouched: true, offerer: true,
		})
		if err != nil {
			return err
		}
		for _, n := range s.Members {
			// One who cannot be reached does not keep us out of the call.
			err := c.addMember(ctx, memberSpec{
				device: n.Device, name: n.Name, pair: n.Pair, standing: Introduced, vouched: true, offerer: true,
			})
			if err != nil {
				c.log.Debug("member not connected", "err", err)
			}
		}
		return nil
	default:
		return errUnexpected
	}
}
