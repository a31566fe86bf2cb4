package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// Standing is how far a contact's identity is known.
type Standing uint8

// The standings.
const (
	// Unverified: only the service has told the key.
	Unverified Standing = iota
	// Verified: the key is known from a link, or the phrase was compared.
	Verified
	// Changed: the service shows another key than the one before, or an older
	// list of devices. Nothing goes to such a contact until verified anew.
	Changed
)

// String is a few words for people.
func (s Standing) String() string {
	switch s {
	case Verified:
		return "verified"
	case Changed:
		return "identity changed"
	default:
		return "not verified yet"
	}
}

// Contact is a person of the list.
type Contact struct {
	Handle account.ID
	// Name is what the person was called when the key was pinned, or what you
	// call them since; Says what the service says that they are called now, if that
	// is something else.
	Name, Says string
	Account    account.Public
	Standing   Standing
	Presence   wire.State
}

// contact is one with the devices that may be believed in: none if Changed.
type contact struct {
	account.Contact
	standing Standing
	says     account.Name
	devices  account.DeviceList
}

func (c contact) public(s wire.State) Contact {
	return Contact{Handle: c.Handle, Name: string(c.Name), Says: string(c.says), Account: c.Account, Standing: c.standing, Presence: s}
}

// inviteDays is how long a contact link lasts, askDays how long an ask.
const (
	inviteDays = 14
	askDays    = 14
)

func today() uint32 { return uint32(time.Now().Unix() / (24 * 60 * 60)) }

// ErrChanged is the wall: see Changed.
var ErrChanged = errors.New("client: the identity of this contact changed: remove the contact and exchange a new link")

// ErrUnknownContact means that there is no such contact.
var ErrUnknownContact = errors.New("client: there is no such contact")

// syncContacts takes the list from the service and believes of it what the
// vault allows: no contact that this person did not want, no key but the pinned.
func (a *Account) syncContacts(ctx context.Context) (err error) {
	defer func() { a.doubt(wire.ChangedContacts, err) }()
	got, err := ask[account.Contacts](ctx, a.auth, account.PathContacts, account.Empty{})
	if err != nil {
		return err
	}
	mine := a.Public()
	var out []contact
	err = a.changeVault(ctx, func(v *contents) bool {
		out = out[:0]
		changed := v.forgetOld()
		for _, c := range got.Contacts {
			is, touched, wanted := v.judge(mine, c)
			changed = changed || touched
			if wanted {
				out = append(out, is)
			}
		}
		return changed
	})
	if err != nil {
		return err
	}
	if n := len(got.Contacts) - len(out); n > 0 {
		a.log.Warn("the service named contacts that nobody asked for", "n", n)
	}
	slices.SortFunc(out, func(x, y contact) int {
		if x.Name != y.Name {
			if x.Name < y.Name {
				return -1
			}
			return 1
		}
		return slices.Compare(x.Handle[:], y.Handle[:])
	})
	a.mu.Lock()
	a.contacts, a.asks = out, got.Asks
	a.changed.Ring()
	a.mu.Unlock()
	return nil
}

// forgetOld drops what ran out of time.
func (v *contents) forgetOld() bool {
	n := len(v.Invites) + len(v.Asked) + len(v.Yes) + len(v.Taken)
	v.Invites = slices.DeleteFunc(v.Invites, func(i invitation) bool { return today() > i.Day+inviteDays })
	v.Asked = slices.DeleteFunc(v.Asked, func(q asked) bool { return today() > q.Day+askDays })
	v.Yes = slices.DeleteFunc(v.Yes, func(y answered) bool { return today() > y.Day+askDays })
	v.Taken = slices.DeleteFunc(v.Taken, func(k taken) bool { return today() > k.Day+inviteDays })
	return len(v.Invites)+len(v.Asked)+len(v.Yes)+len(v.Taken) != n
}

// judge says what a contact of the service's list is.
func (v *contents) judge(mine account.Public, c account.Contact) (is contact, changed, wanted bool) {
	is = contact{Contact: c}
	key := c.Handle.String()
	p, known := v.Pins[key]
	if !known {
		if p, wanted = v.admit(mine, c); !wanted {
			return is, false, false
		}
		changed = true
	}
	// The name is pinned with the key: else a service could have one person
	// called in the name of another.
	if is.Name = p.Name; p.Name != c.Name {
		is.says = c.Name
	}
	l := c.Devices
	if p.Account != c.Account || !p.allows(l) {
		is.standing = Changed
		is.Account = p.Account
		return is, changed, true
	}
	if l.Version() > p.Version {
		p.take(l)
		changed = true
	}
	if p.Name == "" {
		p.Name, is.Name, is.says, changed = c.Name, c.Name, "", true
	}
	is.devices, is.standing = l, Unverified
	if p.Verified {
		is.standing = Verified
	}
	v.Pins[key] = p
	return is, changed, true
}

