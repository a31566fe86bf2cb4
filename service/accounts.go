package service

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/coder/websocket"

	"viewflip.app/wire"
)

// Accounts is what a mailbox leaves to somebody else: who a device belongs to. The
// mailbox of a program that ends has none. Its methods are called by several
// goroutines, for one connection by one after the other.
type Accounts interface {
	// Serve adds requests to those that the port of the mailbox answers; CallerOf
	// says from where each comes.
	Serve(mux *http.ServeMux)
	// Bind binds a connection to the session that m proves, with Conn.Nonce as its
	// challenge. bound is whether the connection is bound afterwards: after a code
	// other than 0, whether it is still bound as before.
	Bind(ctx context.Context, c *Conn, m wire.Bind) (bound bool, code wire.ErrorCode)
	// SetPresence sets the state of a bound connection; false if it may have none.
	SetPresence(c *Conn, state wire.State) bool
	// Drop forgets a bound connection, which has ended.
	Drop(c *Conn)
	// Unready says in a word what keeps accounts from working; "" if nothing does.
	Unready(ctx context.Context) string
}

// Ended is why accounts end a connection: the close code that the client gets.
type Ended websocket.StatusCode

const (
	// Revoked means that the device was revoked, the session ended, or the account
	// deleted.
	Revoked Ended = 4004
	// SessionOver means that the session is over its life.
	SessionOver Ended = 4005
)

func (e Ended) ending() ending {
	if e == SessionOver {
		return ending{websocket.StatusCode(e), "login"}
	}
	return ending{websocket.StatusCode(e), "revoked"}
}

// Device is who proved to be at the other end.
func (c *Conn) Device() wire.Device { return c.box.device }

// Nonce is the challenge of this connection, which no other has.
func (c *Conn) Nonce() [32]byte { return c.nonce }

// End closes the connection and obeys nothing of it from now on. Of several calls
// the first counts. It does not wait.
func (c *Conn) End(why Ended) {
	c.notes.mu.Lock()
	first := c.notes.end.code == 0
	if first {
		c.notes.end, c.notes.list = why.ending(), nil
	}
	c.notes.mu.Unlock()
	if first {
		e := why.ending()
		c.service.Background(func() { _ = c.ws.Close(e.code, e.reason) })
	}
}

// bind hands a binding to Accounts, if there are any.
func (c *Conn) bind(ctx context.Context, m wire.Bind) (code wire.ErrorCode) {
	if c.service.accounts == nil {
		return wire.CodeUnavailable
	}
	c.bound, code = c.service.accounts.Bind(ctx, c, m)
	return code
}

// Caller is from where a request comes.
type Caller struct{ address *address }

// CallerOf says from where a request comes that the port of a mailbox got; false
// for any other.
func CallerOf(r *http.Request) (Caller, bool) {
	c, ok := r.Context().Value(connKey{}).(*counted)
	if !ok {
		return Caller{}, false
	}
	return Caller{c.address}, true
}

// Network is what counts as one caller: an IPv4 address (/32) or an IPv6 /64.
func (c Caller) Network() netip.Prefix { return c.address.network }

// Admits counts a request against Limits.RequestsPerAddress, and one that costs a
// lot against Limits.Logins too; false if it is over one of them.
func (c Caller) Admits(now time.Time, costly bool) bool {
	return c.address.requests.AllowN(now, 1) && (!costly || c.address.logins.AllowN(now, 1))
}

// Background runs fn as part of the service, whose Run waits for it; not any more
// once it drains, when everything is closed anyway: then it returns false.
func (s *Service) Background(fn func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.live.Go(fn)
	return true
}

// Stopping is closed when the service begins to drain: who waits for something
// gives up then.
func (s *Service) Stopping() <-chan struct{} { return s.stopping }

// Connections is how many WebSocket connections are open.
func (s *Service) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Limits are those in force: the given ones, and the defaults.
func (s *Service) Limits() Limits { return s.limits }

// Resume makes up for what Nodes could not do while they were gone.
func (s *Service) Resume() {
	if s.hub.nodes != nil {
		s.hub.resume()
	}
}
