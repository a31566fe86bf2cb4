package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// callTime is how long one call may take; link/get waits up to 20 s by design.
const callTime = 40 * time.Second

// Errors of calls that callers act on. Their texts are written for people.
var (
	// ErrDeviceRevoked means that this device does not belong to its account any
	// more: it was removed, or the account was deleted. It is final.
	ErrDeviceRevoked = errors.New("client: this device was removed from the account, or the account was deleted")
	// ErrNoAccounts means that the service keeps no accounts.
	ErrNoAccounts = errors.New("client: this service has no accounts: it connects people by link only")
)

// web makes calls of the account API: HTTPS with the pinned key and nothing
// else (docs/protocol.md, "Calls").
type web struct {
	service wire.Service
	http    *http.Client
	first   atomic.Int32 // index of the address that worked last
}

func newWeb(s wire.Service) *web {
	w := &web{service: s}
	t := &http.Transport{
		DialTLSContext: w.dial, MaxIdleConns: 2, IdleConnTimeout: 30 * time.Second,
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}, // no HTTP/2
	}
	w.http = &http.Client{
		Transport: t, Timeout: callTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w
}

func (w *web) close() { w.http.CloseIdleConnections() }

// dial tries the addresses of the service one after the other, beginning with
// the one that worked last.
func (w *web) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	first := int(w.first.Load())
	var last error
	for i := range w.service.Addrs {
		n := (first + i) % len(w.service.Addrs)
		actx, cancel := context.WithTimeout(ctx, dialTime/time.Duration(len(w.service.Addrs)))
		d := &tls.Dialer{Config: pinned(w.service.Pin)}
		c, err := d.DialContext(actx, network, w.service.Addrs[n])
		cancel()
		if err == nil {
			w.first.Store(int32(n))
			return c, nil
		}
		if last == nil || errors.Is(err, ErrPin) {
			last = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

// pinned is TLS to a service that is known by its key alone.
func pinned(pin [32]byte) *tls.Config {
	return wire.Pin(&tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}}, pin, ErrPin)
}

// send makes one call. The error is an account.Failure if the service gave one,
// ErrUnavailable or ErrPin else.
func (w *web) send(ctx context.Context, path string, body []byte, header http.Header) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://viewflip"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("client: call: %w", err)
	}
	for k, v := range header {
		q.Header[k] = v
	}
	if q.Header.Get(account.HeaderIdempotency) != "" {
		// net/http would send it again by itself, with the same authorization: the
		// service takes that for a copy. Whoever calls sends it again with a new one.
		q.GetBody = nil
	}
	q.Header.Set("Content-Type", "application/json")
	r, err := w.http.Do(q)
	if err != nil {
		if errors.Is(err, ErrPin) {
			return nil, ErrPin
		}
		var op *net.OpError
		if errors.As(err, &op) {
			err = op // without the layers around it
		}
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer func() { _ = r.Body.Close() }()
	if r.StatusCode != http.StatusOK {
		f, err := account.Decode[account.Failure](r.Body)
		switch {
		case err == nil:
			return nil, f
		case r.StatusCode == http.StatusNotFound:
			return nil, ErrNoAccounts
		}
		return nil, fmt.Errorf("%w: it answered with status %d", ErrUnavailable, r.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, account.MaxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return b, nil
}

// call makes one call without a session.
func call[A any](ctx context.Context, w *web, path string, q any) (A, error) {
	var none A
	body, err := account.Encode(q)
	if err != nil {
		return none, fmt.Errorf("client: call: %w", err)
	}
	b, err := w.send(ctx, path, body, nil)
	if err != nil {
		return none, err
	}
	return decode[A](b)
}

func decode[A any](b []byte) (A, error) {
	a, err := account.Decode[A](bytes.NewReader(b))
	if err != nil {
		return a, fmt.Errorf("%w: it gave a wrong answer: %w", ErrUnavailable, err)
	}
	return a, nil
}
