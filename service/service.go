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
	// Accounts say who a device belongs to; nil: there are none, and calls go by
	// link alone. See package accounts.
	Accounts Accounts
	// NoGuests refuses devices that have no account.
	NoGuests bool
	// Nodes connects the nodes of one service; nil: this is the only one.
	Nodes Nodes
	// Log never gets an address, a key, a message or an invitation. Nil discards.
	Log *slog.Logger
	// Clock is time.Now if nil; it decides on expiry and rates.
	Clock func() time.Time
}

// Service is a mailbox. Make one with New and run it once.
type Service struct {
	limits    Limits
	relay     Relay
	accounts  Accounts
	noGuests  bool
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
	conns    map[*Conn]struct{}
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
	l := cfg.Limits.withDefaults()
	s := &Service{
		accounts: cfg.Accounts, noGuests: cfg.NoGuests, stopping: make(chan struct{}),
		limits: l, relay: cfg.Relay, log: cfg.Log, now: cfg.Clock, cert: cfg.Certificate, pin: pin,
		hub: newHub(l, cfg.Clock), addresses: newAddresses(l, cfg.Clock), conns: make(map[*Conn]struct{}),
	}
	s.hub.nodes, s.hub.background = cfg.Nodes, s.Background
	_, _ = rand.Read(s.hub.id[:]) // never fails
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
	if s.hub.nodes != nil {
		g.Go(func() error { s.hub.reap(gctx); return nil })
	}
	s.log.Info("service started")
	err := g.Wait()
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

type connKey struct{}

func (s *Service) server(hard context.Context) *http.Server {
	mux := http.NewServeMux()
	s.Health(mux)
	if s.accounts != nil {
		s.accounts.Serve(mux)
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
	c := &Conn{
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