// admit decides about somebody new: they came by a link of ours, or this person
// said yes, or asked by e-mail. Else the service made them up.
func (v *contents) admit(mine account.Public, c account.Contact) (pin, bool) {
	p := newPin(c, false)
	for i, in := range v.Invites {
		if c.Proof != (account.Hash{}) && account.ContactProof(secretOf(in), mine.Fingerprint(), c.Account).Equal(c.Proof) {
			v.Invites = slices.Delete(v.Invites, i, i+1)
			p.Verified = true
			return p, true
		}
	}
	if v.use(c.Account.Fingerprint()) {
		p.Verified = true
		return p, true
	}
	if len(v.Yes) > 0 {
		v.Yes = slices.Delete(v.Yes, 0, 1)
		return p, true
	}
	if len(v.Asked) > 0 {
		v.Asked = slices.Delete(v.Asked, 0, 1)
		return p, true
	}
	return p, false
}

// use takes a link that this person used off the list.
func (v *contents) use(fingerprint account.Hash) bool {
	n := len(v.Taken)
	v.Taken = slices.DeleteFunc(v.Taken, func(k taken) bool { return k.Account == fingerprint })
	return len(v.Taken) != n
}

func (a *Account) find(handle account.ID) (contact, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.contacts {
		if c.Handle == handle {
			if c.standing == Changed {
				return c, ErrChanged
			}
			return c, nil
		}
	}
	return contact{}, ErrUnknownContact
}

// Invite makes a link by which one person becomes a contact, within 14 days.
func (a *Account) Invite(ctx context.Context) (wire.ContactLink, error) {
	var in invitation
	_, _ = rand.Read(in.Secret[:]) // never fails
	id, err := account.NewID(nil)
	if err != nil {
		return wire.ContactLink{}, fmt.Errorf("client: invite: %w", err)
	}
	in.ID, in.Day = id, today()
	if err := a.changeVault(ctx, func(v *contents) bool { v.Invites = append(v.Invites, in); return true }); err != nil {
		return wire.ContactLink{}, err
	}
	invite := wire.InviteID(id)
	if _, err := ask[account.Empty](ctx, a.auth, account.PathContactInvite, account.ContactInvite{Invite: account.InviteHash(invite)}); err != nil {
		return wire.ContactLink{}, err
	}
	return wire.ContactLink{Service: a.web.service, Invite: invite, Account: a.Public().Fingerprint(), Secret: secretOf(in)}, nil
}

// ErrOtherService means that a link is of another service than the account.
var ErrOtherService = errors.New("client: this link is of another service than your account")

// Accept takes a contact link. Both are verified by it.
func (a *Account) Accept(ctx context.Context, l wire.ContactLink) (Contact, error) {
	if l.Service.Pin != a.web.service.Pin {
		return Contact{}, ErrOtherService
	}
	mine := a.Public()
	if l.Account == mine.Fingerprint() {
		return Contact{}, errors.New("client: this is your own link: send it to somebody else")
	}
	// First, because a link can be used once: whatever is lost from now on, the
	// contact will be there.
	err := a.changeVault(ctx, func(v *contents) bool {
		v.use(l.Account)
		v.Taken = append(v.Taken, taken{l.Account, today()})
		return true
	})
	if err != nil {
		return Contact{}, err
	}
	proof := account.ContactProof(l.Secret, l.Account, mine)
	got, err := ask[account.ContactAccepted](ctx, a.auth, account.PathContactAccept, account.ContactAccept{Invite: account.ID(l.Invite), Proof: proof})
	switch {
	case errors.Is(err, account.CodeNotFound), errors.Is(err, account.CodeExpired):
		return Contact{}, errors.New("client: this link was used or has expired; ask for a new one")
	case err != nil:
		return Contact{}, err
	}
	c := got.Contact
	if c.Account.Fingerprint() != l.Account {
		return Contact{}, errors.New("client: the service named another person than the link does: nothing was added, because somebody may be interfering")
	}
	older := false
	err = a.changeVault(ctx, func(v *contents) bool {
		v.use(l.Account)
		p := newPin(c, true)
		if had, known := v.Pins[c.Handle.String()]; known && had.Account == c.Account {
			if older = !had.allows(c.Devices); older {
				return false
			}
			p.Name = had.Name
		}
		v.Pins[c.Handle.String()] = p
		return true
	})
	if err == nil && older {
		err = ErrRollback
	}
	if err != nil {
		return Contact{}, err
	}
	return contact{Contact: c, standing: Verified}.public(wire.Offline), a.syncContacts(ctx)
}

