package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"viewflip.app/service/client"
	"viewflip.app/session"
	"viewflip.app/ui"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// ringGrace is how long the link of a ring lasts beyond the ringing: who
// answered at the end shall get in.
const ringGrace = 10 * time.Second

// accountLife is what the screens need of the life of the account.
type accountLife struct {
	// account is nil before there is one.
	account func() *client.Account
	// service is where accounts are made.
	service func(ctx context.Context) (wire.Service, error)
	// save keeps credentials in the keychain; begin runs their account, so that
	// account returns it; forget ends it and drops them.
	save   func(ctx context.Context, c account.Credentials) error
	begin  func(ctx context.Context, c account.Credentials) error
	forget func(ctx context.Context) error
}

// people lends the account to the screens.
type people struct {
	life accountLife

	mu   sync.Mutex
	news chan struct{} // closed when the account begins or ends
}

func newPeople(l accountLife) *people { return &people{life: l, news: make(chan struct{})} }

var _ ui.People = (*people)(nil)

// tell says that there is another account now, or none.
func (p *people) tell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.news)
	p.news = make(chan struct{})
}

// Changed implements [ui.People].
func (p *people) Changed(ctx context.Context) <-chan struct{} {
	out := make(chan struct{}, 1)
	go func() {
		defer close(out)
		for ctx.Err() == nil {
			p.mu.Lock()
			news := p.news
			p.mu.Unlock()
			p.pass(ctx, news, out)
		}
	}()
	return out
}

// pass ticks with the account of now until it is another.
func (p *people) pass(ctx context.Context, news <-chan struct{}, out chan<- struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var changed <-chan struct{}
	if a := p.life.account(); a != nil {
		changed = a.Changed(ctx)
	}
	for {
		select { // also for what changed before anybody listened
		case out <- struct{}{}:
		default:
		}
		select {
		case <-changed:
		case <-news:
			return
		case <-ctx.Done():
			return
		}
	}
}

// State implements [ui.People].
func (p *people) State() ui.PeopleState {
	a := p.life.account()
	if a == nil {
		return ui.PeopleState{}
	}
	st := a.State()
	out := ui.PeopleState{
		SignedUp: true, Online: st.Online, Trouble: st.Trouble, Name: string(st.Me.Name), Email: string(st.Me.Email),
		Findable: st.Me.Findable, Presence: ui.Presence(st.Presence), Kit: st.Kit, Asked: st.Asked,
	}
	for _, c := range st.Contacts {
		out.Contacts = append(out.Contacts, contactFor(c))
	}
	for _, q := range st.Asks {
		out.Asks = append(out.Asks, ui.Asking{ID: ui.ContactID(q.Handle), Name: string(q.Name)})
	}
	for _, r := range st.Rings {
		out.Rings = append(out.Rings, ui.Ring{From: contactFor(r.Contact), Link: r.Link})
	}
	for _, d := range st.Devices {
		out.Devices = append(out.Devices, ui.Device{ID: ui.DeviceID(d.ID), Label: d.Label, Current: d.Current})
	}
	return out
}

func contactFor(c client.Contact) ui.Contact {
	return ui.Contact{
		ID:      ui.ContactID(c.Handle),
		Contact: session.Contact{Name: c.Name, Account: c.Account, Verified: c.Standing == client.Verified},
		Changed: c.Standing == client.Changed, Presence: ui.Presence(c.Presence),
	}
}

var errNoAccount = errors.New("there is no account on this device")

// with calls f with the account; its errors are for people.
func (p *people) with(f func(a *client.Account) error) error {
	a := p.life.account()
	if a == nil {
		return errNoAccount
	}
	return plainly(f(a))
}

// plainly puts the errors of the service's calls into words.
func plainly(err error) error {
	for _, w := range []struct {
		is   error
		text string
	}{
		{account.CodeRateLimited, "this was tried too often: wait a little and try again"},
		{account.CodeNotFound, "this is not there any more"},
		{account.CodeExpired, "this took too long: start again"},
		{account.CodeConflict, "another device changed this at the same time: try again"},
		{account.CodeUnavailable, "the service cannot do this at the moment: try again later"},
		{account.CodeAuthFailed, "the service did not accept this"},
		{account.CodeTooLarge, "this is too long"},
	} {
		if errors.Is(err, w.is) {
			return errors.New(w.text)
		}
	}
	return err
}

