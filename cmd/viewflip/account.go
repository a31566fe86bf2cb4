package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"viewflip.app/keychain"
	"viewflip.app/service/client"
	"viewflip.app/session"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

const (
	// accountEntry is where the keychain holds the account's credentials.
	accountEntry = "account"
	// serviceEntry is where it holds the service of an account that is over.
	serviceEntry = "service"
)

// asideEntry is where it holds those of an account that the service does not
// know any more. That is the service's word: it may lie, or have been restored
// from a backup, and the account key is nowhere else.
const asideEntry = "account-aside"

// errSetAside is what a person can do then.
var errSetAside = errors.New("its key is kept in the keychain: \"viewflip account again\" asks the service once more, \"viewflip account forget\" erases it")

// errNoAccount says what to do without an account.
var errNoAccount = errors.New("there is no account on this device: \"viewflip signup\" makes one, \"viewflip account join\" adds this device to one")

// errKeychain says what to do where a key would not last.
var errKeychain = errors.New("an account needs a keychain, and this system has none that works: unlock or install one, " +
	"or start viewflip in a terminal with VIEWFLIP_KEYCHAIN=file, which asks for a passphrase")

// openAccount gives this device's account, nil if there is none. It does not
// run yet.
func (a *app) openAccount(ctx context.Context) (*client.Account, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.account != nil {
		return a.account, nil
	}
	b, err := a.keys.Get(ctx, accountEntry)
	if errors.Is(err, keychain.ErrNotFound) {
		return nil, nil //nolint:nilnil // none is no failure
	}
	if err != nil {
		return nil, err
	}
	c, err := account.ParseCredentials(b)
	if err != nil {
		return nil, fmt.Errorf("the account key in the keychain is damaged; remove the entry %q of viewflip and use the recovery kit: %w", accountEntry, err)
	}
	var acct *client.Account
	acct, err = client.NewAccount(client.AccountConfig{Credentials: c, Log: a.log, Save: func(ctx context.Context, c account.Credentials) error {
		a.keeping.Lock()
		defer a.keeping.Unlock()
		if a.current() != acct {
			return errNoAccount // it was dropped
		}
		return a.saveAccount(ctx, c)
	}})
	if err != nil {
		return nil, err
	}
	a.account, a.ended = acct, nil
	a.tellLocked()
	return acct, nil
}

// current is the account that was opened, nil before and after.
func (a *app) current() *client.Account {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.account
}

func (a *app) saveAccount(ctx context.Context, c account.Credentials) error {
	return a.keys.Set(ctx, accountEntry, c.Marshal())
}

// tellLocked says that an account begins or ends.
func (a *app) tellLocked() {
	close(a.news)
	a.news = make(chan struct{})
}

// dropAccount forgets an account that the person ended; what it finds in its
// place stays. Its service is kept for the next one.
func (a *app) dropAccount(ctx context.Context, acct *client.Account) error {
	a.keeping.Lock()
	defer a.keeping.Unlock()
	if a.current() != acct {
		return nil
	}
	return a.endAccount(ctx, acct, nil)
}

// endAccount takes the current account away for the reason why; keeping is held.
func (a *app) endAccount(ctx context.Context, acct *client.Account, why error) error {
	err := errors.Join(a.keys.Set(ctx, serviceEntry, []byte(client.ServiceURL(acct.Service()))), a.keys.Delete(ctx, accountEntry))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account, a.ended = nil, why
	a.tellLocked()
	return err
}

// errService says what names a service.
var errService = errors.New("this is not the address of a service: paste the whole line that your administrator gave you, viewflip-service://…, or an invitation link")

// serviceIn is the service that a person named: by the line that "viewflipd
// serve" prints, or by a link that leads to somebody who is there.
func serviceIn(text string) (wire.Service, error) {
	s, err := client.ParseServiceURL(text)
	if err == nil {
		return s, nil
	}
	if l, err := wire.ParseContactLink(text); err == nil {
		return l.Service, nil
	}
	if strings.TrimSpace(text) == "" {
		return s, errors.New("say which service: paste the line that your administrator gave you, or an invitation link")
	}
	return s, errService
}

// knownService is the line of the service of this device's account: the one
// that there is, will be or was; "" if nobody said which.
func (a *app) knownService(ctx context.Context) string {
	if acct := a.current(); acct != nil {
		return client.ServiceURL(acct.Service())
	}
	if s := a.Getenv("VIEWFLIP_SERVICE"); s != "" {
		return s
	}
	b, err := a.keys.Get(ctx, serviceEntry)
	if err != nil && !errors.Is(err, keychain.ErrNotFound) {
		a.log.Info("the last service is not known", "err", err)
	}
	return string(b)
}

