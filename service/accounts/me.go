package accounts

import (
	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

func me(c *request, _ account.Empty) (account.Me, error) { return c.store.Me(c.ctx, c.session.Account) }

func meUpdate(c *request, q account.MeUpdate) (a account.Empty, err error) {
	who := c.session.Account
	c.then(func() { c.presence.tell(who, changed(wire.ChangedAccount)); c.tellPeers(who) })
	return a, c.store.SetName(c.ctx, who, q.Name)
}

func meFindable(c *request, q account.MeFindable) (a account.Empty, err error) {
	who := c.session.Account
	c.then(func() {
		c.presence.tell(who, changed(wire.ChangedAccount))
		c.presence.tell(who, changed(wire.ChangedContacts)) // asks show or hide
	})
	return a, c.store.SetFindable(c.ctx, who, q.On)
}

func meExport(c *request, _ account.Empty) (a account.Export, err error) {
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

func meDelete(c *request, _ account.Empty) (a account.Empty, err error) {
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

func vault(c *request, _ account.Empty) (account.Vault, error) {
	return c.store.Vault(c.ctx, c.session.Account)
}

func vaultPut(c *request, q account.Vault) (a account.Empty, err error) {
	if q.Version == 0 || q.Version >= 1<<63 {
		return a, account.CodeBadRequest
	}
	who := c.session.Account
	c.then(func() { c.presence.tell(who, changed(wire.ChangedContacts)) }) // who they are is in it
	return a, c.store.PutVault(c.ctx, who, q)
}
