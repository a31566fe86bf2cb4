package client

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"time"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

const (
	// RingTime is how long a call rings.
	RingTime = time.Minute
	// ringAgain is when devices that were away are tried again.
	ringAgain = 4 * time.Second
	// checkTime is how long a caller may take to say that they still ring.
	checkTime = 10 * time.Second
	// maxRings bounds what rings at once, maxEnded what is remembered of it.
	maxRings, maxEnded = 8, 256
)

// Errors of Ring.
var (
	// ErrDeclined means that the contact does not want to talk now.
	ErrDeclined = errors.New("client: the contact declined")
	// ErrNoAnswer means that nobody answered.
	ErrNoAnswer = errors.New("client: nobody answered")
)

// Ring is a contact who calls.
type Ring struct {
	Contact Contact
	// Link leads into the call, and to nobody else.
	Link wire.Link
	// Called is what the caller calls themselves.
	Called string
	At     time.Time
}

type ring struct {
	Ring
	from wire.Device
}

// calling is a contact at whom this device rings.
type calling struct {
	devices  account.DeviceList // of the contact
	declined chan struct{}      // capacity 1
}

// seal sends a signal to a device.
func (a *Account) seal(ctx context.Context, to wire.Device, s wire.Signal) error {
	b, err := wire.Seal(a.identity, to, wire.Envelope{Body: s})
	if err != nil {
		return err
	}
	return a.mail.Send(ctx, to.Address(), b)
}

// Ring rings at all devices of a contact with a link that admits one device.
// It returns nil once answered is closed, ErrDeclined, ErrNoAnswer, or the
// error of ctx; the ringing has ended then.
func (a *Account) Ring(ctx context.Context, handle account.ID, l wire.Link, answered <-chan struct{}) error {
	c, err := a.find(handle)
	if err != nil {
		return err
	}
	o := a.newOutgoing(handle, l, c)
	defer o.forget()
	deadline := time.NewTimer(RingTime)
	defer deadline.Stop()
	again := time.NewTicker(ringAgain)
	defer again.Stop()
	for {
		if err := o.ringRest(ctx); err != nil {
			return err
		}
		select {
		case <-again.C:
			if err := o.renew(); err != nil {
				o.end(ctx, wire.RingCancelled)
				return err
			}
		case <-answered:
			o.end(ctx, wire.RingAnswered)
			return nil
		case <-o.declined:
			o.end(ctx, wire.RingAnswered)
			return ErrDeclined
		case <-deadline.C:
			o.end(ctx, wire.RingCancelled)
			return ErrNoAnswer
		case <-ctx.Done():
			o.end(ctx, wire.RingCancelled)
			return ctx.Err()
		}
	}
}

// outgoing is a call that rings at a contact's devices. It belongs to Ring.
type outgoing struct {
	a      *Account
	handle account.ID
	// link leads into the call; name is ours, as the contact sees it.
	link wire.Link
	name string
	// contact is as it was when it was looked at last.
	contact contact
	// reached are the devices that ring.
	reached  map[account.ID]bool
	declined chan struct{}
}

// newOutgoing makes a call known to those who ask whether it still rings; forget
// undoes that.
func (a *Account) newOutgoing(handle account.ID, l wire.Link, c contact) *outgoing {
	o := &outgoing{a: a, handle: handle, link: l, contact: c, reached: map[account.ID]bool{}, declined: make(chan struct{}, 1)}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ringing[l.Invite] = calling{c.devices, o.declined}
	o.name = string(a.me.Name)
	return o
}

func (o *outgoing) forget() {
	o.a.mu.Lock()
	defer o.a.mu.Unlock()
	delete(o.a.ringing, o.link.Invite)
}

// ringRest rings the devices that do not ring yet. One that is away is tried
// again the next time.
func (o *outgoing) ringRest(ctx context.Context) error {
	for _, d := range o.contact.devices.Active() {
		if o.reached[d.ID] {
			continue
		}
		err := o.a.seal(ctx, d.Device, wire.Ring{Device: o.a.identity.Public(), Link: o.link, Name: o.name})
		switch {
		case err == nil:
			o.reached[d.ID] = true
		case !errors.Is(err, ErrOffline):
			return err
		}
	}
	return nil
}

// renew looks at the contact's devices anew: one that was revoked meanwhile is
// not rung any more.
func (o *outgoing) renew() error {
	now, err := o.a.find(o.handle)
	if err != nil {
		return err
	}
	if now.devices.Version() > o.contact.devices.Version() {
		o.contact = now
		o.a.mu.Lock()
		o.a.ringing[o.link.Invite] = calling{now.devices, o.declined}
		o.a.mu.Unlock()
	}
	return nil
}

// end tells the devices that ring why they need not any more, also when ctx has
// ended, for answerTime at most.
func (o *outgoing) end(ctx context.Context, r wire.RingReason) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	me := o.a.identity.Public()
	for _, d := range o.contact.devices.Active() {
		if o.reached[d.ID] {
			_ = o.a.seal(ctx, d.Device, wire.RingEnd{Device: me, Invite: o.link.Invite, Reason: r})
		}
	}
}

