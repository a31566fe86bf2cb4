package accounts

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"viewflip.app/service/srp"
	"viewflip.app/service/store"
	"viewflip.app/wire/account"
)

// refusal is a code with another status than usual.
type refusal struct {
	status int
	code   account.ErrorCode
}

func (r refusal) Error() string { return r.code.Error() }

// answer writes what a request gives, or why not. No text of an error leaves.
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
