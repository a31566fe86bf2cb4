package accountcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/holder"
	"viewflip.app/service/client"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

const accountUsage = `viewflip account [show] [--json]        your account and its devices
viewflip account name NAME              change your name
viewflip account findable on|off        whether people who know your address may ask you
viewflip account rename DEVICE NAME     name a device
viewflip account remove-device DEVICE   take a device out of the account
viewflip account join [--service URL]   on a new device: show a code and wait
viewflip account link CODE              on an old device: add the one that shows the code
viewflip account kit                    make a recovery kit: a code to print
viewflip account recover [--service URL]  restore the account with the kit
viewflip account again                  take an account into use that the service did not know
viewflip account forget                 erase the key of that account
viewflip account export                 everything that the service has about you, as JSON
viewflip account delete [--yes]         erase the account
`

// Account is the command "viewflip account".
func Account(ctx context.Context, w command.World, args []string) error {
	fs := command.Flags(w, "account")
	r := request{}
	fs.StringVar(&r.service, "service", "", "the service, as \"viewflipd serve\" prints it (default: VIEWFLIP_SERVICE)")
	fs.BoolVar(&r.asJSON, "json", false, "print JSON")
	fs.BoolVar(&r.yes, "yes", false, "do not ask")
	rest, err := command.Parse(fs, args)
	if err != nil {
		return err
	}
	return perform(ctx, w, rest, accountUsage, "show", accountVerbs(), r)
}

func accountVerbs() map[string]verb {
	return map[string]verb{
		"show":          {do: func(_ context.Context, c *cli, r request) error { return c.show(r.account, r.asJSON) }},
		"name":          {arguments: 1, do: setName},
		"findable":      {arguments: 1, do: setFindable},
		"rename":        {arguments: 2, do: nameDevice},
		"remove-device": {arguments: 1, do: func(ctx context.Context, c *cli, r request) error { return c.removeDevice(ctx, r.account, r.args[0]) }},
		"join":          {apart: true, do: func(ctx context.Context, c *cli, r request) error { return c.join(ctx, r.service) }},
		"link":          {arguments: 1, do: func(ctx context.Context, c *cli, r request) error { return c.link(ctx, r.account, r.args[0], r.yes) }},
		"kit":           {do: func(ctx context.Context, c *cli, r request) error { return c.kit(ctx, r.account) }},
		"recover":       {apart: true, do: func(ctx context.Context, c *cli, r request) error { return c.recover(ctx, r.service) }},
		"again":         {apart: true, do: again},
		"forget":        {apart: true, do: func(ctx context.Context, c *cli, _ request) error { return c.Holder.ForgetAside(ctx) }},
		"export":        {do: export},
		"delete":        {do: func(ctx context.Context, c *cli, r request) error { return c.erase(ctx, r.account, r.yes) }},
	}
}

func again(ctx context.Context, c *cli, _ request) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	return c.Holder.Again(ctx)
}

func setName(ctx context.Context, _ *cli, r request) error {
	n, err := account.ParseName(r.args[0])
	if err != nil {
		return errors.New("a name is needed")
	}
	return r.account.SetName(ctx, n)
}

func setFindable(ctx context.Context, c *cli, r request) error {
	if r.args[0] != "on" && r.args[0] != "off" {
		_, _ = io.WriteString(c.Stderr, accountUsage)
		return command.ErrUsage
	}
	return r.account.SetFindable(ctx, r.args[0] == "on")
}

func nameDevice(ctx context.Context, _ *cli, r request) error {
	id, n, err := named(r.args)
	if err != nil {
		return errors.New("say which device, by the id that \"viewflip account\" shows, and its new name")
	}
	return r.account.NameDevice(ctx, id, account.Label(n))
}

// named reads an id and a name.
func named(args []string) (account.ID, account.Name, error) {
	id, err := account.ParseID(args[0])
	n, nerr := account.ParseName(args[1])
	return id, n, errors.Join(err, nerr)
}

func export(ctx context.Context, c *cli, r request) error {
	b, err := r.account.Export(ctx)
	if err != nil {
		return err
	}
	return c.printf("%s\n", b)
}