// setAside takes an account out of use on the word of the service.
func (a *app) setAside(ctx context.Context, acct *client.Account, why error) error {
	a.keeping.Lock()
	defer a.keeping.Unlock()
	if a.current() != acct {
		return nil
	}
	b, err := a.keys.Get(ctx, accountEntry)
	if err == nil {
		err = a.keys.Set(ctx, asideEntry, b)
	}
	if err != nil {
		return err // it stays where it is
	}
	a.setAsideIs(true)
	return errors.Join(errSetAside, a.endAccount(ctx, acct, why))
}

// setAsideIs notes whether there is an account that was set aside.
func (a *app) setAsideIs(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.aside = on
	a.tellLocked()
}

// forgetAside erases the key of an account that was set aside.
func (a *app) forgetAside(ctx context.Context) error {
	if err := a.keys.Delete(ctx, asideEntry); err != nil {
		return err
	}
	a.setAsideIs(false)
	return nil
}

// again takes an account that was set aside into use, if the service knows it.
func (a *app) again(ctx context.Context) error {
	b, err := a.keys.Get(ctx, asideEntry)
	if errors.Is(err, keychain.ErrNotFound) {
		return errors.New("there is no account that was set aside")
	} else if err != nil {
		return err
	}
	c, err := account.ParseCredentials(b)
	if err != nil {
		return err
	}
	acct, err := client.NewAccount(client.AccountConfig{Credentials: c, Save: a.saveAccount, Log: a.log})
	if err != nil {
		return err
	}
	if err := acct.Refresh(ctx); err != nil {
		if errors.Is(err, client.ErrDeviceRevoked) {
			err = errors.Join(err, errSetAside)
		}
		return err
	}
	// Refresh may have saved newer versions; else it is saved here first.
	if _, err := a.keys.Get(ctx, accountEntry); errors.Is(err, keychain.ErrNotFound) {
		if err := a.keys.Set(ctx, accountEntry, b); err != nil {
			return err
		}
	}
	return a.forgetAside(ctx)
}

// runAccount keeps the account connected while the program runs.
func (a *app) runAccount(acct *client.Account) {
	a.wg.Go(func() {
		err := acct.Run(a.ctx)
		if errors.Is(err, client.ErrDeviceRevoked) {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), keepTime)
			defer cancel()
			err = errors.Join(err, a.setAside(ctx, acct, err))
		}
		if err != nil {
			a.log.Warn("the account is not connected", "err", err)
		}
	})
}

// deviceLabel is how a new device calls itself until its owner names it.
func deviceLabel() account.Label {
	host, err := os.Hostname()
	if n, nerr := account.ParseName(host); err == nil && nerr == nil {
		return account.Label(n)
	}
	return account.Label(runtime.GOOS)
}

// contactOf is who a link was sent by, sealed.
func (a *app) contactOf(l wire.Link) session.Contact {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.senders[l.Invite]
}

// answer takes a ring: its link is the contact's from now on.
func (a *app) answer(acct *client.Account, r client.Ring) {
	a.mu.Lock()
	a.senders[r.Link.Invite] = asContact(r.Contact)
	a.mu.Unlock()
	acct.Answered(r.Link.Invite)
}

func asContact(c client.Contact) session.Contact {
	return session.Contact{Name: c.Name, Account: c.Account, Verified: c.Standing == client.Verified}
}

// ringable is what ringing needs of a call.
type ringable interface {
	Invite(ctx context.Context, o session.InviteOptions) (wire.Link, error)
	Events(ctx context.Context) <-chan session.Event
}

// ring calls a contact into a call. It returns nil once he is in.
func (a *app) ring(ctx context.Context, acct *client.Account, call ringable, c client.Contact) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l, err := call.Invite(ctx, session.InviteOptions{Contact: asContact(c), TTL: client.RingTime + 30*time.Second})
	if err != nil {
		return err
	}
	answered := make(chan struct{})
	events := call.Events(ctx)
	a.wg.Go(func() {
		for e := range events {
			if e.Kind == session.EventLinkUsed && e.Invite == l.Invite {
				close(answered)
				return
			}
		}
	})
	return acct.Ring(ctx, c.Handle, l, answered)
}
