package accounts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"time"

	"viewflip.app/service"
	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// rights of a request.
type rights uint8

const (
	// signedIn needs a session, and of a device unless byKit.
	signedIn rights = 1 << iota
	// byKit is open to the session of a recovery kit too.
	byKit
	// changing needs an Idempotency-Key.
	changing
	// maySignIn takes a session, if there is one.
	maySignIn
	// costly has big numbers, mails or slots behind it: see Limits.Logins.
	costly
	// slow may wait longer than other requests.
	slow
)

// slowTime bounds a request that waits: for a mail server, or for a message.
const slowTime = 25 * time.Second

// request is one that was let in.
type request struct {
	*Service
	ctx     context.Context //nolint:containedctx // a request has its context
	header  http.Header
	from    netip.Prefix // who asks: see service.Caller
	session store.Session
	// after is done once the answer is certain, and only the first time.
	after []func()
}

func (c *request) then(fn func()) { c.after = append(c.after, fn) }

// routes are all requests; see package account for what each takes and gives.
func (s *Service) routes(mux *http.ServeMux) {
	post(s, mux, account.PathSignupStart, costly|slow, signupStart)
	post(s, mux, account.PathSignupFinish, costly, signupFinish)
	post(s, mux, account.PathLoginStart, costly, loginStart)
	post(s, mux, account.PathLoginFinish, costly|slow, loginFinish)
	post(s, mux, account.PathRotate, 0, rotate)
	post(s, mux, account.PathLinkOpen, costly, linkOpen)
	post(s, mux, account.PathLinkPut, maySignIn, linkPut)
	post(s, mux, account.PathLinkGet, slow, linkGet)

	post(s, mux, account.PathSessions, signedIn, sessions)
	post(s, mux, account.PathSessionEnd, signedIn|byKit|changing, sessionEnd)
	post(s, mux, account.PathDevices, signedIn|byKit, devices)
	post(s, mux, account.PathDevicesPut, signedIn|byKit|changing, devicesPut)
	post(s, mux, account.PathDeviceLabel, signedIn|changing, deviceLabel)
	post(s, mux, account.PathMe, signedIn, me)
	post(s, mux, account.PathMeUpdate, signedIn|changing, meUpdate)
	post(s, mux, account.PathMeFindable, signedIn|changing, meFindable)
	post(s, mux, account.PathMeExport, signedIn, meExport)
	post(s, mux, account.PathMeDelete, signedIn|changing, meDelete)
	post(s, mux, account.PathVault, signedIn, vault)
	post(s, mux, account.PathVaultPut, signedIn|changing, vaultPut)
	post(s, mux, account.PathContacts, signedIn, contacts)
	post(s, mux, account.PathContactInvite, signedIn|changing, contactInvite)
	post(s, mux, account.PathContactRevoke, signedIn|changing, contactRevoke)
	post(s, mux, account.PathContactAccept, signedIn|changing, contactAccept)
	post(s, mux, account.PathContactAsk, signedIn|changing, contactAsk)
	post(s, mux, account.PathContactWithdraw, signedIn|changing, contactWithdraw)
	post(s, mux, account.PathContactAnswer, signedIn|changing, contactAnswer)
	post(s, mux, account.PathContactRemove, signedIn|changing, contactRemove)
	post(s, mux, account.PathContactBlock, signedIn|changing, contactBlock)
	post(s, mux, account.PathRecoveryEnroll, signedIn|changing, recoveryEnroll)
	post(s, mux, account.PathRecovery, signedIn|byKit, recovery)
	post(s, mux, account.PathRecoveryConfirm, signedIn|byKit, recoveryConfirm)
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, _ *http.Request) {
		s.answer(w, "other", nil, account.CodeNotFound)
	})
}

// post serves the requests of one path.
func post[Q, A any](s *Service, mux *http.ServeMux, path string, r rights, fn func(*request, Q) (A, error)) {
	limit := int64(account.MaxBody)
	if path == account.PathVaultPut {
		limit = account.MaxVaultBody
	}
	mux.HandleFunc(path, func(w http.ResponseWriter, q *http.Request) {
		c, body, err := s.enter(w, q, r, limit)
		if err != nil {
			s.answer(w, path, nil, err)
			return
		}
		ctx, cancel := context.WithTimeout(q.Context(), s.patience(r))
		defer cancel()
		c.ctx = ctx
		b, err := run(c, r, path, body, fn)
		if err == nil {
			for _, f := range c.after {
				f()
			}
		}
		s.answer(w, path, b, err)
	})
}