func (c *cli) show(acct *client.Account, asJSON bool) error {
	st := acct.State()
	type device struct {
		ID      string `json:"id"`
		Label   string `json:"label"`
		Current bool   `json:"current"`
		Added   string `json:"added"`
	}
	devices := []device{}
	for _, d := range st.Devices {
		devices = append(devices, device{d.ID.String(), d.Label, d.Current, dayOf(d.Added)})
	}
	if asJSON {
		return wire.NewJSON(c.Stdout).Encode(map[string]any{
			"name": st.Me.Name, "email": st.Me.Email, "findable": st.Me.Findable, "recovery_kit": st.Kit, "devices": devices,
		})
	}
	findable, kit := "only people with your link become contacts", "no recovery kit was made yet: \"viewflip account kit\""
	if st.Me.Findable {
		findable = "people who know your address may ask you"
	}
	if st.Kit {
		kit = "a recovery kit was made"
	}
	if err := c.printf("%s <%s>\n%s; %s\n", st.Me.Name, st.Me.Email, findable, kit); err != nil {
		return err
	}
	for _, d := range devices {
		here := ""
		if d.Current {
			here = "  (this device)"
		}
		if err := c.printf("  %s  %s  since %s%s\n", d.ID, d.Label, d.Added, here); err != nil {
			return err
		}
	}
	return nil
}

func dayOf(d uint32) string { return time.Unix(int64(d)*24*60*60, 0).UTC().Format(time.DateOnly) }

func (c *cli) removeDevice(ctx context.Context, acct *client.Account, which string) error {
	id, err := account.ParseID(which)
	if err != nil || !slices.ContainsFunc(acct.State().Devices, func(d client.AccountDevice) bool { return d.ID == id }) {
		return errors.New("say which device, by the id that \"viewflip account\" shows")
	}
	if len(acct.State().Devices) == 1 {
		return errors.New("this is the only device of the account: add another one first, or \"viewflip account delete\"")
	}
	err = acct.RevokeDevice(ctx, id)
	if id == acct.State().Device && (err == nil || errors.Is(err, client.ErrDeviceRevoked)) {
		return c.Holder.Drop(ctx, acct)
	}
	return err
}

func (c *cli) join(ctx context.Context, service string) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	svc, err := c.serviceFrom(ctx, service)
	if err != nil {
		return err
	}
	j, err := client.StartJoin(ctx, svc)
	if err != nil {
		return err
	}
	if err := c.printf("On a device of your account type: viewflip account link %q\nThe code is good for two minutes. Waiting.\n", j.Code()); err != nil {
		return err
	}
	if _, err := j.Wait(ctx, holder.DeviceLabel(), holder.PlatformLabel(), c.Holder.Save); err != nil {
		return err
	}
	return c.printf("This device belongs to your account now.\n")
}

func (c *cli) link(ctx context.Context, acct *client.Account, text string, yes bool) error {
	code, err := account.ParseLinkCode(text)
	if err != nil {
		return err
	}
	w, err := acct.Link(ctx, code)
	if err != nil {
		return err
	}
	if !yes {
		s, err := c.ask(fmt.Sprintf("Add the device %q (%s) to your account? It will read and do all that you can. Type ADD: ", w.Label(), w.Platform()))
		if err != nil || s != "ADD" {
			return errors.Join(errors.New("it was not added"), w.Refuse(ctx))
		}
	}
	if err := w.Confirm(ctx); err != nil {
		return err
	}
	return c.printf("%q belongs to your account now.\n", w.Label())
}

func (c *cli) kit(ctx context.Context, acct *client.Account) error {
	kit, err := acct.MakeKit(ctx)
	if err != nil {
		return err
	}
	return c.printf("%s\n\nPrint it and keep it away from your devices: with it and a mail to %s the account is restored.\nA kit of before is not good any more.\n",
		kit.Code(), acct.State().Me.Email)
}

func (c *cli) recover(ctx context.Context, service string) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	svc, err := c.serviceFrom(ctx, service)
	if err != nil {
		return err
	}
	text, err := c.ask("The code of the recovery kit: ")
	if err != nil {
		return err
	}
	kit, err := account.ParseKit(text)
	if err != nil {
		return err
	}
	r, err := client.StartRecovery(ctx, svc, kit)
	if err != nil {
		return err
	}
	text, err = c.ask("The eight digits of the mail that was sent to you: ")
	if err != nil {
		return err
	}
	code, err := account.ParseCode(text)
	if err != nil {
		return client.ErrCode
	}
	if _, err := r.Finish(ctx, code, holder.DeviceLabel(), c.Holder.Save); err != nil {
		return c.Holder.Undo(ctx, err)
	}
	return c.printf("The account is on this device. Remove devices that you lost: \"viewflip account\"; and make a new kit: \"viewflip account kit\".\n")
}

func (c *cli) erase(ctx context.Context, acct *client.Account, yes bool) error {
	if !yes {
		s, err := c.ask("Everything about you is erased at the service, on all devices. Type DELETE: ")
		if err != nil || s != "DELETE" {
			return errors.New("nothing was deleted")
		}
	}
	if err := acct.Delete(ctx); err != nil {
		return err
	}
	return errors.Join(c.Holder.Drop(ctx, acct), c.printf("The account is deleted.\n"))
}
