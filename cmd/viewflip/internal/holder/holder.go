// Package holder holds the account of this device: its key in the keychain, its
// connection to the service, and the links by which contacts call each other.
package holder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"viewflip.app/keychain"
	"viewflip.app/service/client"
	"viewflip.app/session"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

const (
	// AccountEntry is where the keychain holds the account's credentials.
	AccountEntry = "account"
	// serviceEntry is where it holds the service of an account that is over.
	serviceEntry = "service"
	// asideEntry is where it holds the credentials of an account that the service does
	// not know any more. That is the service's word: it may lie, or have been restored
	// from a backup, and the account key is nowhere else.
	asideEntry = "account-aside"
	// keepTime is how long the end of the program waits for the keychain.
	keepTime = 2 * time.Second
)

// ErrSetAside says what a person can do when an account was set aside.
var ErrSetAside = errors.New("its key is kept in the keychain: \"viewflip account again\" asks the service once more, \"viewflip account forget\" erases it")

// ErrNone says what to do without an account.
var ErrNone = errors.New("there is no account on this device: \"viewflip signup\" makes one, \"viewflip account join\" adds this device to one")

// ErrKeychain says what to do where a key would not last.
var ErrKeychain = errors.New("an account needs a keychain, and this system has none that works: unlock or install one, " +
	"or start viewflip in a terminal with VIEWFLIP_KEYCHAIN=file, which asks for a passphrase")

// Holder holds the account of this device, if it has one. Its methods may be called
// from any goroutine.
type Holder struct {
	keys   *keychain.Keychain
	getenv func(string) string
	log    *slog.Logger
	// ctx is the life of what Run and Ring start, for which wg waits.
	ctx context.Context //nolint:containedctx // the life of goroutines
	wg  sync.WaitGroup

	// keeping is held by who writes or deletes the account's entry in the keychain.
	keeping sync.Mutex
	mu      sync.Mutex
	// account is the one in use, once it was asked for.
	account *client.Account
	// ended is why the last one is over.
	ended error
	// aside says that the keychain holds one that was set aside.
	aside bool
	// news is closed when an account begins or ends.
	news chan struct{}
	// senders are the contacts who sent a link.
	senders map[wire.InviteID]session.Contact
}

// New makes a holder; nothing is read before Open. What it starts ends with ctx.
// getenv reads VIEWFLIP_SERVICE.
func New(ctx context.Context, keys *keychain.Keychain, getenv func(string) string, log *slog.Logger) *Holder {
	return &Holder{
		keys: keys, getenv: getenv, log: log, ctx: ctx,
		news: make(chan struct{}), senders: map[wire.InviteID]session.Contact{},
	}
}

// CanKeep is ErrKeychain where the key of an account would not last.
func (h *Holder) CanKeep() error {
	if h.keys.Kind() == keychain.Memory {
		return ErrKeychain
	}
	return nil
}

// Wait waits for everything that was started, after the end of its context.
func (h *Holder) Wait() { h.wg.Wait() }

// State is what a Holder holds at one moment.
type State struct {
	// Account is the one in use; nil if there is none.
	Account *client.Account
	// Ended is why the last one is over; nil if the person ended it, or there was none.
	Ended error
	// Aside says that one was set aside.
	Aside bool
	// News is closed when an account begins or ends.
	News <-chan struct{}
}

// State is that of now.
func (h *Holder) State() State {
	h.mu.Lock()
	defer h.mu.Unlock()
	return State{h.account, h.ended, h.aside, h.news}
}

