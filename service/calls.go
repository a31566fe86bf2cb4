package service

import (
	"context"
	"errors"

	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

func sessions(c *call, _ account.Empty) (a account.Sessions, err error) {
	a.Sessions, err = c.store.Sessions(c.ctx, c.session.Account)
	for i := range a.Sessions {
		a.Sessions[i].Current = a.Sessions[i].Device == c.session.Device
	}
	return a, err
}

func sessionEnd(c *call, q account.SessionEnd) (a account.Empty, err error) {
	who := c.session.Account
	switch q.Device {
	case account.ID{}:
		c.then(func() { c.presence.tell(who, ended(c.session.ID)) })
		return a, c.store.EndSession(c.ctx, c.session.ID)
	default:
		if c.session.Kind != store.KindDevice {
			return a, account.CodeAuthFailed
		}
		c.then(func() { c.presence.tell(who, revoked(q.Device)) })
		return a, c.store.EndSessions(c.ctx, who, q.Device)
	}
}

func devices(c *call, _ account.Empty) (account.Devices, error) {
	a, err := c.store.Devices(c.ctx, c.session.Account)
	for i := range a.Info {
		a.Info[i].Current = a.Info[i].ID == c.session.Device
	}
	return a, err
}

// devicesPut checks that list and credentials belong together; that the list
// follows, the store does.
func devicesPut(c *call, q account.DevicesPut) (a account.Empty, err error) {
	who := c.session.Account
	old, err := c.store.Devices(c.ctx, who)
	if err != nil {
		return a, err
	}
	var added []account.ID
	drops := false
	for _, d := range q.Devices.Devices() {
		was, known := old.Devices.Find(d.ID)
		if !known && !d.Revoked {
			added = append(added, d.ID)
		}
		drops = drops || known && d.Revoked && !was.Revoked
	}
	if len(added) > 1 || (q.Add != nil) != (len(added) == 1) || q.Add != nil && !isOf(added, q.Add.ID) {
		return a, account.CodeBadRequest
	}
	kit := c.session.Kind == store.KindRecovery
	if kit && (!c.session.Confirmed || q.Add == nil || drops) {
		return a, account.CodeAuthFailed
	}
	gone, err := c.store.PutDevices(c.ctx, who, q)
	if err != nil {
		return a, err
	}
	what := wire.ChangedDevices
	if kit { // one device for one code
		what = wire.ChangedAccount
		if err := errors.Join(c.store.Audit(c.ctx, who, store.EventRecovered, ""), c.store.EndSession(c.ctx, c.session.ID)); err != nil {
			return a, err
		}
	}
	c.then(func() {
		for _, d := range gone {
			c.presence.tell(who, revoked(d))
		}
		c.presence.tell(who, changed(what))
		c.tellPeers(who)
	})
	return a, nil
}

// tellPeers tells the contacts of an account that something about it changed.
func (s *Service) tellPeers(who store.AccountID) {
	s.background(func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.limits.Answer)
		defer cancel()
		peers, err := s.store.Peers(ctx, who)
		if err != nil {
			s.log.Warn("contacts are not told of a change", "cause", cause(err))
		}
		for _, p := range peers {
			s.presence.tell(p.Account, changed(wire.ChangedContacts))
		}
	})
}

func deviceLabel(c *call, q account.DeviceLabel) (a account.Empty, err error) {
	who := c.session.Account
	c.then(func() { c.presence.tell(who, changed(wire.ChangedDevices)) })
	return a, c.store.LabelDevice(c.ctx, who, q.ID, q.Label)
}

func me(c *call, _ account.Empty) (account.Me, error) { return c.store.Me(c.ctx, c.session.Account) }

func meUpdate(c *call, q account.MeUpdate) (a account.Empty, err error) {
	who := c.session.Account
	c.then(func() { c.presence.tell(who, changed(wire.ChangedAccount)); c.tellPeers(who) })
	return a, c.store.SetName(c.ctx, who, q.Name)
}

func meFindable(c *call, q account.MeFindable) (a account.Empty, err error) {
	who := c.session.Account
	c.then(func() {
		c.presence.tell(who, changed(wire.ChangedAccount))
		c.presence.tell(who, changed(wire.ChangedContacts)) // asks show or hide
	})
	return a, c.store.SetFindable(c.ctx, who, q.On)
}

func meExport(c *call, _ account.Empty) (a account.Export, err error) {
	who := c.session.Account
	if err := c.quota(c.ctx, "export "+string(who[:]), exportLimits()...); err != nil {
		return a, err
	}
	if err := c.store.Audit(c.ctx, who, store.EventExported, ""); err != nil {
		return a, err
	}
	a.Data, err = c.store.Export(c.ctx, who)
	if len(a.Data) > account.MaxAnswer/2 {
		return account.Export{}, account.CodeTooLarge
	}
	return a, err
}

func meDelete(c *call, _ account.Empty) (a account.Empty, err error) {
	if !c.session.Fresh(c.now()) {
		return a, account.CodeLogin
	}
	who := c.session.Account
	e, err := c.store.Erase(c.ctx, who)
	if err != nil {
		return a, err
	}
	c.then(func() {
		c.presence.tell(who, erased())
		for _, p := range e.Peers {
			c.presence.tell(p, changed(wire.ChangedContacts))
		}
	})
	return a, nil
}

func vault(c *call, _ account.Empty) (account.Vault, error) {
	return c.store.Vault(c.ctx, c.session.Account)
}

