package client

import (
	"context"
	"errors"
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
	// Called is what the caller calls himself.
	Called string
	At     time.Time
}

type ring struct {
	Ring
	from wire.Device
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
	a.mu.Lock()
	declined := make(chan struct{}, 1)
	a.ringing[l.Invite] = declined
	name := string(a.me.Name)
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.ringing, l.Invite)
		a.mu.Unlock()
	}()
	me := a.identity.Public()
	reached := map[account.ID]bool{}
	end := func(r wire.RingReason) {
		ectx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
		defer cancel()
		for _, d := range c.devices.Active() {
			if reached[d.ID] {
				_ = a.seal(ectx, d.Device, wire.RingEnd{Device: me, Invite: l.Invite, Reason: r})
			}
		}
	}
	deadline := time.NewTimer(RingTime)
	defer deadline.Stop()
	again := time.NewTicker(ringAgain)
	defer again.Stop()
	for {
		for _, d := range c.devices.Active() {
			if reached[d.ID] {
				continue
			}
			err := a.seal(ctx, d.Device, wire.Ring{Device: me, Link: l, Name: name})
			switch {
			case err == nil:
				reached[d.ID] = true
			case !errors.Is(err, ErrOffline):
				return err
			}
		}
		select {
		case <-again.C:
		case <-answered:
			end(wire.RingAnswered)
			return nil
		case <-declined:
			end(wire.RingAnswered)
			return ErrDeclined
		case <-deadline.C:
			end(wire.RingCancelled)
			return ErrNoAnswer
		case <-ctx.Done():
			end(wire.RingCancelled)
			return ctx.Err()
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
	a.tellLocked()
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
		}
	}
}

// rang takes a ring if it comes from a device that a contact signed for.
func (a *Account) rang(ctx context.Context, from wire.Device, s wire.Ring) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.contacts, func(c contact) bool { return c.standing != Changed && c.devices.Has(from) })
	if i < 0 || a.ended[s.Link.Invite] || len(a.rings) >= maxRings ||
		slices.ContainsFunc(a.rings, func(r ring) bool { return r.Link.Invite == s.Link.Invite }) {
		a.log.Debug("ring dropped")
		return
	}
	c := a.contacts[i]
	id := s.Link.Invite
	a.rings = append(a.rings, ring{Ring{c.public(a.presence[c.Handle]), s.Link, s.Name, time.Now()}, from})
	a.tellLocked()
	t := time.AfterFunc(RingTime+ringAgain, func() { a.Answered(id) })
	context.AfterFunc(ctx, func() { t.Stop() })
}

// contactHasLocked reports whether a contact signed for a device.
func (a *Account) contactHasLocked(d wire.Device) bool {
	return slices.ContainsFunc(a.contacts, func(c contact) bool { return c.devices.Has(d) })
}

// rangOff ends a ring of the same person, or one that we began.
func (a *Account) rangOff(from wire.Device, s wire.RingEnd) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ch := a.ringing[s.Invite]; ch != nil {
		// Only devices that were called know the invitation.
		if s.Reason == wire.RingDeclined && a.contactHasLocked(from) {
			select {
			case ch <- struct{}{}:
			default:
			}
		}
		return
	}
	i := slices.IndexFunc(a.rings, func(r ring) bool { return r.Link.Invite == s.Invite })
	if i >= 0 && (a.rings[i].from == from || a.own.Has(from)) {
		a.dropLocked(s.Invite)
	} else if i < 0 && (a.own.Has(from) || a.contactHasLocked(from)) {
		a.ended[s.Invite] = true // it came before the ring
	}
}
