package session

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/time/rate"

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
	// Contact is who alone gets the link, sealed to their devices.
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
	// refusals limits what is answered to those who come by it in vain.
	refusals *rate.Limiter
}

// admitted remembers the answer to the last knock, so that one that comes
// twice gets the same, and the nonces of those before: replayed by the service
// they must not cut off whoever came with a later one.
type admitted struct {
	nonce [32]byte
	// sealed is nil while the place is only taken.
	sealed  []byte
	before  [][32]byte
	comings *rate.Limiter
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
		refusals: rate.NewLimiter(refusalsRate, refusalsBurst),
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

// knocked answers somebody who came by a link. It waits for nobody: what is
// said goes to others by goroutines of its own.
func (c *Call) knocked(dev wire.Device, k wire.Knock) error {
	c.mu.Lock()
	inv := c.invites[k.Invite]
	c.mu.Unlock()
	if inv == nil {
		// Without the secret nothing may be learned, not even a reason.
		return fmt.Errorf("%w: no such invitation", errUnexpected)
	}
	if !wire.VerifyKnock(k, inv.secret, dev, c.cfg.Identity.Public()) {
		return fmt.Errorf("%w: the secret of the link is wrong", errUnexpected)
	}
	select {
	case c.admissions <- struct{}{}:
	default:
		return errTooMany
	}
	started, err := c.answerKnock(dev, inv, k)
	if !started {
		<-c.admissions
	}
	return err
}

// answerKnock decides on a knock by inv. It reports whether an admission was
// started, which gives back the place in admissions that the caller took.
func (c *Call) answerKnock(dev wire.Device, inv *invite, k wire.Knock) (started bool, err error) {
	addr := dev.Address()
	nonce, now := random32(), time.Now()
	c.mu.Lock()
	before, again := inv.bound[addr]
	switch {
	case again && before.nonce == k.Nonce && before.sealed != nil:
		c.mu.Unlock()
		if !before.comings.AllowN(now, 1) {
			return false, errTooMany
		}
		return c.startAdmission(dev, k, before.sealed, nil, false)
	case again && before.nonce == k.Nonce, slices.Contains(before.before, k.Nonce):
		c.mu.Unlock()
		return false, fmt.Errorf("%w: it was seen before", errUnexpected)
	}
	if reason := c.refusalLocked(addr, inv, now); reason != 0 {
		c.mu.Unlock()
		return false, c.refuse(dev, inv, wire.Reject{Echo: k.Nonce, Reason: reason})
	}
	// The place is taken before anything else happens: another knock must not
	// find it free.
	place := admitted{nonce: k.Nonce, comings: before.comings}
	if again {
		place.before = append(slices.Clone(before.before), before.nonce)
	} else {
		place.comings = rate.NewLimiter(comingsRate, comingsBurst)
	}
	if !place.comings.AllowN(now, 1) {
		c.mu.Unlock()
		return false, errTooMany
	}
	inv.bound[addr] = place
	admit, intros := c.admissionLocked(addr, wire.Admit{Nonce: nonce, Echo: k.Nonce, Name: c.cfg.Name})
	c.mu.Unlock()

	place.sealed, err = wire.Seal(c.cfg.Identity, dev, wire.Envelope{Body: admit})
	if err == nil {
		err = c.addMember(memberSpec{
			device: dev, name: k.Name, pair: wire.PairID(k.Nonce, nonce), contact: inv.contact,
			standing: inv.contact.standing(), vouched: true,
		})
	}
	c.mu.Lock()
	switch {
	case err == nil:
		inv.bound[addr] = place
	case again:
		inv.bound[addr] = before
	default:
		delete(inv.bound, addr)
	}
	c.mu.Unlock()
	if err != nil {
		return false, fmt.Errorf("session: admit: %w", err)
	}
	return c.startAdmission(dev, k, place.sealed, intros, true)
}

// refusalLocked is why a device may not come by inv now, 0 if it may; call.mu
// is held.
func (c *Call) refusalLocked(addr wire.Address, inv *invite, now time.Time) wire.RejectReason {
	before, again := inv.bound[addr]
	switch {
	case c.removed[addr].After(inv.made):
		return wire.RejectStopped
	case now.After(inv.expires):
		return wire.RejectExpired
	case !again && len(inv.bound) >= inv.uses, len(before.before) >= maxComings:
		return wire.RejectUsed
	case len(c.members) >= maxMembers && c.members[addr] == nil:
		return wire.RejectFull
	}
	return 0
}

// admissionLocked adds to an Admit for a device who is in the call, and lists
// who must be told of the device; call.mu is held.
func (c *Call) admissionLocked(addr wire.Address, admit wire.Admit) (wire.Admit, []introduction) {
	var intros []introduction
	for _, m := range c.order {
		if m.id == addr || len(admit.Members) >= wire.MaxMembers {
			continue
		}
		in := introduction{to: m, pair: random16()}
		intros = append(intros, in)
		admit.Members = append(admit.Members, wire.Member{Device: m.device, Name: m.toldName(), Pair: in.pair})
	}
	return admit, intros
}

// startAdmission sends what belongs to an admission, for the first time or
// again, in the place in admissions that was taken for it.
func (c *Call) startAdmission(dev wire.Device, k wire.Knock, sealed []byte, intros []introduction, first bool) (bool, error) {
	started := c.spawn(func(ctx context.Context) {
		defer func() { <-c.admissions }()
		if err := c.admit(ctx, dev, k.Name, sealed, intros); err != nil {
			c.log.Debug("admission not sent", "err", err)
			return
		}
		if first {
			c.emit(Event{Kind: EventLinkUsed, Name: k.Name, Member: dev.Address().String(), Invite: k.Invite})
		}
	})
	if !started {
		return false, ErrEnded
	}
	return true, nil
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
			return c.admittedBy(j, s)
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

func (c *Call) admittedBy(j *joining, s wire.Signal) error {
	switch s := s.(type) {
	case wire.Reject:
		return fmt.Errorf("%w: %s", ErrRejected, s.Reason)
	case wire.Admit:
		err := c.addMember(memberSpec{
			device: j.inviter, name: s.Name, pair: wire.PairID(j.nonce, s.Nonce), contact: j.contact,
			standing: j.contact.standing(), vouched: true, offerer: true,
		})
		if err != nil {
			return err
		}
		for _, n := range s.Members {
			// One who cannot be reached does not keep us out of the call.
			err := c.addMember(memberSpec{
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