func vaultPut(c *call, q account.Vault) (a account.Empty, err error) {
	if q.Version == 0 || q.Version >= 1<<63 {
		return a, account.CodeBadRequest
	}
	who := c.session.Account
	c.then(func() { c.presence.tell(who, changed(wire.ChangedContacts)) }) // who they are is in it
	return a, c.store.PutVault(c.ctx, who, q)
}

func contacts(c *call, _ account.Empty) (a account.Contacts, err error) {
	who := c.session.Account
	all, err := c.store.Contacts(c.ctx, who)
	if err != nil {
		return a, err
	}
	a.Contacts = []account.Contact{}
	for _, k := range all {
		if k.State == store.StateAccepted {
			a.Contacts = append(a.Contacts, k.Contact)
		}
	}
	if a.Asks, err = c.store.Asks(c.ctx, who); err != nil {
		return a, err
	}
	a.Invites, err = c.store.Invites(c.ctx, who)
	return a, err
}

func contactInvite(c *call, q account.ContactInvite) (a account.Empty, err error) {
	return a, c.store.CreateInvite(c.ctx, c.session.Account, q.Invite)
}

func contactRevoke(c *call, q account.ContactInvite) (a account.Empty, err error) {
	return a, c.store.RevokeInvite(c.ctx, c.session.Account, q.Invite)
}

// both tells two accounts that they are contacts, or no more. A zero peer is
// nobody.
func (c *call) both(peer store.AccountID, now bool) {
	who := c.session.Account
	c.then(func() {
		c.presence.tell(who, changed(wire.ChangedContacts))
		if peer == (store.AccountID{}) {
			return
		}
		c.presence.tell(peer, changed(wire.ChangedContacts))
		if now {
			c.presence.announce(who)
			c.presence.announce(peer)
		}
	})
}

func contactAccept(c *call, q account.ContactAccept) (a account.ContactAccepted, err error) {
	k, peer, err := c.store.AcceptInvite(c.ctx, c.session.Account, wire.InviteID(q.Invite), q.Proof)
	if err != nil {
		return a, err
	}
	c.both(peer, true)
	return account.ContactAccepted{Contact: k.Contact}, nil
}

// contactAsk answers before anybody looks whether the address is known.
func contactAsk(c *call, q account.ContactAsk) (a account.Empty, err error) {
	c.then(func() { c.tellAddress(q.Email) })
	return a, c.store.CreateAsk(c.ctx, c.session.Account, q.Email)
}

// contactWithdraw is as blind as contactAsk.
func contactWithdraw(c *call, q account.ContactWithdraw) (a account.Empty, err error) {
	c.then(func() { c.tellAddress(q.Email) })
	return a, c.store.WithdrawAsk(c.ctx, c.session.Account, q.Email)
}

// tellAddress tells whoever has an address, if anybody has, that who asks him
// changed.
func (s *Service) tellAddress(e account.Email) {
	s.background(func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.limits.Answer)
		defer cancel()
		if who, err := s.store.AccountByEmail(ctx, e); err == nil {
			s.presence.tell(who, changed(wire.ChangedContacts))
		}
	})
}

func contactAnswer(c *call, q account.ContactAnswer) (a account.Empty, err error) {
	_, peer, err := c.store.Answer(c.ctx, c.session.Account, q.Handle, q.Answer)
	c.both(peer, true)
	return a, err
}

func contactRemove(c *call, q account.ContactHandle) (a account.Empty, err error) {
	peer, err := c.store.RemoveContact(c.ctx, c.session.Account, q.Handle)
	c.both(peer, false)
	return a, err
}

func contactBlock(c *call, q account.ContactHandle) (a account.Empty, err error) {
	peer, err := c.store.Block(c.ctx, c.session.Account, q.Handle)
	c.both(peer, false)
	return a, err
}

func recoveryEnroll(c *call, q account.RecoveryEnroll) (a account.Empty, err error) {
	who := c.session.Account
	c.then(func() { c.presence.tell(who, changed(wire.ChangedAccount)) })
	return a, c.store.EnrollRecovery(c.ctx, who, q)
}

func recovery(c *call, _ account.Empty) (a account.RecoverySealed, err error) {
	if c.session.Kind != store.KindRecovery {
		return a, account.CodeAuthFailed
	}
	a.Sealed, err = c.store.Recovery(c.ctx, c.session.Account)
	return a, err
}

// keepTicket remembers the ticket of a recovery session, as long as it lives.
func (c *call) keepTicket(session, ticket account.ID) error {
	_, _, err := c.store.Idempotent(c.ctx, session, recoveryTicket, func(context.Context) ([]byte, error) { return ticket[:], nil })
	return err
}

func recoveryConfirm(c *call, q account.RecoveryConfirm) (a account.Empty, err error) {
	n := c.session
	if n.Kind != store.KindRecovery {
		return a, account.CodeAuthFailed
	}
	b, _, err := c.store.Idempotent(c.ctx, n.ID, recoveryTicket, func(context.Context) ([]byte, error) { return nil, account.CodeExpired })
	if err != nil {
		return a, err
	}
	owner, err := c.store.ConsumeTicket(c.ctx, store.PurposeRecovery, account.ID(b), q.Code)
	if errors.Is(err, store.ErrNotFound) {
		return a, account.CodeExpired
	} else if err != nil {
		return a, err
	}
	if account.ID(owner) != n.ID {
		return a, account.CodeAuthFailed
	}
	return a, c.store.ConfirmSession(c.ctx, n.ID)
}
