// Package servicetest gives tests a running service, what one with accounts needs,
// and a device that can misbehave; tests only.
package servicetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"viewflip.app/service"
	"viewflip.app/service/accounts"
	"viewflip.app/service/bus"
	"viewflip.app/service/mail"
	"viewflip.app/service/store"
)

// Outbox is a mail server that keeps the last mail to each address.
type Outbox struct {
	mu   sync.Mutex
	to   map[string]mail.Message
	sent int
	down bool
}

// NewOutbox makes an empty one.
func NewOutbox() *Outbox { return &Outbox{to: map[string]mail.Message{}} }

// Send is that of [accounts.Mail].
func (o *Outbox) Send(_ context.Context, m mail.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return errors.New("no mail server for " + m.To)
	}
	o.to[m.To], o.sent = m, o.sent+1
	return nil
}

// Fail has Send fail, or work again.
func (o *Outbox) Fail(down bool) { o.mu.Lock(); defer o.mu.Unlock(); o.down = down }

// Count is how many mails were sent.
func (o *Outbox) Count() int { o.mu.Lock(); defer o.mu.Unlock(); return o.sent }

// Last is the last mail to an address, zero if there was none since Forget.
func (o *Outbox) Last(to string) mail.Message { o.mu.Lock(); defer o.mu.Unlock(); return o.to[to] }

// Forget drops the last mail to an address.
func (o *Outbox) Forget(to string) { o.mu.Lock(); defer o.mu.Unlock(); delete(o.to, to) }

// Bus opens a bus that runs until the test ends.
func Bus(tb testing.TB, cfg bus.Config) *bus.Bus {
	tb.Helper()
	b, err := bus.Open(context.Background(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	return b
}

// Accounts adds to a mailbox a store in dir, a bus in process, and an outbox. Start
// the service afterwards, so that it ends before them.
func Accounts(tb testing.TB, cfg service.Config, dir string) (accounts.Config, *Outbox) {
	tb.Helper()
	st, err := store.Open(context.Background(), store.Options{Dir: dir, Master: store.NewMasterKey(), Now: cfg.Clock, Log: cfg.Log})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := st.Close(); err != nil {
			tb.Error(err)
		}
	})
	out := NewOutbox()
	return accounts.Config{Mailbox: cfg, Store: st, Bus: Bus(tb, bus.Config{Log: cfg.Log}), Mail: out}, out
}
