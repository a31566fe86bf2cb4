package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"viewflip.app/service/srp"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// ErrLinking means that the linking of a device failed: the code was wrong, the
// other person said no, or the time is over. A new code is needed.
var ErrLinking = errors.New("client: the devices were not linked: the code was wrong, was refused, or is older than two minutes; start again on the new device")

// linkTime is how long a code can be used.
const linkTime = 2 * time.Minute

// Joining is a new device that shows a code and waits for the old one.
type Joining struct {
	web    *web
	ticket account.ID
	code   account.LinkCode
	end    time.Time
}

// StartJoin opens a meeting place for this new device; the person types the
// code on a device that belongs to the account.
func StartJoin(ctx context.Context, s wire.Service) (*Joining, error) {
	w := newWeb(s)
	o, err := call[account.LinkOpened](ctx, w, account.PathLinkOpen, account.Empty{})
	if err != nil {
		return nil, err
	}
	code, err := account.NewLinkCode(o.Slot, nil)
	if err != nil {
		return nil, fmt.Errorf("client: join: %w", err)
	}
	return &Joining{web: w, ticket: o.Ticket, code: code, end: time.Now().Add(linkTime)}, nil
}

// Code is what the person types on the other device.
func (j *Joining) Code() string { return j.code.Text() }

// slotEnd is one end of a slot.
type slotEnd struct {
	web    *web
	slot   account.Slot
	ticket account.ID  // of the new device
	auth   *authorized // of the old one
	seq    uint8       // of the last message of either side
}

// put leaves the next message.
func (s *slotEnd) put(ctx context.Context, b account.LinkBlob) error {
	s.seq++
	q := account.LinkPut{Slot: s.slot, Ticket: s.ticket, Seq: s.seq, Blob: b}
	var err error
	if s.auth != nil {
		_, err = ask[account.Empty](ctx, s.auth, account.PathLinkPut, q)
	} else {
		_, err = call[account.Empty](ctx, s.web, account.PathLinkPut, q)
	}
	return linkError(err)
}

// get waits for the next message.
func (s *slotEnd) get(ctx context.Context) (account.LinkBlob, error) {
	s.seq++
	for {
		got, err := call[account.LinkMessages](ctx, s.web, account.PathLinkGet, account.LinkGet{Slot: s.slot, Ticket: s.ticket, After: s.seq - 1})
		if err != nil {
			return nil, linkError(err)
		}
		for _, m := range got.Messages {
			if m.Seq == s.seq {
				return m.Blob, nil
			}
		}
		if ctx.Err() != nil {
			return nil, ErrLinking
		}
	}
}

// refuse tells the other side that nothing comes of it, so that it does not
// wait until the code has run out.
func (s *slotEnd) refuse(ctx context.Context) error {
	_ = s.put(ctx, account.LinkRefused())
	return ErrLinking
}

func linkError(err error) error {
	switch {
	case errors.Is(err, account.CodeNotFound), errors.Is(err, account.CodeExpired), errors.Is(err, account.CodeConflict),
		errors.Is(err, context.DeadlineExceeded):
		return ErrLinking
	}
	return err
}

// Wait runs the new device's side until the person has confirmed on the old
// one, and saves what it got. ErrLinking needs a new StartJoin.
func (j *Joining) Wait(ctx context.Context, label, platform account.Label, save func(context.Context, account.Credentials) error) (account.Credentials, error) {
	defer j.web.close()
	ctx, cancel := context.WithDeadline(ctx, j.end)
	defer cancel()
	var none account.Credentials
	pk, device, listed, err := newDevice(label)
	if err != nil {
		return none, fmt.Errorf("client: join: %w", err)
	}
	s := &slotEnd{web: j.web, slot: j.code.Slot(), ticket: j.ticket}
	ch, err := j.agree(ctx, s)
	if err != nil {
		return none, err
	}
	request, err := ch.SealRequest(account.LinkRequest{NewDevice: device, Keys: account.DeviceKeys(listed.Device.Append(nil)), Platform: platform})
	if err != nil {
		return none, fmt.Errorf("client: join: %w", err)
	}
	if err := s.put(ctx, request); err != nil {
		return none, err
	}
	b, err := s.get(ctx)
	if err != nil {
		return none, err
	}
	g, err := ch.OpenGrant(b)
	if err != nil {
		return none, ErrLinking
	}
	creds := account.Credentials{PassKey: pk, Key: g.Key, Service: j.web.service, VaultVersion: g.VaultVersion, DevicesVersion: g.DevicesVersion}
	return creds, save(ctx, creds)
}