// Open gives this device's account, nil if there is none. It is not connected
// before Run.
func (h *Holder) Open(ctx context.Context) (*client.Account, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.account != nil {
		return h.account, nil
	}
	b, err := h.keys.Get(ctx, AccountEntry)
	if errors.Is(err, keychain.ErrNotFound) {
		return nil, nil //nolint:nilnil // none is no failure
	}
	if err != nil {
		return nil, err
	}
	c, err := account.ParseCredentials(b)
	if err != nil {
		return nil, fmt.Errorf("the account key in the keychain is damaged; remove the entry %q of viewflip and use the recovery kit: %w", AccountEntry, err)
	}
	var acct *client.Account
	acct, err = client.NewAccount(client.AccountConfig{Credentials: c, Log: h.log, Save: func(ctx context.Context, c account.Credentials) error {
		h.keeping.Lock()
		defer h.keeping.Unlock()
		if h.Current() != acct {
			return ErrNone // it was dropped
		}
		return h.Save(ctx, c)
	}})
	if err != nil {
		return nil, err
	}
	h.account, h.ended = acct, nil
	h.tellLocked()
	return acct, nil
}

// Current is the account that was opened, nil before and after.
func (h *Holder) Current() *client.Account {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.account
}

// Save keeps credentials in the keychain.
func (h *Holder) Save(ctx context.Context, c account.Credentials) error {
	return h.keys.Set(ctx, AccountEntry, c.Marshal())
}

// Undo takes back credentials of an account that came to nothing. If nobody
// knows whether it did, they stay.
func (h *Holder) Undo(ctx context.Context, err error) error {
	if errors.Is(err, client.ErrUnavailable) || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, h.keys.Delete(ctx, AccountEntry))
}

// tellLocked says that an account begins or ends.
func (h *Holder) tellLocked() {
	close(h.news)
	h.news = make(chan struct{})
}

// Drop forgets an account that the person ended; what it finds in its
// place stays. Its service is kept for the next one.
func (h *Holder) Drop(ctx context.Context, acct *client.Account) error {
	h.keeping.Lock()
	defer h.keeping.Unlock()
	if h.Current() != acct {
		return nil
	}
	return h.endAccount(ctx, acct, nil)
}

// endAccount takes the current account away for the reason why; keeping is held.
func (h *Holder) endAccount(ctx context.Context, acct *client.Account, why error) error {
	err := errors.Join(h.keys.Set(ctx, serviceEntry, []byte(client.ServiceURL(acct.Service()))), h.keys.Delete(ctx, AccountEntry))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.account, h.ended = nil, why
	h.tellLocked()
	return err
}

// errService says what names a service.
var errService = errors.New("this is not the address of a service: paste the whole line that your administrator gave you, viewflip-service://…, or an invitation link")

