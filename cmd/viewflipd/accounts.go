package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"viewflip.app/service/accounts"
	"viewflip.app/service/bus"
	"viewflip.app/service/mail"
	"viewflip.app/service/store"
)

// accountSettings are those of accounts.
type accountSettings struct {
	db, bus, mail, masterKey, name, admin string
	guests, invited                       bool
}

const adminTime = 5 * time.Second

// options name the database; without --db it is a file in the data directory.
func (a accountSettings) options(e env, data string, log *slog.Logger) (store.Options, error) {
	o := store.Options{Dir: data, URL: a.db, Log: log}
	if a.db != "" && !strings.HasPrefix(a.db, "postgres://") && !strings.HasPrefix(a.db, "postgresql://") {
		return o, errors.New("--db is not postgres://…")
	}
	var err error
	o.Master, err = a.master(e, data)
	return o, err
}

// master reads the key of the database; a file that is not there is made.
func (a accountSettings) master(e env, data string) (store.MasterKey, error) {
	if text := e.getenv("VIEWFLIP_MASTER_KEY"); text != "" && a.masterKey == "" {
		return store.ParseMasterKey(text)
	}
	file := a.masterKey
	if file != "" && e.credential(file) {
		text, err := e.secretFile(file)
		if err != nil {
			return store.MasterKey{}, fmt.Errorf("the master key: %w", err)
		}
		return store.ParseMasterKey(text)
	}
	if file == "" {
		file = filepath.Join(data, "master.key")
	}
	return store.MasterKeyFile(file)
}

// openMail chooses who gets mails: without --mail, a service on loopback has the development
// mailbox, and any other one cannot send any.
func (a accountSettings) openMail(e env, data string, at net.Addr, log *slog.Logger) (accounts.Mail, error) {
	switch a.mail {
	case "":
		s, err := mail.NewSink(filepath.Join(data, "mail"), e.stderr, at)
		if errors.Is(err, mail.ErrPublic) {
			log.Warn("nobody can sign up, calls by link work: write smtps://user:password@host?from=ADDRESS into a file with mode 600 and say --mail-file FILE")
			return nil, nil //nolint:nilnil // no mail, no error
		}
		return s, err
	case "dev":
		return mail.NewSink(filepath.Join(data, "mail"), e.stderr, at)
	default:
		m, err := mail.NewSMTP(a.mail, nil)
		if err != nil {
			return nil, fmt.Errorf("--mail is wrong: %w", err)
		}
		return m, nil
	}
}

// run opens what accounts need, runs the service with it and closes it. cfg has the
// mailbox; ready is called before the service answers.
func (a accountSettings) run(ctx context.Context, e env, s settings, cfg accounts.Config, ln net.Listener, ready func(*accounts.Service) error) (err error) {
	fail := func(err error) error { return errors.Join(err, ln.Close()) }
	log := cfg.Mailbox.Log
	if cfg.Mail, err = a.openMail(e, s.data, ln.Addr(), log); err != nil {
		return fail(err)
	}
	o, err := a.options(e, s.data, log)
	if err != nil {
		return fail(err)
	}
	if cfg.Store, err = store.Open(ctx, o); err != nil {
		return fail(err)
	}
	defer func() { err = errors.Join(err, cfg.Store.Close()) }()
	if cfg.Bus, err = bus.Open(ctx, bus.Config{URL: a.bus, Log: log}); err != nil {
		return fail(err)
	}
	busCtx, stopBus := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- cfg.Bus.Run(busCtx) }()
	defer func() { stopBus(); err = errors.Join(err, <-done) }()
	cfg.Name, cfg.Invited, cfg.Mailbox.NoGuests = a.name, a.invited, !a.guests
	srv, err := accounts.New(cfg)
	if err != nil {
		return fail(err)
	}
	stopAdmin, err := a.serveAdmin(ctx, srv)
	if err != nil {
		return fail(err)
	}
	defer stopAdmin()
	if err := ready(srv); err != nil {
		return fail(err)
	}
	return srv.Run(ctx, ln)
}

// serveAdmin serves metrics on loopback until stop.
func (a accountSettings) serveAdmin(ctx context.Context, srv *accounts.Service) (stop func(), err error) {
	if a.admin == "" {
		return func() {}, nil
	}
	host, _, err := net.SplitHostPort(a.admin)
	if err != nil || !mail.Loopback(host) {
		return nil, fmt.Errorf("--admin %q is not an address of this machine alone, such as 127.0.0.1:9465", a.admin)
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.admin)
	if err != nil {
		return nil, fmt.Errorf("it cannot listen on %s: %w", a.admin, err)
	}
	web := &http.Server{Handler: srv.Admin(), ReadHeaderTimeout: adminTime, ReadTimeout: adminTime, WriteTimeout: 2 * adminTime, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	done := make(chan struct{})
	go func() { defer close(done); _ = web.Serve(ln) }()
	return func() { _ = web.Close(); <-done }, nil
}

const accountUsage = `  --db          VIEWFLIP_DB         postgres://… (default: an encrypted SQLite file
                                    in the data directory)
  --bus         VIEWFLIP_BUS        tls://… of a NATS that several nodes share
                                    (default: in this process)
  --mail        VIEWFLIP_MAIL       smtps://user:password@host?from=ADDRESS, or
                                    smtp:// for STARTTLS; dev writes mails to the data
                                    directory, on loopback alone and the default there
  --db-file, --bus-file, --mail-file    VIEWFLIP_DB_FILE, …   a file with mode 600 that
                                    has the same in one line; with a password in
                                    it, it must be there or in the variable
  --signup      VIEWFLIP_SIGNUP     open or invited: whether anybody can make an
                                    account, or only who has a contact's link or
                                    a line of "viewflipd users invite" (default: open)
  --master-key  (VIEWFLIP_MASTER_KEY holds the key itself)  file of the key of
                                    the database (default: master.key in the data
                                    directory)
  --name        VIEWFLIP_NAME       how mails call the service (default: viewflip)
  --admin       VIEWFLIP_ADMIN      where on loopback /metrics is (default: nowhere)
  --guests      VIEWFLIP_GUESTS     on or off: whether devices without an account may
                                    call by link (default: on)
`
