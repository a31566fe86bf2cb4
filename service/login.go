package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"viewflip.app/service/mail"
	"viewflip.app/service/srp"
	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

var errMail = errors.New("service: no mail goes out")

// maySignUp counts the mail of a sign-up before any work for it: for the
// network that asks, for the address, and for all. Anybody can ask, so the
// network comes first: what it has too many of counts for nobody else.
func (c *call) maySignUp(to account.Email) error {
	if c.mail == nil {
		return errMail
	}
	if err := c.quotaOfNetwork("mails", c.limits.Mails.times); err != nil {
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
func (c *call) mayRecover(to account.Email) error {
	if c.mail == nil {
		return errMail
	}
	if err := c.quota(c.ctx, "recovery "+to.Normal(), mailLimits()...); err != nil {
		return err
	}
	return c.quota(c.ctx, "recoveries", allMailLimits()...)
}

// post sends one mail that was counted.
func (c *call) post(to account.Email, m mail.Message) error {
	m.To = string(to)
	err := c.mail.Send(c.ctx, m)
	c.metrics.mail(err)
	if err != nil {
		return fmt.Errorf("%w: %w", errMail, err)
	}
	return nil
}

// signupStart does the same for every address: one look-up, one ticket, one
// mail. To an address that has an account goes another mail, without the code.
func signupStart(c *call, q account.SignupStart) (a account.SignupTicket, err error) {
	if c.invited {
		ok, err := c.admits(c.ctx, q.Pass, q.Email)
		if err != nil {
			return a, err
		}
		if !ok {
			return a, account.CodeAuthFailed
		}
	}
	q.Pass = "" // it is not kept
	if err := c.maySignUp(q.Email); err != nil {
		return a, err
	}
	payload, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	code, err := account.NewCode(nil)
	if err != nil {
		return a, err
	}
	_, err = c.store.AccountByEmail(c.ctx, q.Email)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return a, err
	}
	if a.Ticket, err = c.store.CreateTicket(c.ctx, store.PurposeSignup, payload, code); err != nil {
		return a, err
	}
	m := mail.Code(c.name, string(code))
	if known {
		m = mail.Known(c.name)
	}
	return a, c.post(q.Email, m)
}

func signupFinish(c *call, q account.SignupFinish) (a account.Empty, err error) {
	b, err := c.store.ConsumeTicket(c.ctx, store.PurposeSignup, q.Ticket, q.Code)
	if errors.Is(err, store.ErrNotFound) {
		return a, account.CodeExpired
	} else if err != nil {
		return a, err
	}
	var who account.SignupStart
	if err := json.Unmarshal(b, &who); err != nil {
		return a, err
	}
	if len(q.Devices.Active()) != 1 {
		return a, account.CodeBadRequest
	}
	_, err = c.store.CreateAccount(c.ctx, store.NewAccount{Email: who.Email, Name: who.Name, Device: q.Device, Devices: q.Devices})
	return a, err
}

// compute does big numbers, on all processors but one: all others wait here, and
// nobody else waits for them.
func (c *call) compute(f func() error) error {
	c.metrics.logins.Inc()
	defer c.metrics.logins.Dec()
	return c.gate.Do(c.ctx, f)
}

// loginStart answers an unknown device as a known one, by the same work.
func loginStart(c *call, q account.LoginStart) (a account.LoginChallenge, err error) {
	salt, verifier := srp.FakeVerifier(c.fake, q.Device[:])
	cred, err := c.store.Credential(c.ctx, q.Device)
	switch {
	case err == nil:
		salt, verifier = cred.Salt, cred.Verifier
	case !errors.Is(err, store.ErrNotFound):
		return a, err
	}
	var srv *srp.Server
	err = c.compute(func() (err error) {
		srv, err = srp.NewServer(q.Device[:], salt, verifier, q.A, nil)
		return err
	})
	if err != nil {
		return a, err
	}
	if a.Attempt, err = account.NewID(nil); err != nil {
		return a, err
	}
	a.Salt, a.B = srv.Salt(), srv.B()
	return a, c.store.PutAttempt(c.ctx, a.Attempt, append(q.Device[:], srv.Marshal()...))
}

func loginFinish(c *call, q account.LoginFinish) (a account.LoginDone, err error) {
	state, err := c.store.TakeAttempt(c.ctx, q.Attempt) // it is gone before anything is checked
	if errors.Is(err, store.ErrNotFound) {
		return a, account.CodeAuthFailed
	} else if err != nil {
		return a, err
	}
	device := account.ID(state)
	srv, err := srp.ParseServer(state[len(device):])
	if err != nil {
		return a, err
	}
	var key srp.Key
	err = c.compute(func() (err error) {
		a.M2, key, err = srv.Check(q.M1)
		return err
	})
	if errors.Is(err, srp.ErrProof) {
		return a, account.CodeAuthFailed
	} else if err != nil {
		return a, err
	}
	cred, err := c.store.Credential(c.ctx, device)
	if errors.Is(err, store.ErrNotFound) { // revoked meanwhile
		return a, account.CodeAuthFailed
	} else if err != nil {
		return a, err
	}
	t := account.LoginTranscript(device, srv.Salt(), srv.A(), srv.B(), q.M1, c.pin)
	if signed := q.Signature != (account.Signature{}); signed != (cred.Kind == store.KindDevice) ||
		signed && !cred.Device.Verify(t[:], q.Signature[:]) {
		return a, account.CodeAuthFailed
	}
	if a.Session, err = account.NewID(nil); err != nil {
		return a, err
	}
	n, err := c.store.CreateSession(c.ctx, device, a.Session, account.NewChain(key.Reveal(), t))
	if errors.Is(err, store.ErrNotFound) {
		return a, account.CodeAuthFailed
	} else if err != nil {
		return a, err
	}
	a.Expires = n.Expires.Unix()
	if err := c.store.Audit(c.ctx, n.Account, store.EventLogin, string(n.Kind)); err != nil {
		return a, err
	}
	if n.Kind == store.KindRecovery {
		if err = c.beginRecovery(n); err != nil { // without its code it is good for nothing
			err = errors.Join(err, c.store.EndSession(context.WithoutCancel(c.ctx), n.ID))
		}
	}
	return a, err
}

// recoveryTicket is the key under which a recovery session keeps its ticket.
// No Idempotency-Key is it: those are hashes.
var recoveryTicket = account.ID([]byte("recovery ticket.")) //nolint:gochecknoglobals // a constant

// beginRecovery mails the code; all devices are told.
func (c *call) beginRecovery(n store.Session) error {
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

func rotate(c *call, q account.Rotate) (a account.Rotated, err error) {
	p, err := account.ParseRotationProof(c.header.Get(account.HeaderRotate))
	if err != nil {
		return a, account.CodeAuthFailed
	}
	out, err := c.store.Rotate(c.ctx, p, q.RID)
	if err != nil {
		return a, err
	}
	switch out.What {
	case account.RotationMade, account.RotationRepeated:
		return account.Rotated{Nonce: out.Nonce, Expires: out.Session.Expires.Unix()}, nil
	case account.RotationEnded:
		return a, account.CodeLogin
	case account.RotationCopied:
		if out.Session.ID != (account.ID{}) {
			c.log.Warn("a session was used by two; it was ended")
			c.metrics.copies.Inc()
			c.presence.tell(out.Session.Account, ended(out.Session.ID))
			c.presence.tell(out.Session.Account, changed(wire.ChangedAccount))
		}
		return a, account.CodeRevoked
	default:
		return a, account.CodeAuthFailed
	}
}
