package accounts

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"viewflip.app/service"
	"viewflip.app/service/bus"
	"viewflip.app/service/mail"
	"viewflip.app/service/srp"
	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

const (
	sweepTime   = 10 * time.Second
	janitorTime = time.Minute
)

// Config is what a Service is made from. Mailbox.Certificate, Store and Bus are
// required.
type Config struct {
	// Mailbox is the mailbox of the service; its Accounts and Nodes are set by New.
	Mailbox service.Config
	// Store keeps accounts. The caller closes it after Run.
	Store *store.Store
	// Bus connects the nodes of one service. The caller runs it until after Run.
	Bus *bus.Bus
	// Mail sends codes; nil: nobody can sign up, or use a recovery kit.
	Mail Mail
	// Mails is how many codes for sign-ups are mailed because one address asked;
	// 10 an hour and 30 a day if zero. An IPv4 /24 or IPv6 /48 as a whole may ask
	// for four times as many.
	Mails Count
	// Name is how mails call the service; "viewflip" if empty.
	Name string
	// Invited takes new accounts by invitation alone: with a contact's open
	// link, or what SignUpPass made.
	Invited bool
}

// Mail sends mails; *mail.SMTP and *mail.Sink do.
type Mail interface {
	Send(ctx context.Context, m mail.Message) error
}

// Service is a mailbox, and the accounts of who uses it. Make one with New and run
// it once.
type Service struct {
	mailbox  *service.Service
	limits   service.Limits // of the mailbox
	store    *store.Store
	bus      *bus.Bus
	mail     Mail
	mails    Count
	name     string
	invited  bool
	fake     [32]byte // of srp.FakeVerifier
	gate     *srp.Gate
	presence *presence
	links    rendezvous
	metrics  *metrics
	log      *slog.Logger
	now      func() time.Time
}

// New makes a service that is not running yet.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Bus == nil {
		return nil, errors.New("accounts: a store and a bus are required")
	}
	if cfg.Mailbox.Log == nil {
		cfg.Mailbox.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Mailbox.Clock == nil {
		cfg.Mailbox.Clock = time.Now
	}
	if cfg.Name == "" {
		cfg.Name = "viewflip"
	}
	if cfg.Mails == (Count{}) {
		cfg.Mails = Count{10, 30}
	}
	s := &Service{
		store: cfg.Store, bus: cfg.Bus, mail: cfg.Mail, mails: cfg.Mails, name: cfg.Name, invited: cfg.Invited,
		fake: cfg.Store.Derive("no such device"), gate: srp.NewGate(0),
		links: rendezvous{wait: make(map[account.Slot]chan struct{})}, log: cfg.Mailbox.Log, now: cfg.Mailbox.Clock,
	}
	s.presence = newPresence(s)
	cfg.Mailbox.Accounts, cfg.Mailbox.Nodes = owners{s}, nodes{cfg.Bus}
	var err error
	if s.mailbox, err = service.New(cfg.Mailbox); err != nil {
		return nil, err
	}
	s.limits, s.metrics = s.mailbox.Limits(), newMetrics(s)
	return s, nil
}

// Pin is that of the mailbox.
func (s *Service) Pin() [32]byte { return s.mailbox.Pin() }

// Run serves as service.Service.Run does: on ln, which it closes, until ctx ends.
func (s *Service) Run(ctx context.Context, ln net.Listener) error {
	unlisten, err := s.listen()
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	defer unlisten()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.mailbox.Run(gctx, ln) })
	g.Go(func() error { s.follow(gctx); return nil })
	g.Go(func() error { every(gctx, sweepTime, s.presence.sweep); return nil })
	g.Go(func() error { s.clean(gctx); return nil })
	return g.Wait()
}

// listen subscribes to what every node hears.
func (s *Service) listen() (unlisten func(), err error) {
	a, err := s.presence.listen()
	if err != nil {
		return nil, err
	}
	b, err := s.links.listen(s.bus)
	if err != nil {
		a.Close()
		return nil, err
	}
	return func() { a.Close(); b.Close() }, nil
}

// follow makes up for what was not heard each time that the bus is back, until ctx
// ends.
func (s *Service) follow(ctx context.Context) {
	for {
		select {
		case <-s.bus.Changes():
			if s.bus.Connected() {
				s.mailbox.Resume()
				s.presence.resume()
			}
		case <-ctx.Done():
			return
		}
	}
}

// clean deletes rows that are over their time, until ctx ends.
func (s *Service) clean(ctx context.Context) {
	clean := func() {
		if err := s.store.Janitor(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("old rows are not deleted yet", "cause", cause(err))
		}
	}
	clean()
	every(ctx, janitorTime, clean)
}

// every calls fn at the end of each interval until ctx ends.
func every(ctx context.Context, interval time.Duration, fn func()) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			fn()
		case <-ctx.Done():
			return
		}
	}
}

// owners is a Service as its mailbox knows it.
type owners struct{ *Service }

// Serve is that of service.Accounts.
func (o owners) Serve(mux *http.ServeMux) { o.routes(mux) }

// Bind is that of service.Accounts.
func (o owners) Bind(ctx context.Context, c *service.Conn, m wire.Bind) (bound bool, code wire.ErrorCode) {
	return o.presence.bind(ctx, c, m)
}

// SetPresence is that of service.Accounts.
func (o owners) SetPresence(c *service.Conn, state wire.State) bool { return o.presence.set(c, state) }

// Drop is that of service.Accounts.
func (o owners) Drop(c *service.Conn) { o.presence.drop(c) }

// Unready is that of service.Accounts.
func (o owners) Unready(ctx context.Context) string {
	switch {
	case !o.bus.Connected():
		return "bus"
	case o.store.Ready(ctx) != nil:
		return "database"
	}
	return ""
}
