package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"viewflip.app/wire"
)

// Errors that callers act on. Their texts are written for people.
var (
	// ErrOffline means that the other device is not connected to the service.
	ErrOffline = errors.New("client: the other device is not connected")
	// ErrUnknownInvite means that the service knows no such invitation: it was
	// closed, it expired, or whoever made it is gone.
	ErrUnknownInvite = errors.New("client: the service does not know this invitation: it expired, or the person who made it has left")
	// ErrPin means that the certificate is not the one that the pin names.
	// It is final.
	ErrPin = errors.New("client: the service has a different key than expected: this is not the service that the link was made for")
	// ErrAuth means that the service refused the proof of our key. It is final.
	ErrAuth = errors.New("client: the service refused this device's key")
	// ErrVersion means that the service speaks another version. It is final.
	ErrVersion = errors.New("client: the service runs another version of viewflip: update the older of the two")
	// ErrReplaced means that a newer connection of the same device took over.
	// It is final.
	ErrReplaced = errors.New("client: this device connected to the service a second time")
	// ErrRateLimited means that the service refused for seconds because there
	// is too much at once.
	ErrRateLimited = errors.New("client: too much at once for the service: try again in a minute")
	// ErrTooLarge means that a message is over wire.MaxSealed.
	ErrTooLarge = errors.New("client: the message is too large for the service")
	// ErrNoRelay means that the service has no relay, or none for this device.
	ErrNoRelay = errors.New("client: the service has no relay for this call")
	// ErrUnavailable means that the service cannot be reached, or cannot serve.
	ErrUnavailable = errors.New("client: the service cannot be reached")
)

const (
	// patience is how long a request is repeated while the service says that
	// there is too much at once.
	patience = 10 * time.Second
	// firstWait and lastWait bound the time between attempts to connect.
	firstWait = 250 * time.Millisecond
	lastWait  = 15 * time.Second
	// steady is how long a connection must last to count as a good one.
	steady = 5 * time.Second
)

// State is how the connection to the service is.
type State uint8

// The states. Closed is final.
const (
	Connecting State = iota
	Connected
	Closed
)

// String names the state for people.
func (s State) String() string {
	switch s {
	case Connected:
		return "connected"
	case Closed:
		return "closed"
	default:
		return "connecting"
	}
}

// Config is what a Client is made from.
type Config struct {
	// Service is where to connect, and the pin of its certificate. Required.
	Service wire.Service
	// Identity is this device's. Required. Two clients with one identity at one
	// service replace each other.
	Identity *wire.Identity
	// Bind, if set, binds each connection to a session of an account: it makes
	// the proof over the nonce of the service's challenge.
	Bind func(ctx context.Context, nonce [32]byte) (wire.Bind, error)
	// Note, if set, gets what the service tells unasked: wire.Presence and
	// wire.Changed. It must not block.
	Note func(wire.FrameBody)
	// Log never gets messages, keys or the addresses of devices. Nil discards.
	Log *slog.Logger
}

// Client is one device's connection to one service, safe for concurrent use.
// Its methods wait for a connection until their context ends.
type Client struct {
	service  wire.Service
	identity *wire.Identity
	log      *slog.Logger
	binder   func(ctx context.Context, nonce [32]byte) (wire.Bind, error)
	note     func(wire.FrameBody)
	states   chan State // capacity 1, the newest wins
	ran      atomic.Bool
	lastID   atomic.Uint32
	asking   chan struct{} // one at a time asks for relay credentials

	mu      sync.Mutex
	news    chan struct{} // closed and renewed when something that is waited for changes
	link    *link         // nil while not connected
	ready   bool          // link has announced our invitations
	began   bool          // there was a connection once
	trouble error         // why it is not connected
	final   error         // why it never will be again
	invites map[wire.InviteID]time.Time
	looked  wire.InviteID // the invitation that was found last
	relay   wire.RelayCredentials
	inbox   inbox
}

// New makes a client that is not running yet.
func New(cfg Config) (*Client, error) {
	if err := cfg.Service.Check(); err != nil {
		return nil, fmt.Errorf("client: %w", err) // it would be tried without end
	}
	if cfg.Identity == nil {
		return nil, errors.New("client: a service and an identity are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{
		service: cfg.Service, identity: cfg.Identity, log: cfg.Log, binder: cfg.Bind, note: cfg.Note,
		states: make(chan State, 1), asking: make(chan struct{}, 1), news: make(chan struct{}), invites: make(map[wire.InviteID]time.Time),
	}
	// Ids of an earlier client of this device must not be taken for ours.
	c.lastID.Store(rand.Uint32())
	return c, nil
}

// Run keeps the connection until ctx ends, and then returns nil, or until an
// error that is final: ErrPin, ErrAuth, ErrVersion, ErrReplaced or, from Bind,
// ErrDeviceRevoked. It runs once.
func (c *Client) Run(ctx context.Context) error {
	if c.ran.Swap(true) {
		return errors.New("client: it ran already")
	}
	err := c.run(ctx)
	c.mu.Lock()
	c.final = err
	if err == nil {
		c.final = fmt.Errorf("%w: the connection was closed", ErrUnavailable)
	}
	c.tell()
	c.mu.Unlock()
	c.publish(Closed)
	return err
}

func (c *Client) run(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		c.publish(Connecting)
		connected, err := c.connection(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrPin), errors.Is(err, ErrAuth), errors.Is(err, ErrVersion), errors.Is(err, ErrReplaced), errors.Is(err, ErrDeviceRevoked):
			return err
		}
		c.log.Info("not connected to the service", "err", err)
		c.mu.Lock()
		c.trouble = err
		c.mu.Unlock()
		if connected >= steady {
			attempt = 0
		}
		select {
		case <-time.After(wait(attempt)):
		case <-ctx.Done():
			return nil
		}
	}
}