func (s *Service) patience(r rights) time.Duration {
	if r&slow != 0 {
		return slowTime
	}
	return s.limits.Answer
}

// enter checks all that does not depend on the path, cheap things first, and
// reads the body.
func (s *Service) enter(w http.ResponseWriter, q *http.Request, r rights, limit int64) (*request, []byte, error) {
	from, ok := service.CallerOf(q)
	if !ok {
		return nil, nil, account.CodeUnavailable
	}
	if q.Header.Get("Origin") != "" { // no web page talks to this
		return nil, nil, refusal{http.StatusForbidden, account.CodeBadRequest}
	}
	if q.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, nil, refusal{http.StatusMethodNotAllowed, account.CodeBadRequest}
	}
	kind, _, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" || q.Header.Get("Content-Encoding") != "" {
		return nil, nil, refusal{http.StatusUnsupportedMediaType, account.CodeBadRequest}
	}
	if q.URL.RawQuery != "" {
		return nil, nil, account.CodeBadRequest
	}
	if !from.Admits(s.now(), r&costly != 0) {
		return nil, nil, account.Failure{Code: account.CodeRateLimited, RetryAfter: 1}
	}
	if q.ContentLength > limit {
		return nil, nil, account.CodeTooLarge
	}
	rc := http.NewResponseController(w)
	// A body comes in time or not at all; what waits has longer for its answer.
	err1 := rc.SetReadDeadline(time.Now().Add(s.limits.Answer))
	err2 := rc.SetWriteDeadline(time.Now().Add(s.limits.Answer + s.patience(r)))
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, nil, account.CodeTooLarge
	case errors.Join(err, err1, err2, rc.SetReadDeadline(time.Time{})) != nil:
		return nil, nil, account.CodeBadRequest
	}
	return &request{Service: s, header: q.Header, from: from.Network()}, body, nil
}

// run lets a request with a session in, decodes it and does it: once for each
// Idempotency-Key.
func run[Q, A any](c *request, r rights, path string, body []byte, fn func(*request, Q) (A, error)) ([]byte, error) {
	if r&signedIn != 0 || r&maySignIn != 0 && c.header.Get(account.HeaderAuthorization) != "" {
		if err := c.authorize(r, path, body); err != nil {
			return nil, err
		}
	}
	q, err := account.Decode[Q](bytes.NewReader(body))
	if errors.Is(err, wire.ErrTooLarge) {
		return nil, account.CodeTooLarge
	} else if err != nil {
		return nil, account.CodeBadRequest
	}
	do := func(ctx context.Context) ([]byte, error) {
		c.ctx, c.after = ctx, nil
		a, err := fn(c, q)
		if err != nil {
			return nil, err
		}
		return account.Encode(a)
	}
	if r&changing == 0 {
		return do(c.ctx)
	}
	key, err := account.ParseID(c.header.Get(account.HeaderIdempotency))
	if err != nil {
		return nil, account.CodeBadRequest
	}
	if err := c.allow(q); err != nil {
		return nil, err
	}
	// The same key for something else is something else.
	sum := sha256.New()
	for _, p := range [][]byte{key[:], []byte(path), {0}, body} {
		sum.Write(p)
	}
	ctx := c.ctx
	b, again, err := c.store.Idempotent(ctx, c.session.ID, account.ID(sum.Sum(nil)[:16]), do)
	c.ctx = ctx
	if again {
		c.after = nil
	}
	return b, err
}

func (c *request) authorize(r rights, path string, body []byte) error {
	a, err := account.ParseAuthorization(c.header.Get(account.HeaderAuthorization))
	if err != nil {
		return account.CodeAuthFailed
	}
	n, code, err := c.store.Authorize(c.ctx, a, http.MethodPost, path, body)
	switch {
	case err != nil:
		return err
	case code != "":
		return code
	case n.Kind == store.KindRecovery && r&byKit == 0:
		return account.CodeAuthFailed
	}
	c.session = n
	return nil
}
