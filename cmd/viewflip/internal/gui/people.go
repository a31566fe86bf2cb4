package gui

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/cmd/viewflip/internal/holder"
	"viewflip.app/service/client"
	"viewflip.app/session"
	"viewflip.app/ui"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// people lends this device's account to the screens.
type people struct {
	holder *holder.Holder
	log    *slog.Logger
}

var _ ui.People = (*people)(nil)

// People gives the screens the account of an App.
func People(a *app.App) ui.People { return &people{a.Holder, a.Log} }

// service is the one that a person named, where accounts are made.
func (p *people) service(text string) (wire.Service, error) {
	if err := p.holder.CanKeep(); err != nil {
		return wire.Service{}, err
	}
	return holder.ServiceIn(text)
}

// Service implements [ui.People].
func (p *people) Service(ctx context.Context) string { return p.holder.KnownService(ctx) }

// Changed implements [ui.People].
func (p *people) Changed(ctx context.Context) <-chan struct{} {
	out := make(chan struct{}, 1)
	go func() {
		defer close(out)
		for ctx.Err() == nil {
			s := p.holder.State()
			pass(ctx, s.Account, s.News, out)
		}
	}()
	return out
}

// pass ticks with an account, nil for none, until there is another.
func pass(ctx context.Context, a *client.Account, news <-chan struct{}, out chan<- struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var changed <-chan struct{}
	if a != nil {
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
	h := p.holder.State()
	if h.Account == nil {
		return ui.PeopleState{Trouble: h.Ended, Aside: h.Aside}
	}
	st := h.Account.State()
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
		Contact: holder.Contact(c),
		Says:    c.Says,
		Changed: c.Standing == client.Changed, Presence: ui.Presence(c.Presence),
	}
}

// with calls f with the account; its errors are for people.
func (p *people) with(f func(a *client.Account) error) error {
	a := p.holder.Current()
	if a == nil {
		return holder.ErrNone
	}
	return p.plainly(f(a))
}

// plainly puts the errors of the service's calls into words.
func (p *people) plainly(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err // the screens know these
	}
	var f account.Failure
	if errors.As(err, &f) && f.Code == account.CodeRateLimited && f.Wait() > 2*time.Minute {
		p.log.Info("call of the service", "err", err)
		return fmt.Errorf("this was asked for too often, by you or by others in this network: try again in %d minutes", (f.Wait()+time.Minute-1)/time.Minute)
	}
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
		{client.ErrPin, "the service has another key than it should: ask your administrator whether it was set up anew, for somebody may be in between"},
		{client.ErrUnavailable, "the service cannot be reached: check the network, or whether its address has changed"},
	} {
		if errors.Is(err, w.is) {
			p.log.Info("call of the service", "err", err)
			return errors.New(w.text)
		}
	}
	return err
}

// started runs the account whose credentials were saved.
func (p *people) started(ctx context.Context, err error) error {
	if errors.Is(err, client.ErrCode) {
		return ui.ErrCode
	}
	if err != nil {
		return p.plainly(err)
	}
	acct, err := p.holder.Open(ctx)
	if err != nil {
		return err
	}
	p.holder.Run(acct)
	return nil
}

var errEmail = errors.New("this is not a complete e-mail address")

// SignUp implements [ui.People].
func (p *people) SignUp(ctx context.Context, service, email, name string) (func(context.Context, string) error, error) {
	e, err := account.ParseEmail(email)
	if err != nil {
		return nil, errEmail
	}
	n, err := account.ParseName(name)
	if err != nil {
		return nil, errors.New("say how others shall see you")
	}
	svc, err := p.service(service)
	if err != nil {
		return nil, err
	}
	s, err := client.StartSignUp(ctx, svc, e, n, account.PassIn(service))
	if err != nil {
		return nil, p.plainly(err)
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
		_, err = finish(ctx, code, holder.DeviceLabel(), p.holder.Save)
		if err != nil { // the credentials were saved before
			err = p.holder.Undo(ctx, err)
		}
		return p.started(ctx, err)
	}
}

// AddThis implements [ui.People].
func (p *people) AddThis(ctx context.Context, service string) (string, func(context.Context) error, error) {
	svc, err := p.service(service)
	if err != nil {
		return "", nil, err
	}
	j, err := client.StartJoin(ctx, svc)
	if err != nil {
		return "", nil, p.plainly(err)
	}
	return j.Code(), func(ctx context.Context) error {
		_, err := j.Wait(ctx, holder.DeviceLabel(), account.Label(runtime.GOOS), p.holder.Save)
		return p.started(ctx, err)
	}, nil
}

// Recover implements [ui.People].
func (p *people) Recover(ctx context.Context, service, kit string) (func(context.Context, string) error, error) {
	k, err := account.ParseKit(kit)
	if err != nil {
		return nil, err
	}
	svc, err := p.service(service)
	if err != nil {
		return nil, err
	}
	r, err := client.StartRecovery(ctx, svc, k)
	if err != nil {
		return nil, p.plainly(err)
	}
	return p.coded(r.Finish), nil
}

// Again implements [ui.People].
func (p *people) Again(ctx context.Context) error { return p.started(ctx, p.holder.Again(ctx)) }

// Forget implements [ui.People].
func (p *people) Forget(ctx context.Context) error { return p.holder.ForgetAside(ctx) }

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

// NameContact implements [ui.People].
func (p *people) NameContact(ctx context.Context, id ui.ContactID, name string) error {
	n, err := account.ParseName(name)
	if err != nil {
		return errors.New("say what the contact shall be called")
	}
	return p.with(func(a *client.Account) error { return a.NameContact(ctx, account.ID(id), n) })
}

// Withdraw implements [ui.People].
func (p *people) Withdraw(ctx context.Context, email string) error {
	e, err := account.ParseEmail(email)
	if err != nil {
		return errEmail
	}
	return p.with(func(a *client.Account) error { return a.Withdraw(ctx, e) })
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
			if c.Handle == account.ID(id) {
				return p.holder.Ring(ctx, a, call, c)
			}
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

// Answered implements [ui.People].
func (p *people) Answered(id wire.InviteID) {
	a := p.holder.Current()
	if a == nil {
		return
	}
	for _, r := range a.State().Rings {
		if r.Link.Invite == id {
			p.holder.Answer(a, r)
		}
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

// NameDevice implements [ui.People].
func (p *people) NameDevice(ctx context.Context, id ui.DeviceID, name string) error {
	n, err := account.ParseName(name)
	if err != nil {
		return errors.New("say what the device shall be called")
	}
	return p.with(func(a *client.Account) error { return a.NameDevice(ctx, account.ID(id), account.Label(n)) })
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
	return p.with(func(a *client.Account) error {
		if err := a.Delete(ctx); err != nil {
			return err
		}
		return p.holder.Drop(ctx, a)
	})
}
