package service

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
	"viewflip.app/service/bus"
	"viewflip.app/service/mail"
	"viewflip.app/service/srp"
	"viewflip.app/service/store"
	"viewflip.app/wire/account"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"viewflip.app/wire"
)

const sweepTime = 10 * time.Second

// Config is what a Service is made from. Only Certificate is required.
type Config struct {
	// Certificate is shown to clients, who know its Pin.
	Certificate tls.Certificate
	// Limits are the defaults where zero.
	Limits Limits
	// Relay issues credentials for a TURN server; nil: there is none.
	Relay Relay
	// Store keeps accounts; nil: there are none, and calls go by link alone. With
	// a Store, a Bus is required. Both are the caller's, who closes them after Run.
	Store *store.Store
	// Bus connects the nodes of one service; nil: this is the only one.
	Bus *bus.Bus
	// Mail sends codes; nil: nobody can sign up, or use a recovery kit.
	Mail Mail
	// Name is how mails call the service; "viewflip" if empty.
	Name string
	// NoGuests refuses devices that have no account.
	NoGuests bool
	// Invited takes new accounts by invitation alone: with a contact's open
	// link, or what SignUpPass made.
	Invited bool
	// Log never gets an address, a key, a message or an invitation. Nil discards.
	Log *slog.Logger
	// Clock is time.Now if nil; it decides on expiry and rates.
	Clock func() time.Time
}

// Mail sends mails; *mail.SMTP and *mail.Sink do.
type Mail interface {
	Send(ctx context.Context, m mail.Message) error
}

// Service is a mailbox, and the accounts of who uses it. Make one with New and run it once.
type Service struct {
	limits    Limits
	relay     Relay
	store     *store.Store
	bus       *bus.Bus
	mail      Mail
	name      string
	noGuests  bool
	invited   bool
	fake      [32]byte // of srp.FakeVerifier
	gate      *srp.Gate
	presence  *presence
	links     rendezvous
	metrics   *metrics
	stopping  chan struct{} // closed when Run ends
	log       *slog.Logger
	now       func() time.Time
	cert      tls.Certificate
	pin       [32]byte
	hub       *hub
	addresses *addresses
	serial    atomic.Uint64

	ran      atomic.Bool
	mu       sync.Mutex // guards draining with live.Go
	draining bool
	live     sync.WaitGroup // connections, and what runs for them
	conns    map[*conn]struct{}
}

// New makes a service that is not running yet.
func New(cfg Config) (*Service, error) {
	pin, err := Pin(cfg.Certificate)
	if err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Store != nil && cfg.Bus == nil {
		return nil, errors.New("service: accounts need a bus")
	}
	if cfg.Name == "" {
		cfg.Name = "viewflip"
	}
	l := cfg.Limits.withDefaults()
	s := &Service{
		store: cfg.Store, bus: cfg.Bus, mail: cfg.Mail, name: cfg.Name, noGuests: cfg.NoGuests, invited: cfg.Invited, gate: srp.NewGate(0),
		links: rendezvous{wait: make(map[account.Slot]chan struct{})}, stopping: make(chan struct{}),
		limits: l, relay: cfg.Relay, log: cfg.Log, now: cfg.Clock, cert: cfg.Certificate, pin: pin,
		hub: newHub(l, cfg.Clock), addresses: newAddresses(l, cfg.Clock), conns: make(map[*conn]struct{}),
	}
	if s.store != nil {
		s.fake = s.store.Derive("no such device")
	}
	s.hub.bus, s.hub.background = s.bus, s.background
	_, _ = rand.Read(s.hub.id[:]) // never fails
	s.presence = &presence{s: s, of: make(map[store.AccountID]*bound), telling: make(map[store.AccountID]bool), owed: make(map[store.AccountID]struct{})}
	s.metrics = newMetrics(s)
	return s, nil
}

// Pin is what clients must know of the certificate: the SHA-256 of its
// SubjectPublicKeyInfo (RFC 7469, section 2.4).
func (s *Service) Pin() [32]byte { return s.pin }

