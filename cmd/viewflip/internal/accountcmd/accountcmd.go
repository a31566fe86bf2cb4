// Package accountcmd has the commands about the account of this device: "viewflip
// signup", "account" and "contacts".
package accountcmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/holder"
	"viewflip.app/service/client"
	"viewflip.app/wire"
)

// cli is a command while it runs.
type cli struct {
	*app.App
	in *bufio.Reader
}

// newCLI refuses a device that could not keep the key of an account.
func newCLI(ctx context.Context, w command.World) (*cli, error) {
	a, err := app.Open(ctx, w, "", nil)
	if err != nil {
		return nil, err
	}
	if err := a.Holder.CanKeep(); err != nil {
		a.Close()
		return nil, err
	}
	return &cli{a, bufio.NewReader(w.Stdin)}, nil
}

func (c *cli) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(c.Stdout, format, args...)
	return err
}

// mine is this device's account, up to date.
func (c *cli) mine(ctx context.Context) (*client.Account, error) {
	acct, err := c.Holder.Open(ctx)
	if err != nil {
		return nil, err
	}
	if acct == nil {
		return nil, holder.ErrNone
	}
	return acct, c.refreshed(ctx, acct, acct.Refresh(ctx))
}

// refreshed sets the account aside if the service says that it is over.
func (c *cli) refreshed(ctx context.Context, acct *client.Account, err error) error {
	if errors.Is(err, client.ErrDeviceRevoked) {
		return errors.Join(err, c.Holder.SetAside(ctx, acct, err))
	}
	return err
}

// serviceFrom is the service of a flag, or the one that is known.
func (c *cli) serviceFrom(ctx context.Context, s string) (wire.Service, error) {
	if s == "" {
		s = c.Holder.KnownService(ctx)
	}
	if s == "" {
		return wire.Service{}, errors.New("say which service: --service, or VIEWFLIP_SERVICE, with the line that \"viewflipd serve\" prints")
	}
	return holder.ServiceIn(s)
}

// begin refuses a second account on this device.
func (c *cli) begin(ctx context.Context) error {
	if acct, err := c.Holder.Open(ctx); err != nil || acct == nil {
		return err
	}
	return errors.New("this device has an account already: \"viewflip account\" shows it, \"viewflip account remove-device\" takes it off this device")
}

// ask reads one line.
func (c *cli) ask(prompt string) (string, error) { return command.Ask(c.World, c.in, prompt) }

// verb is one of those that a command has.
type verb struct {
	// arguments is how many there are.
	arguments int
	// apart means that do gets no account: there is none yet, or another than the one
	// in use is meant.
	apart bool
	do    func(ctx context.Context, c *cli, r request) error
}

// request is what was asked of a verb.
type request struct {
	args []string
	// account is up to date; nil for a verb that is apart.
	account *client.Account
	service string
	// asJSON prints JSON, yes asks nothing.
	asJSON, yes bool
}

// perform does what the first of args asks for, or the verb otherwise.
func perform(ctx context.Context, w command.World, args []string, usage, otherwise string, verbs map[string]verb, r request) error {
	arguments := map[string]int{}
	for name, v := range verbs {
		arguments[name] = v.arguments
	}
	name, args, err := command.Verb(w, args, usage, otherwise, arguments)
	if err != nil {
		return err
	}
	c, err := newCLI(ctx, w)
	if err != nil {
		return err
	}
	defer c.Close()
	r.args = args
	v := verbs[name]
	if !v.apart {
		if r.account, err = c.mine(ctx); err != nil {
			return err
		}
	}
	return v.do(ctx, c, r)
}