// agree proves to the old device that the code was typed there, and it to us, and
// returns the channel between the two, which nobody else can read (SRP-6a,
// RFC 5054). Whatever does not fit is refused, so that whoever guesses at a code has one guess.
func (j *Joining) agree(ctx context.Context, s *slotEnd) (ch account.LinkChannel, err error) {
	c, err := srp.NewClient(j.code.SRPID(), j.code.Password(), nil)
	if err != nil {
		return ch, fmt.Errorf("client: join: %w", err)
	}
	if err := s.put(ctx, account.LinkHello{A: c.A()}.Blob()); err != nil {
		return ch, err
	}
	b, err := s.get(ctx)
	if err != nil {
		return ch, err
	}
	offer, err := account.ParseLinkOffer(b)
	if err != nil {
		return ch, s.refuse(ctx)
	}
	m1, err := c.Answer(offer.Salt, offer.B)
	if err != nil {
		return ch, s.refuse(ctx)
	}
	if err := s.put(ctx, account.LinkProof{M1: m1}.Blob()); err != nil {
		return ch, err
	}
	if b, err = s.get(ctx); err != nil {
		return ch, err
	}
	confirm, err := account.ParseLinkConfirm(b)
	if err != nil {
		return ch, s.refuse(ctx)
	}
	k, err := c.Check(confirm.M2)
	if err != nil {
		return ch, s.refuse(ctx)
	}
	return account.NewLinkChannel(k.Reveal(), j.web.service.Pin), nil
}

// Joiner is a new device that wants to belong to this account: show it to the
// person before Confirm.
type Joiner struct {
	account *Account
	slot    *slotEnd
	channel account.LinkChannel
	request account.LinkRequest
	listed  account.ListedDevice
	end     time.Time
}

// Link takes the code that a new device shows and meets it. ErrLinking if the
// code was wrong.
func (a *Account) Link(ctx context.Context, code account.LinkCode) (*Joiner, error) {
	end := time.Now().Add(linkTime)
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	s := &slotEnd{web: a.web, slot: code.Slot(), auth: a.auth}
	b, err := s.get(ctx)
	if err != nil {
		return nil, err
	}
	hello, err := account.ParseLinkHello(b)
	if err != nil {
		return nil, s.refuse(ctx)
	}
	salt := newSalt()
	server, err := srp.NewServer(code.SRPID(), salt, srp.Verifier(code.SRPID(), code.Password(), salt), hello.A, nil)
	if err != nil {
		return nil, s.refuse(ctx)
	}
	if err := s.put(ctx, account.LinkOffer{Salt: salt, B: server.B()}.Blob()); err != nil {
		return nil, err
	}
	if b, err = s.get(ctx); err != nil {
		return nil, err
	}
	proof, err := account.ParseLinkProof(b)
	if err != nil {
		return nil, s.refuse(ctx)
	}
	m2, k, err := server.Check(proof.M1)
	if err != nil {
		return nil, s.refuse(ctx)
	}
	if err := s.put(ctx, account.LinkConfirm{M2: m2}.Blob()); err != nil {
		return nil, err
	}
	ch := account.NewLinkChannel(k.Reveal(), a.web.service.Pin)
	if b, err = s.get(ctx); err != nil {
		return nil, err
	}
	r, err := ch.OpenRequest(b)
	if err != nil {
		return nil, s.refuse(ctx)
	}
	dev, err := wire.ParseDevice(r.Keys[:])
	if err != nil {
		return nil, s.refuse(ctx)
	}
	return &Joiner{
		account: a, slot: s, channel: ch, request: r, end: end,
		listed: account.ListedDevice{ID: r.ID, Device: dev, Added: today()},
	}, nil
}

// Label is what the new device calls itself, Platform what it runs on: claims.
func (j *Joiner) Label() string { return string(j.request.Label) }

// Platform is what the device runs on.
func (j *Joiner) Platform() string { return string(j.request.Platform) }

// Confirm adds the device to the account and hands it the account's key.
func (j *Joiner) Confirm(ctx context.Context) error {
	ctx, cancel := context.WithDeadline(ctx, j.end)
	defer cancel()
	a := j.account
	err := a.put(ctx, &j.request.NewDevice, func(all []account.ListedDevice) []account.ListedDevice { return append(all, j.listed) })
	if err != nil {
		return linkError(err)
	}
	a.mu.Lock()
	g := account.LinkGrant{Key: a.creds.Key, VaultVersion: a.creds.VaultVersion, DevicesVersion: a.creds.DevicesVersion}
	a.mu.Unlock()
	if err := j.slot.put(ctx, j.channel.SealGrant(g)); err != nil {
		// It never gets the key: it shall not stay in the list either.
		undo, stop := context.WithTimeout(context.WithoutCancel(ctx), callTime)
		defer stop()
		return errors.Join(err, a.RevokeDevice(undo, j.request.ID))
	}
	return nil
}

// Refuse says no.
func (j *Joiner) Refuse(ctx context.Context) error { return j.slot.put(ctx, account.LinkRefused()) }
