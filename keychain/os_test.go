package keychain

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zalando/go-keyring"
)

// fakeRing is a keychain of an operating system that can be slow or broken.
type fakeRing struct {
	mu       sync.Mutex
	entries  map[string]string
	err      error // of every call
	setErr   error
	block    chan struct{} // calls wait for it, if set
	writes   int
	busy     int
	together int // the most calls at a time
}

func (r *fakeRing) enter() error {
	r.mu.Lock()
	r.busy++
	r.together = max(r.together, r.busy)
	block, err := r.block, r.err
	r.mu.Unlock()
	if block != nil {
		<-block
	}
	r.mu.Lock()
	r.busy--
	r.mu.Unlock()
	return err
}

// most is how many calls were under way at a time.
func (r *fakeRing) most() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.together
}

func (r *fakeRing) Get(service, user string) (string, error) {
	if err := r.enter(); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.entries[service+"/"+user]
	if !ok {
		return "", keyring.ErrNotFound
	}
	return v, nil
}

func (r *fakeRing) Set(service, user, password string) error {
	if err := errors.Join(r.enter(), r.setErr); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes++
	r.entries[service+"/"+user] = password
	return nil
}

func (r *fakeRing) Delete(service, user string) error {
	if err := r.enter(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.entries[service+"/"+user]; !ok {
		return keyring.ErrNotFound
	}
	delete(r.entries, service+"/"+user)
	return nil
}

func newFake() (*fakeRing, *osStore) {
	r := &fakeRing{entries: make(map[string]string)}
	return r, &osStore{ring: r, app: "viewflip-test", timeout: answerTime, turn: make(chan struct{}, 1)}
}

func TestOSConforms(t *testing.T) {
	r, s := newFake()
	conform(t, newOS(s))
	if r.most() != 1 {
		t.Errorf("%d calls at a time; go-keyring is made for one", r.most())
	}
}

func TestOSProbeWritesOnce(t *testing.T) {
	r, s := newFake()
	for range 3 {
		if err := s.probe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if r.writes != 1 {
		t.Errorf("%d writes", r.writes)
	}
}

func TestOSUnusable(t *testing.T) {
	for _, c := range []struct {
		err   error
		onSet bool
		says  string
	}{
		{errors.New("The name org.freedesktop.secrets was not provided by any .service files"), false, "(no program provides one)"},
		{errors.New("failed to unlock correct collection '/x'"), false, "(it is locked)"},
		{errors.New("failed to unlock correct collection '/x'"), true, "(it is locked)"},
		{&net.OpError{Op: "dial", Err: errors.New("x")}, false, "(the desktop session bus does not answer)"},
		{errors.New("something else"), false, "(something else)"},
	} {
		r, s := newFake()
		if c.onSet {
			r.setErr = c.err
		} else {
			r.err = c.err
		}
		err := s.probe(t.Context())
		if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotFound) || !strings.HasSuffix(err.Error(), c.says) {
			t.Errorf("%v: %v", c.err, err)
		}
	}
	forgetful := &osStore{ring: forgetfulRing{}, app: "a", timeout: answerTime, turn: make(chan struct{}, 1)}
	if err := forgetful.probe(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a keychain that keeps nothing: %v", err)
	}
}

type forgetfulRing struct{}

func (forgetfulRing) Get(string, string) (string, error) { return "", keyring.ErrNotFound }
func (forgetfulRing) Set(string, string, string) error   { return nil }
func (forgetfulRing) Delete(string, string) error        { return nil }

// A keychain that hangs costs three seconds a call and one goroutine in all.
func TestOSHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := newFake()
		r.block = make(chan struct{})
		for range 4 {
			began := time.Now()
			_, err := s.get(t.Context(), "a")
			if took := time.Since(began); !errors.Is(err, ErrUnavailable) || took != answerTime {
				t.Errorf("%v after %v", err, took)
			}
		}
		if r.most() != 1 {
			t.Errorf("%d calls hang", r.most())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.get(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller gave up: %v", err)
		}
		close(r.block) // it answers after all
		synctest.Wait()
		if _, err := s.get(t.Context(), "a"); !errors.Is(err, ErrNotFound) {
			t.Errorf("after it answered: %v", err)
		}
	})
}

// What somebody else wrote under our name is an error, not our secret.
func TestOSForeignEntry(t *testing.T) {
	r, s := newFake()
	for _, v := range []string{"not base64!", strings.Repeat("QUFB", MaxValue/3+1)} {
		r.entries["viewflip-test/a"] = v
		if got, err := s.get(t.Context(), "a"); err == nil {
			t.Errorf("%d bytes out of a foreign entry", len(got))
		}
	}
}
