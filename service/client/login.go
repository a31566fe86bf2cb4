package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"viewflip.app/service/srp"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// rotateAfter is the age of a generation at which the next one is made, a
// little before the service refuses it.
const rotateAfter = account.GenerationLife - time.Minute

// errUntrusted means that the other end is not the service that has this
// device's verifier. It is not tried again: each try is a guess for it.
var errUntrusted = fmt.Errorf("%w: it could not prove who it is", ErrUnavailable)

// prover is who logs in: a device, or a recovery kit, which signs nothing.
type prover struct {
	id       account.ID
	password []byte
	identity *wire.Identity
}

// newSession logs in by SRP (docs/protocol.md, "Login").
func newSession(ctx context.Context, w *web, p prover) (*account.Session, error) {
	c, err := srp.NewClient(p.id[:], p.password, nil)
	if err != nil {
		return nil, fmt.Errorf("client: log in: %w", err)
	}
	ch, err := call[account.LoginChallenge](ctx, w, account.PathLoginStart, account.LoginStart{Device: p.id, A: c.A()})
	if err != nil {
		return nil, err
	}
	m1, err := c.Answer(ch.Salt, ch.B)
	if err != nil {
		return nil, errUntrusted
	}
	t := account.LoginTranscript(p.id, ch.Salt, c.A(), ch.B, m1, w.service.Pin)
	finish := account.LoginFinish{Attempt: ch.Attempt, M1: m1}
	if p.identity != nil {
		finish.Signature = account.Signature(p.identity.Sign(t[:]))
	}
	done, err := call[account.LoginDone](ctx, w, account.PathLoginFinish, finish)
	if err != nil {
		return nil, err
	}
	k, err := c.Check(done.M2)
	if err != nil {
		return nil, errUntrusted
	}
	return account.NewSession(done.Session, account.NewChain(k.Reveal(), t)), nil
}

// authorized makes calls in a session, one at a time; it logs in and rotates
// when that is due, without anybody noticing.
type authorized struct {
	web    *web
	prover prover
	turn   chan struct{} // capacity 1: who holds it uses what follows
	ses    *account.Session
	made   time.Time // when its generation was made
	due    bool      // the service wants the next generation
}

func newAuthorized(w *web, p prover) *authorized {
	return &authorized{web: w, prover: p, turn: make(chan struct{}, 1)}
}

func (a *authorized) lock(ctx context.Context) error {
	select {
	case a.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

func (a *authorized) unlock() { <-a.turn }

// ready makes sure that there is a session in a generation that is good for a
// while. The turn is held.
func (a *authorized) ready(ctx context.Context) error {
	if a.ses != nil && (a.due || time.Since(a.made) >= rotateAfter) {
		if err := a.rotate(ctx); err != nil {
			return err
		}
	}
	if a.ses != nil {
		return nil
	}
	s, err := newSession(ctx, a.web, a.prover)
	if errors.Is(err, account.CodeAuthFailed) || errors.Is(err, account.CodeRevoked) {
		return ErrDeviceRevoked
	}
	if err != nil {
		return err
	}
	a.ses, a.made, a.due = s, time.Now(), false
	return nil
}

// rotate makes the next generation. If the answer is lost, the next call asks
// again with the same words. A session that the service does not know any more
// is dropped, for SRP to make another.
func (a *authorized) rotate(ctx context.Context) error {
	proof, rid, err := a.ses.BeginRotation(nil)
	if err != nil {
		return fmt.Errorf("client: rotate: %w", err)
	}
	body, err := account.Encode(account.Rotate{RID: rid})
	if err != nil {
		return fmt.Errorf("client: rotate: %w", err)
	}
	b, err := a.web.send(ctx, account.PathRotate, body, http.Header{account.HeaderRotate: {proof.String()}})
	switch {
	case errors.Is(err, account.CodeLogin), errors.Is(err, account.CodeAuthFailed), errors.Is(err, account.CodeRevoked):
		a.ses = nil
		return nil
	case err != nil:
		return err
	}
	r, err := decode[account.Rotated](b)
	if err != nil {
		return err
	}
	a.ses.Rotated(r.Nonce)
	a.made, a.due = time.Now(), false
	return nil
}

// bind makes the proof that binds a connection.
func (a *authorized) bind(ctx context.Context, nonce [32]byte, fresh bool) (wire.Bind, error) {
	if err := a.lock(ctx); err != nil {
		return wire.Bind{}, err
	}
	defer a.unlock()
	if fresh {
		a.ses = nil
	}
	if err := a.ready(ctx); err != nil {
		return wire.Bind{}, err
	}
	z := a.ses.Authorize(account.BindMethod, account.BindPath, nonce[:])
	return wire.Bind{Session: z.Session, Gen: z.Gen, Seq: z.Seq, MAC: z.MAC}, nil
}

// attempts is how often a call is sent when answers are lost, and also how often
// the session is renewed for it.
const attempts = 4

// ask makes one call in the session; with the same idempotency key each time
// that it has to be sent.
func ask[A any](ctx context.Context, a *authorized, path string, q any) (none A, err error) {
	body, err := account.Encode(q)
	if err != nil {
		return none, fmt.Errorf("client: call: %w", err)
	}
	key, err := account.NewID(nil)
	if err != nil {
		return none, fmt.Errorf("client: call: %w", err)
	}
	if err := a.lock(ctx); err != nil {
		return none, err
	}
	defer a.unlock()
	lost, renewed := 0, 0
	for lost < attempts && renewed < attempts {
		var b []byte
		if b, err = a.once(ctx, path, body, key); err == nil {
			return decode[A](b)
		}
		switch {
		case path == account.PathRecoveryConfirm && errors.Is(err, account.CodeAuthFailed):
			return none, err // the code was wrong: another session would have another
		case errors.Is(err, account.CodeRotate):
			a.due = true
			renewed++
		case errors.Is(err, account.CodeLogin), errors.Is(err, account.CodeAuthFailed), errors.Is(err, account.CodeRevoked):
			a.ses = nil
			renewed++
		case errors.Is(err, ErrUnavailable) && !errors.Is(err, errUntrusted) && ctx.Err() == nil:
			lost++
			select {
			case <-time.After(firstWait):
			case <-ctx.Done():
			}
		default:
			return none, err
		}
	}
	if errors.Is(err, account.CodeRotate) || errors.Is(err, account.CodeLogin) {
		err = fmt.Errorf("%w: it wants ever new sessions", ErrUnavailable)
	}
	return none, err
}

// once sends a call in a session that is good for a while.
func (a *authorized) once(ctx context.Context, path string, body []byte, key account.ID) ([]byte, error) {
	if err := a.ready(ctx); err != nil {
		return nil, err
	}
	z := a.ses.Authorize(http.MethodPost, path, body)
	return a.web.send(ctx, path, body, http.Header{
		account.HeaderAuthorization: {z.String()}, account.HeaderIdempotency: {key.String()},
	})
}