// Answered takes a ring off this device's list: the person took the call.
func (a *Account) Answered(id wire.InviteID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dropLocked(id)
}

// Decline tells the caller no; it stops at all devices.
func (a *Account) Decline(ctx context.Context, id wire.InviteID) error {
	a.mu.Lock()
	r, ok := a.dropLocked(id)
	a.mu.Unlock()
	if !ok {
		return nil
	}
	return a.seal(ctx, r.from, wire.RingEnd{Device: a.identity.Public(), Invite: id, Reason: wire.RingDeclined})
}

func (a *Account) dropLocked(id wire.InviteID) (ring, bool) {
	maps.DeleteFunc(a.checking, func(_ [16]byte, r ring) bool { return r.Link.Invite == id })
	if len(a.ended) >= maxEnded {
		clear(a.ended)
	}
	a.ended[id] = true
	i := slices.IndexFunc(a.rings, func(r ring) bool { return r.Link.Invite == id })
	if i < 0 {
		return ring{}, false
	}
	r := a.rings[i]
	a.rings = slices.Delete(a.rings, i, i+1)
	a.changed.Ring()
	return r, true
}

// open reads what comes for this device: rings of contacts.
func (a *Account) open(ctx context.Context) error {
	for {
		d, err := a.mail.Recv(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		from, e, err := wire.OpenKnock(a.identity, d.Sealed)
		if err != nil {
			a.log.Debug("message dropped", "err", err)
			continue
		}
		switch s := e.Body.(type) {
		case wire.Ring:
			a.rang(ctx, from, s)
		case wire.RingEnd:
			a.rangOff(from, s)
		case wire.RingCheck:
			a.checked(ctx, from, s)
		}
	}
}

// mayRingLocked is the contact who signed for a device, if the ring may go on.
func (a *Account) mayRingLocked(from wire.Device, id wire.InviteID) (contact, bool) {
	i := slices.IndexFunc(a.contacts, func(c contact) bool { return c.standing != Changed && c.devices.Has(from) })
	if i < 0 || a.ended[id] || len(a.rings) >= maxRings ||
		slices.ContainsFunc(a.rings, func(r ring) bool { return r.Link.Invite == id }) {
		return contact{}, false
	}
	return a.contacts[i], true
}

// rang asks the sender of a ring whether they still ring, if it is a device that
// a contact signed for. Any other ring is not answered.
func (a *Account) rang(ctx context.Context, from wire.Device, s wire.Ring) {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	a.mu.Lock()
	_, ok := a.mayRingLocked(from, s.Link.Invite)
	if ok = ok && len(a.checking) < maxRings; ok {
		a.checking[nonce] = ring{Ring{Link: s.Link, Called: s.Name}, from}
	}
	a.mu.Unlock()
	if !ok {
		a.log.Debug("ring dropped")
		return
	}
	t := time.AfterFunc(checkTime, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.checking, nonce)
	})
	context.AfterFunc(ctx, func() { t.Stop() })
	a.reply(ctx, from, wire.RingCheck{Device: a.identity.Public(), Invite: s.Link.Invite, Nonce: nonce})
}

// reply sends what a message of another device asks for.
func (a *Account) reply(ctx context.Context, to wire.Device, s wire.Signal) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if err := a.seal(ctx, to, s); err != nil {
		a.log.Debug("not answered", "err", err)
	}
}

// checked rings if the sender of a ring says that they still do; if they ask
// that of us, they are told so.
func (a *Account) checked(ctx context.Context, from wire.Device, s wire.RingCheck) {
	if !s.Alive {
		a.mu.Lock()
		c, alive := a.ringing[s.Invite]
		a.mu.Unlock()
		if alive && c.devices.Has(from) {
			a.reply(ctx, from, wire.RingCheck{Device: a.identity.Public(), Invite: s.Invite, Nonce: s.Nonce, Alive: true})
		}
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r, asked := a.checking[s.Nonce]
	if !asked || r.from != from || r.Link.Invite != s.Invite {
		return
	}
	delete(a.checking, s.Nonce)
	c, ok := a.mayRingLocked(from, s.Invite)
	if !ok {
		a.log.Debug("ring dropped")
		return
	}
	r.Contact, r.At = c.public(a.presence[c.Handle]), time.Now()
	a.rings = append(a.rings, r)
	a.changed.Ring()
	t := time.AfterFunc(RingTime+ringAgain, func() { a.Answered(s.Invite) })
	context.AfterFunc(ctx, func() { t.Stop() })
}

// rangOff ends a ring of the same device, or one that we began and that the
// person who was called does not want.
func (a *Account) rangOff(from wire.Device, s wire.RingEnd) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.ringing[s.Invite]; ok {
		if s.Reason == wire.RingDeclined && c.devices.Has(from) {
			select {
			case c.declined <- struct{}{}:
			default:
			}
		}
		return
	}
	same := func(r ring) bool { return r.Link.Invite == s.Invite && r.from == from }
	maps.DeleteFunc(a.checking, func(_ [16]byte, r ring) bool { return same(r) })
	if slices.ContainsFunc(a.rings, same) {
		a.dropLocked(s.Invite)
	}
}
