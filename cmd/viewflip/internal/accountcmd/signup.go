package accountcmd

import (
	"context"
	"errors"
	"fmt"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/holder"
	"viewflip.app/service/client"
	"viewflip.app/wire/account"
)

// Signup is the command "viewflip signup".
func Signup(ctx context.Context, w command.World, args []string) error {
	fs := command.Flags(w, "signup")
	service := fs.String("service", "", "the service, as \"viewflipd serve\" prints it (default: VIEWFLIP_SERVICE)")
	email := fs.String("email", "", "your e-mail address")
	name := fs.String("name", "", "your name")
	if rest, err := command.Parse(fs, args); err != nil || len(rest) > 0 {
		return errors.Join(command.ErrUsage, err)
	}
	c, err := newCLI(ctx, w)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.begin(ctx); err != nil {
		return err
	}
	svc, err := c.serviceFrom(ctx, *service)
	if err != nil {
		return err
	}
	if *email == "" {
		if *email, err = c.ask("Your e-mail address: "); err != nil {
			return err
		}
	}
	if *name == "" {
		*name = c.Name()
	}
	e, err := address(*email)
	if err != nil {
		return err
	}
	n, err := account.ParseName(*name)
	if err != nil {
		return errors.New("a name is needed: --name NAME")
	}
	up, err := client.StartSignUp(ctx, svc, e, n, account.PassIn(*service))
	if err != nil {
		return err
	}
	if err := c.confirm(ctx, up); err != nil {
		return err
	}
	return c.printf("You have an account as %s. Its key is in the keychain of this device; \"viewflip account kit\" makes a recovery kit.\n", n)
}

// confirm asks for the digits of the mail until they are the right ones.
func (c *cli) confirm(ctx context.Context, up *client.SignUp) error {
	for {
		text, err := c.ask("The eight digits of the mail that was sent to you: ")
		if err != nil {
			return err
		}
		code, err := account.ParseCode(text)
		if err != nil {
			_, _ = fmt.Fprintln(c.Stderr, "The code has eight digits.")
			continue
		}
		_, err = up.Finish(ctx, code, holder.DeviceLabel(), c.Holder.Save)
		if err == nil {
			return nil
		}
		if err = c.Holder.Undo(ctx, err); !errors.Is(err, client.ErrCode) {
			return err
		}
		_, _ = fmt.Fprintln(c.Stderr, "That is not the code of the mail.")
	}
}
