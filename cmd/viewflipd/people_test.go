//go:build linux

package main

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"viewflip.app/service/client"
	"viewflip.app/service/servicetest"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

type person = servicetest.Person

// contact waits until there is one, with a presence.
func contact(t *testing.T, p *person, is wire.State) client.Contact {
	t.Helper()
	return p.Until("the contact", func(s client.AccountState) bool { return len(s.Contacts) == 1 && s.Contacts[0].Presence == is }).Contacts[0]
}

// signUp makes an account at a node, whose mails are in its log.
func signUp(t *testing.T, node *process, email account.Email, name account.Name) *person {
	t.Helper()
	p := servicetest.NewPerson(t)
	before := node.log.count("mail with the code")
	up, err := client.StartSignUp(t.Context(), node.service, email, name, "")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the mail", func() bool { return node.log.count("mail with the code") > before })
	codes := regexp.MustCompile(`mail with the code (\d+)`).FindAllStringSubmatch(node.log.String(), -1)
	if _, err := up.Finish(t.Context(), account.Code(codes[len(codes)-1][1]), "Laptop", p.Keep); err != nil {
		t.Fatal(err)
	}
	return p.At(node.service).Connect()
}

// befriend makes two contacts by a link.
func befriend(t *testing.T, a, b *person) error {
	t.Helper()
	l, err := a.Invite(t.Context())
	if err != nil {
		return err
	}
	_, err = b.Accept(t.Context(), l)
	return err
}

// stream is one device that sends numbers to another, one after the other, and
// does not go on to the next before the service has taken one.
type stream struct {
	t    *testing.T
	mu   sync.Mutex
	sent int // so many were acknowledged
	got  map[string]bool
	stop func()
}

func startStream(t *testing.T, from, to wire.Service) *stream {
	t.Helper()
	s := &stream{t: t, got: map[string]bool{}}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	device := func(at wire.Service) (*client.Client, *wire.Identity) {
		id, err := wire.NewIdentity(nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := client.New(client.Config{Service: at, Identity: id})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if err := c.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		return c, id
	}
	a, _ := device(from)
	b, ofB := device(to)
	wg.Go(func() {
		for {
			d, err := b.Recv(ctx)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.got[string(d.Sealed)] = true
			s.mu.Unlock()
		}
	})
	wg.Go(func() {
		for ctx.Err() == nil {
			if a.Send(ctx, ofB.Public().Address(), []byte(number(s.acknowledged()))) == nil {
				s.mu.Lock()
				s.sent++
				s.mu.Unlock()
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	s.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(s.stop)
	s.flows()
	return s
}

func (s *stream) acknowledged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// flows waits until more is acknowledged, and until all of that arrived.
func (s *stream) flows() {
	s.t.Helper()
	enough := s.acknowledged() + 3
	eventually(s.t, "signals pass", func() bool { return s.acknowledged() >= enough })
	s.whole()
}

// whole waits until everything that is acknowledged by now has arrived.
func (s *stream) whole() {
	s.t.Helper()
	n := s.acknowledged()
	eventually(s.t, "what was acknowledged arrives", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i := range n {
			if !s.got[number(i)] {
				return false
			}
		}
		return true
	})
}

func number(i int) string { return "signal " + strconv.Itoa(i) }

// writer changes somebody's name, again and again, and knows the last one that
// the service took.
type writer struct {
	t    *testing.T
	p    *person
	mu   sync.Mutex
	n    int // so many were acknowledged
	last account.Name
	lost error // the last failure
	stop func()
}

func startWriter(t *testing.T, p *person) *writer {
	t.Helper()
	w := &writer{t: t, p: p}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			name := account.Name("Name " + strconv.Itoa(i))
			err := p.SetName(ctx, name)
			w.mu.Lock()
			if err == nil {
				w.n, w.last = w.n+1, name
			} else if ctx.Err() == nil {
				w.lost = err
			}
			w.mu.Unlock()
			select {
			case <-time.After(time.Second): // 120 changes a minute are allowed
			case <-ctx.Done():
			}
		}
	}()
	w.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(w.stop)
	return w
}

// writes waits until changes are acknowledged.
func (w *writer) writes() {
	w.t.Helper()
	w.mu.Lock()
	enough := w.n + 1
	w.mu.Unlock()
	eventually(w.t, "changes are stored", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.n >= enough })
}

// fails waits until a change fails, and gives how.
func (w *writer) fails() (err error) {
	w.t.Helper()
	w.mu.Lock()
	w.lost = nil
	w.mu.Unlock()
	eventually(w.t, "a change fails", func() bool { w.mu.Lock(); defer w.mu.Unlock(); err = w.lost; return err != nil })
	return err
}

// whole stops, and checks that nothing that was acknowledged is lost.
func (w *writer) whole() {
	w.t.Helper()
	w.stop()
	if err := w.p.Refresh(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if is := w.p.State().Me.Name; is != w.last {
		// The last change may have been stored when its answer was lost.
		is, err1 := strconv.Atoi(strings.TrimPrefix(string(is), "Name "))
		last, err2 := strconv.Atoi(strings.TrimPrefix(string(w.last), "Name "))
		if err := errors.Join(err1, err2); err != nil || is < last {
			w.t.Errorf("name %d, and %d was acknowledged: %v", is, last, err)
		}
	}
}
