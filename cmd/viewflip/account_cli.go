package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/keychain"
	"viewflip.app/service/client"
	"viewflip.app/ui"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// cli is a command about accounts.
type cli struct {
	*app
	in *bufio.Reader
}

func newCLI(ctx context.Context, w command.World) (*cli, error) {
	a, err := newApp(ctx, w, "", nil)
	if err != nil {
		return nil, err
	}
	if a.keys.Kind() == keychain.Memory {
		a.close()
		return nil, errKeychain
	}
	return &cli{a, bufio.NewReader(w.Stdin)}, nil
}

// ask reads one line.
func (c *cli) ask(prompt string) (string, error) {
	_, _ = fmt.Fprint(c.Stderr, prompt)
	s, err := c.in.ReadString('\n')
	if s = strings.TrimSpace(s); s == "" && err != nil {
		return "", errors.New("no answer was given")
	}
	return s, nil
}

func (c *cli) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(c.Stdout, format, args...)
	return err
}

// mine is this device's account, up to date.
func (c *cli) mine(ctx context.Context) (*client.Account, error) {
	acct, err := c.openAccount(ctx)
	if err != nil {
		return nil, err
	}
	if acct == nil {
		return nil, errNoAccount
	}
	return acct, c.refreshed(ctx, acct, acct.Refresh(ctx))
}

// refreshed sets the account aside if the service says that it is over.
func (c *cli) refreshed(ctx context.Context, acct *client.Account, err error) error {
	if errors.Is(err, client.ErrDeviceRevoked) {
		return errors.Join(err, c.setAside(ctx, acct, err))
	}
	return err
}

// serviceFrom is the service of a flag, or the one that is known.
func (c *cli) serviceFrom(ctx context.Context, s string) (wire.Service, error) {
	if s == "" {
		s = c.knownService(ctx)
	}
	if s == "" {
		return wire.Service{}, errors.New("say which service: --service, or VIEWFLIP_SERVICE, with the line that \"viewflipd serve\" prints")
	}
	return serviceIn(s)
}

// begin refuses a second account on this device.
func (c *cli) begin(ctx context.Context) error {
	if acct, err := c.openAccount(ctx); err != nil || acct == nil {
		return err
	}
	return errors.New("this device has an account already: \"viewflip account\" shows it, \"viewflip account remove-device\" takes it off this device")
}

// undo takes back credentials of an account that came to nothing. If nobody
// knows whether it did, they stay.
func (a *app) undo(ctx context.Context, err error) error {
	if errors.Is(err, client.ErrUnavailable) || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, a.keys.Delete(ctx, accountEntry))
}

func runSignup(ctx context.Context, w command.World, args []string) error {
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
	defer c.close()
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
		*name = c.displayName()
	}
	e, err := account.ParseEmail(*email)
	if err != nil {
		return fmt.Errorf("%q is not an e-mail address", *email)
	}
	n, err := account.ParseName(*name)
	if err != nil {
		return errors.New("a name is needed: --name NAME")
	}
	up, err := client.StartSignUp(ctx, svc, e, n, account.PassIn(*service))
	if err != nil {
		return err
	}
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
		_, err = up.Finish(ctx, code, deviceLabel(), c.saveAccount)
		if err == nil {
			break
		}
		if err = c.undo(ctx, err); !errors.Is(err, client.ErrCode) {
			return err
		}
		_, _ = fmt.Fprintln(c.Stderr, "That is not the code of the mail.")
	}
	return c.printf("You have an account as %s. Its key is in the keychain of this device; \"viewflip account kit\" makes a recovery kit.\n", n)
}

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