// wait is the random time before attempt n+1: everybody comes back after a
// restart, but not at once.
func wait(n int) time.Duration {
	most := lastWait
	if n < 6 {
		most = firstWait << n
	}
	return most/5 + rand.N(most*4/5)
}

// connection makes one connection and serves it to its end. It returns how
// long it lasted.
func (c *Client) connection(ctx context.Context) (time.Duration, error) {
	ws, err := dial(ctx, c.service, c.established())
	if err != nil {
		return 0, err
	}
	nonce, err := login(ctx, ws.Conn, c.identity, c.service.Pin)
	if err != nil {
		_ = ws.CloseNow()
		return 0, err
	}
	began := time.Now()
	l := newLink(ws.Conn)
	l.nonce, l.note, l.ahead = nonce, c.note, ws.ahead
	if l.ahead != 0 {
		c.log.Info("this clock and that of the service differ", "ahead", l.ahead)
	}
	c.mu.Lock()
	c.link, c.ready, c.trouble = l, false, nil
	c.mu.Unlock()
	err = l.run(ctx, c.receive, c.announce)
	c.mu.Lock()
	c.link, c.ready = nil, false
	c.mu.Unlock()
	return time.Since(began), err
}

// established reports whether there ever was a connection.
func (c *Client) established() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.began
}

// announce opens our invitations on a new connection, then lets requests in.
func (c *Client) announce(ctx context.Context, l *link) error {
	if err := c.bind(ctx, l); err != nil {
		return err
	}
	c.mu.Lock()
	open := make(map[wire.InviteID]time.Time, len(c.invites))
	for id, expires := range c.invites {
		if time.Now().After(expires) {
			delete(c.invites, id)
			continue
		}
		open[id] = expires
	}
	c.mu.Unlock()
	for id, expires := range open {
		reply, err := l.ask(ctx, c.nextID(), wire.OpenInvite{Invite: id, Expires: expires.Unix()})
		if err != nil {
			return err
		}
		if e, ok := reply.(wire.Error); ok {
			c.log.Warn("invitation not announced again", "code", e.Code.String())
		}
	}
	c.mu.Lock()
	c.ready, c.began = true, true
	c.tell()
	c.mu.Unlock()
	c.publish(Connected)
	c.log.Info("connected to the service")
	return nil
}

// bind binds a connection to the session of the account, if there is one.
func (c *Client) bind(ctx context.Context, l *link) error {
	if c.binder == nil {
		return nil
	}
	b, err := c.binder(ctx, l.nonce)
	if err != nil {
		return err
	}
	reply, err := l.ask(ctx, c.nextID(), b)
	if err != nil {
		return err
	}
	if _, ok := reply.(wire.Bound); !ok {
		return errUnbound
	}
	return nil
}

// SetPresence tells the contacts how this device is, until the connection ends.
func (c *Client) SetPresence(ctx context.Context, s wire.State) error {
	_, err := c.request(ctx, wire.SetPresence{State: s})
	return err
}

// tell wakes everybody who waits for a change. mu is held.
func (c *Client) tell() {
	close(c.news)
	c.news = make(chan struct{})
}

// States tells of every change of the connection; a slow reader gets the
// newest. It has one reader.
func (c *Client) States() <-chan State { return c.states }

func (c *Client) publish(s State) {
	select {
	case <-c.states:
	default:
	}
	c.states <- s // only Run's goroutine sends
}

// Send hands the service a sealed message for a device. When it returns nil,
// the service has it and will deliver it for a minute. Calls that follow each
// other arrive in that order.
func (c *Client) Send(ctx context.Context, to wire.Address, sealed []byte) error {
	if len(sealed) > wire.MaxSealed {
		return ErrTooLarge
	}
	_, err := c.request(ctx, wire.Send{To: to, Sealed: sealed})
	return err
}

// SendNow is Send without patience: ErrRateLimited comes at once if the service
// keeps too much for the device, or has too much of this one.
func (c *Client) SendNow(ctx context.Context, to wire.Address, sealed []byte) error {
	if len(sealed) > wire.MaxSealed {
		return ErrTooLarge
	}
	_, err := c.requestFor(ctx, wire.Send{To: to, Sealed: sealed}, 0)
	return err
}

