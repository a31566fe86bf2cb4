package accounts

import (
	"context"
	"errors"

	"viewflip.app/service/mail"
	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// recoveryTicket is the key under which a recovery session keeps its ticket.
// No Idempotency-Key is it: those are hashes.
var recoveryTicket = account.ID([]byte("recovery ticket.")) //nolint:gochecknoglobals // a constant

// beginRecovery mails the code; all devices are told.
func (c *request) beginRecovery(n store.Session) error {
	who, err := c.store.Me(c.ctx, n.Account)
	if err != nil {
		return err
	}
	if err := c.mayRecover(who.Email); err != nil {
		return err
	}
	code, err := account.NewCode(nil)
	if err != nil {
		return err
	}
	ticket, err := c.store.CreateTicket(c.ctx, store.PurposeRecovery, n.ID[:], code)
	if err != nil {
		return err
	}
	if err := c.keepTicket(n.ID, ticket); err != nil {
		return err
	}
	c.then(func() { c.presence.tell(n.Account, changed(wire.ChangedAccount)) })
	return c.post(who.Email, mail.Recovery(c.name, string(code)))
}

func recoveryEnroll(c *request, q account.RecoveryEnroll) (a account.Empty, err error) {
	who := c.session.Account
	c.then(func() { c.presence.tell(who, changed(wire.ChangedAccount)) })
	return a, c.store.EnrollRecovery(c.ctx, who, q)
}

func recovery(c *request, _ account.Empty) (a account.RecoverySealed, err error) {
	if c.session.Kind != store.KindRecovery {
		return a, account.CodeAuthFailed
	}
	a.Sealed, err = c.store.Recovery(c.ctx, c.session.Account)
	return a, err
}

// keepTicket remembers the ticket of a recovery session, as long as it lives.
func (c *request) keepTicket(session, ticket account.ID) error {
	_, _, err := c.store.Idempotent(c.ctx, session, recoveryTicket, func(context.Context) ([]byte, error) { return ticket[:], nil })
	return err
}

func recoveryConfirm(c *request, q account.RecoveryConfirm) (a account.Empty, err error) {
	n := c.session
	if n.Kind != store.KindRecovery {
		return a, account.CodeAuthFailed
	}
	b, _, err := c.store.Idempotent(c.ctx, n.ID, recoveryTicket, func(context.Context) ([]byte, error) { return nil, account.CodeExpired })
	if err != nil {
		return a, err
	}
	owner, err := c.store.ConsumeTicket(c.ctx, store.PurposeRecovery, account.ID(b), q.Code)
	if errors.Is(err, store.ErrNotFound) {
		return a, account.CodeExpired
	} else if err != nil {
		return a, err
	}
	if account.ID(owner) != n.ID {
		return a, account.CodeAuthFailed
	}
	return a, c.store.ConfirmSession(c.ctx, n.ID)
}
