package accounts

import (
	"context"
	"errors"

	"viewflip.app/service/srp"
	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// compute does big numbers, on all processors but one: all others wait here, and
// nobody else waits for them.
func (c *request) compute(f func() error) error {
	c.metrics.logins.Inc()
	defer c.metrics.logins.Dec()
	return c.gate.Do(c.ctx, f)
}

// loginStart answers an unknown device as a known one, by the same work.
func loginStart(c *request, q account.LoginStart) (a account.LoginChallenge, err error) {
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

func loginFinish(c *request, q account.LoginFinish) (a account.LoginDone, err error) {
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
	t := account.LoginTranscript(device, srv.Salt(), srv.A(), srv.B(), q.M1, c.Pin())
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

func rotate(c *request, q account.Rotate) (a account.Rotated, err error) {
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