func runAccount(ctx context.Context, w command.World, args []string) error {
	fs := command.Flags(w, "account")
	service := fs.String("service", "", "the service, as \"viewflipd serve\" prints it (default: VIEWFLIP_SERVICE)")
	asJSON := fs.Bool("json", false, "print JSON")
	yes := fs.Bool("yes", false, "do not ask")
	rest, err := command.Parse(fs, args)
	if err != nil {
		return err
	}
	verb, rest, err := command.Verb(w, rest, accountUsage, "show", map[string]int{
		"show": 0, "name": 1, "findable": 1, "rename": 2, "remove-device": 1, "join": 0, "link": 1, "kit": 0, "recover": 0, "again": 0, "forget": 0, "export": 0, "delete": 0,
	})
	if err != nil {
		return err
	}
	c, err := newCLI(ctx, w)
	if err != nil {
		return err
	}
	defer c.close()
	switch verb {
	case "join":
		return c.join(ctx, *service)
	case "recover":
		return c.recover(ctx, *service)
	case "again":
		if err := c.begin(ctx); err != nil {
			return err
		}
		return c.again(ctx)
	case "forget":
		return c.forgetAside(ctx)
	}
	acct, err := c.mine(ctx)
	if err != nil {
		return err
	}
	switch verb {
	case "name":
		n, err := account.ParseName(rest[0])
		if err != nil {
			return errors.New("a name is needed")
		}
		return acct.SetName(ctx, n)
	case "findable":
		if rest[0] != "on" && rest[0] != "off" {
			_, _ = io.WriteString(w.Stderr, accountUsage)
			return command.ErrUsage
		}
		return acct.SetFindable(ctx, rest[0] == "on")
	case "rename":
		id, err := account.ParseID(rest[0])
		n, nerr := account.ParseName(rest[1])
		if err != nil || nerr != nil {
			return errors.New("say which device, by the id that \"viewflip account\" shows, and its new name")
		}
		return acct.NameDevice(ctx, id, account.Label(n))
	case "remove-device":
		return c.removeDevice(ctx, acct, rest[0])
	case "link":
		return c.link(ctx, acct, rest[0], *yes)
	case "kit":
		return c.kit(ctx, acct)
	case "export":
		b, err := acct.Export(ctx)
		if err != nil {
			return err
		}
		return c.printf("%s\n", b)
	case "delete":
		return c.erase(ctx, acct, *yes)
	default:
		return c.show(acct, *asJSON)
	}
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
		return c.dropAccount(ctx, acct)
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
	if _, err := j.Wait(ctx, deviceLabel(), platformLabel(), c.saveAccount); err != nil {
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
	if _, err := r.Finish(ctx, code, deviceLabel(), c.saveAccount); err != nil {
		return c.undo(ctx, err)
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
	return errors.Join(c.dropAccount(ctx, acct), c.printf("The account is deleted.\n"))
}

const contactsUsage = `viewflip contacts [list] [--json]       your contacts, and who asks to be one
viewflip contacts invite                print a link that makes one person a contact, within 14 days
viewflip contacts accept LINK           become a contact of who made the link
viewflip contacts ask EMAIL             ask somebody whose address you know
viewflip contacts withdraw EMAIL        take such a question back
viewflip contacts rename ID NAME        what you call a contact
viewflip contacts yes|no|block ID       answer somebody who asks
viewflip contacts remove|block ID       end a contact
`

func runContacts(ctx context.Context, w command.World, args []string) error {
	fs := command.Flags(w, "contacts")
	asJSON := fs.Bool("json", false, "print JSON")
	rest, err := command.Parse(fs, args)
	if err != nil {
		return err
	}
	verb, rest, err := command.Verb(w, rest, contactsUsage, "list", map[string]int{
		"list": 0, "invite": 0, "accept": 1, "ask": 1, "withdraw": 1, "rename": 2, "yes": 1, "no": 1, "block": 1, "remove": 1,
	})
	if err != nil {
		return err
	}
	c, err := newCLI(ctx, w)
	if err != nil {
		return err
	}
	defer c.close()
	acct, err := c.mine(ctx)
	if err != nil {
		return err
	}
	switch verb {
	case "invite":
		l, err := acct.Invite(ctx)
		if err != nil {
			return err
		}
		return c.printf("%s\n", l)
	case "accept":
		l, err := wire.ParseContactLink(rest[0])
		if err != nil {
			return err
		}
		got, err := acct.Accept(ctx, l)
		if err != nil {
			return err
		}
		return c.printf("%s is a contact now, verified by the link.\n", got.Name)
	case "rename":
		id, err := account.ParseID(rest[0])
		n, nerr := account.ParseName(rest[1])
		if err != nil || nerr != nil {
			return errors.New("say whom, by the id that \"viewflip contacts\" shows, and the name")
		}
		return acct.NameContact(ctx, id, n)
	case "ask", "withdraw":
		e, err := account.ParseEmail(rest[0])
		if err != nil {
			return fmt.Errorf("%q is not an e-mail address", rest[0])
		}
		if verb == "withdraw" {
			return acct.Withdraw(ctx, e)
		}
		if err := acct.Ask(ctx, e); err != nil {
			return err
		}
		return c.printf("If this address belongs to somebody who wants to be found, your question is there now.\n")
	case "yes", "no", "block", "remove":
		return answerContact(ctx, acct, verb, rest[0])
	default:
		return c.contacts(acct, *asJSON)
	}
}

func answerContact(ctx context.Context, acct *client.Account, verb, which string) error {
	id, err := account.ParseID(which)
	if err != nil {
		return errors.New("say whom, by the id that \"viewflip contacts\" shows")
	}
	asks := slices.ContainsFunc(acct.State().Asks, func(a account.Ask) bool { return a.Handle == id })
	switch {
	case verb == "yes" && asks:
		return acct.Answer(ctx, id, account.AnswerAccept)
	case verb == "no" && asks:
		return acct.Answer(ctx, id, account.AnswerDecline)
	case verb == "block" && asks:
		return acct.Answer(ctx, id, account.AnswerBlock)
	case verb == "block":
		return acct.Block(ctx, id)
	case verb == "remove":
		return acct.Remove(ctx, id)
	}
	return errors.New("nobody with this id asks: \"viewflip contacts\" shows who does")
}

func (c *cli) contacts(acct *client.Account, asJSON bool) error {
	st := acct.State()
	type row struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Standing string `json:"standing"`
		Says     string `json:"says,omitempty"`
	}
	rows := []row{}
	for _, p := range st.Contacts {
		rows = append(rows, row{p.Handle.String(), p.Name, p.Standing.String(), p.Says})
	}
	for _, q := range st.Asks {
		rows = append(rows, row{q.Handle.String(), string(q.Name), "asks to be a contact", ""})
	}
	if asJSON {
		return wire.NewJSON(c.Stdout).Encode(rows)
	}
	for _, r := range rows {
		if r.Says != "" {
			r.Standing += fmt.Sprintf("; the service says the name is %q now", r.Says)
		}
		if err := c.printf("%s  %-24s %s\n", r.ID, r.Name, r.Standing); err != nil {
			return err
		}
	}
	for _, e := range st.Asked {
		if err := c.printf("%-26s  %-24s asked, no answer yet\n", "", e); err != nil {
			return err
		}
	}
	return nil
}

// runAnswer waits for a contact who calls and opens what he shares.
func runAnswer(ctx context.Context, w command.World, args []string) error {
	fs := command.Flags(w, "answer")
	control := fs.Bool("control", false, "ask for control of every window at once")
	yes := fs.Bool("yes", false, "answer the first verified contact without a question")
	if rest, err := command.Parse(fs, args); err != nil || len(rest) > 0 {
		return errors.Join(command.ErrUsage, err)
	}
	// The same keychain entry serves the screens, which ask for the contact.
	o := ui.Options{ViewerOnly: true, AskControl: *control}
	return runScreens(ctx, w, "", o, false, func(ctx context.Context, a *app) (*wire.Link, error) {
		c := &cli{a, bufio.NewReader(w.Stdin)}
		acct, err := c.openAccount(ctx)
		if err != nil {
			return nil, err
		}
		if acct == nil {
			return nil, errNoAccount
		}
		a.runAccount(acct)
		changed := acct.Changed(ctx)
		_, _ = fmt.Fprintln(w.Stderr, "Waiting for a call.")
		for {
			st := acct.State()
			if errors.Is(st.Trouble, client.ErrDeviceRevoked) {
				return nil, st.Trouble
			}
			for _, r := range st.Rings {
				s := "y"
				if !*yes || r.Contact.Standing != client.Verified {
					if s, err = c.ask(fmt.Sprintf("%s (%s) calls. Answer? [y/n] ", r.Contact.Name, r.Contact.Standing)); err != nil {
						return nil, err
					}
				}
				if s == "y" {
					a.answer(acct, r)
					return &r.Link, nil
				}
				if err := acct.Decline(ctx, r.Link.Invite); err != nil {
					return nil, err
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
	})
}

func platformLabel() account.Label {
	if s := os.Getenv("XDG_CURRENT_DESKTOP"); s != "" {
		if n, err := account.ParseName(runtime.GOOS + ", " + s); err == nil {
			return account.Label(n)
		}
	}
	return account.Label(runtime.GOOS)
}
