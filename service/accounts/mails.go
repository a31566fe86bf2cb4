package accounts

import (
	"errors"
	"fmt"
	"time"

	"viewflip.app/service/mail"
	"viewflip.app/service/store"
	"viewflip.app/wire/account"
)

var errMail = errors.New("accounts: no mail goes out")

func mailLimits() []store.Limit {
	return []store.Limit{{Window: time.Hour, N: 5}, {Window: 24 * time.Hour, N: 10}}
}

func allMailLimits() []store.Limit { return []store.Limit{{Window: time.Hour, N: 1000}} }

// maySignUp counts the mail of a sign-up before any work for it: for the
// network that asks, for the address, and for all. Anybody can ask, so the
// network comes first: what it has too many of counts for nobody else.
func (c *request) maySignUp(to account.Email) error {
	if c.mail == nil {
		return errMail
	}
	if err := c.quotaOfNetwork("mails", c.mails.times); err != nil {
		return err
	}
	if err := c.quota(c.ctx, "mail "+to.Normal(), mailLimits()...); err != nil {
		return err
	}
	return c.quota(c.ctx, "mails", allMailLimits()...)
}

// mayRecover counts the mail of a recovery, apart from those of sign-ups, which
// strangers can use up for an address and for all. Only who has an account's
// kit comes here, and their network does not count: others may be behind it.
func (c *request) mayRecover(to account.Email) error {
	if c.mail == nil {
		return errMail
	}
	if err := c.quota(c.ctx, "recovery "+to.Normal(), mailLimits()...); err != nil {
		return err
	}
	return c.quota(c.ctx, "recoveries", allMailLimits()...)
}

// post sends one mail that was counted.
func (c *request) post(to account.Email, m mail.Message) error {
	m.To = string(to)
	err := c.mail.Send(c.ctx, m)
	c.metrics.mail(err)
	if err != nil {
		return fmt.Errorf("%w: %w", errMail, err)
	}
	return nil
}