// thisDevice is how the account's owner sees this device.
func thisDevice() (label, platform account.Label) {
	host, err := os.Hostname()
	if label = account.Label(wire.CleanName(host)); err != nil || label == "" {
		label = "A computer"
	}
	return label, account.Label(runtime.GOOS)
}

// started runs the account of new credentials.
func (p *people) started(ctx context.Context, c account.Credentials, err error) error {
	if errors.Is(err, client.ErrCode) {
		return ui.ErrCode
	}
	if err != nil {
		return plainly(err)
	}
	if err := p.life.begin(ctx, c); err != nil {
		return err
	}
	p.tell()
	return nil
}

var errEmail = errors.New("this is not a complete e-mail address")

// SignUp implements [ui.People].
func (p *people) SignUp(ctx context.Context, email, name string) (func(context.Context, string) error, error) {
	e, err := account.ParseEmail(email)
	if err != nil {
		return nil, errEmail
	}
	n, err := account.ParseName(name)
	if err != nil {
		return nil, errors.New("say how others shall see you")
	}
	svc, err := p.life.service(ctx)
	if err != nil {
		return nil, err
	}
	s, err := client.StartSignUp(ctx, svc, e, n)
	if err != nil {
		return nil, plainly(err)
	}
	return p.coded(s.Finish), nil
}

type saveFunc = func(context.Context, account.Credentials) error

// coded waits for the digits of the mail.
func (p *people) coded(finish func(context.Context, account.Code, account.Label, saveFunc) (account.Credentials, error)) func(context.Context, string) error {
	return func(ctx context.Context, text string) error {
		code, err := account.ParseCode(text)
		if err != nil {
			return errors.New("the code has eight digits")
		}
		label, _ := thisDevice()
		c, err := finish(ctx, code, label, p.life.save)
		return p.started(ctx, c, err)
	}
}

// AddThis implements [ui.People].
func (p *people) AddThis(ctx context.Context) (string, func(context.Context) error, error) {
	svc, err := p.life.service(ctx)
	if err != nil {
		return "", nil, err
	}
	j, err := client.StartJoin(ctx, svc)
	if err != nil {
		return "", nil, plainly(err)
	}
	return j.Code(), func(ctx context.Context) error {
		label, platform := thisDevice()
		c, err := j.Wait(ctx, label, platform, p.life.save)
		return p.started(ctx, c, err)
	}, nil
}

// Recover implements [ui.People].
func (p *people) Recover(ctx context.Context, kit string) (func(context.Context, string) error, error) {
	k, err := account.ParseKit(kit)
	if err != nil {
		return nil, err
	}
	svc, err := p.life.service(ctx)
	if err != nil {
		return nil, err
	}
	r, err := client.StartRecovery(ctx, svc, k)
	if err != nil {
		return nil, plainly(err)
	}
	return p.coded(r.Finish), nil
}

// InviteContact implements [ui.People].
func (p *people) InviteContact(ctx context.Context) (link string, err error) {
	err = p.with(func(a *client.Account) error {
		l, err := a.Invite(ctx)
		link = l.String()
		return err
	})
	return link, err
}

// AcceptContact implements [ui.People].
func (p *people) AcceptContact(ctx context.Context, link string) (name string, err error) {
	l, err := wire.ParseContactLink(link)
	if err != nil {
		if _, err := wire.ParseLink(link); err == nil {
			return "", errors.New("this link leads into a call: paste it under “Join a call”")
		}
		return "", err
	}
	err = p.with(func(a *client.Account) error {
		c, err := a.Accept(ctx, l)
		name = c.Name
		return err
	})
	return name, err
}

// AskContact implements [ui.People].
func (p *people) AskContact(ctx context.Context, email string) error {
	e, err := account.ParseEmail(email)
	if err != nil {
		return errEmail
	}
	return p.with(func(a *client.Account) error { return a.Ask(ctx, e) })
}

// AnswerContact implements [ui.People].
func (p *people) AnswerContact(ctx context.Context, id ui.ContactID, answer ui.AskAnswer) error {
	w := map[ui.AskAnswer]account.Answer{ui.AskAccept: account.AnswerAccept, ui.AskDecline: account.AnswerDecline, ui.AskBlock: account.AnswerBlock}[answer]
	return p.with(func(a *client.Account) error { return a.Answer(ctx, account.ID(id), w) })
}

// RemoveContact implements [ui.People].
func (p *people) RemoveContact(ctx context.Context, id ui.ContactID) error {
	return p.with(func(a *client.Account) error { return a.Remove(ctx, account.ID(id)) })
}