// OpenInvite makes this device findable by id until expires or CloseInvite,
// over reconnects too.
func (c *Client) OpenInvite(ctx context.Context, id wire.InviteID, expires time.Time) error {
	c.mu.Lock()
	before, had := c.invites[id]
	c.invites[id] = expires
	c.mu.Unlock()
	_, err := c.request(ctx, wire.OpenInvite{Invite: id, Expires: expires.Unix()})
	if err != nil {
		c.mu.Lock()
		delete(c.invites, id)
		if had {
			c.invites[id] = before
		}
		c.mu.Unlock()
	}
	return err
}

// CloseInvite ends that. Even if it fails, the invitation is not announced
// again.
func (c *Client) CloseInvite(ctx context.Context, id wire.InviteID) error {
	c.mu.Lock()
	delete(c.invites, id)
	c.mu.Unlock()
	_, err := c.request(ctx, wire.CloseInvite{Invite: id})
	return err
}

// Lookup returns the keys of the device behind an invitation as the service
// tells them: the caller checks them against the link.
func (c *Client) Lookup(ctx context.Context, id wire.InviteID) (wire.Device, error) {
	reply, err := c.request(ctx, wire.Lookup{Invite: id})
	if err != nil {
		return wire.Device{}, err
	}
	found, ok := reply.(wire.Found)
	if !ok {
		return wire.Device{}, fmt.Errorf("%w: it gave a wrong answer", ErrUnavailable)
	}
	c.mu.Lock()
	c.looked = id
	c.mu.Unlock()
	return found.Device, nil
}

// request asks until there is an answer: over reconnects, with the same id, by
// which the service knows a message that it has already.
func (c *Client) request(ctx context.Context, body wire.FrameBody) (wire.FrameBody, error) {
	return c.requestFor(ctx, body, patience)
}

// requestFor is request that repeats for so long what is too much at once.
func (c *Client) requestFor(ctx context.Context, body wire.FrameBody, patience time.Duration) (wire.FrameBody, error) {
	id := c.nextID()
	var deadline time.Time
	for pause := 50 * time.Millisecond; ; {
		l, err := c.connected(ctx)
		if err != nil {
			return nil, err
		}
		reply, err := l.ask(ctx, id, body)
		switch {
		case errors.Is(err, errGone):
			continue
		case err != nil:
			return nil, fmt.Errorf("client: no answer: %w", err)
		}
		e, failed := reply.(wire.Error)
		if !failed {
			return reply, nil
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(patience)
		}
		if e.Code != wire.CodeRateLimited || !time.Now().Before(deadline) {
			return nil, failure(e.Code)
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrRateLimited, ctx.Err())
		}
		pause = min(2*pause, time.Second)
	}
}

// nextID is the id of a request; 0 is for what nobody asked.
func (c *Client) nextID() uint32 {
	for {
		if id := c.lastID.Add(1); id != 0 {
			return id
		}
	}
}

// connected waits for a connection.
func (c *Client) connected(ctx context.Context) (*link, error) {
	for {
		c.mu.Lock()
		l, ready, final, news := c.link, c.ready, c.final, c.news
		c.mu.Unlock()
		switch {
		case final != nil:
			return nil, final
		case ready && !l.isGone():
			return l, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			c.mu.Lock()
			defer c.mu.Unlock()
			return nil, unreachable{c.trouble, ctx.Err()}
		}
	}
}

// unreachable is ErrUnavailable with the reason that people can use; the end of
// the context is there for errors.Is only.
type unreachable struct{ trouble, cause error }

func (u unreachable) Error() string {
	if u.trouble == nil {
		return ErrUnavailable.Error()
	}
	return ErrUnavailable.Error() + ": " + strings.TrimPrefix(u.trouble.Error(), "client: ")
}

func (u unreachable) Unwrap() []error { return []error{ErrUnavailable, u.cause} }

func failure(code wire.ErrorCode) error {
	switch code {
	case wire.CodeUnknownInvite:
		return ErrUnknownInvite
	case wire.CodeOffline:
		return ErrOffline
	case wire.CodeTooLarge:
		return ErrTooLarge
	case wire.CodeRateLimited:
		return ErrRateLimited
	case wire.CodeAuthFailed:
		return ErrAuth
	case wire.CodeMalformed, wire.CodeUnavailable:
		return fmt.Errorf("%w: it answered %v", ErrUnavailable, code)
	}
	return fmt.Errorf("%w: it answered %v", ErrUnavailable, code)
}

// ParseServiceURL reads the line that "viewflipd serve" prints.
func ParseServiceURL(s string) (wire.Service, error) { return wire.ParseServiceURL(s) }

// ServiceURL writes it.
func ServiceURL(s wire.Service) string { return s.URL() }
