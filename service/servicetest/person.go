package servicetest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"viewflip.app/service/client"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// Person is an account on one device, by the client that the desktop program has.
type Person struct {
	// Account runs after Begin.
	*client.Account
	// Stop ends it and returns what Run returned. The end of the test does too.
	Stop func() error

	tb    testing.TB
	mu    sync.Mutex
	creds account.Credentials
}

// NewPerson is somebody whose account is still to be made, with Keep to save its
// credentials.
func NewPerson(tb testing.TB) *Person {
	tb.Helper()
	return &Person{tb: tb}
}

// Keep saves credentials for Begin.
func (p *Person) Keep(_ context.Context, c account.Credentials) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.creds = c
	return nil
}

// Kept are the credentials that were saved last.
func (p *Person) Kept() account.Credentials {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.creds
}

// At lets Begin go by way of a service, which may have several addresses.
func (p *Person) At(s wire.Service) *Person {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.creds.Service = s
	return p
}

// Begin runs the account with the credentials that were saved.
func (p *Person) Begin() {
	p.tb.Helper()
	a, err := client.NewAccount(client.AccountConfig{
		Credentials: p.Kept(), Save: p.Keep,
		Log: slog.New(slog.NewTextHandler(p.tb.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		p.tb.Fatal(err)
	}
	p.Account = a
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	p.Stop = sync.OnceValue(func() error { cancel(); return <-done })
	p.tb.Cleanup(func() {
		if err := p.Stop(); err != nil && !errors.Is(err, client.ErrDeviceRevoked) {
			p.tb.Error(err)
		}
	})
}

// Connect is Begin; it waits until the account is connected and known.
func (p *Person) Connect() *Person {
	p.tb.Helper()
	p.Begin()
	p.Until("online", func(s client.AccountState) bool { return s.Online && s.Me.Name != "" && len(s.Devices) > 0 })
	return p
}

// Until waits for a state and returns it.
func (p *Person) Until(what string, ok func(client.AccountState) bool) client.AccountState {
	p.tb.Helper()
	for end := time.Now().Add(Patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if s := p.State(); ok(s) {
			return s
		}
	}
	p.tb.Fatalf("waited in vain for %s: %+v", what, p.State())
	return client.AccountState{}
}