// ServiceIn is the service that a person named: by the line that "viewflipd
// serve" prints, or by a link that leads to somebody who is there.
func ServiceIn(text string) (wire.Service, error) {
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

// KnownService is the line of the service of this device's account: the one
// that there is, will be or was; "" if nobody said which.
func (h *Holder) KnownService(ctx context.Context) string {
	if acct := h.Current(); acct != nil {
		return client.ServiceURL(acct.Service())
	}
	if s := h.getenv("VIEWFLIP_SERVICE"); s != "" {
		return s
	}
	b, err := h.keys.Get(ctx, serviceEntry)
	if err != nil && !errors.Is(err, keychain.ErrNotFound) {
		h.log.Info("the last service is not known", "err", err)
	}
	return string(b)
}

// SetAside takes an account out of use on the word of the service.
func (h *Holder) SetAside(ctx context.Context, acct *client.Account, why error) error {
	h.keeping.Lock()
	defer h.keeping.Unlock()
	if h.Current() != acct {
		return nil
	}
	b, err := h.keys.Get(ctx, AccountEntry)
	if err == nil {
		err = h.keys.Set(ctx, asideEntry, b)
	}
	if err != nil {
		return err // it stays where it is
	}
	h.setAsideIs(true)
	return errors.Join(ErrSetAside, h.endAccount(ctx, acct, why))
}

// LookAside looks whether the keychain holds an account that was set aside.
func (h *Holder) LookAside(ctx context.Context) {
	if _, err := h.keys.Get(ctx, asideEntry); err == nil {
		h.setAsideIs(true)
	}
}

// setAsideIs notes whether there is an account that was set aside.
func (h *Holder) setAsideIs(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.aside = on
	h.tellLocked()
}

// ForgetAside erases the key of an account that was set aside.
func (h *Holder) ForgetAside(ctx context.Context) error {
	if err := h.keys.Delete(ctx, asideEntry); err != nil {
		return err
	}
	h.setAsideIs(false)
	return nil
}

// Again takes an account that was set aside into use, if the service knows it.
func (h *Holder) Again(ctx context.Context) error {
	b, err := h.keys.Get(ctx, asideEntry)
	if errors.Is(err, keychain.ErrNotFound) {
		return errors.New("there is no account that was set aside")
	} else if err != nil {
		return err
	}
	c, err := account.ParseCredentials(b)
	if err != nil {
		return err
	}
	acct, err := client.NewAccount(client.AccountConfig{Credentials: c, Save: h.Save, Log: h.log})
	if err != nil {
		return err
	}
	if err := acct.Refresh(ctx); err != nil {
		if errors.Is(err, client.ErrDeviceRevoked) {
			err = errors.Join(err, ErrSetAside)
		}
		return err
	}
	// Refresh may have saved newer versions; else it is saved here first.
	if _, err := h.keys.Get(ctx, AccountEntry); errors.Is(err, keychain.ErrNotFound) {
		if err := h.keys.Set(ctx, AccountEntry, b); err != nil {
			return err
		}
	}
	return h.ForgetAside(ctx)
}

// Run keeps the account connected while the program runs.
func (h *Holder) Run(acct *client.Account) {
	h.wg.Go(func() {
		err := acct.Run(h.ctx)
		if errors.Is(err, client.ErrDeviceRevoked) {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(h.ctx), keepTime)
			defer cancel()
			err = errors.Join(err, h.SetAside(ctx, acct, err))
		}
		if err != nil {
			h.log.Warn("the account is not connected", "err", err)
		}
	})
}

// PlatformLabel says on which operating system and desktop a new device is.
func PlatformLabel() account.Label {
	if s := os.Getenv("XDG_CURRENT_DESKTOP"); s != "" {
		if n, err := account.ParseName(runtime.GOOS + ", " + s); err == nil {
			return account.Label(n)
		}
	}
	return account.Label(runtime.GOOS)
}

// DeviceLabel is how a new device calls itself until its owner names it.
func DeviceLabel() account.Label {
	host, err := os.Hostname()
	if n, nerr := account.ParseName(host); err == nil && nerr == nil {
		return account.Label(n)
	}
	return account.Label(runtime.GOOS)
}

// ContactOf is who a link was sent by, sealed.
func (h *Holder) ContactOf(l wire.Link) session.Contact {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.senders[l.Invite]
}

// Answer takes a ring: its link is the contact's from now on.
func (h *Holder) Answer(acct *client.Account, r client.Ring) {
	h.mu.Lock()
	h.senders[r.Link.Invite] = Contact(r.Contact)
	h.mu.Unlock()
	acct.Answered(r.Link.Invite)
}

// Contact is a contact as a call has it.
func Contact(c client.Contact) session.Contact {
	return session.Contact{Name: c.Name, Account: c.Account, Verified: c.Standing == client.Verified}
}

// ringable is what ringing needs of a call.
type ringable interface {
	Invite(ctx context.Context, o session.InviteOptions) (wire.Link, error)
	Events(ctx context.Context) <-chan session.Event
}

// Ring calls a contact into a call. It returns nil once they are in.
func (h *Holder) Ring(ctx context.Context, acct *client.Account, call ringable, c client.Contact) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l, err := call.Invite(ctx, session.InviteOptions{Contact: Contact(c), TTL: client.RingTime + 30*time.Second})
	if err != nil {
		return err
	}
	answered := make(chan struct{})
	events := call.Events(ctx)
	h.wg.Go(func() {
		for e := range events {
			if e.Kind == session.EventLinkUsed && e.Invite == l.Invite {
				close(answered)
				return
			}
		}
	})
	return acct.Ring(ctx, c.Handle, l, answered)
}
