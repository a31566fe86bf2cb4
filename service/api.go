package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"viewflip.app/service/srp"
	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// rights of a call.
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
	// slow may wait longer than other calls.
	slow
)

// slowTime bounds a call that waits: for a mail server, or for a message.
const slowTime = 25 * time.Second

// call is one request that was let in.
type call struct {
	*Service
	ctx     context.Context //nolint:containedctx // a call is a request with its context
	header  http.Header
	from    netip.Prefix // who asks: see network
	session store.Session
	// after is done once the answer is certain, and only the first time.
	after []func()
}

func (c *call) then(fn func()) { c.after = append(c.after, fn) }

// routes are all calls; see package account for what each takes and gives.
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

// post serves one call.
func post[Q, A any](s *Service, mux *http.ServeMux, path string, r rights, fn func(*call, Q) (A, error)) {
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

// enter checks all that does not depend on the call, cheap things first, and
// reads the body.
func (s *Service) enter(w http.ResponseWriter, q *http.Request, r rights, limit int64) (*call, []byte, error) {
	tcp, ok := q.Context().Value(connKey{}).(*counted)
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
	now := s.now()
	if !tcp.address.requests.AllowN(now, 1) || r&costly != 0 && !tcp.address.logins.AllowN(now, 1) {
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
	return &call{Service: s, header: q.Header, from: tcp.address.network}, body, nil
}

// run lets a request with a session in, decodes it and does it: once for each
// Idempotency-Key.
func run[Q, A any](c *call, r rights, path string, body []byte, fn func(*call, Q) (A, error)) ([]byte, error) {
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

func (c *call) authorize(r rights, path string, body []byte) error {
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

// refusal is a code with another status than usual.
type refusal struct {
	status int
	code   account.ErrorCode
}

func (r refusal) Error() string { return r.code.Error() }

// answer writes what a call gives, or why not. No text of an error leaves.
func (s *Service) answer(w http.ResponseWriter, path string, b []byte, err error) {
	id, _ := account.NewID(nil)
	h := w.Header()
	h.Set("Request-Id", id.String())
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	code, status := "ok", http.StatusOK
	if err != nil {
		var f account.Failure
		f, status = failure(err)
		if f.Code == account.CodeUnavailable {
			s.log.Warn("a call failed", "request", id.String(), "path", path, "cause", cause(err))
		}
		if f.RetryAfter > 0 {
			h.Set("Retry-After", strconv.FormatUint(uint64(f.RetryAfter), 10))
		}
		if status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", "Viewflip")
		}
		code = string(f.Code)
		b, _ = account.Encode(f) // two fields of plain types
	}
	s.metrics.calls.WithLabelValues(path, code).Inc()
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// cause names a failure for the log: never its text, which may quote a person.
func cause(err error) string {
	switch {
	case errors.Is(err, store.ErrFull):
		return "disk full"
	case errors.Is(err, context.DeadlineExceeded):
		return "too slow"
	case errors.Is(err, context.Canceled):
		return "the client left"
	case errors.Is(err, errMail):
		return "mail"
	default:
		return "database"
	}
}

// failure is what is answered to an error.
func failure(err error) (account.Failure, int) {
	var f account.Failure
	var code account.ErrorCode
	var r refusal
	switch {
	case errors.As(err, &r):
		return account.Failure{Code: r.code}, r.status
	case errors.As(err, &f):
	case errors.As(err, &code):
		f.Code = code
	case errors.Is(err, store.ErrNotFound):
		f.Code = account.CodeNotFound
	case errors.Is(err, store.ErrConflict):
		f.Code = account.CodeConflict
	case errors.Is(err, store.ErrCode):
		f.Code = account.CodeAuthFailed
	case errors.Is(err, store.ErrRevoked):
		f.Code = account.CodeRevoked
	case errors.Is(err, store.ErrLimit):
		f.Code = account.CodeRateLimited
	case errors.Is(err, srp.ErrPublic):
		f.Code = account.CodeBadRequest
	default:
		f.Code = account.CodeUnavailable
	}
	return f, statusOf(f.Code)
}

func statusOf(c account.ErrorCode) int {
	switch c {
	case account.CodeBadRequest:
		return http.StatusBadRequest
	case account.CodeAuthFailed, account.CodeLogin, account.CodeRotate:
		return http.StatusUnauthorized
	case account.CodeRevoked:
		return http.StatusForbidden
	case account.CodeRateLimited:
		return http.StatusTooManyRequests
	case account.CodeNotFound:
		return http.StatusNotFound
	case account.CodeConflict:
		return http.StatusConflict
	case account.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case account.CodeExpired:
		return http.StatusGone
	default:
		return http.StatusServiceUnavailable
	}
}

// quota counts a use, durably; the error says how long to wait.
func (s *Service) quota(ctx context.Context, key string, limits ...store.Limit) error {
	ok, wait, err := s.store.Quota(ctx, key, limits...)
	if err != nil {
		return err
	}
	if !ok {
		return account.Failure{Code: account.CodeRateLimited, RetryAfter: uint32(max(1, min(wait, 24*time.Hour).Round(time.Second)/time.Second))}
	}
	return nil
}

// Durable limits: what an account may change, ask and invite, and who gets how
// many mails.
func changeLimits() []store.Limit {
	return []store.Limit{{Window: time.Minute, N: 120}, {Window: 24 * time.Hour, N: 3000}}
}

func askLimits(newcomer bool) []store.Limit {
	day := 20
	if newcomer {
		day = 3
	}
	return []store.Limit{{Window: time.Minute, N: 5}, {Window: 24 * time.Hour, N: day}}
}

func inviteLimits() []store.Limit { return []store.Limit{{Window: 24 * time.Hour, N: 20}} }

// linkLimits bounds what an account says to new devices: three messages each.
func linkLimits() []store.Limit {
	return []store.Limit{{Window: time.Hour, N: 36}, {Window: 24 * time.Hour, N: 90}}
}

func exportLimits() []store.Limit { return []store.Limit{{Window: time.Hour, N: 5}} }

// aroundTimes is how much more than one of its addresses a network has: see
// Limits.Mails.
const aroundTimes = 4

// times are the durable limits of a Count, so many times as large.
func (c Count) times(n int) []store.Limit {
	return []store.Limit{{Window: time.Hour, N: c.Hour * n}, {Window: 24 * time.Hour, N: c.Day * n}}
}

// slotLimits bounds the slots that one address holds.
func slotLimits(n int) []store.Limit { return []store.Limit{{Window: store.LinkLife, N: 60 * n}} }

// quotaOfNetwork counts a use by who asks, and by the network around them, of
// what is there for all and what who has no account can use up.
func (c *call) quotaOfNetwork(what string, limits func(times int) []store.Limit) error {
	if err := c.quota(c.ctx, what+" of "+c.from.String(), limits(1)...); err != nil {
		return err
	}
	return c.quota(c.ctx, what+" around "+around(c.from).String(), limits(aroundTimes)...)
}

func mailLimits() []store.Limit {
	return []store.Limit{{Window: time.Hour, N: 5}, {Window: 24 * time.Hour, N: 10}}
}

func allMailLimits() []store.Limit { return []store.Limit{{Window: time.Hour, N: 1000}} }

// newcomerDays is how long an account is new.
const newcomerDays = 7

// allow counts a changing call before it is done, whatever comes of it.
func (c *call) allow(q any) error {
	who := c.session.Account
	if err := c.quota(c.ctx, "change "+string(who[:]), changeLimits()...); err != nil {
		return err
	}
	switch q.(type) {
	case account.ContactInvite:
		return c.quota(c.ctx, "invite "+string(who[:]), inviteLimits()...)
	case account.ContactAsk:
		m, err := c.store.Me(c.ctx, who)
		if err != nil {
			return err
		}
		newcomer := c.now().Unix()/86400 < int64(m.CreatedDay)+newcomerDays
		return c.quota(c.ctx, "ask "+string(who[:]), askLimits(newcomer)...)
	}
	return nil
}

// accounts reports whether there is anything to sign in to.
func (s *Service) accounts() bool { return s.store != nil }

func isOf(list []account.ID, id account.ID) bool { return slices.Contains(list, id) }
