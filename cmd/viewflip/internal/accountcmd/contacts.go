package accountcmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/service/client"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

const contactsUsage = `viewflip contacts [list] [--json]       your contacts, and who asks to be one
viewflip contacts invite                print a link that makes one person a contact, within 14 days
viewflip contacts accept LINK           become a contact of who made the link
viewflip contacts ask EMAIL             ask somebody whose address you know
viewflip contacts withdraw EMAIL        take such a question back
viewflip contacts rename ID NAME        what you call a contact
viewflip contacts yes|no|block ID       answer somebody who asks
viewflip contacts remove|block ID       end a contact
`

// Contacts is the command "viewflip contacts".
func Contacts(ctx context.Context, w command.World, args []string) error {
	fs := command.Flags(w, "contacts")
	r := request{}
	fs.BoolVar(&r.asJSON, "json", false, "print JSON")
	rest, err := command.Parse(fs, args)
	if err != nil {
		return err
	}
	return perform(ctx, w, rest, contactsUsage, "list", contactVerbs(), r)
}

func contactVerbs() map[string]verb {
	return map[string]verb{
		"list":     {do: func(_ context.Context, c *cli, r request) error { return c.contacts(r.account, r.asJSON) }},
		"invite":   {do: invite},
		"accept":   {arguments: 1, do: accept},
		"ask":      {arguments: 1, do: ask},
		"withdraw": {arguments: 1, do: withdraw},
		"rename":   {arguments: 2, do: nameContact},
		"yes":      {arguments: 1, do: answerContact("yes")},
		"no":       {arguments: 1, do: answerContact("no")},
		"block":    {arguments: 1, do: answerContact("block")},
		"remove":   {arguments: 1, do: answerContact("remove")},
	}
}

func invite(ctx context.Context, c *cli, r request) error {
	l, err := r.account.Invite(ctx)
	if err != nil {
		return err
	}
	return c.printf("%s\n", l)
}

func accept(ctx context.Context, c *cli, r request) error {
	l, err := wire.ParseContactLink(r.args[0])
	if err != nil {
		return err
	}
	got, err := r.account.Accept(ctx, l)
	if err != nil {
		return err
	}
	return c.printf("%s is a contact now, verified by the link.\n", got.Name)
}

func ask(ctx context.Context, c *cli, r request) error {
	e, err := address(r.args[0])
	if err != nil {
		return err
	}
	if err := r.account.Ask(ctx, e); err != nil {
		return err
	}
	return c.printf("If this address belongs to somebody who wants to be found, your question is there now.\n")
}

func withdraw(ctx context.Context, _ *cli, r request) error {
	e, err := address(r.args[0])
	if err != nil {
		return err
	}
	return r.account.Withdraw(ctx, e)
}

// address reads an e-mail address; the error is a sentence.
func address(s string) (account.Email, error) {
	e, err := account.ParseEmail(s)
	if err != nil {
		return e, fmt.Errorf("%q is not an e-mail address", s)
	}
	return e, nil
}

func nameContact(ctx context.Context, _ *cli, r request) error {
	id, n, err := named(r.args)
	if err != nil {
		return errors.New("say whom, by the id that \"viewflip contacts\" shows, and the name")
	}
	return r.account.NameContact(ctx, id, n)
}

// answerContact does one of yes, no, block and remove with the contact, or with who
// asks to be one, whose id is given.
func answerContact(word string) func(context.Context, *cli, request) error {
	return func(ctx context.Context, _ *cli, r request) error {
		id, err := account.ParseID(r.args[0])
		if err != nil {
			return errors.New("say whom, by the id that \"viewflip contacts\" shows")
		}
		asks := slices.ContainsFunc(r.account.State().Asks, func(a account.Ask) bool { return a.Handle == id })
		switch {
		case word == "yes" && asks:
			return r.account.Answer(ctx, id, account.AnswerAccept)
		case word == "no" && asks:
			return r.account.Answer(ctx, id, account.AnswerDecline)
		case word == "block" && asks:
			return r.account.Answer(ctx, id, account.AnswerBlock)
		case word == "block":
			return r.account.Block(ctx, id)
		case word == "remove":
			return r.account.Remove(ctx, id)
		}
		return errors.New("nobody with this id asks: \"viewflip contacts\" shows who does")
	}
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