// BlockContact implements [ui.People].
func (p *people) BlockContact(ctx context.Context, id ui.ContactID) error {
	return p.with(func(a *client.Account) error { return a.Block(ctx, account.ID(id)) })
}

// Verify implements [ui.People].
func (p *people) Verify(ctx context.Context, who session.Contact) error {
	return p.with(func(a *client.Account) error {
		for _, c := range a.State().Contacts {
			if c.Account == who.Account {
				return a.Verify(ctx, c.Handle, who.Account)
			}
		}
		return client.ErrUnknownContact
	})
}

// Ring implements [ui.People].
func (p *people) Ring(ctx context.Context, call ui.Call, id ui.ContactID) error {
	err := p.with(func(a *client.Account) error {
		for _, c := range a.State().Contacts {
			if c.Handle != account.ID(id) {
				continue
			}
			who := contactFor(c).Contact
			l, err := call.Invite(ctx, session.InviteOptions{TTL: client.RingTime + ringGrace, Contact: who})
			if err != nil {
				return err
			}
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return a.Ring(ctx, c.Handle, l, joined(ctx, call, who))
		}
		return client.ErrUnknownContact
	})
	switch {
	case errors.Is(err, client.ErrDeclined):
		return ui.ErrDeclined
	case errors.Is(err, client.ErrNoAnswer):
		return ui.ErrNoAnswer
	case err != nil:
		return fmt.Errorf("it did not ring: %w", err)
	}
	return nil
}

// joined is closed once a device of a contact is in the call.
func joined(ctx context.Context, call ui.Call, who session.Contact) <-chan struct{} {
	out := make(chan struct{})
	changed := call.Changed(ctx)
	go func() {
		for ctx.Err() == nil {
			for _, m := range call.State().Members {
				if m.Contact.Account == who.Account {
					close(out)
					return
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	}()
	return out
}

// Answered implements [ui.People].
func (p *people) Answered(id wire.InviteID) {
	if a := p.life.account(); a != nil {
		a.Answered(id)
	}
}

// Decline implements [ui.People].
func (p *people) Decline(ctx context.Context, id wire.InviteID) error {
	return p.with(func(a *client.Account) error { return a.Decline(ctx, id) })
}

// SetName implements [ui.People].
func (p *people) SetName(ctx context.Context, name string) error {
	n, err := account.ParseName(name)
	if err != nil {
		return errors.New("say how others shall see you")
	}
	return p.with(func(a *client.Account) error { return a.SetName(ctx, n) })
}

// SetFindable implements [ui.People].
func (p *people) SetFindable(ctx context.Context, on bool) error {
	return p.with(func(a *client.Account) error { return a.SetFindable(ctx, on) })
}

// SetPresence implements [ui.People].
func (p *people) SetPresence(ctx context.Context, s ui.Presence) error {
	return p.with(func(a *client.Account) error { return a.SetPresence(ctx, wire.State(s)) })
}

// RemoveDevice implements [ui.People].
func (p *people) RemoveDevice(ctx context.Context, id ui.DeviceID) error {
	return p.with(func(a *client.Account) error { return a.RevokeDevice(ctx, account.ID(id)) })
}

// Link implements [ui.People].
func (p *people) Link(ctx context.Context, text string) (joiner ui.Joiner, err error) {
	code, err := account.ParseLinkCode(text)
	if err != nil {
		return nil, err
	}
	err = p.with(func(a *client.Account) error {
		j, err := a.Link(ctx, code)
		if err == nil {
			joiner = j
		}
		return err
	})
	return joiner, err
}

// MakeKit implements [ui.People].
func (p *people) MakeKit(ctx context.Context) (code string, err error) {
	err = p.with(func(a *client.Account) error {
		k, err := a.MakeKit(ctx)
		if err == nil {
			code = k.Code()
		}
		return err
	})
	return code, err
}

// Export implements [ui.People].
func (p *people) Export(ctx context.Context) (data []byte, err error) {
	err = p.with(func(a *client.Account) (err error) {
		data, err = a.Export(ctx)
		return err
	})
	return data, err
}

// Delete implements [ui.People].
func (p *people) Delete(ctx context.Context) error {
	if err := p.with(func(a *client.Account) error { return a.Delete(ctx) }); err != nil {
		return err
	}
	err := p.life.forget(ctx)
	p.tell()
	return err
}
