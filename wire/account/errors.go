package account

import "time"

// ErrorCode is the closed list of what the service can answer instead.
//
//nolint:errname // named as that of package wire
type ErrorCode string

// The codes.
//
//nolint:errname // they are named as those of package wire; that they are errors too is a convenience
const (
	CodeBadRequest  ErrorCode = "bad_request"
	CodeAuthFailed  ErrorCode = "auth_failed"
	CodeLogin       ErrorCode = "login"  // the session ended or is not fresh: log in by SRP
	CodeRotate      ErrorCode = "rotate" // the generation is over: rotate
	CodeRevoked     ErrorCode = "revoked"
	CodeRateLimited ErrorCode = "rate_limited"
	CodeNotFound    ErrorCode = "not_found"
	CodeConflict    ErrorCode = "conflict"
	CodeTooLarge    ErrorCode = "too_large"
	CodeExpired     ErrorCode = "expired"
	CodeUnavailable ErrorCode = "unavailable"
)

// Valid reports whether the code is in the list.
func (c ErrorCode) Valid() bool {
	switch c {
	case CodeBadRequest, CodeAuthFailed, CodeLogin, CodeRotate, CodeRevoked, CodeRateLimited,
		CodeNotFound, CodeConflict, CodeTooLarge, CodeExpired, CodeUnavailable:
		return true
	}
	return false
}

// Error makes a code an error: compare with errors.Is.
func (c ErrorCode) Error() string { return "the service answered " + string(c) }

// Failure is the answer {"error": code, "retry_after": seconds} of every call.
//
//nolint:errname // it is a body, and an error at the client
type Failure struct {
	Code ErrorCode `json:"error"`
	// RetryAfter is in seconds, 0 if there is nothing to wait for.
	RetryAfter uint32 `json:"retry_after,omitzero"`
}

func (f Failure) valid() bool { return f.Code.Valid() }

// Error is that of the code.
func (f Failure) Error() string { return f.Code.Error() }

// Unwrap gives the code.
func (f Failure) Unwrap() error { return f.Code }

// Wait is RetryAfter as a duration.
func (f Failure) Wait() time.Duration { return time.Duration(f.RetryAfter) * time.Second }
