package accounts

import (
	"context"

	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// tellPeers tells the contacts of an account that something about it changed.
func (s *Service) tellPeers(who store.AccountID) {
	s.mailbox.Background(func() {
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

func contacts(c *request, _ account.Empty) (a account.Contacts, err error) {
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

func contactInvite(c *request, q account.ContactInvite) (a account.Empty, err error) {
	return a, c.store.CreateInvite(c.ctx, c.session.Account, q.Invite)
}

func contactRevoke(c *request, q account.ContactInvite) (a account.Empty, err error) {
	return a, c.store.RevokeInvite(c.ctx, c.session.Account, q.Invite)
}

// both tells two accounts that they are contacts, or no more. A zero peer is
// nobody.
func (c *request) both(peer store.AccountID, now bool) {
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

func contactAccept(c *request, q account.ContactAccept) (a account.ContactAccepted, err error) {
	k, peer, err := c.store.AcceptInvite(c.ctx, c.session.Account, wire.InviteID(q.Invite), q.Proof)
	if err != nil {
		return a, err
	}
	c.both(peer, true)
	return account.ContactAccepted{Contact: k.Contact}, nil
}

// contactAsk answers before anybody looks whether the address is known.
func contactAsk(c *request, q account.ContactAsk) (a account.Empty, err error) {
	c.then(func() { c.tellAddress(q.Email) })
	return a, c.store.CreateAsk(c.ctx, c.session.Account, q.Email)
}

// contactWithdraw is as blind as contactAsk.
func contactWithdraw(c *request, q account.ContactWithdraw) (a account.Empty, err error) {
	c.then(func() { c.tellAddress(q.Email) })
	return a, c.store.WithdrawAsk(c.ctx, c.session.Account, q.Email)
}

// tellAddress tells whoever has an address, if anybody has, that who asks them
// changed.
func (s *Service) tellAddress(e account.Email) {
	s.mailbox.Background(func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.limits.Answer)
		defer cancel()
		if who, err := s.store.AccountByEmail(ctx, e); err == nil {
			s.presence.tell(who, changed(wire.ChangedContacts))
		}
	})
}

func contactAnswer(c *request, q account.ContactAnswer) (a account.Empty, err error) {
	_, peer, err := c.store.Answer(c.ctx, c.session.Account, q.Handle, q.Answer)
	c.both(peer, true)
	return a, err
}

func contactRemove(c *request, q account.ContactHandle) (a account.Empty, err error) {
	peer, err := c.store.RemoveContact(c.ctx, c.session.Account, q.Handle)
	c.both(peer, false)
	return a, err
}

func contactBlock(c *request, q account.ContactHandle) (a account.Empty, err error) {
	peer, err := c.store.Block(c.ctx, c.session.Account, q.Handle)
	c.both(peer, false)
	return a, err
}
