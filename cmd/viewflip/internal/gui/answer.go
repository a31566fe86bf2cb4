package gui

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/holder"
	"viewflip.app/service/client"
	"viewflip.app/ui"
	"viewflip.app/wire"
)

// Answer is the command "viewflip answer": it waits for a contact who calls, and opens
// what they share.
func Answer(ctx context.Context, w command.World, args []string) error {
	fs := command.Flags(w, "answer")
	control := fs.Bool("control", false, "ask for control of every window at once")
	yes := fs.Bool("yes", false, "answer the first verified contact without a question")
	if rest, err := command.Parse(fs, args); err != nil || len(rest) > 0 {
		return errors.Join(command.ErrUsage, err)
	}
	// The same keychain entry serves the screens, which ask for the contact.
	return run(ctx, w, options{
		Options: ui.Options{ViewerOnly: true, AskControl: *control},
		await: func(ctx context.Context, a *app.App) (*wire.Link, error) {
			b := &bell{App: a, in: bufio.NewReader(w.Stdin), yes: *yes}
			return b.await(ctx)
		},
	})
}

// bell waits for calls in a terminal.
type bell struct {
	*app.App
	in *bufio.Reader
	// yes answers verified contacts unasked.
	yes     bool
	account *client.Account
}

// await connects the account and returns the link of the first call that is answered.
func (b *bell) await(ctx context.Context) (*wire.Link, error) {
	var err error
	if b.account, err = b.Holder.Open(ctx); err != nil {
		return nil, err
	}
	if b.account == nil {
		return nil, holder.ErrNone
	}
	b.Holder.Run(b.account)
	changed := b.account.Changed(ctx)
	_, _ = fmt.Fprintln(b.Stderr, "Waiting for a call.")
	for {
		st := b.account.State()
		if errors.Is(st.Trouble, client.ErrDeviceRevoked) {
			return nil, st.Trouble
		}
		for _, r := range st.Rings {
			answered, err := b.ring(ctx, r)
			if err != nil {
				return nil, err
			}
			if answered {
				return &r.Link, nil
			}
		}
		select {
		case _, ok := <-changed:
			if !ok {
				return nil, ctx.Err()
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ring asks whether to answer one call, and answers or declines it.
func (b *bell) ring(ctx context.Context, r client.Ring) (answered bool, err error) {
	s := "y"
	if !b.yes || r.Contact.Standing != client.Verified {
		if s, err = command.Ask(b.World, b.in, fmt.Sprintf("%s (%s) calls. Answer? [y/n] ", r.Contact.Name, r.Contact.Standing)); err != nil {
			return false, err
		}
	}
	if s == "y" {
		b.Holder.Answer(b.account, r)
		return true, nil
	}
	return false, b.account.Decline(ctx, r.Link.Invite)
}