// Ask asks a person whose address is known to become a contact. The service
// never tells whether there is such a person.
func (a *Account) Ask(ctx context.Context, e account.Email) error {
	err := a.changeVault(ctx, func(v *contents) bool {
		if slices.ContainsFunc(v.Asked, func(q asked) bool { return q.Email.Normal() == e.Normal() }) {
			return false
		}
		v.Asked = append(v.Asked, asked{Email: e, Day: today()})
		return true
	})
	if err != nil {
		return err
	}
	_, err = ask[account.Empty](ctx, a.auth, account.PathContactAsk, account.ContactAsk{Email: e})
	a.mu.Lock()
	a.changed.Ring()
	a.mu.Unlock()
	return err
}

// Withdraw takes back an ask that was not answered. Whoever was asked does not
// see it any more; that they saw it already nothing can undo. The service is told
// first, so that an answer which is on its way comes to nothing.
func (a *Account) Withdraw(ctx context.Context, e account.Email) error {
	if _, err := ask[account.Empty](ctx, a.auth, account.PathContactWithdraw, account.ContactWithdraw{Email: e}); err != nil {
		return err
	}
	return a.changeVault(ctx, func(v *contents) bool {
		n := len(v.Asked)
		v.Asked = slices.DeleteFunc(v.Asked, func(q asked) bool { return q.Email.Normal() == e.Normal() })
		return len(v.Asked) != n
	})
}

// Answer answers somebody who asks.
func (a *Account) Answer(ctx context.Context, handle account.ID, answer account.Answer) error {
	if answer == account.AnswerAccept {
		if err := a.changeVault(ctx, func(v *contents) bool {
			if slices.ContainsFunc(v.Yes, func(y answered) bool { return y.Handle == handle }) {
				return false
			}
			v.Yes = append(v.Yes, answered{handle, today()})
			return true
		}); err != nil {
			return err
		}
	}
	if _, err := ask[account.Empty](ctx, a.auth, account.PathContactAnswer, account.ContactAnswer{Handle: handle, Answer: answer}); err != nil {
		return err
	}
	return a.syncContacts(ctx)
}

// Remove takes a contact out of both lists; Block does so for good.
func (a *Account) Remove(ctx context.Context, handle account.ID) error {
	return a.part(ctx, account.PathContactRemove, handle)
}

// Block removes a contact, who cannot ask again.
func (a *Account) Block(ctx context.Context, handle account.ID) error {
	return a.part(ctx, account.PathContactBlock, handle)
}

func (a *Account) part(ctx context.Context, path string, handle account.ID) error {
	if _, err := ask[account.Empty](ctx, a.auth, path, account.ContactHandle{Handle: handle}); err != nil {
		return err
	}
	err := a.changeVault(ctx, func(v *contents) bool {
		_, had := v.Pins[handle.String()]
		delete(v.Pins, handle.String())
		return had
	})
	if err != nil {
		return err
	}
	return a.syncContacts(ctx)
}

// NameContact changes what this person calls a contact.
func (a *Account) NameContact(ctx context.Context, handle account.ID, n account.Name) error {
	err := a.changeVault(ctx, func(v *contents) bool {
		p, ok := v.Pins[handle.String()]
		if !ok || p.Name == n {
			return false
		}
		p.Name = n
		v.Pins[handle.String()] = p
		return true
	})
	if err != nil {
		return err
	}
	return a.syncContacts(ctx)
}

// Verify notes that this person compared the phrase with the contact, whose key
// was key then.
func (a *Account) Verify(ctx context.Context, handle account.ID, key account.Public) error {
	c, err := a.find(handle)
	if err != nil {
		return err
	}
	if c.Account != key {
		return ErrChanged
	}
	err = a.changeVault(ctx, func(v *contents) bool {
		p, ok := v.Pins[handle.String()]
		if !ok || p.Account != key || p.Verified {
			return false
		}
		p.Verified = true
		v.Pins[handle.String()] = p
		return true
	})
	if err != nil {
		return err
	}
	return a.syncContacts(ctx)
}
