package keychain

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/zalando/go-keyring"
)

// answerTime is how long the keychain of the operating system may take.
// gnome-keyring without a display holds a call for 120 s.
const answerTime = 3 * time.Second

const (
	probeName  = "keychain-check"
	probeValue = "ok"
)

// ring is the part of go-keyring that is used; tests have their own.
type ring interface {
	Get(service, user string) (string, error)
	Set(service, user, password string) error
	Delete(service, user string) error
}

type systemRing struct{}

func (systemRing) Get(s, u string) (string, error) { return keyring.Get(s, u) }
func (systemRing) Set(s, u, p string) error        { return keyring.Set(s, u, p) }
func (systemRing) Delete(s, u string) error        { return keyring.Delete(s, u) }

// osStore is the keychain of the operating system.
type osStore struct {
	ring    ring
	app     string
	timeout time.Duration
	// turn is held by the one call under way, and by a call that never returns:
	// go-keyring cannot be interrupted, so at most one goroutine hangs.
	turn chan struct{}
}

func openOS(ctx context.Context, app string) (*osStore, error) {
	if err := reachable(); err != nil {
		return nil, err
	}
	s := &osStore{ring: systemRing{}, app: app, timeout: answerTime, turn: make(chan struct{}, 1)}
	return s, s.probe(ctx)
}

// probe finds out whether secrets can be kept and read back. It writes one
// harmless entry, once: a keychain can answer questions and still refuse that.
func (s *osStore) probe(ctx context.Context) error {
	v, err := s.get(ctx, probeName)
	if err == nil && bytes.Equal(v, []byte(probeValue)) {
		return nil
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err := s.set(ctx, probeName, []byte(probeValue)); err != nil {
		return err
	}
	switch v, err := s.get(ctx, probeName); {
	case errors.Is(err, ErrNotFound), err == nil && !bytes.Equal(v, []byte(probeValue)):
		return unavailable{"it does not keep what it is given"}
	default:
		return err
	}
}

// do makes one call, for at most the timeout.
func (s *osStore) do(ctx context.Context, call func() (string, error)) (string, error) {
	t := time.NewTimer(s.timeout)
	defer t.Stop()
	type result struct {
		v   string
		err error
	}
	done := make(chan result, 1)
	select {
	case s.turn <- struct{}{}:
		go func() {
			defer func() { <-s.turn }()
			v, err := call()
			done <- result{v, err}
		}()
	case <-t.C:
		return "", s.late()
	case <-ctx.Done():
		return "", fmt.Errorf("keychain: %w", ctx.Err())
	}
	select {
	case r := <-done:
		switch {
		case r.err == nil:
			return r.v, nil
		case errors.Is(r.err, keyring.ErrNotFound):
			return "", ErrNotFound
		default:
			return "", unavailable{cause(r.err)}
		}
	case <-t.C:
		return "", s.late()
	case <-ctx.Done():
		return "", fmt.Errorf("keychain: %w", ctx.Err())
	}
}

// cause says in plain words what go-keyring tells in those of D-Bus. What it
// does not know stays as it is.
func cause(err error) string {
	text := err.Error()
	op := (*net.OpError)(nil)
	switch {
	case strings.Contains(text, "failed to unlock"):
		return "it is locked"
	case strings.Contains(text, "not provided by any .service files"):
		return "no program provides one"
	case errors.As(err, &op):
		return "the desktop session bus does not answer"
	}
	return text
}

func (s *osStore) late() error {
	return unavailable{fmt.Sprintf("it did not answer within %v; it may be locked", s.timeout)}
}

// Values are base64 because the systems store text.

func (s *osStore) get(ctx context.Context, name string) ([]byte, error) {
	v, err := s.do(ctx, func() (string, error) { return s.ring.Get(s.app, name) })
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(v)
	if err != nil || len(b) > MaxValue {
		return nil, errors.New("keychain: the entry was not written by this program; remove it")
	}
	return b, nil
}

func (s *osStore) set(ctx context.Context, name string, value []byte) error {
	_, err := s.do(ctx, func() (string, error) {
		return "", s.ring.Set(s.app, name, base64.StdEncoding.EncodeToString(value))
	})
	return err
}

func (s *osStore) delete(ctx context.Context, name string) error {
	_, err := s.do(ctx, func() (string, error) { return "", s.ring.Delete(s.app, name) })
	return err
}

// unavailable is ErrUnavailable with its cause.
type unavailable struct{ why string }

func (u unavailable) Error() string { return ErrUnavailable.Error() + " (" + u.why + ")" }

func (unavailable) Is(target error) bool { return target == ErrUnavailable }

// reason puts an error of openOS into the middle of a sentence.
func reason(err error) string {
	var u unavailable
	if errors.As(err, &u) {
		return "the keychain of this system cannot be used (" + u.why + ")"
	}
	return "the keychain of this system cannot be used (" + err.Error() + ")"
}