// Run serves on ln, which it closes, until ctx ends; then it says goodbye to
// every connection and waits for all of them. It runs once. It returns nil
// unless the listener failed.
func (s *Service) Run(ctx context.Context, ln net.Listener) error {
	if s.ran.Swap(true) {
		return errors.Join(errors.New("service: it ran already"), ln.Close())
	}
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	srv := s.server(hard)
	unlisten, err := s.connect()
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	defer unlisten()
	g, gctx := errgroup.WithContext(ctx)
	s.listen(g, srv, &listener{ln, s.addresses, func() { s.log.Debug("connection refused by limits") }})
	g.Go(func() error {
		t := time.NewTicker(sweepTime)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				s.hub.sweep()
				s.addresses.sweep()
				s.presence.sweep()
			case <-gctx.Done():
				return nil
			}
		}
	})
	g.Go(func() error {
		<-gctx.Done()
		s.drain(srv, cut)
		return nil
	})
	s.tend(gctx, g)
	s.log.Info("service started")
	err = g.Wait()
	s.log.Info("service stopped")
	return err
}

// drain says goodbye to everybody, and cuts whoever does not answer in time.
func (s *Service) drain(srv *http.Server, cut context.CancelFunc) {
	s.mu.Lock()
	s.draining = true
	close(s.stopping)
	// Many who come back at once would be a flood for the other nodes.
	spread := min(s.limits.Drain/2, time.Duration(len(s.conns))*time.Millisecond)
	for c := range s.conns {
		s.live.Go(func() {
			time.Sleep(mathrand.N(spread + 1))
			_ = c.ws.Close(websocket.StatusServiceRestart, "restart")
		})
	}
	s.mu.Unlock()
	late := time.AfterFunc(s.limits.Drain, func() {
		cut()
		_ = srv.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.conns {
			_ = c.tcp.Close() // a goodbye waits for its answer longer than we do
		}
	})
	defer late.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), s.limits.Drain)
	defer cancel()
	_ = srv.Shutdown(ctx)
	s.live.Wait()
	_ = srv.Close()
}

// background runs fn as part of the service; not any more once it drains,
// when everything is closed anyway.
func (s *Service) background(fn func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.live.Go(fn)
	return true
}

type connKey struct{}

func (s *Service) server(hard context.Context) *http.Server {
	mux := http.NewServeMux()
	s.health(mux)
	if s.accounts() {
		s.routes(mux)
	}
	mux.HandleFunc("GET /ws", func(w http.ResponseWriter, r *http.Request) { s.accept(hard, w, r) })
	return &http.Server{
		Handler: mux,
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{s.cert},
			NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true,
		},
		// A map that is not nil keeps HTTP/2 out, which has no WebSocket here.
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ReadHeaderTimeout: s.limits.Handshake, IdleTimeout: s.limits.Ping, WriteTimeout: s.limits.Answer,
		MaxHeaderBytes: 8 << 10,
		// The server's own log names addresses.
		ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if t, ok := c.(interface{ NetConn() net.Conn }); ok {
				if n, ok := t.NetConn().(*counted); ok {
					return context.WithValue(ctx, connKey{}, n)
				}
			}
			return ctx
		},
	}
}

// accept turns a request into a connection. That is served by a goroutine of its
// own, so that nothing of the request stays, such as the stack of its TLS handshake.
func (s *Service) accept(hard context.Context, w http.ResponseWriter, r *http.Request) {
	tcp, ok := r.Context().Value(connKey{}).(*counted)
	if !ok {
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	if r.Header.Get("Origin") != "" { // no web page talks to this
		http.Error(w, "not for browsers", http.StatusForbidden)
		return
	}
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat)) // by which clients understand our times
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // Accept has answered
	}
	ws.SetReadLimit(wire.MaxFrame)
	c := &conn{
		service: s, ws: ws, tcp: tcp, address: tcp.address, serial: s.serial.Add(1), wake: make(chan struct{}, 1),
		requests: newLimiter(s.limits.Requests), refusals: newLimiter(s.limits.Refusals),
		relays: rate.NewLimiter(rate.Every(relayEvery), relayBurst),
	}
	s.mu.Lock()
	if s.draining {
		s.mu.Unlock()
		_ = ws.CloseNow()
		return
	}
	s.conns[c] = struct{}{}
	s.live.Go(func() {
		c.serve(hard)
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	})
	s.mu.Unlock()
}

// Pin computes the pin of a certificate.
func Pin(cert tls.Certificate) ([32]byte, error) {
	if len(cert.Certificate) == 0 || cert.PrivateKey == nil {
		return [32]byte{}, errors.New("service: a certificate with its key is required")
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return [32]byte{}, fmt.Errorf("service: certificate: %w", err)
	}
	return wire.PinOf(leaf), nil
}
