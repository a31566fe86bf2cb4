package app

import (
	"context"
	"crypto/rand"

	"viewflip.app/capture"
	"viewflip.app/cmd/viewflip/internal/peer"
	"viewflip.app/platform"
	"viewflip.app/service/client"
	"viewflip.app/session"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// NewCall makes and runs a call: in the service of a link, or in that of our own
// calls if link is nil. It ends by its Leave, or when the App is closed.
func (a *App) NewCall(ctx context.Context, link *wire.Link) (*session.Call, error) {
	as, err := a.partIn(ctx, link)
	if err != nil {
		return nil, err
	}
	mail, err := client.New(as.mailbox)
	if err != nil {
		return nil, err
	}
	svc := as.mailbox.Service
	call := session.New(session.Config{
		Identity: as.mailbox.Identity, Name: a.Name(), Account: as.account, ContactOf: a.Holder.ContactOf, Service: svc, Mailbox: mail,
		NewPeer: func(offerer bool, s session.Signaller) (session.Peer, error) {
			return peer.New(peer.Options{Mail: mail, Service: svc, ICE: a.ice, Traffic: &a.traffic, Log: a.Log}, offerer, s)
		},
		OpenCapture: func(ctx context.Context, id platform.WindowID) (capture.Stream, error) {
			return a.System.Capture(ctx, id, capture.Options{})
		},
		NewGate: Gates(a.System), OpenCursor: a.System.Cursors(), OpenHand: a.System.Hands(), Clipboard: a.System.Clipboard(),
		NewEncoder: peer.Encoders(), NewDecoder: peer.NewDecoder, Log: a.Log,
	})
	a.run(call, mail)
	return call, nil
}

// part is as whom this device takes part in one call.
type part struct {
	// mailbox says with which keys and in which service.
	mailbox client.Config
	// account is the public key of this person's account; zero without one.
	account account.Public
}

// partIn settles it for the call of a link, or for one of our own if link is nil.
func (a *App) partIn(ctx context.Context, link *wire.Link) (part, error) {
	acct, err := a.Holder.Open(ctx)
	if err != nil {
		return part{}, err
	}
	as := part{mailbox: client.Config{Identity: a.identity, Log: a.Log}}
	fresh := false
	if link != nil {
		as.mailbox.Service = link.Service
		// Both ends on one machine under one account: a key for this call only keeps
		// the two apart.
		fresh = link.Inviter == a.identity.Public().Address()
	} else if as.mailbox.Service, err = a.service(ctx, acct); err != nil {
		return part{}, err
	}
	if acct != nil && acct.Service().Pin == as.mailbox.Service.Pin {
		// The account's own connection stays: a call has keys for itself.
		fresh = true
		as.mailbox.Bind, as.account = acct.Binder(), acct.Public()
	}
	if fresh {
		if as.mailbox.Identity, err = wire.NewIdentity(rand.Reader); err != nil {
			return part{}, err
		}
	}
	return as, nil
}

// run runs a call and its mailbox until the call ends.
func (a *App) run(call *session.Call, mail *client.Client) {
	mctx, stop := context.WithCancel(a.ctx)
	a.follow(mctx, call)
	a.wg.Go(func() {
		// The call goes on without it, for those who are in it.
		if err := mail.Run(mctx); err != nil && mctx.Err() == nil {
			a.Log.Warn("service connection ended", "err", err)
		}
	})
	a.wg.Go(func() {
		defer stop()
		if err := call.Run(a.ctx); err != nil {
			a.Log.Warn("call ended", "err", err)
		}
	})
	if a.System.Desktop() != nil {
		a.wg.Go(func() { a.showMarks(a.ctx, call) })
	}
}
